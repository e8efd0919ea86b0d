"""Whether the files of a case are still those that were judged: each is read and hashed again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from core.errors import ImageError
from core.imageio import read_bytes
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.report.subject import Subject


@dataclass(frozen=True, slots=True)
class Verified:
    """Paths of the files whose bytes are others by now, and that are gone; for those that cannot be read a sentence.

    unchanged: how many are as they were. never_read: how many had no hash to compare with. elsewhere: how many were not
    looked at, for they are on other computers, and this user did not open them for the case.
    """

    unchanged: int = 0
    never_read: int = 0
    elsewhere: int = 0
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

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
    changed, gone, unreadable = list[str](), list[str](), list[str]()
    for record in records:
        if cancel is not None:
            cancel.check()
        if record.sha256 is None:
            counts["never_read"] += 1
        else:
            try:  # as they were read to be judged: what is no file, such as a pipe, may never end
                data, _ = read_bytes(record.path)
            except ImageError as error:
                if isinstance(error.__cause__, FileNotFoundError):
                    gone.append(record.path)
                else:
                    unreadable.append(str(error))
            else:
                same = hashlib.sha256(data).hexdigest() == record.sha256
                counts["unchanged"] += same
                changed += [] if same else [record.path]
        meter.advance(1)
    return Verified(**counts, changed=changed, gone=gone, unreadable=unreadable)
