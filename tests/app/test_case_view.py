"""A case in the real window: made, filled, closed, opened again, filtered by its bars, tagged, compared, exported."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import opening
from app.case.charts import Chart
from app.case.dashboard import Board, count
from app.images import makers
from app.images.row import Row
from app.main_window import MainWindow
from app.requests import Entry, Setup
from app.window import Program
from core.adjustments import adjustment_of
from core.case import Case
from core.discoveries import alarms, attacked
from core.folders import Searched
from core.listed import Record, Remark
from core.pack import read_manifest
from core.paths import SAMPLES, user_data
from core.report.facets import OTHER_CLASS, Facet, Facets
from core.together import in_words, of_records
from core.types import Finding, Testimony
from tests.app.conftest import Opener
from tests.app.helpers import close, drop, wait_case, wait_judged
from tests.core.panels import fit

SAVE, OPEN = "app.case.commands.QFileDialog.getSaveFileName", "app.case.commands.QFileDialog.getOpenFileName"
NAMES = ["a.png", "b.png", "broken.png", "c.png", "d.png", "photo.jpg", "again.png", "e.png"]


@pytest.fixture
def pictures(pictures: Path) -> Path:
    """The same as elsewhere, and a copy of one of them in the subfolder."""
    shutil.copy(pictures / "a.png", pictures / "deeper" / "again.png")
    return pictures


@pytest.fixture
def case(window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case of all pictures, made by hand and open."""
    path = tmp_path / "seizure.mtaacase"
    monkeypatch.setattr(SAVE, lambda *_, **__: (str(path.with_suffix("")), ""))
    window.actions_["new_case"].trigger()
    wait_case(qtbot, window, "seizure")
    assert "The case is empty" in window.status.currentMessage()
    drop(window, pictures)
    wait_judged(qtbot, window, len(NAMES))
    return path


def row(window: MainWindow, name: str) -> Row:
    return next(row for row in window.session.images.rows if row.entry.name == name)


def answered_otherwise(window: MainWindow, name: str) -> None:
    """As if the row had been judged with a victim that is gone: it has the least likely attack for its answer."""
    found = row(window, name)
    assert found.record is not None and found.record.finding is not None
    answer = found.record.finding.attribution
    attack = replace(answer.attack, ranking=answer.attack.ranking[::-1])
    finding = replace(found.record.finding, attribution=replace(answer, attack=attack))
    window.session.images.set_records([(found.entry.key, replace(found.record, finding=finding))])


def chart(window: MainWindow, key: str, board: int = 0) -> Chart:
    return next(chart for chart in window.case.dashboard.boards[board].charts if chart.facet.key == key)


def listed(window: MainWindow) -> list[str]:
    proxy = window.list.proxy
    return [str(proxy.index(at, 0).data()) for at in range(proxy.rowCount())]


def select(window: MainWindow, *names: str) -> None:
    window.list.view.clearSelection()
    for name in names:
        index = window.list.proxy.index_of(row(window, name).entry.key)
        selection = window.list.view.selectionModel()
        selection.setCurrentIndex(index, selection.SelectionFlag.Select)


def remarks(path: Path) -> dict[str, Remark]:
    with Case(path) as case:
        return {Path(name).name: remark for name, remark in case.remarks().items()}


def actions_of(path: Path) -> list[str]:
    with Case(path) as case:
        return [entry.action for entry in case.log()]


def test_a_folder_becomes_a_case_that_opens_again_as_it_was(
    window: MainWindow, case: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, pictures: Path
) -> None:
    assert listed(window) == NAMES
    before = {r.entry.name: (r.record, r.places) for r in window.session.images.rows}
    assert row(window, "again.png").is_copy
    index = window.session.images.index_of(row(window, "again.png").entry.key)
    assert "copy" in str(index.data(Qt.ItemDataRole.AccessibleTextRole))
    assert f"Same bytes as {pictures / 'a.png'}" in str(index.data(Qt.ItemDataRole.ToolTipRole))
    assert "damaged or cut short" in str(row(window, "broken.png").record.error)
    assert "seizure" in window.windowTitle() and window.middle.currentWidget() is window.case.dashboard
    assert not window.answer.slider.isEnabled(), "the coverage is the case's"
    assert not window.actions_["remove"].isEnabled() and not window.actions_["remove_all"].isEnabled()

    QGuiApplication.clipboard().setImage(window.grab().toImage())
    window.actions_["paste"].trigger()
    assert "A case holds files only" in window.status.currentMessage()
    QGuiApplication.clipboard().clear()

    window.actions_["close_case"].trigger()
    assert window.session.images.rowCount() == 0 and window.middle.currentWidget() is window.viewer
    assert not window.actions_["export_all"].isEnabled() and "seizure" not in window.windowTitle()
    assert window.answer.slider.isEnabled()

    monkeypatch.setattr(OPEN, lambda *_, **__: (str(case), ""))
    window.actions_["open_case"].trigger()
    wait_case(qtbot, window, "seizure")
    assert {r.entry.name: (r.record, r.places) for r in window.session.images.rows} == before
    assert window.session.viewing.row is not None
    drop(window, pictures)
    qtbot.waitUntil(lambda: actions_of(case).count("finished") == 2)
    assert listed(window) == NAMES, "nothing is there twice"
    assert window.session.settings.recent()[:2] == [str(pictures), str(case)]

    window.list.view.activated.emit(window.list.view.currentIndex())
    assert window.middle.currentWidget() is window.viewer, "Enter on a row shows the image"
    window.actions_["show_case"].trigger()
    assert window.middle.currentWidget() is window.case.dashboard
    window.actions_["show_case_log"].trigger()
    qtbot.waitUntil(lambda: any("finished" in text for text in pages()))


def pages() -> list[str]:
    texts = [w.text.toPlainText() for w in QApplication.topLevelWidgets() if hasattr(w, "text") and w.isVisible()]
    for widget in QApplication.topLevelWidgets():
        if hasattr(widget, "text") and texts:
            widget.close()
    return texts


def test_open_images_go_into_a_case(
    program: Program, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = program.window
    assert not window.actions_["new_case_of_images"].isEnabled()
    drop(window, pictures / "b.png", pictures / "a.png")
    wait_judged(qtbot, window, 2)
    monkeypatch.setattr(SAVE, lambda *_, **__: (str(tmp_path / "kept.mtaacase"), ""))
    window.actions_["new_case_of_images"].trigger()
    wait_case(qtbot, window, "kept")
    wait_judged(qtbot, window, 2)
    with Case(tmp_path / "kept.mtaacase") as case:
        assert case.paths() == [str(pictures / "b.png"), str(pictures / "a.png")]
    window.actions_["close_case"].trigger()
    drop(window, pictures / "c.png")
    wait_judged(qtbot, window, 1)
    window.actions_["new_case_of_images"].trigger()
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None and "kept.mtaacase exists already" in program.guard.box.text()
    assert listed(window) == ["c.png"] and window.session.desk.case is None


def test_pasted_images_are_not_lost_to_a_new_case(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.session.opening.pasted("pasted 1.png", (pictures / "a.png").read_bytes())
    drop(window, pictures / "b.png")
    wait_judged(qtbot, window, 2)
    monkeypatch.setattr(SAVE, lambda *_, **__: (str(tmp_path / "kept.mtaacase"), ""))
    window.actions_["new_case_of_images"].trigger()
    assert "A case holds files only" in window.status.currentMessage()
    assert listed(window) == ["pasted 1.png", "b.png"] and not window.session.desk.loading


def test_no_heatmap_of_another_answer_stands_beside_a_cases(window: MainWindow, case: Path, qtbot: QtBot) -> None:
    viewing = window.session.viewing
    select(window, "a.png")
    qtbot.waitUntil(lambda: viewing.scene.heatmap is not None)
    answered_otherwise(window, "a.png")
    viewing.show(viewing.current)
    qtbot.waitUntil(lambda: "another answer" in viewing.scene.reason)
    assert viewing.scene.heatmap is None


def test_bars_filter_the_list(window: MainWindow, case: Path, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sum(chart(window, "files").counts) == len(NAMES))
    files = chart(window, "files")
    assert list(files.counts)[2] == 1 and list(chart(window, "copies").counts) == [7, 1]
    spot = files.boxes()[2].center().toPoint()
    qtbot.mouseClick(files, Qt.MouseButton.LeftButton, pos=spot)
    assert listed(window) == ["broken.png"] and files.chosen == 2
    assert window.list.count.text() == "Images: 1 of 8"
    (chip,) = window.case.bar_filter.findChildren(QPushButton)
    assert chip.accessibleName() == "No longer filter by Files: not attributed"

    copies = chart(window, "copies")
    copies.setFocus()
    qtbot.keyClick(copies, Qt.Key.Key_End)
    assert copies.accessibleDescription().startswith("copy of another file: 1")
    qtbot.keyClick(copies, Qt.Key.Key_Space)
    assert listed(window) == [], "a file that could not be read is no copy"
    chip.click()
    assert listed(window) == ["again.png"]
    window.list.search.setText("b.png")
    assert listed(window) == []
    window.actions_["show_all_images"].trigger()
    assert listed(window) == NAMES and not window.case.bar_filter.isVisible() and copies.chosen is None

    cells = chart(window, "cells")
    cells.setFocus()
    at = next(at for at, number in enumerate(cells.counts) if number)
    qtbot.keyClick(cells, Qt.Key.Key_Home)
    for _ in range(at // cells.step):
        qtbot.keyClick(cells, Qt.Key.Key_Down)
    for _ in range(at % cells.step):
        qtbot.keyClick(cells, Qt.Key.Key_Right)
    qtbot.keyClick(cells, Qt.Key.Key_Return)
    assert len(listed(window)) == cells.counts[at] and window.case.bar_filter.words() == (
        f"Attack and victim: {cells.facet.labels[at]}"
    )


def test_tags_and_notes_are_in_the_file_at_once_and_undone(window: MainWindow, case: Path, qtbot: QtBot) -> None:
    window.activateWindow()
    select(window, "a.png", "b.png")
    qtbot.waitUntil(lambda: "2 selected" in window.case.remarks._about.text())
    window.actions_["edit_tag"].trigger()
    qtbot.keyClicks(window.case.remarks.tag, "urgent")
    qtbot.keyClick(window.case.remarks.tag, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: remarks(case) == {"a.png": Remark("urgent", ""), "b.png": Remark("urgent", "")})
    select(window, "c.png")
    qtbot.waitUntil(lambda: window.case.remarks.tag.text() == "")
    window.actions_["edit_note"].trigger()
    qtbot.keyClicks(window.case.remarks.note, "seen on server 3")
    window.list.view.setFocus()
    qtbot.waitUntil(lambda: remarks(case).get("c.png") == Remark("", "seen on server 3"))

    window.actions_["edit_note"].trigger()
    qtbot.keyClicks(window.case.remarks.note, ", twice")
    window.list.view.setFocus()
    qtbot.waitUntil(lambda: remarks(case).get("c.png") == Remark("", "seen on server 3, twice"))
    window.actions_["undo"].trigger()

    window.list.search.setText("server")
    assert listed(window) == ["c.png"]
    window.list.search.setText("urgent")
    assert listed(window) == ["a.png", "b.png"]
    window.list.search.clear()

    window.actions_["undo"].trigger()
    window.actions_["undo"].trigger()
    qtbot.waitUntil(lambda: remarks(case) == {})
    assert row(window, "a.png").remark == Remark() and not window.actions_["undo"].isEnabled()
    window.actions_["redo"].trigger()
    qtbot.waitUntil(lambda: set(remarks(case)) == {"a.png", "b.png"})
    assert actions_of(case).count("remark") == 10, "the log keeps what was undone"


def test_what_is_typed_as_the_window_closes_is_kept(program: Program, case: Path, qtbot: QtBot) -> None:
    panel = program.window.case.remarks
    select(program.window, "d.png")
    qtbot.waitUntil(lambda: panel._current is row(program.window, "d.png"))
    qtbot.keyClicks(panel.note, "unfinished")
    close(program)
    assert remarks(case) == {"d.png": Remark("", "unfinished")}


def test_a_tag_taken_from_the_known_ones_is_kept(window: MainWindow, case: Path, qtbot: QtBot) -> None:
    window.activateWindow()
    window.session.desk.remark({row(window, "a.png").entry.key: Remark("suspect", "")})
    select(window, "b.png")
    panel = window.case.remarks
    qtbot.waitUntil(lambda: panel._current is row(window, "b.png"))
    window.actions_["edit_tag"].trigger()
    panel.tag.completer().activated.emit("suspect")
    assert panel.tag.text() == "suspect" and not panel.tag.isModified()
    select(window, "c.png")
    qtbot.waitUntil(lambda: set(remarks(case)) == {"a.png", "b.png"})
    assert remarks(case)["b.png"] == Remark("suspect", "")


def test_what_is_being_typed_outlives_what_happens_beside_it(window: MainWindow, case: Path, qtbot: QtBot) -> None:
    panel = window.case.remarks
    select(window, "d.png")
    qtbot.waitUntil(lambda: panel._current is row(window, "d.png"))
    qtbot.keyClicks(panel.note, "import")
    qtbot.keyClicks(panel.tag, "ur")
    window.actions_["show_all_images"].trigger()
    window.session.viewing.fail("no device")
    qtbot.wait(100)
    assert (panel.note.toPlainText(), panel.tag.text()) == ("import", "ur")
    qtbot.keyClicks(panel.note, "ant")
    select(window, "a.png")
    qtbot.waitUntil(lambda: remarks(case) == {"d.png": Remark("ur", "important")})


def test_a_folder_that_is_still_being_looked_for_goes_into_no_other_case(
    program: Program, case: Path, qtbot: QtBot, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, found, may_go_on = program.window, threading.Event(), threading.Event()
    real = opening.search

    def slow(*what: Any, **how: Any) -> Searched:
        found.set()
        may_go_on.wait(60)
        return real(*what, **how)

    window.actions_["close_case"].trigger()
    monkeypatch.setattr(opening, "search", slow)
    drop(window, pictures)
    qtbot.waitUntil(found.is_set)
    window.session.desk.create(str(case.with_name("other")))
    wait_case(qtbot, window, "other")
    may_go_on.set()
    qtbot.waitUntil(lambda: "for what was open before" in window.status.currentMessage())
    assert window.session.images.rowCount() == 0 and not window.session.status.waiting


def test_the_buttons_of_a_case_are_whole_in_a_narrow_window(window: MainWindow) -> None:
    dashboard = window.case.dashboard
    dashboard.title.setText("seizure of June")
    window.middle.setCurrentWidget(dashboard)
    window.resize(1024, 700)
    QApplication.processEvents()
    assert len(dashboard.buttons) == 3
    for button in dashboard.buttons:
        assert button.width() >= button.sizeHint().width(), button.text()
        assert button.parentWidget().rect().contains(button.geometry())


def test_two_groups_side_by_side(window: MainWindow, case: Path, qtbot: QtBot) -> None:
    select(window, "a.png", "b.png", "broken.png")
    assert not window.actions_["end_comparison"].isEnabled()
    window.actions_["keep_group"].trigger()
    select(window, "c.png", "d.png")
    qtbot.waitUntil(lambda: "2" in window.case.dashboard.boards[1].name.text())
    boards = window.case.dashboard.boards
    assert [board.name.text() for board in boards] == ["Selected images: 3", "Selected images: 2"]
    assert list(chart(window, "files", 0).counts)[2] == 1 and sum(chart(window, "files", 1).counts) == 2
    window.list.view.clearSelection()
    window.case.bar_filter.toggle(0, 2)
    qtbot.waitUntil(lambda: boards[1].name.text() == "Listed images: 1\nFiles: not attributed")
    assert chart(window, "files", 0).chosen is None and chart(window, "files", 1).chosen == 2
    window.list.search.setText("broken {n}")
    qtbot.waitUntil(lambda: boards[1].name.text() == "Listed images: 0\nFiles: not attributed\n“broken {n}”")
    window.actions_["end_comparison"].trigger()
    assert len(window.case.dashboard.boards) == 1 and not window.case.dashboard.comparing


def test_the_case_is_written_out(
    window: MainWindow, case: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.session.desk.remark({row(window, "a.png").entry.key: Remark("urgent", "look <here>")})

    def export(action: str, name: str, kind: str = "") -> Path:
        monkeypatch.setattr(SAVE, lambda *_, **__: (str(tmp_path / name), kind))
        window.actions_[action].trigger()
        assert window.actions_["cancel"].isEnabled()
        qtbot.waitUntil(lambda: not window.session.exports.is_busy)
        assert "Saved" in window.status.currentMessage()
        return tmp_path / name

    with export("export_all", "all.csv").open(encoding="utf-8", newline="") as file:
        rows = {Path(line["path"]).name: line for line in csv.DictReader(file)}
    assert list(rows) == NAMES and rows["a.png"]["tag"] == "urgent"
    assert rows["again.png"]["duplicate_of"] == rows["a.png"]["path"]
    document = json.loads(export("export_all", "all.json").read_bytes())
    assert [Path(record["path"]).name for record in document["records"]] == NAMES
    select(window, "a.png", "again.png")
    export("export_selected", "some", "HTML (*.html)")
    html = (tmp_path / "some.html").read_text(encoding="utf-8")
    assert html.count("<article") == 2 and "look &lt;here&gt;" in html and html.count("Heatmap over") == 2
    assert f'<dt>Same bytes as</dt><dd class="name">{rows["a.png"]["path"]}</dd>' in html
    assert export("export_all", "all.pdf").read_bytes().startswith(b"%PDF-")
    with Case(case) as opened:
        told = [entry.detail for entry in opened.log() if entry.action == "exported"]
    assert [line.partition(" to ")[0] for line in told] == ["8 files", "8 files", "2 files", "8 files"]


def test_an_export_takes_the_place_of_a_file_only_when_asked(
    window: MainWindow, case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "all.v2.html"
    old.write_text("precious", encoding="utf-8")
    monkeypatch.setattr(SAVE, lambda *_, **__: (str(tmp_path / "all.v2"), "HTML (*.html)"))
    asked: list[str] = []
    no = QMessageBox.StandardButton.No
    monkeypatch.setattr(QMessageBox, "warning", lambda *said: asked.append(said[2]) or no)
    window.actions_["export_all"].trigger()
    assert len(asked) == 1 and "all.v2.html already exists" in asked[0]
    assert not window.session.exports.is_busy and old.read_text(encoding="utf-8") == "precious"


def test_every_control_of_a_case_has_a_name_and_the_language_can_change(
    program: Program, case: Path, qtbot: QtBot
) -> None:
    window = program.window
    nameless = [
        widget
        for widget in (*window.case.dashboard.findChildren(QWidget), window.case.remarks.tag, window.case.remarks.note)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not widget.accessibleName()
    ]
    assert nameless == []
    program.settings["appearance/language"] = "zh_CN"
    qtbot.waitUntil(lambda: program.window is not window)
    assert listed(program.window) == NAMES and program.window.case.dashboard.isVisible()
    assert chart(program.window, "attack").accessibleName() != "Attack"
    program.settings["appearance/language"] = "en"
    qtbot.waitUntil(lambda: program.window.actions_["new_case"].text() == "New case…")
    QApplication.processEvents()


def test_a_case_of_another_pack_brings_it_along(
    open_program: Opener, qtbot: QtBot, pictures: Path, tiny_pack: Path, tmp_path: Path
) -> None:
    """Or says that it is not there, and still shows what is known."""
    from core.attributor import Attributor  # noqa: PLC0415
    from core.batch import fill_case, note_opened  # noqa: PLC0415
    from core.pack import load_pack  # noqa: PLC0415

    attributor, path = Attributor(load_pack(tiny_pack), "cpu"), tmp_path / "tiny.mtaacase"
    with Case.create(path, attributor.manifest, 0.8) as case:
        note_opened(case, [pictures], subfolders=False)
        fill_case(case, attributor, [pictures / "a.png"])
    window = open_program().window
    drop(window, path)
    wait_case(qtbot, window, "tiny")
    assert "has not the pack" in window.status.currentMessage() and window.session.coverage == 0.8
    assert window.session.images.rowCount() == 6, "one is known, and five wait"
    qtbot.waitUntil(lambda: "No heatmap" in window.session.viewing.scene.reason)
    assert window.session.viewing.scene.heatmap is None, "another pack's would stand beside the case's answer"
    drop(window, pictures)
    assert "cannot be added" in window.status.currentMessage() and window.session.images.rowCount() == 6
    window.actions_["close_case"].trigger()

    shutil.copy(tiny_pack, user_data() / "packs" / "tiny.mtaapack")
    drop(window, path)
    wait_case(qtbot, window, "tiny")
    assert window.session.setup.pack == "tiny" and "5" in window.status.currentMessage()
    window.actions_["judge_missing"].trigger()
    wait_judged(qtbot, window, 6)
    with Case(path) as case:
        assert case.count() == 6 and {finding.attribution.pack_id for finding in case.values()} == {
            attributor.manifest.pack_id
        }
    window.session.set_setup(Setup("mnist", "auto"))
    assert "of one pack" in window.status.currentMessage() and window.session.setup.pack == "tiny"


def test_a_case_goes_on_in_the_way_that_it_began_to_fit_images(
    window: MainWindow, qtbot: QtBot, pictures: Path, default_pack: Path, tmp_path: Path
) -> None:
    """Which may be another than its pack's."""
    from core.pack import read_manifest  # noqa: PLC0415

    path = tmp_path / "cropped.mtaacase"
    Case.create(path, read_manifest(default_pack).fitting("crop"), 0.9).close()
    drop(window, path)
    wait_case(qtbot, window, "cropped")
    drop(window, pictures / "photo.jpg")
    wait_judged(qtbot, window, 1)
    said = adjustment_of("only the middle 28x28 of 56x56 judged, not resized")
    assert said in row(window, "photo.jpg").attribution.adjustments  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: "middle of the image" in window.answer.sentence.toPlainText())


def test_a_case_tells_how_many_were_attacked_and_lists_them_by_how_rare_they_are_among_clean_images(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SAVE, lambda *_, **__: (str(tmp_path / "samples"), ""))
    window.actions_["new_case"].trigger()
    wait_case(qtbot, window, "samples")
    (board,) = window.case.dashboard.boards
    assert not board.told.isVisible(), "there is nothing to tell yet"
    drop(window, SAMPLES)
    rows = window.session.images.rows
    wait_judged(qtbot, window, len(list(SAMPLES.glob("*.png"))))
    answers = [row.attribution for row in rows if row.attribution is not None]
    told = attacked(alarms(answers).values())
    assert told, "most of the samples were attacked"
    qtbot.waitUntil(lambda: board.told.text() == f"Attacked at a false discovery rate of 5%: {told}")
    window.case.dashboard.keep()
    assert len(window.case.dashboard.boards) == 2
    assert all(part.told.isHidden() for part in window.case.dashboard.boards), "no rate is known of a part"
    window.case.dashboard.end_comparison()
    rare = chart(window, "false alarm")
    bar = max(range(len(rare.counts)), key=lambda at: rare.counts[at])
    rare.picked.emit(bar)
    assert 0 < len(listed(window)) == rare.counts[bar] < len(rows)
    assert "Clean images that look at least as attacked" in rare.accessibleName()
    window.list.view.setCurrentIndex(window.list.proxy.index(0, 0))
    panel = window.answer
    told_of_one = "of clean images like the pack's look at least as attacked."
    qtbot.waitUntil(lambda: told_of_one in panel.attack.doubt.text())
    assert panel.attack.doubt.text().splitlines()[-1] in panel.sentence.toPlainText()


def test_the_overview_says_who_attacked_them_all(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped pack on its own samples: several attacks, and of one kind alone one maker."""
    window.session.use_pack("mnist")
    path = tmp_path / "samples.mtaacase"
    monkeypatch.setattr(SAVE, lambda *_, **__: (str(path), ""))
    window.actions_["new_case"].trigger()
    wait_case(qtbot, window, "samples")
    chosen = sorted(SAMPLES.glob("*-?.png"))
    drop(window, *chosen)
    wait_judged(qtbot, window, len(chosen))
    (board,) = window.case.dashboard.boards
    found = of_records([r.record for r in window.session.images.rows if r.record is not None])
    assert found is not None
    qtbot.waitUntil(lambda: board.makers.text() == makers.in_words(found))
    assert board.makers.isVisible() and board.makers.toolTip()
    assert makers.in_words(found)[1:] == in_words(found)[1:], "English, as in the report"
    with Case(path) as case:
        assert of_records(list(case.records())) == found
    line = window.list.makers
    qtbot.waitUntil(lambda: line.text() == makers.in_words(found) and line.isVisible())
    window.list.search.setText("vgg16")  # of two attackers' images, one each
    rows = window.list.proxy.listed()
    some = of_records([r.record for r in rows if r.record is not None])
    assert some is not None and some.images == 2
    qtbot.waitUntil(lambda: line.text() == makers.in_words(some))
    window.list.search.setText("clean-3")
    qtbot.waitUntil(lambda: not line.isVisible())


def test_a_file_is_known_by_its_ending_however_that_is_written(
    window: MainWindow, case: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_["close_case"].trigger()
    loud = tmp_path / "SEIZURE.MTAACASE"
    shutil.copy(case, loud)
    drop(window, loud)
    wait_case(qtbot, window, "SEIZURE")
    assert listed(window) == NAMES


def test_what_somebody_else_wrote_meanwhile_is_neither_overwritten_nor_undone(
    window: MainWindow, case: Path, qtbot: QtBot, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[BaseException] = []
    window.session.crashed.disconnect()
    window.session.crashed.connect(told.append)
    with Case(case) as other:
        other.set_remarks(notes={str(pictures / "b.png"): "of a colleague"}, tags={str(pictures / "b.png"): "theirs"})
    select(window, "b.png")
    panel = window.case.remarks
    qtbot.waitUntil(lambda: panel._current is row(window, "b.png"))
    qtbot.keyClicks(panel.note, "mine")
    panel.finish()
    qtbot.waitUntil(lambda: bool(told))
    assert "given another tag or note by another window" in str(told[0])
    assert QApplication.clipboard().text() == "mine"
    qtbot.waitUntil(lambda: row(window, "b.png").remark == Remark("theirs", "of a colleague"))
    qtbot.waitUntil(lambda: (panel.note.toPlainText(), panel.tag.text()) == ("of a colleague", "theirs"))
    window.session.undo.undo()
    qtbot.wait(100)
    assert remarks(case)["b.png"] == Remark("theirs", "of a colleague"), "undo takes back what was written here"
    panel.note.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClicks(panel.note, ", and mine")
    panel.finish()
    qtbot.waitUntil(lambda: remarks(case)["b.png"].note == "of a colleague, and mine")
    window.session.undo.undo()
    qtbot.waitUntil(lambda: remarks(case)["b.png"] == Remark("theirs", "of a colleague"))
    assert len(told) == 1


def test_what_is_compared_stands_side_by_side(
    window: MainWindow, case: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A facet that one of the groups has no image of keeps its place."""
    groups = iter(range(1000))

    def one_sided(facets: Sequence[Facet], rows: Sequence[Row]) -> list[list[int]]:
        return [[next(groups) % 2] + [0] * (len(facet.labels) - 1) for facet in facets]

    select(window, "a.png", "b.png", "broken.png")
    window.actions_["keep_group"].trigger()
    select(window, "c.png", "d.png")
    dashboard = window.case.dashboard
    qtbot.waitUntil(lambda: "2" in dashboard.boards[1].name.text())
    monkeypatch.setattr("app.case.dashboard.count", one_sided)
    dashboard.recount()
    left, right = ([chart.isHidden() for chart in board.charts] for board in dashboard.boards)
    assert left == right and not any(left)
    assert any(not any(chart.counts) for chart in dashboard.boards[0].charts if chart.facet.sparse)


def test_the_charts_follow_the_buttons_above_them(window: MainWindow, case: Path, qtbot: QtBot) -> None:
    dashboard = window.case.dashboard
    charts = dashboard.boards[0].charts
    for before, after in pairwise([dashboard.buttons[-1], *charts]):
        following = before.nextInFocusChain()
        while following is not after and following.focusPolicy() == Qt.FocusPolicy.NoFocus:
            following = following.nextInFocusChain()
        assert following is after


def test_the_bar_of_other_classes_says_which_they_are(finding: Finding, tiny_pack: Path, qtbot: QtBot) -> None:
    """To the mouse as to a screen reader."""
    facets = Facets(read_manifest(tiny_pack).model_copy(update={"class_names": ("cat", "dog"), "probes": fit()}))
    said = Testimony("resnet18", "e" * 64, True, 5.0, 0.5, 2.0, "church", "dog", 1, 1)
    rows = []
    for key, seen in enumerate(("church", "hen", "church", "cat")):
        answer = replace(finding.attribution, testimonies=(replace(said, label=seen),))
        record = Record(f"{key}.png", str(key) * 64, "ok", None, Finding(answer, None))
        rows.append(Row(Entry(key, record.path), record=record, places=facets.places(record)))
    board = Board(facets.all)
    qtbot.addWidget(board)
    counts = count(facets.all, rows)
    board.show_counts("All", rows, counts, len(rows), [1.0] * len(counts))
    (chart,) = (chart for chart in board.charts if chart.facet.key == "label")
    other = chart.facet.labels.index(OTHER_CLASS)
    assert chart.explained(other) == f"{chart.text(other)} (church 2, hen 1)"
    assert chart.explained(0) == chart.text(0)
    for _ in range(other):
        QTest.keyClick(chart, Qt.Key.Key_Down)
    assert chart.accessibleDescription() == chart.explained(other)
