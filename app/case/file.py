"""The file of an open case, on a thread of its own: SQLite waits for disks, and a big case takes a while to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.requests import HeatmapRequest, Setup
from core.errors import Cancelled, CaseError, PackError
from core.progress import CancelToken
from core.types import NO_REMARK, FloatArray, Heatmap, LoadedImage, Record, Remark

if TYPE_CHECKING:
    from core.case import Case
    from core.manifest import Manifest
    from core.report.facets import Facets

_CHUNK = 500
"""Records that are handed to the window at once: what it draws of them must not make it wait."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A case that is now open. pack: the name or file of its pack on this machine, None where it is not there."""

    path: Path
    manifest: Manifest
    coverage: float
    facets: Facets
    pack: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file of the case; one that still waits has no record."""

    path: str
    record: Record | None
    remark: Remark = NO_REMARK
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """What is written out, to a file whose suffix says how. paths: of the files wanted, all for None."""

    target: Path
    paths: frozenset[str] | None
    setup: Setup | None
    """Which pack draws the heatmaps; none are drawn without one."""

    token: CancelToken


class CaseFile(QObject):
    """Each method returns at once; what comes of it is told by signals."""

    opened = Signal(object)
    loaded = Signal(object)
    """list of Loaded, in the case's order."""
    complete = Signal(int)
    """Everything was loaded; how many files are not in the case, of those under what was opened for it."""
    known = Signal(object)
    """Path to Remark, of every file that is in the case after a run."""
    logged = Signal(object)
    """The case's log, as it was asked for."""
    exporting = Signal(int)
    """Cards of a report that were drawn."""
    exported = Signal(str)
    failed = Signal(object)
    """The exception, whether a user can mend it or not."""

    def __init__(self, ask_heatmap: Callable[[HeatmapRequest], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ask_heatmap = ask_heatmap
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="case file")
        self._case: Case | None = None

    def open(self, path: Path, setup: Setup) -> None:
        def work() -> None:
            from core.case import Case  # noqa: PLC0415  (pydantic)

            self._take(Case(path), setup)

        self._run(work)

    def create(self, path: Path, setup: Setup, coverage: float) -> None:
        """A new case of the pack in use, in place of none."""

        def work() -> None:
            from core.case import Case  # noqa: PLC0415  (pydantic)
            from core.pack import find_pack, read_manifest  # noqa: PLC0415

            self._take(Case.create(path, read_manifest(find_pack(setup.pack)), coverage), setup)

        self._run(work)

    def close(self) -> None:
        self._run(self._close)

    def note_opened(self, paths: Sequence[str], subfolders: bool) -> None:
        """Log what the files that follow were found under, so that a run that is cut off can be gone on with."""

        def work() -> None:
            from core.batch import note_opened  # noqa: PLC0415  (pydantic)

            note_opened(self._open_case, paths, subfolders)

        self._run(work)

    def set_remarks(self, remarks: Mapping[str, Remark]) -> None:
        self._run(lambda: self._open_case.set_remarks(remarks))

    def ask_known(self) -> None:
        """Which files are in the case: a run may have found some again under other names."""

        def work() -> None:
            remarks = self._open_case.remarks()
            self.known.emit({path: remarks.get(path, NO_REMARK) for path in self._open_case.paths()})

        self._run(work)

    def ask_log(self) -> None:
        self._run(lambda: self.logged.emit(self._open_case.log()))

    def export(self, wanted: Export) -> None:
        self._run(lambda: self._export(wanted))

    def stop(self) -> None:
        """Close the case and end the thread."""
        self.close()
        self._thread.shutdown(wait=True)

    # On the thread.

    @property
    def _open_case(self) -> Case:
        if self._case is None:
            raise CaseError("The case was closed.", "Open it again.")
        return self._case

    def _take(self, case: Case, setup: Setup) -> None:
        from core.batch import left_over  # noqa: PLC0415  (pydantic)
        from core.report.facets import Facets  # noqa: PLC0415

        self._close()
        self._case = case
        facets = Facets(case.manifest)
        self.opened.emit(Opened(case.path, case.manifest, case.coverage, facets, _pack_of(case, setup)))
        remarks, records = case.remarks(), case.records()
        while chunk := list(islice(records, _CHUNK)):
            self.loaded.emit([Loaded(r.path, r, remarks.get(r.path, NO_REMARK), facets.places(r)) for r in chunk])
        waiting = left_over(case)
        self.loaded.emit([Loaded(str(path), None) for path in waiting])
        self.complete.emit(len(waiting))

    def _close(self) -> None:
        if self._case is not None:
            self._case.close()
            self._case = None

    def _export(self, wanted: Export) -> None:
        from core.report import export, is_report  # noqa: PLC0415  (Jinja)
        from core.report.subject import Pictures, of_case  # noqa: PLC0415

        subject = of_case(self._open_case, wanted.paths)
        if is_report(wanted.target):
            heatmaps = _Heatmaps(self._ask_heatmap, wanted, self.exporting.emit)
            subject = replace(subject, pictures=Pictures(subject.records), heatmaps=heatmaps)
        export(wanted.target, subject)
        self._open_case.write_log("exported", f"{len(subject.records)} files to {wanted.target}")
        self.exported.emit(str(wanted.target))

    def _run(self, work: Callable[[], None]) -> None:
        def told() -> None:
            try:
                work()
            except (Cancelled, CancelledError):
                pass
            except Exception as error:
                self.failed.emit(error)

        self._thread.submit(told)


class _Heatmaps:
    """Heatmaps of a report, made by the thread that owns the device; here is where a report can be cancelled."""

    def __init__(self, ask: Callable[[HeatmapRequest], None], wanted: Export, tell: Callable[[int], None]) -> None:
        self._ask, self._wanted, self._tell = ask, wanted, tell
        self._drawn = 0

    def __call__(self, record: Record, pixels: FloatArray) -> Heatmap | None:
        self._wanted.token.check()
        self._drawn += 1
        self._tell(self._drawn)
        if self._wanted.setup is None:
            return None
        image = LoadedImage(record.path, record.sha256 or "", pixels, "", 8, False)
        request = HeatmapRequest(self._wanted.setup, image)
        self._ask(request)
        return request.answer.result()


def _pack_of(case: Case, setup: Setup) -> str | None:
    """The pack that made the case: the one in use, or another of this machine."""
    from core.pack import find_pack, list_packs, read_manifest  # noqa: PLC0415  (pydantic)

    try:
        if read_manifest(find_pack(setup.pack)).weights_sha256 == case.manifest.weights_sha256:
            return setup.pack
    except PackError:
        pass
    same = (p for p in list_packs() if p.manifest and p.manifest.weights_sha256 == case.manifest.weights_sha256)
    return next((pack.path.stem for pack in same), None)
