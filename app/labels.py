"""Labels in the words of the window: those that every pack shares are the program's own, others are a pack's names."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.i18n import QT_TRANSLATE_NOOP
from core.labels import CLEAN, NONE_OF_THESE

_OWN = {
    CLEAN: QT_TRANSLATE_NOOP("Labels", "clean"),
    NONE_OF_THESE: QT_TRANSLATE_NOOP("Labels", "none of these"),
}


def label_text(label: str) -> str:
    """As the window shows a label; files and the command line keep it as it is."""
    return QCoreApplication.translate("Labels", _OWN[label]) if label in _OWN else label
