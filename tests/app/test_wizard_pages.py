"""The training wizard's pages: what they take, what they refuse, and in what words."""

from __future__ import annotations

import dataclasses
import threading
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QSpinBox, QWizard
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.main_window import MainWindow
from app.wizard.attacks_page import AttacksPage
from app.wizard.choices import ARCHITECTURES, NETWORKS, OTHERS, Choices, VictimChoice, small_eps, table1
from app.wizard.looks import Looks
from app.wizard.model_page import ModelPage
from app.wizard.recall import restore
from app.wizard.wizard import ATTACKS, IMAGES, MODEL, VICTIMS, TrainingWizard
from core.errors import ScenarioError
from core.victims import ARCHITECTURES as TRAINED
from tests.app.test_screen import turn
from tests.app.test_wizard import press_next, toml_of
from training.api import check_scenario
from training.attacks import make_attack
from training.plan import check_size
from training.sources import load_digits_images


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
            restore(back, tomllib.loads(toml_of(choices, tmp_path)), str(tmp_path))
            assert back.document() == choices.document()
            cells = sum(spec.grid.count * sum(spec.cell.model_dump().values()) for spec in scenario.attacks)
            assert choices.examples == cells * len(scenario.victims)


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
