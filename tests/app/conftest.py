"""The real window on the real network (small, untrained), and a watch on what it leaves behind."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.judging import make_attributor
from app.main_window import MainWindow
from app.requests import Factory
from app.window import Program
from app.wizard.wizard import TrainingWizard
from core import paths
from tests.app.helpers import PATIENCE, close

Opener = Callable[..., Program]


class PatientBot(QtBot):
    """Waits until what it waits for is stuck."""

    waitUntil = partialmethod(QtBot.waitUntil, timeout=PATIENCE)  # noqa: N815
    waitSignal = partialmethod(QtBot.waitSignal, timeout=PATIENCE)  # noqa: N815
    waitExposed = partialmethod(QtBot.waitExposed, timeout=PATIENCE)  # noqa: N815


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture
def qt_messages() -> Iterator[list[str]]:
    """Every remark of Qt's; any warning among them fails the test, but for the offscreen platform's on itself."""
    seen: list[str] = []
    before = _threads()

    def note(kind: QtMsgType, context: object, text: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and "propagateSizeHints" not in text:
            seen.append(text)

    previous = qInstallMessageHandler(note)
    yield seen
    qInstallMessageHandler(previous)
    assert seen == []
    assert _threads() == before


def _threads() -> list[str]:
    """The names of the threads that Python started: of Qt's it keeps a dummy even when they have long ended.

    An attributor's own ends with it, and a test may hold one.
    """
    return [thread.name for thread in threading.enumerate() if not thread.name.startswith(("Dummy-", "device"))]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five digits' worth of noise as PNG, a JPEG, one in a subfolder, a broken one, and a text file."""
    folder = tmp_path / "pictures"
    (folder / "deeper").mkdir(parents=True)
    random = np.random.default_rng(3)
    for name in ("a.png", "b.png", "c.png", "d.png", "deeper/e.png", "photo.jpg"):
        side = 56 if name == "photo.jpg" else 28
        Image.fromarray(random.integers(0, 256, (side, side), dtype=np.uint8)).save(folder / name)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:300])
    (folder / "notes.txt").write_text("not an image", encoding="utf-8")
    return folder


@pytest.fixture
def default_pack() -> Path:
    """The shipped pack, in the user's folder, where tests may remove or replace it."""
    target = paths.user_data() / "packs" / "mnist.mtaapack"
    target.parent.mkdir(parents=True)
    shutil.copy(paths.RESOURCES / "packs" / "mnist.mtaapack", target)
    return target


@pytest.fixture
def open_program(qtbot: QtBot, qt_messages: list[str], default_pack: Path) -> Iterator[Opener]:
    """Starts the program as ``run`` does, without samples; afterwards nothing of it may be left."""
    programs: list[Program] = []

    def opener(factory: Factory = make_attributor, size: tuple[int, int] = (1280, 800)) -> Program:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        program = Program(app, factory)
        programs.append(program)
        program.window.resize(*size)
        with qtbot.waitExposed(program.window):
            program.window.show()
        program.session.start()
        return program

    yield opener
    for program in programs:
        close(program)
    assert [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()] == []


@pytest.fixture
def program(open_program: Opener) -> Program:
    return open_program()


@pytest.fixture
def window(program: Program) -> MainWindow:
    return program.window


@pytest.fixture
def wizard(window: MainWindow) -> TrainingWizard:
    window.actions_["train"].trigger()
    return window.commands.training_wizard()
