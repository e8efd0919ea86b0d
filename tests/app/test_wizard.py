"""The training wizard on the real window and its real child process: from digits to a pack in use."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QTextBrowser, QWizard
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.wizard.child import EVENTS, LOG, SCENARIO, START, Child
from app.wizard.choices import AttackChoice, Choices, VictimChoice
from app.wizard.recall import restore
from app.wizard.wizard import ATTACKS, MODEL, RESULTS, RUN, VICTIMS, TrainingWizard
from core.files import alone_in
from core.pack import read_manifest
from core.paths import user_data
from tests.app.helpers import drop, wait_judged
from training.api import check_scenario
from training.pipeline import check_plan
from training.sources import load_digits_images


def tiny(folder: Path) -> Choices:
    """A run of seconds: two small victims, two values of epsilon, one epoch."""
    attacks = [
        AttackChoice("FGSM", False, True, 60, 180, 2),
        AttackChoice("PGD", False, True, 60, 180, 2, {"steps": 3}),
    ]
    victims = [VictimChoice("ResNet18", "first", 1.0), VictimChoice("ResNet18", "second", 0.5)]
    return Choices(
        victims=victims, attacks=attacks, cell=8, clean=40, network="forensic-small", epochs=1, name="tiny",
        folder=str(folder), device="cpu",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that a failing test leaves open would wait for ever."""
    monkeypatch.setattr(TrainingWizard, "_ask", lambda self: "stop")


def begun(window: MainWindow, choices: Choices) -> TrainingWizard:
    """A wizard over given choices, as the action makes it over the default ones."""
    wizard = TrainingWizard(window.session, window, choices)
    window.commands.adopt(wizard)
    wizard.show()
    return wizard


def press_next(wizard: TrainingWizard) -> int:
    wizard.next()
    return wizard.currentId()


def test_from_digits_to_a_pack_in_use(window: MainWindow, qtbot: QtBot, tmp_path: Path, pictures: Path) -> None:
    wizard = begun(window, tiny(user_data() / "runs" / "tiny"))
    assert [press_next(wizard) for _ in range(4)] == [VICTIMS, ATTACKS, MODEL, RUN]
    qtbot.waitUntil(lambda: wizard.run.child is not None and not wizard.run.child.running)
    assert "Finished" in wizard.run.remark.text()
    assert "first names" in wizard.run.words.toPlainText()
    assert wizard.run.losses.accessibleDescription().startswith("attack ")
    assert press_next(wizard) == RESULTS
    tabs = [wizard.results.tabs.tabText(at) for at in range(wizard.results.tabs.count())]
    assert tabs == ["Summary", "Confusions", "Hyperparameter", "Doubt", "Features"]
    told = [json.loads(line) for line in (user_data() / "runs" / "tiny" / EVENTS).read_text("utf-8").splitlines()]
    assert {"asking first", "asking second"} <= {event.get("stage") for event in told}
    summary = wizard.results.tabs.widget(0)
    assert isinstance(summary, QTextBrowser)
    both = told[-1]["results"]["probes"]["both"]["without_clean"]
    for words in ("the image alone", "the victims alone", f"{both['victim_accuracy']:.2%}"):
        assert words in summary.toPlainText()
    image, better = ({"victim_accuracy": a, "rmse_table1_scale": e} for a, e in ((0.8, 9.0), (0.9, 8.0)))
    assert wizard.results._worse(image, better) == []
    assert [line.count("tells the victim less") for line in wizard.results._worse(better, image)] == [1, 0]
    for at in range(len(tabs)):
        wizard.results.tabs.setCurrentIndex(at)
        assert not wizard.grab().isNull()
    assert wizard.results.use.isChecked() == (not wizard.results.guesses(told[-1]["results"]))
    wizard.results.use.setChecked(True)
    wizard.accept()
    assert not wizard.button(QWizard.WizardButton.FinishButton).isEnabled(), "once is enough"
    qtbot.waitUntil(lambda: window.session.settings.text("attribution/pack") == "tiny")
    drop(window, pictures / "a.png")
    wait_judged(qtbot, window, 1)
    made = read_manifest(user_data() / "runs" / "tiny" / "tiny.mtaapack")
    row = window.session.images.rows[0]
    assert row.attribution is not None and row.attribution.pack_id == made.pack_id
    assert row.attribution.evidence == "image+probes"  # its victims are found where the run left them
    assert [said.victim for said in row.attribution.testimonies] == ["first", "second"]
    grow_it(window, tmp_path / "grown")


def grow_it(window: MainWindow, folder: Path) -> None:
    """A second wizard goes on from the pack: what it knows comes first, and what is chosen beside it is new."""
    choices = tiny(folder)
    choices.victims = [VictimChoice("VGG16", "third"), VictimChoice("ResNet50", "first")]
    choices.attacks = [AttackChoice("BIM", False, True, 60, 180, 2), AttackChoice("PGD", False, True, 1, 9, 3)]
    wizard = begun(window, choices)
    for _ in range(3):
        wizard.next()
    page = wizard.model
    page.start.setCurrentIndex(page.start.findData("tiny"))
    assert page.remark.text() == "New to tiny: third, BIM." and page.isComplete()
    assert not page.network.isEnabled() and page.replay.isEnabled()
    assert page.ask.isChecked() and not page.ask.isEnabled() and "goes on doing so" in page.ask.toolTip()
    page.replay.setValue(3)
    assert [v.label for v in wizard.victims.victims()] == ["first", "second", "third"]
    assert [(a.name, a.last) for a in wizard.attacks.attacks()] == [("FGSM", 180), ("PGD", 180), ("BIM", 180)]
    scenario = check_scenario(choices.document())
    check_plan(scenario, load_digits_images(), folder / "victims")  # both victims are found where they were made
    assert len(list((folder / "victims").iterdir())) == 2
    assert scenario.probes is not None
    counts = [scenario.cell(v.label, a).train for v in scenario.victims for a in scenario.attacks]
    assert counts == [3, 3, 8, 3, 3, 8, 8, 8, 8]
    assert choices.examples == sum(
        a.grid.count * sum(scenario.cell(v.label, a).model_dump().values())
        for v in scenario.victims
        for a in scenario.attacks
    )
    back = Choices()
    restore(back, tomllib.loads(toml_of(choices, folder)), str(folder))
    assert back.document() == choices.document() and back.grown == choices.grown
    choices.source = "mnist"
    page.initializePage()
    assert "made from other images: source digits" in page.remark.text() and not page.isComplete()
    page.start.setCurrentIndex(0)
    assert page.isComplete() and choices.grown is None
    wizard.close()


def test_the_model_page_tells_what_the_run_will_take(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    choices = tiny(tmp_path / "run")
    choices.victims[1] = VictimChoice("mobilenet_v3_small", passes=0.5)
    wizard = begun(window, choices)
    for _ in range(3):
        wizard.next()
    trial = wizard.model.trial
    trial.button.click()
    qtbot.waitUntil(lambda: trial.words.text().startswith("Trying"))
    trial.button.click()
    assert not trial.running and "few batches" in trial.words.text()
    trial.button.click()
    qtbot.waitUntil(lambda: not trial.running)
    stages = [item.text() for row in range(trial.table.rowCount()) if (item := trial.table.item(row, 0))]
    named = ["Victim first", "Victim mobilenet_v3_small", "Examples of FGSM", "Examples of PGD", "Network", "Results",
             "Asking the victims", "Learning from their answers"]  # fmt: skip
    assert stages == named
    assert trial.words.text().startswith("About ") and "free" in trial.words.text()
    trial.show_estimate({"stages": [], "seconds": 60, "most": 200, "bytes": 2**40, "free": 2**20})
    assert trial.words.text() == (
        "Too little disk: the run takes 1,024.0 GiB, and 1.0 MiB are free. About 60 s to 3 min."
    )
    trial.show_estimate({"stages": [], "seconds": 248, "most": 251, "bytes": 2**20, "free": None})
    assert trial.words.text() == "About 4 min; 1.0 MiB of the disk, where an unknown amount are free."
    wizard.model.epochs.setValue(7)  # other choices, another time
    assert trial.table.rowCount() == 0
    wizard.close()


def test_a_stopped_run_is_come_back_to(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    choices = tiny(tmp_path / "run")
    choices.epochs = 400
    wizard = begun(window, choices)
    for _ in range(4):
        wizard.next()
    qtbot.waitUntil(lambda: bool(wizard.run._epochs))
    wizard.run.pause.click()
    qtbot.waitUntil(lambda: wizard.run.paused and wizard.run.pause.text() == "Resume")
    wizard.run.pause.click()
    qtbot.waitUntil(lambda: not wizard.run.paused)
    wizard.run.stop.click()
    qtbot.waitUntil(lambda: not wizard.run.child.running)  # type: ignore[union-attr]
    assert "Stopped" in wizard.run.remark.text() and wizard.run.again.isVisible()
    drawn = len(wizard.run._epochs)
    wizard.close()
    again = TrainingWizard(window.session, window)
    window.commands.adopt(again)
    again.show()
    again.images.back.click()
    assert again.currentId() == RUN
    assert len(again.run._epochs) >= drawn
    assert [v.label for v in again.choices.victims] == ["first", "second"] and again.choices.cell == 8
    assert again.choices.device == "cpu"
    again.run.again.click()
    qtbot.waitUntil(lambda: len(again.run._epochs) > drawn)
    again.run.child._process.kill()  # type: ignore[union-attr]  # as a system that is short of memory does
    qtbot.waitUntil(lambda: "ended from outside" in again.run.remark.text())
    assert again.run.again.isVisible()


def test_closing_asks_what_becomes_of_the_run(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = tiny(tmp_path / "run")
    choices.epochs = 400
    wizard = begun(window, choices)
    for _ in range(4):
        wizard.next()
    monkeypatch.setattr(TrainingWizard, "_ask", lambda self: "stay")
    assert not window.commands.end_training() and wizard.isVisible()
    settings, language = window.session.settings, window.session.settings["appearance/language"]
    settings["appearance/language"] = "zh_CN"
    qtbot.waitUntil(lambda: settings["appearance/language"] == language)
    assert wizard.isVisible(), "another language is another window"
    monkeypatch.setattr(TrainingWizard, "_ask", lambda self: "leave")
    assert window.commands.end_training()
    elsewhere = Child(choices.out)
    elsewhere.follow()
    told: list[str] = []
    elsewhere.told.connect(lambda kind, _: told.append(kind))
    assert elsewhere.running  # it goes on without its window, and whoever comes back to it is obeyed
    for word, kind in (("pause", "paused"), ("resume", "resumed")):
        elsewhere.say(word)
        qtbot.waitUntil(lambda kind=kind: kind in told)
    elsewhere.say("pause")
    qtbot.waitUntil(lambda: told.count("paused") == 2)
    elsewhere.leave()  # and nobody leaves it standing
    elsewhere.follow()
    qtbot.waitUntil(lambda: told.count("resumed") >= 2)
    elsewhere.say("cancel")
    qtbot.waitUntil(lambda: not elsewhere.running)
    assert not elsewhere.finished


def test_a_run_that_fails_says_why(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    choices = tiny(Path("run"))  # which the process, in a folder of its own, finds too
    choices.attacks[1].parameters = {"steps": -1}
    wizard = begun(window, choices)
    for _ in range(4):
        wizard.next()
    qtbot.waitUntil(lambda: "steps" in wizard.run.remark.text())
    assert not wizard.run.isComplete() and not wizard.button(QWizard.WizardButton.NextButton).isEnabled()
    assert window.session.settings.text("training/last") == str(tmp_path / "run")


def test_a_finished_run_is_shown_and_another_begun_in_its_place(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.wizard.child.program", lambda: [sys.executable, "-c", "pass"])
    choices = tiny(tmp_path)
    toml_of(choices, tmp_path)
    figures = ("attack_accuracy", "victim_accuracy", "rmse_table1_scale", "attack_ece", "victim_ece")
    confusions = dict.fromkeys(("attack_confusion", "victim_confusion"), [[1] * 3] * 3)
    results = {**dict.fromkeys(figures, 1.0), **confusions, "by_attack": {}, "examples": 3}
    events = [
        {"event": "error", "what": "The disk is full.", "remedy": "Make room."},
        {"event": "pack", "path": str(tmp_path / "tiny.mtaapack"), "results": results},
    ]
    (tmp_path / EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    wizard = begun(window, Choices())
    wizard.come_back(str(tmp_path))
    assert wizard.run.remark.text() == "Finished." and wizard.results.isComplete()
    wizard.close()
    choices.victims.append(VictimChoice("VGG16"))
    wizard = begun(window, choices)
    for _ in range(4):
        wizard.next()
    qtbot.waitUntil(lambda: "Stopped" in wizard.run.remark.text())
    assert not wizard.results.isComplete(), "the results are of the run before"


def toml_of(choices: Choices, folder: Path) -> str:
    from training.api import write_scenario  # noqa: PLC0415

    write_scenario(folder / SCENARIO, choices.document())
    return (folder / SCENARIO).read_text("utf-8")


def test_a_run_that_was_killed_is_not_explained_by_its_warnings(qtbot: QtBot, tmp_path: Path) -> None:
    child = Child(tmp_path)
    (tmp_path / LOG).write_text("x.py:1: UserWarning: slow\n  warnings.warn(\n")
    child._status = -9
    assert "-9" in child.failure()
    child._status = 1
    assert child.failure() == "  warnings.warn("


def test_a_run_that_was_killed_at_once_is_not_taken_for_the_one_before(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.wizard.child.program", lambda: [sys.executable, "-c", "pass"])
    (tmp_path / EVENTS).write_bytes(b'{"event": "pack", "path": "before", "results": {}}\n{"event": "epo')
    child = Child(tmp_path)
    child.start("", False, "cpu")
    qtbot.waitUntil(lambda: not child.running)
    again, told = Child(tmp_path), []
    again.told.connect(lambda kind, _: told.append(kind))
    again.follow()
    again.look()
    assert not child.finished and not again.finished
    assert told == ["pack", "begun"]
    again.leave()


def test_another_training_in_the_folder_is_not_taken_for_this_one(window: MainWindow, tmp_path: Path) -> None:
    others = tiny(tmp_path)
    toml_of(others, tmp_path)
    ours = tiny(tmp_path)
    ours.epochs = 3
    with alone_in(tmp_path):
        wizard = begun(window, ours)
        assert [press_next(wizard) for _ in range(4)] == [VICTIMS, ATTACKS, MODEL, MODEL]
        assert "Another training" in wizard.page(MODEL).remark.text()  # type: ignore[attr-defined]
        wizard.page(MODEL).epochs.setValue(others.epochs)  # type: ignore[attr-defined]
        assert press_next(wizard) == RUN, "the same choices follow it"
        assert wizard.run.child is not None and wizard.run.child.running and wizard.run.child._process is None


def test_events_cut_short_are_left_alone(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_bytes(b'{"event": "victim", "name": "a"}\n{"event": "epo')
    child, seen = Child(tmp_path), []
    child.told.connect(lambda kind, values: seen.append((kind, values)))
    child.follow()
    child.look()
    assert seen == [("victim", {"name": "a"})]
    child.leave()


def test_the_question_has_three_answers(wizard: TrainingWizard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    seen: list[list[str]] = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: seen.append([b.text() for b in box.buttons()]))
    assert wizard._ask() == "stay"
    assert len(seen[0]) == 3


def test_a_training_on_other_images_or_elsewhere_is_not_followed(window: MainWindow, tmp_path: Path) -> None:
    ours = tiny(tmp_path)
    ours.source, ours.data, ours.download = "mnist", str(tmp_path / "ours"), True
    toml_of(ours, tmp_path)
    wizard = begun(window, ours)
    page = wizard.model
    page.offer([], [("cpu", "")])
    with alone_in(tmp_path):
        for begun_so in (
            {"data": str(tmp_path / "theirs"), "download": True, "device": "cpu"},
            {"data": str(tmp_path / "ours"), "download": True, "device": "cuda:0"},
            {},
        ):
            (tmp_path / START).write_text(json.dumps(begun_so), "utf-8")
            assert not page.validatePage() and "Another training" in page.remark.text()
        same = {"data": str(tmp_path / "ours"), "download": False, "device": "cpu"}
        (tmp_path / START).write_text(json.dumps(same), "utf-8")
        assert page.validatePage()
