"""Scenario files: what is refused, and that the refusal says where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.errors import ScenarioError
from core.paths import RESOURCES
from training.scenario import Grid, Scenario, check_scenario, read_scenario

GOOD = """
name = "two"
title = "Two"
description = "For tests."

[clean]
source = "digits"
examples = { train = 6, calibration = 2, test = 2 }
pool = { train = 20, calibration = 8, test = 8 }

[[victims]]
architecture = "ResNet18"
[[victims]]
architecture = "VGG16"
name = "other"

[[attacks]]
name = "FGSM"
grid = { first = 10, last = 30, count = 3 }
cell = { train = 4, calibration = 2, test = 2 }

[[attacks]]
name = "C&W"
backend = "cleverhans"
grid = { first = 1, last = 2, count = 2 }
cell = { train = 4, calibration = 2, test = 2 }
"""


def read(folder: Path, text: str | bytes) -> Scenario:
    path = folder / "scenario.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_scenario(path)


def test_labels_come_in_the_networks_order(tmp_path: Path) -> None:
    scenario = read(tmp_path, GOOD)
    assert scenario.attack_names == ["clean", "FGSM", "C&W"]
    assert scenario.victim_names == ["clean", "ResNet18", "other"]
    assert [v.saved_as for v in scenario.victims] == ["resnet18.safetensors", "other.safetensors"]
    assert [a.key for a in scenario.attacks] == ["fgsm-mtaa", "cw-cleverhans"]
    assert scenario.attacks[1].config == {"name": "C&W", "backend": "cleverhans"}


def test_without_clean_examples_clean_is_no_label(tmp_path: Path) -> None:
    scenario = read(tmp_path, GOOD.replace("examples = { train = 6, calibration = 2, test = 2 }\n", ""))
    assert scenario.attack_names == ["FGSM", "C&W"]
    assert scenario.victim_names == ["ResNet18", "other"]


def test_two_entries_of_one_attack_share_its_label(tmp_path: Path) -> None:
    scenario = read(tmp_path, GOOD.replace('"C&W"', '"FGSM"'))
    assert scenario.attack_names == ["clean", "FGSM"]


def test_a_file_saved_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()).name == "two"


REFUSED = {
    "unknown key": ('title = "Two"', 'title = "Two"\ncolour = "red"', "colour"),
    "unknown key of an entry": ('backend = "cleverhans"', 'backened = "cleverhans"', "attacks.1.backened"),
    "unknown key of the network": ("[clean]", "[network]\ndepth = 3\n[clean]", "network.depth"),
    "unknown key of the training": ("[clean]", "[training]\nlr = 0.1\n[clean]", "training.lr"),
    "missing": ('title = "Two"\n', "", "title"),
    "missing in an entry": ("cell = { train = 4, calibration = 2, test = 2 }\n\n", "\n", "attacks.0.cell"),
    "text for a number": ("count = 3", 'count = "three"', "attacks.0.grid.count"),
    "a fraction for a count": ("train = 6", "train = 6.5", "clean.examples.train"),
    "a number for text": ('title = "Two"', "title = 2", "title"),
    "a table for a list": ("[[victims]]\narchitecture", "[victims]\narchitecture", "TOML"),
    "negative": ("first = 10", "first = -1", "attacks.0.grid.first"),
    "equal cells": ("last = 30", "last = 10", "attacks.0.grid"),
    "no cells": ("count = 3", "count = 0", "attacks.0.grid.count"),
    "more values than anybody waits for": ("count = 3", "count = 1001", "attacks.0.grid.count"),
    "a seed that no generator takes": ('title = "Two"', 'title = "Two"\nseed = 4294967296', "seed"),
    "infinite": ("last = 30", "last = inf", "attacks.0.grid.last"),
    "not a number": ("last = 30", "last = nan", "attacks.0.grid.last"),
    "unknown source": ('source = "digits"', 'source = "nowhere"', "clean.source"),
    "a name that is a path": ('name = "two"', 'name = "../two"', "name"),
    "a victim's name that is a path": ('name = "other"', 'name = "../../other"', "victims.1.name"),
    "an architecture that is a path": (
        '[[victims]]\narchitecture = "ResNet18"',
        '[[victims]]\nfile = "a.pt"\narchitecture = "../../ResNet18"',
        "victims.0.architecture",
    ),
    "a victim's name that is a folder": ('name = "other"', 'name = "a/b"', "victims.1.name"),
    "two victims of one name": ('name = "other"', 'name = "resnet18"', "share a name"),
    "two attacks of one name and backend": ('"C&W"\nbackend = "cleverhans"', '"FGSM"', "fgsm-mtaa"),
    "a victim called clean": ('name = "other"', 'name = "Clean"', "clean"),
    "an attack called clean": ('name = "FGSM"', 'name = "clean"', "clean"),
    "clean tested but not learnt": ("{ train = 6,", "{ train = 0,", "clean: "),
    "replay of an unknown victim": (
        "[clean]",
        '[replay]\nvictims = ["nobody"]\nattacks = ["FGSM"]\ncell = { train = 1, calibration = 1, test = 1 }\n[clean]',
        "replay names nobody",
    ),
    "another attack in the parameters": ('backend = "cleverhans"', 'parameters = { name = "PGD" }', "attacks.1"),
    "syntax": ('title = "Two"', 'title = "Two', "line 3"),
    "a key twice": ('title = "Two"', 'title = "Two"\ntitle = "Two"', "line 4"),
}


@pytest.mark.parametrize(("old", "new", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_refused_and_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(ScenarioError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert named in caught.value.what
    assert str(tmp_path / "scenario.toml") in caught.value.what
    assert caught.value.remedy


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(tmp_path, GOOD.replace("count = 3", "count = 0").replace('source = "digits"', "source = 1"))
    assert "attacks.0.grid.count" in caught.value.what
    assert "clean.source" in caught.value.what
    with pytest.raises(ScenarioError, match=r"bogus: there is no such key.*`mtaa scenario keys`"):
        read(tmp_path, f"bogus = 1\n{GOOD}")


@pytest.mark.parametrize("name", ["x" * 65, "../x", "-x"])
def test_a_name_that_files_cannot_have_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match="name: "):
        read(tmp_path, re.sub('^name = ".*"', f'name = "{name}"', GOOD, count=1, flags=re.MULTILINE))
    with pytest.raises(ScenarioError, match=r"victims\.0\.name: "):
        read(tmp_path, GOOD.replace("[[victims]]", f'[[victims]]\nname = "{name}"', 1))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\0"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ScenarioError, match="not TOML"):
        read(tmp_path, content)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ScenarioError, match="cannot be read"):
            read_scenario(path)


def test_the_name_of_one_that_is_shipped_is_no_file_and_says_how_to_have_one(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as refused:
        read_scenario(tmp_path / "mnist")
    assert refused.value.remedy.endswith("mtaa scenario show mnist > mnist.toml")
    with pytest.raises(ScenarioError) as refused:
        read_scenario(tmp_path / "nope")
    assert refused.value.remedy == "Check the path."


def test_a_grid_is_even_and_holds_both_ends() -> None:
    assert Grid(first=10, last=200, count=20).values == [10.0 * i for i in range(1, 21)]
    assert Grid(first=7, last=9, count=1).values == [7]


def test_every_scenario_that_ships_reads_and_names_what_exists() -> None:
    from core.torchvision_zoo import torchvision_names  # noqa: PLC0415
    from core.victims import ARCHITECTURES  # noqa: PLC0415
    from training.attacks import make_attack  # noqa: PLC0415

    shipped = sorted((RESOURCES / "scenarios").rglob("*.toml"))
    assert len(shipped) == SHIPPED
    scenarios = [read_scenario(path) for path in shipped]
    for path, scenario in zip(shipped, scenarios, strict=True):
        assert scenario.name == path.stem
        assert {v.architecture for v in scenario.victims if v.file is None} <= {*ARCHITECTURES, *torchvision_names()}
        for spec in scenario.attacks:
            assert make_attack(spec.config).name == spec.name
    assert len({scenario.name for scenario in scenarios}) == len(scenarios)


SHIPPED = 6
"""A scenario that is added is counted here, so that a wrong folder cannot pass for an empty one."""


def test_an_extractor_that_is_not_there_is_not_trained(tmp_path: Path) -> None:
    document = read(tmp_path, GOOD).model_dump()
    document["network"]["perturbation_extractor"] = None
    document["training"]["extractor_epochs"] = 3
    with pytest.raises(ScenarioError, match="extractor_epochs needs"):
        check_scenario(document)


def test_a_share_is_kept_of_a_pack_alone(tmp_path: Path) -> None:
    kept = GOOD.partition("[training]")[0] + "[training]\nkept = 0.5\n"
    with pytest.raises(ScenarioError, match=r"needs training\.start"):
        read(tmp_path, kept)
    assert read(tmp_path, kept + 'start = "mnist"\n').training.kept == 0.5
    assert "kept" not in read(tmp_path, GOOD).model_dump()["training"]


@pytest.mark.parametrize("split", ["train", "calibration", "test"])
def test_attacks_on_no_image_are_refused(tmp_path: Path, split: str) -> None:
    from training.pipeline import check_learnable  # noqa: PLC0415

    pool = {"train": 20, "calibration": 8, "test": 8}
    text = GOOD.replace(f"{split} = {pool[split]}", f"{split} = 0")
    assert text != GOOD
    with pytest.raises(ScenarioError, match=rf"attacks {split} images, and clean\.pool has none"):
        check_learnable(read(tmp_path, text))
