"""A strip of the newest adversarial examples and their perturbations, read from the parts as they are written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.reader import bytes_to_qimage

_PAUSE = 2.0
"""Seconds between two looks into the folder."""
_SHOWN = 12
Pixels = NDArray[np.uint8]


def newest(data: Path) -> Path | None:
    """The part of an attack's training examples that was written last."""
    parts = [path for path in data.glob("*/*/train/*.safetensors") if path.parent.parent.parent.name != "clean"]
    return max(parts, key=lambda path: path.stat().st_mtime_ns, default=None)


def read_examples(path: Path, count: int = _SHOWN) -> tuple[Pixels, Pixels, str]:
    """The first adversarial images and their clean twins, uint8 [n, C, H, W], and whose they are."""
    from safetensors import safe_open  # noqa: PLC0415

    with safe_open(path, "np") as part:
        slices = [part.get_slice(name) for name in ("adversarial", "clean")]
        adversarial, clean = (_first(found, count) for found in slices)
    victim, attack = path.parts[-4], path.parts[-3]
    return adversarial, clean, f"{attack.split('-mtaa')[0].upper()} · {victim}"


def _first(found: Any, count: int) -> Pixels:
    """The first rows of a stored array; a batch in which nothing fooled its victim has none, and takes no slice."""
    rows, *shape = found.get_shape()
    return found[: min(count, rows)] if rows else np.zeros((0, *shape), np.uint8)


class ExampleStrip(QWidget):
    """Images above, |perturbation| below, the strongest change of each in full colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._part: Path | None = None
        self._looked = 0.0
        self._images: list[tuple[QImage, QImage]] = []
        self._whose = ""
        self.setFixedHeight(108)
        self.setAccessibleName(self.tr("Examples as they are made"))

    def watch(self, folder: Path) -> None:
        self._folder, self._part, self._looked = folder, None, 0.0

    def look(self) -> None:
        """Show the newest part, if there is one that is not shown yet; a run's folder may go at any moment."""
        from safetensors import SafetensorError  # noqa: PLC0415

        if self._folder is None or time.monotonic() - self._looked < _PAUSE:
            return
        self._looked = time.monotonic()
        try:
            part = newest(self._folder)
            if part is None or part == self._part:
                return
            adversarial, clean, self._whose = read_examples(part)
        except (OSError, SafetensorError):
            return  # what is shown stays, and the next look may find more
        self._part = part
        self._images = [
            (bytes_to_qimage(a), bytes_to_qimage(_strength(a, c))) for a, c in zip(adversarial, clean, strict=True)
        ]  # fmt: skip
        self.setAccessibleDescription(self._whose)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        line, tone = self.fontMetrics().height(), theme.tones()
        painter.setPen(QColor(tone.muted))
        painter.setFont(theme.scaled(self.font(), 0.9))
        text = self._whose or self.tr("Examples appear here as they are made.")
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, text)
        side = (self.height() - line - 8) / 2
        for at, (image, change) in enumerate(self._images[: int(self.width() // (side + 4))]):
            x = at * (side + 4)
            painter.drawImage(QRectF(x, line + 2, side, side), image)
            painter.drawImage(QRectF(x, line + 6 + side, side, side), change)


def _strength(adversarial: Pixels, clean: Pixels) -> Pixels:
    """|adversarial - clean|, the largest over the channels, scaled so that the strongest pixel is 255: [1, H, W]."""
    change = np.abs(adversarial.astype(np.int16) - clean).max(0, keepdims=True)
    scaled: Pixels = (change * (255 / max(int(change.max()), 1))).astype(np.uint8)
    return scaled
