"""The image list with its search line, order and filter above."""

from __future__ import annotations

from collections.abc import Sequence, Set

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, Qt, Signal
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
from app.images.makers import MakersLabel
from app.images.model import ImageListModel, Index, Role
from app.images.order import FILTERS, SORTS, ImageFilter
from app.images.row import Row, Trust, in_words
from app.widgets import named


class _Rows(QListView):
    """A list that says what to do while it is empty."""

    hint = ""

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:  # noqa: N802
        """Draw, where QListView would lay out all rows anew for each thumbnail; theirs is one size."""
        QAbstractItemView.dataChanged(self, first, last, roles)

    def paintEvent(self, event: object) -> None:  # noqa: N802
        super().paintEvent(event)  # type: ignore[arg-type]
        if self.model() is None or self.model().rowCount():
            return
        painter = QPainter(self.viewport())
        painter.setPen(QColor(theme.tones().muted))
        area = self.viewport().rect().adjusted(20, 20, -20, -20)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)


class ImageListPanel(QWidget):
    """Search, order, filter, and the rows."""

    chosen = Signal(object)
    """Key of the row that became current, or None. A row that a filter hides stays chosen until another is."""
    ordered = Signal(str, bool)
    """One of SORTS, and whether backwards."""

    def __init__(self, model: ImageListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.proxy = ImageFilter(model, self)
        self._chosen: int | None = None
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
        self.makers = MakersLabel()
        self.view = self._make_view()
        self._lay_out()
        self.proxy.hiding.connect(self._let_go)
        for signal in (self.proxy.changed, model.rowsInserted, model.rowsRemoved):
            signal.connect(self._follow)
        model.dataChanged.connect(self._say_more)
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
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 4, 12, 6)
        foot.addWidget(self.makers)
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
            **{trust.name.lower(): in_words(trust) for trust in Trust},
            "errors": self.tr("Errors"),
            "waiting": self.tr("Waiting"),
        }

    # What the window asks.

    def lists(self, key: int) -> bool:
        """Whether the row passes the filter."""
        return self.proxy.index_of(key).isValid()

    def select(self, key: int) -> None:
        index = self.proxy.index_of(key)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)

    def selected_rows(self) -> list[Row]:
        rows = (self.model.row_of(key) for key in self.selected_keys())
        return [row for row in rows if row is not None]

    def selected_keys(self) -> list[int]:
        """By the stretches of the selection: an index for each row takes Qt half a second of 100,000."""
        selection, keys = self.view.selectionModel().selection(), self.proxy.keys
        stretches = map(selection.at, range(selection.size()))
        return [key for stretch in stretches for key in keys[stretch.top() : stretch.bottom() + 1]]

    def put_above_rows(self, widget: QWidget) -> None:
        """Something else that filters, between the search line and the rows."""
        self._head.addWidget(widget)

    def show_bars(self, bars: dict[int, int]) -> None:
        """List only what lies in these bars of the case, by facet."""
        self.proxy.show_bars(bars)
        self._keep_in_sight()

    def show_everything(self) -> None:
        """No words and no kind to filter by."""
        self.search.clear()
        self.kind.setCurrentIndex(0)
        self._filter()

    def step(self, by: int) -> None:
        """Go to the next (+1) or previous (-1) row; from one that is hidden to the first, as the arrow keys do."""
        current = self.view.currentIndex()
        index = self.proxy.index(current.row() + by if current.isValid() else 0, 0)
        if index.isValid():
            self.view.setCurrentIndex(index)

    def _search(self, text: str) -> None:
        self.proxy.search(text)
        self._keep_in_sight()

    def order_by(self, order: str, *, backwards: bool) -> None:
        """As ``ordered`` told it."""
        self.order.setCurrentIndex(self.order.findData(order))
        with QSignalBlocker(self.reverse):
            self.reverse.setChecked(backwards)
        self._sort()

    def _sort(self) -> None:
        order, backwards = str(self.order.currentData()), self.reverse.isChecked()
        self.proxy.sort_by(order, Qt.SortOrder.DescendingOrder if backwards else Qt.SortOrder.AscendingOrder)
        self.ordered.emit(order, backwards)

    def _filter(self) -> None:
        self.proxy.show_only(str(self.kind.currentData()))
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        self.view.scrollTo(self.view.currentIndex())

    def _choose(self, current: QModelIndex) -> None:
        key = current.data(Role.KEY) if current.isValid() else None
        if key != self._chosen:
            self._chosen = key
            self.chosen.emit(key)

    def _let_go(self, keys: Set[int]) -> None:
        """Have no current row while that one is hidden: Qt would take another, which nobody chose."""
        if self._chosen in keys:
            selection = self.view.selectionModel()
            with QSignalBlocker(selection):
                selection.clearCurrentIndex()

    def _follow(self) -> None:
        """Other rows are open, or listed."""
        self._recount()
        if self._chosen is not None and self.model.row_of(self._chosen) is None:  # closed while it was hidden
            self._choose(QModelIndex())
        index = self.proxy.index_of(self._chosen)
        if index.isValid() and not self.view.currentIndex().isValid():  # listed again
            self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.Select)

    def _say_more(self, _first: QModelIndex, _last: QModelIndex, roles: Sequence[int]) -> None:
        """What the rows say may be another thing, unless a thumbnail came."""
        if Qt.ItemDataRole.DecorationRole not in roles:
            self.makers.tell(self.proxy.listed)

    def _recount(self) -> None:
        self.makers.tell(self.proxy.listed)
        shown, total = self.proxy.rowCount(), self.model.rowCount()
        text = self.tr("Images: {total}") if shown == total else self.tr("Images: {shown} of {total}")
        self.count.setText(text.format(shown=shown, total=total) if total else "")
        self.view.hint = (
            self.tr("No image passes the filter.")
            if total
            else self.tr("Drop images or folders here, or choose File, Open images.")
        )
