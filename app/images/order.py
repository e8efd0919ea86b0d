"""In which order the open images are listed, and which of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QSortFilterProxyModel, Qt

from app.images.model import ImageListModel, Index
from app.images.row import Row, doubt_rank, kind_of

SORTS = ("opened", "name", "attack", "victim", "doubt")
FILTERS = ("all", "sure", "weakened", "open", "unfamiliar", "errors", "waiting")
_FEW = 1000
"""Comparisons that cost less than to sort all rows: one row that comes or changes takes some twenty."""


class ImageFilter(QSortFilterProxyModel):
    """Order and filter by answer, doubt, words, and the bars of the case. Asked for each row, so it asks no model."""

    def __init__(self, model: ImageListModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = model.rows
        self._key = "opened"
        self._kind = "all"
        self._words: tuple[str, ...] = ()
        self._bars: tuple[tuple[int, int], ...] = ()
        self._ranks: list[int] | None = None
        """Each source row's place in the order: sorted once, for Qt compares rows more often than it need be asked."""
        self._compared = 0
        for changed in (model.dataChanged, model.rowsInserted, model.rowsRemoved):
            changed.connect(self._forget_ranks)  # before Qt's own, which compare
        self.setDynamicSortFilter(True)
        self.setSourceModel(model)

    def sort_by(self, key: str, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._key = key
        self._forget_ranks()
        column = 0 if (key, order) != ("opened", Qt.SortOrder.AscendingOrder) else -1
        if (column, order) == (self.sortColumn(), self.sortOrder()):
            self.invalidate()
        else:
            self.sort(column, order)

    def show_only(self, kind: str) -> None:
        self.beginFilterChange()
        self._kind = kind
        self.endFilterChange()

    def search(self, text: str) -> None:
        """Rows whose name, answer, tag or note holds every word."""
        self.beginFilterChange()
        self._words = tuple(text.lower().split())
        self.endFilterChange()

    def show_bars(self, bars: Mapping[int, int]) -> None:
        """Rows that lie in all of these bars, given by their facets."""
        self.beginFilterChange()
        self._bars = tuple(bars.items())
        self.endFilterChange()

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802
        if self._ranks is None:
            self._compared += 1
            if self._compared <= _FEW:
                return self._rank(left.row()) < self._rank(right.row())
            order = sorted(range(len(self._rows)), key=self._rank)
            self._ranks = [0] * len(order)
            for rank, at in enumerate(order):
                self._ranks[at] = rank
        return self._ranks[left.row()] < self._ranks[right.row()]

    def _forget_ranks(self, *change: object) -> None:
        if change[2:] != ([Qt.ItemDataRole.DecorationRole],):  # a new thumbnail changes nobody's place
            self._ranks, self._compared = None, 0

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: N802
        return self._accepts(self._rows[source_row])

    def listed(self) -> list[Row]:
        """The rows that pass, in no particular order."""
        return [row for row in self._rows if self._accepts(row)]

    def _accepts(self, row: Row) -> bool:
        for facet, bar in self._bars:
            if not row.places or row.places[facet] != bar:
                return False
        if self._kind != "all" and kind_of(row) != self._kind:
            return False
        return not self._words or all(word in row.text for word in self._words)

    def _rank(self, at: int) -> tuple[Any, ...]:
        row = self._rows[at]
        answer = row.attribution
        if self._key == "name":
            return (row.entry.name.lower(), at)
        if self._key == "doubt":
            return (*doubt_rank(row), at)
        if self._key in ("attack", "victim") and answer is not None:
            task = answer.attack if self._key == "attack" else answer.victim
            return (0, task.label, 1.0 - task.probability, at)
        if self._key in ("attack", "victim"):
            return (1, "", 0.0, at)
        return (at,)
