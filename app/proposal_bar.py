"""The strip above everything that proposes another pack. It asks nothing of anybody who goes on working."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QWidget

from app import theme
from app.pack_guide import PackGuide
from app.widgets import named


class ProposalBar(QWidget):
    """Shown while a proposal stands: its words, and a button for each answer. Escape on one of them keeps the pack.

    home: where the keyboard goes when the bar that had it goes away.
    """

    def __init__(self, guide: PackGuide, home: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._guide, self._home = guide, home
        named(self, self.tr("Proposal of another pack"))
        self.words = QLabel(wordWrap=True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use = QPushButton()
        self.use.clicked.connect(guide.accept)
        self.keep = QPushButton()
        self.keep.clicked.connect(guide.decline)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 12, 8)
        layout.setSpacing(8)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.use)
        layout.addWidget(self.keep)
        guide.changed.connect(self._show_proposal)
        self._show_proposal()

    def _show_proposal(self) -> None:
        proposal = self._guide.proposal
        if proposal is None:
            if self.isAncestorOf(QApplication.focusWidget() or self._home):
                self._home.setFocus()
            self.hide()
            return
        self.words.setText(self._guide.words())
        self.setAccessibleDescription(self.words.text())
        self.use.setText(_button(self.tr("&Use {pack}"), proposal.pack))
        self.keep.setText(_button(self.tr("&Keep {pack}"), Path(proposal.instead_of).stem))
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self._guide.decline()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        t = theme.tones()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.info_back))
        painter.fillRect(0, 0, 3, self.height(), QColor(t.accent))


def _button(text: str, pack: str) -> str:
    return text.format(pack=pack.replace("&", "&&"))
