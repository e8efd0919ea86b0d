"""What the actions about cases do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.error_words import in_words
from app.question import asked
from app.save_dialog import ask_target
from core.errors import DamagedCaseError
from core.folders import CASE_SUFFIX, as_case
from core.progress import CancelToken, ProgressCallback
from core.wording import shown

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from core.case_recovery import Recovered

translate = QCoreApplication.translate

_KINDS = {"html": "HTML", "pdf": "PDF", "csv": "CSV", "json": "JSON"}


class CaseCommands(QObject):
    """Handlers of one window's actions about its session's case."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.session = window.session
        self.desk = window.session.desk
        self.desk.damaged.connect(self._offer_recovery, Qt.ConnectionType.QueuedConnection)

    def folder(self) -> str:
        """Where file dialogs start: beside what was opened last."""
        recent = self.session.settings.recent()
        if not recent:
            return str(Path.home())
        last = Path(recent[0])
        return str(last if os.path.isdir(last) else last.parent)  # noqa: PTH112 (is_dir() raises for a lost network)

    def _may_empty_list(self) -> bool:
        """Ask whether pasted images may be lost with the list, if there are any: they are in no file."""
        pasted = sum(row.entry.data is not None for row in self.session.images.rows)
        if not pasted:
            return True
        text = self.tr("Pasted images are in no file, and a case takes their place in the list: {n} would be lost.")
        return asked(self.window, text.format(n=f"{pasted:,}"), self.tr("Go on without them"))

    def new_case(self) -> None:
        if self._may_empty_list():
            self._create(self.tr("New case"), ())

    def new_case_of_images(self) -> None:
        """The open images go into a case; pasted ones, which are no files, cannot, and would be lost with the list."""
        entries = [row.entry for row in self.session.images.rows]
        if any(entry.data is not None for entry in entries):
            text = translate("Opening", "A case holds files only. Save the image first, and open it.")
            self.window.say(text)
            return
        self._create(self.tr("New case of these images"), [entry.path for entry in entries])

    def _create(self, title: str, files: Sequence[str]) -> None:
        if path := self._ask_new(title, self.folder()):
            self.window.case.remarks.finish()
            self.desk.create(path, files)

    def _ask_new(self, title: str, start: str) -> str:
        """The file of a case that is to be made; empty for none."""
        kinds = self.tr("Cases ({pattern})").format(pattern=f"*{CASE_SUFFIX}")
        never = QFileDialog.Option.DontConfirmOverwrite  # for no case is overwritten
        path, _ = QFileDialog.getSaveFileName(self.window, title, start, kinds, options=never)
        return path

    def open_case(self) -> None:
        kinds = self.tr("Cases ({pattern})").format(pattern=f"*{CASE_SUFFIX}")
        path, _ = QFileDialog.getOpenFileName(self.window, self.tr("Open case"), self.folder(), kinds)
        if path:
            self.open_anything([path])

    def _offer_recovery(self, error: DamagedCaseError) -> None:
        """A case that cannot be opened may give back most of what it holds."""
        if not asked(self.window, shown(in_words(str(error))), self.tr("Recover what can be read")):
            return
        start = error.path.with_name(f"{error.path.stem}-recovered{CASE_SUFFIX}")
        path = self._ask_new(self.tr("Recover into a new case"), str(start))
        if path:
            target = as_case(path)
            what = self.tr("Recovering {name}").format(name=error.path.name)
            self.session.chores.run(what, partial(_recover, error.path, target), partial(self._recovered, target))

    def _recovered(self, path: Path, found: Recovered) -> None:
        self.window.case.remarks.finish()
        self.desk.open(str(path))
        text = self.tr(
            "Recovered files: {n}; missing: at least {missing}; without their answer, to be attributed again: {lost}. "
            "The case's log says more."
        )
        told = text.format(n=f"{found.files:,}", missing=f"{found.missing:,}", lost=f"{found.lost:,}")
        box = QMessageBox(QMessageBox.Icon.Information, "MTAA Workbench", told, parent=self.window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()  # it stays until it was read, whatever the case is doing meanwhile

    def open_anything(self, paths: Sequence[str]) -> None:
        """A case takes the place of what is open; images and folders go to the list, or into the open case."""
        cases = [path for path in paths if path.lower().endswith(CASE_SUFFIX)]
        if cases and self._may_empty_list():
            self.window.case.remarks.finish()
            self.desk.open(cases[0])
            if left := [Path(path).name for path in cases[1:]]:
                text = self.tr("One case is open at a time. Not opened: {names}")
                self.window.say(text.format(names=", ".join(left)))
        self.session.opening.paths([path for path in paths if path not in cases])

    def close_case(self) -> None:
        self.window.case.remarks.finish()
        self.desk.close()

    def show_case(self, shown: bool) -> None:
        self.window.show_case(shown)

    def show_all_images(self) -> None:
        """Take back every filter of the list."""
        self.window.case.bar_filter.clear()
        self.window.list.show_everything()

    def edit_tag(self) -> None:
        self.window.show_remarks()
        self.window.case.remarks.tag.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.window.case.remarks.tag.selectAll()

    def edit_note(self) -> None:
        self.window.show_remarks()
        note = self.window.case.remarks.note
        note.setFocus(Qt.FocusReason.ShortcutFocusReason)
        note.moveCursor(QTextCursor.MoveOperation.End)  # what is added follows what is there

    def keep_group(self) -> None:
        self.window.case.tell_chosen()
        self.window.case.dashboard.keep()
        self.window.actions_["end_comparison"].setEnabled(True)
        self.window.show_case(True)
        self.window.say(self.tr("Kept. What you select or filter now is shown beside it."))

    def end_comparison(self) -> None:
        self.window.case.dashboard.end_comparison()
        self.window.actions_["end_comparison"].setEnabled(False)

    def export_all(self) -> None:
        self._export(self.tr("Export report or table"), None)

    def export_selected(self) -> None:
        self._export(self.tr("Export selected images"), self.window.list.selected_keys())

    def _export(self, title: str, keys: Sequence[int] | None) -> None:
        """Of the case, or of what is in the list without one."""
        case = self.desk.case
        rows = (self.session.images.row_of(key) for key in keys or ())
        if keys is not None and all(row is None or row.record is None for row in rows):
            self.window.say(self.tr("None of the selected images has been judged yet."))
            return
        self.window.case.remarks.finish()
        start = str(Path(self.folder(), "attribution.html") if case is None else case.path.with_suffix(".html"))
        kinds = ";;".join(f"{name} (*.{suffix})" for suffix, name in _KINDS.items())
        target = ask_target(self.window, title, start, kinds, _with_suffix)
        if target is not None:
            self.session.exports.export(target, keys)

    def verify_case(self) -> None:
        self.session.verifying.begin()

    def show_case_log(self) -> None:
        if self.desk.case is not None:
            self.desk.file.ask_log(self.desk.case.path)


def _recover(damaged: Path, into: Path, tell: ProgressCallback, cancel: CancelToken) -> Recovered:
    from core.case_recovery import recover  # noqa: PLC0415  (pydantic)

    return recover(damaged, into, tell=tell, cancel=cancel)


def _with_suffix(path: Path, kind: str) -> Path:
    """A name without a known suffix gets that of the kind that was chosen beside it."""
    if path.suffix.lower().removeprefix(".") in (*_KINDS, "htm"):
        return path
    suffix = next((suffix for suffix in _KINDS if f"*.{suffix}" in kind), "html")
    return path.with_name(f"{path.name}.{suffix}")
