"""Small constructors that give every control its name for screen readers, and text that takes the room there is."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TypeVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QSlider, QWidget

from app import theme

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


def button(text: str, then: Callable[[], object]) -> QPushButton:
    """Of a dialog whose Enter key is not its."""
    result = QPushButton(text)
    result.setAutoDefault(False)
    result.clicked.connect(then)
    return result


class Toned(QLabel):
    """A wrapped sentence in a tone of whichever theme is in use: "muted", "good", "warn" or "bad"."""

    _tone = "muted"  # Qt may tell of a palette before there is anything to say

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.say(text)

    def say(self, text: str, tone: str = "muted") -> None:
        self.setText(text)
        self._tone = tone
        self._colour()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        wanted = QColor(getattr(theme.tones(), self._tone))
        if self.palette().color(QPalette.ColorRole.WindowText) != wanted:
            palette = QPalette()
            palette.setColor(QPalette.ColorRole.WindowText, wanted)
            self.setPalette(palette)


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
