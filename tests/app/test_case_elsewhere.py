"""A case that somebody else wrote, or that only says so: nothing that its log names is touched before that is asked."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import requests
from app.__main__ import main
from app.main_window import MainWindow
from app.window import Program
from core import batch, folders
from core.batch import note_opened
from core.case import Case
from core.folders import Searched
from core.pack import find_pack, read_manifest
from core.progress import CancelToken
from tests.app.helpers import close, drop, wait_case, wait_judged


@pytest.fixture
def case(tmp_path: Path, default_pack: Path) -> Path:
    Case.create(tmp_path / "theirs.mtaacase", read_manifest(find_pack("mnist")), 0.9).close()
    return tmp_path / "theirs.mtaacase"


@pytest.fixture
def crafted(case: Path, pictures: Path) -> Path:
    """It claims that a run over folders of its reader's was cut off."""
    with Case(case) as opened:
        opened.write_log("opened", str(pictures / "deeper"), "/<b>\u202e", "/" + 5000 * "x", "/four", "/five")
        opened.write_log("opened without its subfolders", str(pictures))
        opened.write_log("attribute", "7 of 7 files wait")
    return case


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every folder and file that is looked for, by whomever."""
    paths: list[str] = []
    real = folders.search

    def noted(wanted: Iterable[str | Path], *how: object, **options: object) -> Searched:
        wanted = list(wanted)
        paths.extend(map(str, wanted))
        return real(wanted, *how, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("core.folders.search", noted)
    monkeypatch.setattr("app.opening.search", noted)
    return paths


def entered(path: Path) -> int:
    with Case(path) as case:
        return case.count()


def test_a_crafted_case_is_asked_about(
    program: Program, qtbot: QtBot, crafted: Path, pictures: Path, searched: list[str]
) -> None:
    window, session = program.window, program.session
    drop(window, crafted)
    wait_case(qtbot, window, "theirs")
    bar = window.elsewhere
    words = bar.words.text()
    assert bar.isVisible() and bar.accessibleDescription() == words and bar.accessibleName()
    assert f"{str(pictures / 'deeper')[-20:]}”" in words and "“/<b>\\u202e”" in words and "and 3 more" in words
    assert len(words) < 600 and bar.words.textFormat() == Qt.TextFormat.PlainText
    qtbot.wait(100)
    assert session.images.rowCount() == 0 and not session.status.waiting and searched == []

    program.settings["appearance/language"] = "zh_CN"
    qtbot.waitUntil(lambda: program.window is not window)
    bar = program.window.elsewhere
    assert bar.isVisible() and "deeper" in bar.words.text() and bar.words.text() != words
    program.settings["appearance/language"] = "en"
    qtbot.waitUntil(lambda: program.window.elsewhere.words.text() == words)
    program.window.actions_["close_case"].trigger()
    assert not program.window.elsewhere.isVisible() and entered(crafted) == 0
    QApplication.processEvents()


def test_who_says_no_is_left_alone(window: MainWindow, qtbot: QtBot, crafted: Path, searched: list[str]) -> None:
    drop(window, crafted)
    wait_case(qtbot, window, "theirs")
    window.activateWindow()
    window.elsewhere.no.setFocus()
    qtbot.waitUntil(window.elsewhere.no.hasFocus)
    qtbot.keyClick(window.elsewhere.no, Qt.Key.Key_Escape)
    assert not window.elsewhere.isVisible() and window.list.view.hasFocus()
    assert not window.actions_["judge_missing"].isEnabled()
    window.session.judge_missing()
    qtbot.wait(100)
    assert searched == [] and entered(crafted) == 0
    window.actions_["close_case"].trigger()
    drop(window, crafted)
    wait_case(qtbot, window, "theirs")
    assert window.elsewhere.isVisible(), "no is no for now"


def test_who_says_yes_is_not_asked_again(window: MainWindow, qtbot: QtBot, case: Path, pictures: Path) -> None:
    with Case(case) as opened:
        opened.write_log("opened without its subfolders", str(pictures))
        opened.write_log("opened", str(pictures / "deeper"))
    drop(window, case)
    wait_case(qtbot, window, "theirs")
    window.elsewhere.yes.click()
    wait_judged(qtbot, window, 7)
    assert not window.elsewhere.isVisible() and {row.entry.name for row in window.session.images.rows} == {
        *("a.png", "b.png", "c.png", "d.png", "e.png", "photo.jpg", "broken.png")
    }
    window.actions_["close_case"].trigger()
    shutil.copy(pictures / "a.png", pictures / "late.png")
    with Case(case) as opened:
        opened.write_log("attribute", "and then the power failed")
    drop(window, case)
    wait_judged(qtbot, window, 8)
    assert not window.elsewhere.isVisible()


def test_beside_what_is_asked_about_ones_own_run_goes_on(
    window: MainWindow, qtbot: QtBot, crafted: Path, pictures: Path
) -> None:
    with Case(crafted) as opened:
        note_opened(opened, [pictures / "deeper"])
    drop(window, crafted)
    wait_judged(qtbot, window, 1)
    assert window.elsewhere.isVisible() and window.session.images.rows[0].entry.name == "e.png"


def test_the_question_is_withdrawn_where_an_answer_would_go_into_another_case(
    window: MainWindow, qtbot: QtBot, crafted: Path
) -> None:
    drop(window, crafted)
    wait_case(qtbot, window, "theirs")
    mine = crafted.with_name("mine.mtaacase")
    Case.create(mine, read_manifest(find_pack("mnist")), 0.9).close()
    window.session.desk.open(str(mine))
    assert not window.elsewhere.isVisible()
    wait_case(qtbot, window, "mine")
    assert not window.elsewhere.isVisible()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a folder is searched that never ends."""
    begun = threading.Event()

    def search(*_: object, cancel: CancelToken, **__: object) -> Searched:
        begun.set()
        while True:
            cancel.check()

    monkeypatch.setattr(batch, "find_images", lambda paths, deep, cancel: search(cancel=cancel))
    monkeypatch.setattr("app.opening.search", search)
    return begun


def test_a_search_that_takes_long_ends_with_its_case(
    program: Program, qtbot: QtBot, case: Path, pictures: Path, endless: threading.Event
) -> None:
    with Case(case) as opened:
        note_opened(opened, [pictures])
    desk, window = program.session.desk, program.window
    for end in (desk.close, lambda: close(program)):
        desk.open(str(case))
        qtbot.waitUntil(lambda: desk.case is not None and endless.is_set())
        assert desk.loading
        end()
        if desk.case is None:
            qtbot.waitUntil(lambda: not desk.loading)
            assert window.session.images.rowCount() == 0
        endless.clear()


def test_a_folder_that_takes_long_does_not_keep_the_window_open(
    program: Program, qtbot: QtBot, pictures: Path, endless: threading.Event
) -> None:
    program.session.opening.paths([str(pictures)])
    qtbot.waitUntil(endless.is_set)
    told: list[object] = []
    program.session.crashed.connect(told.append)
    close(program)
    assert told == []


def test_closing_one_case_does_not_close_the_next(
    window: MainWindow, qtbot: QtBot, case: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, may_go_on = window.session.desk, threading.Event()
    drop(window, case)
    wait_case(qtbot, window, "theirs")
    other = case.with_name("other.mtaacase")
    with Case.create(other, read_manifest(find_pack("mnist")), 0.9) as opened:
        note_opened(opened, [pictures / "a.png"])
    desk.file._thread.submit(may_go_on.wait, 60)
    desk.open(str(other))
    desk.close()
    assert desk.case is None
    may_go_on.set()
    wait_case(qtbot, window, "other")
    wait_judged(qtbot, window, 1)
    desk.file.ask_log(other)
    with qtbot.waitSignal(desk.log_read):
        pass


def test_pictures_on_another_computer_are_shown_once_that_is_opened(
    default_pack: Path, window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("core.opened._MOUNTED", (str(pictures).lower(),))
    mine, case = tmp_path / "mine.mtaacase", tmp_path / "theirs.mtaacase"
    assert main(["attribute", str(pictures / "a.png"), "--case", str(mine), "--pack", "mnist"]) == 0
    shutil.copy(mine, case)
    read: list[str] = []
    real = requests.load_image
    monkeypatch.setattr(requests, "load_image", lambda path: (read.append(str(path)), real(path))[1])

    early = tmp_path / "early.html"
    with qtbot.waitSignal(window.session.desk.changed):  # not all of the case is in the list yet
        drop(window, case)
    window.session.exports.export(early)
    wait_case(qtbot, window, "theirs")
    assert window.elsewhere.isVisible() and "pictures" in window.elsewhere.words.text()
    qtbot.waitUntil(lambda: "on another computer" in window.session.viewing.scene.reason)
    window.session.judge_again([row.entry.key for row in window.session.images.rows])
    window.session.exports.export(tmp_path / "a.html")
    qtbot.waitUntil(lambda: not window.session.exports.is_busy and (tmp_path / "a.html").exists())
    assert early.exists()
    assert "data:image/png" not in (tmp_path / "a.html").read_text("utf-8").partition("a.png")[2]
    assert read == []

    window.elsewhere.yes.click()
    qtbot.waitUntil(lambda: window.session.viewing.scene.image is not None)
    wait_judged(qtbot, window, 1)
    assert str(pictures / "a.png") in read and not window.elsewhere.isVisible()
