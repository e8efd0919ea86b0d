"""What is open and the work done on it. Windows show a session; they own none of its work.

All of it lives on the GUI thread. The worker and the reader answer through signals, and an answer to a question that
is no longer asked is dropped here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage, QUndoStack

from app.case.desk import CaseDesk
from app.image_list import ImageListModel, Row
from app.layers import Look, Scene
from app.pack_guide import PackGuide
from app.reader import Reader
from app.requests import (
    BatchAnswer,
    BatchRequest,
    CaseRequest,
    Entry,
    Factory,
    Setup,
    ViewAnswer,
    ViewRequest,
    error_record,
)
from app.settings import Settings
from app.tasks import Worker, make_attributor
from app.undo import RemoveRows
from core.paths import DEFAULT_PACK
from core.progress import Progress
from core.types import LoadedImage, Record


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

    scene_changed = Signal(object)
    shown_changed = Signal()
    """The current row, or its record, is now another."""
    status_changed = Signal(object)
    opened = Signal(object)
    """Keys of the rows that were opened, whether new or already there."""
    devices_found = Signal(object)
    crashed = Signal(object)
    message = Signal(str)
    """A sentence for the user that is no answer, such as why a second image cannot be used."""

    def __init__(self, settings: Settings, factory: Factory = make_attributor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.images = ImageListModel(self)
        self.undo = QUndoStack(self)
        self.status = Status()
        self.scene = Scene()
        self.current: int | None = None
        self._on_screen: int | None = None  # whose image the scene shows; the current row's follows once it is read
        self.gpus: tuple[tuple[str, str], ...] = ()
        self.new_keys = count(1)
        self._pack = ""  # in use in place of what the settings say
        self._judged = False
        self._batches: list[BatchRequest | CaseRequest] = []
        self.reader = Reader(self)
        self.worker = Worker(factory, self)
        self.desk = CaseDesk(self)
        self.packs = PackGuide(self)
        self._wire()

    def _wire(self) -> None:
        self.images.thumbnail_wanted.connect(self.reader.thumbnail)
        self.reader.thumbnailed.connect(self.images.set_thumbnail)
        self.reader.scanned.connect(self._add_found)
        self.reader.loaded.connect(self._image_loaded)
        self.reader.reference_loaded.connect(self._reference_loaded)
        self.reader.crashed.connect(self.crashed)
        self.worker.crashed.connect(self.crashed)
        self.worker.refused.connect(self.crashed)
        self.worker.devices_found.connect(self._devices_found)
        self.worker.loading.connect(lambda _: self._tell(phase="loading", reason=""))
        self.worker.ready.connect(self._worker_ready)
        self.worker.failed.connect(self._worker_failed)
        self.worker.viewed.connect(self._view_answered)
        self.worker.judged.connect(self._batch_answered)
        self.worker.progressed.connect(self._batch_progressed)
        self.worker.batch_ended.connect(self._batch_ended)
        self.images.rowsRemoved.connect(self._forget_removed)

    @property
    def setup(self) -> Setup:
        s = self.settings
        victims = _files(s.text("attribution/victims"))
        pack = self._pack or s.text("attribution/pack") or DEFAULT_PACK
        device, ask = s.text("attribution/device"), s.flag("attribution/ask")
        case = self.desk.case
        only, fit = (None, None) if case is None else (case.asked, case.fit)
        return Setup(pack, device, ask, victims, only, fit)

    @property
    def may_take_pack(self) -> bool:
        """Whether another pack can be used unasked: nobody ever chose one, and this session has given no answer yet."""
        return not self._judged and not self.settings.text("attribution/pack")

    @property
    def coverage(self) -> float:
        if self.desk.case is not None:
            return self.desk.case.coverage
        return self.settings.number("attribution/coverage")

    @property
    def look(self) -> Look:
        s = self.settings
        return Look(
            s.number("viewer/opacity"), s.number("viewer/gain"), s.text("viewer/sequential"), s.text("viewer/diverging")
        )

    def keep_look(self, look: Look) -> None:
        self.settings["viewer/opacity"] = look.opacity
        self.settings["viewer/gain"] = look.gain
        self.settings["viewer/sequential"] = look.sequential
        self.settings["viewer/diverging"] = look.diverging

    # Life.

    def start(self) -> None:
        """Begin work. Called once the window has been painted, for it imports torch."""
        if not self.worker.isRunning():
            self.worker.start()
            self.worker.prepare(self.setup)

    def stop(self) -> None:
        """Drop what waits and end both kinds of thread."""
        self.reader.stop()
        self.worker.stop()
        self.desk.stop()
        self.settings.flush()

    # Opening.

    def open_paths(self, paths: Sequence[str], *, subfolders: bool | None = None, remember: bool = True) -> None:
        """Files and folders, found in the background; ``opened`` tells when they are in the list."""
        if not paths:
            return
        if remember:
            for path in reversed(paths):
                self.settings.add_recent(str(Path(path).absolute()))
        deep = self.settings.flag("files/subfolders") if subfolders is None else subfolders
        if self.desk.takes(paths, deep):
            return
        self.reader.scan([str(Path(path).absolute()) for path in paths], deep)

    def open_bytes(self, name: str, data: bytes) -> None:
        """An image without a file, such as a pasted one."""
        if self.desk.case is not None:
            self.message.emit(self.tr("A case holds files only. Save the image first, and open it."))
            return
        self._add([Entry(next(self.new_keys), name, data)])

    def _add_found(self, paths: Sequence[str]) -> None:
        known = self.images.keys_by_path()
        fresh = [Entry(next(self.new_keys), path) for path in paths if path not in known]
        again = [known[path] for path in paths if path in known]
        self._add(fresh, again)
        if self.desk.case is not None and again:  # they may have been changed since
            self.judge_again(again)

    def _add(self, entries: Sequence[Entry], again: Sequence[int] = ()) -> None:
        self.images.append([Row(entry) for entry in entries])
        if self.desk.case is not None:  # whose pack is settled
            self._judge(entries)
        if entries:
            self.packs.look(entries)
        self.opened.emit([*(entry.key for entry in entries), *again])

    def remove(self, keys: Sequence[int], text: str) -> None:
        if keys:
            self.undo.push(RemoveRows(self, keys, text))

    # Judging.

    def judge_missing(self) -> None:
        """Ask for every row without an answer that nobody is working on."""
        self.judge_waiting([row.entry for row in self.images.rows])

    def judge_waiting(self, entries: Iterable[Entry]) -> None:
        """The same of these entries, as far as they are still open."""
        asked = {path for batch in self._batches for path in batch.paths}
        rows = [row for entry in entries if (row := self.images.row_of(entry.key)) is not None]
        self._judge([row.entry for row in rows if row.record is None and row.entry.path not in asked])
        if any(row.entry.key == self.current for row in rows):
            self._ask_view()

    def judge_again(self, keys: Iterable[int]) -> None:
        rows = [row for key in keys if (row := self.images.row_of(key)) is not None]
        if self.desk.case is None:  # a case keeps what it knows, and looks for itself what has changed
            self.images.set_records((row.entry.key, None) for row in rows)
        self._judge([row.entry for row in rows])
        self._ask_view()

    def cancel(self) -> None:
        """Stop waiting work between two batches; rows not judged yet stay in the list."""
        self.worker.cancel_batches()
        self.desk.cancel_export()
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
        self._ask_view()

    def set_setup(self, setup: Setup) -> None:
        """Another pack, device or other victims to ask. All but another device judges everything again."""
        old = self.setup
        same = replace(setup, device=old.device) == old
        if self.desk.case is not None and not same:
            text = self.tr("The answers of a case are of one pack and the same victims. Close the case to use others.")
            self.message.emit(text)
            return
        if setup.pack != old.pack:
            self.settings["attribution/pack"], self._pack = setup.pack, ""
        self.settings["attribution/device"], self.settings["attribution/ask"] = setup.device, setup.ask
        self.settings["attribution/victims"] = json.dumps(setup.victims)
        if setup != old or self.status.phase == "failed":
            self._begin_again(keep_answers=same)

    def use_pack(self, pack: str) -> None:
        """A case's, or one that fits what is open: used until another is, while the settings keep what was chosen."""
        if pack != self.setup.pack:
            self._pack = pack
            self._begin_again(keep_answers=False)

    def _begin_again(self, *, keep_answers: bool) -> None:
        """With a setup that is now another."""
        self.cancel()
        self.worker.prepare(self.setup)
        if not keep_answers:
            self.packs.withdraw()
            self.images.set_records((row.entry.key, None) for row in self.images.rows)
            self._show(replace(self.scene, heatmap=None))
        self.judge_missing()
        self.shown_changed.emit()

    def _judge(self, entries: Sequence[Entry]) -> None:
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
        return BatchRequest(self.setup, tuple(entries), self.coverage, self.worker.token())

    # Viewing.

    def show(self, key: int | None) -> None:
        """Put one row on screen: its image at once, its heatmap when the worker has it."""
        self.current = key
        row = None if key is None else self.images.row_of(key)
        if row is None:
            self._show(Scene(reference=self.scene.reference))
        else:
            self.reader.load(row.entry)
        self.shown_changed.emit()

    @property
    def current_row(self) -> Row | None:
        return None if self.current is None else self.images.row_of(self.current)

    def compare_with(self, entry: Entry | None) -> None:
        """Take a second image for differences, or none."""
        if entry is None:
            self._show(replace(self.scene, reference=None))
        else:
            self.reader.load_reference(entry)

    def _image_loaded(self, entry: Entry, image: LoadedImage | str, base: QImage) -> None:
        if entry.key != self.current:
            return
        self._on_screen = entry.key
        if isinstance(image, str):
            if self.desk.case is None:
                self.images.set_records([(entry.key, error_record(entry, image))])
            self._show(Scene(reference=self.scene.reference, reason=image))
            self.shown_changed.emit()
            return
        reason = self.status.reason if self.status.phase == "failed" else ""
        self._show(Scene(image, base, None, self.scene.reference, reason))
        self._ask_view()

    def _reference_loaded(self, image: LoadedImage | str) -> None:
        if isinstance(image, str):
            self.message.emit(image)
        else:
            self._show(replace(self.scene, reference=image))

    def _ask_view(self) -> None:
        row, image = self.current_row, self.scene.image
        if row is None or image is None or self._on_screen != self.current or self.packs.is_looking_at(row.entry):
            return
        self.worker.view(ViewRequest(self.setup, row.entry, image, self.coverage))

    def _show(self, scene: Scene) -> None:
        self.scene = scene
        self.scene_changed.emit(scene)

    # Answers.

    def _view_answered(self, answer: ViewAnswer) -> None:
        request = answer.request
        if request.setup != self.setup:
            return
        heatmap = answer.record.finding.heatmap if answer.record.finding else None
        if self.desk.case is None:  # a case's own answers stand, whatever the last digit is today
            self.keep([(request.entry.key, _without_heatmap(answer.record))])
        if request.entry.key == self.current and request.image is self.scene.image:
            self._show(replace(self.scene, heatmap=heatmap, reason=answer.record.error or ""))

    def _batch_answered(self, answer: BatchAnswer) -> None:
        if answer.request.setup == self.setup:
            self.keep([(entry.key, record) for entry, record in answer.records])
        if any(batch is answer.request for batch in self._batches):  # not cancelled since
            self._tell(waiting=max(0, self.status.waiting - len(answer.records)))

    def keep(self, records: Sequence[tuple[int, Record]]) -> None:
        self._judged = self._judged or any(record.finding is not None for _, record in records)
        self.images.set_records(records)
        if any(key == self.current for key, _ in records):
            self.shown_changed.emit()

    def _batch_progressed(self, progress: Progress) -> None:
        if not self._batches:
            return
        if isinstance(self._batches[0], CaseRequest):  # which looks itself how many files wait
            later = sum(len(batch.paths) for batch in self._batches[1:])
            left = max(progress.total - progress.done, 1)  # the last files are not in the case before its run ends
            self._tell(progress=progress, waiting=left + later)
        else:
            self._tell(progress=progress)

    def _batch_ended(self, request: BatchRequest | CaseRequest) -> None:
        self._batches = [batch for batch in self._batches if batch is not request]
        if not self._batches:
            self._tell(waiting=0, progress=None, paused=False)
        if isinstance(request, CaseRequest):
            self.desk.ended(request)

    def _devices_found(self, gpus: tuple[tuple[str, str], ...]) -> None:
        self.gpus = gpus
        self.devices_found.emit(gpus)

    def _worker_ready(self, setup: Setup, device: str) -> None:
        self._tell(phase="ready", device=device, reason="")

    def _worker_failed(self, setup: Setup, reason: str) -> None:
        self._batches.clear()
        reason = reason or self.tr(
            "The program failed on this. Help, Log says more; Image, Attribute again tries again."
        )
        self._tell(phase="failed", device="", reason=reason, waiting=0, progress=None, paused=False)
        if self.scene.image is not None:
            self._show(replace(self.scene, reason=reason))
        self.shown_changed.emit()

    def _forget_removed(self) -> None:
        if self.current is not None and self.images.row_of(self.current) is None:
            QTimer.singleShot(0, self, lambda: self.show(self.current) if self.current_row is None else None)

    def _tell(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        self.status_changed.emit(self.status)


def _without_heatmap(record: Record) -> Record:
    """What the list keeps: a heatmap is as large as its image."""
    return replace(record, finding=replace(record.finding, heatmap=None)) if record.finding else record


def _files(text: str) -> tuple[str, ...]:
    """The list of files in a setting; none where somebody else wrote there."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()
