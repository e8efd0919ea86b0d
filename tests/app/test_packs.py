"""The packs dialog: list, inspect, verify, import, export, remove, choose."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.packs_view import PacksDialog
from core.pack import load_pack, read_manifest, write_pack
from core.paths import RESOURCES, user_data
from tests.app.helpers import drop, wait_judged

SHIPPED = len(list((RESOURCES / "packs").glob("*.mtaapack")))


@pytest.fixture
def other(tiny_pack: Path, tiny_manifest: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "other-file.mtaapack"
    write_pack(path, {**tiny_manifest, "name": "other", "title": "Other pack"}, load_pack(tiny_pack).weights)
    return path


@pytest.fixture
def packs(window: MainWindow, qtbot: QtBot) -> PacksDialog:
    window.actions_["show_packs"].trigger()
    dialog = window.commands.packs_dialog()
    qtbot.waitUntil(lambda: bool(dialog.packs))
    return dialog


def test_packs_that_came_meanwhile_are_listed_when_the_dialog_opens_again(
    window: MainWindow, packs: PacksDialog, qtbot: QtBot, other: Path
) -> None:
    packs.close()
    target = user_data() / "packs" / "other.mtaapack"
    target.write_bytes(other.read_bytes())
    window.session.use_pack("other")
    window.actions_["show_packs"].trigger()
    qtbot.waitUntil(lambda: len(packs.packs) == SHIPPED + 1)
    packs.list.setCurrentRow(SHIPPED)
    assert not packs.remove.isEnabled(), "it is in use"


def test_inspect_and_verify(packs: PacksDialog, qtbot: QtBot, default_pack: Path) -> None:
    assert packs.chosen is not None and packs.chosen.path == default_pack
    text = packs.page.toPlainText()
    for words in ("five victims", "FGSM", "ResNet18", "attack, victims asked", "Temperature", "10/255 – 200/255"):
        assert words in text, words
    packs.verify.click()
    qtbot.waitUntil(lambda: packs.remark.text().count("✓") == 3)
    assert not packs.remove.isEnabled() and not packs.use.isEnabled()  # it is in use


def test_a_pack_dropped_on_the_window_is_imported_and_judges_again(
    window: MainWindow, packs: PacksDialog, qtbot: QtBot, pictures: Path, other: Path
) -> None:
    drop(window, pictures / "a.png")
    wait_judged(qtbot, window, 1)
    drop(window, other)
    qtbot.waitUntil(lambda: "other was verified" in packs.remark.text() and len(packs.packs) == SHIPPED + 1)
    packs.list.setCurrentRow(SHIPPED)  # by name the last
    packs.use.click()
    other_id = read_manifest(other).pack_id
    qtbot.waitUntil(
        lambda: (row := window.session.viewing.row).attribution is not None and row.attribution.pack_id == other_id
    )
    wait_judged(qtbot, window, 1)
    qtbot.waitUntil(lambda: "other" in window.status.pack.text())


def test_export_import_and_remove(
    packs: PacksDialog, qtbot: QtBot, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.packs_view.QFileDialog.getOpenFileName", lambda *_: (str(other), ""))
    packs.import_.click()
    qtbot.waitUntil(lambda: len(packs.packs) == SHIPPED + 1)
    packs.list.setCurrentRow(SHIPPED)  # by name the last
    target = tmp_path / "exported"
    monkeypatch.setattr("app.packs_view.QFileDialog.getSaveFileName", lambda *_: (str(target), ""))
    packs.export.click()
    qtbot.waitUntil(lambda: "exported" in packs.remark.text())
    assert target.with_suffix(".mtaapack").read_bytes() == other.read_bytes()
    imported = packs.chosen.path
    packs.remove.click()
    qtbot.waitUntil(lambda: len(packs.packs) == SHIPPED)
    assert not imported.exists() and "trash" in packs.remark.text()
    if sys.platform == "linux":  # the other systems' trash is the user's own in a test, too
        trashed = Path(os.environ["XDG_DATA_HOME"], "Trash", "files", imported.name)
        assert trashed.read_bytes() == other.read_bytes(), "a pack may be a day of training"


def test_a_pack_that_the_trash_does_not_take_is_not_deleted_unasked(
    packs: PacksDialog, qtbot: QtBot, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs.take([other])
    qtbot.waitUntil(lambda: len(packs.packs) == SHIPPED + 1)
    packs.list.setCurrentRow(SHIPPED)  # by name the last
    assert packs.chosen is not None
    imported, questions = packs.chosen.path, []
    monkeypatch.setattr("app.packs_view.QFile", lambda _: SimpleNamespace(moveToTrash=lambda: False))
    monkeypatch.setattr("app.packs_view.asked", lambda _, text, __: questions.append(text))
    packs.remove.click()
    assert "gone for good" in questions[0] and imported.name in [pack.path.name for pack in packs.packs]
    monkeypatch.setattr("app.packs_view.asked", lambda *_: True)
    assert imported.exists()
    packs.remove.click()
    qtbot.waitUntil(lambda: not imported.exists() and len(packs.packs) == SHIPPED)


def test_a_version_in_a_name_is_no_suffix(
    packs: PacksDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "mine-1.mtaapack"
    older.write_text("precious", encoding="utf-8")
    packs.list.setCurrentRow(0)
    for typed in ("mine-1.2", "mine-1.2.mtaapack"):
        monkeypatch.setattr("app.packs_view.QFileDialog.getSaveFileName", lambda *_, n=typed: (str(tmp_path / n), ""))
        packs.remark.clear()
        packs.export.click()
        qtbot.waitUntil(lambda: "exported" in packs.remark.text())
        assert sorted(path.name for path in tmp_path.glob("mine*")) == ["mine-1.2.mtaapack", "mine-1.mtaapack"]
    assert older.read_text(encoding="utf-8") == "precious"


def test_what_is_no_pack_is_refused(
    window: MainWindow, packs: PacksDialog, qtbot: QtBot, tmp_path: Path, other: Path, default_pack: Path
) -> None:
    bad = tmp_path / "bad.mtaapack"
    bad.write_bytes(other.read_bytes()[:-100])
    drop(window, bad)
    qtbot.waitUntil(lambda: "bad.mtaapack" in packs.remark.text())
    assert len(packs.packs) == SHIPPED
    shutil.copy(other, default_pack.with_name("other.mtaapack"))
    default_pack.with_name("other.mtaapack").write_bytes(default_pack.read_bytes())
    packs.take([other])
    qtbot.waitUntil(lambda: "Another pack named other" in packs.remark.text())


def test_each_of_two_damaged_packs_is_told_of_until_another_is_looked_at(
    window: MainWindow, packs: PacksDialog, qtbot: QtBot, tmp_path: Path, other: Path
) -> None:
    bad = [tmp_path / f"{name}.mtaapack" for name in ("bad", "worse")]
    for path in bad:
        path.write_bytes(other.read_bytes()[:-100])
    drop(window, bad[0], other, bad[1])
    qtbot.waitUntil(
        lambda: all(name in packs.remark.text() for name in ("bad.mtaapack", "worse.mtaapack", "other was verified"))
    )
    qtbot.waitUntil(lambda: len(packs.packs) == SHIPPED + 1)
    assert packs.remark.text(), "the list came anew, but nobody chose another"
    packs.list.setCurrentRow(SHIPPED)
    assert packs.remark.text() == ""
    drop(packs, bad[0])
    qtbot.waitUntil(lambda: "bad.mtaapack" in packs.remark.text())
    drop(packs, bad[1])
    qtbot.waitUntil(lambda: "worse.mtaapack" in packs.remark.text())
    assert "bad.mtaapack" not in packs.remark.text()


def test_device_menu(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures / "a.png")
    wait_judged(qtbot, window, 1)
    choices = {action.data(): action for action in window.submenus.device.actions()}
    assert {"auto", "cpu"} <= set(choices) and choices["auto"].isChecked()
    choices["cpu"].trigger()
    assert window.session.setup.device == "cpu"
    wait_judged(qtbot, window, 1)
    window.session.settings["attribution/device"] = "cuda:99"
    window.session.worker.prepare(window.session.setup)
    qtbot.waitUntil(lambda: "cuda:99" in window.session.status.reason)
    assert window.session.status.phase == "failed"
