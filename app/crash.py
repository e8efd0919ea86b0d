"""Defects of the program: written to the log with all that is known, told to the user once and calmly."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from app.error_words import in_words
from core.errors import Cancelled, WorkbenchError
from core.paths import user_log
from core.versions import versions
from core.wording import shown

log = logging.getLogger("mtaa")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def log_file() -> Path:
    return user_log() / "workbench.log"


def start_log() -> None:
    """Log to the user's log folder, half a megabyte and one older file at most, with Qt's own remarks.

    Nothing is logged where that cannot be written: the window needs no log.
    """
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(log_file(), maxBytes=512 * 1024, backupCount=1, encoding="utf-8")
    except OSError:
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.info("start: %s", ", ".join(f"{name} {version}" for name, version in versions().items()))
    qInstallMessageHandler(lambda kind, _context, text: log.log(_LEVELS[kind], "Qt: %s", text))


def stop_log() -> None:
    """Close the log file, and leave Qt's remarks to Qt."""
    qInstallMessageHandler(None)
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()


class CrashGuard(QObject):
    """Catches what nobody else did, on any thread. Further messages wait for the one that is open, each once."""

    caught = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.box: QMessageBox | None = None
        self._waiting: dict[str, str] = {}
        """Texts that are to be told next, and their details."""
        self.caught.connect(self.report)

    def install(self) -> None:
        """Take the hooks of this interpreter."""
        sys.excepthook = self._hook
        threading.excepthook = lambda args: self.caught.emit(args.exc_value)

    def stop(self) -> None:
        """Give the hooks back and close what is open."""
        if sys.excepthook == self._hook:
            sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__
        self._waiting.clear()
        if self.box is not None:
            self.box.close()

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            QApplication.quit()
        else:
            self.caught.emit(error)

    def report(self, error: BaseException) -> None:
        """Errors that a user can mend are told in their own words; all else is logged and told as a defect."""
        if isinstance(error, Cancelled):
            return
        if isinstance(error, WorkbenchError):
            log.info("told: %s", error)
            self._tell(" ".join((shown(in_words(str(error))), *getattr(error, "__notes__", ()))), "")
            return
        details = "".join(traceback.format_exception(error))
        log.error("%s", details)
        text = self.tr("Something in the program went wrong. Your images are untouched, and you can go on working.")
        self._tell(text, details)

    def _tell(self, text: str, details: str) -> None:
        if self.box is not None:
            if text != self.box.text():
                self._waiting[text] = details
            return
        box = QMessageBox(QMessageBox.Icon.Warning if details else QMessageBox.Icon.Information, "MTAA Workbench", text)
        self.box = box
        box.setTextFormat(Qt.TextFormat.PlainText)  # it may hold what a file or a pack says
        box.destroyed.connect(self._gone)  # with a window that closes by itself
        box.setParent(QApplication.activeWindow(), box.windowFlags())
        box.addButton(QMessageBox.StandardButton.Close)
        if details:
            box.setInformativeText(self.tr("It was written to {path}.").format(path=log_file()))
            copy = box.addButton(self.tr("Copy details"), QMessageBox.ButtonRole.ActionRole)
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details(details)))
        box.finished.connect(self._closed)
        box.open()

    @staticmethod
    def _details(trace: str) -> str:
        return "\n".join([*(f"{name} {version}" for name, version in versions().items()), "", trace])

    def _closed(self) -> None:
        if self.box is not None:
            self.box.destroyed.disconnect(self._gone)
            self.box.deleteLater()
            self._gone()

    def _gone(self) -> None:
        """What waited is told now."""
        self.box = None
        if self._waiting:
            text = next(iter(self._waiting))
            self._tell(text, self._waiting.pop(text))
