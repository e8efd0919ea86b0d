"""Known clean images in the window: answers are told beside them, and nothing is judged again for that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import i18n, sentence
from app.judging import make_attributor
from app.main_window import MainWindow
from app.requests import Setup
from app.session import Session
from app.window import Program
from core.attributor import Attributor
from core.case import Case
from core.errors import PackError
from core.labels import CLEAN
from core.pack import find_pack, read_manifest
from core.paths import DEFAULT_PACK, SAMPLES
from core.types import Attribution, Beside, Finding, Reference
from tests.app.conftest import Opener
from tests.app.helpers import close, drop, wait_case, wait_judged

CLEAN_ONES = 6
KEY = "attribution/reference"


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Drawn strokes under the noise of a bad scanner, which the pack takes for attacked now and then."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for seed in range(CLEAN_ONES):
        rng = np.random.default_rng(seed)
        image = np.zeros((28, 28))
        image[5:23, 8 + seed % 6 : 11 + seed % 6] = 230
        image[12:15, 6:22] = 200
        noisy = (image + rng.normal(0, 25, image.shape)).round().clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"scan {seed}.png")
    return folder


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each pass of a network was given."""
    passes: list[int] = []
    judge = Attributor.judge

    def counted(self: Attributor, prepared: Any, *args: Any, **named: Any) -> Any:
        passes.append(len(prepared))
        return judge(self, prepared, *args, **named)

    monkeypatch.setattr(Attributor, "judge", counted)
    return passes


@pytest.fixture
def opened(program: Program, qtbot: QtBot, scans: Path) -> MainWindow:
    return opened_in(program, qtbot, scans)


def opened_in(program: Program, qtbot: QtBot, scans: Path) -> MainWindow:
    """The scans and two of the samples are open and judged, and one is on screen with its heatmap."""
    window = program.window
    drop(window, scans, SAMPLES / "clean-3.png", SAMPLES / "pgd-vgg16-eps90-2.png")
    wait_judged(qtbot, window, CLEAN_ONES + 2)
    window.list.select(row_of(window, "pgd").entry.key)

    def drawn() -> bool:
        scene = window.session.viewing.scene
        return scene.heatmap is not None and scene.image is not None and "pgd" in scene.image.path

    qtbot.waitUntil(drawn)
    return window


def known(*scores: float) -> tuple[tuple[float, str], ...]:
    return tuple((score, f"{at:064x}") for at, score in enumerate(scores))


def row_of(window: MainWindow, beginning: str) -> Any:
    return next(row for row in window.session.images.rows if row.entry.name.startswith(beginning))


def answers(window: MainWindow) -> list[Attribution]:
    return [row.attribution for row in window.session.images.rows if row.attribution is not None]


def said_by(session: Session) -> list[str]:
    said: list[str] = []
    session.message.connect(said.append)
    return said


def take(window: MainWindow, beginning: str = "scan") -> Reference:
    """Select the rows whose names begin so, and take them as known clean images."""
    window.list.view.clearSelection()
    selection = window.list.view.selectionModel()
    for row in window.session.images.rows:
        if row.entry.name.startswith(beginning):
            selection.select(window.list.proxy.index_of(row.entry.key), selection.SelectionFlag.Select)
    window.actions_["take_clean"].trigger()
    reference = window.session.setup.reference
    assert reference is not None
    return reference


def beside(window: MainWindow, qtbot: QtBot, reference: Reference | None) -> None:
    """Until every answer is told beside it, or beside none."""
    digest = None if reference is None else reference.digest

    def told() -> bool:
        return all((answer.beside.digest if answer.beside else None) == digest for answer in answers(window))

    qtbot.waitUntil(told)


def test_answers_are_told_anew_and_told_back_without_judging_again(
    judged: list[int], opened: MainWindow, qtbot: QtBot
) -> None:
    window, session = opened, opened.session
    loads: list[Setup] = []
    session.worker.loading.connect(loads.append)
    before, passes, heatmap = answers(window), list(judged), session.viewing.scene.heatmap
    assert not window.reference.isVisible() and not window.actions_["forget_clean"].isEnabled()
    reference = take(window)
    assert reference.images == CLEAN_ONES == len(reference.probes), "the shipped victims were asked about each"
    beside(window, qtbot, reference)
    for old, new in zip(before, answers(window), strict=True):
        clean = next(c.probability for c in new.attack.ranking if c.label == CLEAN)
        count = sum(score <= round(clean, 4) for score, _ in reference.probes)
        assert new.false_alarm == pytest.approx((1 + count) / (CLEAN_ONES + 1), abs=1 / (CLEAN_ONES + 1))
        assert new == replace(
            old, false_alarm=new.false_alarm, beside=Beside(reference.digest, CLEAN_ONES, new.sha256 in reference.files)
        )
    suspect = sum(score < 0.5 for score, _ in reference.probes)
    assert f"{CLEAN_ONES} known clean images: " in window.reference.words.text() and window.reference.isVisible()
    assert reference.suspect == suspect
    assert "14.3 %" in window.reference.toolTip() and "19 are needed for 5 %" in window.reference.toolTip()
    qtbot.waitUntil(lambda: f"of the {CLEAN_ONES} known clean images look" in window.answer.attack.doubt.text())
    assert "known clean images look" in window.answer.sentence.toPlainText()
    assert session.viewing.scene.heatmap is heatmap

    window.reference.forget.click()
    beside(window, qtbot, None)
    assert answers(window) == before, "the very same"
    assert not window.reference.isVisible() and not window.actions_["forget_clean"].isEnabled()
    qtbot.waitUntil(lambda: "known clean" not in window.answer.attack.doubt.text())
    assert session.settings.text(KEY) == "" and session.status.phase == "ready"
    assert judged == passes and loads == [], "neither an image nor a pack was looked at again"


def test_taken_again_they_take_the_place_of_the_first(opened: MainWindow, qtbot: QtBot) -> None:
    first = take(opened)
    beside(opened, qtbot, first)
    second = take(opened, "clean-3")
    assert second.images == 1 and second != first
    beside(opened, qtbot, second)
    assert {answer.beside.images for answer in answers(opened) if answer.beside} == {1}
    third = take(opened)
    assert third == first, "what the pack says by itself is what counts"


def test_what_is_opened_later_and_what_comes_back_is_told_so(opened: MainWindow, qtbot: QtBot) -> None:
    gone = row_of(opened, "pgd")
    opened.session.remove([gone.entry.key], "remove")
    reference = take(opened)
    drop(opened, SAMPLES / "fgsm-resnet18-eps60-7.png")
    wait_judged(qtbot, opened, CLEAN_ONES + 2)
    beside(opened, qtbot, reference)
    before = gone.attribution
    opened.session.undo.undo()
    assert gone.attribution is before, "it need not be judged again"
    beside(opened, qtbot, reference)


def test_what_waits_is_judged_so_and_a_pause_stays_one(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    session = opened.session
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(80):
        (folder / f"{number}.png").write_bytes((SAMPLES / "clean-3.png").read_bytes() + bytes([number]))
    drop(opened, folder)
    qtbot.waitUntil(lambda: session.status.waiting > 0)
    session.pause(True)
    reference = take(opened)
    waiting = sum(row.record is None for row in session.images.rows)
    if waiting:
        assert session.status.paused and session.status.waiting == waiting
    session.pause(False)
    wait_judged(qtbot, opened, CLEAN_ONES + 82)
    beside(opened, qtbot, reference)


def test_they_are_remembered(open_program: Opener, qtbot: QtBot, scans: Path) -> None:
    first = open_program()
    reference = take(opened_in(first, qtbot, scans))
    words = first.window.reference.words.text()
    close(first)
    second = open_program().window
    assert second.session.setup.reference == reference
    assert second.reference.isVisible() and second.reference.words.text() == words
    drop(second, SAMPLES / "pgd-vgg16-eps90-2.png")
    wait_judged(qtbot, second, 1)
    beside(second, qtbot, reference)
    second.actions_["forget_clean"].trigger()
    beside(second, qtbot, None)


@pytest.mark.parametrize("change", ["pack", "ask", "victims"])
def test_another_pack_or_other_victims_do_without(
    opened: MainWindow, qtbot: QtBot, tiny_pack: Path, change: str
) -> None:
    session, said = opened.session, said_by(opened.session)
    reference = take(opened)
    beside(opened, qtbot, reference)
    session.set_setup(replace(session.setup, device="cpu"))
    assert session.setup.reference == reference and said == [], "another device says the same"
    beside(opened, qtbot, reference)
    before = session.setup
    values: dict[str, Any] = {"pack": str(tiny_pack), "ask": False, "victims": (str(tiny_pack.with_suffix(".pt")),)}
    session.set_setup(replace(session.setup, **{change: values[change]}))
    assert session.setup.reference is None
    assert [text for text in said if "left out" in text] == said != []
    assert not opened.reference.isVisible()
    wait_judged(qtbot, opened, CLEAN_ONES + 2)
    beside(opened, qtbot, None)
    session.set_setup(before)
    assert session.setup.reference == reference and opened.reference.isVisible(), "nothing is lost by another look"


def test_a_closed_set_leaves_them_be(opened: MainWindow, qtbot: QtBot) -> None:
    session = opened.session
    reference = take(opened)
    asked = tuple(said.sha256 for said in answers(opened)[0].testimonies)
    session.set_setup(replace(session.setup, closed=asked))
    wait_judged(qtbot, opened, CLEAN_ONES + 2)
    assert session.setup.reference == reference
    beside(opened, qtbot, reference)
    assert all(answer.closed_set for answer in answers(opened))


def test_a_pack_that_is_used_for_now_leaves_them_out(opened: MainWindow, qtbot: QtBot, tiny_pack: Path) -> None:
    session, said = opened.session, said_by(opened.session)
    reference = take(opened)
    session.use_pack(str(tiny_pack))
    assert session.setup.reference is None and ["left out" in text for text in said] == [True]
    assert not opened.reference.isVisible()
    wait_judged(qtbot, opened, CLEAN_ONES + 2)
    session.use_pack(DEFAULT_PACK)
    assert session.setup.reference == reference and opened.reference.isVisible()
    wait_judged(qtbot, opened, CLEAN_ONES + 2)
    beside(opened, qtbot, reference)


def test_a_case_keeps_to_what_it_began_with(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window, session, desk = opened, opened.session, opened.session.desk
    reference = take(window)
    files = [row.entry.path for row in session.images.rows]
    desk.create(str(tmp_path / "beside.mtaacase"), files)
    wait_case(qtbot, window, "beside")
    wait_judged(qtbot, window, len(files))
    beside(window, qtbot, reference)
    window.list.view.selectAll()
    assert session.setup.reference == reference and window.reference.isVisible()
    for name in ("take_clean", "forget_clean"):
        action = window.actions_[name]
        assert not action.isEnabled() and "A case keeps to the known clean images" in action.toolTip()
    assert not window.reference.forget.isEnabled()
    said = said_by(session)
    session.known_clean.forget()
    assert session.setup.reference == reference and "of a case" in said[-1]

    desk.close()
    assert session.setup.reference == reference and window.reference.forget.isEnabled()
    session.known_clean.forget()
    assert "A case" not in window.actions_["take_clean"].toolTip() and not window.reference.isVisible()
    desk.create(str(tmp_path / "alone.mtaacase"), files[:2])
    wait_case(qtbot, window, "alone")
    wait_judged(qtbot, window, 2)
    desk.open(str(tmp_path / "beside.mtaacase"))
    wait_case(qtbot, window, "beside")
    assert session.setup.reference == reference and window.reference.isVisible()
    session.set_setup(replace(session.setup, device="cpu"))
    assert session.setup.reference == reference and session.settings.text(KEY) == "", "it is the case's, not the user's"
    drop(window, SAMPLES / "fgsm-resnet18-eps60-7.png")
    wait_judged(qtbot, window, len(files) + 1)
    beside(window, qtbot, reference)
    desk.open(str(tmp_path / "alone.mtaacase"))
    wait_case(qtbot, window, "alone")
    assert session.setup.reference is None and not window.reference.isVisible()
    desk.close()
    assert session.setup.reference is None
    with Case(tmp_path / "beside.mtaacase") as case, Case(tmp_path / "alone.mtaacase") as alone:
        assert case.basis().reference == reference and alone.basis().reference is None


def test_what_cannot_be_referred_to(default_pack: Path) -> None:
    setup = Setup(str(default_pack), "cpu")
    told = Reference(read_manifest(default_pack).pack_id, (), known(0.9))
    real = make_attributor(replace(setup, reference=told))
    assert isinstance(real, Attributor) and real.reference == told
    lost = replace(told, image=(), probes=known(0.9), asked=("a" * 64,))
    with pytest.raises(PackError, match="Forget them, and take them again"):
        make_attributor(replace(setup, reference=lost))
    kept = make_attributor(replace(setup, reference=lost, only=("a" * 64,)))
    assert isinstance(kept, Attributor) and kept.reference is None, "a case is shown all the same"


def test_those_of_a_pack_that_was_replaced_are_to_be_taken_again(
    window: MainWindow, qtbot: QtBot, default_pack: Path
) -> None:
    session = window.session
    session.set_setup(replace(session.setup, reference=Reference("mnist@000000000000", (), known(0.9))))
    drop(window, SAMPLES / "clean-3.png")
    qtbot.waitUntil(lambda: session.status.phase == "failed")
    qtbot.waitUntil(lambda: "Forget them, and take them again" in window.answer.hint.text())
    window.reference.forget.click()
    wait_judged(qtbot, window, 1)
    assert session.status.phase == "ready" and answers(window)


COUNTED = {
    (0.1,): "1 known clean image, which looks attacked to the pack.",
    (0.9,): "1 known clean image, which looks clean to the pack.",
    (0.6, 0.9): "2 known clean images: none of them looks attacked to the pack.",
    (0.1, 0.6, 0.9): "3 known clean images: 1 of them looks attacked to the pack.",
    (0.1, 0.2, 0.6, 0.9): "4 known clean images: 2 of them look attacked to the pack.",
}


def test_the_bar_counts_them(window: MainWindow) -> None:
    session = window.session
    pack_id = read_manifest(find_pack(session.setup.pack)).pack_id
    for scores, words in COUNTED.items():
        session.set_setup(
            replace(session.setup, reference=Reference(pack_id, (), known(*scores[:2]), known(*scores[2:])))
        )
        assert window.reference.words.text() == f"Told beside {words}"
        assert window.reference.accessibleDescription() == window.reference.words.text()
    assert window.reference.isVisible() and window.reference.height() < 60


GOOD = {"pack_id": "mnist@1", "asked": [], "image": [[0.5, "a"]], "probes": []}


OTHERS = [
    "nonsense", "[", "{}", "[]", "7", "null", '"text"', json.dumps(["mnist", True, []]), "[" * 100_000,
    json.dumps(["mnist", True, [], {**GOOD, "image": [[0.5, "a"], [0.1, "b"]]}]),
    json.dumps(["mnist", True, [], {**GOOD, "image": [[10**400, "a"]]}]),
    json.dumps(["mnist", True, [], {**GOOD, "image": []}]),
    json.dumps(["mnist", True, [], {"image": None}]),
    json.dumps(["mnist", True, [], []]),
    json.dumps(["natural", True, [], GOOD]),
    json.dumps(["mnist", False, [], GOOD]),
    json.dumps(["mnist", True, ["/a.safetensors"], GOOD]),
    json.dumps(["mnist", True, [], {}, GOOD]),
]  # fmt: skip


def test_what_the_settings_do_not_hold_for_this_setup_is_none(program: Program) -> None:
    for text in OTHERS:
        program.settings[KEY] = json.dumps(["mnist", True, [], GOOD])
        assert program.session.setup.reference == Reference("mnist@1", (), ((0.5, "a"),))
        program.settings[KEY] = text
        assert program.session.setup.reference is None, text[:80]


def test_what_cannot_be_taken_is_told(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    session, said = window.session, said_by(window.session)
    take_clean = window.actions_["take_clean"]
    assert not take_clean.isEnabled(), "nothing is selected"
    (tmp_path / "broken.png").write_bytes(b"no image")
    drop(window, tmp_path / "broken.png", SAMPLES / "clean-3.png")
    wait_judged(qtbot, window, 2)
    broken, clean = session.images.rows
    session.known_clean.take([broken.entry.key])
    assert said[-1] == "None of the clean images could be judged. Choose images that can be read."
    old = clean.record
    assert old is not None and old.finding is not None
    session.images.set_records([(clean.entry.key, None)])
    session.known_clean.take([broken.entry.key, clean.entry.key])
    assert said[-1] == "None of the selected images has been judged yet."
    attack = old.finding.attribution.attack
    ranking = tuple(candidate for candidate in attack.ranking if candidate.label != CLEAN)
    knowing_none = replace(old.finding.attribution, attack=replace(attack, ranking=ranking))
    session.images.set_records(
        [(clean.entry.key, replace(old, finding=replace(old.finding, attribution=knowing_none)))]
    )
    session.known_clean.take([clean.entry.key])
    assert "does not know “clean”. Choose one that does." in said[-1] and session.setup.reference is None
    session.images.set_records([(clean.entry.key, old)])
    window.list.view.selectAll()
    take_clean.trigger()
    assert session.setup.reference is not None and said[-1].endswith("for they have no answer: 1")


@pytest.fixture(params=["en", "zh_CN"])
def language(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[str]:
    translators = i18n.install(qapp, request.param)
    yield request.param
    i18n.remove(qapp, translators)


def test_a_sentence_counts_them_whether_few_look_so_or_many(language: str, finding: Finding) -> None:
    def text(count: int, images: int) -> str:
        told = Beside("0" * 12, images)
        share = (1 + count) / (images + 1)
        return sentence.false_alarm_text(replace(finding.attribution, false_alarm=share, beside=told))

    every = [text(*pair) for pair in ((0, 40), (1, 40), (12, 40), (40, 40), (999, 1000), (0, 1), (1, 1))]
    if language == "en":
        assert every == [
            "None of the 40 known clean images looks at least as attacked.",
            "1 of the 40 known clean images looks at least as attacked.",
            "12 of the 40 known clean images look at least as attacked.",
            "40 of the 40 known clean images look at least as attacked.",
            "999 of the 1,000 known clean images look at least as attacked.",
            "The one known clean image looks less attacked.",
            "The one known clean image looks at least as attacked.",
        ]
    assert len(set(every)) == 7 and all(each.isascii() == (language == "en") for each in every)
    alone = partial(replace, finding.attribution, beside=None)
    assert sentence.false_alarm_text(alone(false_alarm=0.5)) == "" != sentence.false_alarm_text(alone(false_alarm=0.01))
