"""What changes while work is under way, or would be lost: the pack under an undo, a case that cannot be opened,
a setup that does not load, pasted images, reports, messages, what was entered."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextDocument
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import question, theme
from app.case.dashboard import count
from app.judging import make_attributor
from app.main_window import MainWindow
from app.packs_view import PacksDialog
from app.requests import Attributes, Setup
from app.victims_view import VictimsDialog
from app.widgets import plain_tip
from app.window import Program
from core.errors import DeviceError, WorkbenchError
from core.labels import CLEAN
from core.listed import Remark
from tests.app.conftest import Opener
from tests.app.helpers import drop, wait_case, wait_judged


def made(window: MainWindow, qtbot: QtBot, path: Path, *files: Path) -> Path:
    """A case of these files, closed again."""
    window.session.desk.create(str(path), list(map(str, files)))
    wait_case(qtbot, window, path.stem)
    wait_judged(qtbot, window, len(files))
    window.session.desk.close()
    qtbot.waitUntil(lambda: window.session.desk.case is None)
    return path


def test_rows_that_come_back_to_another_pack_are_judged_by_it(
    window: MainWindow, qtbot: QtBot, pictures: Path, tiny_pack: Path
) -> None:
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    session = window.session
    first = session.images.rows[0]
    assert first.attribution is not None
    before = first.attribution.pack_id
    session.remove([first.entry.key], "remove")
    session.undo.undo()
    assert session.images.rows[0].attribution is not None, "the same pack still says the same"
    session.undo.redo()
    session.use_pack(str(tiny_pack))
    wait_judged(qtbot, window, 1)
    session.undo.undo()
    wait_judged(qtbot, window, 2)
    told = {row.attribution.pack_id for row in session.images.rows if row.attribution is not None}
    assert len(told) == 1 and before not in told


def test_a_case_that_cannot_be_opened_leaves_the_open_one_alone(
    program: Program, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = program.window
    offered: list[str] = []
    monkeypatch.setattr("app.case.commands.asked", lambda _, text, __: bool(offered.append(text)))
    broken = made(window, qtbot, tmp_path / "broken.mtaacase", pictures / "b.png")
    with sqlite3.connect(broken) as file:
        file.execute("update facts set value = 'damaged' where key = 'asked'")
        assert file.total_changes == 1
    good = made(window, qtbot, tmp_path / "good.mtaacase", pictures / "a.png")
    window.session.desk.open(str(good))
    wait_case(qtbot, window, "good")
    window.session.desk.open(str(broken))
    qtbot.waitUntil(lambda: len(offered) == 1)
    (row,) = window.session.images.rows
    window.session.desk.remark({row.entry.key: Remark("mine", "")})
    window.session.desk.file.ask_known(good)
    qtbot.waitUntil(lambda: _tags(good) == ["mine"])
    assert [Path(row.entry.path).name for row in window.session.images.rows] == ["a.png"]
    assert _tags(broken) == [""] and program.guard.box is None


def _tags(case: Path) -> list[str]:
    with sqlite3.connect(case) as file:
        return [tag for (tag,) in file.execute("select coalesce(tag, '') from files")]


def test_images_that_wait_for_another_setup_outlive_the_one_that_fails(
    open_program: Opener, qtbot: QtBot, pictures: Path
) -> None:
    loading, may_fail = threading.Event(), threading.Event()

    def factory(setup: Setup) -> Attributes:
        if setup.device == "cuda:7":
            loading.set()
            may_fail.wait(60)
            raise DeviceError("There is no cuda:7.", "Choose another device.")
        return make_attributor(setup)

    program = open_program(factory)
    session = program.session
    session.set_setup(Setup(session.setup.pack, "cuda:7"))
    drop(program.window, pictures / "a.png", pictures / "b.png", pictures / "c.png")
    qtbot.waitUntil(lambda: loading.is_set() and session.images.rowCount() == 3)
    session.set_setup(Setup(session.setup.pack, "cpu"))
    may_fail.set()
    wait_judged(qtbot, program.window, 3)
    assert session.status.phase == "ready"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What is answered to questions, the next one first; without an answer there is no question."""
    coming: list[bool] = []

    def answer(parent: QWidget, text: str, go_on: str) -> bool:
        assert text and go_on and coming, "nobody was to be asked"
        return coming.pop(0)

    for module in ("app.case.commands", "app.commands", "app.wizard.own_victim"):
        monkeypatch.setattr(f"{module}.asked", answer)
    return coming


@pytest.mark.parametrize("way", ["new", "open", "drop"])
def test_pasted_images_go_only_when_somebody_says_so(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, answers: list[bool],
    monkeypatch: pytest.MonkeyPatch, way: str,
) -> None:  # fmt: skip
    case = tmp_path / "new.mtaacase"
    if way != "new":
        made(window, qtbot, case, pictures / "b.png")
    for kind in ("getSaveFileName", "getOpenFileName"):
        monkeypatch.setattr(QFileDialog, kind, lambda *_, **__: (str(case), ""))
    window.session.opening.pasted("pasted 1.png", (pictures / "a.png").read_bytes())
    wait_judged(qtbot, window, 1)

    def take() -> None:
        if way == "drop":
            drop(window, case)
        else:
            window.actions_["new_case" if way == "new" else "open_case"].trigger()

    answers[:] = [False]
    take()
    assert window.session.images.rowCount() == 1 and not window.session.desk.loading and not answers
    answers[:] = [True]
    take()
    wait_case(qtbot, window, "new")
    assert all(row.entry.data is None for row in window.session.images.rows)


def test_a_question_stays_where_nobody_says_go_on(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    for press, stays in (("Go on without them", False), ("", True)):

        def pressed(box: QMessageBox, press: str = press) -> int:
            box.open()
            default = box.defaultButton()
            assert default is not None and default.text() != "Go on without them"
            button = next((one for one in box.buttons() if one.text() == press), default)
            button.click()
            return 0

        monkeypatch.setattr(QMessageBox, "exec", pressed)
        assert question.asked(window, "One <b>would</b> be lost.", "Go on without them") is not stays


def test_a_report_is_finished_though_another_pack_is_chosen(
    program: Program, qtbot: QtBot, pictures: Path, tiny_pack: Path, answers: list[bool]
) -> None:
    window = program.window
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    session = window.session
    before = session.images.rows[0].attribution
    report = pictures / "report.html"
    session.exports.export(report)
    session.use_pack(str(tiny_pack))
    answers[:] = [False]
    assert not window.close() and not answers, "it would stay unwritten"
    session.settings["appearance/language"] = "zh_CN"
    qtbot.waitUntil(lambda: program.window is not window)
    window = program.window  # the one before is hidden, and soon gone
    visible = [one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow) and one.isVisible()]
    assert visible == [window], "another language is no end"
    qtbot.waitUntil(lambda: not session.exports.is_busy)
    assert before is not None and before.pack_id in report.read_text("utf-8")
    session.exports.export(pictures / "late.html")
    window.actions_["cancel"].trigger()
    assert window.status.currentMessage() == "未写出：late.html"


@pytest.mark.parametrize("said", ["<img src='file:///x.png'>", "a & b\nc"])
def test_a_tool_tip_says_what_a_stranger_wrote_and_no_more(said: str) -> None:
    document = QTextDocument()
    document.setHtml(plain_tip(said))
    assert document.toPlainText() == said and plain_tip("") == ""


def test_a_strangers_name_is_no_markup(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    name = pictures / "<img src=x>.png"
    name.write_bytes((pictures / "a.png").read_bytes())
    drop(window, name)
    wait_judged(qtbot, window, 1)
    tip = str(window.session.images.index(0).data(Qt.ItemDataRole.ToolTipRole))
    assert "&lt;img" in tip and "<img" not in tip


def test_every_message_is_told_in_its_turn(program: Program, qtbot: QtBot) -> None:
    guard = program.guard
    for what in ("First", "Second <b>bold</b>", "First", "Second <b>bold</b>"):
        guard.report(WorkbenchError(f"{what}.", "Do something."))
    told = []
    while guard.box is not None:
        told.append(guard.box.text())
        assert guard.box.textFormat() is Qt.TextFormat.PlainText
        guard.box.close()
    assert told == ["First. Do something.", "Second <b>bold</b>. Do something."]
    parent = QWidget()
    guard.report(WorkbenchError("Third.", "Do something."))
    assert guard.box is not None
    guard.box.setParent(parent, guard.box.windowFlags())
    guard.report(WorkbenchError("Fourth.", "Do something."))
    parent.deleteLater()
    qtbot.waitUntil(lambda: guard.box is not None and guard.box.text().startswith("Fourth"))
    guard.stop()
    assert guard.box is None


def test_the_overview_follows_a_run_that_never_pauses(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.session.desk.open(str(made(window, qtbot, tmp_path / "work.mtaacase", pictures / "a.png")))
    wait_case(qtbot, window, "work")
    counted = []
    dashboard = window.case.dashboard
    monkeypatch.setattr(dashboard, "recount", lambda: counted.append(1))
    dashboard._soon.timeout.disconnect()
    dashboard._soon.timeout.connect(dashboard.recount)
    for _ in range(20):
        window.session.desk.recounted.emit()
        qtbot.wait(dashboard._soon.interval() // 5)
    assert 2 <= len(counted) < 20


def test_the_overview_rests_after_a_long_count_and_counts_only_for_the_eye(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.session.desk.open(str(made(window, qtbot, tmp_path / "work.mtaacase", pictures / "a.png")))
    wait_case(qtbot, window, "work")
    dashboard = window.case.dashboard
    counted: list[int] = []

    def slow(facets: object, rows: object) -> object:
        counted.append(1)
        time.sleep(0.1)
        return count(facets, rows)  # type: ignore[arg-type]

    monkeypatch.setattr("app.case.dashboard.count", slow)
    dashboard.recount()
    assert dashboard._soon.interval() >= 900
    window.show_case(False)
    dashboard._soon.setInterval(1)
    window.session.desk.recounted.emit()
    qtbot.wait(100)
    assert len(counted) == 1 and not dashboard.isVisible()
    window.show_case(True)
    qtbot.waitUntil(lambda: len(counted) == 2)
    window.show_case(False)
    window.show_case(True)
    qtbot.wait(100)
    assert len(counted) == 2, "nothing is new"


def test_a_pack_is_not_offered_to_a_case_that_has_its_own(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, tiny_pack: Path
) -> None:
    session = window.session
    session.desk.open(str(made(window, qtbot, tmp_path / "work.mtaacase", pictures / "a.png")))
    wait_case(qtbot, window, "work")
    dialog: PacksDialog = window.commands.packs_dialog()
    window.actions_["show_packs"].trigger()
    qtbot.waitUntil(lambda: len(dialog.packs) > 1)
    for at in range(len(dialog.packs)):
        dialog.list.setCurrentRow(at)
        assert not dialog.use.isEnabled()
    assert "Close it" in dialog.use.toolTip()
    own = session.setup.pack
    session.prefer_pack("natural")
    assert session.setup.pack == own and session.settings.text("attribution/pack") == "natural"


def test_why_a_victim_is_missing_can_be_read_in_the_dark(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theme, "tones", lambda: theme.DARK)
    dialog: VictimsDialog = window.commands.victims_dialog()
    dialog.refresh()
    qtbot.waitUntil(lambda: dialog.table.topLevelItemCount() > 0)
    missing = [one.held is None for one in dialog.offered]
    assert any(missing) and CLEAN not in [one.name for one in dialog.offered]
    item: Any = dialog.table.topLevelItem(missing.index(True))
    assert item.foreground(2).color() == QColor(theme.DARK.muted)


def test_what_was_entered_for_a_training_is_there_again(window: MainWindow, qtbot: QtBot) -> None:
    wizard = window.commands.training_wizard()
    wizard.show()
    wizard.images.clean.setValue(300)
    wizard.next()
    wizard.victims.show_victims(wizard.victims.victims()[:1])
    wizard.reject()
    assert not wizard.isVisible()
    window.actions_["train"].trigger()
    assert window.commands.training_wizard() is wizard and wizard.isVisible()
    assert wizard.images.clean.value() == 300 and len(wizard.victims.victims()) == 1
    assert wizard.currentPage() is wizard.images
    assert wizard.model.start.findData("natural") > 0 and wizard.model.device.currentData() is not None
    wizard.close()


@pytest.mark.parametrize("typed", ["/root/\0x", "\\\\lost\\share\\run"])
def test_a_path_that_cannot_be_looked_at_is_no_defect(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise PermissionError("not for you")

    window.session.settings["training/last"] = typed
    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(Path, "is_file", refuse)
    wizard = window.commands.training_wizard()
    wizard.model.folder.setText(typed)
    assert wizard.model.folder.text() == typed
