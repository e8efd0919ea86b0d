"""Small constructors that give every control its name for screen readers."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider, QWidget

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str, *, tip: bool = False) -> W:
    """The widget itself, named; with ``tip`` sighted users read the name too."""
    widget.setAccessibleName(name)
    if tip:
        widget.setToolTip(name)
    return widget


def slider(low: int, high: int, name: str) -> QSlider:
    """A horizontal slider over whole numbers."""
    result = named(QSlider(Qt.Orientation.Horizontal), name, tip=True)
    result.setRange(low, high)
    return result
