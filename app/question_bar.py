"""A strip above everything that asks a question. It asks nothing of anybody who goes on working."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QWidget

from app import theme


class QuestionBar(QWidget):
    """Shown while a question stands: its words, and a button for each answer. Escape on one of them means no.

    home: where the keyboard goes when the bar that had it goes away.
    """

    def __init__(self, accept: Callable[[], None], decline: Callable[[], None], home: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._decline, self._home = decline, home
        self.words = QLabel(wordWrap=True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.yes = QPushButton()
        self.yes.clicked.connect(accept)
        self.no = QPushButton()
        self.no.clicked.connect(decline)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 12, 8)
        layout.setSpacing(8)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.yes)
        layout.addWidget(self.no)

    def ask(self, words: str, yes: str, no: str) -> None:
        self.words.setText(words)
        self.setAccessibleDescription(words)
        self.yes.setText(yes)
        self.no.setText(no)
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def withdraw(self) -> None:
        if self.isAncestorOf(QApplication.focusWidget() or self._home):
            self._home.setFocus()
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self._decline()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        t = theme.tones()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.info_back))
        painter.fillRect(0, 0, 3, self.height(), QColor(t.accent))
