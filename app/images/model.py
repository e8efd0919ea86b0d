"""The open images in the order of opening, with their records, thumbnails and remarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import groupby

from PySide6.QtCore import QAbstractListModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QImage

from app.images.row import Row, doubt_words, summary
from app.requests import Entry
from app.widgets import plain_tip
from core.listed import Record, Remark
from core.wording import shown

translate = QCoreApplication.translate
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_KEPT = 2000
"""Thumbnails, of some 30 KB each: many a screen's worth, and not all of a hundred thousand."""


class Role(IntEnum):
    ROW = Qt.ItemDataRole.UserRole
    KEY = Qt.ItemDataRole.UserRole + 1


class ImageListModel(QAbstractListModel):
    """Rows in the order of opening. Asks for a thumbnail when one is first drawn."""

    thumbnail_wanted = Signal(object)
    came = Signal(object)
    """Rows, once all of them are there: Qt's signals tell of each gap that they fill."""
    going = Signal(object)
    """Keys, while all of their rows are still there."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._by_key: dict[int, Row] = {}
        self._places: dict[int, int] | None = {}
        self._by_path: Mapping[str, int] | None = {}
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
                lines = [shown(row.entry.path), summary(row), *doubt_words(row), *self._first_of(row)]
                value = plain_tip("\n".join(lines))
            case Qt.ItemDataRole.AccessibleTextRole:
                value = ", ".join([row.entry.name, summary(row), *doubt_words(row), *_remarked(row)])
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

    def keys_by_path(self) -> Mapping[str, int]:
        """Counted when it is asked for after rows came or went: a case asks with each of thousands of batches."""
        if self._by_path is None:
            self._by_path = {row.entry.path: row.entry.key for row in self._rows}
        return self._by_path

    def append(self, rows: Sequence[Row]) -> None:
        self.insert([(len(self._rows) + offset, row) for offset, row in enumerate(rows)])

    def insert(self, places: Iterable[tuple[int, Row]]) -> None:
        """Put rows at the given final positions, ascending: the inverse of ``take``."""
        new = dict(places)
        for first, last in _runs(new):
            run = [new[at] for at in range(first, last + 1)]
            self.beginInsertRows(QModelIndex(), first, last)
            self._rows[first:first] = run
            self._by_key.update((row.entry.key, row) for row in run)
            self._places = self._by_path = None
            self.endInsertRows()
        self.came.emit(list(new.values()))

    def take(self, keys: Iterable[int]) -> list[tuple[int, Row]]:
        """Remove rows; returns them with their positions, ascending."""
        taken = [(at, self._rows[at]) for at in sorted(self._at[key] for key in keys if key in self._at)]
        self.going.emit({row.entry.key for _, row in taken})
        for first, last in reversed(list(_runs(at for at, _ in taken))):
            self.beginRemoveRows(QModelIndex(), first, last)
            for key in (row.entry.key for row in self._rows[first : last + 1]):
                del self._by_key[key]
                self._thumbnails.pop(key, None)
                self._asked.discard(key)
            del self._rows[first : last + 1]
            self._places = self._by_path = None
            self.endRemoveRows()
        return taken

    def set_records(self, records: Iterable[tuple[int, Record | None]]) -> None:
        """Give rows their records; keys that are no longer open are passed over."""
        touched = []
        for key, record in records:
            if (at := self._at.get(key)) is not None:
                self._rows[at].become(record)
                touched.append(at)
        self._tell_changed(touched)

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
        self._tell_changed(changed)

    def _tell_changed(self, places: Iterable[int], *roles: Qt.ItemDataRole) -> None:
        for first, last in _runs(sorted(places)):
            self.dataChanged.emit(self.index(first), self.index(last), list(roles))

    def renew_thumbnails(self, keys: Iterable[int]) -> None:
        """Ask for them again as they are drawn; until then the old ones are shown."""
        self._asked.difference_update(keys)
        self._tell_changed((self._at[key] for key in keys if key in self._at), Qt.ItemDataRole.DecorationRole)

    def set_thumbnail(self, key: int, picture: QImage | None) -> None:
        """The one that was asked for, or None where it is to be asked for again if the row is still on screen."""
        if key not in self._at:
            return
        if picture is None:
            self._asked.discard(key)
        else:
            self._thumbnails.pop(key, None)
            self._thumbnails[key] = picture
        if len(self._thumbnails) > _KEPT:
            oldest = next(iter(self._thumbnails))
            del self._thumbnails[oldest]
            self._asked.discard(oldest)
        self._tell_changed([self._at[key]], Qt.ItemDataRole.DecorationRole)

    def _thumbnail(self, entry: Entry) -> QImage | None:
        if entry.key not in self._asked:
            self._asked.add(entry.key)
            self.thumbnail_wanted.emit(entry)
        picture = self._thumbnails.pop(entry.key, None)
        if picture is not None:  # those drawn last are kept
            self._thumbnails[entry.key] = picture
        return picture


def _runs(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch without a gap, of ascending places."""
    for _, stretch in groupby(enumerate(places), lambda counted: counted[1] - counted[0]):
        run = [at for _, at in stretch]
        yield run[0], run[-1]


def _remarked(row: Row) -> Iterator[str]:
    """The tag, and whether there is a note, which are drawn at the row's end."""
    if row.remark.tag:
        yield row.remark.tag
    if row.remark.note:
        yield translate("ImageList", "has a note")
