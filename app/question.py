"""A question before something would be lost."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def asked(parent: QWidget, text: str, go_on: str) -> bool:
    """Whether the user wants to go on, by the button that says ``go_on``; Escape and Enter stay."""
    box = QMessageBox(QMessageBox.Icon.Warning, "MTAA Workbench", text, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    going = box.addButton(go_on, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    return box.clickedButton() is going
