"""The file of an open case, on a thread of its own: SQLite waits for disks, and a big case takes a while to read."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.requests import Setup
from core.errors import Cancelled, CaseError, PackError
from core.listed import NO_REMARK, Record, Remark
from core.progress import CancelToken
from core.types import Basis

if TYPE_CHECKING:
    from core.case import Case
    from core.manifest import Fit, Manifest
    from core.opened import Ground, Place
    from core.report.facets import Facets
    from core.report.subject import Subject

_CHUNK = 500
"""Records that are handed to the window at once: what it draws of them must not make it wait."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A case that is now open.

    pack: the name or file of its pack on this machine, None where it is not there.
    cut_off: whether its last run was killed.
    elsewhere: what its log says was opened for it, and not by this user where it lies now. ground: what was.
    basis: what its answers rest on, None while it has no answers.
    fit: how it fits images of another size, None for the pack's own way.
    recovered: what its log says of how it was recovered from a damaged one; empty for any other.
    """

    path: Path
    manifest: Manifest
    coverage: float
    facets: Facets
    pack: str | None
    cut_off: bool
    elsewhere: tuple[Place, ...]
    ground: Ground
    basis: Basis | None
    fit: Fit | None
    recovered: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file of the case; one that still waits has no record."""

    path: str
    record: Record | None
    remark: Remark = NO_REMARK
    places: tuple[int, ...] = ()


class CaseFile(QObject):
    """Each method returns at once; what comes of it is told by signals.

    What is done to a case is done to the one at the path that is given: while another is being read, the window still
    shows the one before.
    """

    opened = Signal(object)
    loaded = Signal(object)
    """list of Loaded, in the case's order."""
    complete = Signal(int)
    """Everything was loaded; how many files are not in the case, of those under what this user opened for it."""
    known = Signal(object, object, int)
    """Path of the case; path to Remark, of every file that is in it after a run; what ``writes`` was when that was
    asked for."""
    logged = Signal(object)
    """The case's log, as it was asked for."""
    unreadable = Signal(object)
    """Why a case could not be opened or made, as an exception."""
    unsaved = Signal(object, object)
    """Notes that could not be written, list of str, and why."""
    failed = Signal(object)
    """Why anything else could not be done, whether a user can mend it or not."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="case file")
        self._case: Case | None = None
        self._ending = False
        self._reading = CancelToken()
        self.writes = 0
        """How often tags and notes were handed over to be written."""

    def open(self, path: Path, setup: Setup) -> None:
        def work() -> None:
            from core.case import Case  # noqa: PLC0415  (pydantic)

            self._take(Case(path), setup)

        self._run(work, self.unreadable.emit)

    def create(self, path: Path, setup: Setup, coverage: float) -> None:
        """A new case of the pack in use, at the nearest coverage that it is calibrated for, in place of none."""

        def work() -> None:
            from core.case import Case  # noqa: PLC0415  (pydantic)
            from core.pack import find_pack, read_manifest  # noqa: PLC0415

            manifest = read_manifest(find_pack(setup.pack))
            self._take(Case.create(path, manifest, manifest.calibration.nearest(coverage)), setup)

        self._run(work, self.unreadable.emit)

    def close(self) -> None:
        """Stop reading the case, if that is not over, and close it."""
        self._reading.cancel()
        self._run(self._close)

    def note_opened(self, case: Path, paths: Sequence[str], subfolders: bool) -> None:
        """Log what the files that follow were found under, so that a run that is cut off can be gone on with."""

        def work() -> None:
            from core.batch import note_opened  # noqa: PLC0415  (pydantic)

            with self._at(case) as held:
                note_opened(held, paths, subfolders)

        self._run(work)

    def note_left_out(self, case: Path, counts: Mapping[str, int]) -> None:
        """Log how many files beside those that were found are no images, by suffix."""

        def work() -> None:
            from core.batch import note_left_out  # noqa: PLC0415  (pydantic)

            with self._at(case) as held:
                note_left_out(held, counts)

        self._run(work)

    def set_remarks(
        self, case: Path, tags: Mapping[str, str], notes: Mapping[str, str], before: Mapping[str, Remark]
    ) -> None:  # fmt: skip
        """Write them, by path, where the case still has those of ``before``; if they cannot be, ``known`` tells what
        stands there.
        """
        self.writes += 1
        writes = self.writes

        def work() -> None:
            with self._at(case) as held:
                try:
                    held.set_remarks(tags=tags, notes=notes, known=before)
                except CaseError:
                    self._tell_known(held, writes)
                    raise

        def unable(error: Exception) -> None:
            self.unsaved.emit(list(dict.fromkeys(filter(None, notes.values()))), error)

        self._run(work, unable)

    def ask_known(self, case: Path) -> None:
        """Which files are in the case: a run may have found some again under other names."""
        writes = self.writes

        def work() -> None:
            with self._at(case) as held:
                self._tell_known(held, writes)

        self._run(work)

    def ask_log(self, case: Path) -> None:
        def work() -> None:
            with self._at(case) as held:
                self.logged.emit(held.log())

        self._run(work)

    def gather(
        self, case: Path, paths: Container[str] | None, then: Callable[[Subject], None],
        unable: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        """What the case holds, or of these paths alone, is given to ``then`` on this thread."""

        def work() -> None:
            from core.report.subject import of_case  # noqa: PLC0415  (pydantic)

            with self._at(case) as held:
                then(of_case(held, paths))

        self._run(work, unable)

    def note(
        self, case: Path, action: str, told: str, then: Callable[[], None] = lambda: None,
        unable: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        """Log what was done with the case."""

        def work() -> None:
            with self._at(case) as held:
                held.write_log(action, told)
            then()

        self._run(work, unable)

    def stop(self) -> None:
        """Close the case and end the thread."""
        self._ending = True
        self._reading.cancel()
        self.close()
        self._thread.shutdown(wait=True)

    # On the thread.

    @contextmanager
    def _at(self, path: Path) -> Iterator[Case]:
        """The case at this path, opened for the moment where it is not the open one, or no longer."""
        from core.case import Case  # noqa: PLC0415  (pydantic)

        if self._case is not None and self._case.path == path:
            yield self._case
        else:
            with Case(path) as case:
                yield case

    def _take(self, case: Case, setup: Setup) -> None:
        try:
            opened = _look_into(case, setup)
        except BaseException:  # the one that is open stays so
            case.close()
            raise
        self._close()
        self._case, self._reading = case, CancelToken()
        self.opened.emit(opened)
        try:
            waiting = self._load(case, opened.facets, self._reading)
        except Cancelled:  # it was closed meanwhile
            waiting = 0
        if not self._ending:
            self.complete.emit(waiting)

    def _load(self, case: Case, facets: Facets, cancel: CancelToken) -> int:
        """Hand over its rows, then the files that wait, and count those."""
        from core.batch import left_over  # noqa: PLC0415  (pydantic)

        if self._ending:
            raise Cancelled
        remarks, records, lost = case.remarks(), case.records(), 0
        while chunk := list(islice(records, _CHUNK)):
            cancel.check()
            self.loaded.emit([_loaded(record, remarks.get(record.path, NO_REMARK), facets) for record in chunk])
            lost += sum(record.waits for record in chunk)
        waiting = left_over(case, cancel)
        self.loaded.emit([Loaded(str(path), None) for path in waiting])
        return lost + len(waiting)

    def _close(self) -> None:
        if self._case is not None:
            self._case.close()
            self._case = None

    def _tell_known(self, case: Case, writes: int) -> None:
        remarks = case.remarks()
        self.known.emit(case.path, {path: remarks.get(path, NO_REMARK) for path in case.paths()}, writes)

    def _run(self, work: Callable[[], None], unable: Callable[[Exception], None] | None = None) -> None:
        def told() -> None:
            try:
                work()
            except (Cancelled, CancelledError):
                pass
            except Exception as error:
                (unable or self.failed.emit)(error)

        self._thread.submit(told)


def _loaded(record: Record, remark: Remark, facets: Facets) -> Loaded:
    if record.waits:
        return Loaded(record.path, None, remark)
    return Loaded(record.path, record, remark, facets.places(record))


def _look_into(case: Case, setup: Setup) -> Opened:
    from core.batch import has_answers, opened_elsewhere, was_cut_off  # noqa: PLC0415  (pydantic)
    from core.case_log import recovered_in  # noqa: PLC0415
    from core.report.facets import Facets  # noqa: PLC0415

    pack = _pack_of(case, setup)
    basis = case.basis() if has_answers(case) else None
    fit = _fit_of(case, pack) if pack is not None else None
    cut_off, elsewhere = was_cut_off(case), tuple(opened_elsewhere(case))
    facets = Facets(case.manifest)
    return Opened(
        case.path, case.manifest, case.coverage, facets, pack, cut_off, elsewhere, case.ground(), basis, fit,
        recovered_in(case.log()),
    )  # fmt: skip


def _fit_of(case: Case, pack: str) -> Fit | None:
    from core.pack import find_pack, read_manifest  # noqa: PLC0415  (pydantic)

    fit = case.manifest.image.fit
    return None if read_manifest(find_pack(pack)).image.fit == fit else fit


def _pack_of(case: Case, setup: Setup) -> str | None:
    """The pack that made the case: the one in use, or another of this machine."""
    from core.pack import find_pack, find_pack_of, read_manifest  # noqa: PLC0415  (pydantic)

    try:
        if read_manifest(find_pack(setup.pack)).sha256 == case.manifest.sha256:
            return setup.pack
    except PackError:
        pass
    found = find_pack_of(case.manifest)
    return None if found is None else found.stem
