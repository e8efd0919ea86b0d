"""What the training wizard takes over from a pack or a run of earlier, whoever made it."""

from __future__ import annotations

import copy
import dataclasses
import json
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from app.wizard.child import SCENARIO
from app.wizard.choices import Choices
from app.wizard.recall import grow, restore
from app.wizard.wizard import IMAGES, TrainingWizard
from core.pack import find_pack, read_manifest
from core.paths import user_data
from tests.app.test_wizard import tiny, toml_of
from training.api import check_scenario
from training.pipeline import check_plan
from training.sources import load_digits_images


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
    whole = tomllib.loads(toml_of(tiny(tmp_path), tmp_path))
    (tmp_path / SCENARIO).write_text(tomli_w.dumps(whole | tomllib.loads(document)), "utf-8")
    before = wizard.choices.document()
    wizard.come_back(str(tmp_path))
    assert wizard.currentId() == IMAGES and "This training cannot be read" in wizard.images.remark.text()
    assert wizard.choices.document() == before
