"""A case while it is worked on: paused, cancelled, killed, moved away under it, damaged, and written out meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.judging import make_attributor
from app.main_window import MainWindow
from app.requests import Attributes, Setup
from app.window import Program
from core.batch import fill_case, note_opened
from core.case import Case
from core.errors import DeviceError
from core.listed import Record, Remark
from core.manifest import Manifest
from core.pack import find_pack, read_manifest
from core.report.subject import Subject, of_case
from tests.app.conftest import Opener
from tests.app.helpers import close, drop, wait_case, wait_judged

BATCH, FILES = 8, 30


@dataclass
class Gate:
    """Makes attributors with small batches, each of which waits to be let through. Single images go past it."""

    let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    made: list[Any] = field(default_factory=list)

    def __call__(self, setup: Setup) -> Attributes:
        attributor: Any = make_attributor(setup)
        attributor.batch, judge = BATCH, attributor.judge

        def gated(prepared: Sequence[object], **how: object) -> object:
            if len(prepared) > 1:
                self.let.acquire()
            return judge(prepared, **how)

        attributor.judge = gated
        self.made.append(attributor)
        return attributor  # type: ignore[no-any-return]

    def through(self, batches: int) -> None:
        for _ in range(batches):
            self.let.release()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def program(open_program: Opener, gate: Gate) -> Iterator[Program]:
    yield open_program(gate)
    gate.through(1000)  # what is still in hand, or the program would not end


@pytest.fixture
def window(program: Program) -> MainWindow:
    return program.window


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    random = np.random.default_rng(5)
    for at in range(FILES):
        Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / f"{at}.png")
    return folder


@pytest.fixture
def manifest(default_pack: Path) -> Manifest:
    return read_manifest(find_pack("mnist"))


@pytest.fixture
def case(tmp_path: Path, manifest: Manifest) -> Path:
    """An empty one, not open."""
    Case.create(tmp_path / "work.mtaacase", manifest, 0.9).close()
    return tmp_path / "work.mtaacase"


def test_one_of_several_cases_is_opened_and_the_others_are_named(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(window.session.desk, "open", opened.append)
    cases = [str(tmp_path / f"{name}.mtaacase") for name in ("one", "two", "three")]
    window.commands.open_dropped(cases)
    assert opened == cases[:1] and "two.mtaacase, three.mtaacase" in window.status.currentMessage()


def test_images_dropped_on_the_remarks_are_for_the_window(window: MainWindow) -> None:
    remarks = window.case.remarks
    assert not remarks.tag.acceptDrops() and not remarks.note.viewport().acceptDrops()


def begin(window: MainWindow, qtbot: QtBot, case: Path, folder: Path) -> None:
    drop(window, case, folder)
    wait_case(qtbot, window, case.stem)
    qtbot.waitUntil(lambda: window.session.images.rowCount() == FILES)


def judged(window: MainWindow) -> int:
    return sum(row.record is not None for row in window.session.images.rows)


def contents(path: Path) -> list[Record]:
    with Case(path) as case:
        return list(case.records())


def undisturbed(gate: Gate, case: Path, folder: Path) -> list[tuple[object, ...]]:
    """What the same attributor finds of the same files without a window."""
    gate.through(1000)
    with Case.create(case.with_name("whole.mtaacase"), gate.made[0].manifest, 0.9) as whole:
        fill_case(whole, gate.made[0], [folder / f"{at}.png" for at in range(FILES)])
        return [(r.path, r.sha256, r.finding) for r in whole.records()]


def test_pause_and_go_on(window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path) -> None:
    begin(window, qtbot, case, folder)
    gate.through(1)
    qtbot.waitUntil(lambda: judged(window) == BATCH)
    assert window.actions_["pause"].isEnabled() and window.status.stop.isVisible()
    window.actions_["pause"].trigger()
    assert "paused" in window.status.queue.text() and window.status.pause.isChecked()
    gate.through(1000)
    session, looked_at = window.session, window.session.images.rows[20].entry.key
    window.list.select(looked_at)
    qtbot.waitUntil(
        lambda: (
            session.viewing.current == looked_at
            and session.viewing.is_shown
            and session.viewing.scene.heatmap is not None
        )
    )
    stands_at = judged(window)
    assert stands_at in (BATCH, 2 * BATCH), "the batch in hand, and none after it"
    qtbot.wait(300)
    assert judged(window) == len(contents(case)) == stands_at, "only the eye is served while it is paused"
    window.status.pause.click()
    wait_judged(qtbot, window, FILES)
    assert not window.actions_["pause"].isChecked()
    assert [(r.path, r.sha256, r.finding) for r in contents(case)] == undisturbed(gate, case, folder)


def test_cancel_and_begin_again(window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path) -> None:
    begin(window, qtbot, case, folder)
    gate.through(1)
    qtbot.waitUntil(lambda: judged(window) == BATCH)
    window.status.stop.click()
    assert not window.session.status.waiting and not window.actions_["cancel"].isEnabled()
    gate.through(1)
    qtbot.waitUntil(lambda: _last(case) == "stopped")
    whole = len(contents(case))
    assert whole % BATCH == 0 and whole < FILES and window.session.images.rowCount() == FILES

    window.actions_["close_case"].trigger()
    drop(window, case)
    wait_case(qtbot, window, "work")
    assert f"still wait: {FILES - whole}" in window.status.currentMessage()
    assert not window.session.status.waiting, "what somebody stopped does not begin by itself"
    gate.through(1000)
    window.actions_["judge_missing"].trigger()
    wait_judged(qtbot, window, FILES)
    assert [(r.path, r.sha256, r.finding) for r in contents(case)] == undisturbed(gate, case, folder)


def test_a_killed_run_goes_on_when_its_case_is_opened(
    window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path
) -> None:
    with Case(case) as opened:  # as kill -9 leaves it: begun, and neither finished nor stopped
        note_opened(opened, [folder])
        opened.write_log("attribute", f"{FILES} of {FILES} files wait")
    gate.through(1000)
    drop(window, case)
    wait_judged(qtbot, window, FILES)
    qtbot.waitUntil(lambda: _last(case) == "finished")
    assert [(r.path, r.sha256, r.finding) for r in contents(case)] == undisturbed(gate, case, folder)


def _last(path: Path) -> str:
    with Case(path) as case:
        return case.log()[-1].action if case.log() else ""


def test_moved_files_are_found_again(window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path) -> None:
    gate.through(1000)
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    window.session.desk.remark({window.session.images.rows[3].entry.key: Remark("mine", "look again")})
    moved = (folder / "3.png").rename(folder / "elsewhere.png")
    drop(window, folder)
    qtbot.waitUntil(lambda: window.session.images.rows[-1].remark.tag == "mine")
    names = [row.entry.name for row in window.session.images.rows]
    assert "3.png" not in names and len(names) == FILES and names[-1] == "elsewhere.png"
    assert window.session.images.rows[-1].remark == Remark("mine", "look again")
    with Case(case) as opened:
        assert opened.remarks() == {str(moved): Remark("mine", "look again")}
        assert "moved" in [entry.action for entry in opened.log()]


def test_moved_files_are_no_copies_of_themselves(
    window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path
) -> None:
    gate.through(1000)
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    moved = folder.rename(folder.with_name("elsewhere"))
    drop(window, moved)
    rows = window.session.images.rows
    qtbot.waitUntil(lambda: {Path(row.entry.path).parent for row in rows} == {moved})
    assert len(rows) == FILES and not any(row.is_copy for row in rows)
    window.list.search.setText("copy")
    assert window.list.proxy.rowCount() == 0, "nor are they found as such"


def remarks(path: Path) -> dict[str, Remark]:
    with Case(path) as case:
        return case.remarks()


def test_a_note_leaves_the_tag_that_another_window_wrote(
    window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path
) -> None:
    gate.through(1000)
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    desk, row = window.session.desk, window.session.images.rows[0]
    with sqlite3.connect(case) as other:
        other.execute("UPDATE files SET tag = 'theirs' WHERE path = ?", (row.entry.path,))
    other.close()
    desk.remark({row.entry.key: Remark("", "mine")})
    qtbot.waitUntil(lambda: remarks(case) == {row.entry.path: Remark("theirs", "mine")})
    desk.file.ask_known(case)
    qtbot.waitUntil(lambda: row.remark.tag == "theirs")
    window.actions_["undo"].trigger()
    qtbot.waitUntil(lambda: remarks(case) == {row.entry.path: Remark("theirs", "")})


def test_a_tag_that_is_given_while_the_case_is_busy_stays(
    window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.through(1000)
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    desk, row, may_go_on = window.session.desk, window.session.images.rows[0], threading.Event()

    def slow(*arguments: Any) -> Subject:
        may_go_on.wait(60)
        return of_case(*arguments)

    monkeypatch.setattr("core.report.subject.of_case", slow)
    window.session.exports.export(folder.with_name("all.csv"))
    desk.file.ask_known(case)  # as at the end of a run
    desk.remark({row.entry.key: Remark("mine", "")})
    may_go_on.set()
    qtbot.waitUntil(lambda: remarks(case) == {row.entry.path: Remark("mine", "")})
    QApplication.processEvents()
    assert row.remark.tag == "mine", "what was read before it was written does not take it back"
    qtbot.waitUntil(lambda: not window.session.exports.is_busy)


def filled(program: Program, gate: Gate, qtbot: QtBot, case: Path, folder: Path) -> MainWindow:
    """The window with a case in which all is judged."""
    gate.through(1000)
    window = program.window
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    return window


def test_a_remark_that_cannot_be_written_is_taken_back_and_said(
    program: Program, gate: Gate, qtbot: QtBot, case: Path, folder: Path
) -> None:
    window = filled(program, gate, qtbot, case, folder)
    with sqlite3.connect(case) as other:  # as a run of another program would, that found the file elsewhere
        other.execute("UPDATE files SET path = '/elsewhere.png' WHERE path = ?", (str(folder / "3.png"),))
    other.close()
    rows = window.session.images.rows
    window.session.desk.remark({rows[3].entry.key: Remark("lost", ""), rows[4].entry.key: Remark("kept", "")})
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None and "3.png is not in the case" in program.guard.box.text()
    qtbot.waitUntil(lambda: window.session.images.rowCount() == FILES - 1)
    assert all(row.remark == Remark() for row in window.session.images.rows)


def test_a_note_for_a_case_that_is_gone_is_not_lost(
    program: Program, gate: Gate, qtbot: QtBot, case: Path, folder: Path
) -> None:
    window = filled(program, gate, qtbot, case, folder)
    case.unlink()
    note = Remark("", "a long note\nof two lines")
    window.session.desk.remark({window.session.images.rows[3].entry.key: note})
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None
    assert "was moved, deleted or replaced while it was open. Put it back" in program.guard.box.text()
    assert "on the clipboard" in program.guard.box.text() and QGuiApplication.clipboard().text() == note.note


def test_a_report_that_cannot_be_written_is_said(
    program: Program, gate: Gate, qtbot: QtBot, case: Path, folder: Path
) -> None:
    program.session.desk.open(str(case))
    wait_case(qtbot, program.window, "work")
    program.session.exports.export(folder / "none" / "report.csv")
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None and "report.csv" in program.guard.box.text()
    assert not program.session.exports.is_busy and not program.window.actions_["cancel"].isEnabled()


def test_a_second_export_leaves_the_first_alone(
    window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path
) -> None:
    gate.through(1000)
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    report, table = folder.with_name("report.html"), folder.with_name("all.csv")
    window.session.exports.export(report)
    window.session.exports.export(table)
    qtbot.waitUntil(table.exists)
    assert report.exists()
    qtbot.waitUntil(lambda: not window.session.exports.is_busy)
    window.session.exports.export(report.with_name("late.html"))
    window.session.exports.export(report.with_name("later.html"))
    window.actions_["cancel"].trigger()
    assert not window.session.exports.is_busy, "all of them are cancelled"


def test_a_report_without_a_device_is_said(
    program: Program, gate: Gate, qtbot: QtBot, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.through(1000)
    begin(program.window, qtbot, case, folder)
    wait_judged(qtbot, program.window, FILES)

    def gone(_: Setup) -> Attributes:
        raise DeviceError("This machine has no device cuda:0.", "Use auto or cpu.")

    monkeypatch.setattr(program.session.worker, "_factory", gone)
    monkeypatch.setattr(program.session.worker, "_loaded", None)
    program.session.exports.export(folder.with_name("report.html"))
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None and "no device cuda:0" in program.guard.box.text()
    assert not program.session.exports.is_busy and not folder.with_name("report.html").exists()


def test_a_damaged_case_is_refused_in_words(
    program: Program, qtbot: QtBot, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, guard = program.window, program.guard
    drop(window, folder / "1.png")
    wait_judged(qtbot, window, 1)
    broken, no_case = case.with_name("broken.mtaacase"), case.with_name("no.mtaacase")
    broken.write_bytes(case.read_bytes()[:5000])
    no_case.write_text("a letter")
    asked: list[str] = []
    monkeypatch.setattr("app.case.commands.asked", lambda _, text, __: bool(asked.append(text)))

    def told() -> str:
        qtbot.waitUntil(lambda: bool(asked))
        return asked.pop()

    drop(window, no_case)
    qtbot.waitUntil(lambda: guard.box is not None)
    assert guard.box is not None and "no.mtaacase is no case, or a damaged one" in guard.box.text()
    guard.box.close()
    qtbot.waitUntil(lambda: guard.box is None)
    drop(window, broken, folder / "2.png")
    assert "broken.mtaacase is no case, or a damaged one" in told()
    wait_judged(qtbot, window, 2)
    assert window.session.desk.case is None, "what was open stays, and what came with it is opened"

    window.session.desk.open(str(case))
    wait_case(qtbot, window, "work")
    window.session.opening.paths([str(folder / "1.png")])
    wait_judged(qtbot, window, 1)
    window.actions_["close_case"].trigger()
    with sqlite3.connect(case) as other:
        other.execute("UPDATE images SET answers = '{}'")
    other.close()
    window.session.desk.open(str(case))
    assert "cannot be read" in told()
    assert window.session.desk.case is None and window.session.images.rowCount() == 0, "no half of a case is shown"


def test_what_can_be_read_of_a_damaged_case_is_recovered_and_opened(
    window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.through(1000)
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    window.actions_["close_case"].trigger()
    qtbot.waitUntil(lambda: not case.with_name(f"{case.name}-journal").exists())
    data = bytearray(case.read_bytes())
    with sqlite3.connect(case) as other:
        (lost,) = other.execute("SELECT sha256 FROM images ORDER BY rowid LIMIT 1 OFFSET 9").fetchone()
        (lost_path,) = other.execute("SELECT path FROM files WHERE sha256 = ? ORDER BY id", (lost,)).fetchone()
    other.close()
    at = data.index(f"{lost}PNG".encode()) // 4096 * 4096
    data[at : at + 4096] = bytes(4096)
    case.write_bytes(data)
    new = case.with_name("new.mtaacase")
    monkeypatch.setattr("app.case.commands.asked", lambda *_: True)
    monkeypatch.setattr("app.case.commands.QFileDialog.getSaveFileName", lambda *_, **__: (str(new), ""))
    drop(window, case)
    wait_case(qtbot, window, "new")
    qtbot.waitUntil(lambda: window.session.images.rowCount() == FILES)
    rows = window.session.images.rows
    waiting = [row.entry.path for row in rows if row.record is None]
    assert lost_path in waiting and len(waiting) < 8
    window.actions_["judge_missing"].trigger()
    qtbot.waitUntil(lambda: all(row.attribution is not None for row in window.session.images.rows))
    assert {record.path for record in contents(new)} == {str(path) for path in folder.glob("*.png")}


def test_a_window_that_is_closed_at_once_leaves_nothing_half_done(
    program: Program, gate: Gate, qtbot: QtBot, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a case is read, filled, and a report of it has just been asked for."""
    gate.through(1000)
    begin(program.window, qtbot, case, folder)
    wait_judged(qtbot, program.window, FILES)
    program.session.exports.export(folder.with_name("late.pdf"))
    program.session.desk.open(str(case))
    program.session.opening.paths([str(folder)])
    told: list[object] = []
    program.session.crashed.connect(told.append)
    asked: list[str] = []
    monkeypatch.setattr("app.commands.asked", lambda _, text, __: bool(asked.append(text)) or True)
    close(program)
    assert told == [] and len(asked) == 1, "the report would stay unwritten"
    assert not folder.with_name("late.pdf").exists() and len(contents(case)) == FILES


def test_a_tag_does_not_wait_for_a_report_that_is_written(
    window: MainWindow, gate: Gate, qtbot: QtBot, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.through(1000)
    begin(window, qtbot, case, folder)
    wait_judged(qtbot, window, FILES)
    drawing, may_go_on = threading.Event(), threading.Event()
    real = gate.made[0].attribute

    def slow(*arguments: Any, **options: Any) -> object:
        drawing.set()
        may_go_on.wait(60)
        return real(*arguments, **options)

    monkeypatch.setattr(gate.made[0], "attribute", slow)
    report = folder.with_name("report.html")
    window.session.exports.export(report)
    qtbot.waitUntil(drawing.is_set)
    window.session.desk.remark({window.session.images.rows[0].entry.key: Remark("now", "")})
    qtbot.waitUntil(lambda: _last(case) == "remark")
    qtbot.waitUntil(window.status.chores.isVisible)
    assert "Writing report.html" in window.status.chores.words.text()
    window.actions_["cancel"].trigger()
    assert not window.session.exports.is_busy
    may_go_on.set()
    window.session.exports.export(folder.with_name("all.csv"))
    qtbot.waitUntil(lambda: not window.session.exports.is_busy)
    assert not report.exists(), "a report that was cancelled is not there in part"
    assert "now" in folder.with_name("all.csv").read_text(encoding="utf-8")
