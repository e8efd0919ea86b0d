"""Folders that only a case's log vouches for: nothing in them is touched before somebody says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.question_bar import QuestionBar
from app.widgets import named
from core.wording import quoted

if TYPE_CHECKING:
    from app.case.desk import CaseDesk
    from core.opened import Place

_NAMED = 3
"""Places that the question names; the case's log has all of them."""

_LONG = 80
"""Characters of a name; a longer one loses its middle, for a stranger may have chosen it."""


class Elsewhere(QObject):
    """Whether to look into what was opened for the open case, but not by this user for the case where it now lies."""

    changed = Signal()

    def __init__(self, desk: CaseDesk) -> None:
        super().__init__(desk)
        self._desk = desk
        self.places: tuple[Place, ...] = ()
        desk.changed.connect(self.withdraw)

    def ask(self, places: tuple[Place, ...]) -> None:
        if places != self.places:
            self.places = places
            self.changed.emit()

    def withdraw(self) -> None:
        self.ask(())

    def accept(self) -> None:
        """Open them for the case as if they had been dropped on it, which is remembered."""
        places = self.places
        self.withdraw()
        for deep in (True, False):
            paths = [path for path, subfolders in places if subfolders == deep]
            self._desk.session.opening.paths(paths, subfolders=deep, remember=False)

    def words(self) -> str:
        """The question; a name in it may be anything."""
        names = ", ".join(_shortened(quoted(path)) for path, _ in self.places[:_NAMED])
        more = len(self.places) - _NAMED
        if more > 0:
            names = self.tr("{places} and {n} more").format(places=names, n=f"{more:,}")
        text = self.tr(
            "This case names {places}, which you did not open for it on this computer. "
            "Look there for images that are not in it yet, and judge them?"
        )
        return text.format(places=names)


class ElsewhereBar(QuestionBar):
    """Shown while that is asked."""

    def __init__(self, elsewhere: Elsewhere, home: QWidget, parent: QWidget) -> None:
        super().__init__(elsewhere.accept, elsewhere.withdraw, home, parent)
        named(self, self.tr("Folders that were opened elsewhere"))
        self._elsewhere = elsewhere
        elsewhere.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        if self._elsewhere.places:
            self.ask(self._elsewhere.words(), self.tr("&Look there"), self.tr("&Not now"))
        else:
            self.withdraw()


def _shortened(name: str) -> str:
    return name if len(name) <= _LONG else f"{name[: _LONG // 2]}…{name[-_LONG // 2 :]}"
