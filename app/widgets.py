"""Small constructors that give every control its name for screen readers, and text that takes the room there is."""

from __future__ import annotations

from html import escape
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QSlider, QWidget

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str, *, tip: bool = False) -> W:
    """The widget itself, named; with ``tip`` sighted users read the name too."""
    widget.setAccessibleName(name)
    if tip:
        widget.setToolTip(name)
    return widget


def plain_tip(text: str) -> str:
    """A tool tip that says ``text`` as it is: Qt would take what looks like HTML for it, and load what that names."""
    return f"<p style='white-space: pre-wrap'>{escape(text)}</p>" if text else ""


def slider(low: int, high: int, name: str) -> QSlider:
    """A horizontal slider over whole numbers."""
    result = named(QSlider(Qt.Orientation.Horizontal), name, tip=True)
    result.setRange(low, high)
    return result


class Elided(QLabel):
    """One line that is cut in its middle where there is no room, since a file's name tells most at its ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def cut(self) -> str:
        """The text as it is drawn."""
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), self.alignment(), self.cut())
