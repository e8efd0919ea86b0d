"""What is said stands beside what it is about: the case on screen, the file that was judged, the pane in focus."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import error_words, i18n, theme
from app.attribution_view import Banner
from app.crash import log, log_file, start_log
from app.images.row import summary
from app.main_window import MainWindow
from app.sentence import changed_text
from app.widgets import Toned
from app.window import Program
from core import records as writer
from core.case import Case
from core.listed import Record, Remark
from core.manifest import Manifest
from core.pack import find_pack, read_manifest
from tests.app.helpers import drop, shown, wait_case, wait_judged


def tags(case: Path) -> dict[str, tuple[str, str]]:
    with sqlite3.connect(case) as file:
        rows = file.execute("SELECT path, coalesce(tag, ''), coalesce(note, '') FROM files").fetchall()
    file.close()
    return {Path(path).name: (tag, note) for path, tag, note in rows}


@pytest.fixture
def two_cases(window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, default_pack: Path) -> list[Path]:
    """Two cases of the same file, b also of another, the first one open."""
    found = []
    for name, files in (("b", ("a.png", "b.png")), ("a", ("a.png",))):
        window.session.desk.create(str(tmp_path / name), [str(pictures / file) for file in files])
        wait_case(qtbot, window, name)
        wait_judged(qtbot, window, len(files))
        found.insert(0, tmp_path / f"{name}.mtaacase")
    return found


def test_what_is_done_while_another_case_is_read_is_done_to_the_one_on_screen(
    window: MainWindow, qtbot: QtBot, two_cases: list[Path], tmp_path: Path
) -> None:
    desk, may_go_on = window.session.desk, threading.Event()
    first, second = two_cases
    desk.file._thread.submit(may_go_on.wait, 60)
    desk.open(str(second))
    (row,) = window.session.images.rows
    desk.remark({row.entry.key: Remark("of a", "")})
    window.session.exports.export(tmp_path / "told.json")
    window.list.select(row.entry.key)
    remarks = window.case.remarks
    remarks.show_rows(row, [row])
    remarks.note.insertPlainText("not left yet")
    may_go_on.set()
    wait_case(qtbot, window, "b")
    qtbot.waitUntil(lambda: tags(first) == {"a.png": ("of a", "not left yet")})
    qtbot.waitUntil(lambda: not window.session.exports.is_busy)
    assert tags(second) == {"a.png": ("", ""), "b.png": ("", "")}
    told = json.loads((tmp_path / "told.json").read_bytes())
    assert told["case"] == str(first) and len(told["records"]) == 1
    with Case(first) as one, Case(second) as other:
        assert "exported" in [entry.action for entry in one.log()]
        assert not {"exported", "remark"} & {entry.action for entry in other.log()}


def test_the_picture_of_a_changed_file_does_not_stand_beside_the_old_answer_in_silence(
    window: MainWindow, qtbot: QtBot, two_cases: list[Path], pictures: Path
) -> None:
    (row,) = window.session.images.rows
    shutil.copy(pictures / "c.png", pictures / "a.png")
    window.session.viewing.show(row.entry.key)
    qtbot.waitUntil(lambda: window.session.viewing.was_changed)
    first = next(banner for banner in window.answer.findChildren(Banner) if banner.text() == changed_text())
    assert window.answer.has_answer and first.isVisibleTo(window)
    assert window.session.viewing.scene.heatmap is None and window.session.viewing.scene.reason == changed_text()
    window.session.judge_again([row.entry.key])
    qtbot.waitUntil(lambda: window.session.viewing.scene.heatmap is not None)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert changed_text() not in [banner.text() for banner in window.answer.findChildren(Banner)]


def test_a_path_through_the_folder_above_is_the_file_that_it_leads_to(
    window: MainWindow, qtbot: QtBot, two_cases: list[Path], pictures: Path
) -> None:
    window.session.opening.paths([str(pictures / "deeper" / ".." / "c.png")])
    wait_judged(qtbot, window, 2)
    window.session.desk.close()
    drop(window, pictures / "c.png")
    wait_judged(qtbot, window, 1)
    window.session.opening.paths([os.path.relpath(pictures / "deeper" / ".." / "c.png")])
    qtbot.wait(100)
    wait_judged(qtbot, window, 1)


def test_an_export_says_what_is_not_in_it(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, default_pack: Path
) -> None:
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    waits = window.session.images.rows[1]
    waits.become(None)
    told: list[str] = []
    window.session.message.connect(told.append)
    window.session.exports.export(tmp_path / "some.json")
    qtbot.waitUntil(lambda: not window.session.exports.is_busy)
    assert told[-1].startswith("Saved") and told[-1].endswith("they still wait: 1")
    window.list.select(waits.entry.key)
    window.actions_["export_selected"].trigger()  # which would wait for a file's name
    assert window.status.currentMessage() == "None of the selected images has been judged yet."


def test_rows_come_back_once_and_are_judged(
    window: MainWindow, qtbot: QtBot, pictures: Path, default_pack: Path
) -> None:
    session, may_go_on = window.session, threading.Event()
    drop(window, pictures / "a.png", pictures / "b.png", pictures / "c.png")
    wait_judged(qtbot, window, 3)
    session.remove([row.entry.key for row in session.images.rows[:2]], "remove")
    drop(window, pictures / "a.png")
    wait_judged(qtbot, window, 2)
    session.undo.undo()
    assert [row.entry.name for row in session.images.rows] == ["b.png", "c.png", "a.png"]
    for _ in range(2):  # what looks for a pack that fits
        session.reader.submit(lambda: may_go_on.wait(60) and None)
    drop(window, pictures / "d.png")
    session.reader.submit(lambda: None)
    may_go_on.set()
    qtbot.waitUntil(lambda: session.packs.is_looking or session.images.rowCount() == 4)
    session.remove([row.entry.key for row in session.images.rows[3:]], "remove")
    session.undo.undo()
    wait_judged(qtbot, window, 4)


def test_keys_go_to_the_pane_in_focus(window: MainWindow, qtbot: QtBot, pictures: Path, default_pack: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    grid = window.viewer.grid
    grid.set_count(2)
    grid.set_linked(False)
    first, second = grid.panes
    QApplication.sendEvent(second, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))
    assert grid.active is second
    grid.zoom_by(2.0)
    assert first.camera.zoom is None and second.camera.zoom is not None


def test_sentences_follow_the_theme(qtbot: QtBot, program: Program) -> None:
    label = Toned("first")
    qtbot.addWidget(label)
    label.say("refused <b>so</b>", "bad")
    for mode, tones in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(mode)
        QApplication.processEvents()
        assert label.palette().color(QPalette.ColorRole.WindowText).name() == tones.bad
    assert label.textFormat() == Qt.TextFormat.PlainText


def test_the_search_brings_the_list_back_with_its_action(window: MainWindow) -> None:
    window.actions_["show_list"].trigger()
    assert window.list.isHidden()
    window.actions_["find"].trigger()
    assert not window.list.isHidden() and window.actions_["show_list"].isChecked()


def test_the_gain_that_was_set_outlives_another_opacity(window: MainWindow) -> None:
    window.session.settings["viewer/gain"] = 12.0
    QApplication.processEvents()
    window.viewer.opacity.setValue(31)
    assert window.session.settings.number("viewer/gain") == 12.0
    window.viewer.gain.setValue(2)
    assert window.session.settings.number("viewer/gain") == 4.0


def test_a_case_tells_its_coverage_as_it_is(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, default_pack: Path
) -> None:
    manifest: Manifest = read_manifest(find_pack("mnist"))
    Case.create(tmp_path / "half.mtaacase", manifest, 0.825).close()
    drop(window, tmp_path / "half.mtaacase")
    wait_case(qtbot, window, "half")
    assert window.answer._coverage_text.text() == "82.5%" and "82.5% coverage" in window.case.dashboard.facts.text()


def test_what_is_wrong_with_a_file_is_said_in_the_windows_language(
    window: MainWindow, qtbot: QtBot, pictures: Path, default_pack: Path
) -> None:
    (pictures / "nothing.png").write_bytes(b"")
    np.save(pictures / "far.npy", np.full((28, 28), 3.0))
    np.save(pictures / "cube.npy", np.zeros((2, 2, 2, 2)))
    np.save(pictures / "words.npy", np.zeros((28, 28), np.int64))
    np.save(pictures / "nan.npy", np.full((28, 28), np.nan))
    (pictures / "cut.npy").write_bytes((pictures / "far.npy").read_bytes()[:200])
    names = ("nothing.png", "broken.png", "notes.txt", "far.npy", "cube.npy", "words.npy", "nan.npy", "cut.npy")
    drop(window, *(pictures / name for name in names))
    wait_judged(qtbot, window, len(names))
    english = [row.record.error for row in window.session.images.rows if row.record is not None]
    translators = i18n.install(QApplication.instance(), "zh_CN")
    try:
        for row, text in zip(window.session.images.rows, english, strict=True):
            assert text is not None
            words = error_words.in_words(text)
            assert words != text and row.entry.path in words and "{" not in words, text
            assert summary(row) and summary(row) in words
    finally:
        i18n.remove(QApplication.instance(), translators)
    assert [error_words.in_words(text or "") for text in english] == english
    assert error_words.in_words("another fault") == "another fault"


def test_the_window_needs_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in the way").write_text("no folder", encoding="utf-8")
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "in the way"))
    before = list(log.handlers)
    start_log()
    assert log.handlers == before and not log_file().is_file()


def test_what_is_opened_for_the_case_that_was_asked_for_last_is_not_logged_in_the_one_before(
    window: MainWindow, qtbot: QtBot, two_cases: list[Path], pictures: Path
) -> None:
    desk, may_go_on = window.session.desk, threading.Event()
    first, second = two_cases
    desk.close()
    desk.file._thread.submit(may_go_on.wait, 60)
    desk.open(str(first))
    desk.open(str(second))
    window.session.opening.paths([str(pictures / "c.png")])
    assert desk.loading
    may_go_on.set()
    wait_case(qtbot, window, "b")
    wait_judged(qtbot, window, 3)
    assert set(tags(first)) == {"a.png"} and set(tags(second)) == {"a.png", "b.png", "c.png"}
    with Case(first) as case:
        assert "c.png" not in " ".join(entry.detail for entry in case.log())


def test_a_table_that_was_called_off_is_not_written(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(window, pictures / "a.png", pictures / "b.png", pictures / "c.png")
    wait_judged(qtbot, window, 3)
    exports, real = window.session.exports, writer.record_to_json
    begun, may_go_on = threading.Event(), threading.Event()

    def slow(record: Record) -> dict[str, object]:
        begun.set()
        may_go_on.wait(60)
        return real(record)

    monkeypatch.setattr(writer, "record_to_json", slow)
    target = tmp_path / "out" / "all.json"
    target.parent.mkdir()
    target.write_text("before")
    exports.export(target)
    assert begun.wait(60)
    exports.cancel()
    may_go_on.set()
    exports._writer.submit(int).result(60)  # it is over
    assert target.read_text() == "before" and list(target.parent.iterdir()) == [target]
