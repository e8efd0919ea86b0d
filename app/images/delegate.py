"""How a row of the image list is drawn."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app import theme
from app.images.model import Role
from app.images.row import Row, kind_of, summary
from app.marks import draw_mark
from core.wording import shown

_THUMB = 40
_PAD = 10


class RowDelegate(QStyledItemDelegate):
    """Thumbnail, name, and the answer in short with a mark for its doubt."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        lines = option.fontMetrics.height() * 2 + 4
        return QSize(200, max(_THUMB, lines) + 2 * 8)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        t = theme.tones()
        row: Row = index.data(Role.ROW)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        area: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(t.accent, 44 if chosen else 18))
            painter.drawRoundedRect(area.adjusted(4, 2, -4, -2), 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.color(t.accent, 120))
            painter.drawRoundedRect(area.adjusted(4, 2, -4, -2), 6, 6)
        thumb = QRect(area.left() + _PAD, area.center().y() - _THUMB // 2, _THUMB, _THUMB)
        self._paint_thumbnail(painter, thumb, index.data(Qt.ItemDataRole.DecorationRole), t)
        self._paint_text(painter, option, row, thumb.right() + _PAD, t)
        painter.restore()

    @staticmethod
    def _paint_thumbnail(painter: QPainter, place: QRect, picture: QImage | None, t: theme.Tones) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.track))
        painter.drawRoundedRect(place, 4, 4)
        if picture is None:
            return
        if picture.isNull():
            painter.setPen(QColor(t.muted))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "?")
            return
        size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        target = QRect(place.topLeft(), size)
        target.moveCenter(place.center())
        painter.drawImage(target, picture)

    @staticmethod
    def _paint_text(painter: QPainter, option: QStyleOptionViewItem, row: Row, left: int, t: theme.Tones) -> None:
        area, metrics = option.rect, option.fontMetrics
        width = area.right() - _PAD - left
        top = area.center().y() - metrics.height() - 1
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        beside = RowDelegate._paint_tag(painter, option, row, QRect(left, top, width, metrics.height()), t)
        name = metrics.elidedText(row.entry.name, Qt.TextElideMode.ElideMiddle, width - beside)
        painter.drawText(QRect(left, top, width, metrics.height()), Qt.AlignmentFlag.AlignLeft, name)
        line = QRect(left, top + metrics.height() + 3, width, metrics.height())
        draw_mark(painter, QRectF(left, line.center().y() - 3.5, 8, 8), kind_of(row), t)
        painter.setPen(QColor(t.muted))
        text = metrics.elidedText(summary(row), Qt.TextElideMode.ElideRight, width - 13)
        painter.drawText(line.adjusted(13, 0, 0, 0), Qt.AlignmentFlag.AlignLeft, text)

    @staticmethod
    def _paint_tag(painter: QPainter, option: QStyleOptionViewItem, row: Row, line: QRect, t: theme.Tones) -> int:
        """The analyst's tag at the right end of the name's line, or a dot for a bare note; returns the width taken."""
        remark, metrics = row.remark, option.fontMetrics
        if not (remark.tag or remark.note):
            return 0
        text = metrics.elidedText(shown(remark.tag) or "✎", Qt.TextElideMode.ElideRight, line.width() // 2)
        width = metrics.horizontalAdvance(text) + 12
        place = QRect(line.right() - width, line.top() - 1, width, line.height() + 1)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.info_back))
        painter.drawRoundedRect(place, 4, 4)
        painter.setPen(QColor(t.accent))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()
        return width + 8
