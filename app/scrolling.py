"""A page that scrolls where its window is too small for it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QFrame, QScrollArea, QWidget

_TURNED = (QAbstractSpinBox, QComboBox)
"""Fields that the wheel changes."""


class Scrolled(QScrollArea):
    """Shows all of its content, frameless, and scrolls only where that is larger.

    The wheel turns the page: a number or a choice that passes under the pointer is changed only if it has the focus.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what has the focus in it is scrolled to
        self.setWidget(content)
        self.content = content
        content.setAutoFillBackground(False)

    def guard(self, *fields: QWidget) -> None:
        """Keep the wheel from fields that were added after the page was shown."""
        for field in fields:
            if isinstance(field, _TURNED):
                field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                field.installEventFilter(self)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.guard(*self.content.findChildren(QAbstractSpinBox), *self.content.findChildren(QComboBox))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Wheel and isinstance(watched, _TURNED) and not watched.hasFocus():
            event.ignore()  # it goes on to the page
            return True
        return super().eventFilter(watched, event)
