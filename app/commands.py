"""What each action does. Names are those of the actions table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice, QMimeData, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog

from app.case.commands import CaseCommands
from app.packs_view import PacksDialog
from app.palette import Palette
from app.preferences import Preferences
from app.question import asked
from app.reading import Page, about_dialog, help_dialog, log_dialog, messages_dialog
from app.requests import Entry
from app.save_dialog import ask_target
from app.victims_view import KINDS, VictimsDialog
from core.files import write_file
from core.folders import PACK_SUFFIX, SUFFIXES
from core.paths import SAMPLES

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.wizard.wizard import TrainingWizard

translate = QCoreApplication.translate

_STEP = 0.1
"""Share of the image that one pan key moves."""


def paths_of(mime: QMimeData) -> list[str]:
    """Local files and folders in a drop or on the clipboard."""
    return [url.toLocalFile() for url in mime.urls() if url.isLocalFile() and url.toLocalFile()]


def png_bytes(image: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())


def _as_png(path: Path, _kind: str) -> Path:
    return path if path.suffix else path.with_suffix(".png")


class Commands(CaseCommands):
    """Handlers of one window's actions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._pasted = 0
        self._packs: PacksDialog | None = None
        self._victims: VictimsDialog | None = None
        self._wizard: TrainingWizard | None = None
        self.session.undo.indexChanged.connect(self.name_steps)

    # File.

    def open_images(self) -> None:
        pattern = " ".join(f"*{suffix}" for suffix in sorted(SUFFIXES))
        kinds = self.tr("Images ({pattern});;All files (*)").format(pattern=pattern)
        paths, _ = QFileDialog.getOpenFileNames(self.window, self.tr("Open images"), self.folder(), kinds)
        self.session.opening.paths(paths)

    def open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self.window, self.tr("Open folder"), self.folder())
        self.session.opening.paths([path] if path else [])

    def open_samples(self) -> None:
        self.session.opening.paths([str(SAMPLES)], remember=False)

    def save_view(self) -> None:
        row = self.session.viewing.row
        start = str(Path(self.folder(), f"{Path(row.entry.path).stem}-view.png" if row else "view.png"))
        target = ask_target(self.window, self.tr("Save view as PNG"), start, "PNG (*.png)", _as_png)
        if target is not None:
            write_file(target, png_bytes(self.window.viewer.grid.snapshot()))
            self.window.say(self.tr("Saved {path}").format(path=target))

    def quit(self) -> None:
        self.window.close()

    # Edit.

    def undo(self) -> None:
        self.session.undo.undo()

    def redo(self) -> None:
        self.session.undo.redo()

    def name_steps(self) -> None:
        """Undo and Redo say what they would undo and redo."""
        stack = self.session.undo
        for name, what, alone, text in (
            ("undo", stack.undoText(), translate("Actions", "Undo"), self.tr("Undo {what}")),
            ("redo", stack.redoText(), translate("Actions", "Redo"), self.tr("Redo {what}")),
        ):
            self.window.actions_[name].setText(text.format(what=what) if what else alone)

    def paste(self) -> None:
        mime = QGuiApplication.clipboard().mimeData() or QMimeData()  # None on an empty clipboard
        if paths := paths_of(mime):
            self.open_dropped(paths)
        elif mime.hasImage():
            self._pasted += 1
            name = self.tr("pasted {n}.png").format(n=self._pasted)
            self.session.opening.pasted(name, png_bytes(QGuiApplication.clipboard().image()))
        else:
            self.window.say(self.tr("The clipboard holds neither an image nor files."))

    def copy_view(self) -> None:
        QGuiApplication.clipboard().setImage(self.window.viewer.grid.snapshot())
        self.window.say(self.tr("View copied."))

    def copy_sentence(self) -> None:
        QGuiApplication.clipboard().setText(self.window.answer.sentence.toPlainText())
        self.window.say(self.tr("Sentence copied."))

    def select_all(self) -> None:
        self.window.list.view.selectAll()

    def find(self) -> None:
        self.window.list.show()
        self.window.actions_["show_list"].setChecked(True)
        self.window.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.window.list.search.selectAll()

    def remove(self) -> None:
        self.session.remove(self.window.list.selected_keys(), self.tr("remove from list"))

    def remove_all(self) -> None:
        self.session.remove([row.entry.key for row in self.session.images.rows], self.tr("remove all"))

    # Image.

    def next_image(self) -> None:
        self.window.list.step(1)

    def previous_image(self) -> None:
        self.window.list.step(-1)

    def judge_again(self) -> None:
        if self.desk.case is not None:
            self.window.say(self.tr("A case keeps its answers: files that were changed since are attributed again."))
        self.session.judge_again(self.window.list.selected_keys())

    def judge_missing(self) -> None:
        self.session.judge_missing()

    def pause(self, paused: bool) -> None:
        self.session.pause(paused)

    def cancel(self) -> None:
        self.session.cancel()

    def compare_with_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.window, self.tr("Compare with"), self.folder())
        if path:
            self.session.viewing.compare_with(Entry(0, path))

    def compare_with_current(self) -> None:
        row = self.session.viewing.row
        if row is not None:
            self.session.viewing.compare_with(row.entry)

    def compare_with_none(self) -> None:
        self.session.viewing.compare_with(None)

    def take_clean(self) -> None:
        self.session.known_clean.take(self.window.list.selected_keys())

    def forget_clean(self) -> None:
        self.session.known_clean.forget()

    # View.

    def zoom_in(self) -> None:
        self.window.viewer.grid.zoom_by(1.25)

    def zoom_out(self) -> None:
        self.window.viewer.grid.zoom_by(0.8)

    def fit(self) -> None:
        self.window.viewer.grid.fit()

    def actual_size(self) -> None:
        self.window.viewer.grid.actual_size()

    def pan_left(self) -> None:
        self.window.viewer.grid.pan(-_STEP, 0)

    def pan_right(self) -> None:
        self.window.viewer.grid.pan(_STEP, 0)

    def pan_up(self) -> None:
        self.window.viewer.grid.pan(0, -_STEP)

    def pan_down(self) -> None:
        self.window.viewer.grid.pan(0, _STEP)

    def one_pane(self) -> None:
        self.session.settings["viewer/panes"] = 1

    def two_panes(self) -> None:
        self.session.settings["viewer/panes"] = 2

    def three_panes(self) -> None:
        self.session.settings["viewer/panes"] = 3

    def four_panes(self) -> None:
        self.session.settings["viewer/panes"] = 4

    def link_panes(self, linked: bool) -> None:
        self.session.settings["viewer/linked"] = linked

    def blink(self) -> None:
        self.window.viewer.grid.blink()

    def more_opacity(self) -> None:
        self._nudge_opacity(10)

    def less_opacity(self) -> None:
        self._nudge_opacity(-10)

    def _nudge_opacity(self, by: int) -> None:
        slider = self.window.viewer.opacity
        slider.setValue(slider.value() + by)

    def more_gain(self) -> None:
        self._nudge_gain(1)

    def less_gain(self) -> None:
        self._nudge_gain(-1)

    def _nudge_gain(self, by: int) -> None:
        slider = self.window.viewer.gain
        slider.setValue(slider.value() + by)

    # Tools and help.

    def show_palette(self) -> None:
        Palette(self.window, self.window.actions_.all()).open()

    def show_packs(self) -> None:
        self.packs_dialog().open()

    def packs_dialog(self) -> PacksDialog:
        """The one packs dialog of this window."""
        if self._packs is None:
            self._packs = PacksDialog(self.session, self.window)
        return self._packs

    def show_victims(self) -> None:
        dialog = self.victims_dialog()
        dialog.refresh()
        dialog.open()

    def victims_dialog(self) -> VictimsDialog:
        """The one victims dialog of this window."""
        if self._victims is None:
            self._victims = VictimsDialog(self.session, self.window)
        return self._victims

    def train(self) -> None:
        self.training_wizard().show()
        self.training_wizard().activateWindow()

    def training_wizard(self) -> TrainingWizard:
        """The one wizard of this window. Closed before anything ran, it comes back with all that was entered."""
        if self._wizard is None:
            from app.wizard.wizard import TrainingWizard  # noqa: PLC0415  (not needed for the first paint)

            self.adopt(TrainingWizard(self.session, self.window))
        assert self._wizard is not None
        return self._wizard

    def adopt(self, wizard: TrainingWizard) -> None:
        """Make a wizard this window's own: it is asked before the window closes."""
        self._wizard = wizard
        wizard.finished.connect(self._wizard_finished)

    def may_leave_exports(self) -> bool:
        """Ask whether what is being written may stay unwritten, if anything is."""
        if not self.session.exports.is_busy:
            return True
        return asked(
            self.window,
            self.tr("A report or table is still being written. It would stay unwritten."),
            self.tr("Close without it"),
        )

    def end_training(self) -> bool:
        """Close the wizard, which asks what shall become of its run; whether the window may close now."""
        return self._wizard is None or self._wizard.close()

    def _wizard_finished(self) -> None:
        if self._wizard is not None and self._wizard.is_done_with:
            self._wizard.deleteLater()
            self._wizard = None

    def show_preferences(self) -> None:
        Preferences(self.session.settings, self.window).open()

    def show_help(self) -> None:
        """One window of help: asked for again, it comes to the front."""
        page = self.window.findChild(Page, "help") or help_dialog(self.window)
        page.setObjectName("help")
        page.show()
        page.activateWindow()

    def show_messages(self) -> None:
        messages_dialog(self.window.status.said, self.window).show()

    def show_log(self) -> None:
        log_dialog(self.window).show()

    def show_about(self) -> None:
        about_dialog(self.window).show()

    def open_dropped(self, paths: Sequence[str]) -> None:
        """Cases, images and folders are opened, packs and models go to their dialogs."""
        packs = [path for path in paths if path.lower().endswith(PACK_SUFFIX)]
        models = [path for path in paths if path.lower().endswith(KINDS)]
        self.open_anything([path for path in paths if path not in packs and path not in models])
        if packs:
            self.packs_dialog().take([Path(path) for path in packs])
            self.show_packs()
        if models:
            self.victims_dialog().hand_when_looked(models)
            self.victims_dialog().open()

    # Panels.

    def show_list(self, shown: bool) -> None:
        self.window.list.setVisible(shown)

    def show_answer(self, shown: bool) -> None:
        self.window.side.setVisible(shown)

    def full_screen(self, full: bool) -> None:
        state = self.window.windowState()
        flag = Qt.WindowState.WindowFullScreen
        self.window.setWindowState(state | flag if full else state & ~flag)
