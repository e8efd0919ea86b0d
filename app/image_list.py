"""The open images as a list: model, order and filter, and how a row is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

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

from app.i18n import QT_TRANSLATE_NOOP
from app.requests import Entry
from core.types import NO_REMARK, Attribution, Record, Remark
from core.wording import shown

translate = QCoreApplication.translate
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


_COPIES, _COPY = 1, 1
"""Facet and bar of core.report.facets, which is not imported before the first paint."""


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
    remark: Remark = NO_REMARK
    places: tuple[int, ...] = ()
    """Its bar in each facet of the open case; empty without a case, or while it waits."""
    _text: str | None = None

    @property
    def is_copy(self) -> bool:
        """Whether another file of the case has the same bytes and came first."""
        return self.places[_COPIES : _COPIES + 1] == (_COPY,)

    @property
    def text(self) -> str:
        """What a search looks through, in lower case."""
        if self._text is None:
            remark = f"{self.remark.tag} {self.remark.note}"
            self._text = f"{self.entry.path} {summary(self)} {remark}".lower()
        return self._text

    def become(self, record: Record | None) -> None:
        self.record, self._text = record, None

    @property
    def attribution(self) -> Attribution | None:
        return self.record.finding.attribution if self.record and self.record.finding else None


def doubt_of(answer: Attribution) -> Doubt:
    """SURE when both prediction sets hold one label that reaches them, and agree; UNFAMILIAR outweighs both."""
    if not answer.familiarity.familiar:
        return Doubt.UNFAMILIAR
    tasks = (answer.attack, answer.victim)
    sure = all(task.reached and len(task.prediction_set) == 1 for task in tasks) and not answer.contradicts_itself
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
        return shown((row.record.error or "").removeprefix(row.entry.path).strip())
    attack, victim = answer.attack, answer.victim
    said = f"{attack.label} {_short(attack.probability)}"
    if attack.label != victim.label:  # unlike clean, where nobody was attacked
        said += f" · {victim.label} {_short(victim.probability)}"
    return said + " · " + translate("ImageList", "copy") if row.is_copy else said


def in_words(doubt: Doubt) -> str:
    """As the list's filter has it."""
    words = {
        Doubt.SURE: QT_TRANSLATE_NOOP("ImageListPanel", "One candidate"),
        Doubt.OPEN: QT_TRANSLATE_NOOP("ImageListPanel", "Left open"),
        Doubt.UNFAMILIAR: QT_TRANSLATE_NOOP("ImageListPanel", "Unfamiliar"),
    }
    return translate("ImageListPanel", words[doubt])


def _doubt(row: Row) -> Iterator[str]:
    """What the mark before the answer says, for who cannot see it."""
    if row.attribution is not None:
        yield in_words(doubt_of(row.attribution))


def _short(probability: float) -> str:
    """Whole percents, and never a rounded-up certainty."""
    return "> 99 %" if 0.99 < probability < 1 else f"{probability * 100:.0f} %"


class ImageListModel(QAbstractListModel):
    """Rows in the order of opening. Asks for a thumbnail when one is first drawn."""

    thumbnail_wanted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._by_key: dict[int, Row] = {}
        self._places: dict[int, int] | None = {}
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
                value = "\n".join([shown(row.entry.path), summary(row), *_doubt(row), *self._first_of(row)])
            case Qt.ItemDataRole.AccessibleTextRole:
                value = ", ".join([row.entry.name, summary(row), *_doubt(row)])
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

    def _first_of(self, row: Row) -> Iterator[str]:
        """Where the bytes of a copy came first."""
        if row.is_copy and row.record is not None:
            sha256 = row.record.sha256
            same = (r.entry.path for r in self._rows if r.record is not None and r.record.sha256 == sha256)
            yield translate("ImageList", "Same bytes as {path}").format(path=shown(next(same)))

    @property
    def _at(self) -> dict[int, int]:
        """Where each key's row is: counted when it is asked for, and not after each of thousands of removals."""
        if self._places is None:
            self._places = {row.entry.key: at for at, row in enumerate(self._rows)}
        return self._places

    def row_of(self, key: int) -> Row | None:
        return self._by_key.get(key)

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
                self._by_key.update((new.entry.key, new) for new in run)
                self._places = None
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
            for row in self._rows[first : last + 1]:
                del self._by_key[row.entry.key]
            del self._rows[first : last + 1]
            self._places = None
            self.endRemoveRows()
        return taken

    def set_records(self, records: Iterable[tuple[int, Record | None]]) -> None:
        """Give rows their records; keys that are no longer open are passed over."""
        touched = []
        for key, record in records:
            if (at := self._at.get(key)) is not None:
                self._rows[at].become(record)
                touched.append(at)
        if touched:
            self.dataChanged.emit(self.index(min(touched)), self.index(max(touched)))

    def set_places(self, places: Mapping[int, tuple[int, ...]]) -> None:
        """Where records lie in the facets of the open case; told before the records themselves, which redraw."""
        for key, bars in places.items():
            self._rows[self._at[key]].places = bars

    def set_remarks(self, remarks: Mapping[int, Remark]) -> None:
        """Give rows their tags and notes."""
        changed = [at for key, new in remarks.items() if (at := self._at.get(key)) is not None
                   and self._rows[at].remark != new]  # fmt: skip
        for at in changed:
            row = self._rows[at]
            row.remark, row._text = remarks[row.entry.key], None
        if changed:
            self.dataChanged.emit(self.index(min(changed)), self.index(max(changed)))

    def renew_thumbnails(self, keys: Iterable[int]) -> None:
        """Ask for them again as they are drawn; until then the old ones are shown."""
        places = [self._at[key] for key in keys if key in self._at]
        self._asked.difference_update(keys)
        if places:
            self.dataChanged.emit(self.index(min(places)), self.index(max(places)), [Qt.ItemDataRole.DecorationRole])

    def set_thumbnail(self, key: int, picture: QImage) -> None:
        self._thumbnails[key] = picture
        index = self.index_of(key)
        if index.isValid():
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    def _thumbnail(self, entry: Entry) -> QImage | None:
        if entry.key not in self._asked:
            self._asked.add(entry.key)
            self.thumbnail_wanted.emit(entry)
        return self._thumbnails.get(entry.key)


SORTS = ("opened", "name", "attack", "victim", "doubt")
FILTERS = ("all", "sure", "open", "unfamiliar", "errors", "waiting")
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


def kind_of(row: Row) -> str:
    """Which of FILTERS a row belongs to."""
    answer = row.attribution
    if answer is None:
        return "errors" if row.record else "waiting"
    return ("sure", "open", "unfamiliar")[doubt_of(answer)]
