"""While a program runs, garbage is collected between its events: elsewhere widgets would go under Qt's feet."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import garbage
from app.window import Program
from tests.app.conftest import Opener
from tests.app.helpers import close, drop, wait_judged


class Cycle:
    """Garbage as soon as nobody names it."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_collected_by_the_event_loop_alone(program: Program, qtbot: QtBot, pictures: Path) -> None:
    where: list[threading.Thread] = []
    weakref.finalize(Cycle(), lambda: where.append(threading.current_thread()))

    def allocate() -> None:
        for _ in range(50):
            assert len([[] for _ in range(1000)]) == 1000

    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    allocate()
    assert where == [] and not gc.isenabled()
    qtbot.waitUntil(lambda: where != [])
    assert where == [threading.main_thread()]
    drop(program.window, pictures / "a.png")
    wait_judged(qtbot, program.window, 1)


def test_what_was_looked_through_for_long_is_not_looked_through_again(
    program: Program, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: gc.get_freeze_count() > 0)
    qtbot.wait(600)
    frozen = gc.get_freeze_count()
    answers = [[at] for at in range(20_000)]
    monkeypatch.setattr(garbage, "_LONG", 0.0)
    qtbot.waitUntil(lambda: gc.get_freeze_count() > frozen + 15_000)
    assert len(answers) == 20_000
    monkeypatch.setattr(garbage, "_LONG", 1000.0)
    del answers
    qtbot.waitUntil(lambda: gc.get_freeze_count() < frozen + 15_000)
    close(program)
    assert gc.get_freeze_count() == 0


def test_python_has_it_back_afterwards(open_program: Opener, qtbot: QtBot) -> None:
    program = open_program()
    qtbot.waitUntil(lambda: gc.get_freeze_count() > 0)
    assert not gc.isenabled()
    close(program)
    assert gc.isenabled() and gc.get_freeze_count() == 0
