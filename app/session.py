"""What is open and the work done on it. Windows show a session; they own none of its work.

All of it lives on the GUI thread. The worker and the reader answer through signals, and an answer to a question that
is no longer asked is dropped here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.case.desk import CaseDesk
from app.case.verifying import Verifying
from app.chores import Chore, Chores
from app.error_words import in_words
from app.exports import Exports
from app.images.model import ImageListModel
from app.judging import make_attributor
from app.known_clean import KnownClean
from app.opening import Opening
from app.pack_guide import PackGuide
from app.reader import Reader
from app.requests import BatchAnswer, BatchRequest, CaseRequest, Entry, Factory, Setup
from app.retelling import Retelling
from app.settings import Settings
from app.tasks import Worker
from app.undo import RemoveRows
from app.viewing import Viewing
from core.listed import Record
from core.paths import DEFAULT_PACK
from core.progress import Progress


@dataclass(frozen=True, slots=True)
class Status:
    """What the status bar says. phase: "starting", "loading", "ready" or "failed"."""

    phase: str = "starting"
    device: str = ""
    reason: str = ""
    waiting: int = 0
    progress: Progress | None = None
    paused: bool = False


class Session(QObject):
    """Owns the list, the worker, the reader and the settings."""

    status_changed = Signal(object)
    devices_found = Signal(object)
    crashed = Signal(object)
    came_back = Signal(int)
    """The key of the row that was looked at when it was removed, and is there again."""
    message = Signal(str)
    """A sentence for the user that is no answer, such as why a second image cannot be used."""

    def __init__(self, settings: Settings, factory: Factory = make_attributor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.images = ImageListModel(self)
        self.undo = QUndoStack(self)
        self.status = Status()
        self.gpus: tuple[tuple[str, str], ...] = ()
        self.new_keys = count(1)
        self._pack = ""  # in use in place of what the settings say
        self._judged = False
        self._batches: list[BatchRequest | CaseRequest] = []
        self.reader = Reader(self)
        self.worker = Worker(factory, self)
        self.retelling = Retelling(self)
        self.chores = Chores(self.reader, self)
        self.desk = CaseDesk(self)
        self.known_clean = KnownClean(self)
        self.verifying = Verifying(self)
        self.exports = Exports(self)
        self.packs = PackGuide(self)
        self.opening = Opening(self)
        self.viewing = Viewing(self)
        self._wire()

    def _wire(self) -> None:
        self.settings.changed.connect(self._setting_changed)
        self.images.thumbnail_wanted.connect(self.reader.thumbnail)
        self.reader.thumbnailed.connect(self.images.set_thumbnail)
        self.reader.crashed.connect(self.crashed)
        self.chores.stopped.connect(self._tell_stopped)
        self.worker.crashed.connect(self.crashed)
        self.worker.refused.connect(self.crashed)
        self.worker.devices_found.connect(self._devices_found)
        self.worker.loading.connect(self._worker_loading)
        self.worker.ready.connect(self._worker_ready)
        self.worker.failed.connect(self._worker_failed)
        self.worker.judged.connect(self._batch_answered)
        self.worker.progressed.connect(self._batch_progressed)
        self.worker.batch_ended.connect(self._batch_ended)

    @property
    def setup(self) -> Setup:
        s = self.settings
        victims = _listed(s.text("attribution/victims"))
        pack = self._pack or s.text("attribution/pack") or DEFAULT_PACK
        device, ask = s.text("attribution/device"), s.flag("attribution/ask")
        case = self.desk.case
        settled, fit = (None, None) if case is None else (case.basis, case.fit)
        only = None if settled is None else tuple(settled.asked)
        said = _listed(s.text("attribution/closed-set"))
        closed = said[1:] if said[:1] == (pack,) else ()
        if settled is not None:
            closed = tuple(settled.asked) if settled.closed else ()
        known = self.known_clean.judged_by(pack, ask, victims) if settled is None else settled.reference
        return Setup(pack, device, ask, victims, only, fit, closed, known)

    @property
    def may_take_pack(self) -> bool:
        """Whether another pack can be used unasked: nobody ever chose one, and this session has given no answer yet."""
        return not self._judged and not self.settings.text("attribution/pack")

    @property
    def coverage(self) -> float:
        if self.desk.case is not None:
            return self.desk.case.coverage
        return self.settings.number("attribution/coverage")

    # Life.

    def start(self) -> None:
        """Begin work. Called once the window has been painted, for it imports torch."""
        if not self.worker.isRunning():
            self.worker.start()
            self.worker.prepare(self.setup)

    def stop(self) -> None:
        """Drop what waits and end both kinds of thread."""
        self.chores.stop()
        self.reader.stop()
        self.worker.stop()
        self.exports.stop()
        self.desk.file.stop()
        self.settings.flush()

    def remove(self, keys: Sequence[int], text: str) -> None:
        if keys:
            self.undo.push(RemoveRows(self, keys, text))

    # Judging.

    def judge_missing(self) -> None:
        """Ask for every row without an answer that nobody is working on."""
        self.judge_waiting([row.entry for row in self.images.rows])
        self.retelling.soon()  # rows that come back have the answers with which they were removed

    def judge_waiting(self, entries: Iterable[Entry]) -> None:
        """The same of these entries, as far as they are still open."""
        asked: set[int | str] = set()  # by key: a file that was removed and opened again is another row
        for batch in self._batches:
            asked.update(batch.paths if isinstance(batch, CaseRequest) else (entry.key for entry in batch.entries))
        rows = [row for entry in entries if (row := self.images.row_of(entry.key)) is not None]
        waiting = [row.entry for row in rows if row.record is None]
        if any(row.entry.key == self.viewing.current for row in rows):
            self.viewing.ask()  # first, so that what is looked at is judged once, and with its heatmap
        self.judge([entry for entry in waiting if entry.key not in asked and entry.path not in asked])

    def judge_again(self, keys: Sequence[int]) -> None:
        """As the files are now: their pictures are read again, too."""
        rows = [row for key in keys if (row := self.images.row_of(key)) is not None]
        self.images.renew_thumbnails(keys)
        if self.desk.case is None:  # a case keeps what it knows, and looks for itself what has changed
            self.images.set_records((row.entry.key, None) for row in rows)
        self.judge([row.entry for row in rows])
        if self.viewing.current in keys:
            self.viewing.show(self.viewing.current)

    def cancel(self) -> None:
        """Stop waiting work between two batches, and all work beside; rows not judged yet stay in the list."""
        self.stop_judging()
        self.chores.stop()

    def stop_judging(self) -> None:
        """Stop waiting work between two batches. Work beside it, such as a report of what was open, goes on."""
        self.worker.cancel_batches()
        self.packs.stop()
        self._batches.clear()
        self._tell(waiting=0, progress=None, paused=False)

    def pause(self, paused: bool) -> None:
        """Stand still between two batches, or go on. What is opened meanwhile waits too."""
        paused = paused and self.status.waiting > 0
        self.worker.pause_batches(paused)
        self._tell(paused=paused)

    def set_coverage(self, coverage: float) -> None:
        self.settings["attribution/coverage"] = coverage

    def set_setup(self, setup: Setup) -> None:
        """Another pack, device, other victims to ask or other known clean images. Everything is judged again, but for
        another device; and beside other clean images answers are told anew.
        """
        old = self.setup
        same = replace(setup, device=old.device, reference=old.reference) == old
        if self.desk.case is not None and replace(setup, device=old.device) != old:
            text = self.tr("The answers of a case are of one pack and the same victims. Close the case to use others.")
            self.message.emit(text)
            return
        if setup.pack != old.pack:
            self.settings["attribution/pack"], self._pack = setup.pack, ""
        self.settings["attribution/device"], self.settings["attribution/ask"] = setup.device, setup.ask
        self.settings["attribution/victims"] = json.dumps(setup.victims)
        if setup.closed != old.closed:  # whoever can have been attacked, it is said of one pack's kind of images
            self.settings["attribution/closed-set"] = json.dumps([setup.pack, *setup.closed] if setup.closed else [])
        self.known_clean.keep(old, setup)
        if same and setup.device == old.device and setup != old and self.status.phase != "failed":
            self._refer()
        elif setup != old or self.status.phase == "failed":
            self._begin_again(keep_answers=same)

    def prefer_pack(self, pack: str) -> None:
        """Use it from now on, or where a case is open, which keeps to its own, the next time that none is."""
        if self.desk.case is None:
            self.set_setup(replace(self.setup, pack=pack))
        else:
            self._pack, self.settings["attribution/pack"] = self.setup.pack, pack

    def use_pack(self, pack: str) -> None:
        """A case's, or one that fits what is open: used until another is, while the settings keep what was chosen."""
        old = self.setup
        if pack != old.pack:
            self._pack = pack
            self.known_clean.follow(old)
            self._begin_again(keep_answers=False)

    def _begin_again(self, *, keep_answers: bool) -> None:
        """With a setup that is now another."""
        self.stop_judging()
        self.worker.prepare(self.setup)
        if not keep_answers:
            self.packs.withdraw()
            self.images.set_records((row.entry.key, None) for row in self.images.rows)
            self.viewing.withdraw()
        self.judge_missing()
        self.viewing.row_changed.emit()
        self.known_clean.changed.emit()

    def _refer(self) -> None:
        """Beside known clean images that are now others: what is on its way is judged so, the rest told so."""
        batches, self._batches = self._batches, []
        self.worker.cancel_batches()
        self.worker.prepare(self.setup)
        entries = [entry for batch in batches if isinstance(batch, BatchRequest) for entry in batch.entries]
        rows = [row for entry in entries if (row := self.images.row_of(entry.key)) is not None]
        self._tell(waiting=0, progress=None)
        self.judge([row.entry for row in rows if row.record is None])  # paused, if what was on its way was
        self._tell(paused=self.status.paused and self.status.waiting > 0)
        self.viewing.ask()  # a heatmap may be on its way, too
        self.retelling.now()
        self.known_clean.changed.emit()

    def judge(self, entries: Sequence[Entry]) -> None:
        request = self._request(entries) if entries else None
        if request is None:
            return
        if self.status.paused:
            request.token.pause()
        self._batches.append(request)
        self.worker.enqueue(request)
        self._tell(waiting=self.status.waiting + len(entries))

    def _request(self, entries: Sequence[Entry]) -> BatchRequest | CaseRequest | None:
        if self.desk.case is not None:
            return self.desk.request(entries)
        return BatchRequest(self.setup, tuple(entries), self.coverage, self.images.row_of, self.worker.token())

    # Answers.

    def _batch_answered(self, answer: BatchAnswer) -> None:
        if answer.request.setup == self.setup:
            self.keep([(entry.key, record) for entry, record in answer.records])
        if any(batch is answer.request for batch in self._batches):  # not cancelled since
            self._tell(waiting=max(0, self.status.waiting - len(answer.records)))

    def keep(self, records: Sequence[tuple[int, Record]]) -> None:
        self._judged = self._judged or any(record.finding is not None for _, record in records)
        self.images.set_records(records)
        self.viewing.told([key for key, _ in records])
        telling = self.retelling.telling
        if not all(telling.holds(record) for _, record in records):
            self.retelling.soon()

    def _batch_progressed(self, progress: Progress) -> None:
        if not self._batches:
            return
        later = sum(batch.files for batch in self._batches[1:])
        waiting = progress.total - progress.done + later
        if isinstance(self._batches[0], CaseRequest):  # which looks itself how many files wait
            waiting = max(waiting, later + 1)  # the last files are not in the case before its run ends
        else:  # what was taken from the list is passed over, and never answered
            waiting = min(waiting, self.status.waiting)
        self._tell(progress=progress, waiting=waiting)

    def _batch_ended(self, request: BatchRequest | CaseRequest, whole: bool) -> None:
        ended = whole and any(batch is request for batch in self._batches)  # and was not cancelled
        self._batches = [batch for batch in self._batches if batch is not request]
        if not self._batches:
            self._tell(waiting=0, progress=None, paused=False)
        if isinstance(request, CaseRequest):
            self.desk.ended(request)
        elif ended:
            self.judge_waiting(request.entries)  # such as were taken from the list, passed over, and are back

    def _devices_found(self, gpus: tuple[tuple[str, str], ...]) -> None:
        self.gpus = gpus
        self.devices_found.emit(gpus)

    def _tell_stopped(self, chore: Chore) -> None:
        self.message.emit(self.tr("Stopped: {what}").format(what=chore.what))

    def _setting_changed(self, key: str) -> None:
        if key == "attribution/coverage":
            self.retelling.soon()

    def _worker_loading(self, setup: Setup) -> None:
        if setup == self.setup:  # and not that of a report that was begun before
            self._tell(phase="loading", reason="")

    def _worker_ready(self, setup: Setup, device: str) -> None:
        if setup == self.setup:
            self._tell(phase="ready", device=device, reason="")

    def _worker_failed(self, setup: Setup, reason: str) -> None:
        if setup != self.setup:  # another was chosen since, and may do
            return
        self._batches.clear()
        reason = in_words(reason) or self.tr(
            "The program failed on this. Help, Log says more; Image, Attribute again tries again."
        )
        self._tell(phase="failed", device="", reason=reason, waiting=0, progress=None, paused=False)
        self.viewing.fail(reason)

    def _tell(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        self.status_changed.emit(self.status)


def _listed(text: str) -> tuple[str, ...]:
    """The list in a setting; an empty one where somebody else wrote there."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()
