"""Small drawings of a training and its results: lines, a matrix, points. Drawn by Qt, so that they appear at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme

HUES = ("#2563c9", "#d9730d", "#1d7a46", "#a23bb0", "#b3261e", "#00808a", "#7a6a00", "#5c6673")
"""Told apart by colour-blind readers in this order as well as colours can be; every series also has its name."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points by name; drawn as a line, or as dots."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False


@dataclass(slots=True)
class Frame:
    """Where values lie in a widget."""

    plot: QRectF
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> QPointF:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return QPointF(self.plot.left() + across * self.plot.width(), self.plot.bottom() - up * self.plot.height())


def span(values: Sequence[float], around: Sequence[float] = ()) -> tuple[float, float]:
    """The least range that holds the finite values, never empty."""
    finite = [v for v in (*values, *around) if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


class Chart(QWidget):
    """Series over two axes, with a title, a legend and the axes' ends in figures."""

    def __init__(self, title: str, parent: QWidget | None = None, *, x: str = "", diagonal: bool = False) -> None:
        super().__init__(parent)
        self._title, self._x, self._diagonal = title, x, diagonal
        self._series: list[Series] = []
        self._fixed: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(170, 130)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(260, 190)

    def show_series(self, series: Sequence[Series], y: tuple[float, float] | None = None) -> None:
        """Draw these from now on; y: the axis's ends, found from the values where not given."""
        self._series, self._fixed = list(series), y
        last = ", ".join(f"{s.name} {s.y[-1]:.3g}" for s in self._series if len(s.y) and not s.dots)
        self.setAccessibleDescription(last)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tone, line = theme.tones(), self.fontMetrics().height()
        painter.setPen(QColor(tone.text))
        painter.setFont(theme.scaled(self.font(), 0.95, bold=True))
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, self._title)
        painter.setFont(theme.scaled(self.font(), 0.8))
        top = line + 4 + self._legend(painter, line + 4)
        xs, ys = [v for s in self._series for v in s.x], [v for s in self._series for v in s.y]
        across, up = span(xs), self._fixed or span(ys)
        left = max(38, 8 + max(painter.fontMetrics().horizontalAdvance(f"{value:.3g}") for value in up))
        plot = QRectF(left, top + 4, self.width() - left - 10, self.height() - top - line - 8)
        painter.setPen(QPen(QColor(tone.line), 1))
        painter.drawRect(plot)
        frame = Frame(plot, across, up)
        self._ends(painter, frame, tone.muted)
        painter.setClipRect(plot.adjusted(-2, -2, 2, 2))
        if self._diagonal:
            painter.setPen(QPen(QColor(tone.muted), 1, Qt.PenStyle.DashLine))
            painter.drawLine(frame.at(frame.y[0], frame.y[0]), frame.at(frame.y[1], frame.y[1]))
        for at, series in enumerate(self._series):
            self._draw(painter, frame, series, _hue(at))

    def _legend(self, painter: QPainter, top: float) -> float:
        """Names in their colours, wrapped; returns the height taken."""
        metrics, x, y = painter.fontMetrics(), 0.0, top
        if len(self._series) < 2:
            return 0.0
        for at, series in enumerate(self._series):
            width = metrics.horizontalAdvance(series.name) + 18
            if x and x + width > self.width():
                x, y = 0.0, y + metrics.height()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_hue(at))
            painter.drawEllipse(QPointF(x + 4, y + metrics.height() / 2), 3, 3)
            painter.setPen(QColor(theme.tones().muted))
            painter.drawText(QPointF(x + 11, y + metrics.ascent()), series.name)
            x += width
        painter.setBrush(Qt.BrushStyle.NoBrush)
        return y - top + metrics.height()

    def _ends(self, painter: QPainter, frame: Frame, tone: str) -> None:
        painter.setPen(QColor(tone))
        plot, height = frame.plot, painter.fontMetrics().height()
        right = Qt.AlignmentFlag.AlignRight
        for value, y in ((frame.y[1], plot.top()), (frame.y[0], plot.bottom() - height)):
            painter.drawText(QRectF(0, y, plot.left() - 4, height), right, f"{value:.3g}")
        below = QRectF(plot.left(), plot.bottom() + 1, plot.width(), height)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{frame.x[0]:.3g}")
        painter.drawText(below, right, f"{frame.x[1]:.3g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._x)

    @staticmethod
    def _draw(painter: QPainter, frame: Frame, series: Series, hue: QColor) -> None:
        points = [frame.at(x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(y)]
        if series.dots:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(hue.name(), 110))
            for point in points:
                painter.drawEllipse(point, 2, 2)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            return
        painter.setPen(QPen(hue, 1.6))
        painter.drawPolyline(QPolygonF(points))
        if len(points) == 1:
            painter.drawEllipse(points[0], 2, 2)


@dataclass(slots=True)
class _Table:
    labels: list[str] = field(default_factory=list)
    counts: list[list[int]] = field(default_factory=list)


class Matrix(QWidget):
    """A confusion matrix: rows are the truth, columns the answer, shares of the row in colour and per cent."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._table = title, _Table()
        self.setMinimumSize(240, 200)
        self.setAccessibleName(title)

    def show_counts(self, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        self._table = _Table(list(labels), [list(row) for row in counts])
        self.setAccessibleDescription(
            "; ".join(f"{name}: {row}" for name, row in zip(labels, self._table.counts, strict=True))
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        tone, metrics = theme.tones(), self.fontMetrics()
        painter.setPen(QColor(tone.text))
        painter.setFont(theme.scaled(self.font(), 0.95, bold=True))
        painter.drawText(QRectF(0, 0, self.width(), metrics.height()), Qt.AlignmentFlag.AlignLeft, self._title)
        painter.setFont(theme.scaled(self.font(), 0.8))
        names = self._table.labels
        if not names:
            return
        left = max(painter.fontMetrics().horizontalAdvance(name) for name in names) + 8
        top, height = 2 * metrics.height() + 4, painter.fontMetrics().height()
        cell = min((self.width() - left) / len(names), (self.height() - top) / len(names), 64)
        wide = min((self.width() - left) / len(names), 96)
        for row, (name, counts) in enumerate(zip(names, self._table.counts, strict=True)):
            y = top + row * cell
            painter.setPen(QColor(tone.muted))
            painter.drawText(
                QRectF(0, y, left - 6, cell), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name
            )
            heading = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(wide - 4))
            painter.drawText(
                QRectF(left + row * wide, top - height - 2, wide, height), Qt.AlignmentFlag.AlignHCenter, heading
            )
            for column, count in enumerate(counts):
                share = count / max(sum(counts), 1)
                box = QRectF(left + column * wide, y, wide, cell).adjusted(0.5, 0.5, -0.5, -0.5)
                painter.fillRect(box, QColor(tone.track))
                painter.fillRect(box, theme.color(tone.accent if row == column else tone.bad, round(230 * share)))
                painter.setPen(QColor(tone.on_accent if share > 0.5 else tone.text))
                if count:
                    shown = f"{share:.0%}" if share >= 0.005 else "<1%"
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)


def _hue(at: int) -> QColor:
    hue = QColor(HUES[at % len(HUES)])
    return hue.lighter(150) if theme.is_dark() else hue
