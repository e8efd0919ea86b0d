"""Long work beside attributing, such as a search through folders or a report: how far it is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.reader import Reader
from core.errors import Cancelled
from core.progress import CancelToken, Progress, ProgressCallback


@dataclass(eq=False, slots=True)
class Chore:
    """One piece of such work. what: in words. stop: calls it off. progress: its total is 0 where nobody knows it."""

    what: str
    stop: Callable[[], None]
    progress: Progress | None = None


class Chores(QObject):
    """What is under way, the oldest first. Lives on the GUI thread, but that work may tell of itself from any."""

    changed = Signal()
    stopped = Signal(object)
    """A Chore of :meth:`run` that was called off."""
    _told = Signal(object, object)
    """A Chore, and its Progress."""
    _ended = Signal(object, object)
    """A Chore, and what to do now that it has ended."""

    def __init__(self, reader: Reader, parent: QObject) -> None:
        super().__init__(parent)
        self._reader = reader
        self.all: list[Chore] = []
        self._told.connect(self._tell)
        self._ended.connect(self._finish)

    def run(self, what: str, work: Callable[[ProgressCallback, CancelToken], Any], then: Callable[[Any], None]) -> None:
        """Do ``work`` on a thread, and ``then`` with what it found here, unless it was stopped meanwhile."""
        token = CancelToken()
        chore = self.begin(what, token.cancel)

        def guarded() -> None:
            after: Callable[[], None] = _nothing
            try:
                found = work(self.teller(chore), token)
                token.check()
                after = partial(then, found)
            except Cancelled:
                after = partial(self.stopped.emit, chore)
            finally:  # any other exception reaches the reader, which tells of it
                self._ended.emit(chore, after)

        self._reader.submit(guarded)

    def begin(self, what: str, stop: Callable[[], None]) -> Chore:
        """Work that somebody else does, until :meth:`end`."""
        chore = Chore(what, stop)
        self.all.append(chore)
        self.changed.emit()
        return chore

    def teller(self, chore: Chore) -> ProgressCallback:
        """Takes its progress on any thread."""
        return partial(self._told.emit, chore)

    def end(self, chore: Chore) -> None:
        if chore in self.all:
            self.all.remove(chore)
            self.changed.emit()

    def stop(self) -> None:
        """All of it."""
        for chore in list(self.all):
            chore.stop()

    def _tell(self, chore: Chore, progress: Progress) -> None:
        chore.progress = progress
        self.changed.emit()

    def _finish(self, chore: Chore, after: Callable[[], None]) -> None:
        self.end(chore)
        after()


def _nothing() -> None:
    pass
