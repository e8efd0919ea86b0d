"""Reads files away from the GUI thread: whole images, thumbnails; runs other work that takes long."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from app.requests import Entry
from core.errors import Cancelled, WorkbenchError
from core.progress import CancelToken
from core.types import FloatArray, LoadedImage

THUMBNAIL = 96
"""Longest side of a thumbnail in device pixels: 48 on a 2x screen."""
_AT_ONCE = 2**18
"""Values of an image that are turned into bytes at once."""
_WAITING = 200
"""Thumbnails that wait to be made: several screens of rows."""


def to_qimage(pixels: FloatArray) -> QImage:
    """float32 [C, H, W] in [0, 1] to an 8-bit QImage that owns its memory."""
    levels = np.empty(pixels.shape, np.uint8)
    rows = max(1, _AT_ONCE // max(1, pixels[:, 0].size))
    for top in range(0, pixels.shape[1], rows):  # a photograph in floats is large enough once
        part = slice(top, top + rows)
        levels[:, part] = np.clip(pixels[:, part], 0.0, 1.0) * 255.0 + 0.5
    return bytes_to_qimage(levels)


def bytes_to_qimage(pixels: NDArray[np.uint8]) -> QImage:
    """uint8 [1 or 3, H, W] to a QImage that owns its memory."""
    grey = len(pixels) == 1
    array = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    height, width = array.shape[:2]
    kind = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
    return QImage(array.data, width, height, width * len(pixels), kind).copy()  # a single pixel has any strides


def thumbnail_of(image: LoadedImage) -> QImage:
    """Fitted into a THUMBNAIL square; small images keep hard pixel edges, and of large ones only some rows and columns
    are looked at.
    """
    step = max(1, max(image.size) // (4 * THUMBNAIL))
    picture = to_qimage(image.pixels[:, ::step, ::step])
    small = max(picture.width(), picture.height()) < THUMBNAIL
    how = Qt.TransformationMode.FastTransformation if small else Qt.TransformationMode.SmoothTransformation
    return picture.scaled(QSize(THUMBNAIL, THUMBNAIL), Qt.AspectRatioMode.KeepAspectRatio, how)


class Reader(QObject):
    """A pool of two threads for the eye, whose latest thumbnails are made first, and one of two for what takes long."""

    read = Signal(object, object)
    """Entry and its LoadedImage, which ``loaded`` tells once it is ready to paint."""
    loaded = Signal(object, object, QImage)
    """Entry; a LoadedImage or the sentence that says why there is none; the image ready to paint."""
    second_loaded = Signal(object)
    """A LoadedImage to compare with, or the sentence that says why there is none."""
    _second_read = Signal(object, object)
    """Entry, and what ``second_loaded`` tells of it if it is still wanted."""
    thumbnailed = Signal(int, object)
    """Entry key and thumbnail: a null image when there is none, None when so many were asked for since that it waits no
    more."""
    crashed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._eye, self._long = QThreadPool(self), QThreadPool(self)
        for pool in (self._eye, self._long):
            pool.setMaxThreadCount(2)
        self._lock = threading.Lock()
        self._wanted: dict[int, Entry] = {}
        self._latest: Entry | None = None
        self._second: Entry | None = None
        self._second_read.connect(self._tell_second)
        self._closing = CancelToken()

    def load(self, entry: Entry) -> None:
        """Read one image for the viewer; a newer request replaces one not yet begun."""
        self._latest = entry
        self._start(self._eye, lambda: self._load(entry), priority=1)

    def load_second(self, entry: Entry) -> None:
        """Read the second image of a comparison; of several that are being read, the one asked for last is told."""
        self._second = entry
        self._start(self._eye, lambda: self._load_second(entry), priority=1)

    def forget_second(self) -> None:
        """Do not tell the second image that is being read."""
        self._second = None

    def thumbnail(self, entry: Entry) -> None:
        with self._lock:
            jobs = len(self._wanted)
            self._wanted.pop(entry.key, None)
            self._wanted[entry.key] = entry
            late = self._wanted.pop(next(iter(self._wanted))) if len(self._wanted) > _WAITING else None
            more = len(self._wanted) > jobs
        if late is not None:
            self.thumbnailed.emit(late.key, None)
        if more:  # else one that was asked for before leaves its turn
            self._start(self._eye, self._thumbnail)

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work``, which may take long, beside what is shown; an exception in it reaches ``crashed``."""
        self._start(self._long, work)

    def _start(self, pool: QThreadPool, work: Callable[[], None], priority: int = 0) -> None:
        def guarded() -> None:
            if self._closing.cancelled:
                return
            try:
                work()
            except Cancelled:
                pass
            except Exception as error:
                self.crashed.emit(error)

        pool.start(guarded, priority)

    def stop(self) -> None:
        self._closing.cancel()
        for pool in (self._eye, self._long):
            pool.clear()
            pool.waitForDone()

    def _load(self, entry: Entry) -> None:
        if entry is not self._latest:
            return
        try:
            image = entry.load()
        except WorkbenchError as error:
            self.loaded.emit(entry, str(error), QImage())
        else:
            self.read.emit(entry, image)
            self.loaded.emit(entry, image, to_qimage(image.pixels))

    def _load_second(self, entry: Entry) -> None:
        if entry is not self._second:
            return
        try:
            self._second_read.emit(entry, entry.load())
        except WorkbenchError as error:
            self._second_read.emit(entry, str(error))

    def _tell_second(self, entry: Entry, image: LoadedImage | str) -> None:
        if entry is self._second:
            self.second_loaded.emit(image)

    def _thumbnail(self) -> None:
        with self._lock:
            if not self._wanted:
                return
            _, entry = self._wanted.popitem()
        try:
            picture = thumbnail_of(entry.load())
        except WorkbenchError:
            picture = QImage()
        self.thumbnailed.emit(entry.key, picture)
