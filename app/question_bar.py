"""Strips above everything that say something, or ask a question. They ask nothing of anybody who goes on working."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QWidget

from app import theme


class Strip(QWidget):
    """Shown while there is something to say: its words, and buttons beside them.

    home: where the keyboard goes when the strip that had it goes away.
    """

    def __init__(self, buttons: Sequence[QPushButton], home: QWidget, parent: QWidget, edge: int = 8) -> None:
        super().__init__(parent)
        self._home = home
        self.words = QLabel(wordWrap=True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, edge, 12, edge)
        layout.setSpacing(8)
        layout.addWidget(self.words, 1)
        for button in buttons:
            layout.addWidget(button)

    def say(self, words: str) -> None:
        self.words.setText(words)
        self.setAccessibleDescription(words)
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def withdraw(self) -> None:
        if self.isAncestorOf(QApplication.focusWidget() or self._home):
            self._home.setFocus()
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        t = theme.tones()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.info_back))
        painter.fillRect(0, 0, 3, self.height(), QColor(t.accent))


class QuestionBar(Strip):
    """Shown while a question stands, with a button for each answer. Escape on one of them means no."""

    def __init__(self, accept: Callable[[], None], decline: Callable[[], None], home: QWidget, parent: QWidget) -> None:
        self.yes, self.no = QPushButton(), QPushButton()
        super().__init__((self.yes, self.no), home, parent)
        self._decline = decline
        self.yes.clicked.connect(accept)
        self.no.clicked.connect(decline)

    def ask(self, words: str, yes: str, no: str) -> None:
        self.yes.setText(yes)
        self.no.setText(no)
        self.say(words)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self._decline()
        else:
            super().keyPressEvent(event)
