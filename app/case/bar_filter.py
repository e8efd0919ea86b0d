"""The bars that the list is filtered by, each as a button that takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.case.words import label, title
from app.widgets import plain_tip

if TYPE_CHECKING:
    from core.report.facets import Facet


class BarFilter(QWidget):
    """At most one bar of each facet; an image is listed if it lies in all of them. ``changed`` carries them."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facets: Sequence[Facet] = ()
        self.bars: dict[int, int] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(10, 0, 10, 6)
        self._layout.setSpacing(3)
        self.hide()

    def set_facets(self, facets: Sequence[Facet]) -> None:
        """Another case's, with no bar picked."""
        self._facets = facets
        self.clear()

    def toggle(self, facet: int, bar: int) -> None:
        """Filter by a bar in place of another of its facet; the same again takes it back."""
        if self.bars.get(facet) == bar:
            del self.bars[facet]
        else:
            self.bars[facet] = bar
        self._tell()

    def clear(self) -> None:
        self.bars.clear()
        self._tell()

    def words(self) -> str:
        """The filter as a phrase; empty where there is none."""
        return ", ".join(self._words(facet, bar) for facet, bar in self.bars.items())

    def _words(self, facet: int, bar: int) -> str:
        return f"{title(self._facets[facet])}: {label(self._facets[facet], bar)}"

    def _tell(self) -> None:
        while (item := self._layout.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for facet, bar in self.bars.items():
            self._layout.addWidget(self._chip(facet, bar))
        self.setVisible(bool(self.bars))
        self.changed.emit(dict(self.bars))

    def _chip(self, facet: int, bar: int) -> QPushButton:
        words = self._words(facet, bar)
        chip = QPushButton(f"✕  {words}".replace("&", "&&"))
        chip.setAccessibleName(self.tr("No longer filter by {bar}").format(bar=words))
        chip.setToolTip(plain_tip(words))
        chip.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        chip.setStyleSheet("text-align: left; padding: 3px 8px;")
        chip.setCursor(Qt.CursorShape.PointingHandCursor)
        chip.clicked.connect(lambda: self.toggle(facet, bar))
        return chip
