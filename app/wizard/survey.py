"""A look into a folder of images, away from the GUI thread: what is in it, with a few samples to see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QRectF, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.reader import Reader
from core.errors import WorkbenchError
from training.api import survey_images

if TYPE_CHECKING:
    from training.api import Survey

_PAUSE = 400
"""Milliseconds after the last key before a path that is being typed is looked at."""


class Surveyor(QObject):
    """Looks at the path asked for last; an earlier one's answer is dropped."""

    found = Signal(str, object)
    """Path and Survey."""
    failed = Signal(str, str)
    """Path and reason."""

    def __init__(self, reader: Reader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self._path = ""
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE)
        self._timer.timeout.connect(self._look)

    def ask(self, path: str) -> None:
        self._path = path
        self._timer.start()

    def stop(self) -> None:
        self._path = ""
        self._timer.stop()

    def _look(self) -> None:
        path = self._path

        def work() -> None:
            try:
                survey: Survey = survey_images(Path(path))
            except WorkbenchError as error:
                self._tell(path, str(error))
            else:
                self._tell(path, survey)

        self._reader.submit(work)

    def _tell(self, path: str, answer: Survey | str) -> None:
        """On the reader's thread; signals carry it over."""
        if path != self._path:
            return
        if isinstance(answer, str):
            self.failed.emit(path, answer)
        else:
            self.found.emit(path, answer)


class Samples(QWidget):
    """A row of small images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: list[QImage] = []
        self.setFixedHeight(56)
        self.setAccessibleName(self.tr("Sample images"))

    def show_samples(self, survey: Survey | None) -> None:
        self._images = [_picture(sample) for sample in survey.samples] if survey is not None else []
        self.setAccessibleDescription(self.tr("{n} samples").format(n=len(self._images)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = self.height()
        for at, image in enumerate(self._images[: self.width() // (side + 4)]):
            painter.drawImage(QRectF(at * (side + 4), 0, side, side), image)


def _picture(sample: np.ndarray) -> QImage:
    """uint8 [3, H, W] as an image of its own memory."""
    rows = np.ascontiguousarray(sample.transpose(1, 2, 0))
    height, width = rows.shape[:2]
    return QImage(rows.data, width, height, rows.strides[0], QImage.Format.Format_RGB888).copy()
