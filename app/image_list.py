"""The open images as a list: model, order and filter, and how a row is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QImage

from app.requests import Entry
from core.types import Attribution, Record

translate = QCoreApplication.translate
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class Role(IntEnum):
    ROW = Qt.ItemDataRole.UserRole
    KEY = Qt.ItemDataRole.UserRole + 1


class Doubt(IntEnum):
    """How far an answer may be trusted, least doubtful first."""

    SURE = 0
    OPEN = 1
    UNFAMILIAR = 2


@dataclass(slots=True)
class Row:
    """One open image, with its record once it has been judged."""

    entry: Entry
    record: Record | None = None

    @property
    def attribution(self) -> Attribution | None:
        return self.record.finding.attribution if self.record and self.record.finding else None


def doubt_of(answer: Attribution) -> Doubt:
    """SURE when both prediction sets hold a single label at their coverage; UNFAMILIAR outweighs both."""
    if not answer.familiarity.familiar:
        return Doubt.UNFAMILIAR
    sure = len(answer.attack.prediction_set) == 1 and len(answer.victim.prediction_set) == 1
    return Doubt.SURE if sure else Doubt.OPEN


def doubt_rank(row: Row) -> tuple[int, float]:
    """Sorts the least doubtful first; rows without an answer come last, errors after waiting ones."""
    answer = row.attribution
    if answer is None:
        return (4 if row.record else 3), 0.0
    return doubt_of(answer), 1.0 - min(answer.attack.probability, answer.victim.probability)


def summary(row: Row) -> str:
    """The row's second line: answer in short, or why there is none."""
    if row.record is None:
        return translate("ImageList", "waiting")
    answer = row.attribution
    if answer is None:
        return (row.record.error or "").removeprefix(row.entry.path).strip()
    attack, victim = answer.attack, answer.victim
    if attack.label == victim.label:  # clean: nobody was attacked
        return f"{attack.label} {_short(attack.probability)}"
    return f"{attack.label} {_short(attack.probability)} · {victim.label} {_short(victim.probability)}"


def _short(probability: float) -> str:
    """Whole percents, and never a rounded-up certainty."""
    return "> 99 %" if 0.99 < probability < 1 else f"{probability * 100:.0f} %"


class ImageListModel(QAbstractListModel):
    """Rows in the order of opening. Asks for a thumbnail when one is first drawn."""

    thumbnail_wanted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._at: dict[int, int] = {}
        self._thumbnails: dict[int, QImage] = {}
        self._asked: set[int] = set()

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        value: object = None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                value = row.entry.name
            case Qt.ItemDataRole.ToolTipRole:
                value = f"{row.entry.path}\n{summary(row)}"
            case Qt.ItemDataRole.AccessibleTextRole:
                value = f"{row.entry.name}, {summary(row)}"
            case Qt.ItemDataRole.DecorationRole:
                value = self._thumbnail(row.entry)
            case Role.ROW:
                value = row
            case Role.KEY:
                value = row.entry.key
        return value

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def row_of(self, key: int) -> Row | None:
        at = self._at.get(key)
        return None if at is None else self._rows[at]

    def index_of(self, key: int) -> QModelIndex:
        at = self._at.get(key)
        return QModelIndex() if at is None else self.index(at)

    def keys_by_path(self) -> dict[str, int]:
        return {row.entry.path: row.entry.key for row in self._rows}

    def append(self, rows: Sequence[Row]) -> None:
        self.insert([(len(self._rows) + offset, row) for offset, row in enumerate(rows)])

    def insert(self, places: Iterable[tuple[int, Row]]) -> None:
        """Put rows at the given final positions, ascending: the inverse of ``take``."""
        run: list[Row] = []
        start = 0
        for at, row in [*places, (-1, None)]:
            if run and at != start + len(run):
                self.beginInsertRows(QModelIndex(), start, start + len(run) - 1)
                self._rows[start:start] = run
                self._renumber()
                self.endInsertRows()
                run = []
            if row is None:
                return
            if not run:
                start = at
            run.append(row)

    def take(self, keys: Iterable[int]) -> list[tuple[int, Row]]:
        """Remove rows; returns them with their positions, ascending."""
        places = sorted(self._at[key] for key in keys if key in self._at)
        taken = [(at, self._rows[at]) for at in places]
        while places:
            last = first = places.pop()
            while places and places[-1] == first - 1:
                first = places.pop()
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._rows[first : last + 1]
            self._renumber()
            self.endRemoveRows()
        return taken

    def set_records(self, records: Iterable[tuple[int, Record | None]]) -> None:
        """Give rows their records; keys that are no longer open are passed over."""
        touched = []
        for key, record in records:
            if (at := self._at.get(key)) is not None:
                self._rows[at].record = record
                touched.append(at)
        if touched:
            self.dataChanged.emit(self.index(min(touched)), self.index(max(touched)))

    def set_thumbnail(self, key: int, picture: QImage) -> None:
        self._thumbnails[key] = picture
        index = self.index_of(key)
        if index.isValid():
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    def _thumbnail(self, entry: Entry) -> QImage | None:
        picture = self._thumbnails.get(entry.key)
        if picture is None and entry.key not in self._asked:
            self._asked.add(entry.key)
            self.thumbnail_wanted.emit(entry)
        return picture

    def _renumber(self) -> None:
        self._at = {row.entry.key: at for at, row in enumerate(self._rows)}


SORTS = ("opened", "name", "attack", "victim", "doubt")
FILTERS = ("all", "sure", "open", "unfamiliar", "errors", "waiting")


class ImageFilter(QSortFilterProxyModel):
    """Order and filter by answer, doubt and name."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._key = "opened"
        self._kind = "all"
        self._words: tuple[str, ...] = ()
        self.setDynamicSortFilter(True)

    def sort_by(self, key: str, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._key = key
        self.invalidate()
        self.sort(0 if (key, order) != ("opened", Qt.SortOrder.AscendingOrder) else -1, order)

    def show_only(self, kind: str) -> None:
        self.beginFilterChange()
        self._kind = kind
        self.endFilterChange()

    def search(self, text: str) -> None:
        """Rows whose name or answer holds every word."""
        self.beginFilterChange()
        self._words = tuple(text.lower().split())
        self.endFilterChange()

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802
        return bool(self._rank(left) < self._rank(right))

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: N802
        row = self._row(self.sourceModel().index(source_row, 0, source_parent))
        if self._kind != "all" and kind_of(row) != self._kind:
            return False
        if not self._words:
            return True
        text = f"{row.entry.path} {summary(row)}".lower()
        return all(word in text for word in self._words)

    def _row(self, index: Index) -> Row:
        row = self.sourceModel().data(index, Role.ROW)
        assert isinstance(row, Row)
        return row

    def _rank(self, index: Index) -> tuple[object, ...]:
        row = self._row(index)
        answer = row.attribution
        if self._key == "name":
            return (row.entry.name.lower(), index.row())
        if self._key == "doubt":
            return (*doubt_rank(row), index.row())
        if self._key in ("attack", "victim") and answer is not None:
            task = answer.attack if self._key == "attack" else answer.victim
            return (0, task.label, 1.0 - task.probability, index.row())
        if self._key in ("attack", "victim"):
            return (1, "", 0.0, index.row())
        return (index.row(),)


def kind_of(row: Row) -> str:
    """Which of FILTERS a row belongs to."""
    answer = row.attribution
    if answer is None:
        return "errors" if row.record else "waiting"
    return ("sure", "open", "unfamiliar")[doubt_of(answer)]
