"""The part of the status bar that tells of work beside attributing, and stops it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from app.chores import Chore
from app.durations import duration
from app.widgets import named, plain_tip
from core.wording import shown

_LATE = 400
"""Milliseconds that a chore may take without a word: most are over by then, and would only flicker."""

_WIDEST = 220
"""Pixels for what is done, which may name a file."""


class ChoreBar(QWidget):
    """Tells of the oldest chore; not there when there has been none for a while."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chores: Sequence[Chore] = ()
        self.words = named(QLabel(), self.tr("Work under way"))
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = named(QProgressBar(), self.tr("How far it is"))
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(80, 8)
        self.stop = QToolButton()
        self.stop.setText(self.tr("Stop"))
        self.stop.setAutoRaise(True)
        self.stop.clicked.connect(self._stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 0)
        for widget in (self.words, self.bar, self.stop):
            row.addWidget(widget)
        self._soon = QTimer(self, singleShot=True, interval=_LATE)
        self._soon.timeout.connect(self.show)
        self.hide()

    def show_chores(self, chores: Sequence[Chore]) -> None:
        self._chores = tuple(chores)
        if not chores:
            self._soon.stop()
            self.hide()
            return
        chore = chores[0]
        name = self.fontMetrics().elidedText(shown(chore.what), Qt.TextElideMode.ElideMiddle, _WIDEST)
        self.words.setText(" · ".join([name, *self._told(chore)]))
        self.stop.setToolTip(plain_tip(shown(chore.what)))
        total = chore.progress.total if chore.progress else 0
        self.bar.setRange(0, total)
        self.bar.setValue(chore.progress.done if chore.progress and total else 0)
        if self.isHidden() and not self._soon.isActive():
            self._soon.start()

    def _told(self, chore: Chore) -> list[str]:
        """How far it is, how long it takes yet, and how much else waits."""
        told, progress = [], chore.progress
        if progress is not None and progress.total:
            told.append(self.tr("{n} of {total}").format(n=f"{progress.done:,}", total=f"{progress.total:,}"))
        elif progress is not None:
            told.append(self.tr("{n} so far").format(n=f"{progress.done:,}"))
        if progress is not None and progress.seconds_left:
            told.append(self.tr("{time} left").format(time=duration(progress.seconds_left)))
        if len(self._chores) > 1:
            told.append(self.tr("{n} more").format(n=len(self._chores) - 1))
        return told

    def _stop(self) -> None:
        if self._chores:
            self._chores[0].stop()
