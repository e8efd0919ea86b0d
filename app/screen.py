"""Windows that are no larger than the screen on which they open."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

_FRAME = QSize(16, 40)
"""What borders and title bar take, which is not known before a window is shown."""


def available(window: QWidget) -> QSize:
    """The room beside the system's bars on the screen on which the window, or its parent, is."""
    return (window.parentWidget() or window).screen().availableGeometry().size()


def fit(window: QWidget, width: int, height: int) -> None:
    """Give a window that is not shown yet this size, or what of it the screen has."""
    window.resize(QSize(width, height).boundedTo(available(window) - _FRAME))
