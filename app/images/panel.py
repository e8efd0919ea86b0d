"""The image list with its search line, order and filter above."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.images.delegate import RowDelegate
from app.images.model import ImageListModel, Role
from app.images.order import FILTERS, SORTS, ImageFilter
from app.images.row import Doubt, Row, in_words
from app.widgets import named


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
            **{doubt.name.lower(): in_words(doubt) for doubt in Doubt},
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
