"""Reports and tables of what is open, a case or a mere list of images, written on a thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, overload

from PySide6.QtCore import QObject, Signal

from app.chores import Chore
from app.requests import HeatmapRequest, Setup
from core.errors import Cancelled, WorkbenchError
from core.files import check_writable
from core.listed import Record
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.types import FloatArray, Heatmap, LoadedImage

if TYPE_CHECKING:
    from app.session import Session
    from core.report.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """What is written out, to a file whose suffix says how.

    setup: which pack draws the heatmaps; none are drawn without one. waiting: how many images are left out, for they
    were not judged yet. pasted: bytes of images that are no files, by the paths of their records. tell: how many
    heatmaps are drawn.
    """

    target: Path
    setup: Setup | None
    waiting: int
    pasted: Mapping[str, bytes]
    tell: ProgressCallback
    token: CancelToken = field(default_factory=CancelToken)


class Exports(QObject):
    """What a session writes out, one after the other."""

    _ended = Signal(object, object)
    """The Export, and the exception that ended it or None."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._pending: dict[Export, Chore] = {}
        self._ended.connect(self._end)

    @property
    def is_busy(self) -> bool:
        return bool(self._pending)

    def export(self, target: Path, keys: Iterable[int] | None = None) -> None:
        """Write what is open, or some of its rows, to a .html, .pdf, .csv or .json file, after those asked for before.

        A case is gathered on its own thread, so that a tag need not wait for a report.
        """
        session, case = self._session, self._session.desk.case
        try:
            check_writable(target)
        except WorkbenchError as error:  # which would else be found out when all is drawn
            session.crashed.emit(error)
            return
        found = (session.images.row_of(key) for key in keys or ())
        rows = session.images.rows if keys is None else [row for row in found if row is not None]
        setup = session.setup if case is None or case.pack is not None else None
        pasted = {row.entry.path: row.entry.data for row in rows if row.entry.data is not None}
        waiting = sum(row.record is None for row in rows)
        chore = session.chores.begin(self.tr("Writing {name}").format(name=target.name), self.cancel)
        wanted = Export(target, setup, waiting, pasted, session.chores.teller(chore))
        self._pending[wanted] = chore
        if case is None:
            records = [row.record for row in rows if row.record is not None]
            part = len(rows) < len(session.images.rows)
            self._submit(wanted, partial(_of_list, records, session.setup, session.status.device, part))
        else:
            paths = None if keys is None else frozenset(row.entry.path for row in rows)
            unable = partial(self._ended.emit, wanted)
            session.desk.file.gather(case.path, paths, lambda subject: self._submit(wanted, lambda: subject), unable)

    def cancel(self) -> None:
        """Drop what is being written, and what waits for that, and say so."""
        if not self._pending:
            return
        dropped, self._pending = self._pending, {}
        for wanted, chore in dropped.items():
            wanted.token.cancel()
            self._session.chores.end(chore)
        names = ", ".join(wanted.target.name for wanted in dropped)
        self._session.message.emit(self.tr("Not written: {names}").format(names=names))

    def stop(self) -> None:
        self.cancel()
        self._writer.shutdown(wait=True)

    def _submit(self, wanted: Export, gathered: Callable[[], Subject]) -> None:
        def work() -> None:
            try:
                wanted.token.check()
                self._write(wanted, gathered())
            except (Cancelled, CancelledError):
                pass
            except Exception as error:
                self._ended.emit(wanted, error)

        wanted.token.check()
        self._writer.submit(work)

    # On the writer's thread.

    def _write(self, wanted: Export, subject: Subject) -> None:
        from core.report import export, is_report  # noqa: PLC0415  (Jinja)
        from core.report.subject import Pictures  # noqa: PLC0415  (pydantic)

        subject = replace(subject, records=_Heeding(subject.records, wanted.token), waiting=wanted.waiting)
        if is_report(wanted.target):
            heatmaps = _Heatmaps(self._session.worker.ask_heatmap, wanted, subject.records)
            pictures = Pictures(subject.within_reach(), wanted.token, wanted.pasted)
            subject = replace(subject, pictures=pictures, heatmaps=heatmaps)
        export(wanted.target, subject)
        done = partial(self._ended.emit, wanted, None)
        if subject.case:
            told = f"{len(subject.records)} files to {wanted.target}"
            unable = partial(self._ended.emit, wanted)
            self._session.desk.file.note(Path(subject.case), "exported", told, done, unable)
        else:
            done()

    # What comes of it.

    def _end(self, wanted: Export, error: Exception | None) -> None:
        chore = self._pending.pop(wanted, None)
        if chore is None:  # it was cancelled meanwhile
            return
        self._session.chores.end(chore)
        if error is not None:
            self._session.crashed.emit(error)
        else:
            text = self.tr("Saved {path}").format(path=wanted.target)
            if wanted.waiting:
                text += " · " + self.tr("not in it, for they still wait: {n}").format(n=f"{wanted.waiting:,}")
            self._session.message.emit(text)


class _Heeding(Sequence[Record]):
    """Records that are gone through as long as nobody has called off what they are wanted for; raises Cancelled."""

    def __init__(self, records: Sequence[Record], token: CancelToken) -> None:
        self._records, self._token = records, token

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, at: int) -> Record: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...

    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        self._token.check()
        return self._records[at]


class _Heatmaps:
    """Heatmaps of a report, made by the thread that owns the device."""

    def __init__(self, ask: Callable[[HeatmapRequest], None], wanted: Export, records: Sequence[Record]) -> None:
        from core.report.summary import choose_cards  # noqa: PLC0415  (pydantic)

        self._ask, self._wanted = ask, wanted
        drawn = sum(record.finding is not None for record in choose_cards(records))
        self._meter = ProgressMeter("report", drawn, wanted.tell)

    def __call__(self, record: Record, pixels: FloatArray) -> Heatmap | None:
        self._meter.advance(1)
        if self._wanted.setup is None:
            return None
        image = LoadedImage(record.path, record.sha256 or "", pixels, "", 8, False)
        request = HeatmapRequest(self._wanted.setup, image)
        self._ask(request)
        found = request.answer.result()
        return None if found is None else record.map_of(found)


def _of_list(records: Sequence[Record], setup: Setup, device: str, part: bool) -> Subject:
    from core.pack import find_pack, read_manifest  # noqa: PLC0415  (pydantic)
    from core.report.subject import Subject  # noqa: PLC0415

    return Subject(records, read_manifest(find_pack(setup.pack)), device, part=part)
