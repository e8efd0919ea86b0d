"""Images that another pack fits: it is taken, or proposed in a bar, and never forced on anybody."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app import pack_guide
from app.main_window import MainWindow
from app.packs_view import PacksDialog
from app.requests import ViewRequest
from app.window import Program
from core import paths
from core.pack import read_manifest
from tests.app.conftest import Opener
from tests.app.helpers import close, drop, wait_case, wait_judged


@pytest.fixture
def default_pack(tiny_pack: Path, colour_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of the shipped pack a small one for grey digits, and beside it one for colour."""
    path = paths.user_data() / "packs" / "mnist.mtaapack"
    path.parent.mkdir(parents=True)
    shutil.copy(tiny_pack, path)
    shutil.copy(colour_pack, path.with_name("colour.mtaapack"))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(4)
    for name in ("p.png", "q.png"):
        Image.fromarray(random.integers(0, 256, (60, 64, 3), dtype=np.uint8)).save(folder / name)
    return folder


def wait_looked(qtbot: QtBot, window: MainWindow, count: int) -> None:
    """Until so many images are open and judged, and nothing is being looked at."""
    wait_judged(qtbot, window, count)
    qtbot.waitUntil(lambda: not window.session.packs.is_looking)


def judges(window: MainWindow) -> set[str]:
    """The packs of all answers in the list."""
    return {row.attribution.pack_id.partition("@")[0] for row in window.session.images.rows if row.attribution}


def wait_judges(qtbot: QtBot, window: MainWindow, name: str) -> None:
    qtbot.waitUntil(lambda: judges(window) == {name} and not window.session.status.waiting)


def open_digit_then_photos(qtbot: QtBot, window: MainWindow, pictures: Path, photos: Path) -> None:
    drop(window, pictures / "a.png")
    wait_looked(qtbot, window, 1)
    drop(window, photos)
    wait_looked(qtbot, window, 3)


def test_before_anything_was_judged_the_pack_that_fits_is_taken(window: MainWindow, qtbot: QtBot, photos: Path) -> None:
    said: list[str] = []
    window.session.message.connect(said.append)
    drop(window, photos)
    wait_looked(qtbot, window, 2)
    assert judges(window) == {"colour"} and window.session.setup.pack == "colour"
    assert said == ["The pack colour is now in use: it is made for such images (48×48, colour), and mnist is not."]
    assert "colour" in window.status.pack.text() and not window.proposal.isVisible()
    assert window.session.settings.text("attribution/pack") == "", "nobody chose it"


def test_the_view_waits_for_the_choice(
    window: MainWindow, qtbot: QtBot, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes, no answer of the pack that does not fit is asked for."""
    asked: list[str] = []
    let, compare, view = threading.Event(), pack_guide._better, window.session.worker.view

    def slow(look: pack_guide._Look) -> pack_guide._Found:
        assert let.wait(30)
        return compare(look)

    def noted(request: ViewRequest) -> None:
        asked.append(request.setup.pack)
        view(request)

    monkeypatch.setattr(pack_guide, "_better", slow)
    monkeypatch.setattr(window.session.worker, "view", noted)
    drop(window, photos / "p.png")
    qtbot.waitUntil(lambda: window.session.viewing.scene.image is not None)
    assert asked == []
    let.set()
    qtbot.waitUntil(lambda: window.session.viewing.scene.heatmap is not None)
    wait_looked(qtbot, window, 1)
    assert set(asked) == {"colour"}


def test_digits_are_judged_by_the_default_without_a_word(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    said: list[str] = []
    window.session.message.connect(said.append)
    drop(window, pictures / "a.png", pictures / "photo.jpg")
    wait_looked(qtbot, window, 2)
    assert judges(window) == {"tiny"} and said == [] and not window.proposal.isVisible()


def test_images_of_another_kind_among_others_are_told(
    window: MainWindow, qtbot: QtBot, pictures: Path, photos: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    window.session.message.connect(said.append)
    mixed = tmp_path / "mixed"
    shutil.copytree(photos, mixed)
    shutil.copy(pictures / "a.png", mixed)
    drop(window, mixed)
    wait_looked(qtbot, window, 3)
    assert window.session.setup.pack == "colour"
    assert said[-1] == (
        "Images of another kind than colour is made for, whose answers may tell nothing: 1 of 3 that were looked at. "
        "mnist is made for them: open them by themselves."
    )
    shutil.copytree(mixed, tmp_path / "again")
    drop(window, tmp_path / "again")
    wait_looked(qtbot, window, 6)
    assert "mnist is made for them" in said[-1] and not window.proposal.isVisible()


def test_what_was_judged_is_not_judged_anew_unasked(
    window: MainWindow, qtbot: QtBot, pictures: Path, photos: Path
) -> None:
    open_digit_then_photos(qtbot, window, pictures, photos)
    assert judges(window) == {"tiny"} and window.proposal.isVisible()
    words = window.proposal.words.text()
    assert "colour is made for such images (48×48, colour), and mnist, which is in use, is not" in words
    assert window.proposal.accessibleDescription() == words and window.proposal.accessibleName()
    assert window.list.view.hasFocus(), "the bar takes the keyboard from nobody"
    window.proposal.yes.click()
    wait_judges(qtbot, window, "colour")
    assert not window.proposal.isVisible() and "colour" in window.status.pack.text()
    assert window.session.settings.text("attribution/pack") == "", "for this session only"


def test_keep_is_remembered(program: Program, qtbot: QtBot, pictures: Path, photos: Path, tmp_path: Path) -> None:
    window = program.window
    open_digit_then_photos(qtbot, window, pictures, photos)
    window.activateWindow()
    window.proposal.no.setFocus()
    qtbot.waitUntil(window.proposal.no.hasFocus)
    qtbot.keyClick(window.proposal.no, Qt.Key.Key_Escape)
    assert not window.proposal.isVisible() and window.list.view.hasFocus()
    shutil.copytree(photos, tmp_path / "more")
    drop(window, tmp_path / "more")
    wait_looked(qtbot, window, 5)
    assert not window.proposal.isVisible() and judges(window) == {"tiny"}


def test_the_bar_is_reached_and_answered_with_the_keyboard(
    window: MainWindow, qtbot: QtBot, pictures: Path, photos: Path
) -> None:
    open_digit_then_photos(qtbot, window, pictures, photos)
    window.activateWindow()
    assert window.proposal.yes.text() == "&Use colour" and window.proposal.no.text() == "&Keep mnist"
    for _ in range(60):
        if window.proposal.yes.hasFocus():
            break
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    assert window.proposal.yes.hasFocus()
    qtbot.keyClick(window.proposal.yes, Qt.Key.Key_Tab)
    assert window.proposal.no.hasFocus()
    qtbot.keyClick(window.proposal.no, Qt.Key.Key_Space)
    assert not window.proposal.isVisible() and window.session.setup.pack == "mnist"


def test_a_pack_that_was_chosen_by_hand_is_kept(open_program: Opener, qtbot: QtBot, photos: Path) -> None:
    """Also in a later session, before anything was judged."""
    first = open_program()
    first.window.actions_["show_packs"].trigger()
    dialog = first.window.commands.packs_dialog()
    for name in ("colour", "mnist"):
        choose(qtbot, dialog, name)
    assert first.settings.text("attribution/pack") == "mnist"
    close(first)
    window = open_program().window
    drop(window, photos)
    wait_looked(qtbot, window, 2)
    assert judges(window) == {"tiny"} and window.proposal.isVisible()
    window.actions_["show_packs"].trigger()
    choose(qtbot, window.commands.packs_dialog(), "colour")
    wait_judges(qtbot, window, "colour")
    assert not window.proposal.isVisible(), "what it proposed was chosen elsewhere"
    window.commands.packs_dialog().close()


def choose(qtbot: QtBot, dialog: PacksDialog, name: str) -> None:
    qtbot.waitUntil(lambda: name in [pack.path.stem for pack in dialog.packs])
    dialog.list.setCurrentRow([pack.path.stem for pack in dialog.packs].index(name))
    dialog.use.click()
    assert dialog.session.setup.pack == name


def test_a_case_keeps_its_pack_and_the_window_says_so(
    window: MainWindow, qtbot: QtBot, pictures: Path, photos: Path, tmp_path: Path
) -> None:
    window.session.desk.create(str(tmp_path / "begun.mtaacase"))
    wait_case(qtbot, window, "begun")
    said: list[str] = []
    window.session.message.connect(said.append)
    drop(window, photos)
    wait_looked(qtbot, window, 2)
    assert judges(window) == {"tiny"} and not window.proposal.isVisible()
    assert said == [
        "The pack colour is made for such images (48×48, colour), and mnist, which judges this case, is not. "
        "Close the case to use colour."
    ]


def test_a_proposal_goes_with_what_it_was_about(
    program: Program, qtbot: QtBot, pictures: Path, photos: Path, tmp_path: Path
) -> None:
    window = program.window
    open_digit_then_photos(qtbot, window, pictures, photos)
    program.settings["appearance/language"] = "zh_CN"
    qtbot.waitUntil(lambda: program.window is not window)
    assert program.window.proposal.isVisible(), "another language is no answer"
    program.settings["appearance/language"] = "en"
    qtbot.waitUntil(lambda: program.window.actions_["new_case"].text() == "New case…")
    window = program.window
    window.actions_["remove_all"].trigger()
    assert not window.proposal.isVisible()
    drop(window, photos)
    wait_looked(qtbot, window, 2)
    assert window.proposal.isVisible()
    window.session.desk.create(str(tmp_path / "x.mtaacase"))
    wait_case(qtbot, window, "x")
    assert not window.proposal.isVisible()


def test_a_pack_that_is_gone_can_be_replaced(
    open_program: Opener, qtbot: QtBot, photos: Path, default_pack: Path
) -> None:
    """The one that was chosen was deleted since: what fits is proposed, and taken at a word."""
    first = open_program()
    first.settings["attribution/pack"] = "lost"
    close(first)
    window = open_program().window
    drop(window, photos)
    qtbot.waitUntil(window.proposal.isVisible)
    qtbot.waitUntil(lambda: window.session.status.phase == "failed")
    window.proposal.yes.click()
    wait_judges(qtbot, window, read_manifest(default_pack.with_name("colour.mtaapack")).name)


def test_stop_drops_what_is_looked_at(window: MainWindow, qtbot: QtBot, photos: Path) -> None:
    session = window.session
    session.opening.opened.connect(lambda _: session.cancel())
    with qtbot.waitSignal(session.packs._looked):
        drop(window, photos)
    qtbot.waitUntil(lambda: session.status.phase == "ready")
    assert not session.packs.is_looking and not session.status.waiting
    assert session.images.rows[1].record is None, "the first is on screen, which asks by itself"
    session.judge_missing()
    wait_judged(qtbot, window, 2)
    assert judges(window) == {"tiny"}
