"""Two small drawings of an answer: ranked candidates as bars, and a value with its interval on a range."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.labels import label_text
from core.types import ClassAnswer, HyperparameterAnswer
from core.wording import percent, quantity


class CandidateBars(QWidget):
    """One line a label, most probable first; labels in the prediction set stand out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answer: ClassAnswer | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_answer(self, answer: ClassAnswer) -> None:
        self._answer = answer
        lines = ", ".join(f"{label_text(c.label)} {percent(c.probability)}" for c in answer.ranking)
        self.setAccessibleDescription(lines)
        self.updateGeometry()
        self.update()

    def _line(self) -> int:
        return self.fontMetrics().height() + 8

    def sizeHint(self) -> QSize:  # noqa: N802
        lines = len(self._answer.ranking) if self._answer else 0
        return QSize(220, lines * self._line())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._answer is None:
            return
        t = theme.tones()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        widest = max(metrics.horizontalAdvance(label_text(c.label)) for c in self._answer.ranking)
        label_width = min(widest + 2, self.width() * 2 // 5)
        number_width = metrics.horizontalAdvance("> 99.9 %")
        left = label_width + 10
        room = max(20, self.width() - left - number_width - 8)
        for number, candidate in enumerate(self._answer.ranking):
            inside = candidate.label in self._answer.prediction_set
            line = QRect(0, number * self._line(), self.width(), self._line())
            painter.setPen(self.palette().color(QPalette.ColorRole.Text) if inside else QColor(t.muted))
            name = metrics.elidedText(label_text(candidate.label), Qt.TextElideMode.ElideRight, label_width)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
            painter.drawText(
                line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, percent(candidate.probability)
            )
            track = QRectF(left, line.center().y() - 3, room, 7)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.track))
            painter.drawRoundedRect(track, 3.5, 3.5)
            if candidate.probability > 0:
                track.setWidth(max(7.0, room * candidate.probability))
                painter.setBrush(QColor(t.accent) if inside else theme.color(t.muted, 110))
                painter.drawRoundedRect(track, 3.5, 3.5)


class RangeBar(QWidget):
    """The trained range as a track, the interval as a band on it, the value as a mark."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answer: HyperparameterAnswer | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_answer(self, answer: HyperparameterAnswer) -> None:
        self._answer = answer
        low, high = quantity(answer.low, answer.unit), quantity(answer.high, answer.unit)
        self.setAccessibleDescription(f"{quantity(answer.value, answer.unit)} ({low} – {high})")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(220, 20 + QFontMetrics(theme.scaled(self.font(), 0.9)).height() + 4)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        answer = self._answer
        if answer is None or answer.maximum <= answer.minimum:
            return
        t = theme.tones()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, room, middle = 8.0, self.width() - 16.0, 10.0

        def place(value: float) -> float:
            return left + room * (value - answer.minimum) / (answer.maximum - answer.minimum)

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.track))
        painter.drawRoundedRect(QRectF(left, middle - 3, room, 6), 3, 3)
        painter.setBrush(theme.color(t.accent, 110))
        band = QRectF(place(answer.low), middle - 5, max(2.0, place(answer.high) - place(answer.low)), 10)
        painter.drawRoundedRect(band, 4, 4)
        painter.setBrush(QColor(t.accent))
        painter.setPen(QPen(QColor(t.base), 2))
        painter.drawEllipse(QPointF(place(answer.value), middle), 6, 6)
        painter.setPen(QColor(t.muted))
        painter.setFont(theme.scaled(self.font(), 0.9))
        labels = QRect(0, 20, self.width(), self.height() - 20)
        painter.drawText(labels, Qt.AlignmentFlag.AlignLeft, quantity(answer.minimum, answer.unit))
        painter.drawText(labels, Qt.AlignmentFlag.AlignRight, quantity(answer.maximum, answer.unit))
