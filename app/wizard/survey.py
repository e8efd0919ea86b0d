"""A look at the clean images, away from the GUI thread: what there is, with a few samples to see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.error_words import in_words
from app.reader import Reader, bytes_to_qimage
from app.wizard.looks import Looks
from core.errors import MissingFilesError, WorkbenchError
from training.api import survey_images

if TYPE_CHECKING:
    from training.api import Survey

_PAUSE = 400
"""Milliseconds after the last key before a path that is being typed is looked at."""


class Surveyor(QObject):
    """Looks at what was asked for last; an earlier answer is dropped."""

    found = Signal(object)
    """A Survey."""
    failed = Signal(str)
    """The reason."""
    lacking = Signal(object)
    """The names of files of the data set that are not there."""

    def __init__(self, reader: Reader, parent: QObject) -> None:
        super().__init__(parent)
        self._looks = Looks(reader, self)
        self._asked: tuple[str, str] | None = None
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE)
        self._timer.timeout.connect(self._look)
        self._looks.told.connect(self._tell)

    def ask(self, source: str, path: str) -> None:
        """source: as a scenario names it; path: its folder, empty where it has none."""
        self._asked = source, path
        self._timer.start()

    def stop(self) -> None:
        self._asked = None
        self._timer.stop()

    def _look(self) -> None:
        if self._asked is None:
            return
        source, path = self._asked

        def work() -> Survey | WorkbenchError:
            try:
                return survey_images(source, Path(path) if path else None)
            except WorkbenchError as error:
                return error

        self._looks.look(self._asked, work)

    def _tell(self, asked: tuple[str, str], answer: Survey | WorkbenchError) -> None:
        if asked != self._asked:
            return
        if isinstance(answer, MissingFilesError):
            self.lacking.emit(answer.files)
        elif isinstance(answer, WorkbenchError):
            self.failed.emit(in_words(str(answer)))
        else:
            self.found.emit(answer)


class Samples(QWidget):
    """A row of small images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: list[QImage] = []
        self.setFixedHeight(56)
        self.setAccessibleName(self.tr("Sample images"))

    def show_samples(self, survey: Survey | None) -> None:
        self._images = [bytes_to_qimage(sample) for sample in survey.samples] if survey is not None else []
        self.setAccessibleDescription(self.tr("{n} samples").format(n=len(self._images)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = self.height()
        for at, image in enumerate(self._images[: self.width() // (side + 4)]):
            painter.drawImage(QRectF(at * (side + 4), 0, side, side), image)
