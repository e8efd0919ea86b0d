"""The training wizard on the real window and its real child process: from digits to a pack in use."""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
import threading
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QSpinBox, QTextBrowser, QWizard
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.main_window import MainWindow
from app.wizard.attacks_page import AttacksPage
from app.wizard.child import EVENTS, LOG, SCENARIO, START, Child
from app.wizard.choices import ARCHITECTURES, NETWORKS, OTHERS, AttackChoice, Choices, VictimChoice, small_eps, table1
from app.wizard.looks import Looks
from app.wizard.model_page import ModelPage
from app.wizard.recall import grow, restore
from app.wizard.wizard import ATTACKS, IMAGES, MODEL, RESULTS, RUN, VICTIMS, TrainingWizard
from core.errors import ScenarioError
from core.files import alone_in
from core.pack import find_pack, read_manifest
from core.paths import user_data
from core.victims import ARCHITECTURES as TRAINED
from tests.app.helpers import drop, wait_judged
from tests.app.test_screen import turn
from training.api import check_scenario
from training.attacks import make_attack
from training.pipeline import check_plan
from training.plan import check_size
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


@pytest.fixture
def wizard(window: MainWindow) -> TrainingWizard:
    window.actions_["train"].trigger()
    return window.commands.training_wizard()


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
    restore(back, tomllib.loads(_toml(choices, folder)), str(folder))
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
    _toml(choices, tmp_path)
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


@pytest.mark.parametrize("number", [VICTIMS, ATTACKS])
def test_tab_leads_out_of_the_tables(wizard: TrainingWizard, number: int) -> None:
    while wizard.currentId() < number:
        wizard.next()
    wizard.activateWindow()
    table = wizard.victims.table if number == VICTIMS else wizard.attacks.table
    table.setFocus()
    seen = []
    for _ in range(4 * table.rowCount() + 10):
        seen.append(QApplication.focusWidget())
        QTest.keyClick(seen[-1], Qt.Key.Key_Tab)
    assert seen[0] is table and wizard.button(QWizard.WizardButton.NextButton) in seen


def test_a_pack_that_is_only_looked_at_leaves_nothing_behind(qtbot: QtBot) -> None:
    choices = Choices(source="mnist", data="/x", victims=[VictimChoice("ResNet18"), VictimChoice("VGG16", "mine")])
    before = choices.document()
    page = ModelPage(choices)
    page.offer(["mnist", "natural"], [("auto", "")])
    qtbot.addWidget(page)

    def start(pack: str) -> None:
        with qtbot.waitSignal(page.grew):
            page.start.setCurrentIndex(page.start.findData(pack))

    start("mnist")
    assert len(choices.victims) > 2 and choices.victims[-1].label == "mine"
    with qtbot.assertNotEmitted(page.grew):  # or both tables would be filled anew at each key
        qtbot.keyClicks(page.name, "-2")
        page.epochs.setValue(3)
    assert choices.name == "my-pack-2" and choices.epochs == 3 and choices.start == "mnist"
    page.name.setText("my-pack")
    page.epochs.setValue(12)
    start("")
    assert choices.document() == before
    start("mnist")
    start("natural")
    assert "made from other images" in page.remark.text() and choices.document() == before
    start("mnist")
    choices.victims = [v for v in choices.victims if v.label != "mine"] + [VictimChoice("VGG19", "new")]
    start("")
    assert [v.label for v in choices.victims] == ["ResNet18", "new"], "what was changed beside it stays changed"


def test_other_victims_than_the_papers_are_chosen_by_their_names(wizard: TrainingWizard, qtbot: QtBot) -> None:
    wizard.next()
    page = wizard.victims
    page.show_victims([VictimChoice("ResNet18"), VictimChoice("wide_resnet50_2", entries={"augmentation": "photo"})])
    assert page.victims()[1].architecture == "wide_resnet50_2", "as a scenario may name it"
    assert page.victims()[1].entries == {"augmentation": "photo"}
    box = page._architecture(0)
    assert [box.itemText(at) for at in range(len(ARCHITECTURES))] == list(ARCHITECTURES)
    qtbot.keyClicks(box, "squ")
    assert page.victims()[0].architecture == "squeezenet1_1"
    assert not page.isComplete() and "images of 8 pixels: it takes 17 or more" in page.remark.text()
    box.setCurrentText("mobilenet_v3_small")
    assert page.isComplete()
    page.all.click()
    page.add.click()
    assert page.victims()[-1].architecture == next(iter(OTHERS)), "after the paper's five"
    mine = VictimChoice("", "mine", file="/mine.pt", accuracy=0.9)
    page.show_victims([VictimChoice("VGG16"), mine])
    page.table.clearSelection()
    assert not page.remove.isEnabled(), "nothing is selected"
    page.all.click()
    assert [v.architecture for v in page.victims()[:5]] == list(ARCHITECTURES) and page.victims()[5:] == [mine]
    page.table.selectRow(5)
    page.remove.click()
    assert len(page.victims()) == 5


def test_grids_that_are_taken_over_leave_the_choice_of_attacks(wizard: TrainingWizard) -> None:
    wizard.next()
    wizard.next()
    page = wizard.attacks
    chosen = {"FGSM": True, "PGD": False, "C&W": False, "BIM": True}
    for row, attack in enumerate(page.attacks()):
        item = page.table.item(row, 0)
        assert item is not None
        item.setCheckState(Qt.CheckState.Checked if chosen.get(attack.name) else Qt.CheckState.Unchecked)
    kappa = next(row for row, attack in enumerate(page.attacks()) if attack.kappa)
    page.table.cellWidget(kappa, 3).setValue(7)  # type: ignore[union-attr]
    page.small.click()
    assert {a.name: a.on for a in page.attacks()} == {a.name: chosen.get(a.name, False) for a in page.attacks()}
    assert all((a.first, a.last) == (1, 16) for a in page.attacks() if not a.kappa)
    assert page.attacks()[kappa].last == 7, "of kappa nothing was said"
    page.paper.click()
    assert {a.name for a in page.attacks() if a.on} == {"FGSM", "BIM"} and page.attacks()[kappa].last == 20


def test_the_wheel_passes_grids_that_are_taken_over(qtbot: QtBot) -> None:
    page = AttacksPage(Choices())  # alone: a wizard shows its page anew with each completeChanged
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    for button in (page.small, page.paper):
        button.click()
        cells = [page.table.cellWidget(row, column) for row in range(page.table.rowCount()) for column in (2, 3, 4)]
        before = page.attacks()
        assert not any(turn(cell) for cell in cells if cell is not None), "which hand it on to the page"
        assert page.attacks() == before


def test_a_grid_of_one_value_has_no_other_end(wizard: TrainingWizard) -> None:
    wizard.next()
    wizard.next()
    page = wizard.attacks
    first, last, values = (page.table.cellWidget(0, column) for column in (2, 3, 4))
    values.setValue(1)  # type: ignore[union-attr]
    first.setValue(90)  # type: ignore[union-attr]
    last.setValue(40)  # type: ignore[union-attr]
    assert not last.isEnabled() and page.isComplete()  # type: ignore[union-attr]
    assert (page.attacks()[0].first, page.attacks()[0].last) == (90, 90)
    values.setValue(2)  # type: ignore[union-attr]
    assert last.isEnabled() and not page.isComplete(), "it ends before it begins"  # type: ignore[union-attr]


def test_why_a_folder_cannot_be_used_stays_told(wizard: TrainingWizard, tmp_path: Path, qtbot: QtBot) -> None:
    page = wizard.images
    page.pictures.setChecked(True)
    page.folder.setText(str(tmp_path))
    qtbot.waitUntil(lambda: "holds no image" in page.remark.text())
    page.side.setValue(page.side.value() + 1)
    assert "holds no image" in page.remark.text() and not page.isComplete()


def test_other_victims_can_be_trained_on_images_as_small_as_is_said() -> None:
    digits = load_digits_images()
    for name, least in OTHERS.items():
        for side, fits in ((least, True), (least - 1, False)):
            clean = dataclasses.replace(digits, images=np.zeros((10, 3, side, side), np.uint8))
            if fits:
                check_size(name, clean)
            elif side >= 8:
                with pytest.raises(ScenarioError, match="cannot be trained"):
                    check_size(name, clean)


def test_pages_refuse_what_cannot_be_used(wizard: TrainingWizard, qtbot: QtBot, tmp_path: Path) -> None:
    assert wizard.currentId() == IMAGES
    wizard.images.mnist.setChecked(True)
    assert not wizard.images.isComplete()
    wizard.images.folder.setText(str(tmp_path))
    assert "Looking" in wizard.images.remark.text(), "and not in this thread"
    qtbot.waitUntil(lambda: "idx3" in wizard.images.remark.text())
    assert not wizard.images.isComplete()
    wizard.images.download.setChecked(True)
    assert wizard.images.isComplete()
    wizard.images.digits.setChecked(True)
    assert press_next(wizard) == VICTIMS
    wizard.victims.show_victims([VictimChoice("VGG16"), VictimChoice("VGG16")])
    assert not wizard.victims.isComplete() and "same name" in wizard.victims.remark.text()
    wizard.victims.show_victims([VictimChoice("VGG16"), VictimChoice("VGG16", "other")])
    assert press_next(wizard) == ATTACKS
    item = wizard.attacks.table.item(0, 0)
    first = wizard.attacks.table.cellWidget(0, 2)
    assert item is not None and isinstance(first, QSpinBox | type(first))
    first.setValue(250)  # type: ignore[attr-defined]
    assert not wizard.attacks.isComplete() and "FGSM" in wizard.attacks.remark.text()
    first.setValue(11)  # type: ignore[attr-defined]
    assert not wizard.attacks.isComplete() and "whole number" in wizard.attacks.remark.text()
    item.setCheckState(Qt.CheckState.Unchecked)
    assert press_next(wizard) == MODEL
    wizard.model.name.setText("No Name")
    assert not wizard.model.isComplete()
    wizard.model.name.setText("named")
    ask, network = wizard.model.ask, wizard.model.network
    assert ask.isChecked() and ask.isEnabled()
    network.setCurrentIndex(network.findData("paper-resnet18"))
    assert not ask.isChecked() and not ask.isEnabled() and "by pixel" in ask.toolTip()
    network.setCurrentIndex(network.findData("forensic-small"))
    assert ask.isChecked() and ask.toolTip() == ""
    ask.click()
    assert "changed" not in wizard.choices.document()["training"]
    wizard.model.changed.click()
    wizard.back()
    assert press_next(wizard) == MODEL
    assert wizard.choices.document()["training"]["changed"] == 0.5
    assert not ask.isChecked() and "probes" not in wizard.choices.document()
    wizard.back()
    wizard.back()
    assert [v.label for v in wizard.victims.victims()] == ["VGG16", "other"]  # Back keeps what was entered


def test_names_and_folders_that_cannot_be_are_refused_in_words(wizard: TrainingWizard, tmp_path: Path) -> None:
    images, victims, model = wizard.images, wizard.victims, wizard.model
    images.pictures.setChecked(True)
    images.folder.setText("  ")
    assert images.remark.text() == "Choose the folder."
    victims.show_victims([VictimChoice("VGG16", "x" * 65)])
    assert not victims.isComplete()
    model.name.setText("x" * 65)
    assert not model.isComplete() and "at most 64" in model.remark.text()
    model.name.setText("named")
    (tmp_path / "taken").touch()
    for folder in (tmp_path / "taken", tmp_path / "taken" / "below"):
        model.folder.setText(str(folder))
        assert not model.isComplete() and "taken is no folder" in model.remark.text()
    model.folder.setText(f" {tmp_path / 'new'} ")
    assert model.isComplete() and wizard.choices.out == tmp_path / "new"


def test_fields_of_the_model_page_are_named_by_their_labels(qtbot: QtBot) -> None:
    page = ModelPage(Choices())
    qtbot.addWidget(page)
    named = {label.buddy() for label in page.findChildren(QLabel)}
    assert {page.network, page.start, page.replay, page.epochs, page.device, page.name} <= named
    assert page.folder.accessibleName() == "Folder of the run"


def test_every_choice_makes_a_scenario(tmp_path: Path) -> None:
    assert set(ARCHITECTURES) == set(TRAINED)
    for network in NETWORKS:
        for ask, attacks in ((True, table1()), (False, small_eps())):
            for attack in attacks:
                attack.on = True
            choices = Choices(
                source="mnist", attacks=attacks, network=network, ask=ask, changed=ask, folder=str(tmp_path)
            )
            scenario = check_scenario(choices.document())
            assert scenario.training.changed == (0.5 if ask else None)
            assert (scenario.probes is not None) == (ask and scenario.network.perturbation_extractor == "pixel")
            for spec in scenario.attacks:
                make_attack(spec.config)
            back = Choices()
            restore(back, tomllib.loads(_toml(choices, tmp_path)), str(tmp_path))
            assert back.document() == choices.document()
            cells = sum(spec.grid.count * sum(spec.cell.model_dump().values()) for spec in scenario.attacks)
            assert choices.examples == cells * len(scenario.victims)


def _toml(choices: Choices, folder: Path) -> str:
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
    _toml(others, tmp_path)
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


def test_the_shipped_pack_for_photographs_is_gone_on_with_as_it_was_made(tmp_path: Path) -> None:
    """Its victims, one of them brought in a file that is not here, and the way in which it sees photographs."""
    made = read_manifest(find_pack("natural")).scenario
    choices = Choices(source="folder", size=224, channels=3, victims=[], folder=str(tmp_path))
    choices.attacks = [attack for attack in choices.attacks if attack.name == "FGSM"]
    grow(choices, "natural", made)
    scenario = check_scenario(choices.document())
    assert scenario.fit == "tiles" and scenario.clean.histories
    assert [v.augmentation for v in scenario.victims] == [v.get("augmentation") for v in made["victims"]]
    back = Choices()
    restore(back, tomllib.loads(tomli_w.dumps(choices.document())), str(tmp_path))
    assert back.document() == choices.document() and back.grown == choices.grown
    clean = dataclasses.replace(load_digits_images(), images=np.zeros((10, 3, 224, 224), np.uint8))
    check_plan(scenario, clean, tmp_path / "victims")
    assert len(list((tmp_path / "victims").iterdir())) == 4


def _pack_that_says(path: Path, scenario: object) -> None:
    """The shipped pack with another scenario, as anybody can make one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(find_pack("mnist")) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = json.dumps({**json.loads(content), "scenario": scenario}).encode()
            new.writestr(zipfile.ZipInfo(name), content)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("network",), []),
        (("victims", 0, "architecture"), 5),
        (("victims", 0, "passes"), "many"),
        (("attacks", 0, "grid", "first"), "x"),
        (("attacks", 0, "parameters"), ["odd"]),
        (("attacks", 0, "parameters"), {"steps": None}),
        (("attacks", 0, "parameters"), {"precision": "\ud800"}),
        (("clean", "examples"), 7),
    ],
)
def test_a_pack_that_says_odd_things_of_itself_is_refused_in_words(
    wizard: TrainingWizard, keys: tuple[str | int, ...], value: object
) -> None:
    wizard.choices.source = "mnist"
    said: Any = copy.deepcopy(read_manifest(find_pack("mnist")).scenario)
    entry = said
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    _pack_that_says(user_data() / "packs" / "odd.mtaapack", said)
    before, page = wizard.choices.document(), wizard.model
    page.offer(["odd", "mnist"], [("auto", "")])
    page.start.setCurrentIndex(page.start.findData("odd"))
    assert page.remark.text().startswith("odd was not made as the wizard makes packs (") and not page.isComplete()
    assert wizard.choices.document() == before
    page.start.setCurrentIndex(page.start.findData("mnist"))
    assert wizard.choices.grown is not None, "another may be chosen"


def test_a_pack_from_before_there_were_later_entries_is_gone_on_with(tmp_path: Path) -> None:
    whole = read_manifest(find_pack("mnist")).scenario
    old = {key: value for key, value in whole.items() if key not in ("probes", "batch", "seed", "training")}
    old["clean"] = {key: value for key, value in old["clean"].items() if key not in ("names", "histories")}
    old["attacks"] = [{k: v for k, v in entry.items() if k != "attempts"} for entry in old["attacks"]]
    choices = Choices(source="mnist", folder=str(tmp_path))
    grow(choices, "mnist", old)
    assert choices.grown is not None and choices.grown.probes is None
    assert check_scenario(choices.document()).training.start == "mnist"


@pytest.mark.parametrize("document", ["clean = 3", "attacks = []\nvictims = [1]", "name = 7", "network = [[1]]"])
def test_a_run_whose_scenario_is_odd_is_not_come_back_to(wizard: TrainingWizard, tmp_path: Path, document: str) -> None:
    whole = tomllib.loads(_toml(tiny(tmp_path), tmp_path))
    (tmp_path / SCENARIO).write_text(tomli_w.dumps(whole | tomllib.loads(document)), "utf-8")
    before = wizard.choices.document()
    wizard.come_back(str(tmp_path))
    assert wizard.currentId() == IMAGES and "This training cannot be read" in wizard.images.remark.text()
    assert wizard.choices.document() == before


def test_paths_are_typed_from_the_home_folder(
    wizard: TrainingWizard, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # as Windows calls it
    assert Choices(folder="~/x").out == tmp_path / "x"
    images = wizard.images
    images.mnist.setChecked(True)
    images.folder.setText("~/mnist")
    qtbot.waitUntil(lambda: "Not in this folder" in images.remark.text())
    images.download.setChecked(True)
    assert press_next(wizard) == VICTIMS and wizard.choices.data == str(tmp_path / "mnist")
    wizard.model.folder.setText("~/run")
    assert wizard.choices.out == tmp_path / "run"


def test_a_training_on_other_images_or_elsewhere_is_not_followed(window: MainWindow, tmp_path: Path) -> None:
    ours = tiny(tmp_path)
    ours.source, ours.data, ours.download = "mnist", str(tmp_path / "ours"), True
    _toml(ours, tmp_path)
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


def test_a_wizard_leaves_nothing_in_the_session(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, goes_on = threading.Event(), threading.Event()

    def survey(*_: object) -> None:
        looking.set()
        goes_on.wait()

    monkeypatch.setattr("app.wizard.survey.survey_images", survey)
    reader = window.session.reader
    try:
        wizard = TrainingWizard(window.session, window, Choices())
        wizard.images.surveyor._look()
        qtbot.waitUntil(looking.is_set)
        wizard.deleteLater()
        qtbot.waitUntil(lambda: not isValid(wizard))
        assert len(reader.findChildren(Looks)) == 1, "its last look goes on"
    finally:
        goes_on.set()
    qtbot.waitUntil(lambda: not reader.findChildren(Looks))
