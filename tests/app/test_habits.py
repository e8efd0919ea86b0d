"""Clipboard, recent files, palette, settings, languages, themes, pages, defects, layout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PySide6 import __version_info__
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFont, QFontMetrics, QGuiApplication, QImage, QKeySequence
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import actions, i18n, theme
from app.bars import RangeBar
from app.commands import Commands
from app.crash import start_log, stop_log
from app.layers import Layer
from app.main_window import MainWindow
from app.palette import Palette, score
from app.panes import PaneGrid
from app.settings import BY_KEY, Settings
from app.window import Program
from core.errors import WorkbenchError
from core.paths import SAMPLES, user_log
from tests.app.conftest import Opener
from tests.app.helpers import close, dialog, drop, wait_judged


def test_every_action_has_its_own_key_and_handler(qt_messages: list[str]) -> None:
    keys = Counter(key.toString() for command in actions.TABLE for key in QKeySequence.listFromString(command.shortcut))
    assert keys.most_common(1)[0][1] == 1 and "" not in keys and {"Ctrl+Y", "Ctrl+="} <= set(keys)
    taken = re.compile(r"Ctrl\+Alt\+|F10")  # AltGr on Windows, the desktop's own elsewhere; the menu bar
    assert not any(taken.match(key) for key in keys)
    assert all(callable(getattr(Commands, command.name)) for command in actions.TABLE)
    assert {command.menu for command in actions.TABLE} == set(actions.MENUS)


def test_every_action_can_be_used_on_an_empty_window(
    program: Program, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, answer in (
        ("getOpenFileNames", ([], "")), ("getOpenFileName", ("", "")), ("getSaveFileName", ("", "")),
        ("getExistingDirectory", ""),
    ):  # fmt: skip
        monkeypatch.setattr(f"app.commands.QFileDialog.{name}", lambda *_, answer=answer, **__: answer)
    for command in actions.TABLE:
        if command.name not in ("quit", "open_samples"):
            program.window.actions_[command.name].trigger()
            QApplication.processEvents()
    for widget in QApplication.topLevelWidgets():
        if widget is not program.window:
            widget.close()
    assert program.guard.box is None


def test_paste_of_an_image_of_files_and_of_nothing(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    clipboard = QGuiApplication.clipboard()
    clipboard.setImage(QImage(str(pictures / "a.png")))
    window.actions_["paste"].trigger()
    wait_judged(qtbot, window, 1)
    assert window.session.images.rows[0].entry.data and window.session.images.rows[0].attribution
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(pictures / "b.png"))])
    clipboard.setMimeData(mime)
    window.actions_["paste"].trigger()
    wait_judged(qtbot, window, 2)
    clipboard.setText("words")
    window.actions_["paste"].trigger()
    assert "neither an image nor files" in window.status.currentMessage()
    clipboard.clear()


def test_dialogs_open_files_folders_and_remember_them(
    window: MainWindow, qtbot: QtBot, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = str(pictures / "a.png")
    monkeypatch.setattr("app.commands.QFileDialog.getOpenFileNames", lambda *_: ([one], ""))
    monkeypatch.setattr("app.commands.QFileDialog.getExistingDirectory", lambda *_: str(pictures))
    window.actions_["open_images"].trigger()
    wait_judged(qtbot, window, 1)
    window.session.settings["files/subfolders"] = False
    window.actions_["open_folder"].trigger()
    wait_judged(qtbot, window, 6)
    assert window.session.settings.recent() == [str(pictures), one]
    QApplication.processEvents()
    recent = window.submenus.recent.actions()
    assert [action.text() for action in recent][:2] == [str(pictures), one]
    window.actions_["remove_all"].trigger()
    recent[1].trigger()
    wait_judged(qtbot, window, 1)
    window.submenus.recent.actions()[-1].trigger()
    assert window.session.settings.recent() == []
    qtbot.waitUntil(lambda: not window.submenus.recent.isEnabled())


def test_palette_finds_and_runs(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["show_palette"].trigger()
    palette = dialog(Palette)
    assert isinstance(palette, Palette)
    qtbot.keyClicks(palette.query, "fr pan")
    assert palette.found.topLevelItem(0).text(0) == "Four panes"
    palette.query.setText("pan")
    first = palette.found.currentItem()
    qtbot.keyClick(palette.query, Qt.Key.Key_Down)
    assert palette.found.currentItem() is not first
    palette.query.setText("four")
    qtbot.keyClick(palette.query, Qt.Key.Key_Return)
    assert len(window.viewer.grid.panes) == 4
    assert score("zzz", "Four panes") is None


@pytest.mark.parametrize("single", [0, 1])
def test_a_click_runs_a_command_once(window: MainWindow, qtbot: QtBot, single: int) -> None:
    """Under a style by which one click activates an item, and under one by which two do."""
    ran: list[None] = []
    window.actions_["link_panes"].triggered.connect(lambda: ran.append(None))
    window.actions_["show_palette"].trigger()
    palette = dialog(Palette)
    assert isinstance(palette, Palette)
    palette.found.setStyleSheet(f"QTreeWidget {{ activate-on-singleclick: {single} }}")
    palette.query.setText("link")
    item = palette.found.topLevelItem(0)
    assert item is not None
    spot = palette.found.visualItemRect(item).center()
    qtbot.mouseClick(palette.found.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert len(ran) == 1 and not palette.isVisible()


def test_undo_and_redo_say_of_what(program: Program, qtbot: QtBot, pictures: Path) -> None:
    window = program.window
    drop(window, pictures / "a.png")
    wait_judged(qtbot, window, 1)
    undo, redo = window.actions_["undo"], window.actions_["redo"]
    assert (undo.text(), redo.text()) == ("Undo", "Redo")
    window.list.select(window.session.images.rows[0].entry.key)
    window.actions_["remove"].trigger()
    assert (undo.text(), redo.text()) == ("Undo remove from list", "Redo")
    undo.trigger()
    assert (undo.text(), redo.text()) == ("Undo", "Redo remove from list")
    window.status.say("what was said stays")
    program.settings["appearance/language"] = "zh_CN"
    qtbot.waitUntil(lambda: program.window is not window)
    assert "what was said stays" in [said.text for said in program.window.status.said]
    assert "remove from list" in program.window.actions_["redo"].text(), "in another language as well"
    program.settings["appearance/language"] = "en"
    qtbot.waitUntil(lambda: program.window.menuBar().actions()[0].text() == "&File")
    QApplication.processEvents()


def test_actions_that_have_nothing_to_act_on_are_off(program: Program, qtbot: QtBot, pictures: Path) -> None:
    window = program.window
    of_a_list = ["remove_all", "new_case_of_images", "select_all", "next_image", "previous_image", "judge_missing"]
    of_an_image = ["copy_view", "save_view", "compare_with_current", "blink"]

    def on(names: list[str]) -> set[bool]:
        return {window.actions_[name].isEnabled() for name in names}

    assert on([*of_a_list, *of_an_image, "compare_with_none"]) == {False}
    drop(window, pictures / "a.png")
    qtbot.waitUntil(lambda: on([*of_a_list, *of_an_image]) == {True})
    assert on(["compare_with_none"]) == {False}
    window.actions_["compare_with_current"].trigger()
    qtbot.waitUntil(window.actions_["compare_with_none"].isEnabled)
    window.actions_["compare_with_none"].trigger()
    window.actions_["remove_all"].trigger()
    qtbot.waitUntil(lambda: on([*of_a_list, *of_an_image, "compare_with_none"]) == {False})


def test_samples_are_for_who_never_opened_anything(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(program.session.opening, "paths", lambda paths, **_: opened.extend(paths))
    assert started(program, opened) == [str(SAMPLES)]
    assert started(program, opened) == [str(SAMPLES)], "which the samples do not count as"
    program.settings["files/recent_limit"] = 0
    program.settings.add_recent("/images")
    assert program.settings.recent() == [] and started(program, opened) == []


def started(program: Program, opened: list[str]) -> list[str]:
    """What a start without arguments opens."""
    opened.clear()
    program.start([])
    program.window.repaint()
    QApplication.processEvents()
    return list(opened)


def test_help_asked_for_again_is_the_same_window(program: Program) -> None:
    for _ in range(2):
        program.window.actions_["show_help"].trigger()
    page = dialog()
    page.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    program.window.actions_["show_help"].trigger()
    assert dialog() is not page
    dialog().close()


def test_panes_tell_and_take_what_they_show(qtbot: QtBot) -> None:
    one, other, told = PaneGrid(), PaneGrid(), []
    for grid in (one, other):
        qtbot.addWidget(grid)
    one.chosen.connect(told.append)
    one.frames[0].choice.setCurrentIndex(one.frames[0].choice.findData(Layer.DIFFERENCE))
    assert told == ["difference image perturbation difference"]
    with qtbot.assertNotEmitted(other.chosen):
        other.choose(told[0])
    assert [frame.chosen for frame in other.frames] == [frame.chosen for frame in one.frames]
    other.choose("nonsense heatmap")
    assert [frame.chosen for frame in other.frames][:3] == [Layer.DIFFERENCE, Layer.HEATMAP, Layer.PERTURBATION]


def test_a_range_has_room_for_its_ends_in_a_font_of_pixels(qtbot: QtBot) -> None:
    bar = RangeBar()
    qtbot.addWidget(bar)
    font = QFont(bar.font())
    font.setPixelSize(30)
    bar.setFont(font)
    assert bar.sizeHint().height() >= 20 + QFontMetrics(theme.scaled(font, 0.9)).height()


def test_settings_refuse_what_the_table_does(tmp_path: Path, qt_messages: list[str]) -> None:
    file = tmp_path / "settings.ini"
    file.write_text(
        "[viewer]\npanes=99\nopacity=nan\nlinked=perhaps\nsequential=jet\n[list]\norder=up\n", encoding="utf-8"
    )
    settings = Settings(file)
    assert (settings["viewer/panes"], settings["viewer/opacity"]) == (4, BY_KEY["viewer/opacity"].default)
    assert settings["viewer/linked"] is True and settings["viewer/sequential"] == "inferno"
    assert settings["list/order"] == "opened"


def test_settings_and_layout_are_kept(open_program: Opener, qtbot: QtBot) -> None:
    first = open_program()
    first.window.resize(1111, 777)
    first.window.actions_["two_panes"].trigger()
    first.window.answer.slider.setValue(95)
    first.session.settings["appearance/theme"] = "dark"
    shown = [frame.chosen for frame in first.window.viewer.grid.frames]
    choice = first.window.viewer.grid.frames[1].choice
    choice.setCurrentIndex((choice.currentIndex() + 1) % choice.count())
    first.window.list.order.setCurrentIndex(3)
    first.window.list.order.activated.emit(3)
    first.window.list.reverse.click()
    close(first)
    second = open_program(size=(1111, 777))
    listed = second.window.list
    assert (listed.order.currentIndex(), listed.reverse.isChecked()) == (3, True)
    assert (listed.proxy._sort, listed.proxy._down) == (listed.order.itemData(3), True)
    assert len(second.window.viewer.grid.panes) == 2
    again = [frame.chosen for frame in second.window.viewer.grid.frames]
    assert again[1] != shown[1] and again[:1] + again[2:] == shown[:1] + shown[2:]
    assert second.session.coverage == pytest.approx(0.95) and second.window.answer.slider.value() == 95
    assert theme.is_dark()
    second.session.settings["appearance/theme"] = "light"


def test_full_screen_is_kept_and_left_with_one_press(open_program: Opener) -> None:
    first = open_program()
    first.window.actions_["full_screen"].trigger()
    close(first)
    second = open_program().window
    assert second.isFullScreen()
    second.actions_["full_screen"].trigger()
    assert not second.isFullScreen()
    second.showFullScreen()
    assert second.actions_["full_screen"].isChecked()


def test_dialogs_start_somewhere_when_what_was_opened_last_is_out_of_reach(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.session.settings.add_recent("/far/away/images")
    real = os.stat

    def stat(path: Any, *rest: Any, **named: Any) -> os.stat_result:
        if str(path).startswith("/far"):
            raise OSError(107, "Transport endpoint is not connected")
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "stat", stat)
    assert window.commands.folder() == "/far/away"


def test_coverage_slider_asks_again(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures / "a.png")
    wait_judged(qtbot, window, 1)
    window.answer.slider.setValue(80)
    qtbot.waitUntil(lambda: window.session.viewing.row.attribution.attack.coverage == 0.8)
    assert "80%" in window.answer.attack.doubt.text()
    window.actions_["copy_sentence"].trigger()
    sentence = QGuiApplication.clipboard().text()
    assert window.session.viewing.row.attribution.sha256 in sentence and "a.png" in sentence
    QGuiApplication.clipboard().clear()


def test_chinese_and_back_keeps_what_is_open(program: Program, qtbot: QtBot, pictures: Path) -> None:
    drop(program.window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, program.window, 2)
    program.window.list.step(1)
    english = program.window
    program.settings["appearance/language"] = "zh_CN"
    qtbot.waitUntil(lambda: program.window is not english)
    window = program.window
    assert window.menuBar().actions()[0].text() == "文件(&F)"
    assert window.session.viewing.row.entry.name == "b.png" and window.list.proxy.rowCount() == 2
    qtbot.waitUntil(lambda: "候选集" in window.answer.sentence.toPlainText())
    window.actions_["show_help"].trigger()
    assert "如何阅读结果" in dialog().text.toPlainText()
    dialog().close()
    program.settings["appearance/language"] = "en"
    qtbot.waitUntil(lambda: program.window is not window)
    assert program.window.menuBar().actions()[0].text() == "&File"
    QApplication.processEvents()


def test_every_text_is_translated(tmp_path: Path) -> None:
    """The shipped translation has exactly the texts of the source, and none unfinished."""
    fresh = tmp_path / "fresh.ts"
    tool = Path(sys.executable).with_name("pyside6-lupdate")
    sources = sorted(str(path) for path in Path(actions.__file__).parent.rglob("*.py"))
    hidden = [path for path in sources if re.search(r"{(self\.tr|translate)\(", Path(path).read_text(encoding="utf-8"))]
    assert hidden == [], "the tool does not look into f-strings"
    subprocess.run([tool, *sources, "-ts", fresh], check=True, capture_output=True, timeout=300)
    shipped = i18n.FOLDER / "mtaa_zh_CN.ts"
    assert _texts(shipped) == _texts(fresh)
    assert 'type="unfinished"' not in shipped.read_text(encoding="utf-8")


def _texts(file: Path) -> set[tuple[str | None, str | None]]:
    root = ElementTree.parse(file).getroot()
    return {(c.findtext("name"), m.findtext("source")) for c in root.iter("context") for m in c.iter("message")}


def test_controls_have_names_for_screen_readers(window: MainWindow) -> None:
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.metaObject().className() in ("QSlider", "QComboBox", "QLineEdit", "Pane", "_Rows", "Paragraph")
        and not widget.accessibleName()
    ]
    assert nameless == []


def test_pages(program: Program) -> None:
    for name, words in (("show_help", "Coverage"), ("show_about", "Python"), ("show_log", "")):
        program.window.actions_[name].trigger()
        assert words in dialog().text.toPlainText()
        dialog().close()


def test_a_defect_is_logged_and_told_once(program: Program, qtbot: QtBot) -> None:
    start_log()
    try:
        program.guard.report(ZeroDivisionError("one"))
        program.guard.report(ZeroDivisionError("two"))
        box = program.guard.box
        assert box is not None and "ZeroDivisionError" not in box.text()
        next(button for button in box.buttons() if button.text() == "Copy details").click()
        assert "ZeroDivisionError: one" in QGuiApplication.clipboard().text()
        text = (user_log() / "workbench.log").read_text(encoding="utf-8")
        assert "ZeroDivisionError: one" in text and "ZeroDivisionError: two" in text
    finally:
        stop_log()
        QGuiApplication.clipboard().clear()
    program.guard.stop()
    program.guard.report(WorkbenchError("No room on the disk.", "Delete something."))
    assert program.guard.box is not None and program.guard.box.text() == "No room on the disk. Delete something."


def test_drop_of_text_is_refused_and_toggles_hide_panels(window: MainWindow) -> None:
    mime = QMimeData()
    mime.setText("words")
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    event = QDropEvent(QPointF(QPoint(5, 5)), Qt.DropAction.CopyAction, mime, left, none)
    QCoreApplication.sendEvent(window, event)
    assert window.session.images.rowCount() == 0
    mime.setUrls([QUrl("https://example.org/cat.png")])
    spot: Any = QPointF(5, 5) if __version_info__ >= (6, 12) else QPoint(5, 5)
    enter = QDragEnterEvent(spot, Qt.DropAction.CopyAction, mime, left, none)
    QCoreApplication.sendEvent(window, enter)
    assert not enter.isAccepted()
    for name, panel in (("show_list", window.list), ("show_answer", window.answer)):
        window.actions_[name].trigger()
        assert not panel.isVisible()
        window.actions_[name].trigger()
        assert panel.isVisible()
