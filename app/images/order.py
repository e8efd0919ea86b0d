"""In which order the open images are listed, and which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QStandardItemModel

from app.images.model import ImageListModel, Index
from app.images.row import Row, doubt_rank, kind_of
from core.types import ClassAnswer

FILTERS = ("all", "sure", "weakened", "open", "unfamiliar", "errors", "waiting")
_FLAGS = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
_SOON = 300
"""Milliseconds for which changes are gathered before their rows move, so that the list stands still to be read."""

Rank = tuple[Any, ...]


def _task_rank(task: str, row: Row) -> Rank:
    """By label, the surest first; rows without an answer come last."""
    answer: ClassAnswer | None = getattr(row.attribution, task, None)
    return (1,) if answer is None else (0, answer.label, 1.0 - answer.probability)


_RANKS: dict[str, Callable[[Row], Rank]] = {
    "opened": lambda row: (),
    "name": lambda row: (row.entry.name.lower(),),
    "attack": partial(_task_rank, "attack"),
    "victim": partial(_task_rank, "victim"),
    "doubt": doubt_rank,
}
SORTS = tuple(_RANKS)


class ImageFilter(QStandardItemModel):
    """The rows that pass answer, words, and the bars of the case, in order.

    No QSortFilterProxyModel: that asks Python for each comparison, which takes seconds with 100,000 rows. Here each row
    has a rank, and Python sorts those by itself. The base, which holds no items, only counts the rows: an abstract one
    would be asked in Python how many there are, twice for each row that is laid out.
    """

    hiding = Signal(object)
    """Keys of rows that are open and will not be listed any more."""
    changed = Signal()
    """Rows came, went or moved."""

    def __init__(self, model: ImageListModel, parent: QObject | None = None) -> None:
        super().__init__(0, 1, parent)
        self._model = model
        self._sort, self._down = "opened", False
        self._kind = "all"
        self._words: tuple[str, ...] = ()
        self._bars: tuple[tuple[int, int], ...] = ()
        self.keys: list[int] = []
        """Of what is listed, in the order shown."""
        self._ranks: dict[int, Rank] = {}
        self._places: dict[int | None, int] | None = {}
        self._due: set[int] = set()
        self._soon = QTimer(self, singleShot=True, interval=_SOON)
        self._soon.timeout.connect(self.place_due)
        self.rowsRemoved.connect(self._cut)  # before anybody else hears of it
        model.dataChanged.connect(self._note)
        model.came.connect(self._place)
        model.going.connect(self._take)
        self._place(model.rows)

    def sort_by(self, key: str, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        same, self._sort, self._down = key == self._sort, key, order == Qt.SortOrder.DescendingOrder
        self._put({} if same else {row.entry.key: self._rank(row) for row in self.listed()})

    def show_only(self, kind: str) -> None:
        self._kind = kind
        self._place(self._model.rows)

    def search(self, text: str) -> None:
        """Rows whose name, answer, tag or note holds every word."""
        self._words = tuple(text.lower().split())
        self._place(self._model.rows)

    def show_bars(self, bars: Mapping[int, int]) -> None:
        """Rows that lie in all of these bars, given by their facets."""
        self._bars = tuple(bars.items())
        self._place(self._model.rows)

    def listed(self) -> list[Row]:
        """The rows that pass, in no particular order."""
        return [row for row in self._model.rows if row.entry.key in self._ranks]

    def index_of(self, key: int | None) -> QModelIndex:
        """Invalid where no row of that key is listed."""
        if self._places is None:
            self._places = {key: at for at, key in enumerate(self.keys)}
        at = self._places.get(key)
        return QModelIndex() if at is None else self.index(at, 0)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return self._model.data(self._model.index_of(self.keys[index.row()]), role) if index.isValid() else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The base's can be edited and dragged."""
        return _FLAGS if index.isValid() else Qt.ItemFlag.NoItemFlags

    def place_due(self) -> None:
        """Let rows that changed go where they belong by now."""
        due, self._due = self._due, set()
        self._place(row for key in due if (row := self._model.row_of(key)) is not None)

    def _note(self, first: Index, last: Index, roles: Sequence[int]) -> None:
        keys = [row.entry.key for row in self._model.rows[first.row() : last.row() + 1]]
        if list(roles) != [Qt.ItemDataRole.DecorationRole]:  # a new thumbnail changes nobody's place
            self._due.update(keys)
            if not self._soon.isActive():
                self._soon.start()
        whole = [self.index(0, 0), self.index(self.rowCount() - 1, 0)]
        ends = whole if len(keys) > 1 else [self.index_of(keys[0])] * 2
        if ends[0].isValid():
            self.dataChanged.emit(*ends, list(roles))

    def _place(self, rows: Iterable[Row]) -> None:
        """List each of these rows where it belongs, or no longer."""
        hidden: set[int] = set()
        moved: dict[int, Rank] = {}
        for row in rows:
            key, old = row.entry.key, self._ranks.get(row.entry.key)
            if not self._accepts(row):
                if old is not None:
                    hidden.add(key)
            elif (rank := self._rank(row)) != old:
                moved[key] = rank
        if hidden:
            self.hiding.emit(hidden)
            self._take(hidden)
        if moved:
            self._put(moved)

    def _put(self, ranks: Mapping[int, Rank]) -> None:
        """List rows of these keys by these ranks: new ones come in at the end, and then all are put in order."""
        fresh = [key for key in ranks if key not in self._ranks]
        self._ranks.update(ranks)
        if fresh:
            self.keys += fresh
            self._places = None
            self.insertRows(self.rowCount(), len(fresh))
        self._arrange(sorted(self.keys, key=self._ranks.__getitem__, reverse=self._down))
        self.changed.emit()

    def _take(self, keys: Set[int]) -> None:
        """No longer list these, gathered where the first is: Qt is slow with many gaps, and goes to the row above."""
        gone = [key for key in self.keys if key in keys]
        if not gone:
            return
        first = self.keys.index(gone[0])
        self._arrange(self.keys[:first] + gone + [key for key in self.keys[first:] if key not in keys])
        self.removeRows(first, len(gone))
        self.changed.emit()

    def _cut(self, _parent: Index, first: int, last: int) -> None:
        for key in self.keys[first : last + 1]:
            del self._ranks[key]
        del self.keys[first : last + 1]
        self._places = None

    def _arrange(self, keys: list[int]) -> None:
        """List the same in another order: selection and current row stay with their images."""
        if keys == self.keys:
            return
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        images = [self.keys[index.row()] for index in held]
        self.keys, self._places = keys, None
        self.changePersistentIndexList(held, [self.index_of(key) for key in images])
        self.layoutChanged.emit()

    def _rank(self, row: Row) -> Rank:
        """Ends with the key, so that no two are equal."""
        return (*_RANKS[self._sort](row), row.entry.key)

    def _accepts(self, row: Row) -> bool:
        for facet, bar in self._bars:
            if not row.places or row.places[facet] != bar:
                return False
        if self._kind != "all" and kind_of(row) != self._kind:
            return False
        return not self._words or all(word in row.text for word in self._words)
