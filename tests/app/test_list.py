"""The list: order, filter, removal and its undo, thousands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app import theme
from app.images.model import ImageListModel, Role
from app.images.order import ImageFilter
from app.images.row import Doubt, Row, doubt_of, kind_of, summary
from app.main_window import MainWindow
from app.marks import draw_mark
from app.requests import Entry
from app.sentence import case_sentence
from core import types
from core.types import Candidate, Familiarity, Finding, Record
from tests.app.helpers import PATIENCE, drop, wait_judged


def row(key: int, name: str, finding: Finding | None = None, error: str | None = None) -> Row:
    path = f"/x/{name}"
    if finding is None and error is None:
        return Row(Entry(key, path))
    return Row(Entry(key, path), Record(path, "0" * 64, "error" if error else "ok", error, finding))


@pytest.fixture
def sure(finding: Finding) -> Finding:
    answer = finding.attribution
    attack = replace(answer.attack, ranking=(Candidate("cw", 0.99), Candidate("fgsm", 0.01)), prediction_set=("cw",))
    return Finding(replace(answer, attack=attack, familiarity=Familiarity(1.0, 2.0), adjustments=()), None)


@pytest.fixture
def open_(finding: Finding) -> Finding:
    return Finding(replace(finding.attribution, familiarity=Familiarity(1.0, 2.0)), None)


@pytest.fixture
def rows(finding: Finding, sure: Finding, open_: Finding) -> list[Row]:
    return [
        row(1, "e.png", finding), row(2, "d.png", error="/x/d.png is empty."), row(3, "c.png", sure),
        row(4, "b.png"), row(5, "a.png", open_),
    ]  # fmt: skip


def names(proxy: ImageFilter) -> str:
    return "".join(str(proxy.index(at, 0).data())[0] for at in range(proxy.rowCount()))


def test_model_keeps_qts_contract(rows: list[Row], qtmodeltester: ModelTester, qt_messages: list[str]) -> None:
    model = ImageListModel()
    qtmodeltester.check(model)
    model.append(rows)
    taken = model.take([1, 3, 4])
    assert [place for place, _ in taken] == [0, 2, 3]
    model.insert(taken)
    assert [r.entry.key for r in model.rows] == [1, 2, 3, 4, 5]
    assert all(model.index_of(key).data(Role.KEY) == key for key in range(1, 6))


def test_doubt_and_summary(rows: list[Row]) -> None:
    assert [doubt_of(r.attribution) for r in rows if r.attribution] == [Doubt.UNFAMILIAR, Doubt.SURE, Doubt.OPEN]
    assert [kind_of(r) for r in rows] == ["unfamiliar", "errors", "sure", "waiting", "open"]
    assert summary(rows[1]) == "is empty."
    assert summary(rows[2]) == "cw 99 % · resnet18 > 99 %"


def test_one_label_leaves_an_answer_open_where_the_set_or_the_other_task_does_not_hold_it(sure: Finding) -> None:
    answer = sure.attribution
    several = replace(answer.attack, prediction_set=("FGSM", "PGD"))
    assert doubt_of(replace(answer, attack=several)) is Doubt.OPEN
    lossy = replace(answer, adjustments=("judged in 6 tiles of 28x28, not resized",))
    assert doubt_of(lossy) is Doubt.SURE
    for told in ("file is JPEG: part of the perturbation was lost", "60 of 486 tiles of 224x224 judged, spread evenly"):
        assert doubt_of(replace(lossy, adjustments=(*lossy.adjustments, told))) is Doubt.WEAKENED
    other = types.Testimony("another", "0" * 64, changes=False, margin=1.0, match=0.0, odds=-3.0)
    itself = replace(other, victim=lossy.victim.label)
    assert doubt_of(replace(lossy, testimonies=(other,))) is Doubt.WEAKENED, "its victim was not asked"
    assert doubt_of(replace(lossy, testimonies=(other, itself))) is Doubt.SURE
    nobody = replace(answer.victim, ranking=answer.victim.ranking[::-1], prediction_set=("clean",))
    assert doubt_of(replace(answer, victim=nobody)) is Doubt.OPEN


def test_a_name_shows_what_is_in_it(finding: Finding) -> None:
    bad = "bad\u202egnp.png\n"
    model = ImageListModel()
    model.append([row(1, bad), row(2, bad, error=f"/x/{bad} is empty.")])
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    told = [str(model.index(at, 0).data(role)) for at in (0, 1) for role in roles]
    told.append(case_sentence(bad, finding.attribution))
    assert all("bad\\u202egnp.png\\n" in text and "\u202e" not in text for text in told)
    assert "The image “bad\\u202egnp.png\\n” (SHA-256 " in told[-1]


def test_doubt_is_told_in_words_and_drawn_in_shapes(rows: list[Row], qt_messages: list[str]) -> None:
    model = ImageListModel()
    model.append(rows)
    expected = ["Unfamiliar", "", "One candidate", "", "Left open"]
    for role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
        told = [str(model.index(at).data(role)) for at in range(len(rows))]
        assert [next((words for words in expected if words and words in text), "") for text in told] == expected
    grey = replace(theme.LIGHT, good="#777777", warn="#777777", bad="#777777", muted="#777777")
    drawn = []
    for kind in ("weakened", *map(kind_of, rows)):
        drawn.append(QImage(10, 10, QImage.Format.Format_ARGB32))
        drawn[-1].fill(Qt.GlobalColor.white)
        painter = QPainter(drawn[-1])
        draw_mark(painter, QRectF(1, 1, 8, 8), kind, grey)
        painter.end()
    assert not any(one == other for one, other in combinations(drawn, 2))


def test_order_and_filter(rows: list[Row], qt_messages: list[str]) -> None:
    model = ImageListModel()
    proxy = ImageFilter(model)
    model.append(rows)
    expected = {"opened": "edcba", "name": "abcde", "attack": "ceadb", "doubt": "caebd"}
    for key, order in expected.items():
        proxy.sort_by(key)
        assert names(proxy)[: 3 if key == "attack" else 5] == order[: 3 if key == "attack" else 5], key
    proxy.sort_by("name", Qt.SortOrder.DescendingOrder)
    assert names(proxy) == "edcba"
    proxy.show_only("errors")
    assert names(proxy) == "d"
    proxy.show_only("all")
    proxy.search("FGSM res")
    assert names(proxy) == "ea"
    proxy.search("")
    model.set_records([(4, rows[2].record)])
    proxy.show_only("sure")
    assert names(proxy) == "cb"


def test_thousands_of_rows_ask_only_for_the_thumbnails_on_screen(window: MainWindow, qtbot: QtBot) -> None:
    asked: list[Entry] = []
    model = window.session.images
    model.thumbnail_wanted.disconnect(window.session.reader.thumbnail)
    model.thumbnail_wanted.connect(asked.append)
    model.append([row(key, f"{key}.png") for key in range(1000, 6000)])
    qtbot.waitUntil(lambda: bool(asked))
    window.list.view.scrollToBottom()
    qtbot.waitUntil(lambda: any(entry.key == 5999 for entry in asked))
    assert len(asked) < 100
    model.take(range(1000, 6000))


def test_scattered_rows_go_and_come_back_without_a_look_at_all_the_others(
    monkeypatch: pytest.MonkeyPatch, qt_messages: list[str]
) -> None:
    walks: list[int] = []
    ranked: list[int] = []

    class Walked(list[Row]):
        def __iter__(self) -> Iterator[Row]:
            walks.append(len(self))
            return super().__iter__()

    rank = ImageFilter._rank
    monkeypatch.setattr(ImageFilter, "_rank", lambda proxy, at: ranked.append(at) or rank(proxy, at))
    model = ImageListModel()
    model._rows = Walked()
    proxy = ImageFilter(model)
    model.append([row(key, f"{key % 7}.png") for key in range(4000)])
    proxy.sort_by("name")
    model.insert(model.take(range(0, 4000, 10)))  # in four hundred runs
    assert [r.entry.key for r in model.rows] == list(range(4000)) and proxy.rowCount() == 4000
    assert names(proxy) == "".join(sorted(names(proxy)))
    assert len(walks) < 10 and len(ranked) < 100_000


def test_remove_and_undo(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures)
    wait_judged(qtbot, window, 7)
    before = [r.entry.name for r in window.session.images.rows]
    assert not window.actions_["undo"].isEnabled()
    window.list.select(window.session.images.rows[1].entry.key)
    window.list.view.setFocus()
    window.actions_["remove"].trigger()
    assert [r.entry.name for r in window.session.images.rows] == before[:1] + before[2:]
    window.actions_["undo"].trigger()
    assert [r.entry.name for r in window.session.images.rows] == before
    window.actions_["redo"].trigger()
    assert window.session.images.rowCount() == 6
    window.actions_["remove_all"].trigger()
    qtbot.waitUntil(lambda: window.session.viewing.row is None)
    assert window.session.viewing.scene.image is None
    for _ in range(2):
        window.actions_["undo"].trigger()
    assert [r.entry.name for r in window.session.images.rows] == before
    assert all(r.record for r in window.session.images.rows)


def test_controls_of_the_list(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures)
    wait_judged(qtbot, window, 7)
    window.actions_["find"].trigger()
    qtbot.keyClicks(window.list.search, "photo")
    assert window.list.proxy.rowCount() == 1 and window.list.count.text() == "Images: 1 of 7"
    drop(window, pictures / "a.png", pictures / "notes.txt")
    qtbot.waitUntil(lambda: window.list.count.text() == "Images: 1 of 8", timeout=PATIENCE)
    drop(window, pictures / "notes.txt")  # one file is shown, whatever was filtered by
    qtbot.waitUntil(lambda: window.list.proxy.rowCount() == 8, timeout=PATIENCE)
    assert window.session.viewing.row.entry.name == "notes.txt" and window.list.search.text() == ""
    window.actions_["remove"].trigger()
    window.list.kind.setCurrentIndex(window.list.kind.findData("errors"))
    window.list.kind.activated.emit(0)
    assert window.list.proxy.rowCount() == 1
    window.list.kind.setCurrentIndex(0)
    window.list.kind.activated.emit(0)
    window.list.order.setCurrentIndex(window.list.order.findData("name"))
    window.list.order.activated.emit(0)
    window.list.reverse.click()
    assert window.list.proxy.index(0, 0).data() == "photo.jpg"
    window.list.reverse.click()
    window.list.view.setCurrentIndex(window.list.proxy.index(0, 0))
    window.actions_["next_image"].trigger()
    assert window.session.viewing.row.entry.name == "b.png"
    window.actions_["previous_image"].trigger()
    assert window.session.viewing.row.entry.name == "a.png"
    window.actions_["select_all"].trigger()
    assert len(window.list.selected_keys()) == 7
    window.actions_["judge_again"].trigger()
    wait_judged(qtbot, window, 7)
