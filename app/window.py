"""The program's start and end, in order: settings, language, palette, window, first paint, then torch and images."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app import i18n, theme
from app.crash import CrashGuard, start_log, stop_log
from app.garbage import Garbage
from app.icons import app_icon
from app.judging import make_attributor
from app.main_window import MainWindow
from app.requests import Factory
from app.session import Session
from app.settings import Settings
from core.frozen import return_libraries
from core.paths import SAMPLES


def import_plainly() -> None:
    """Take PySide's hook off ``import``; it is for ``from __feature__ import``, which is not used here.

    It reads the source of every module imported afterwards, a fifth of torch's start, and looks at modules that another
    thread is still importing: then pydantic fails to be imported, once in some seventy starts that open a case at once.
    """
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


class Program(QObject):
    """One session and the window that shows it. Another language is another window on the same session."""

    def __init__(self, app: QApplication, factory: Factory = make_attributor) -> None:
        super().__init__()
        import_plainly()
        self.app = app
        self.garbage = Garbage(self)
        self.settings = Settings(parent=self)
        self.session = Session(self.settings, factory, self)
        self.guard = CrashGuard(self)
        self.session.crashed.connect(self.guard.report)
        self.session.devices_found.connect(self.garbage.spare)  # torch is loaded
        theme.apply(self.settings.text("appearance/theme"))
        self._language = self.settings.text("appearance/language")
        self._translators = i18n.install(app, self._language)
        self.window = self._make_window()
        self.settings.changed.connect(self._setting_changed)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._scheme_changed)

    def start(self, paths: Sequence[str]) -> None:
        """Show the window; open ``paths`` once it has been painted, or for who never opened anything the samples."""

        def begin() -> None:
            self.session.start()
            if paths:
                self.window.commands.open_dropped(paths)
            elif not (self.settings.flag("files/opened") or self.settings.recent()):
                self.session.opening.paths([str(SAMPLES)], remember=False)

        self.window.when_painted(begin)
        self.window.show()

    def stop(self) -> None:
        """End the threads, take back what was given to the application."""
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._scheme_changed)
        self.session.stop()
        self.guard.stop()
        self.garbage.stop()
        i18n.remove(self.app, self._translators)

    def _make_window(self) -> MainWindow:
        window = MainWindow(self.session)
        window.closed.connect(self.app.quit)
        return window

    def _setting_changed(self, key: str) -> None:
        if key == "appearance/theme":
            theme.apply(self.settings.text(key))
        elif key == "appearance/language":
            QTimer.singleShot(0, self, self._speak)

    def _scheme_changed(self) -> None:
        theme.apply(self.settings.text("appearance/theme"))

    def _speak(self) -> None:
        """Put a window in the new language in the old one's place, unless its training wizard is to stay."""
        language = self.settings.text("appearance/language")
        if language == self._language:
            return
        if not self.window.commands.end_training():
            self.settings["appearance/language"] = self._language
            return
        self._language = language
        old, key = self.window, self.session.viewing.current
        old.closed.disconnect(self.app.quit)
        old.keep_layout()
        i18n.remove(self.app, self._translators)
        self._translators = i18n.install(self.app, language)
        for row in self.session.images.rows:
            row.become(row.record)  # a search goes by the words on screen
        self.window = self._make_window()
        self.window.status.said.extend(old.status.said)
        self.window.commands.name_steps()
        self.window.show()
        self.window.viewer.show_scene(self.session.viewing.scene)
        if key is not None:
            self.window.list.select(key)
        old.case.remarks.finish()
        old.hide()  # closing it would ask what becomes of reports that go on
        old.deleteLater()


def run(argv: Sequence[str], factory: Factory = make_attributor) -> int:
    """Open the window on ``argv``'s images, folders, packs and case, and stay until it is closed."""
    return_libraries()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("MTAA Workbench")
    app.setWindowIcon(app_icon())
    QGuiApplication.setDesktopFileName("mtaa-workbench")
    start_log()
    program = Program(app, factory)
    program.guard.install()
    program.start(argv)
    status = app.exec()
    program.stop()
    for owner in (program.window, program):  # while the application still lives
        owner.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    stop_log()
    return status
