"""Looks at files away from the GUI thread, for pages and dialogs that may be gone before the answer."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.reader import Reader


class Looks(QObject):
    """Lives until its owner is gone and the last look has ended: what a look tells then reaches nobody."""

    told = Signal(object, object)
    """What was asked, and the answer."""
    _over = Signal()

    def __init__(self, reader: Reader, owner: QObject) -> None:
        super().__init__(reader)
        self._reader, self._going_on, self._is_owned = reader, 0, True
        self._over.connect(self._ended)
        owner.destroyed.connect(self._leave)

    def look(self, asked: object, work: Callable[[], object]) -> None:
        """Tell what ``work`` returns, which is done in another thread."""

        def answered() -> None:
            try:
                self.told.emit(asked, work())
            finally:
                self._over.emit()

        self._going_on += 1
        self._reader.submit(answered)

    def _ended(self) -> None:
        self._going_on -= 1
        self._go()

    def _leave(self) -> None:
        self._is_owned = False
        self._go()

    def _go(self) -> None:
        if not self._is_owned and not self._going_on:
            self.deleteLater()
