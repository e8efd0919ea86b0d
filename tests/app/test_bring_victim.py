"""A model of one's own becomes a victim that is asked: on the command line and in the window's list of victims."""

from __future__ import annotations

import json
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from pytestqt.qtbot import QtBot
from safetensors.torch import save_file
from shiboken6 import isValid

from app.__main__ import main
from app.main_window import MainWindow
from app.wizard.bring_victim import BringVictimDialog
from app.wizard.looks import Looks
from core import paths
from core.manifest import ImageSpec
from core.pack import read_manifest
from core.victim_store import keep_victim
from core.victims import read_card
from tests.app.helpers import drop, wait_judged
from tests.colours import Colour, Harm, colours, folder_of, program
from tests.core.panels import write_asking_pack


@pytest.fixture
def default_pack(tiny_manifest: dict[str, Any]) -> Path:
    """A pack for images of 8x8 in colour that can ask victims, and has none at hand."""
    path = paths.user_data() / "packs" / "mnist.mtaapack"
    path.parent.mkdir(parents=True)
    image = {"channels": 3, "height": 8, "width": 8}
    write_asking_pack(path, {**tiny_manifest, "name": "mnist", "image": image}, [{"name": "Lost", "sha256": "f" * 64}])
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return folder_of(colours(), tmp_path / "data")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that knows the four colours under other numbers and takes values from -1 to 1."""
    return program(Colour(low=-1.0, order=(2, 5, 0, 3), outputs=6), tmp_path / "my model.pt")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main([*map(str, arguments), "--device", "cpu"])
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).split())


def test_a_model_is_imported_and_asked(
    default_pack: Path, data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    command = ["victims", "import", model, "--data", data, "--pack", default_pack, "--out", out]
    status, told = run(capsys, *command)
    assert status == 2 and "mean [0.5" in told and "classes = [0, 5, 2, 3]" in told and not out.exists()
    command += ["--mean", "0.5", "--std", "0.5", "--classes", "0,5,2,3", "--name", "Mine"]
    status, told = run(capsys, *command)
    assert status == 0 and "names 100.00% of 240 clean test images" in told and str(out) in told
    card = read_card(out)
    assert card.name == "Mine" and card.accuracy == 1.0 and card.class_map == (0, 5, 2, 3)
    before = out.read_bytes()
    status, told = run(capsys, *command)
    assert status == 2 and "exists already" in told and out.read_bytes() == before
    parts = tmp_path / "parts"
    folder_of(colours(60), parts / "train")
    folder_of(colours(40), parts / "val")
    again = [parts if part is data else tmp_path / "again.safetensors" if part is out else part for part in command]
    status, told = run(capsys, *again)
    # 40 that are held out, and the same 40 in the other part; the victim may have been trained on the 20 others
    assert status == 0 and "of 80 clean test images" in told

    image = next(data.rglob("*.png"))
    assert main([*map(str, ("attribute", image, "--pack", default_pack, "--victim", out, "--json", "-"))]) == 0
    (record,) = json.loads(capsys.readouterr().out)["records"]
    assert record["asked"] == ["Mine"] and record["evidence"] == "image+probes"


def test_a_victim_that_would_do_much_better_otherwise_is_not_taken_unasked(
    default_pack: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given red for blue it names green and white right."""
    out = tmp_path / "swapped.safetensors"
    network = Colour(bgr=True, order=(2, 1, 0, 3))  # classes by their folders' names
    command = ["victims", "import", program(network, tmp_path / "swapped.pt"), "--data", data]
    command += ["--pack", default_pack, "--out", out]
    status, told = run(capsys, *command)
    assert status == 2 and "names 50.0% of the clean images right" in told and "--as-given" in told
    assert "blue, green, red" in told and not out.exists()
    assert run(capsys, *command, "--as-given")[0] == 0 and read_card(out).accuracy == 0.5
    out.unlink()
    assert run(capsys, *command, "--bgr")[0] == 0 and read_card(out).accuracy == 1.0


def test_what_cannot_be_imported_says_why(
    default_pack: Path, data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harm = tmp_path / "harm"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Harm(harm)))
    (tmp_path / "empty").mkdir()
    into = ("--pack", default_pack, "--out", tmp_path / "out.safetensors")
    for arguments, reason in (
        ((tmp_path / "evil.pth", "--architecture", "resnet18", "--data", data), "is refused"),
        ((tmp_path / "none.pt", "--data", data), "There is no file"),
        ((model, "--data", tmp_path / "empty"), "no image"),
        ((model, "--data", folder_of(colours(12), tmp_path / "few")), "Give more clean images"),
        ((model, "--data", data, "--mean", "a half"), "not numbers"),
        ((model, "--data", data, "--std", "0"), "greater than 0"),
        ((model, "--data", data, "--name", "../up"), "should match pattern"),
        ((model, "--data", data, "--name", "Clean"), "nobody attacked"),
        (
            (model, "--data", folder_of(colours(12), tmp_path / "flat", labelled=False), "--classes", "1,2"),
            "no classes",
        ),
        ((model, "--data", data, "--size", "2000"), "less than or equal to 1024"),
    ):
        status, told = run(capsys, "victims", "import", *arguments, *into)
        assert status == 2 and reason in told, told
    assert not harm.exists() and not (tmp_path / "out.safetensors").exists()
    status, told = run(capsys, "victims", "import", model, "--data", data, "--out", tmp_path / "out.pt")
    assert status == 2 and ".safetensors" in told
    nameless = model.rename(tmp_path / "模型.pt")
    status, told = run(capsys, "victims", "import", nameless, "--data", data)
    assert status == 2 and "--name" in told
    (data / "red" / "t10k-images-idx3-ubyte-notes.png").write_bytes(next(data.rglob("*.png")).read_bytes())
    fitting = ("--mean", "0.5", "--std", "0.5", "--classes", "0,5,2,3", "--name", "M", *into)
    status, told = run(capsys, "victims", "import", nameless, "--data", data, *fitting)
    assert status == 0, told


def test_only_packs_that_ask_get_victims(
    tiny_pack: Path, tiny_manifest: dict[str, Any], data: Path, model: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    status, told = run(capsys, "victims", "import", model, "--data", data, "--pack", tiny_pack)
    assert status == 2 and "cannot ask victims" in told
    for side, more in ((1200, {}), (8, {"width": 16})):
        image = {"channels": 3, "height": side, "width": side, **more}
        pack = tmp_path / f"{side}.mtaapack"
        write_asking_pack(pack, {**tiny_manifest, "image": image}, [{"name": "Lost", "sha256": "f" * 64}])
        status, told = run(capsys, "victims", "import", model, "--data", data, "--pack", pack)
        assert status == 2 and "squares of 8 to 1024" in told


def test_a_kept_victim_takes_no_others_place(tmp_path: Path) -> None:
    def made(content: bytes) -> Path:
        path = tmp_path / "mine.safetensors"
        path.write_bytes(content)
        return path

    first, again, second = keep_victim(made(b"one")), keep_victim(made(b"one")), keep_victim(made(b"two"))
    assert first == again == paths.user_data() / "victims" / "mine.safetensors"
    assert second.name == "mine-2.safetensors" and first.read_bytes() == b"one" and second.read_bytes() == b"two"
    assert not (tmp_path / "mine.safetensors").exists()


def check(dialog: BringVictimDialog, qtbot: QtBot) -> str:
    dialog.panel.check.click()
    wait_checked(dialog, qtbot)
    return dialog.panel.verdict.text()


def wait_checked(dialog: BringVictimDialog, qtbot: QtBot) -> None:
    """Until no check goes on, nor the look at the images before it."""
    qtbot.waitUntil(lambda: dialog.panel.check.isEnabled() and dialog.panel.check.text() == "Check")


def test_a_model_that_falls_on_the_list_is_checked_and_asked(
    default_pack: Path, window: MainWindow, qtbot: QtBot, data: Path, model: Path
) -> None:
    drop(window, next(data.rglob("*.png")))
    wait_judged(qtbot, window, 1)
    window.actions_["show_victims"].trigger()
    victims = window.commands.victims_dialog()
    qtbot.waitUntil(victims.bring.isEnabled)
    drop(victims, model)
    dialog = victims.bringing
    assert dialog is not None and dialog.file.text() == str(model) and not dialog.panel.check.isEnabled()
    dialog.images.setText("~nobody/here")
    dialog.images.setText(str(data))
    told = check(dialog, qtbot)
    assert "6 classes the images are of" in told and not dialog.ok.isEnabled()
    dialog.panel.take.click()
    wait_checked(dialog, qtbot)
    assert "It names 100.0% of 240 clean test" in dialog.panel.verdict.text() and dialog.ok.isEnabled()
    dialog.images.setText(str(data.parent))
    assert not dialog.ok.isEnabled(), "it was not checked on these"
    dialog.images.setText(str(data))
    dialog.ok.click()
    kept = paths.user_data() / "victims" / "my-model.safetensors"
    qtbot.waitUntil(lambda: [one.name for one in victims.offered] == ["Lost", "my-model"])
    assert victims.offered[1].path == kept and not dialog.panel.folder.exists()
    wait_judged(qtbot, window, 1)
    row = window.session.viewing.row
    assert row is not None and row.attribution is not None
    qtbot.waitUntil(lambda: bool(row.attribution and row.attribution.testimonies))
    assert [said.victim for said in row.attribution.testimonies] == ["my-model"]
    assert window.session.settings.text("attribution/clean-images") == str(data)


def test_a_state_dict_is_told_from_a_victim(
    default_pack: Path, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    save_file({"head.weight": torch.zeros(2, 2)}, tmp_path / "state.safetensors")
    window.actions_["show_victims"].trigger()
    victims = window.commands.victims_dialog()
    qtbot.waitUntil(victims.bring.isEnabled)
    drop(victims, tmp_path / "state.safetensors")
    assert victims.bringing is not None and victims.bringing.file.text().endswith("state.safetensors")
    assert window.session.setup.victims == ()
    other = BringVictimDialog(read_manifest(default_pack).image, victims, window.session.reader)
    assert other.panel.folder != victims.bringing.panel.folder
    for dialog in (other, victims.bringing):
        (dialog.panel.folder / "images").mkdir(parents=True)
    other.reject()
    assert victims.bringing.panel.folder.is_dir()
    victims.bringing.reject()
    assert not list((paths.user_data() / "runs").iterdir())


def test_what_the_images_are_is_seen_away_from_the_gui_thread(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be thousands of folders; whatever was entered meanwhile asks for another look."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "t10k-images-idx3-ubyte.gz").touch()
    begun: list[str] = []
    for image, source in ((28, "mnist"), (32, "folder")):
        spec = ImageSpec(channels=1, height=image, width=image)
        dialog = BringVictimDialog(spec, window, window.session.reader, "mine.pt", str(tmp_path))
        monkeypatch.setattr(dialog.panel, "begin", lambda _, of=dialog: begun.append(of.choices.source))
        dialog.panel.check.click()
        assert not dialog.panel.check.isEnabled() and not begun, "not in this thread"
        qtbot.waitUntil(dialog.panel.check.isEnabled)
        assert begun == [source]
        begun.clear()
        dialog.panel.check.click()
        dialog.images.setText(str(tmp_path / "raw"))
        dialog._looks.told.emit(str(tmp_path), True)
        assert not begun
        dialog.reject()


def test_a_dialog_leaves_nothing_in_the_session(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed during a look, it leaves that alone, which then goes with its last answer."""
    goes_on = threading.Event()
    monkeypatch.setattr("app.wizard.bring_victim.are_mnist", lambda data, image: goes_on.wait())
    reader, spec = window.session.reader, ImageSpec(channels=1, height=28, width=28)
    try:
        dialog = BringVictimDialog(spec, window, reader, "mine.pt", str(tmp_path))
        dialog.open()
        dialog.panel.check.click()
        dialog.reject()
        qtbot.waitUntil(lambda: not isValid(dialog))
        assert len(reader.findChildren(Looks)) == 1
    finally:
        goes_on.set()
    qtbot.waitUntil(lambda: not reader.findChildren(Looks))
