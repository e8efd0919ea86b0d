"""Victims that are asked, in the window and on the command line: both give the same answers."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from safetensors.torch import save_file

from app.__main__ import main
from app.judging import make_attributor
from app.main_window import MainWindow
from app.requests import Setup
from app.victims_view import VictimsDialog
from core import paths
from core.errors import VictimError
from core.labels import NONE_OF_THESE
from core.types import Attribution
from core.victims import load_victim
from core.wording import likelier, logits, signed, tells_nothing
from tests.app.helpers import drop, wait_judged
from tests.core.panels import write_asking_pack

RESNET, VGG = (paths.RESOURCES / "victims" / f"{name}.safetensors" for name in ("resnet18", "vgg16"))
Saying = Callable[[], Attribution]


@pytest.fixture
def default_pack(tiny_manifest: dict[str, Any]) -> Path:
    """A pack that can ask victims, in the place of the shipped one: it knows ResNet18, and one that is not at hand."""
    path = paths.user_data() / "packs" / "mnist.mtaapack"
    path.parent.mkdir(parents=True)
    known = [{"name": "ResNet18", "sha256": load_victim(RESNET)[1]}, {"name": "Lost", "sha256": "f" * 64}]
    write_asking_pack(path, {**tiny_manifest, "name": "mnist"}, known)
    return path


@pytest.fixture
def saying(window: MainWindow, qtbot: QtBot, pictures: Path) -> Saying:
    """One picture is open; calling it waits until it is judged and gives the answer."""
    drop(window, pictures / "a.png")

    def answer() -> Attribution:
        wait_judged(qtbot, window, 1)
        row = window.session.viewing.row
        assert row is not None and row.attribution is not None
        return row.attribution

    return answer


@pytest.fixture
def victims(window: MainWindow, qtbot: QtBot) -> VictimsDialog:
    window.actions_["show_victims"].trigger()
    dialog = window.commands.victims_dialog()
    qtbot.waitUntil(lambda: bool(dialog.offered))
    return dialog


def table(dialog: VictimsDialog) -> list[tuple[str, str]]:
    items = (dialog.table.topLevelItem(at) for at in range(dialog.table.topLevelItemCount()))
    return [(item.text(0), item.text(1)) for item in items if item is not None]


def test_the_victim_at_hand_is_asked_and_says_so_in_words(window: MainWindow, saying: Saying, qtbot: QtBot) -> None:
    answer = saying()
    assert answer.evidence == "image+probes"
    (said,) = answer.testimonies
    assert said.victim == "ResNet18"
    words = window.answer.testimonies.words
    qtbot.waitUntil(words.isVisible)
    mind = f"{'was' if said.changes else 'can have been'} before, “{said.before}” by its own word alone, is"
    assert f"{mind} {logits(said.margin)} logits behind" in words.text() and f"at {signed(said.match)}" in words.text()
    worth = f"{likelier(said.odds)} times as probable if it is {'' if said.odds >= 0 else 'not '}the victim"
    assert (worth in words.text()) != tells_nothing(said.odds)
    assert f"ResNet18 sees “{said.label}” in the image" in words.text()
    assert words.text() in window.answer.sentence.toPlainText()


def test_another_coverage_counts_what_the_victims_said(
    window: MainWindow, saying: Saying, qtbot: QtBot, pictures: Path
) -> None:
    saying()
    drop(window, pictures / "b.png")
    wait_judged(qtbot, window, 2)
    rows = window.session.images.rows
    window.answer.slider.setValue(80)

    def answers() -> list[Attribution]:
        return [row.attribution for row in rows if row.attribution and row.attribution.attack.coverage == 0.8]

    qtbot.waitUntil(lambda: len(answers()) == 2)
    before = answers()
    window.actions_["select_all"].trigger()
    window.actions_["judge_again"].trigger()
    wait_judged(qtbot, window, 2)
    for old, new in zip(before, answers(), strict=True):
        assert old.testimonies and old.victim.prediction_set == new.victim.prediction_set
        assert [h.low for h in old.hyperparameters] == pytest.approx([h.low for h in new.hyperparameters], abs=1e-3)


def test_the_dialog_says_who_is_at_hand(victims: VictimsDialog) -> None:
    assert table(victims) == [("ResNet18", "yes"), ("Lost", "no")]
    assert victims.ask.isChecked() and not victims.take_back.isEnabled()
    assert victims.offered[0].held is not None and victims.offered[0].held.path == RESNET


def test_nobody_is_asked_when_the_analyst_says_so(
    window: MainWindow, saying: Saying, victims: VictimsDialog, qtbot: QtBot
) -> None:
    assert saying().testimonies
    victims.ask.click()
    qtbot.waitUntil(lambda: table(victims) == [("ResNet18", "no"), ("Lost", "no")])
    assert saying().evidence == "image"
    assert not window.answer.testimonies.isVisible()
    assert not window.session.settings.flag("attribution/ask")
    victims.ask.click()
    assert saying().testimonies


def test_a_closed_set_leaves_only_those_that_are_asked(
    window: MainWindow, saying: Saying, victims: VictimsDialog, qtbot: QtBot, tmp_path: Path, tiny_pack: Path
) -> None:
    assert NONE_OF_THESE in {c.label for c in saying().victim.ranking} and not victims.closed.isChecked()
    victims.closed.click()
    answer = saying()
    assert {c.label for c in answer.victim.ranking} == {"clean", "ResNet18"} and answer.closed_set
    assert "taken to be one of those asked" in window.answer.sentence.toPlainText()
    said = json.loads(window.session.settings.text("attribution/closed-set"))
    assert said == [window.session.setup.pack, load_victim(RESNET)[1]]
    qtbot.waitUntil(lambda: victims.remark.text() == "Ruled out in the closed set: Lost.")
    victims.ask.click()
    assert not saying().testimonies and not victims.closed.isEnabled(), "there is nobody to choose among"
    victims.ask.click()
    assert not saying().closed_set, "who was taken away may be the one: it is to be said anew"
    qtbot.waitUntil(victims.closed.isEnabled)
    victims.closed.click()
    assert saying().closed_set
    session = window.session
    session.set_setup(replace(session.setup, pack=str(tiny_pack)))
    assert not session.setup.closed, "it was said of the images of another pack"
    session.set_setup(replace(session.setup, pack="mnist"))
    assert saying().closed_set
    window.session.desk.create(str(tmp_path / "closed.mtaacase"), [window.session.images.rows[0].entry.path])
    qtbot.waitUntil(lambda: window.session.desk.case is not None)
    assert saying().closed_set
    victims.refresh()
    assert not victims.closed.isEnabled()
    window.session.desk.close()
    victims.refresh()
    qtbot.waitUntil(victims.closed.isEnabled)
    victims.closed.click()
    assert not window.session.setup.closed
    window.session.desk.open(str(tmp_path / "closed.mtaacase"))
    qtbot.waitUntil(lambda: window.session.desk.case is not None)
    assert saying().closed_set and window.session.setup.closed, "the case keeps to its own"
    session.set_setup(replace(session.setup, device="cpu"))
    session.desk.close()
    assert not session.setup.closed, "what a case keeps to is not the user's"


def test_a_victim_of_a_closed_set_that_is_gone_is_no_matter_of_course(default_pack: Path, tmp_path: Path) -> None:
    gone = Setup("mnist", "cpu", True, (str(tmp_path / "gone.safetensors"),))
    known = load_victim(RESNET)[1]
    assert [one.name for one in make_attributor(gone).asked] == ["ResNet18"]
    assert make_attributor(replace(gone, closed=(known,))).victims == ["clean", "ResNet18"]
    with pytest.raises(VictimError, match="closed set is not at hand"):
        make_attributor(replace(gone, closed=(known, "a" * 64)))
    with pytest.raises(VictimError, match="closed set is not at hand"):
        make_attributor(replace(gone, ask=False, closed=(known,)))
    kept = replace(gone, only=(known, "a" * 64), closed=(known, "a" * 64))
    assert make_attributor(kept).victims[-1] == NONE_OF_THESE, "a case is shown all the same, and takes nothing new"


def test_a_victim_is_handed_over_and_taken_back(
    window: MainWindow, saying: Saying, victims: VictimsDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    saying()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(VGG)], ""))
    victims.hand_over.click()
    qtbot.waitUntil(lambda: ("VGG16", "yes") in table(victims))
    answer = saying()
    assert [said.victim for said in answer.testimonies] == ["ResNet18", "VGG16"]
    assert {c.label for c in answer.victim.ranking} == {"clean", "ResNet18", "Lost", "VGG16", NONE_OF_THESE}
    assert window.session.settings.text("attribution/victims") == json.dumps([str(VGG)])
    victims.table.setCurrentItem(victims.table.topLevelItem(0))
    assert not victims.take_back.isEnabled()  # it is the pack's
    victims.table.setCurrentItem(victims.table.topLevelItem(2))
    victims.take_back.click()
    qtbot.waitUntil(lambda: len(table(victims)) == 2)
    assert [said.victim for said in saying().testimonies] == ["ResNet18"]


def test_a_victim_that_is_dropped_on_the_window_is_handed_over(
    window: MainWindow, saying: Saying, qtbot: QtBot
) -> None:
    saying()
    drop(window, VGG)
    dialog = window.commands.victims_dialog()
    qtbot.waitUntil(lambda: dialog.isVisible() and ("VGG16", "yes") in table(dialog))
    assert [said.victim for said in saying().testimonies] == ["ResNet18", "VGG16"]
    assert window.session.images.rowCount() == 1, "it is no image"


def test_a_model_that_is_dropped_on_a_window_that_was_just_opened_is_brought(
    window: MainWindow, default_pack: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    model = tmp_path / "mine.pt2"
    model.write_bytes(b"no victim of this program")
    drop(window, model)
    dialog = window.commands.victims_dialog()
    qtbot.waitUntil(lambda: dialog.bringing is not None)
    assert dialog.bringing is not None and dialog.bringing.file.text() == str(model)
    dialog.bringing.reject()


def test_a_file_that_is_no_victim_is_listed_with_its_reason(
    saying: Saying, victims: VictimsDialog, qtbot: QtBot, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"\x20" + bytes(7) + b'{"card": "no tensors"}')
    drop(victims, bad)
    qtbot.waitUntil(lambda: ("bad.safetensors", "no") in table(victims))
    item = victims.table.topLevelItem(2)
    assert item is not None and "not a victim file" in item.text(2)
    assert [said.victim for said in saying().testimonies] == ["ResNet18"]  # the others are asked all the same
    victims.table.setCurrentItem(item)
    victims.take_back.click()
    qtbot.waitUntil(lambda: len(table(victims)) == 2)


def test_the_window_says_what_the_command_line_says(
    saying: Saying, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = saying()
    assert main(["attribute", str(pictures / "a.png"), "--json", "-", "--device", "cpu"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["records"]
    assert record["evidence"] == "image+probes" and record["asked"] == ["ResNet18"]
    assert record["testimonies"][0]["margin"] == pytest.approx(shown.testimonies[0].margin, rel=1e-4)
    assert record["victim"]["label"] == shown.victim.label
    assert record["victim"]["probability"] == pytest.approx(shown.victim.probability, abs=1e-5)


def test_models_that_are_not_taken_are_told_of(
    window: MainWindow, victims: VictimsDialog, qtbot: QtBot, tmp_path: Path, tiny_pack: Path
) -> None:
    one, two = (tmp_path / f"{name}.pt" for name in ("one", "two"))
    for path in (one, two):
        path.write_bytes(b"no victim of this program")
    assert victims.bring.isEnabled() and victims.bring.toolTip() == ""
    drop(victims, one, VGG)
    qtbot.waitUntil(lambda: ("VGG16", "yes") in table(victims))
    assert victims.bringing is None and victims.remark.text().startswith("Not taken: one.pt.")
    drop(victims, one, two)
    assert victims.bringing is not None and victims.bringing.file.text() == str(one)
    assert victims.remark.text().startswith("Not taken: two.pt.")
    victims.bringing.reject()
    victims.bringing = None
    window.session.use_pack(str(tiny_pack))
    victims.refresh()
    qtbot.waitUntil(lambda: not victims.bring.isEnabled())
    assert "judges by the image alone" in victims.bring.toolTip()
    drop(victims, one)
    assert victims.bringing is None and "Not taken: one.pt. This pack judges" in victims.remark.text()


# --- the command line -----------------------------------------------------------------------------------------------


def test_victims_on_the_command_line(
    default_pack: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.safetensors"
    shutil.copy(VGG, own)
    outputs = ["--csv", str(tmp_path / "a.csv"), "--report", str(tmp_path / "a.html"), "--device", "cpu"]
    assert main(["attribute", str(pictures / "a.png"), "--victim", str(own), *outputs]) == 0
    assert "asking ResNet18, VGG16" in " ".join(capsys.readouterr().out.split())
    (row,) = csv.DictReader((tmp_path / "a.csv").read_text("utf-8").splitlines())
    assert (row["evidence"], row["asked"]) == ("image+probes", "ResNet18|VGG16")
    assert float(row["testimonies.VGG16.match"]) <= 1 and row["victim.ranking." + NONE_OF_THESE]
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "What the victims say" in page and page.count("its gradient&#39;s signs agree") == 2


def test_a_closed_set_on_the_command_line(
    default_pack: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = str(tmp_path / "closed.mtaacase")
    asking = ["attribute", str(pictures / "a.png"), "--victim", str(VGG), "--device", "cpu", "--case", case]
    assert main([*asking, "--closed-set"]) == 0
    shown = capsys.readouterr()
    assert "asking ResNet18, VGG16, as a closed set" in " ".join(shown.out.split())
    assert "Ruled out in the closed set: Lost" in shown.err
    assert "taken to be one of those asked" not in shown.out, "the summary tells it once"
    assert main([*asking, "--resume", "--open-set"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "as a closed set, and now it would be asking" in told and "--closed-set" in told
    assert main([*asking, "--resume", "--no-ask"]) == 2
    assert "as a closed set, and now it would be asking VGG16" in " ".join(capsys.readouterr().err.split())
    assert main([*asking, "--resume", "--json", str(tmp_path / "a.json")]) == 0, "the case keeps to its own"
    (record,) = json.loads((tmp_path / "a.json").read_text("utf-8"))["records"]
    assert record["closed_set"] and {c["label"] for c in record["victim"]["ranking"]} == {"clean", "ResNet18", "VGG16"}
    report = str(tmp_path / "a.html")
    assert main(["case", "export", case, "--victim", str(VGG), "--report", report, "--device", "cpu"]) == 0
    page = " ".join(Path(report).read_text("utf-8").split())
    assert "<dt>Victims asked, as a closed set</dt>" in page and "taken to be one of those asked" in page


def test_a_closed_set_needs_a_victim(
    tiny_pack: Path, default_pack: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attribute", str(pictures / "a.png"), "--closed-set", "--no-ask"]) == 2
    assert "--no-ask asks nobody" in " ".join(capsys.readouterr().err.split())
    assert main(["attribute", str(pictures / "a.png"), "--closed-set", "--pack", str(tiny_pack)]) == 2
    assert "asks no victims. Leave --closed-set out." in capsys.readouterr().err
    own = ["--closed-set", "--no-ask", "--victim", str(VGG), "--json", "-", "--device", "cpu"]
    assert main(["attribute", str(pictures / "a.png"), *own]) == 0
    (record,) = json.loads(capsys.readouterr().out)["records"]
    assert record["asked"] == ["VGG16"] and {c["label"] for c in record["victim"]["ranking"]} == {"clean", "VGG16"}


def test_the_image_alone_on_the_command_line(
    default_pack: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attribute", str(pictures / "a.png"), "--no-ask", "--json", "-", "--device", "cpu"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["records"]
    assert (record["evidence"], record["asked"], record["testimonies"]) == ("image", [], [])


def test_a_missing_victim_is_an_error_on_the_command_line(
    default_pack: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "gone.safetensors")
    assert main(["attribute", str(pictures / "a.png"), "--victim", missing, "--device", "cpu"]) == 2
    assert "gone.safetensors" in capsys.readouterr().err


def test_the_command_line_says_who_is_at_hand(
    default_pack: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["packs", "victims"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("ResNet18 yes") for line in lines) and any(line.startswith("Lost no") for line in lines)
    assert main(["packs", "victims", str(tiny_pack)]) == 0
    assert "the image alone" in capsys.readouterr().out


def test_victims_files_say_what_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, state = paths.user_data() / "victims" / "kept.safetensors", tmp_path / "weights.safetensors"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(VGG.read_bytes())
    save_file({"fc.weight": torch.zeros(2, 2)}, state)
    (kept.parent / "weights.safetensors").write_bytes(state.read_bytes())  # no victim: nobody named it
    assert main(["victims", "list"]) == 0
    told = capsys.readouterr()
    assert "".join(told.out.split()).count("kept.safetensors") == 1 and "weights" not in told.out + told.err
    assert main(["victims", "list", str(VGG), str(state)]) == 1
    told = capsys.readouterr()
    assert "VGG16 VGG16 1x28x28 10" in " ".join(told.out.split())
    assert "weights.safetensors" in told.err and "mtaa victims import" in told.err


@pytest.mark.parametrize("choice", [["--no-ask"], ["--victim", str(VGG)]], ids=["nobody", "another as well"])
def test_a_case_is_gone_on_with_as_it_began(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, choice: list[str]
) -> None:
    """The window's own choice is to ask the pack's victims; a case that began otherwise keeps to its own."""
    case = tmp_path / "begun.mtaacase"
    assert main(["attribute", str(pictures / "a.png"), *choice, "--case", str(case), "--device", "cpu"]) == 0
    window.session.desk.open(str(case))
    qtbot.waitUntil(lambda: window.session.desk.case is not None and not window.session.desk.loading)
    if choice[0] == "--victim":  # it lies where the window was told before
        window.session.desk.close()
        window.commands.victims_dialog().take([str(VGG)])
        window.session.desk.open(str(case))
        qtbot.waitUntil(lambda: window.session.desk.case is not None and not window.session.desk.loading)
    drop(window, pictures / "b.png")
    wait_judged(qtbot, window, 2)
    first, second = (row.attribution for row in window.session.images.rows)
    assert first is not None and second is not None
    assert [said.victim for said in first.testimonies] == [said.victim for said in second.testimonies]
    assert len(first.testimonies) == (0 if choice == ["--no-ask"] else 2)
