"""Around the items: which examples a table takes, the paper's figures, refusals, and the rendered page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import tomli_w
import torch
from PIL import Image
from torch import Tensor, nn

from app.__main__ import main
from core.errors import DataError, ScenarioError
from core.manifest import AttackLabel
from core.paths import RESOURCES
from training.experiments import table7, table8, table9, table10, table12, table13, table14
from training.experiments.delta import delta_mtl
from training.experiments.item import run_item
from training.experiments.items import ITEMS
from training.experiments.perturbations import known_digits
from training.experiments.render import render
from training.experiments.rivals import make_rival
from training.experiments.study import Study, open_study
from training.experiments.subset import Subset, narrow, select, table1_range
from training.scenario import Scenario, read_scenario
from training.sources import CleanImages, load_digits_images

Build = Callable[..., Study]


def test_the_papers_own_figures_give_the_delta_that_it_does_not_state() -> None:
    assert 100 * delta_mtl(table7.PAPER["mtaa"], table7.PAPER["resnet50-mlp"]) == pytest.approx(2.19, abs=0.005)
    perfect = {"attack": 1.0, "victim": 1.0, "hyperparameter": 2.0}
    assert delta_mtl(perfect, perfect) == 0
    assert delta_mtl({**perfect, "hyperparameter": 1.0}, perfect) == pytest.approx(0.5 / 3)


def test_every_row_of_table_13_is_a_configuration_of_its_own() -> None:
    switches = [
        (c.backbone, c.uncertainty_weighted, c.task_specific_layers, c.perturbation_extractor)
        for c in table13.ROWS.values()
    ]
    assert switches == [
        ("resnet18", False, False, None),
        ("resnet18", True, False, None),
        ("resnet18", True, True, None),
        ("resnet50", True, True, None),
        ("resnet50", True, True, "features"),
    ]
    assert all(c.hyperparameter_head == "shared" for c in table13.ROWS.values())
    last, first = list(table13.PAPER.values())[-1], table9.PAPER["FGSM, PGD, C&W / 5 victims"]
    assert [last[t] for t in ("victim", "hyperparameter")] == [first[t] for t in ("victim", "hyperparameter")]


def test_the_papers_figures_for_photographs_stand_beside_its_own_networks() -> None:
    assert 100 * delta_mtl(table12.PAPER["mtaa"], table12.PAPER["resnet101"]) == pytest.approx(13.39, abs=0.005)
    assert [c.backbone for c in table14.ROWS.values()] == [*3 * ["resnet50"], *2 * ["resnet101"]]
    last = list(table14.PAPER.values())[-1]
    for task in ("attack", "victim", "hyperparameter"):
        assert table8.PAPER["mtaa"][task] == last[task] == table10.PAPER["FGSM, PGD, C&W / 5 victims"][task]
    shared = {cell.key for name in ("table8", "table10", "table14") for cell in ITEMS[name].cells(_protocol(), 0)}
    apart = sum(len(ITEMS[name].cells(_protocol(), 0)) for name in ("table8", "table10", "table14"))
    assert len(shared) == apart - 2, "MTAA over all is one network"
    (classifier, _) = ITEMS["figure2"].cells(_protocol(), 0)
    (ours,) = ITEMS["figure7"].cells(_protocol(), 0)
    assert classifier.name == "resnet101-attack-victim" and ours.settings["network"]["backbone"] == "resnet101"


def _protocol() -> Study:
    """Of photographs, of which nothing is made."""
    path = RESOURCES / "scenarios" / "imagenette224-protocol.toml"
    study = Study(read_scenario(path), Path("nowhere"), dataset="imagenette224")
    study.__dict__["fingerprint"] = "none"
    return study


def test_the_self_built_network_has_eleven_layers() -> None:
    layers = [m for m in make_rival("mitre", 1, 15).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 11


def test_a_subset_holds_its_own_labels_and_so_many_a_cell(study: Build, toy: Scenario) -> None:
    own = study()
    chosen = Subset(3, clean=7, attacks=("PGD", "C&W"), victims=("VGG19", "ResNet50"), paper=False)
    narrowed = narrow(toy, chosen)
    assert narrowed.attack_names == ["clean", "PGD", "C&W"]
    assert narrowed.victim_names == ["clean", "ResNet50", "VGG19"]
    part, whole = own.examples("train", chosen), own.examples("train")
    attacked = part.entry >= 0
    assert (~attacked).sum() == 7
    for label, entry, victim, value in zip(part.attack, part.entry, part.victim, part.hyperparameter, strict=True):
        cell = (part.entry == entry) & (part.victim == victim) & (part.hyperparameter == value)
        assert cell.sum() <= (3 if entry >= 0 else 7)
        assert narrowed.attack_names[label] == ("clean" if entry < 0 else narrowed.attacks[entry].name)
    names = {(narrowed.victim_names[v], p.tobytes()) for v, p in zip(part.victim, part.adversarial, strict=True)}
    known = {(toy.victim_names[v], p.tobytes()) for v, p in zip(whole.victim, whole.adversarial, strict=True)}
    assert names <= known


def test_the_papers_subset_leaves_out_other_toolboxes_and_clean(study: Build, toy: Scenario) -> None:
    narrowed = narrow(toy, Subset(1))
    assert [a.key for a in narrowed.attacks] == ["fgsm-mtaa", "pgd-mtaa", "cw-mtaa"]
    assert "clean" not in narrowed.attack_names + narrowed.victim_names
    part = study().examples("test", Subset(100))
    assert part.attack.min() == 0 and part.attack.max() == 2
    assert len(select(toy, study().examples("test"), Subset(100, paper=False))) > len(part)


def test_a_hyperparameter_that_table_1_has_not_gets_kappas_range() -> None:
    """As ``training.metrics`` weighs its errors."""
    overshoot = AttackLabel(name="DeepFool", hyperparameter="overshoot", unit="%", minimum=2, maximum=50)
    assert table1_range(overshoot) == (5, 95)


def test_a_subset_of_what_is_not_there_is_refused(toy: Scenario) -> None:
    with pytest.raises(ScenarioError, match="has no DenseNet"):
        narrow(toy, Subset(1, victims=("DenseNet", "VGG16")))
    none = Scenario.model_validate(narrow(toy, Subset(1)).model_dump())
    with pytest.raises(ScenarioError, match="no clean"):
        narrow(none, Subset(1, clean=3))


def test_the_scale_cuts_training_examples_and_epochs(out: Path) -> None:
    whole, quarter = Study(Scenario, out), Study(Scenario, out, scale=0.25)  # type: ignore[arg-type]
    assert (whole.per_cell, quarter.per_cell) == (160, 40)
    assert (whole.epochs_of(30), quarter.epochs_of(30)) == (30, 15)
    assert Study(Scenario, out, scale=0.25, epochs=7).epochs_of(30) == 7  # type: ignore[arg-type]


def test_the_protocol_is_taken_at_the_scale_where_there_is_nothing(tmp_path: Path) -> None:
    study = open_study("mnist", tmp_path, scale=0.1)
    assert {a.cell.train for a in study.scenario.attacks} == {16}
    assert {a.cell.test for a in study.scenario.attacks} == {20}
    assert sum(len(a.grid.values) for a in study.scenario.attacks) * len(study.scenario.victims) == 300


def test_images_of_a_folder_are_a_data_set_of_any_name(digits: CleanImages, toy: Scenario, tmp_path: Path) -> None:
    for at, image in enumerate(digits.images[:60]):
        folder = tmp_path / "pictures" / str(at % 2)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(folder / f"{at}.png")
    content = toy.model_dump(exclude_none=True) | {
        "clean": toy.clean.model_dump(exclude_none=True) | {"source": "folder", "size": 16, "channels": 1}
    }
    (tmp_path / "own.toml").write_text(tomli_w.dumps(content))
    study = open_study("pictures", tmp_path / "out", scenario=tmp_path / "own.toml", source=tmp_path / "pictures")
    assert study.clean.shape == (1, 16, 16) and len(study.clean.images) == 60
    with pytest.raises(DataError, match="folder is missing"):
        assert open_study("pictures", tmp_path / "out", scenario=tmp_path / "own.toml").clean


REFUSED = {
    "unknown item": (["table99"], "table99"),
    "scale of nothing": (["table2", "--scale", "0"], "--scale"),
    "another data set": (["table2", "--dataset", "mnist"], "is about digits"),
    "no protocol": (["table2", "--dataset", "imagenette", "--scenario", "/nowhere.toml"], "cannot be read"),
    "no pack": (["coverage", "--pack", "nowhere"], "no pack nowhere"),
    "pack of other victims": (["coverage", "--pack", "mnist"], "was not taught the victims"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_reproduced_is_refused_in_a_sentence(
    arguments: list[str], said: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = [] if "--dataset" in arguments else ["--dataset", "digits"]
    assert main(["reproduce", *arguments, *dataset, "--out", str(out), "--device", "cpu"]) == 2
    error = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert said in error
    assert "Traceback" not in error
    assert not (out / "coverage.json").exists()


def test_all_items_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ITEMS)


def test_a_damaged_result_is_refused_and_named(study: Build, out: Path) -> None:
    item = ITEMS["figure4"]
    run_item(item, study(), [0])
    (cell,) = (out / "cells").glob("*.json")
    cell.write_text("{")
    with pytest.raises(DataError, match=cell.name):
        run_item(item, study(), [0])


def test_the_page_is_rendered_from_the_results(study: Build, out: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no results"):
        render(tmp_path)
    content = run_item(ITEMS["figure4"], study(), [0])
    (tmp_path / "results").mkdir()
    for suffix in ("json", "png"):
        shutil.copy(out / f"figure4.{suffix}", tmp_path / "results")
    assert main(["reproduce", "--render", str(tmp_path)]) == 0
    page = (tmp_path / "README.md").read_text("utf-8")
    assert page.count("Not run.") == sum(item.of != "photographs" for item in ITEMS.values()) - 1
    assert "Table 7" in page and "Table 8" not in page, "of photographs"
    assert "![" in page and "results/figure4.png" in page
    l2 = content["runs"]["0"]["perturbations"]["victims"]["VGG16"]["l2"]
    assert f"| VGG16 | 100.00 | {l2:.2f} |" in page
    assert "scale 0.01" in page and "seed 0" in page and "CPU" in page
    other = tmp_path / "results/photographs"
    other.mkdir()
    (other / "figure4.json").write_text(json.dumps(content | {"dataset": "photographs"}))
    part = render(tmp_path).read_text("utf-8").partition("# photographs")[2]
    assert f"| VGG16 | 100.00 | {l2:.2f} |" in part and "photographs, scenario toy" in part
    left = part.partition("Not run: ")[2]
    assert "![" not in part and "table3, table5" in left and "table2" not in left
    broken = tmp_path / "results/table2.json"
    broken.write_text(json.dumps({"item": "table2"}))
    with pytest.raises(DataError, match=r"table2\.json"):
        render(tmp_path)


@dataclass
class Knowing:
    """A victim that is always right, in its own class numbers."""

    numbers: tuple[int, ...] | None
    known: dict[bytes, int]

    @property
    def card(self) -> SimpleNamespace:
        return SimpleNamespace(class_map=self.numbers)

    def __call__(self, images: Tensor) -> Tensor:
        return torch.eye(100)[[self.known[bytes((image * 255).round().byte().numpy())] for image in images]]


def test_images_are_those_that_a_victim_names_in_its_own_classes() -> None:
    """Which may be other numbers than the data set's, and others for each victim."""
    clean = load_digits_images()
    victims = [
        Knowing(numbers, dict(zip(map(bytes, clean.images), (clean.labels + first).tolist(), strict=True)))
        for numbers, first in ((None, 0), (tuple(range(90, 100)), 90))
    ]
    study = SimpleNamespace(clean=clean, device=torch.device("cpu"))
    images, (own, other) = known_digits(study, victims, 20)  # type: ignore[arg-type]
    assert len(images) == 20 and (own == clean.labels[clean.rows("test")[:20]]).all()
    assert (other == own + 90).all()
