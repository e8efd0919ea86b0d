"""The mark before a row's answer: a shape for each kind of row, so that it needs no eye for colours."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.theme import Tones

_LINE = 1.4
"""Pixels of a drawn line's width."""


def draw_mark(painter: QPainter, place: QRectF, kind: str, t: Tones) -> None:
    """kind: of :func:`app.images.row.kind_of`. A disc, a diamond, a half disc in a ring, a triangle, a cross, an
    empty ring.
    """
    tones = {
        "sure": t.good, "weakened": t.warn, "open": t.warn, "unfamiliar": t.bad, "errors": t.bad, "waiting": t.muted,
    }  # fmt: skip
    colour = QColor(tones[kind])
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    match kind:
        case "sure":
            painter.drawEllipse(place)
        case "weakened":
            middle, half = place.center(), QPointF(place.width() / 2, 0)
            ends = QPointF(middle.x(), place.top()), QPointF(middle.x(), place.bottom())
            painter.drawPolygon(QPolygonF([ends[0], middle + half, ends[1], middle - half]))
        case "unfamiliar":
            top = QPointF(place.center().x(), place.top())
            painter.drawPolygon(QPolygonF([top, place.bottomRight(), place.bottomLeft()]))
        case "errors":
            painter.setPen(QPen(colour, _LINE * 1.3))
            painter.drawLine(place.topLeft(), place.bottomRight())
            painter.drawLine(place.topRight(), place.bottomLeft())
        case _:
            if kind == "open":
                painter.drawPie(place, 90 * 16, 180 * 16)  # its left half, in sixteenths of a degree
            painter.setPen(QPen(colour, _LINE))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(place.adjusted(_LINE / 2, _LINE / 2, -_LINE / 2, -_LINE / 2))
    painter.restore()
