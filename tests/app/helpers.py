"""What window tests do: drop, wait, close."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6 import __version_info__
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.main_window import MainWindow
from app.window import Program

PATIENCE = 300_000
"""Milliseconds until a wait counts as stuck; a loaded machine is slow but not wrong."""


def close(program: Program) -> None:
    """Close and destroy a program, and look for what is still alive."""
    if not isValid(program):
        return
    window, session = program.window, program.session
    timers = [timer for owner in (window, session) for timer in owner.findChildren(QTimer)]
    window.close()
    program.stop()
    assert not session.worker.isRunning()
    for owner in (window, program):
        owner.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    assert not any(map(isValid, (program, window, session, *timers)))


def drop(target: QWidget, *files: Path) -> None:
    """Drop files on a widget, as a file manager does."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in files])
    spot = QPointF(target.rect().center())
    entered: Any = spot if __version_info__ >= (6, 12) else spot.toPoint()  # what Qt takes there became another
    action, buttons, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(entered, action, mime, buttons, keys)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(spot, action, mime, buttons, keys))


def wait_judged(qtbot: QtBot, window: MainWindow, count: int) -> None:
    """Until the list has ``count`` rows, each has its record, and nothing waits."""

    def judged() -> bool:
        rows = window.session.images.rows
        return len(rows) == count and all(row.record for row in rows) and not window.session.status.waiting

    qtbot.waitUntil(judged)


def wait_case(qtbot: QtBot, window: MainWindow, name: str) -> None:
    """Until a case of that name is open and all of it is in the list."""
    desk = window.session.desk
    qtbot.waitUntil(lambda: desk.case is not None and desk.case.path.stem == name and not desk.loading)


def shown(window: MainWindow, qtbot: QtBot, *paths: Path) -> None:
    """Drop files and wait until one is on screen with its heatmap."""
    drop(window, *paths)
    qtbot.waitUntil(lambda: window.session.viewing.scene.heatmap is not None)


def dialog(kind: type[QDialog] = QDialog) -> QDialog:
    """The one dialog on screen."""
    found = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()]
    assert len(found) == 1, found
    return found[0]
