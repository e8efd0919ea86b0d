"""Controls in a row, and in more rows where there is no room: none is cut in a narrow window or with a large font."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget


class Flow(QWidget):
    """Pieces beside each other, all of one height. Those from number ``right`` on keep to the right end of their row.

    A widget and not a QLayout: Python need not own the layout's items.
    """

    def __init__(self, pieces: Sequence[QWidget], gap: int, right: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pieces, self._gap, self._right = tuple(pieces), gap, right
        for piece in pieces:
            piece.setParent(self)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)  # fixed, it kept to one row
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def sizeHint(self) -> QSize:  # noqa: N802
        """All in one row."""
        return self._around(sum(map(_wanted, self._pieces)) + self._gap * (len(self._pieces) - 1))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """A row for each."""
        return self._around(max(map(_least, self._pieces)))

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        return self._places(width)[-1].bottom() + 1 + self.contentsMargins().bottom()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._place()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # a piece has another size, such as with another text
            self.updateGeometry()
            self._place()
        return super().event(event)

    def _place(self) -> None:
        for piece, place in zip(self._pieces, self._places(self.width()), strict=True):
            piece.setGeometry(place)

    def _places(self, width: int) -> list[QRect]:
        margins, high = self.contentsMargins(), self._high()
        room, top, found = width - margins.left() - margins.right(), margins.top(), list[QRect]()
        for row in self._rows(room):
            left, spare = margins.left(), room - self._length(row)
            for piece in row:
                more = max(min(_wanted(piece) - _least(piece), spare), 0)
                spare -= more
                found.append(QRect(left, top, min(_least(piece) + more, room), high))
                left = found[-1].right() + 1 + self._gap
            for at in range(max(self._right, len(found) - len(row)), len(found)):
                found[at].translate(max(spare, 0), 0)
            top += high + self._gap // 2
        return found

    def _rows(self, room: int) -> list[list[QWidget]]:
        rows: list[list[QWidget]] = []
        for piece in self._pieces:
            if rows and self._length([*rows[-1], piece]) <= room:
                rows[-1].append(piece)
            else:
                rows.append([piece])
        return rows

    def _length(self, row: Sequence[QWidget]) -> int:
        """What a row takes at least."""
        return sum(map(_least, row)) + self._gap * (len(row) - 1)

    def _high(self) -> int:
        return max(piece.sizeHint().height() for piece in self._pieces)

    def _around(self, wide: int) -> QSize:
        margins = self.contentsMargins()
        return QSize(wide + margins.left() + margins.right(), self._high() + margins.top() + margins.bottom())


def _least(piece: QWidget) -> int:
    return piece.minimumSizeHint().expandedTo(piece.minimumSize()).width()


def _wanted(piece: QWidget) -> int:
    return max(piece.sizeHint().width(), _least(piece))
