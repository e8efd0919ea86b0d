"""The wizard over a folder of images and a victim of one's own, on its real child processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.wizard.child import SCENARIO
from app.wizard.choices import AttackChoice, Choices, VictimChoice
from app.wizard.own_victim import OwnVictimDialog
from app.wizard.recall import restore
from app.wizard.victim_check import check_folder
from app.wizard.wizard import ATTACKS, MODEL, RUN, VICTIMS, TrainingWizard
from core.pack import read_manifest
from core.paths import user_data
from tests.colours import Colour, Harm, colours, folder_of, program
from training.api import classes_in, numbers_in


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return folder_of(colours(), tmp_path / "data")


@pytest.fixture
def wizard(window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingWizard:
    """A wizard whose run would take seconds; no question waits for an answer."""
    monkeypatch.setattr(TrainingWizard, "_ask", lambda self: "stop")
    monkeypatch.setattr(QMessageBox, "exec", lambda box: pytest.fail(box.text()))
    attacks = [AttackChoice("FGSM", False, True, 60, 120, 2)]
    choices = Choices(
        attacks=attacks, cell=8, clean=20, network="forensic-small", epochs=1, name="own",
        folder=str(tmp_path / "run"), device="cpu",
    )  # fmt: skip
    wizard = TrainingWizard(window.session, window, choices)
    window.commands.adopt(wizard)
    wizard.show()
    return wizard


def choose(wizard: TrainingWizard, qtbot: QtBot, folder: Path) -> None:
    wizard.images.pictures.setChecked(True)
    wizard.images.folder.setText(str(folder))
    qtbot.waitUntil(wizard.images.isComplete)


def bring(wizard: TrainingWizard, path: Path, **architecture: str) -> OwnVictimDialog:
    """The dialog with a file entered, as a user fills it in."""
    wizard.victims.own.click()
    dialog = wizard.victims.dialog
    dialog.file.setText(str(path))
    assert not dialog.ok.isEnabled()
    return dialog


def check(dialog: OwnVictimDialog, qtbot: QtBot) -> str:
    dialog.panel.check.click()
    assert dialog.panel.check.text() == "Stop"
    qtbot.waitUntil(lambda: dialog.panel.check.text() == "Check")
    return dialog.panel.verdict.text()


def test_a_folder_is_looked_into(wizard: TrainingWizard, qtbot: QtBot, data: Path, tmp_path: Path) -> None:
    wizard.images.pictures.setChecked(True)
    assert not wizard.images.isComplete() and "Choose" in wizard.images.remark.text()
    wizard.images.folder.setText(str(tmp_path / "nowhere"))
    qtbot.waitUntil(lambda: "does not exist" in wizard.images.remark.text())
    assert not wizard.images.isComplete()
    (data / "red" / "broken.png").write_bytes(b"\x89PNG")
    choose(wizard, qtbot, data)
    told = wizard.images.remark.text()
    assert "241 images" in told and "4 classes" in told and "8×8" in told
    assert wizard.images.side.value() == 8 and wizard.images.channels.currentData() == 3
    assert wizard.images.samples.accessibleDescription().split()[0] in ("23", "24")
    wizard.images.per_class.setValue(5)
    assert "Taken in: 20 images" in wizard.images.remark.text()
    wizard.next()
    assert wizard.currentId() == VICTIMS
    assert (wizard.choices.source, wizard.choices.size, wizard.choices.per_class) == ("folder", 8, 5)
    wizard.back()
    assert wizard.images.folder.text() == str(data) and wizard.images.isComplete()
    wizard.images.digits.setChecked(True)
    assert wizard.images.isComplete() and wizard.images.survey is None
    qtbot.waitUntil(lambda: "1,797 images" in wizard.images.remark.text())
    assert "8×8" in wizard.images.remark.text()
    assert wizard.images.samples.accessibleDescription() == "24 samples"


def test_own_victim_from_a_refusal_to_a_pack(wizard: TrainingWizard, qtbot: QtBot, data: Path, tmp_path: Path) -> None:
    choose(wizard, qtbot, data)
    wizard.next()
    dialog = bring(wizard, program(Colour(low=-1.0, order=(2, 5, 0, 3), outputs=6), tmp_path / "mine.pt"))
    told = check(dialog, qtbot)
    assert "6 classes the images are of" in told and "mean 0.5" in told and "0, 5, 2, 3" in told
    assert not dialog.ok.isEnabled() and dialog.panel.take.isVisible()
    dialog.panel.take.click()
    qtbot.waitUntil(lambda: dialog.panel.check.text() == "Check")
    assert "It names 100.0%" in dialog.panel.verdict.text() and dialog.ok.isEnabled()
    dialog.std.setText("0.4")
    assert not dialog.ok.isEnabled() and "changed" in dialog.panel.verdict.text()
    dialog.std.setText("0.5")
    assert dialog.ok.isEnabled()
    dialog.ok.click()
    assert [v.label for v in wizard.victims.victims()] == ["ResNet18", "ResNet50", "mine"]
    wizard.victims.table.selectRow(0)
    wizard.victims.remove.click()
    wizard.victims.table.selectRow(0)
    wizard.victims.remove.click()
    assert wizard.victims.isComplete()

    wizard.back()  # other images ask for another check, the same ones do not
    wizard.images.side.setValue(16)
    wizard.next()
    assert not wizard.victims.isComplete() and "mine was not checked" in wizard.victims.remark.text()
    wizard.back()
    wizard.images.side.setValue(8)
    wizard.next()
    assert [(wizard.next(), wizard.currentId())[1] for _ in range(3)] == [ATTACKS, MODEL, RUN]
    qtbot.waitUntil(lambda: wizard.run.child is not None and not wizard.run.child.running)
    manifest = read_manifest(tmp_path / "run/own.mtaapack")
    assert [v.name for v in manifest.victims] == ["clean", "mine"] and manifest.victims[1].accuracy == 1.0
    back = Choices()
    restore(back, tomllib.loads((tmp_path / "run" / SCENARIO).read_text("utf-8")), str(tmp_path / "run"))
    assert back.victims[0].file == str(tmp_path / "mine.pt") and back.victims[0].entries["classes"] == [0, 5, 2, 3]
    wizard.accept()
    qtbot.waitUntil(lambda: not list((user_data() / "runs").iterdir()))  # saved, and nothing of the checks is left


def test_a_window_that_is_closed_leaves_anothers_checks_alone(wizard: TrainingWizard, window: MainWindow) -> None:
    other = TrainingWizard(window.session, window, Choices())
    folders = []
    for one in (wizard, other):
        one.victims.own.click()
        folders.append(one.victims.dialog.panel.folder)
        (folders[-1] / "images").mkdir(parents=True)
        one.victims.dialog.reject()
        one.victims.own.click()
        assert one.victims.dialog.panel.folder == folders[-1], "its clean images are there already"
        one.victims.dialog.reject()
    other.reject()
    assert folders[0].is_dir() and not folders[1].exists()
    os.utime(folders[0], (7, 7))
    check_folder()
    assert not folders[0].exists(), "a killed program left it"


def test_a_malicious_file_is_refused_and_a_check_can_be_stopped(
    wizard: TrainingWizard, qtbot: QtBot, data: Path, tmp_path: Path
) -> None:
    choose(wizard, qtbot, data)
    wizard.next()
    harm = tmp_path / "harm"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Harm(harm)))
    dialog = bring(wizard, tmp_path / "evil.pth")
    dialog.architecture.setCurrentText("resnet18")
    dialog.mean.setText("much")
    dialog.panel.check.click()
    assert "numbers" in dialog.panel.verdict.text()
    dialog.imagenet.click()
    assert dialog.mean.text().startswith("0.485")
    assert "refused" in check(dialog, qtbot) and not dialog.ok.isEnabled()
    assert not harm.exists()
    dialog.panel.check.click()
    dialog.panel.check.click()
    qtbot.waitUntil(lambda: dialog.panel.check.text() == "Check")
    dialog.reject()
    assert len(wizard.victims.victims()) == 2


def test_images_without_classes_take_own_victims_alone(wizard: TrainingWizard, qtbot: QtBot, tmp_path: Path) -> None:
    choose(wizard, qtbot, folder_of(colours(), tmp_path / "flat", labelled=False))
    assert "no classes" in wizard.images.remark.text()
    wizard.next()
    assert not wizard.victims.isComplete() and "no classes" in wizard.victims.remark.text()
    dialog = bring(wizard, program(Colour(), tmp_path / "mine.pt"))
    assert "counts as right" in check(dialog, qtbot)
    dialog.ok.click()
    wizard.victims.show_victims([v for v in wizard.victims.victims() if v.file])
    assert wizard.victims.isComplete()
    for _ in range(2):
        wizard.run.show_event("images", {"count": 240, "skipped": ["broken.png is damaged."]})
    wizard.run.show_event("victim", {"name": "mine", "accuracy": None, "guesses": False})
    told = wizard.run.words.toPlainText().splitlines()
    assert told[0] == "240 images were taken in." and "broken.png" in told[1]
    assert told[2] == "mine: what it calls a clean image counts as right."
    wizard.run.show_event("victim", {"name": "weak", "accuracy": 0.104, "guesses": True})
    told = wizard.run.words.toPlainText().splitlines()
    assert told[3] == "weak names 10.4% of the clean test images." and told[4].startswith("weak is little better than")
    assert wizard.run.remark.text() == told[4], "which stays in sight"


def test_a_path_typed_from_here_is_found_by_the_check(
    wizard: TrainingWizard, qtbot: QtBot, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(Colour(), tmp_path / "mine.pt")
    monkeypatch.chdir(tmp_path)
    choose(wizard, qtbot, data)
    wizard.next()
    dialog = bring(wizard, Path("mine.pt"))
    assert "names" in check(dialog, qtbot)
    assert dialog.victim().file == str(tmp_path / "mine.pt")


def test_what_is_typed_for_numbers_and_classes() -> None:
    assert numbers_in("0.5, 0.25 1") == [0.5, 0.25, 1]
    with pytest.raises(ValueError):
        numbers_in("a half")
    assert classes_in("0, 217\n482") == [0, 217, 482]
    assert classes_in("n01440764, tench") == ["n01440764", "tench"]
    trained, own = VictimChoice("VGG16"), VictimChoice("", "a", file="a.pt", entries={"bgr": True})
    assert trained.document() == {"architecture": "VGG16", "name": "", "passes": 4.0}
    assert own.document() == {"architecture": "", "name": "a", "file": "a.pt", "bgr": True}


def test_the_window_looks_into_folders_without_torch(data: Path) -> None:
    code = f"""
import sys
import tomllib
from pathlib import Path
import app.wizard.wizard
from training.api import survey_images
assert survey_images("folder", Path({str(data)!r})).images == 240
assert survey_images("digits").images == 1797
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=Path(__file__).parents[2])
