"""The case as a whole: what its images were found to be, as bars that filter the list, and two groups side by side."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QPalette, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.case.attacked import attacked_in_words
from app.case.charts import Chart, chart_of
from app.flow import Flow
from app.images.makers import MakersLabel
from app.images.row import Row
from app.resting import SOON, resting
from app.widgets import named, plain_tip
from core.wording import coverage_text, shown

if TYPE_CHECKING:
    from app.case.desk import CaseDesk
    from core.report.facets import Facet

_WIDE = 560
"""Pixels from which a board has two columns of charts."""


def count(facets: Sequence[Facet], rows: Sequence[Row]) -> list[list[int]]:
    """How many of the rows lie in each bar of each facet."""
    placed = [row.places for row in rows if row.places]
    found = (Counter(map(itemgetter(at), placed)) for at in range(len(facets)))
    return [[bars[bar] for bar in range(len(facet.labels))] for facet, bars in zip(facets, found, strict=True)]


class Board(QWidget):
    """One group of images: its name and the bars of every facet. ``picked`` carries facet and bar."""

    picked = Signal(int, int)

    def __init__(self, facets: Sequence[Facet], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facets = facets
        self.name = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.name.setFont(theme.scaled(self.name.font(), 1.1, bold=True))
        self.told = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.told.setToolTip(
            self.tr(
                "So many images can be called attacked with, in the mean, that share of clean ones among them. "
                "Copies count once, and unfamiliar images only beside known clean images of the same source, which "
                "are no question themselves."
            )
        )
        self.told.hide()
        self.makers = MakersLabel()
        self._rows: Sequence[Row] = ()
        self.charts: list[Chart] = [chart_of(facet, partial(self._which, at)) for at, facet in enumerate(facets)]
        for at, chart in enumerate(self.charts):
            chart.picked.connect(lambda bar, at=at: self.picked.emit(at, bar))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(28)
        self._grid.setVerticalSpacing(18)
        self._columns = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 12, 18, 18)
        layout.setSpacing(14)
        layout.addWidget(self.name)
        layout.addWidget(self.told)
        layout.addWidget(self.makers)
        layout.addLayout(self._grid)
        layout.addStretch(1)
        self._arrange(2)

    def show_counts(
        self, name: str, rows: Sequence[Row], counts: Sequence[Sequence[int]], files: int, tops: Sequence[float]
    ) -> None:
        """counts: of the rows, of which so many files were judged. tops: the share of files that fills each facet's
        drawing; 0 where there are none in any group shown."""
        self.name.setText(name)
        self._rows = rows
        for chart, bars, top in zip(self.charts, counts, tops, strict=True):
            chart.show_counts(bars, files, top)
            chart.setVisible(top > 0 or not chart.facet.sparse)

    def _which(self, at: int, bar: int) -> str:
        """The classes behind the bar of those that the data set does not have, most frequent first."""
        from core.report.facets import MAX_CLASSES, OTHER_CLASS, class_told  # noqa: PLC0415 (pydantic)

        facet = self.charts[at].facet
        if facet.labels[bar] != OTHER_CLASS:
            return ""
        behind = (row.attribution for row in self._rows if row.places and row.places[at] == bar)
        named = Counter(class_told(answer, facet.key) for answer in behind if answer is not None)
        told = [f"{name} {count:,}" for name, count in named.most_common(MAX_CLASSES)]
        if more := len(named) - len(told):
            told.append(self.tr("{n} more").format(n=f"{more:,}"))
        return ", ".join(told)

    def show_told(self, text: str) -> None:
        """What is said of all of them, if anything."""
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def choose(self, bars: dict[int, int]) -> None:
        for at, chart in enumerate(self.charts):
            chart.choose(bars.get(at))

    def fit(self, width: int) -> None:
        """One column of charts, or two where there is room."""
        self._arrange(2 if width >= _WIDE else 1)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, super().minimumSizeHint().height())

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        cell = 0
        for chart in self.charts:
            whole = bool(chart.facet.rows)
            if whole and cell % columns:
                cell += 1
            row, column = divmod(cell, columns)
            self._grid.addWidget(chart, row, column, 1, columns if whole else 1, Qt.AlignmentFlag.AlignTop)
            cell += columns if whole else 1
        for column in range(2):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)


class _Area(QScrollArea):
    """Scrolls up and down; tells when its width is another."""

    resized = Signal()

    def __init__(self) -> None:
        super().__init__(widgetResizable=True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.resized.emit()


class Dashboard(QWidget):
    """The open case. The list's panel tells which images are chosen; ``picked`` carries a facet and a bar."""

    picked = Signal(int, int)

    def __init__(self, desk: CaseDesk, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._chosen: tuple[str, Sequence[Row]] = ("", ())
        self._kept: tuple[str, Sequence[Row]] | None = None
        self._bars: dict[int, int] = {}
        self._is_old = False  # images were judged that its drawings do not have
        self.boards: list[Board] = []
        self.title = QLabel(textFormat=Qt.TextFormat.PlainText)
        self.title.setFont(theme.scaled(self.title.font(), 1.25, bold=True))
        self.facts = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.facts.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._lay_out(actions)
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self._recount_for_the_eye)
        desk.changed.connect(self._rebuild)
        desk.recounted.connect(self._recount_soon)
        self._rebuild()

    def _lay_out(self, actions: Sequence[QAction]) -> None:
        self.buttons = [named(QToolButton(), action.text()) for action in actions]
        for button, action in zip(self.buttons, actions, strict=True):
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        head = Flow((self.title, *self.buttons), gap=4, right=1)
        head.setContentsMargins(18, 12, 12, 2)
        inside = QWidget()
        inside.setLayout(self._row)
        self._area = _Area()
        self._area.resized.connect(self._fit)
        self._area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        self.facts.setContentsMargins(18, 0, 12, 4)
        layout.addWidget(self.facts)
        layout.addWidget(self._area, 1)

    def _recount_soon(self) -> None:
        self._is_old = True
        if self.isVisible() and not self._soon.isActive():  # batches that follow each other faster would put it off
            self._soon.start()

    def _recount_for_the_eye(self) -> None:
        if self.isVisible() and self._is_old:
            self.recount()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._recount_for_the_eye()

    # What the window tells.

    def show_chosen(self, name: str, rows: Sequence[Row]) -> None:
        """The images that are selected or listed now, of which a comparison speaks."""
        self._chosen = (name, rows)
        if self._kept is not None:
            self._recount_soon()

    def choose(self, bars: dict[int, int]) -> None:
        """The bars that the list is filtered by, by facet."""
        self._bars = dict(bars)
        if self.boards:
            self.boards[-1].choose(bars)  # the other one is kept as it was

    def keep(self) -> None:
        """Put the images chosen now on the left, and those chosen from now on beside them."""
        name, rows = self._chosen
        self._kept = (name, list(rows))
        self._rebuild_boards()

    def end_comparison(self) -> None:
        self._kept = None
        self._rebuild_boards()

    @property
    def comparing(self) -> bool:
        return self._kept is not None

    # Drawing.

    def _rebuild(self) -> None:
        """Another case, or none."""
        case = self._desk.case
        self._kept = None
        if case is not None:
            self.title.setText(shown(case.path.stem))
            text = self.tr("{path} · pack {pack} · {coverage} coverage")
            told = text.format(path=case.path, pack=case.manifest.pack_id, coverage=coverage_text(case.coverage))
            if case.recovered:
                told += " · " + self.tr("recovered from a damaged case: files may be missing")
            self.facts.setText(shown(told))
            self.facts.setToolTip(plain_tip(case.recovered) if case.recovered else "")
        self._rebuild_boards()

    def _rebuild_boards(self) -> None:
        for board in self.boards:
            self._row.removeWidget(board)
            board.deleteLater()
        self.boards = []
        if self._desk.case is not None:
            for _ in range(2 if self.comparing else 1):
                board = Board(self._desk.case.facets.all)
                board.picked.connect(self.picked)
                self._row.addWidget(board, 1)
                self.boards.append(board)
            self.choose(self._bars)
            self._fit()
            self.recount()
            for before, after in pairwise(
                (self.buttons[-1], *(chart for board in self.boards for chart in board.charts))
            ):
                QWidget.setTabOrder(before, after)

    def recount(self) -> None:
        """Count again and draw; lengths are shares, on one scale where two groups stand side by side."""
        case, self._is_old = self._desk.case, False
        if case is None:
            return
        begun = time.monotonic()
        groups = self._groups()
        counts = [count(case.facets.all, rows) for _, rows in groups]
        sizes = [sum(bool(row.places) for row in rows) for _, rows in groups]
        tops = [
            max(max(bars, default=0) / max(files, 1) for bars, files in zip(facet, sizes, strict=True))
            for facet in zip(*counts, strict=True)
        ]
        for board, (name, rows), bars, files in zip(self.boards, groups, counts, sizes, strict=True):
            board.show_counts(name, rows, bars, files, tops)
            board.show_told("" if self.comparing else attacked_in_words(rows))
            board.makers.tell(partial(iter, rows))
        self._soon.setInterval(resting(time.monotonic() - begun))

    def _groups(self) -> list[tuple[str, Sequence[Row]]]:
        everything = self._desk.session.images.rows
        if self._kept is None:
            return [(self.tr("All images: {n}").format(n=f"{len(everything):,}"), everything)]
        return [self._kept, self._chosen]

    def _fit(self) -> None:
        for board in self.boards:
            board.fit(self._area.viewport().width() // len(self.boards))
