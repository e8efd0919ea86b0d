"""The bars of a facet, to look at and to pick: as lines, as columns over a range, or as the cells of a table.

Drawn by Qt, so that ten thousand images are recounted and redrawn between two frames. The mouse picks a bar; so do the
arrow keys and Space, and a screen reader hears the bar that they are on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from math import sqrt
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.case.words import label, share, title
from app.labels import label_text
from app.widgets import plain_tip

if TYPE_CHECKING:
    from core.report.facets import Facet

_Align = Qt.AlignmentFlag
_FEW = 0.5
"""Pixels that even one file among thousands is worth."""


_LEAST = 24
"""Pixels below which a length says nothing; the number stands alone then."""


def chart_of(facet: Facet, which: Callable[[int], str]) -> Chart:
    """The drawing that suits a facet."""
    if facet.rows:
        return Cells(facet, which)
    return Columns(facet, which) if facet.ends is not None else Lines(facet, which)


class Chart(QWidget):
    """One facet's counts. ``picked`` carries the bar that was chosen.

    which: what a bar stands for, where its label does not say; else empty.
    """

    picked = Signal(int)

    def __init__(self, facet: Facet, which: Callable[[int], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facet = facet
        self._which = which
        self.counts: Sequence[int] = [0] * len(facet.labels)
        self.total, self.top = 0, 1.0
        self.chosen: int | None = None
        self._cursor = 0
        self._hovered: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title(facet))

    def show_counts(self, counts: Sequence[int], total: int, top: float) -> None:
        """Draw these; total: files that they are shares of; top: the share that fills the drawing."""
        self.counts, self.total, self.top = counts, total, top or 1.0
        self._describe()
        self.update()

    def choose(self, bar: int | None) -> None:
        """Mark the bar that the list is filtered by."""
        self.chosen = bar
        if bar is not None:
            self._cursor = bar
        self.update()

    def text(self, bar: int) -> str:
        return f"{label(self.facet, bar)}: {share(self.counts[bar], self.total)}"

    def explained(self, bar: int) -> str:
        """Its text, and what it stands for."""
        return f"{self.text(bar)} ({which})" if (which := self._which(bar)) else self.text(bar)

    # What each drawing decides.

    step = 1
    """Bars between one row and the next, for the keys that go up and down."""

    @abstractmethod
    def boxes(self) -> list[QRectF]:
        """Where each bar is picked."""

    @abstractmethod
    def draw(self, painter: QPainter, tone: theme.Tones) -> None: ...

    # What they share.

    @property
    def head(self) -> int:
        return self.fontMetrics().height() + 6

    def fill(self, bar: int, tone: theme.Tones) -> QColor:
        """A bar's colour: others pale while one of them is chosen."""
        if self.chosen is not None and bar != self.chosen:
            return theme.color(tone.accent, 90)
        return QColor(tone.accent).lighter(115) if bar == self._hovered else QColor(tone.accent)

    def part(self, bar: int) -> float:
        """Share of the drawing's length."""
        return self.counts[bar] / self.total / self.top if self.total else 0.0

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter, tone = QPainter(self), theme.tones()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QRectF(0, 0, self.width(), self.head - 6)
        bold = theme.scaled(self.font(), 0.95, bold=True)
        painter.setFont(bold)
        painter.setPen(QColor(tone.text))
        painter.drawText(line, _Align.AlignLeft | _Align.AlignVCenter, title(self.facet))
        used = painter.fontMetrics().horizontalAdvance(title(self.facet)) + 12
        painter.setFont(theme.scaled(self.font(), 0.9))
        told = self._hovered if self._hovered is not None else self._cursor if self.hasFocus() else self.chosen
        if told is not None and not isinstance(self, Lines):
            painter.setPen(QColor(tone.muted))
            text = painter.fontMetrics().elidedText(
                self.text(told), Qt.TextElideMode.ElideRight, int(self.width() - used)
            )
            painter.drawText(line, _Align.AlignRight | _Align.AlignVCenter, text)
        self.draw(painter, tone)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tone.text), 1.5))
            painter.drawRoundedRect(self.boxes()[self._cursor].adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            bar = self._bar_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), plain_tip(self.explained(bar)) if bar is not None else "", self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._hover(self._bar_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        bar = self._bar_at(event.position())
        if bar is not None and event.button() == Qt.MouseButton.LeftButton:
            self._go(bar)
            self.picked.emit(bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key, last = Qt.Key(event.key()), len(self.counts) - 1
        if key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.picked.emit(self._cursor)
            return
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -self.step, Qt.Key.Key_Down: self.step}
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
        if key in by:
            self._go(min(max(self._cursor + by[key], 0), last))
        elif key in ends:
            self._go(ends[key])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        self._describe()
        self.update()

    def _go(self, bar: int) -> None:
        self._cursor = bar
        self._describe()
        self.update()

    def _hover(self, bar: int | None) -> None:
        if bar != self._hovered:
            self._hovered = bar
            self.setCursor(Qt.CursorShape.ArrowCursor if bar is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    def _describe(self) -> None:
        self.setAccessibleDescription(self.explained(self._cursor))
        if self.hasFocus():
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def _bar_at(self, point: QPointF) -> int | None:
        return next((bar for bar, box in enumerate(self.boxes()) if box.contains(point)), None)


class Lines(Chart):
    """A line a bar: label, length, number."""

    def _line(self) -> int:
        return self.fontMetrics().height() + 8

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(240, self.head + self._line() * len(self.counts))

    def boxes(self) -> list[QRectF]:
        return [QRectF(0, self.head + at * self._line(), self.width(), self._line()) for at in range(len(self.counts))]

    def draw(self, painter: QPainter, tone: theme.Tones) -> None:
        painter.setFont(self.font())
        metrics = self.fontMetrics()
        names = [label(self.facet, bar) for bar in range(len(self.counts))]
        left = min(max(metrics.horizontalAdvance(name) for name in names) + 10, self.width() // 2)
        right = metrics.horizontalAdvance(share(88_888, 88_888)) + 8
        room = self.width() - left - right - 8
        for bar, (name, box) in enumerate(zip(names, self.boxes(), strict=True)):
            if bar in (self._hovered, self.chosen):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color(tone.accent, 44 if bar == self.chosen else 18))
                painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor(tone.text if self.counts[bar] else tone.muted))
            inside = box.adjusted(4, 0, -4, 0)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, left - 6)
            painter.drawText(inside, _Align.AlignVCenter | _Align.AlignLeft, shown)
            number = share(self.counts[bar], self.total)
            painter.drawText(inside, _Align.AlignVCenter | _Align.AlignRight, number)
            if room < _LEAST:
                continue
            track = QRectF(left + 4, box.center().y() - 3, room, 7)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tone.track))
            painter.drawRoundedRect(track, 3.5, 3.5)
            if self.counts[bar]:
                track.setWidth(max(7.0, room * min(self.part(bar), 1.0)))
                painter.setBrush(self.fill(bar, tone))
                painter.drawRoundedRect(track, 3.5, 3.5)


class Columns(Chart):
    """Equal parts of a range side by side, with the range's ends below."""

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(240, self.head + 96 + self.fontMetrics().height())

    def _plot(self) -> QRectF:
        return QRectF(0, self.head, self.width(), self.height() - self.head - self.fontMetrics().height() - 2)

    def boxes(self) -> list[QRectF]:
        plot, wide = self._plot(), self.width() / len(self.counts)
        return [QRectF(at * wide, plot.top(), wide, plot.height()) for at in range(len(self.counts))]

    def draw(self, painter: QPainter, tone: theme.Tones) -> None:
        plot = self._plot()
        painter.setPen(Qt.PenStyle.NoPen)
        for bar, box in enumerate(self.boxes()):
            if bar in (self._hovered, self.chosen):
                painter.fillRect(box, theme.color(tone.accent, 26))
            if self.counts[bar]:
                high = max(_FEW + 1, plot.height() * min(self.part(bar), 1.0))
                column = QRectF(box.left() + 1, plot.bottom() - high, box.width() - 2, high)
                painter.fillRect(column, self.fill(bar, tone))
        painter.setPen(QPen(QColor(tone.line), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setPen(QColor(tone.muted))
        assert self.facet.ends is not None
        below = QRectF(0, plot.bottom() + 2, self.width(), painter.fontMetrics().height())
        low, high_end = self.facet.ends
        painter.drawText(below, _Align.AlignLeft, f"{low:g}")
        painter.drawText(below, _Align.AlignRight, f"{high_end:g}")
        most = max(self.counts, default=0)
        painter.drawText(below, _Align.AlignHCenter, self.tr("most: {n}").format(n=f"{most:,}") if most else "")


class Cells(Chart):
    """A table of attacks by victims; the root of the share is the colour, so that rare cells stay visible."""

    def __init__(self, facet: Facet, which: Callable[[int], str], parent: QWidget | None = None) -> None:
        super().__init__(facet, which, parent)
        self.step = len(facet.labels) // len(facet.rows)
        self._columns = [label_text(name.split(" · ", 1)[1]) for name in facet.labels[: self.step]]
        self._rows = [label_text(name) for name in facet.rows]

    def _high(self) -> int:
        return self.fontMetrics().height() + 12

    def sizeHint(self) -> QSize:  # noqa: N802
        names = self.fontMetrics().height() + 4
        return QSize(240, self.head + names + self._high() * len(self.facet.rows))

    def _left(self) -> float:
        widest = max(self.fontMetrics().horizontalAdvance(name) for name in self._rows)
        return min(widest + 10, self.width() / 3)

    def boxes(self) -> list[QRectF]:
        left, top = self._left(), self.head + self.fontMetrics().height() + 4
        wide, high = (self.width() - left) / self.step, self._high()
        places = (divmod(bar, self.step) for bar in range(len(self.counts)))
        return [QRectF(left + column * wide, top + row * high, wide, high) for row, column in places]

    def draw(self, painter: QPainter, tone: theme.Tones) -> None:
        boxes, metrics = self.boxes(), painter.fontMetrics()
        painter.setPen(QColor(tone.muted))
        for at, name in enumerate(self._columns):
            above = QRectF(boxes[at].left(), self.head, boxes[at].width(), boxes[at].top() - self.head)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, int(above.width()) - 2)
            painter.drawText(above, _Align.AlignCenter, shown)
        for at, name in enumerate(self._rows):
            box = boxes[at * self.step]
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(box.left()) - 8)
            beside = QRectF(0, box.top(), box.left() - 6, box.height())
            painter.drawText(beside, _Align.AlignVCenter | _Align.AlignLeft, shown)
        for bar, box in enumerate(boxes):
            self._draw_cell(painter, tone, bar, box.adjusted(1, 1, -1, -1))

    def _draw_cell(self, painter: QPainter, tone: theme.Tones, bar: int, box: QRectF) -> None:
        depth = sqrt(min(self.part(bar), 1.0))
        pale = self.chosen is not None and bar != self.chosen
        painter.setPen(QPen(QColor(tone.accent), 1.5) if bar in (self._hovered, self.chosen) else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tone.track))
        painter.drawRoundedRect(box, 3, 3)
        if self.counts[bar]:
            painter.setBrush(theme.color(tone.accent, round((90 if pale else 235) * depth) + 20))
            painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(tone.on_accent if depth > 0.6 and not pale else tone.text))
        if not self.counts[bar]:
            painter.setPen(QColor(tone.muted))
        painter.drawText(box, _Align.AlignCenter, f"{self.counts[bar]:,}")
