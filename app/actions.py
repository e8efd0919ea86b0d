"""One table of actions: it yields the menus, the toolbar, the shortcuts and the command palette."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.i18n import QT_TRANSLATE_NOOP
from app.icons import icon

translate = QCoreApplication.translate

FILE = QT_TRANSLATE_NOOP("Actions", "&File")
EDIT = QT_TRANSLATE_NOOP("Actions", "&Edit")
IMAGE = QT_TRANSLATE_NOOP("Actions", "&Image")
CASE = QT_TRANSLATE_NOOP("Actions", "&Case")
VIEW = QT_TRANSLATE_NOOP("Actions", "&View")
TOOLS = QT_TRANSLATE_NOOP("Actions", "&Tools")
HELP = QT_TRANSLATE_NOOP("Actions", "&Help")
MENUS = (FILE, EDIT, IMAGE, CASE, VIEW, TOOLS, HELP)


@dataclass(frozen=True, slots=True)
class Command:
    """``name`` is the method of :class:`app.commands.Commands` that does it; ``rule`` draws a line above it.

    shortcut: several are separated by "; ", and the first is shown. None is Ctrl+Alt and a letter: on Windows that is
    AltGr, which types, and desktops have keys of their own there.
    """

    name: str
    text: str
    menu: str
    shortcut: str = ""
    icon: str = ""
    rule: bool = False
    checkable: bool = False


def _c(name: str, text: str, menu: str, shortcut: str = "", icon: str = "", **flags: bool) -> Command:
    return Command(name, text, menu, shortcut, icon, **flags)


TABLE: tuple[Command, ...] = (
    _c("open_images", QT_TRANSLATE_NOOP("Actions", "Open images…"), FILE, "Ctrl+O", "image"),
    _c("open_folder", QT_TRANSLATE_NOOP("Actions", "Open folder…"), FILE, "Ctrl+Shift+O", "folder"),
    _c("open_samples", QT_TRANSLATE_NOOP("Actions", "Open sample images"), FILE, "Ctrl+Shift+E"),
    _c("export_all", QT_TRANSLATE_NOOP("Actions", "Export report or table…"), FILE, "Ctrl+E", rule=True),
    _c("export_selected", QT_TRANSLATE_NOOP("Actions", "Export selected images…"), FILE, "Ctrl+Shift+X"),
    _c("save_view", QT_TRANSLATE_NOOP("Actions", "Save view as PNG…"), FILE, "Ctrl+S", "save"),
    _c("quit", QT_TRANSLATE_NOOP("Actions", "Quit"), FILE, "Ctrl+Q", rule=True),
    _c("undo", QT_TRANSLATE_NOOP("Actions", "Undo"), EDIT, "Ctrl+Z"),
    _c("redo", QT_TRANSLATE_NOOP("Actions", "Redo"), EDIT, "Ctrl+Shift+Z; Ctrl+Y"),
    _c("paste", QT_TRANSLATE_NOOP("Actions", "Paste image or files"), EDIT, "Ctrl+V", rule=True),
    _c("copy_view", QT_TRANSLATE_NOOP("Actions", "Copy view"), EDIT, "Ctrl+Shift+C"),
    _c("copy_sentence", QT_TRANSLATE_NOOP("Actions", "Copy sentence for the case file"), EDIT, "Ctrl+Shift+T"),
    _c("select_all", QT_TRANSLATE_NOOP("Actions", "Select all images"), EDIT, "Ctrl+A", rule=True),
    _c("find", QT_TRANSLATE_NOOP("Actions", "Filter the list"), EDIT, "Ctrl+F"),
    _c("remove", QT_TRANSLATE_NOOP("Actions", "Remove from list"), EDIT, "Del"),
    _c("remove_all", QT_TRANSLATE_NOOP("Actions", "Remove all from list"), EDIT, "Ctrl+Shift+Del"),
    _c("next_image", QT_TRANSLATE_NOOP("Actions", "Next image"), IMAGE, "PgDown"),
    _c("previous_image", QT_TRANSLATE_NOOP("Actions", "Previous image"), IMAGE, "PgUp"),
    _c("judge_again", QT_TRANSLATE_NOOP("Actions", "Attribute again"), IMAGE, "F5", "refresh", rule=True),
    _c("judge_missing", QT_TRANSLATE_NOOP("Actions", "Attribute what is still waiting"), IMAGE, "Shift+F5"),
    _c("pause", QT_TRANSLATE_NOOP("Actions", "Pause attributing"), IMAGE, "Ctrl+Shift+H", checkable=True),
    _c("cancel", QT_TRANSLATE_NOOP("Actions", "Stop everything under way"), IMAGE, "Ctrl+."),
    _c("compare_with_file", QT_TRANSLATE_NOOP("Actions", "Compare with file…"), IMAGE, "Ctrl+D", "compare", rule=True),
    _c("compare_with_current", QT_TRANSLATE_NOOP("Actions", "Use as second image"), IMAGE, "Ctrl+Shift+D"),
    _c("compare_with_none", QT_TRANSLATE_NOOP("Actions", "Forget second image"), IMAGE, "Ctrl+Shift+R"),
    _c("take_clean", QT_TRANSLATE_NOOP("Actions", "Take as known clean images"), IMAGE, "Ctrl+B", rule=True),
    _c("forget_clean", QT_TRANSLATE_NOOP("Actions", "Forget known clean images"), IMAGE, "Ctrl+Shift+B"),
    _c("new_case", QT_TRANSLATE_NOOP("Actions", "New case…"), CASE, "Ctrl+N"),
    _c("new_case_of_images", QT_TRANSLATE_NOOP("Actions", "New case of these images…"), CASE, "Ctrl+Shift+N"),
    _c("open_case", QT_TRANSLATE_NOOP("Actions", "Open case…"), CASE, "Ctrl+Shift+K"),
    _c("close_case", QT_TRANSLATE_NOOP("Actions", "Close case"), CASE, "Ctrl+Shift+W"),
    _c("show_case", QT_TRANSLATE_NOOP("Actions", "Case overview"), CASE, "F8", "case", rule=True, checkable=True),
    _c("show_all_images", QT_TRANSLATE_NOOP("Actions", "List all images again"), CASE, "Ctrl+Shift+F"),
    _c("edit_tag", QT_TRANSLATE_NOOP("Actions", "Tag"), CASE, "Ctrl+G", rule=True),
    _c("edit_note", QT_TRANSLATE_NOOP("Actions", "Note"), CASE, "Ctrl+Shift+G"),
    _c("keep_group", QT_TRANSLATE_NOOP("Actions", "Keep for comparison"), CASE, "Ctrl+M", rule=True),
    _c("end_comparison", QT_TRANSLATE_NOOP("Actions", "End comparison"), CASE, "Ctrl+Shift+M"),
    _c("verify_case", QT_TRANSLATE_NOOP("Actions", "Verify files"), CASE, "Ctrl+Shift+V", rule=True),
    _c("show_case_log", QT_TRANSLATE_NOOP("Actions", "Log of the case…"), CASE, "Ctrl+Shift+J"),
    _c("zoom_in", QT_TRANSLATE_NOOP("Actions", "Zoom in"), VIEW, "Ctrl++; Ctrl+=", "zoom-in"),
    _c("zoom_out", QT_TRANSLATE_NOOP("Actions", "Zoom out"), VIEW, "Ctrl+-", "zoom-out"),
    _c("fit", QT_TRANSLATE_NOOP("Actions", "Fit to pane"), VIEW, "Ctrl+0", "fit"),
    _c("actual_size", QT_TRANSLATE_NOOP("Actions", "One to one"), VIEW, "Ctrl+1", "one-to-one"),
    _c("pan_left", QT_TRANSLATE_NOOP("Actions", "Pan left"), VIEW, "Alt+Left"),
    _c("pan_right", QT_TRANSLATE_NOOP("Actions", "Pan right"), VIEW, "Alt+Right"),
    _c("pan_up", QT_TRANSLATE_NOOP("Actions", "Pan up"), VIEW, "Alt+Up"),
    _c("pan_down", QT_TRANSLATE_NOOP("Actions", "Pan down"), VIEW, "Alt+Down"),
    _c("one_pane", QT_TRANSLATE_NOOP("Actions", "One pane"), VIEW, "Alt+1", "panes-1", rule=True),
    _c("two_panes", QT_TRANSLATE_NOOP("Actions", "Two panes"), VIEW, "Alt+2", "panes-2"),
    _c("three_panes", QT_TRANSLATE_NOOP("Actions", "Three panes"), VIEW, "Alt+3", "panes-3"),
    _c("four_panes", QT_TRANSLATE_NOOP("Actions", "Four panes"), VIEW, "Alt+4", "panes-4"),
    _c("link_panes", QT_TRANSLATE_NOOP("Actions", "Link zoom and pan"), VIEW, "Ctrl+L", "link", checkable=True),
    _c("blink", QT_TRANSLATE_NOOP("Actions", "Blink"), VIEW, "B", "blink"),
    _c("more_opacity", QT_TRANSLATE_NOOP("Actions", "More heatmap"), VIEW, "]", rule=True),
    _c("less_opacity", QT_TRANSLATE_NOOP("Actions", "Less heatmap"), VIEW, "["),
    _c("more_gain", QT_TRANSLATE_NOOP("Actions", "More gain"), VIEW, "Ctrl+]"),
    _c("less_gain", QT_TRANSLATE_NOOP("Actions", "Less gain"), VIEW, "Ctrl+["),
    _c("show_list", QT_TRANSLATE_NOOP("Actions", "Image list"), VIEW, "F9", rule=True, checkable=True),
    _c("show_answer", QT_TRANSLATE_NOOP("Actions", "Answer"), VIEW, "F7", checkable=True),
    _c("full_screen", QT_TRANSLATE_NOOP("Actions", "Full screen"), VIEW, "F11", checkable=True),
    _c("show_palette", QT_TRANSLATE_NOOP("Actions", "Command palette"), TOOLS, "Ctrl+Shift+P", "search"),
    _c("show_packs", QT_TRANSLATE_NOOP("Actions", "Model packs…"), TOOLS, "Ctrl+K", "pack"),
    _c("show_victims", QT_TRANSLATE_NOOP("Actions", "Victims to ask…"), TOOLS, "Ctrl+J"),
    _c("train", QT_TRANSLATE_NOOP("Actions", "Train a model…"), TOOLS, "Ctrl+T", "train"),
    _c("show_preferences", QT_TRANSLATE_NOOP("Actions", "Preferences…"), TOOLS, "Ctrl+,", "settings", rule=True),
    _c("show_help", QT_TRANSLATE_NOOP("Actions", "Help"), HELP, "F1"),
    _c("show_messages", QT_TRANSLATE_NOOP("Actions", "Messages…"), HELP, "F12"),
    _c("show_log", QT_TRANSLATE_NOOP("Actions", "Log…"), HELP, "Ctrl+Shift+L"),
    _c("show_about", QT_TRANSLATE_NOOP("Actions", "About MTAA Workbench"), HELP, "Ctrl+F1", rule=True),
)


class Actions:
    """The table's QActions on one window, each connected to the handler's method of its name."""

    def __init__(self, window: QWidget, handler: object) -> None:
        self._by_name: dict[str, QAction] = {}
        for command in TABLE:
            action = QAction(translate("Actions", command.text), window)
            action.setObjectName(command.name)
            action.setCheckable(command.checkable)
            action.setShortcuts(QKeySequence.listFromString(command.shortcut))
            if command.icon:
                action.setIcon(icon(command.icon))
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            plain = action.text().rstrip("…")
            action.setToolTip(f"{plain} ({keys})" if keys else plain)
            slot: Callable[..., None] = getattr(handler, command.name)
            if command.checkable:
                action.triggered.connect(slot)
            else:
                action.triggered.connect(lambda _checked=False, slot=slot: slot())
            self._by_name[command.name] = action
            window.addAction(action)

    def __getitem__(self, name: str) -> QAction:
        return self._by_name[name]

    def all(self) -> list[QAction]:
        return list(self._by_name.values())

    def recolour(self) -> None:
        """Draw the icons again in the palette's text colour."""
        for command in TABLE:
            if command.icon:
                self._by_name[command.name].setIcon(icon(command.icon))

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Build the menus in the table's order."""
        menus = {menu: bar.addMenu(translate("Actions", menu)) for menu in MENUS}
        for command in TABLE:
            if command.rule:
                menus[command.menu].addSeparator()
            menus[command.menu].addAction(self._by_name[command.name])
        return menus
