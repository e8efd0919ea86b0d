"""Asking for a file to write, so that no other one is lost for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

_EXISTS = "%1 already exists.\nDo you want to replace it?"
"""As Qt's own file dialog asks, in Qt's own translation."""


def ask_target(
    parent: QWidget, title: str, start: str, kinds: str, complete: Callable[[Path, str], Path]
) -> Path | None:
    """Ask for a file to write; None for none. complete: what becomes of a name that was typed and the chosen kind.

    The dialog asks before it lets an existing file be replaced, but knows only of the name that was typed.
    """
    path, kind = QFileDialog.getSaveFileName(parent, title, start, kinds)
    if not path:
        return None
    target = complete(Path(path), kind)
    if target == Path(path) or not os.path.lexists(target):
        return target
    text = QCoreApplication.translate("QFileDialog", _EXISTS).replace("%1", target.name)
    yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
    return target if QMessageBox.warning(parent, title, text, yes | no, no) == yes else None
