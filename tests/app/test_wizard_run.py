"""What the wizard says while a run goes on and of what it made; the run's process is told what to say."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from app.durations import duration, span
from app.main_window import MainWindow
from app.wizard import examples
from app.wizard.child import EVENTS, SCENARIO, START
from app.wizard.choices import AttackChoice, Choices, VictimChoice
from app.wizard.course import TRIAL, Course
from app.wizard.wizard import RUN, TrainingWizard
from training.api import check_scenario, steps_of, write_scenario

Tell = Callable[..., None]


@pytest.fixture
def choices(tmp_path: Path) -> Choices:
    attacks = [AttackChoice("FGSM", False, True, 60, 180, 2), AttackChoice("C&W", True, True, 1, 9, 3)]
    victims = [VictimChoice("ResNet18", "first"), VictimChoice("VGG16")]
    return Choices(victims=victims, attacks=attacks, name="told", folder=str(tmp_path / "run"), device="cpu")


@pytest.fixture
def wizard(window: MainWindow, choices: Choices, monkeypatch: pytest.MonkeyPatch) -> TrainingWizard:
    """A wizard whose run's process stands still until it is killed."""
    monkeypatch.setattr("app.wizard.child.program", lambda: [sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(TrainingWizard, "_ask", lambda self: "leave")
    wizard = TrainingWizard(window.session, window, choices)
    window.commands.adopt(wizard)
    wizard.show()
    return wizard


@pytest.fixture
def tell(wizard: TrainingWizard, choices: Choices) -> Any:
    """``tell(kind, ...)`` adds an event to the run that the wizard is then at, as its process would; kills it after."""

    def add(kind: str, **values: Any) -> None:
        with (choices.out / EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": kind, **values}) + "\n")

    yield add
    if wizard.run.child is not None and wizard.run.child._process is not None:
        wizard.run.child._process.kill()
        wizard.run.child._process.wait()


def to_the_run(wizard: TrainingWizard) -> None:
    while wizard.currentId() < RUN:
        wizard.next()


def counted(stage: str, done: int, total: int, left: float = 20.0) -> dict[str, Any]:
    return {"stage": stage, "done": done, "total": total, "rate": 5.0, "seconds_left": left}


def tried(choices: Choices, seconds: float, most: float) -> None:
    """What a trial before the run left: so many seconds, and at most, for each stage."""
    document = choices.document()
    names = [("victim", v.label) for v in choices.victims] + [("attack", a.name) for a in choices.chosen]
    names += [(kind, "") for kind in ("network", "results", "asking", "weighing")]
    stages = [{"kind": kind, "name": name, "seconds": seconds, "most": most} for kind, name in names]
    write_scenario(choices.out / TRIAL / SCENARIO, document)
    (choices.out / TRIAL / EVENTS).write_text(json.dumps({"event": "estimate", "stages": stages}) + "\n", "utf-8")
    begun = {"data": "", "download": False, "device": "cpu"}
    (choices.out / TRIAL / START).write_text(json.dumps(begun), "utf-8")


def test_the_run_page_says_which_stage_it_is_and_what_is_left(
    wizard: TrainingWizard, tell: Tell, choices: Choices, qtbot: QtBot
) -> None:
    tried(choices, 60, 120)
    to_the_run(wizard)
    progress = wizard.run.progress
    assert progress.bar.maximum() == 0, "nothing is counted before the first victim"
    tell("progress", **counted("training first", 10, 40))
    qtbot.waitUntil(lambda: progress.stage.text() == "Stage 1 of 4: victims")
    assert progress.step.text() == "Training first: 10 / 40"
    assert progress.rate.text() == "5 a second · 20 s left of this step"
    assert progress.left.text() == "About 7 to 14 min left in all"  # 7 stages of the trial are to come
    assert (progress.bar.value(), progress.bar.maximum()) == (125, 1000), "a quarter of the first of two victims"
    tell("progress", **counted("training first", 40, 40, 0))
    qtbot.waitUntil(lambda: progress.bar.maximum() == 0)
    assert progress.step.text() == "Measuring the victim on the clean test images…" and not progress.rate.text()
    tell("progress", **counted("VGG16 C&W train", 1, 2))
    qtbot.waitUntil(lambda: "Stage 2 of 4: examples" in progress.stage.text())
    assert progress.step.text() == "C&W against VGG16, to train with: 1 / 2" and progress.bar.maximum() == 1000
    tell("generated", examples=9, unfilled=[])
    qtbot.waitUntil(lambda: progress.step.text() == "Reading the examples…")
    tell("progress", **counted("training", 12, 12, 0))
    tell("progress", **counted("measuring", 28, 28, 0))
    tell("progress", **counted("weighing the answers", 1000, 2000, 45))
    qtbot.waitUntil(lambda: progress.stage.text() == "Stage 4 of 4: results")
    assert progress.step.text() == "Learning from the victims' answers: 1,000 / 2,000"
    assert progress.left.text() == "About 45 s left in all"
    tell("paused")
    qtbot.waitUntil(lambda: progress.rate.text() == "paused")
    tell("resumed")
    tell("progress", **counted("weighing the answers", 2000, 2000, 0))
    qtbot.waitUntil(lambda: progress.step.text() == "Calibrating and writing the pack…")
    assert progress.bar.maximum() == 0


def test_a_trial_of_other_choices_says_nothing_of_the_run(
    wizard: TrainingWizard, tell: Tell, choices: Choices, qtbot: QtBot
) -> None:
    tried(choices, 60, 120)
    wizard.attacks.cell.setValue(choices.cell + 1)
    to_the_run(wizard)
    tell("progress", **counted("training first", 10, 40))
    qtbot.waitUntil(lambda: "Stage 1" in wizard.run.progress.stage.text())
    assert wizard.run.progress.left.text() == ""
    assert wizard.run.child is not None
    wizard.run.child._process.kill()  # type: ignore[union-attr]
    qtbot.waitUntil(wizard.run.again.isVisible)
    assert wizard.run.progress.bar.maximum() == 1000, "nothing goes on"


def test_names_that_come_again_are_later_steps(choices: Choices) -> None:
    course = Course(steps_of(check_scenario(choices.document())))
    for name, done, total in (("training", 4, 4), ("measuring", 200, 200), ("measuring", 28, 28)):
        course.take(name, done, total)
    places = []
    for split in range(3):
        for name in ("asking first", "asking VGG16", "measuring")[: 2 if split == 2 else 3]:
            course.take(name, 10, 28)
            course.take(name, 28, 28)
            places.append(course._at)
    assert places == sorted(set(places)) and course.left(None) is None
    before = course.step
    course.take("nobody knows what", 1, 2)
    assert course.step is before
    course.take("weighing the answers", 1, 2)
    assert course.following is None and course.share > 0.8


def results(attacked: dict[str, float], fgsm: list[int]) -> dict[str, Any]:
    """Of a pack with clean, FGSM and C&W against first and VGG16. fgsm: what its test images are taken for."""
    figures = dict.fromkeys(
        ("attack_accuracy", "victim_accuracy", "rmse_table1_scale", "attack_ece", "victim_ece"), 0.5
    )
    return {
        **figures, "examples": 60, "by_attack": {}, "without_clean": attacked,
        "attack_confusion": [[20, 0, 0], fgsm, [0, 0, 20]], "victim_confusion": [[20, 0, 0], [0, 20, 0], [0, 0, 20]],
        "confused": {"attack": [{"labels": ["clean", "FGSM"], "examples": 20, "share": 0.5}]},
    }  # fmt: skip


def test_a_pack_that_guesses_is_not_put_to_use_unasked(wizard: TrainingWizard) -> None:
    page = wizard.results
    page.show_results("x.mtaapack", results({"attack_accuracy": 0.0, "victim_accuracy": 0.9}, [20, 0, 0]))
    assert not page.use.isChecked() and "the attack in 0% and the victim in 90%" in page.remark.text()
    assert "guessing would in 33% and 33%" in page.remark.text()
    good = results({"attack_accuracy": 0.5, "victim_accuracy": 0.5}, [20, 0, 0])
    page.show_results("x.mtaapack", good)
    assert page.use.isChecked() and page.remark.text() == ""
    worse = {"attack_accuracy": 0.5, "victim_accuracy": 0.49}
    page.show_results("x.mtaapack", results(worse, [20, 0, 0]))
    assert not page.use.isChecked(), "under a quarter of the way from guessing to being always right"


def test_the_label_that_is_missed_is_named(wizard: TrainingWizard) -> None:
    told = wizard.results.words(results({}, [20, 0, 0]))
    assert told[0] == (
        "⚠ clean and FGSM are taken for each other in 50% of their images: FGSM is named right in 0% of its test "
        "images, taken for clean in 100%."
    )


def test_what_unfamiliar_images_were_measured_at_is_told(wizard: TrainingWizard) -> None:
    figures = {"examples": 1200, "attack_accuracy": 0.9, "victim_accuracy": 0.75}
    asked = {"image": {**figures, "victim_accuracy": 0.5}, "both": figures}
    words = "attack named in 90.0% and victim in {victim} of {n} test examples"
    for told, expected in (
        (asked, words.format(victim="75.0%", n="1,200")),
        ({"image": asked["image"]}, words.format(victim="50.0%", n="1,200")),
    ):
        lines = wizard.results.words(results({}, [20, 0, 0]) | {"unfamiliar": told})
        assert any(expected in line for line in lines)
    none = {"unfamiliar": {"image": {"examples": 0}}}
    assert not any("unfamiliar" in line for line in wizard.results.words(results({}, [20, 0, 0]) | none))


def test_durations_in_words() -> None:
    told = [duration(seconds) for seconds in (0.2, 40, 248, 3600, 4800, 50_000)]
    assert told == ["1 s", "40 s", "4 min", "1 h", "1 h 20 min", "14 h"]
    spans = [span(*ends) for ends in ((248, 251), (248, 660), (4800, 7200), (4800, 4810), (20, 200))]
    assert spans == ["4 min", "4 to 11 min", "1 h 20 min to 2 h", "1 h 20 min", "20 s to 3 min"]


def test_the_strip_of_examples_outlives_the_folder_that_it_watches(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is deleted, or a part that a full disk cut short, is no fault of the program."""
    monkeypatch.setattr(examples, "_PAUSE", 0.0)
    part, images = tmp_path / "vgg/fgsm-mtaa/train/0.safetensors", np.ones((2, 1, 8, 8), np.uint8)
    part.parent.mkdir(parents=True)
    save_file({"adversarial": images, "clean": 0 * images}, part)
    strip = examples.ExampleStrip()
    qtbot.addWidget(strip)
    strip.watch(tmp_path)
    strip.look()
    assert strip.accessibleDescription() == "FGSM · vgg"
    part.with_name("1.safetensors").write_bytes(b"cut")
    strip.look()
    gone = part.with_name("2.safetensors")
    monkeypatch.setattr(examples, "newest", lambda _: gone)
    strip.look()
    monkeypatch.setattr(examples, "newest", lambda _: gone.stat())
    strip.look()
    assert strip.accessibleDescription() == "FGSM · vgg"


@pytest.mark.parametrize("accepted", [False, True])
def test_a_run_that_is_refused_leaves_the_earlier_one_to_be_gone_on_with(
    wizard: TrainingWizard, choices: Choices, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, accepted: bool
) -> None:
    refused = {"event": "error", "type": "DataError", "what": "Made by another scenario.", "remedy": "Choose another."}
    told = [*([{"event": "accepted"}] if accepted else []), refused]
    says = f"import json; [print(json.dumps(event)) for event in {told}]"
    monkeypatch.setattr("app.wizard.child.program", lambda: [sys.executable, "-c", says])
    write_scenario(choices.out / SCENARIO, {**choices.document(), "seed": 7})
    (choices.out / START).write_text('{"data": "", "download": false, "device": "cuda:0"}', "utf-8")
    earlier = [(choices.out / name).read_bytes() for name in (SCENARIO, START)]
    to_the_run(wizard)
    qtbot.waitUntil(lambda: wizard.run.child is not None and not wizard.run.child.running)
    assert "Made by another scenario" in wizard.run.remark.text()
    assert ([(choices.out / name).read_bytes() for name in (SCENARIO, START)] == earlier) is not accepted
