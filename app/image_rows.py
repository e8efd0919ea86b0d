"""How a row of the image list is drawn, and the list with its search line above."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.image_list import FILTERS, SORTS, Doubt, ImageFilter, ImageListModel, Role, Row, in_words, kind_of, summary
from app.marks import draw_mark
from app.widgets import named
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
        if option.state & QStyle.StateFlag.State_HasFocus and chosen:
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
        size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
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


class _Rows(QListView):
    """A list that says what to do while it is empty."""

    hint = ""

    def paintEvent(self, event: object) -> None:  # noqa: N802
        super().paintEvent(event)  # type: ignore[arg-type]
        if self.model() is None or self.model().rowCount():
            return
        painter = QPainter(self.viewport())
        painter.setPen(QColor(theme.tones().muted))
        area = self.viewport().rect().adjusted(20, 20, -20, -20)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)


class ImageListPanel(QWidget):
    """Search, order, filter, and the rows. ``chosen`` carries the current row's key, or None."""

    chosen = Signal(object)

    def __init__(self, model: ImageListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.proxy = ImageFilter(model, self)
        self.search = QLineEdit(clearButtonEnabled=True, placeholderText=self.tr("Filter by name or answer"))
        self.search.setAcceptDrops(False)  # files dropped on it are for the window
        self.search.setAccessibleName(self.tr("Filter the image list"))
        self.search.textChanged.connect(self._search)
        self.order = self._box(self.tr("Order of the image list"), SORTS, self._sort_names())
        self.order.activated.connect(self._sort)
        self.kind = self._box(self.tr("Which images to list"), FILTERS, self._filter_names())
        self.kind.activated.connect(self._filter)
        self.reverse = named(QToolButton(), self.tr("Reverse the order"), tip=True)
        self.reverse.setText("⇅")
        self.reverse.setCheckable(True)
        self.reverse.toggled.connect(self._sort)
        self.count = QLabel()
        self.count.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.view = self._make_view()
        self._lay_out()
        for rows in (self.proxy, model):  # of those that come or go hidden the proxy does not tell
            for signal in (rows.rowsInserted, rows.rowsRemoved):
                signal.connect(self._recount)
        self._recount()

    def _make_view(self) -> _Rows:
        view = _Rows(self)
        view.setModel(self.proxy)
        view.setItemDelegate(RowDelegate(view))
        view.setUniformItemSizes(True)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setMouseTracking(True)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        view.setAccessibleName(self.tr("Images"))
        view.selectionModel().currentChanged.connect(self._choose)
        return view

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        boxes.setSpacing(4)
        boxes.addWidget(self.order, 1)
        boxes.addWidget(self.reverse)
        boxes.addWidget(self.kind, 1)
        head = QVBoxLayout()
        head.setContentsMargins(10, 10, 10, 8)
        head.setSpacing(6)
        head.addWidget(self.search)
        head.addLayout(boxes)
        self._head = QVBoxLayout()
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 12, 6)
        foot.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(self._head)
        layout.addWidget(self.view, 1)
        layout.addLayout(foot)

    @staticmethod
    def _box(name: str, values: tuple[str, ...], texts: dict[str, str]) -> QComboBox:
        box = named(QComboBox(), name, tip=True)
        box.setMinimumContentsLength(6)
        for value in values:
            box.addItem(texts[value], value)
        return box

    def _sort_names(self) -> dict[str, str]:
        return {
            "opened": self.tr("As opened"),
            "name": self.tr("By name"),
            "attack": self.tr("By attack"),
            "victim": self.tr("By victim"),
            "doubt": self.tr("By doubt"),
        }

    def _filter_names(self) -> dict[str, str]:
        return {
            "all": self.tr("All"),
            "sure": in_words(Doubt.SURE),
            "open": in_words(Doubt.OPEN),
            "unfamiliar": in_words(Doubt.UNFAMILIAR),
            "errors": self.tr("Errors"),
            "waiting": self.tr("Waiting"),
        }

    # What the window asks.

    def lists(self, key: int) -> bool:
        """Whether the row passes the filter."""
        return self.proxy.mapFromSource(self.model.index_of(key)).isValid()

    def select(self, key: int) -> None:
        index = self.proxy.mapFromSource(self.model.index_of(key))
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)

    def current_key(self) -> int | None:
        key: int | None = self.view.currentIndex().data(Role.KEY)
        return key

    def selected_rows(self) -> list[Row]:
        return [index.data(Role.ROW) for index in self.view.selectionModel().selectedIndexes()]

    def selected_keys(self) -> list[int]:
        return [row.entry.key for row in self.selected_rows()]

    def visible_keys(self) -> list[int]:
        """Every key that passes the filter, in the order shown."""
        return [self.proxy.index(at, 0).data(Role.KEY) for at in range(self.proxy.rowCount())]

    def put_above_rows(self, widget: QWidget) -> None:
        """Something else that filters, between the search line and the rows."""
        self._head.addWidget(widget)

    def show_bars(self, bars: dict[int, int]) -> None:
        """List only what lies in these bars of the case, by facet."""
        self.proxy.show_bars(bars)
        self._recount()
        self.view.scrollTo(self.view.currentIndex())

    def show_everything(self) -> None:
        """No words and no kind to filter by."""
        self.search.clear()
        self.kind.setCurrentIndex(0)
        self._filter()

    def step(self, by: int) -> None:
        """Go to the next (+1) or previous (-1) row."""
        at = self.view.currentIndex().row() + by
        if 0 <= at < self.proxy.rowCount():
            self.view.setCurrentIndex(self.proxy.index(at, 0))

    def _search(self, text: str) -> None:
        self.proxy.search(text)
        self._recount()

    def _sort(self) -> None:
        backwards = Qt.SortOrder.DescendingOrder if self.reverse.isChecked() else Qt.SortOrder.AscendingOrder
        self.proxy.sort_by(str(self.order.currentData()), backwards)

    def _filter(self) -> None:
        self.proxy.show_only(str(self.kind.currentData()))
        self._recount()

    def _choose(self, current: QModelIndex) -> None:
        self.chosen.emit(current.data(Role.KEY) if current.isValid() else None)

    def _recount(self) -> None:
        shown, total = self.proxy.rowCount(), self.model.rowCount()
        text = self.tr("Images: {total}") if shown == total else self.tr("Images: {shown} of {total}")
        self.count.setText(text.format(shown=shown, total=total) if total else "")
        self.view.hint = (
            self.tr("No image passes the filter.")
            if total
            else self.tr("Drop images or folders here, or choose File, Open images.")
        )
