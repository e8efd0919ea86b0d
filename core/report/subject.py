"""What a report or a table is of."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core import versions
from core.batch import devices, told_left_out, versions_used
from core.case import Case, absolute
from core.discoveries import alarms, attacked
from core.errors import ImageError
from core.imageio import decode_image, load_image
from core.listed import LogEntry, Record, Remark
from core.manifest import Manifest
from core.opened import ground_of
from core.progress import CancelToken
from core.records import json_parts
from core.tables import csv_parts
from core.together import of_records
from core.types import FloatArray, Heatmap

Heatmaps = Callable[[Record, FloatArray], Heatmap | None]
"""From a record and its pixels [C, H, W] to where the perturbation lies."""


def own_heatmap(record: Record, _: FloatArray) -> Heatmap | None:
    """The heatmap that the record came with."""
    return record.finding.heatmap if record.finding else None


@dataclass(frozen=True, slots=True)
class Subject:
    """Records with all that is told about them.

    device:   that judged them, in words.
    remarks:  by the record's path.
    case:     path of the case they are of; empty where there is none.
    log:      of that case.
    left_out: what is said of files in their folders that are no images.
    program:  the versions that judged them; by default this program's.
    pictures: float32 [C, H, W] in [0, 1] by the record's path; a record without one gets no picture. Only those that
              are shown are asked for, one at a time.
    heatmaps: makes one from a record and its pixels; by default the record's own.
    part:     whether they were picked out of others, as by their answers.
    waiting:  how many other files are not among them, for they were not judged yet.
    """

    records: Sequence[Record]
    manifest: Manifest
    device: str
    remarks: Mapping[str, Remark] = field(default_factory=dict)
    case: str = ""
    log: Sequence[LogEntry] = ()
    left_out: str = ""
    program: str = field(default_factory=versions.told)
    pictures: Mapping[str, FloatArray] = field(default_factory=dict)
    heatmaps: Heatmaps = own_heatmap
    part: bool = False
    waiting: int = 0

    @property
    def attacked(self) -> int | None:
        """:func:`core.discoveries.attacked` of them; None of a part, for which that would be no rate."""
        if self.part:
            return None
        return attacked(alarms(one.finding.attribution for one in self.records if one.finding is not None).values())

    def json_parts(self) -> Iterator[bytes]:
        """:func:`core.records.json_parts` of all of it."""
        return json_parts(
            self.records, self.manifest, self.device, self.remarks, case=self.case, left_out=self.left_out,
            program=self.program, attacked=self.attacked, together=of_records(self.records),
        )  # fmt: skip

    def csv_parts(self) -> Iterator[bytes]:
        """:func:`core.tables.csv_parts` of all of it."""
        return csv_parts(self.records, self.manifest, self.remarks)

    def within_reach(self) -> list[Record]:
        """Those whose files may be read for pictures: not on other computers that a case alone vouches for."""
        if not self.case:
            return list(self.records)
        ground = ground_of(Path(self.case), self.log)
        return [record for record in self.records if ground.allows(record.path)]


def of_case(case: Case, wanted: Container[str] | None = None) -> Subject:
    """What a case holds, without pictures. wanted: the paths of the records, if not all."""
    everything = list(case.records())
    records = everything if wanted is None else [record for record in everything if record.path in wanted]
    log, path = case.log(), absolute(case.path)
    return Subject(
        records, case.manifest, devices(log), case.remarks(), path, log, told_left_out(log), versions_used(log),
        part=len(records) < len(everything),
    )  # fmt: skip


class Pictures(Mapping[str, FloatArray]):
    """The pixels that were judged, read again one by one so that a large folder need not fit into memory.

    cancel: asked before each of them, so that a report can be given up; raises Cancelled. pasted: bytes of images that
    are no files, by the paths of their records.
    """

    def __init__(
        self,
        records: Sequence[Record],
        cancel: CancelToken | None = None,
        pasted: Mapping[str, bytes] | None = None,
    ) -> None:
        self._cancel, self._pasted = cancel or CancelToken(), pasted or {}
        self._hashes = {record.path: record.sha256 for record in records if record.status == "ok"}

    def __getitem__(self, path: str) -> FloatArray:
        self._cancel.check()
        sha256 = self._hashes[path]
        try:
            image = decode_image(self._pasted[path], path) if path in self._pasted else load_image(path)
        except ImageError as error:
            raise KeyError(path) from error
        if image.sha256 != sha256:
            raise KeyError(path)  # changed since it was judged: another picture
        return image.pixels

    def __iter__(self) -> Iterator[str]:
        return iter(self._hashes)

    def __len__(self) -> int:
        return len(self._hashes)
