"""What a window shows of its session's case, and how that follows the case, the filter and the selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.case.bar_filter import BarFilter
from app.case.dashboard import Dashboard
from app.case.remarks import RemarkPanel
from app.reading import case_log_dialog, verified_dialog

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from core.listed import LogEntry
    from core.verify import Verified

_TOOLS = "keep_group end_comparison export_all"
_FOLLOWS = 30
"""Milliseconds between a selection and what follows it: keys held down select many rows a second."""


class CasePanels(QObject):
    """The overview, the bars that the list is filtered by, and the current image's tag and note, of one window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.session = window.session
        desk = window.session.desk
        self.remarks = RemarkPanel(desk)
        self.bar_filter = BarFilter()
        self.dashboard = Dashboard(desk, [window.actions_[name] for name in _TOOLS.split()])
        self._soon = QTimer(self, singleShot=True, interval=_FOLLOWS)
        self._soon.timeout.connect(self._follow)
        self._wire()
        self._show_parts()

    def _wire(self) -> None:
        desk, list_ = self.session.desk, self.window.list
        desk.changed.connect(self._show_parts)
        desk.log_read.connect(self._show_log)
        self.session.verifying.verified.connect(self._show_verified)
        self.dashboard.picked.connect(self.bar_filter.toggle)
        self.bar_filter.changed.connect(list_.show_bars)
        self.bar_filter.changed.connect(self.dashboard.choose)
        for signal in (list_.view.selectionModel().selectionChanged, self.bar_filter.changed,
                       list_.search.textChanged, list_.kind.activated, self.session.viewing.row_changed):  # fmt: skip
            signal.connect(self._follow_soon)

    def tell_chosen(self) -> None:
        """The images that a comparison speaks of: the selected ones if they are several, else those listed."""
        rows = self.window.list.selected_rows()
        name, by = self.tr("Selected images: {n}"), []
        if len(rows) < 2:
            rows = self.window.list.proxy.listed()
            name, by = self.tr("Listed images: {n}"), self._listed_by()
        self.dashboard.show_chosen("\n".join([name.format(n=f"{len(rows):,}"), *by]), rows)

    def _listed_by(self) -> list[str]:
        """Bars, kind and words that the list is filtered by, a line each."""
        filters = self.window.list
        kind = filters.kind.currentText() if filters.kind.currentIndex() > 0 else ""
        typed = filters.search.text().strip()
        return [line for line in (self.bar_filter.words(), kind, typed and f"“{typed}”") if line]

    def _follow_soon(self) -> None:
        self._soon.start()

    def _follow(self) -> None:
        if self.session.desk.case is not None:
            self.remarks.show_rows(self.session.viewing.row, self.window.list.selected_rows())
        if self.dashboard.comparing:  # else nobody asks which, and a case may list a hundred thousand
            self.tell_chosen()

    def _show_parts(self) -> None:
        """Another case is open, or none."""
        case = self.session.desk.case
        self.remarks.setVisible(case is not None)
        self.bar_filter.set_facets(case.facets.all if case is not None else ())

    def _show_log(self, entries: Sequence[LogEntry]) -> None:
        case_log_dialog(entries, self.window).show()

    def _show_verified(self, found: Verified) -> None:
        verified_dialog(found, self.window).show()
