"""What the colours of a layer stand for: a bar with its two ends, at the foot of a pane and of every picture of it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter

from app import colormaps, theme
from core.types import Heatmap
from core.wording import quantity

translate = QCoreApplication.translate

_GAP = 8
_LEAST, _MOST = 24, 120
"""Width of the bar: what remains beside the words, within these."""
_HIGH = 10


@dataclass(frozen=True, slots=True)
class Legend:
    """colours: from one end of the bar to the other, as 0xAARRGGBB. low, high: what stands at these ends.

    short: what stands at the end alone where both have no room.
    """

    colours: tuple[int, ...]
    low: str
    high: str
    short: str = ""


def of_heatmap(heatmap: Heatmap, name: str) -> Legend | None:
    """The colours in use, up to the strongest place; None where no place has any.

    A faint estimate does not use all of them, and one that was not made pixel by pixel has no unit.
    """
    strongest = float(heatmap.strength.max())
    colours = tuple(colormaps.opaque(name)[: round(255 * strongest) + 1])
    if heatmap.full is not None:
        text = translate("Legend", "strongest place {value}")
        value = _levels(strongest * heatmap.full)
        return Legend(colours, "0", text.format(value=value), value)
    if not strongest:
        return None
    return Legend(colours, "", translate("Legend", "relative to the strongest place"))


def of_signed(gain: float, name: str) -> Legend:
    """Of values from -1 to 1 that were multiplied by ``gain``."""
    end = _levels(1 / gain)
    return Legend(tuple(colormaps.opaque(name)), f"−{end}", f"+{end}", f"±{end}")


def _levels(value: float) -> str:
    return quantity(255 * value, "/255")


def height(metrics: QFontMetrics) -> int:
    return metrics.height() + _GAP


def fitting(legend: Legend, metrics: QFontMetrics, room: int) -> tuple[tuple[str, str], list[int]]:
    """What stands at both ends, and how wide that is: all of it, or what has room."""
    for texts in ((legend.low, legend.high), ("", legend.short or legend.high)):
        ends = [metrics.horizontalAdvance(text) + _GAP if text else 0 for text in texts]
        if sum(ends) <= room:
            break
    return texts, ends


def paint(painter: QPainter, place: QRect, legend: Legend) -> None:
    """The bar between its ends, all of it in the middle of ``place``; words that have no room are left out or cut."""
    metrics, room = painter.fontMetrics(), place.width() - 2 * _GAP
    texts, ends = fitting(legend, metrics, room - _LEAST)
    bar = max(_LEAST, min(_MOST, room - sum(ends)))
    left = place.left() + _GAP + max(0, room - sum(ends) - bar) // 2
    area = QRect(left + ends[0], place.center().y() - _HIGH // 2, bar, _HIGH)
    for at in range(bar):
        colour = QColor.fromRgb(legend.colours[at * (len(legend.colours) - 1) // (bar - 1)])
        painter.fillRect(area.left() + at, area.top(), 1, _HIGH, colour)
    painter.setPen(QColor(theme.tones().muted))
    painter.drawText(place.adjusted(left - place.left(), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, texts[0])
    last = place.adjusted(area.right() + 1 + _GAP - place.left(), 0, -_GAP, 0)
    high = metrics.elidedText(texts[1], Qt.TextElideMode.ElideRight, last.width())
    painter.drawText(last, Qt.AlignmentFlag.AlignVCenter, high)
