"""Whether the files of a case are still those that were judged: each is read and hashed again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.report.subject import Subject


@dataclass(frozen=True, slots=True)
class Verified:
    """Paths of the files whose bytes are others by now, that are gone, and that cannot be read, with the reason.

    unchanged: how many are as they were. never_read: how many had no hash to compare with. elsewhere: how many were not
    looked at, for they are on other computers, and this user did not open them for the case.
    """

    unchanged: int = 0
    never_read: int = 0
    elsewhere: int = 0
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def all_as_they_were(self) -> bool:
        return not (self.changed or self.gone or self.unreadable)

    def in_words(self) -> str:
        parts = (
            (self.unchanged, "unchanged"), (len(self.changed), "changed"), (len(self.gone), "gone"),
            (len(self.unreadable), "not readable now"), (self.never_read, "never read, so that there is no hash"),
            (self.elsewhere, "on other computers, not opened for this case by you"),
        )  # fmt: skip
        return ", ".join(f"{number:,} {what}" for number, what in parts if number or what == "unchanged")


def verify(
    subject: Subject, progress: ProgressCallback = lambda _: None, cancel: CancelToken | None = None
) -> Verified:
    """Read the file of every record that may be read. Raises Cancelled between two files after ``cancel``."""
    records = subject.within_reach()
    meter = ProgressMeter("verifying", len(records), progress)
    counts = {"unchanged": 0, "never_read": 0, "elsewhere": len(subject.records) - len(records)}
    changed, gone, unreadable = list[str](), list[str](), list[tuple[str, str]]()
    for record in records:
        if cancel is not None:
            cancel.check()
        if record.sha256 is None:
            counts["never_read"] += 1
        else:
            try:
                with Path(record.path).open("rb") as file:
                    same = hashlib.file_digest(file, "sha256").hexdigest() == record.sha256
            except FileNotFoundError:
                gone.append(record.path)
            except OSError as error:
                unreadable.append((record.path, error.strerror or str(error)))
            else:
                counts["unchanged"] += same
                changed += [] if same else [record.path]
        meter.advance(1)
    return Verified(**counts, changed=changed, gone=gone, unreadable=unreadable)
