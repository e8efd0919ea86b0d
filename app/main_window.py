"""The main window: list, viewer and answer of one session, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QPaintEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QMainWindow, QSplitter, QStackedWidget, QToolBar, QVBoxLayout, QWidget

from app.actions import IMAGE, Actions
from app.attribution_view import AttributionView
from app.case.elsewhere import ElsewhereBar
from app.case.panels import CasePanels
from app.commands import Commands, paths_of
from app.error_words import in_words
from app.images.panel import ImageListPanel
from app.proposal_bar import ProposalBar
from app.reference_bar import ReferenceBar
from app.screen import fit
from app.session import Session, Status
from app.status_bar import StatusBar
from app.submenus import Submenus
from app.viewer import Viewer
from core.wording import shown

_TOOLS = (
    "open_images open_folder | fit actual_size zoom_in zoom_out | one_pane two_panes three_panes four_panes link_panes "
    "| blink compare_with_file | judge_again"
)

_WHOLE = "edit_tag edit_note keep_group show_case verify_case show_case_log close_case"
"""Actions that need an open case and nothing else."""


class MainWindow(QMainWindow):
    """Shows a session and passes on what the analyst does. Owns none of the work."""

    closed = Signal()
    _built = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._after_paint: Callable[[], None] | None = None
        self.setWindowTitle("MTAA Workbench")
        self.setAcceptDrops(True)
        self.list = ImageListPanel(session.images)
        self.viewer = Viewer(session.viewing.look)
        self.answer = AttributionView(session.coverage)
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.commands = Commands(self)
        self.actions_ = Actions(self, self.commands)
        self.case = CasePanels(self)
        self.menus = self.actions_.fill(self.menuBar())
        self._lay_out()
        self._fill_toolbar()
        self.submenus = Submenus(self)
        self._wire()
        self._restore()
        self._built = True

    # Building.

    def _lay_out(self) -> None:
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(1)
        self.split.setChildrenCollapsible(False)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.viewer)
        self.middle.addWidget(self.case.dashboard)
        self.side = QWidget()
        side = QVBoxLayout(self.side)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(0)
        side.addWidget(self.answer, 1)
        side.addWidget(self.case.remarks)
        self.list.put_above_rows(self.case.bar_filter)
        for panel, stretch, least in ((self.list, 0, 220), (self.middle, 1, 360), (self.side, 0, 300)):
            panel.setMinimumWidth(least)
            self.split.addWidget(panel)
            self.split.setStretchFactor(self.split.count() - 1, stretch)
        self.split.setSizes([300, 620, 360])
        central = QWidget()
        self.elsewhere = ElsewhereBar(self.session.desk.elsewhere, self.list.view, central)
        self.proposal = ProposalBar(self.session.packs, self.list.view, central)
        take, forget = (self.actions_[name] for name in ("take_clean", "forget_clean"))
        self.reference = ReferenceBar(self.session, take, forget, self.list.view, central)
        whole = QVBoxLayout(central)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.elsewhere)
        whole.addWidget(self.proposal)
        whole.addWidget(self.reference)
        whole.addWidget(self.split, 1)
        self.setCentralWidget(central)

    def _fill_toolbar(self) -> None:
        bar = QToolBar(self.tr("Tools"))
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in _TOOLS.split():
            if name == "|":
                bar.addWidget(_gap())
            else:
                bar.addAction(self.actions_[name])
        self.addToolBar(bar)
        self.toolbar = bar

    def _wire(self) -> None:
        session = self.session
        self.list.chosen.connect(session.viewing.show)
        self.list.ordered.connect(self._keep_order)
        for name in ("judge_again", "compare_with_current", "take_clean", "remove"):
            self.list.view.addAction(self.actions_[name])
        self.viewer.look_changed.connect(session.viewing.keep_look)
        self.viewer.grid.chosen.connect(partial(session.settings.__setitem__, "panes/layers"))
        self.answer.coverage_changed.connect(session.set_coverage)
        self.answer.copy.clicked.connect(self.actions_["copy_sentence"].trigger)
        self.status.stop_wanted.connect(session.stop_judging)
        self.status.pause_wanted.connect(session.pause)
        session.desk.changed.connect(self._show_case_or_image)
        session.chores.changed.connect(self._show_chores)
        self.list.view.activated.connect(self._look_at)
        session.viewing.scene_changed.connect(self.viewer.show_scene)
        session.viewing.scene_changed.connect(self._enable)
        session.viewing.row_changed.connect(self._show_answer)
        session.status_changed.connect(self._show_status)
        session.opening.opened.connect(self._select_opened)
        session.came_back.connect(lambda key: self._select_opened([key]))
        session.message.connect(self.say)
        session.known_clean.changed.connect(self._enable)
        session.settings.changed.connect(self._setting_changed)
        for signal in (session.undo.indexChanged, session.images.rowsInserted, session.images.rowsRemoved):
            signal.connect(self._enable)
        self.list.view.selectionModel().selectionChanged.connect(self._enable)
        self._enable()
        self._show_case_or_image()
        self._show_status(session.status)
        self._show_chores()
        self._show_answer()

    def _keep_order(self, order: str, backwards: bool) -> None:
        self.session.settings["list/order"], self.session.settings["list/reverse"] = order, backwards

    def _restore(self) -> None:
        settings = self.session.settings
        self.list.order_by(settings.text("list/order"), backwards=settings.flag("list/reverse"))
        fit(self, 1280, 800)
        self.restoreGeometry(settings.layout("window"))
        self.split.restoreState(settings.layout("split"))
        self.viewer.grid.choose(settings.text("panes/layers"))
        self._show_panes()
        self.actions_["show_list"].setChecked(not self.list.isHidden())
        self.actions_["show_answer"].setChecked(not self.side.isHidden())
        self.actions_["full_screen"].setChecked(self.isFullScreen())

    # Showing.

    def say(self, text: str) -> None:
        """A remark that goes away by itself."""
        self.status.say(shown(text))

    def _show_status(self, status: Status) -> None:
        self.status.show_status(status, Path(self.session.setup.pack).stem)
        self.actions_["pause"].setEnabled(status.waiting > 0)
        self.actions_["pause"].setChecked(status.paused)
        self._enable_stop()
        if not self.answer.has_answer:
            self._show_answer()

    def _show_chores(self) -> None:
        self.status.chores.show_chores(self.session.chores.all)
        self._enable_stop()

    def _enable_stop(self) -> None:
        self.actions_["cancel"].setEnabled(self.session.status.waiting > 0 or bool(self.session.chores.all))

    def _show_answer(self) -> None:
        row, case = self.session.viewing.row, self.session.desk.case
        parts = [row.entry.name if row else "", shown(case.path.stem) if case else "", "MTAA Workbench"]
        self.setWindowTitle(" – ".join(part for part in parts if part))
        if row is not None and row.attribution is not None:
            changed = self.session.viewing.was_changed
            self.answer.show_attribution(row.entry.name, row.attribution, changed=changed)
        else:
            self.answer.show_hint(self._hint())
        self._enable()

    def _hint(self) -> str:
        """Why there is no answer, and what to do about it."""
        status, row = self.session.status, self.session.viewing.row
        if row is not None and row.record is not None:
            return shown(in_words(row.record.error or ""))
        if status.phase == "failed":
            return status.reason
        if row is None:
            return self.tr("Select an image to see who made it.")
        if status.phase in ("starting", "loading"):
            return self.tr("The model pack is loading. The answer follows by itself.")
        return self.tr("Waiting to be judged.")

    def _enable(self) -> None:
        """Actions that have nothing to act on are off."""
        selected = self.list.view.selectionModel().hasSelection()
        shown = self.session.viewing.row is not None
        case = self.session.desk.case is not None
        judged = any(row.record is not None for row in self.session.images.rows)
        listed, second = self.session.images.rowCount() > 0, self.session.viewing.scene.second is not None
        for names, on in (
            ("judge_again", selected),
            ("remove take_clean", selected and not case),
            ("forget_clean", self.session.known_clean.reference is not None and not case),
            ("remove_all new_case_of_images", listed and not case),
            ("select_all next_image previous_image judge_missing", listed),
            (_WHOLE, case),
            ("export_all", case or judged),
            ("export_selected", selected and (case or judged)),
            ("end_comparison", self.case.dashboard.comparing),
            ("copy_view save_view compare_with_current blink", shown),
            ("compare_with_none", second),
            ("copy_sentence", self.answer.has_answer),
            ("undo", self.session.undo.canUndo()),
            ("redo", self.session.undo.canRedo()),
        ):
            for name in names.split():
                self.actions_[name].setEnabled(on)
        self._enable_stop()

    # The case.

    def show_case(self, shown: bool) -> None:
        """The case as a whole in the middle, or the current image."""
        shown = shown and self.session.desk.case is not None
        self.middle.setCurrentWidget(self.case.dashboard if shown else self.viewer)
        self.actions_["show_case"].setChecked(shown)

    def show_remarks(self) -> None:
        self.side.show()
        self.actions_["show_answer"].setChecked(True)

    def _look_at(self) -> None:
        self.show_case(False)

    def _show_case_or_image(self) -> None:
        """Another case is open, or none."""
        case = self.session.desk.case
        self.answer.slider.setEnabled(case is None)
        self.menus[IMAGE].setToolTipsVisible(case is not None)  # they say why a case turns some of it off
        self.answer.set_coverage(self.session.coverage)
        self.show_case(case is not None)
        self._show_answer()

    def _select_opened(self, keys: Sequence[int]) -> None:
        """Go to what was just opened, unless the analyst is looking at something else and it is a folder's worth."""
        if len(keys) == 1 and not self.list.lists(keys[0]):
            self.commands.show_all_images()
        if keys and (self.session.viewing.row is None or len(keys) == 1):
            self.list.select(keys[0])
        elif not keys:
            self.say(self.tr("No images were found there."))

    def _show_panes(self) -> None:
        settings = self.session.settings
        self.viewer.grid.set_count(int(settings.number("viewer/panes")))
        self.viewer.grid.set_linked(settings.flag("viewer/linked"))
        self.actions_["link_panes"].setChecked(settings.flag("viewer/linked"))

    def _setting_changed(self, key: str) -> None:
        if key in ("viewer/panes", "viewer/linked"):
            self._show_panes()
        elif key.startswith("viewer/"):
            self.viewer.apply_look(self.session.viewing.look)
        elif key == "attribution/coverage":
            self.answer.set_coverage(self.session.coverage)
        elif key == "recent":
            QTimer.singleShot(0, self.submenus, self.submenus.fill_recent)  # its own entry may be what was clicked

    # Events.

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._built:
            self.actions_.recolour()
            self._show_answer()
        if event.type() == QEvent.Type.WindowStateChange and self._built:
            self.actions_["full_screen"].setChecked(self.isFullScreen())

    def when_painted(self, then: Callable[[], None]) -> None:
        """Call ``then`` once, after the window has been on screen for the first time."""
        self._after_paint = then

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._after_paint is not None:
            then, self._after_paint = self._after_paint, None
            QTimer.singleShot(0, self, then)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.list.view.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if paths_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        if paths := paths_of(event.mimeData()):
            event.acceptProposedAction()
            self.commands.open_dropped(paths)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        if not (self.commands.may_leave_exports() and self.commands.end_training()):
            event.ignore()
            return
        self.case.remarks.finish()
        self.keep_layout()
        super().closeEvent(event)
        self.closed.emit()

    def keep_layout(self) -> None:
        settings = self.session.settings
        settings.keep_layout("window", self.saveGeometry())
        settings.keep_layout("split", self.split.saveState())


def _gap() -> QWidget:
    gap = QFrame()
    gap.setFixedWidth(14)
    return gap
