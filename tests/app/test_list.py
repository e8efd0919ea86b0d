"""The list: order, filter, removal and its undo, thousands of rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app import theme
from app.images import model as images
from app.images.delegate import RowDelegate
from app.images.model import ImageListModel, Role
from app.images.order import SORTS, ImageFilter
from app.images.panel import ImageListPanel
from app.images.row import Row, Trust, doubt_rank, kind_of, summary, trust_of
from app.main_window import MainWindow
from app.marks import draw_mark
from app.reader import Reader
from app.requests import Entry
from app.sentence import case_sentence
from core import types
from core.adjustments import adjustment_of
from core.listed import Record
from core.types import Familiarity, Finding, RankedLabel
from tests.app.helpers import drop, wait_judged


def row(key: int, name: str, finding: Finding | None = None, error: str | None = None) -> Row:
    path = f"/x/{name}"
    if finding is None and error is None:
        return Row(Entry(key, path))
    return Row(Entry(key, path), Record(path, "0" * 64, "error" if error else "ok", error, finding))


@pytest.fixture
def sure(finding: Finding) -> Finding:
    answer = finding.attribution
    attack = replace(
        answer.attack, ranking=(RankedLabel("cw", 0.99), RankedLabel("fgsm", 0.01)), prediction_set=("cw",)
    )
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
    told: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last, _: told.append((first.row(), last.row())))
    model.set_records([(5, None), (1, None), (2, None)])
    assert told == [(0, 1), (4, 4)], "not of what lies between"
    taken = model.take([1, 3, 4])
    assert [place for place, _ in taken] == [0, 2, 3]
    model.insert(taken)
    assert [r.entry.key for r in model.rows] == [1, 2, 3, 4, 5]
    assert all(model.index_of(key).data(Role.KEY) == key for key in range(1, 6))


def test_doubt_and_summary(rows: list[Row]) -> None:
    assert [trust_of(r.attribution) for r in rows if r.attribution] == [Trust.UNFAMILIAR, Trust.SURE, Trust.OPEN]
    assert [kind_of(r) for r in rows] == ["unfamiliar", "errors", "sure", "waiting", "open"]
    assert summary(rows[1]) == "is empty."
    assert summary(rows[2]) == "cw 99 % · resnet18 > 99 %"


def test_one_label_leaves_an_answer_open_where_the_set_or_the_other_task_does_not_hold_it(sure: Finding) -> None:
    answer = sure.attribution
    several = replace(answer.attack, prediction_set=("FGSM", "PGD"))
    assert trust_of(replace(answer, attack=several)) is Trust.OPEN
    lossy = replace(answer, adjustments=(adjustment_of("judged in 6 tiles of 28x28, not resized"),))
    assert trust_of(lossy) is Trust.SURE
    for told in ("file is JPEG: part of the perturbation was lost", "60 of 486 tiles of 224x224 judged, spread evenly"):
        assert trust_of(replace(lossy, adjustments=(*lossy.adjustments, adjustment_of(told)))) is Trust.WEAKENED
    other = types.Testimony("another", "0" * 64, changes=False, margin=1.0, match=0.0, odds=-3.0)
    itself = replace(other, victim=lossy.victim.label)
    assert trust_of(replace(lossy, testimonies=(other,))) is Trust.WEAKENED, "its victim was not asked"
    assert trust_of(replace(lossy, testimonies=(other, itself))) is Trust.SURE
    nobody = replace(answer.victim, ranking=answer.victim.ranking[::-1], prediction_set=("clean",))
    assert trust_of(replace(answer, victim=nobody)) is Trust.OPEN


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


def test_order_and_filter(rows: list[Row], qapp: QApplication, qt_messages: list[str]) -> None:
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


def by_task(task: str) -> Callable[[Row], Any]:
    def place(row: Row) -> Any:
        answer = getattr(row.attribution, task, None)
        return (1,) if answer is None else (0, answer.label, -answer.probability)

    return place


ORDERS: dict[str, Callable[[Row], Any]] = {
    "opened": lambda row: 0,
    "name": lambda row: row.entry.name.lower(),
    "attack": by_task("attack"),
    "victim": by_task("victim"),
    "doubt": doubt_rank,
}


class Played:
    """A list on which a random user and a random batch work, beside what is to be seen of it by brute force."""

    def __init__(self, panel: ImageListPanel, finding: Finding, seed: int) -> None:
        self.panel, self.model, self.proxy = panel, panel.model, panel.proxy
        self.finding, self.random = finding, Random(seed)
        self.next_key = 1
        self.taken: list[tuple[int, Row]] = []
        self.told: list[int | None] = []
        self.chosen: int | None = None
        self.selected: set[int] = set()
        panel.chosen.connect(self.told.append)

    def record(self) -> Record:
        answer = self.finding.attribution
        attack, victim = (
            replace(task, ranking=(RankedLabel(label, self.random.random()),), prediction_set=(label,))
            for task, label in ((answer.attack, self.random.choice("pq")), (answer.victim, self.random.choice("rs")))
        )
        familiarity = Familiarity(self.random.random() * 3, 2.0)
        found = replace(answer, attack=attack, victim=victim, familiarity=familiarity, adjustments=())
        return Record("/x", "0" * 64, "ok", None, Finding(found, None))

    def some(self, rows: list[Row]) -> list[int]:
        return [r.entry.key for r in self.random.sample(rows, min(len(rows), self.random.randrange(9)))]

    def append(self) -> None:
        count = self.random.randrange(12)
        keys = range(self.next_key, self.next_key + count)
        fresh = [row(key, f"{self.random.randrange(99)}.png") for key in keys]
        for one in fresh:
            one.become(self.record() if self.random.random() < 0.6 else None)
        self.model.append(fresh)
        self.next_key += count

    def remove(self) -> None:
        before = list(self.proxy.keys)
        if self.random.random() < 0.5:
            keys = self.some(list(self.model.rows))
        else:
            at = self.random.randrange(1 + len(before))
            keys = before[at : at + 5]
        if self.chosen in keys:
            first = next((at for at, key in enumerate(before) if key in keys), 0)
            rest = [key for key in before if key not in keys]
            self.chosen = rest[max(0, first - 1)] if rest and self.chosen in before else None
        self.taken = self.model.take(keys)

    def bring_back(self) -> None:
        self.model.insert(self.taken)
        self.taken = []

    def judge(self) -> None:
        keys = self.some(list(self.model.rows))
        self.model.set_records((key, self.record() if self.random.random() < 0.9 else None) for key in keys)

    def sort(self) -> None:
        self.panel.order.setCurrentIndex(self.random.randrange(len(SORTS)))
        self.panel.order.activated.emit(0)
        self.panel.reverse.setChecked(self.random.random() < 0.5)

    def search(self) -> None:
        self.panel.search.setText(self.random.choice(["", "", "p", "r ", "9", "zzz"]))

    def show_only(self) -> None:
        self.panel.kind.setCurrentIndex(self.random.choice([0, 0, 1, 2, 4, 6]))
        self.panel.kind.activated.emit(0)

    def choose(self) -> None:
        if not self.proxy.keys:
            return
        self.chosen = self.random.choice(self.proxy.keys)
        if self.random.random() < 0.5:
            self.selected = {self.chosen}
            self.panel.select(self.chosen)
        else:
            self.selected.add(self.chosen)
            also = QItemSelectionModel.SelectionFlag.Select
            self.panel.view.selectionModel().setCurrentIndex(self.proxy.index_of(self.chosen), also)

    def select_all(self) -> None:
        self.panel.view.selectAll()
        self.selected = set(self.proxy.keys)

    def step(self) -> None:
        """One of these, and a look at what became of the list."""
        was_hidden, chosen = self.chosen is not None and not self.panel.lists(self.chosen), self.chosen
        rows = (self.append, self.remove, self.bring_back, self.judge)
        what = self.random.choice([*rows, self.sort, self.search, self.show_only, self.choose, self.select_all])
        self.told.clear()
        what()
        self.proxy.place_due()
        listed = self.expected()
        assert self.proxy.keys == listed
        assert [self.proxy.index(at, 0).data(Role.KEY) for at in range(self.proxy.rowCount())] == listed
        assert [self.proxy.index_of(key).row() for key in listed] == list(range(len(listed)))
        if was_hidden and self.chosen in listed:
            self.selected.add(chosen)
        self.selected &= set(listed)
        assert sorted(self.panel.selected_keys()) == sorted(self.selected)
        assert self.panel.view.selectionModel().hasSelection() == bool(self.selected)
        current = self.panel.view.currentIndex().data(Role.KEY)
        assert current == (self.chosen if self.chosen in listed else None), what.__name__
        assert self.told == ([] if self.chosen == chosen else [self.chosen]), what.__name__

    def expected(self) -> list[int]:
        words, kind = self.panel.search.text().split(), self.panel.kind.currentData()
        found = [r for r in self.model.rows if kind in ("all", kind_of(r)) and all(word in r.text for word in words)]
        own = ORDERS[self.panel.order.currentData()]
        found.sort(key=lambda r: (own(r), r.entry.key), reverse=self.panel.reverse.isChecked())
        return [r.entry.key for r in found]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_list_is_as_by_brute_force(
    seed: int, finding: Finding, qtbot: QtBot, qt_messages: list[str]
) -> None:
    panel = ImageListPanel(ImageListModel())
    qtbot.addWidget(panel)
    panel.search.setFocus()  # a list that has it takes its first row by itself
    panel.show()
    fatal = QAbstractItemModelTester.FailureReportingMode.Fatal
    testers = [QAbstractItemModelTester(rows, fatal) for rows in (panel.model, panel.proxy)]
    played = Played(panel, finding, seed)
    for at in range(250):
        played.step()
        if at % 10 == 0:
            QApplication.processEvents()
    assert played.next_key > 50 and len(testers) == 2


def test_all_of_a_filtered_list_are_not_all_of_the_whole(qtbot: QtBot, qt_messages: list[str]) -> None:
    panel = ImageListPanel(ImageListModel())
    qtbot.addWidget(panel)
    panel.model.append([row(key, f"{'ab'[key % 2]}{key}.png") for key in range(3000)])
    panel.search.setText("/a")
    panel.view.selectAll()
    with qtbot.assertNotEmitted(panel.chosen):
        panel.search.setText("")
        panel.reverse.click()
    assert panel.proxy.keys == list(range(2999, -1, -1))
    assert sorted(panel.selected_keys()) == list(range(0, 3000, 2)), "Qt takes a short cut with a thousand and more"
    assert [r.entry.key for r in panel.selected_rows()] == panel.selected_keys()


def test_rows_stand_still_while_answers_come_in(rows: list[Row], qtbot: QtBot, qt_messages: list[str]) -> None:
    model = ImageListModel()
    proxy = ImageFilter(model)
    model.append([row(key, f"{key}.png") for key in range(1, 6)])
    proxy.sort_by("doubt")
    moved: list[list[int]] = []
    proxy.changed.connect(lambda: moved.append(list(proxy.keys)))
    for answered in (rows[0], rows[4], rows[2]):
        model.set_records([(answered.entry.key, answered.record)])
    assert moved == [] and proxy.keys == [1, 2, 3, 4, 5]
    qtbot.waitUntil(lambda: bool(moved))
    assert moved == [[3, 5, 1, 2, 4]]


def test_a_thumbnail_is_drawn_without_laying_out_the_list(
    monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, qt_messages: list[str]
) -> None:
    drawn: list[object] = []
    measured: list[object] = []
    paint, measure = RowDelegate._paint_thumbnail, RowDelegate.sizeHint

    def note(painter: QPainter, place: object, picture: QImage | None, tones: theme.Tones) -> None:
        drawn.append(picture)
        paint(painter, place, picture, tones)

    monkeypatch.setattr(RowDelegate, "_paint_thumbnail", staticmethod(note))
    monkeypatch.setattr(RowDelegate, "sizeHint", lambda *given: measured.append(given) or measure(*given))
    panel = ImageListPanel(ImageListModel())
    qtbot.addWidget(panel)
    panel.show()
    panel.model.append([row(key, f"{key}.png") for key in range(3)])
    qtbot.waitUntil(lambda: len(drawn) >= 3)
    QApplication.processEvents()
    before = len(measured)
    assert before and set(drawn) == {None}
    picture = QImage(9, 9, QImage.Format.Format_RGB32)
    panel.model.set_thumbnail(1, picture)
    qtbot.waitUntil(lambda: picture in drawn)
    QApplication.processEvents()
    assert len(measured) == before


def test_the_current_row_is_marked_even_if_it_is_not_selected(qtbot: QtBot, qt_messages: list[str]) -> None:
    panel = ImageListPanel(ImageListModel())
    qtbot.addWidget(panel)
    panel.show()
    panel.activateWindow()
    panel.view.setFocus()
    panel.model.append([row(key, f"{key}.png") for key in range(3)])
    panel.select(0)
    qtbot.waitUntil(panel.view.hasFocus)

    def second() -> QImage:
        return panel.view.viewport().grab(panel.view.visualRect(panel.proxy.index(1, 0))).toImage()

    plain = second()
    qtbot.keyClick(panel.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    assert panel.view.currentIndex().row() == 1 and panel.selected_keys() == [0]
    assert second() != plain
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)  # and nobody holds Ctrl any more
    assert panel.selected_keys() == [2] and second() == plain


def test_thumbnails_drawn_long_ago_are_let_go_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_KEPT", 3)
    model = ImageListModel()
    asked: list[int] = []
    model.thumbnail_wanted.connect(lambda entry: asked.append(entry.key))
    model.append([row(key, f"{key}.png") for key in range(5)])

    def draw(*keys: int) -> list[object]:
        return [model.index(key).data(Qt.ItemDataRole.DecorationRole) for key in keys]

    assert draw(0, 1, 2, 3) == [None] * 4 and asked == [0, 1, 2, 3]
    pictures = [QImage(key + 1, 1, QImage.Format.Format_RGB32) for key in range(5)]
    for key in range(4):
        model.set_thumbnail(key, pictures[key])
    assert draw(1, 2, 3, 1) == [pictures[key] for key in (1, 2, 3, 1)] and asked == [0, 1, 2, 3]
    assert draw(0) == [None] and asked.pop() == 0
    model.set_thumbnail(0, pictures[0])
    assert draw(3, 1, 0) == [pictures[key] for key in (3, 1, 0)] and asked == [0, 1, 2, 3], "2 was drawn longest ago"
    assert draw(2) == [None] and asked.pop() == 2
    model.set_thumbnail(2, None)
    assert draw(2, 2) == [None, None] and asked == [0, 1, 2, 3, 2], "it waits no more, so it is asked for again, once"


def test_of_the_thumbnails_that_wait_only_the_latest_are_made(
    monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, qt_messages: list[str]
) -> None:
    jobs: list[Reader] = []
    make = Reader._thumbnail
    monkeypatch.setattr(Reader, "_thumbnail", lambda reader: jobs.append(reader) or make(reader))
    reader, gate = Reader(), threading.Event()
    told: list[tuple[int, bool]] = []
    reader.thumbnailed.connect(lambda key, picture: told.append((key, picture is not None)))
    for _ in range(2):
        reader._start(reader._eye, gate.wait)  # both threads are at work
    for key in [*range(150), 0, *range(150, 220)]:
        reader.thumbnail(Entry(key, f"/none/{key}.png"))
    late = list(told)
    gate.set()
    assert late == [(key, False) for key in range(1, 21)], "0 was asked for again"
    qtbot.waitUntil(lambda: len(told) == 220)
    assert reader._eye.waitForDone() and len(jobs) == 200
    reader.stop()
    assert sorted(told[20:]) == [(0, True), *((key, True) for key in range(21, 220))]
    assert all(key > 200 for key, _ in told[20:30]), "the latest come first"


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
    monkeypatch.setattr(ImageFilter, "_rank", lambda proxy, row: ranked.append(row) or rank(proxy, row))
    model = ImageListModel()
    model._rows = Walked()
    proxy = ImageFilter(model)
    told: list[str] = []
    for name in ("layoutChanged", "rowsInserted", "rowsRemoved"):
        getattr(proxy, name).connect(lambda *_, name=name: told.append(name))
    model.append([row(key, f"{key % 7}.png") for key in range(4000)])
    proxy.sort_by("name")
    assert len(ranked) == 8000 and told == ["rowsInserted", "layoutChanged"]
    model.insert(model.take(range(0, 4000, 10)))  # in four hundred runs
    assert [r.entry.key for r in model.rows] == list(range(4000)) and proxy.rowCount() == 4000
    assert names(proxy) == "".join(sorted(names(proxy)))
    assert len(walks) < 10 and len(ranked) == 8400
    assert told[2:] == ["layoutChanged", "rowsRemoved", "rowsInserted", "layoutChanged"]


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
    assert window.session.viewing.row is not None and window.session.viewing.row.entry.name == before[1]
    window.actions_["redo"].trigger()
    assert window.session.images.rowCount() == 6
    window.actions_["remove_all"].trigger()
    qtbot.waitUntil(lambda: window.session.viewing.row is None)
    assert window.session.viewing.scene.image is None
    window.actions_["undo"].trigger()
    assert window.session.viewing.row is not None, "what was looked at is shown again"
    window.actions_["undo"].trigger()
    assert [r.entry.name for r in window.session.images.rows] == before
    assert all(r.record for r in window.session.images.rows)


def test_a_typing_error_in_the_filter_loses_no_place(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    panel, viewing = window.list, window.session.viewing
    told: list[int | None] = []
    panel.chosen.connect(told.append)
    names = ("a.png", "b.png", "c.png", "d.png")
    window.session.images.append([Row(Entry(key, str(pictures / name))) for key, name in enumerate(names, 101)])
    panel.select(103)
    qtbot.waitUntil(lambda: viewing.scene.image is not None)
    scene = viewing.scene.image
    panel.search.setFocus()
    qtbot.keyClicks(panel.search, "zz")
    assert panel.proxy.keys == [] and not panel.view.currentIndex().isValid()
    assert not window.actions_["remove"].isEnabled(), "what is not listed is not selected"
    for _ in range(2):
        qtbot.keyClick(panel.search, Qt.Key.Key_Backspace)
    assert panel.selected_keys() == [103] and panel.view.currentIndex().row() == 2 and told == [103]
    assert viewing.row.entry.name == "c.png" and viewing.scene.image is scene

    panel.search.setText("b.png")
    panel.view.setFocus(Qt.FocusReason.TabFocusReason)
    assert told == [103] and viewing.scene.image is scene
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    assert told == [103, 102], "from a hidden row to the first that is listed"
    panel.search.setText("/d.png")
    window.actions_["next_image"].trigger()
    assert told == [103, 102, 104]
    panel.search.setText("/a.png")
    window.session.remove([104], "remove")
    assert told == [103, 102, 104, None] and viewing.row is None, "it is no longer open"
    panel.search.clear()
    window.actions_["undo"].trigger()
    assert panel.proxy.keys == [101, 102, 103, 104] and told[4:] == [104] and panel.selected_keys() == [104]


def test_controls_of_the_list(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures)
    wait_judged(qtbot, window, 7)
    window.actions_["find"].trigger()
    qtbot.keyClicks(window.list.search, "photo")
    assert window.list.proxy.rowCount() == 1 and window.list.count.text() == "Images: 1 of 7"
    drop(window, pictures / "a.png", pictures / "notes.txt")
    qtbot.waitUntil(lambda: window.list.count.text() == "Images: 1 of 8")
    drop(window, pictures / "notes.txt")  # one file is shown, whatever was filtered by
    qtbot.waitUntil(lambda: window.list.proxy.rowCount() == 8)
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
