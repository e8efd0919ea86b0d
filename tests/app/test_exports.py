"""Reports and tables of a list of images, without a case."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.window import Program
from tests.app.helpers import drop, wait_judged
from tests.app.test_case_view import SAVE, answered_otherwise, select


def test_what_is_in_the_list_is_written_out_without_a_case(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("export_all", "export_selected")
    assert not any(window.actions_[name].isEnabled() for name in names), "there is nothing yet"
    drop(window, pictures)
    wait_judged(qtbot, window, 7)
    window.session.opening.pasted("pasted 1.png", (pictures / "a.png").read_bytes())
    wait_judged(qtbot, window, 8)
    (pictures / "b.png").unlink()

    def export(action: str, name: str) -> Path:
        monkeypatch.setattr(SAVE, lambda *_, **__: (str(tmp_path / name), ""))
        window.actions_[action].trigger()
        assert window.session.exports.is_busy and window.actions_["cancel"].isEnabled()
        qtbot.waitUntil(lambda: not window.session.exports.is_busy)
        assert f"Saved {tmp_path / name}" in window.status.currentMessage()
        return tmp_path / name

    with export("export_all", "all.csv").open(encoding="utf-8", newline="") as file:
        rows = {Path(line["path"]).name: line for line in csv.DictReader(file)}
    assert len(rows) == 8 and rows["pasted 1.png"]["duplicate_of"] == rows["a.png"]["path"]
    document = json.loads(export("export_all", "all.json").read_bytes())
    assert [record["status"] for record in document["records"]].count("error") == 1
    html = export("export_all", "all.html").read_text(encoding="utf-8")
    assert html.count("<article") == 8 and html.count("The file’s pixels, ") == 6, "one broken, one gone, one pasted"
    assert html.count("Heatmap over") == 6 and "<dt>Case</dt>" not in html
    select(window, "a.png", "photo.jpg")
    assert export("export_selected", "some.html").read_text(encoding="utf-8").count("<article") == 2
    answered_otherwise(window, "a.png")
    html = export("export_selected", "other.html").read_text(encoding="utf-8")
    assert html.count("Heatmap over") == 1, "the map of another answer would stand beside the list's"


def test_a_report_of_the_list_that_cannot_be_written_is_said(program: Program, qtbot: QtBot, pictures: Path) -> None:
    drop(program.window, pictures / "a.png")
    wait_judged(qtbot, program.window, 1)
    program.session.exports.export(pictures / "none" / "report.html")
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None and "report.html" in program.guard.box.text()
    assert not program.session.exports.is_busy


def test_a_report_says_how_many_images_still_wait(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path
) -> None:
    drop(window, pictures)
    wait_judged(qtbot, window, 7)
    rows = window.session.images.rows
    window.session.images.set_records([(row.entry.key, None) for row in rows[:3]])
    for name, words in (("some.html", "not in here, for they were not judged yet"), ("some.pdf", "")):
        window.session.exports.export(tmp_path / name)
        qtbot.waitUntil(lambda: not window.session.exports.is_busy)
        assert words in (tmp_path / name).read_text(encoding="latin-1")
    html = (tmp_path / "some.html").read_text(encoding="utf-8")
    assert '<td class="number">3</td>' in html.split("not judged yet")[1][:60]


def test_where_a_report_cannot_be_written_is_said_before_anything_is_drawn(
    program: Program, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(program.window, pictures / "a.png")
    wait_judged(qtbot, program.window, 1)
    monkeypatch.setattr(program.session.worker, "ask_heatmap", lambda _: pytest.fail("it was drawn"))
    (tmp_path / "folder.pdf").mkdir()
    program.session.exports.export(tmp_path / "folder.pdf")
    assert not program.session.exports.is_busy
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None and "it is a folder" in program.guard.box.text()
