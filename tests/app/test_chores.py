"""Work beside attributing: searches, reports and the verifying of a case are told of, with a way to stop them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.chores import Chores
from app.main_window import MainWindow
from app.reading import Page
from app.window import Program
from core import folders
from core.case import Case
from core.errors import WorkbenchError
from core.folders import Searched
from core.listed import Record
from core.progress import CancelToken, Progress, ProgressCallback
from core.types import FloatArray, Heatmap
from tests.app.helpers import close, dialog, drop, wait_case, wait_judged


class Held:
    """Keeps work from ending until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let = threading.Event(), threading.Event()

    def wait(self, cancel: CancelToken) -> None:
        self.begun.set()
        while not self.let.wait(0.01):
            cancel.check()


@pytest.fixture
def held() -> Iterator[Held]:
    one = Held()
    yield one
    one.let.set()


@pytest.fixture
def slow_search(monkeypatch: pytest.MonkeyPatch, held: Held) -> Held:
    """A search that has found everything and does not end."""
    real = folders.search

    def search(*what: Any, cancel: CancelToken, tell: ProgressCallback) -> Searched:
        found = real(*what, cancel=cancel, tell=lambda progress: None)
        tell(Progress("search", len(found.files), 0, 10.0, None))
        held.wait(cancel)
        return found

    monkeypatch.setattr("app.opening.search", search)
    return held


def test_a_long_search_is_told_of_and_can_be_stopped(
    window: MainWindow, qtbot: QtBot, pictures: Path, slow_search: Held
) -> None:
    bar, cancel = window.status.chores, window.actions_["cancel"]
    drop(window, pictures)
    assert not bar.isVisible(), "most searches are over before anybody could read of them"
    qtbot.waitUntil(bar.isVisible)
    qtbot.waitUntil(lambda: bar.words.text() == "Looking for images · 7 so far")
    assert bar.bar.maximum() == 0 and cancel.isEnabled()
    bar.stop.click()
    qtbot.waitUntil(lambda: not bar.isVisible())
    assert window.status.currentMessage() == "Stopped: Looking for images"
    assert window.session.images.rowCount() == 0 and not cancel.isEnabled()

    drop(window, pictures / "a.png")
    drop(window, pictures / "b.png")
    qtbot.waitUntil(lambda: bar.words.text() == "Looking for images · 1 so far · 1 more")
    slow_search.let.set()
    wait_judged(qtbot, window, 2)
    assert not bar.isVisible() and window.session.chores.all == []


def test_stop_ends_all_of_it(window: MainWindow, qtbot: QtBot, pictures: Path, slow_search: Held) -> None:
    for name in ("a.png", "b.png"):
        drop(window, pictures / name)
    assert len(window.session.chores.all) == 2
    window.actions_["cancel"].trigger()
    qtbot.waitUntil(lambda: window.session.chores.all == [])
    assert window.session.images.rowCount() == 0


def test_a_program_that_is_closed_waits_for_no_search(
    program: Program, qtbot: QtBot, pictures: Path, slow_search: Held
) -> None:
    drop(program.window, pictures)
    qtbot.waitUntil(slow_search.begun.is_set)
    close(program)
    assert not slow_search.let.is_set()


def test_work_that_fails_is_no_longer_under_way(program: Program, qtbot: QtBot) -> None:
    chores: Chores = program.session.chores
    then: list[object] = []

    def fail(*_: object) -> None:
        raise WorkbenchError("The disk is gone.", "Bring it back.")

    chores.run("Failing", fail, then.append)
    qtbot.waitUntil(lambda: program.guard.box is not None and chores.all == [])
    assert program.guard.box is not None and "The disk is gone." in program.guard.box.text() and then == []


def test_a_report_tells_how_far_it_is(
    window: MainWindow, qtbot: QtBot, pictures: Path, monkeypatch: pytest.MonkeyPatch, held: Held
) -> None:
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)

    def draw(self: Any, record: Record, pixels: FloatArray) -> Heatmap | None:
        self._meter._interval = 0
        self._meter.advance(1)
        held.wait(self._wanted.token)
        return None

    monkeypatch.setattr("app.exports._Heatmaps.__call__", draw)
    window.session.exports.export(pictures / "report.html")
    bar = window.status.chores
    qtbot.waitUntil(lambda: bar.isVisible() and "Writing report.html · 1 of 2 · " in bar.words.text())
    assert (bar.bar.value(), bar.bar.maximum()) == (1, 2)
    bar.stop.click()
    assert window.status.currentMessage() == "Not written: report.html" and not bar.isVisible()
    window.session.exports.stop()
    assert not (pictures / "report.html").exists()


@pytest.fixture
def case(window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path) -> Path:
    """One of all pictures, open."""
    path = tmp_path / "work.mtaacase"
    window.session.desk.create(str(path), [str(pictures)])
    wait_case(qtbot, window, "work")
    wait_judged(qtbot, window, 7)
    return path


def test_the_files_of_a_case_are_verified(window: MainWindow, qtbot: QtBot, case: Path, pictures: Path) -> None:
    verify = window.actions_["verify_case"]

    def told() -> list[str]:
        verify.trigger()
        qtbot.waitUntil(lambda: any(page.isVisible() for page in window.findChildren(Page, "verified")))
        page = dialog(Page)
        lines = page.text.toPlainText().splitlines()
        page.close()
        return lines  # type: ignore[no-any-return]

    assert told()[:3] == ["Every file that could be compared is as it was judged.", "", "Unchanged: 7"]
    with (pictures / "a.png").open("ab") as file:
        file.write(b"more")
    (pictures / "b.png").unlink()
    lines = told()
    assert lines[0] == "Not every file is as it was judged." and "Unchanged: 5" in lines
    for heading, name in (("Changed since they were judged: 1", "a.png"), ("Gone: 1", "b.png")):
        assert lines[lines.index(heading) + 1].strip() == str(pictures / name)
    window.actions_["close_case"].trigger()
    assert not verify.isEnabled()

    def noted() -> list[str]:
        with Case(case) as opened:
            return [entry.detail for entry in opened.log() if entry.action == "verified"]

    qtbot.waitUntil(lambda: noted() == ["7 unchanged", "5 unchanged, 1 changed, 1 gone"])


def test_verifying_can_be_stopped(
    window: MainWindow, qtbot: QtBot, case: Path, monkeypatch: pytest.MonkeyPatch, held: Held
) -> None:
    monkeypatch.setattr("core.verify.verify", lambda subject, tell, cancel: held.wait(cancel))
    window.actions_["verify_case"].trigger()
    qtbot.waitUntil(held.begun.is_set)
    window.actions_["cancel"].trigger()
    qtbot.waitUntil(lambda: window.session.chores.all == [])
    assert window.status.currentMessage() == "Stopped: Verifying work.mtaacase"
    window.actions_["close_case"].trigger()
    with Case(case) as opened:
        assert all(entry.action != "verified" for entry in opened.log())
