"""What a session has on screen: one row's image at once, and its heatmap when the worker has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from app.error_words import in_words
from app.images.row import Row
from app.layers import Look, Scene
from app.requests import Entry, ViewAnswer, ViewRequest, error_record
from app.sentence import changed_text
from core.listed import Record
from core.types import Heatmap, LoadedImage

if TYPE_CHECKING:
    from app.session import Session

_PATIENCE = 150
"""Milliseconds for which the last image may stand beside the next one's answer: a shorter gap would only flicker."""


class Viewing(QObject):
    """The current row of one session, and the scene that is made of it."""

    scene_changed = Signal(object)
    row_changed = Signal()
    """The current row, or its record, is now another."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.scene = Scene()
        self.current: int | None = None
        self._image: LoadedImage | None = None  # the current row's once it is read; it may not be ready to paint yet
        self._asked: ViewRequest | None = None  # what the worker was asked last about it, unless it failed
        self._answer: ViewAnswer | None = None
        self._late = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._late.timeout.connect(lambda: self._empty(self.tr("Loading…")))
        session.reader.read.connect(self._read)
        session.reader.loaded.connect(self._loaded)
        session.reader.second_loaded.connect(self._second_loaded)
        session.worker.viewed.connect(self._answered)
        session.images.rowsRemoved.connect(self._forget_removed)

    @property
    def row(self) -> Row | None:
        return None if self.current is None else self.session.images.row_of(self.current)

    @property
    def is_shown(self) -> bool:
        """Whether the scene is the current row's, and not still that of the row before."""
        return self._image is not None and self.scene.image is self._image

    @property
    def was_changed(self) -> bool:
        """Whether the row's answer is of other bytes than its image."""
        row, image = self.row, self._image
        if row is None or image is None or row.record is None:
            return False
        return row.record.sha256 not in (None, image.sha256)

    @property
    def look(self) -> Look:
        s = self.session.settings
        return Look(
            s.number("viewer/opacity"), s.number("viewer/gain"), s.flag("viewer/gain_fits"),
            s.text("viewer/sequential"), s.text("viewer/diverging"),
        )  # fmt: skip

    def keep_look(self, look: Look) -> None:
        settings = self.session.settings
        settings["viewer/opacity"] = look.opacity
        settings["viewer/gain"], settings["viewer/gain_fits"] = look.gain, look.fits
        settings["viewer/sequential"] = look.sequential
        settings["viewer/diverging"] = look.diverging

    def show(self, key: int | None) -> None:
        """Put one row on screen, or none."""
        self.current = key
        self._image = self._asked = self._answer = None
        self._late.stop()
        row = self.row
        if row is None:
            self._empty("")
        else:
            self.session.reader.load(row.entry)
            if row.record is not None and row.record.error:  # most likely it cannot be read
                self._empty(in_words(row.record.error))
            else:
                self._late.start()
        self.row_changed.emit()

    def compare_with(self, entry: Entry | None) -> None:
        """Take a second image for differences, or none."""
        if entry is None:
            self.session.reader.forget_second()
            self._show(replace(self.scene, second=None))
        else:
            self.session.reader.load_second(entry)

    def ask(self) -> None:
        """For the answer and the heatmap of what is on screen, unless it is there or on its way."""
        row, image = self.row, self._image
        if row is None or image is None:
            return
        desk = self.session.desk
        if self.was_changed:
            if self.is_shown:
                self._show(replace(self.scene, heatmap=None, reason=changed_text()))
                self.row_changed.emit()
        elif desk.case is not None and not desk.can_fill:
            if self.is_shown:
                text = self.tr("No heatmap: this machine has not the pack {pack} of the case.")
                self._show(replace(self.scene, reason=text.format(pack=desk.case.manifest.pack_id)))
        elif not (self.is_shown and self.scene.heatmap) and not self.session.packs.is_looking_at(row.entry):
            request = ViewRequest(self.session.setup, row.entry, image, self.session.coverage)
            asked = self._asked
            if asked is None or replace(asked, coverage=request.coverage) != request:  # that is told anew elsewhere
                self._asked = request
                self.session.worker.view(request)

    def told(self, keys: Sequence[int]) -> None:
        """These rows have other records now."""
        if self.current in keys:
            is_coming = self._image is not None and not self.is_shown
            if self.was_changed or (self._judged and self.scene.reason and not is_coming):
                self.show(self.current)
                return
            if self._judged != self.scene.judged:
                self._show(self.scene)
            self.row_changed.emit()

    def withdraw(self) -> None:
        """Take the heatmap away, which the pack in use did not make."""
        self._answer = None
        self._show(replace(self.scene, heatmap=None))

    def fail(self, reason: str) -> None:
        """Say why there is no answer."""
        self._asked = None
        if self.scene.image is not None:
            self._show(replace(self.scene, reason=reason))
        self.row_changed.emit()

    def _read(self, entry: Entry, image: LoadedImage) -> None:
        if entry.key == self.current:
            self._image = image
            self.ask()

    def _loaded(self, entry: Entry, image: LoadedImage | str, base: QImage) -> None:
        if entry.key != self.current:
            return
        self._late.stop()
        if isinstance(image, str):
            if self.session.desk.case is None and not self._judged:  # an answer stays, though its file is gone
                self.session.images.set_records([(entry.key, error_record(entry, image))])
            self._empty(in_words(image))
            self.row_changed.emit()
            return
        status = self.session.status
        reason = status.reason if status.phase == "failed" else ""
        self._show(Scene(image, base, None, self.scene.second, reason))
        self._draw()
        self.ask()

    def _second_loaded(self, image: LoadedImage | str) -> None:
        if isinstance(image, str):
            self.session.message.emit(in_words(image))
        else:
            self._show(replace(self.scene, second=image))

    def _answered(self, answer: ViewAnswer) -> None:
        request = answer.request
        if request.setup != self.session.setup:
            return
        if self.session.desk.case is None:  # a case's own answers stand, whatever the last digit is today
            self.session.keep([(request.entry.key, answer.record.bare)])
        if request.entry.key == self.current:
            self._answer = answer
            self._draw()

    def _draw(self) -> None:
        """Show the heatmap that was made of the image on screen."""
        answer = self._answer
        if answer is not None and answer.request.image is self.scene.image:
            heatmap, reason = self._map_of(answer.record)
            self._show(replace(self.scene, heatmap=heatmap, reason=reason))

    def _map_of(self, answer: Record) -> tuple[Heatmap | None, str]:
        """The heatmap that may stand beside the current row's answer, or why there is none."""
        found = answer.finding
        if found is None:
            return None, in_words(answer.error or "")
        kept = self.row.record if self.row is not None else None
        heatmap = found.heatmap if kept is None else kept.map_of(found)
        if heatmap is None and found.heatmap is not None:
            return None, self.tr("No heatmap: judged again, the image gets another answer than the one that is kept.")
        return heatmap, ""

    def _empty(self, reason: str) -> None:
        """Show no image."""
        self._show(Scene(second=self.scene.second, reason=reason))

    @property
    def _judged(self) -> bool:
        return self.row is not None and self.row.attribution is not None

    def _show(self, scene: Scene) -> None:
        self.scene = replace(scene, judged=self._judged)
        self.scene_changed.emit(self.scene)

    def _forget_removed(self) -> None:
        if self.current is not None and self.row is None:
            QTimer.singleShot(0, self, lambda: self.show(self.current) if self.row is None else None)
