"""The command palette: every action of the window, found by typing a part of its name."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)


def score(query: str, text: str) -> int | None:
    """How well ``text`` answers ``query``: lower is better, None when it does not hold its letters in order."""
    text, query = text.lower(), query.lower().strip()
    at = text.find(query)
    if at >= 0:
        return at if at == 0 or text[at - 1] == " " else 100 + at
    place = 0
    for letter in query.replace(" ", ""):
        place = text.find(letter, place) + 1
        if place == 0:
            return None
    return 1000 + place


class Palette(QDialog):
    """Type, walk with the arrow keys, press Enter."""

    def __init__(self, window: QWidget, actions: Sequence[QAction]) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Command palette"))
        self._actions = [action for action in actions if action.objectName() != "show_palette"]
        self.query = QLineEdit(placeholderText=self.tr("Type a command"))
        self.query.setAccessibleName(self.tr("Search commands"))
        self.query.installEventFilter(self)
        self.found = QTreeWidget()
        self.found.setAccessibleName(self.tr("Commands found"))
        self.found.setColumnCount(2)
        self.found.setHeaderHidden(True)
        self.found.setRootIsDecorated(False)
        self.found.setUniformRowHeights(True)
        self.found.setFrameShape(QFrame.Shape.NoFrame)
        self.found.setStyleSheet("QTreeWidget::item { padding: 4px 6px; }")
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found.header().setStretchLastSection(False)
        self.found.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.found.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(self.query)
        layout.addWidget(self.found)
        self.query.textChanged.connect(self._search)
        self.query.returnPressed.connect(self._run)
        self.found.itemClicked.connect(self._run)  # where a click activates, itemActivated would come with it
        self.resize(min(520, window.width() - 80), min(400, window.height() - 120))
        self._search("")

    def _search(self, query: str) -> None:
        ranked = [(score(query, _plain(action)), number) for number, action in enumerate(self._actions)]
        self.found.clear()
        for _, number in sorted((rank, number) for rank, number in ranked if rank is not None):
            action = self._actions[number]
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QTreeWidgetItem([_plain(action), keys])
            item.setData(0, Qt.ItemDataRole.UserRole, number)
            item.setDisabled(not action.isEnabled())
            self.found.addTopLevelItem(item)
        self._go(0)

    def _go(self, at: int) -> None:
        """To the nearest command there is."""
        last = self.found.topLevelItemCount() - 1
        item = self.found.topLevelItem(max(0, min(last, at)))
        if item is not None:
            self.found.setCurrentItem(item)

    def _run(self) -> None:
        item = self.found.currentItem()
        if item is None or item.isDisabled():
            return
        action = self._actions[item.data(0, Qt.ItemDataRole.UserRole)]
        self.accept()
        action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """The arrow keys walk the list while the search line keeps the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}.get(
                Qt.Key(event.key())
            )
            current = self.found.currentItem()
            if step is not None and current is not None:
                self._go(self.found.indexOfTopLevelItem(current) + step)
                return True
        return super().eventFilter(watched, event)


def _plain(action: QAction) -> str:
    return action.text().replace("&", "")
