"""What a list, a table or a case holds of each file, and a case of what was done with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from core.types import Finding, Heatmap


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file was when it was read.

    bytes: its length. modified_ns, read_ns: when it was last changed, and when it was read and hashed, in nanoseconds
    since 1970 (UTC).
    format, width, height, bits, lossy: as in :class:`LoadedImage`, None where the pixels were not decoded, because
    they cannot be or because the same bytes were judged before.
    """

    bytes: int
    modified_ns: int
    read_ns: int
    format: str | None = None
    width: int | None = None
    height: int | None = None
    bits: int | None = None
    lossy: bool | None = None


LOST = "The answer about it was lost where the case was damaged. Attribute it again."
"""The error of a file in a case that was recovered (:mod:`core.case_recovery`)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a list, a table or a JSON file: a path and either a finding or the reason why there is none."""

    path: str
    sha256: str | None
    status: Literal["ok", "error"]
    error: str | None
    finding: Finding | None
    facts: FileFacts | None = None

    @property
    def waits(self) -> bool:
        """Whether it is to be judged, as nothing that is known of it tells."""
        return self.error == LOST

    @property
    def bare(self) -> Record:
        """The same without its heatmap, which is as large as the image."""
        return replace(self, finding=replace(self.finding, heatmap=None)) if self.finding else self

    def map_of(self, found: Finding) -> Heatmap | None:
        """The heatmap of the same image judged again; records do not keep theirs.

        None where that answer is another than the record's, for lack of a victim that was asked: the map goes by it.
        """
        if self.finding is None:
            return None
        own, other = self.finding.attribution, found.attribution
        same = (own.attack.label, own.victim.label) == (other.attack.label, other.victim.label)
        return found.heatmap if same else None


@dataclass(frozen=True, slots=True)
class Remark:
    """What the analyst put beside one file."""

    tag: str = ""
    note: str = ""


NO_REMARK = Remark()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What was done when; ``time`` is ISO 8601 in UTC."""

    time: str
    action: str
    detail: str
