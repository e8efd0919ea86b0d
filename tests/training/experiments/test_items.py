"""Every item at toy scale: it runs, it goes on where it stopped, and its numbers are those of its own predictions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from app.__main__ import main
from core.errors import DataError
from core.pack import build_network, load_pack
from core.progress import Progress
from training.experiments import baseline_tables, coverage, fits, judge, robustness, sources, table7, table9, table13
from training.experiments.cells import TASKS
from training.experiments.figure6 import BLOCKS, gaps
from training.experiments.item import Found, run_item
from training.experiments.items import ITEMS
from training.experiments.perturbations import load
from training.experiments.study import Study
from training.metrics import TABLE1_WIDTH
from training.scenario import Scenario
from training.trainer import answer

Build = Callable[..., Study]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """C&W as other toolboxes default to takes minutes; and a victim trained anew a quarter of one."""
    from training.experiments import retrained, toolboxes  # noqa: PLC0415

    for attacks in toolboxes.DEFAULTS.values():
        monkeypatch.setitem(attacks["C&W"], "steps", 5)
    monkeypatch.setattr(retrained, "train_victim", _copy_victim)


def _copy_victim(architecture: str, clean: object, path: Path, *, name: str, **_: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((path.parents[1] / "victims" / path.name.replace("-seed1000", "")).read_bytes())


@pytest.fixture(scope="module")
def shared(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all items, so that they share the networks that they have in common."""
    folder = tmp_path_factory.mktemp("items")
    for name in ("data", "victims"):
        (folder / name).symlink_to(prepared / "out" / name)
    return folder


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures larger than the toy pack's 8x8, of which one is enormous, and one that is not."""
    folder = tmp_path_factory.mktemp("photographs")
    draw = np.random.default_rng(0)
    for name, (height, width) in {"low": (20, 16), "wide": (12, 30), "big": (700, 1300), "small": (8, 8)}.items():
        Image.fromarray(draw.integers(0, 256, (height, width), dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_runs_and_says_what_it_did(
    name: str, shared: Path, prepared: Path, photographs: Path, study: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--dataset", "digits", "--out", str(shared), "--scale", "0.01", "--epochs", "1", "--device", "cpu"]
    source = photographs if name == "fits" else None
    arguments += ["--data", str(source)] if source else []
    assert main(["reproduce", name, *arguments, "--pack", str(prepared / "out/toy.mtaapack")]) == 0
    shown = capsys.readouterr().out
    content = json.loads((shared / f"{name}.json").read_text())
    item = ITEMS[name]
    planned = {cell.name for cell in item.cells(study(shared, source=source), 0)}
    missing = {cell.removesuffix(", seed 0") for cell in content["not_run"]}
    assert set(content["runs"]["0"]) | missing == planned
    assert not set(content["runs"]["0"]) & missing
    whys = ("not installed", judge.NOBODY)
    assert all(any(why in reason for why in whys) for reason in content["not_run"].values())
    assert (content["item"], content["scale"], content["dataset"], content["per_cell"]) == (name, 0.01, "digits", 2)
    assert all({"device", "date", "seconds"} <= cell.keys() for cell in content["runs"]["0"].values())
    table = item.table(Found(content["runs"]))
    assert table.rows and all(len(row) == len(table.headings) for row in table.rows)
    assert item.title in shown and "scale 0.01" in shown
    assert (shared / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert not list((shared / "work").glob("*")), "what only a resumed run needs is gone"


def accuracy(arrays: dict[str, Any], task: str) -> float:
    hits = [row.argmax() == true for row, true in zip(arrays[task], arrays[f"true_{task}"], strict=True)]
    return sum(hits) / len(hits)


def rmse(arrays: dict[str, Any]) -> float:
    """Of the value under the named attack, one example after the other."""
    told = [row[attack.argmax()] for row, attack in zip(arrays["hyperparameter"], arrays["attack"], strict=True)]
    return (sum((t - v) ** 2 for t, v in zip(told, arrays["true_hyperparameter"], strict=True)) / len(told)) ** 0.5


def test_table13_tells_what_its_predictions_say(shared: Path, study: Build) -> None:
    own = study(shared)
    content = run_item(table13.ITEM, own, [0])
    for cell in table13.ITEM.cells(own, 0):
        arrays, figures = own.arrays(cell), content["runs"]["0"][cell.name]
        assert figures["attack"] == pytest.approx(accuracy(arrays, "attack"))
        assert figures["victim"] == pytest.approx(accuracy(arrays, "victim"))
        assert figures["hyperparameter"] == pytest.approx(rmse(arrays), rel=1e-5)
        assert figures["test"]["examples"] == len(arrays["true_attack"])
        assert figures["train"]["most"] == own.per_cell == 2
        assert figures["history"][0]["test"]["attack"] == pytest.approx(figures["attack"]), "the last epoch's"
    assert len({cell.key for cell in table13.ITEM.cells(own, 0)}) == 5


def test_tables_have_table_1s_values(shared: Path, study: Build, toy: Scenario) -> None:
    own = study(shared)
    (cell,) = (c for c in table13.ITEM.cells(own, 0) if c.name.endswith("PE"))
    own.run(cell)
    arrays = own.arrays(cell)
    names = [name for name in toy.attack_names if name != "clean"]
    for index, name in enumerate(names):
        values = set(arrays["true_hyperparameter"][arrays["true_attack"] == index].tolist())
        first, width = (5, 95) if name == "C&W" else (10, 190)
        assert values == {first, first + width}
        assert width == TABLE1_WIDTH["kappa" if name == "C&W" else "epsilon"]


@pytest.mark.parametrize("name", ["table2", "table4", "table5"])
def test_single_label_tables_tell_what_their_logits_say(name: str, shared: Path, study: Build) -> None:
    own = study(shared)
    content = run_item(ITEMS[name], own, [0])
    (cell,) = ITEMS[name].cells(own, 0)
    arrays = own.arrays(cell)
    columns = ["true_attack", "true_victim", "true_hyperparameter"][: arrays["classes"].shape[1]]
    right = [
        all(arrays["classes"][logits.argmax()][at] == arrays[column][row] for at, column in enumerate(columns))
        for row, logits in enumerate(arrays["logits"])
    ]
    figures = content["runs"]["0"][cell.name]
    assert figures["accuracy"] == pytest.approx(np.mean(right))
    assert figures["classes"] == len(arrays["classes"]) > 10
    last = list(figures["by_attack_and_victim"])[-1]
    rows = (arrays["true_attack"] == 2) & (arrays["true_victim"] == 4)
    assert figures["by_attack_and_victim"][last]["VGG19"] == pytest.approx(np.mean(np.asarray(right)[rows]))
    averages = [m for row in figures["by_attack_and_victim"].values() for m in row.values()]
    shown = ITEMS[name].table(Found(content["runs"])).rows[-1]
    assert shown[-2] == f"{100 * np.mean(averages):.2f}"


def test_table7_computes_eq_15_from_its_cells(shared: Path, study: Build) -> None:
    content = run_item(table7.ITEM, study(shared), [0])
    cells = content["runs"]["0"]
    ours = cells["mtaa"]
    base = {task: cells[f"resnet50-mlp-{task}"][task] for task in TASKS}
    gains = [ours[t] / base[t] - 1 for t in ("attack", "victim")]
    gains.append(1 - ours["hyperparameter"] / base["hyperparameter"])
    (delta,) = baseline_tables.deltas(Found(content["runs"]), "resnet50-mlp")
    assert delta == pytest.approx(100 * sum(gains) / 3)
    assert f"{delta:.2f}" in table7.ITEM.table(Found(content["runs"])).rows[1]
    for task in TASKS:
        own = study(shared)
        (cell,) = (c for c in table7.ITEM.cells(own, 0) if c.name == f"mitre-{task}")
        arrays = own.arrays(cell)
        if task == "hyperparameter":
            error = 100 * arrays["output"][:, 0] - arrays["true_hyperparameter"]
            assert cells[cell.name][task] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
        else:
            hits = arrays["output"].argmax(1) == arrays[f"true_{task}"]
            assert cells[cell.name][task] == pytest.approx(hits.mean())


def test_table9s_rows_hold_their_attacks_and_victims_alone(shared: Path, study: Build) -> None:
    content = run_item(table9.ITEM, study(shared), [0])
    cells = content["runs"]["0"]
    assert (
        cells["row 1 mtaa"]
        == run_item(table13.ITEM, study(shared), [0])["runs"]["0"]["ResNet50 + uncertainty loss weight + TSL + PE"]
    ), "one network, trained once"
    assert list(cells["row 3 mtaa"]["by_attack"]) == ["FGSM", "C&W"]
    assert cells["row 5 mtaa"]["train"]["cells"] <= 2 * 3 * 2 < cells["row 1 mtaa"]["train"]["cells"]


def test_false_alarms_have_clean_images_as_a_class(shared: Path, study: Build) -> None:
    cells = run_item(ITEMS["table11"], study(shared), [0])["runs"]["0"]
    assert cells["mtaa"]["train"]["clean"] == 2 * 2  # as many as a victim has of one attack: per cell x values
    assert "clean" in cells["mtaa"]["by_attack"]


def test_coverage_tells_how_often_sets_and_intervals_hold(shared: Path, study: Build) -> None:
    own = study(shared)
    content = run_item(coverage.ITEM, own, [0])
    assert content["pack"].startswith("toy@")
    for cell in coverage.cells(own, 0):
        found, figures = own.arrays(cell), content["runs"]["0"][cell.name]
        rows = range(len(found["true_attack"]))
        assert figures["victim"] == pytest.approx(
            np.mean([found["victim_set"][r][found["true_victim"][r]] for r in rows])
        )
        assert figures["attack_size"] == pytest.approx(np.mean([sum(found["attack_set"][r]) for r in rows]))
        named = [r for r in rows if found["attack"][r] == found["true_attack"][r]]
        told = [r for r in named if found["high"][r] > found["low"][r]]
        inside = [found["low"][r] - 1e-4 <= found["true_hyperparameter"][r] <= found["high"][r] + 1e-4 for r in told]
        assert (figures["hyperparameter"] or 0) == pytest.approx(np.mean(inside) if told else 0)


def test_sources_are_told_beside_their_own_clean_images(shared: Path, study: Build, tmp_path: Path) -> None:
    shutil.copytree(shared / "victims", tmp_path / "victims")  # no examples: it is about clean images and victims alone
    own = study(shared, scale=0.05)
    own = replace(own, out=tmp_path)
    item = ITEMS["sources"]
    content = run_item(item, own, [0])
    assert not (tmp_path / "data").exists() and content["data_fingerprint"] == own.clean.digest
    runs = content["runs"]["0"]
    assert [name for name in sources.SOURCES if name in runs] == list(sources.SOURCES)
    for figures in runs.values():
        assert figures["known"] == figures["clean"] == 20 and figures["attacked"] > 10
        assert set(figures) >= {"0", "20"}
        alone, beside = figures["0"], figures["20"]
        assert (alone["called_clean"], alone["attack"]) == (beside["called_clean"], beside["attack"])
        assert beside["clean_told_5"] <= 0.35, "of one source one in twenty, but for chance"
    rows = item.table(Found(content["runs"])).rows
    assert {tuple(row[:2]) for row in rows} >= {(name, count) for name in sources.SOURCES for count in ("0", "20")}


def test_robustness_tells_what_its_verdicts_say(shared: Path, study: Build) -> None:
    own = study(shared, scale=0.02)
    item = ITEMS["robustness"]
    content = run_item(item, own, [0])
    assert len(content["runs"]["0"]) == len(item.table(Found(content["runs"])).rows) == len(robustness.CHANGES)
    for cell in (cell for cell in item.cells(own, 0) if not cell.absent):
        found, figures = own.arrays(cell), content["runs"]["0"][cell.name]
        assert figures["examples"] == len(found["attack"]) > 60
        right = (found["attack"] == found["true_attack"]) & (found["victim"] == found["true_victim"])
        assert figures["wrong"] == (~right).sum()
        assert figures["unfamiliar_where_wrong"] == pytest.approx((found["familiar"][~right] == 0).mean())
        clean = found["true_attack"] == own.scenario.attack_names.index("clean")
        assert figures["clean"] == pytest.approx(right[clean].mean())
        assert 0 <= figures["attack_where_lasting"] <= 1 and 0 < figures["lasting"] <= 1
    runs = content["runs"]["0"]
    assert runs["as it was"]["lasting"] == 1  # each fooled its victim when it was made
    found = own.arrays(item.cells(own, 0)[0])
    attack, victim = (found[task][~clean] == found[f"true_{task}"][~clean] for task in ("attack", "victim"))
    silent = ~(attack & victim) & (found["familiar"][~clean] == 1)
    assert runs["as it was"]["attack_where_lasting"] == pytest.approx(attack.mean())
    assert runs["as it was"]["silent_where_lasting"] == pytest.approx(silent.mean())
    held, attacked = np.asarray(found["victim_set"]), np.flatnonzero(~clean)
    inside = [held[row, found["true_victim"][row]] for row in attacked]
    assert runs["as it was"]["victim_held_where_lasting"] == pytest.approx(np.mean(inside))
    assert runs["as it was"]["victims_where_lasting"] == pytest.approx(held[attacked].sum(1).mean())
    assert runs["as it was"]["told_where_lasting"] == pytest.approx(found["confidence"][attacked, 1].mean())
    assert runs["JPEG 75"]["lasting"] < 1


def test_heatmaps_are_compared_with_what_was_done(shared: Path, study: Build) -> None:
    own, item = study(shared, scale=1.0), ITEMS["heatmaps"]
    content = run_item(item, own, [0])
    assert content["runs"]["0"].keys() == {"auto-encoder", "image"}
    assert judge.NOBODY in str(content["not_run"])
    test = own.examples("test")
    network = build_network(own.pack).requires_grad_(False)
    rows = test.attack != own.scenario.attack_names.index("clean")
    attacked, attack = test.adversarial[rows], test.attack[rows]
    parts: list[torch.Tensor] = []
    answer(network, torch.from_numpy(attacked), own.device, estimated=parts.append)
    estimate = torch.cat(parts)
    true = (attacked.astype(float) - test.clean[rows]).reshape(len(estimate), -1)
    guess = estimate.double().numpy().reshape(true.shape)
    with np.errstate(invalid="ignore"):  # FGSM may have moved every pixel alike
        sizes = np.nan_to_num([np.corrcoef(abs(a), abs(b))[0, 1] for a, b in zip(guess, true, strict=True)])
    signed = np.array([a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(guess, true, strict=True)])
    found = content["runs"]["0"]["auto-encoder"]["attacks"]
    assert list(found) == ["FGSM", "PGD", "C&W"]
    for at in set(attack.tolist()):
        means = found[own.scenario.attack_names[at]]
        assert means["correlation"] == pytest.approx(sizes[attack == at].mean(), abs=1e-3)
        assert means["cosine"] == pytest.approx(signed[attack == at].mean(), abs=1e-3)
    shown = {row[0]: row[1:] for row in item.table(Found(content["runs"])).rows}
    assert set(shown["as drawn, victims asked"]) == {"not run"}


def test_fits_of_other_photographs_are_other_figures(
    shared: Path, photographs: Path, study: Build, tmp_path: Path
) -> None:
    shutil.copytree(photographs, tmp_path / "others")
    keys = [cell.key for cell in fits.cells(study(shared, source=photographs), 0)]
    assert keys == [cell.key for cell in fits.cells(study(shared, source=tmp_path / "others"), 0)]
    some = next((tmp_path / "others").glob("*.png"))
    Image.new("RGB", (300, 300)).save(some)
    assert not set(keys) & {cell.key for cell in fits.cells(study(shared, source=tmp_path / "others"), 0)}


def test_fits_judges_every_photograph_in_every_way(shared: Path, photographs: Path, study: Build) -> None:
    own = study(shared, source=photographs, scale=0.03)
    sizes = sorted(p.shape for p in fits.larger_photographs(own))
    assert sizes == [(1, 12, 30), (1, 20, 16), (1, 345, 640)], "the small one is left out, the big one reduced"
    cells = run_item(fits.ITEM, own, [0])["runs"]["0"]
    assert {fit: cells["clean"][fit]["examples"] for fit in fits.FITS} == dict.fromkeys(fits.FITS, 3)
    made = [cells["ResNet18"]["fgsm-mtaa"].get(fit, {}).get("examples") for fit in fits.FITS]
    assert len(set(made)) == 1 and made[0] in (None, 1, 2, 3)
    rows = fits.table(Found({"0": cells})).rows
    assert sum(int(row[1]) for row in rows if row[0].startswith("tiles: all")) > 0
    assert len(fits.larger_photographs(study(shared, source=photographs, scale=0.02))) == 2
    with pytest.raises(DataError, match="larger than 8x8"):
        (photographs.parent / "none").mkdir(exist_ok=True)
        fits.larger_photographs(study(shared, source=photographs.parent / "none"))
    with pytest.raises(DataError, match="photographs"):
        fits.cells(study(shared), 0)


def test_unseen_is_the_share_of_pairs_in_the_right_order(shared: Path, study: Build, toy: Scenario) -> None:
    own = study(shared)
    item = ITEMS["unseen"]
    cells = item.cells(own, 0)
    assert [c.name for c in cells][:3] == [f"without the attack {name}" for name in ("FGSM", "PGD", "C&W")]
    assert len(cells) == 3 + 5
    figures = own.run(cells[4])
    found = own.arrays(cells[4])
    strange = found["true_victim"] == toy.victim_names.index("ResNet18")
    pairs = list(product(found["familiarity"][strange], found["familiarity"][~strange]))
    assert figures["auroc"] == pytest.approx(np.mean([1.0 * (a > b) + 0.5 * (a == b) for a, b in pairs]))
    assert (figures["strange"], figures["known"]) == (strange.sum(), (~strange).sum())


def test_toolboxes_judge_only_what_fools(shared: Path, study: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    own = study(shared)
    cells = {cell.name: cell for cell in ITEMS["toolboxes"].cells(own, 0)}
    figures = own.run(cells["cleverhans FGSM on VGG16"])
    assert 0 < figures["made"] == figures["examples"] <= figures["tried"] == 2
    arrays = own.arrays(cells["cleverhans FGSM on VGG16"])
    names = [a.name for a in own.pack.manifest.attacks]
    assert figures["attack"] == pytest.approx((arrays["attack"] == names.index("FGSM")).mean())
    renamed = own.pack.manifest.model_copy(update={"name": "other"})
    own.__dict__["pack"] = replace(own.pack, manifest=renamed)
    monkeypatch.setattr("training.experiments.toolboxes.attack_digits", None)
    again = {cell.name: cell for cell in ITEMS["toolboxes"].cells(own, 0)}["cleverhans FGSM on VGG16"]
    assert own.find(again) is None, "of another pack"
    assert own.run(again)["made"] == figures["made"], "which judges the same images"


def test_evidence_refuses_a_pack_that_numbers_the_labels_otherwise(shared: Path, study: Build) -> None:
    own = study(shared)
    ITEMS["evidence"].cells(own, 0)
    turned = own.pack.manifest.model_copy(update={"victims": own.pack.manifest.victims[::-1]})
    own.__dict__["pack"] = replace(own.pack, manifest=turned)
    with pytest.raises(DataError, match="knows the victims"):
        ITEMS["evidence"].cells(own, 0)


def test_toolboxes_pool_images_by_the_image_and_with_victims_asked() -> None:
    def told(examples: int, attack: float, error: float) -> dict[str, float]:
        return {"examples": examples, "attack": attack, "victim": 1, "unfamiliar": 0, "hyperparameter": error}

    asked = told(3, 1, 0) | {"asked": ["VGG16"]}
    runs = {
        "cleverhans FGSM on VGG16": {"tried": 4, "made": 3, **told(3, 1, 2), "victims_asked": asked},
        "cleverhans FGSM on VGG19": {"tried": 4, "made": 1, **told(1, 0, 6), "victims_asked": told(1, 1, 4)},
        "cleverhans FGSM on ResNet18": {"tried": 4, "made": 0},
    }
    item = ITEMS["toolboxes"]
    first, second, *_ = item.table(Found({"0": runs})).rows
    by_image, with_victims = ("75.00", "100.00", "0.00", "3.46"), ("100.00", "100.00", "0.00", "2.00")
    assert first == ["cleverhans", "FGSM", "12", "4", *by_image, *with_victims]
    assert second == ["cleverhans", "PGD", *("not run" for _ in range(10))]


def test_feature_maps_differ_where_the_images_do(shared: Path, study: Build, toy: Scenario) -> None:
    victim = load(study(shared), toy.victims[1])
    images = torch.randint(0, 256, (3, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert all(v == {"mse": 0, "mae": 0} for v in gaps(victim, images, images).values())
    found = gaps(victim, images, 255 - images)
    seen: dict[str, list[torch.Tensor]] = {name: [] for name in BLOCKS}
    for each in (images, 255 - images):
        net = victim.network
        x = torch.nn.functional.interpolate((each.float() / 255 - 0.3) / 0.4, (28, 28), mode="bilinear")
        with torch.no_grad():
            x = net.relu(net.bn1(net.conv1(x)))  # type: ignore[operator, union-attr]
            seen["conv1"].append(x)
            x = net.maxpool(x)  # type: ignore[operator]
            for name, layer in list(BLOCKS.items())[1:]:
                x = getattr(net, layer)(x)
                seen[name].append(x)
    for name, (first, second) in seen.items():
        assert found[name]["mse"] == pytest.approx(float((first - second).square().mean()), rel=1e-4)
        assert found[name]["mae"] == pytest.approx(float((first - second).abs().mean()), rel=1e-4)


class Killed(BaseException):
    pass


def figures_of(content: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run."""
    return {
        name: {key: value for key, value in cell.items() if key not in ("seconds", "date")}
        for name, cell in content["runs"]["0"].items()
    }


def test_a_killed_table_keeps_its_cells_and_goes_on(shared: Path, study: Build, tmp_path: Path) -> None:
    whole = run_item(table13.ITEM, study(shared, epochs=2), [0])

    def kill_in_the_third_network(progress: Progress) -> None:
        if progress.stage == "training" and len(list((tmp_path / "out/cells").glob("*.json"))) == 2:
            raise Killed

    with pytest.raises(Killed):
        run_item(table13.ITEM, study(epochs=2, tell=kill_in_the_third_network), [0])
    left = json.loads((tmp_path / "out/table13.json").read_text())
    assert len(left["runs"]["0"]) == 2
    assert list(left["not_run"].values()) == ["not reached yet"] * 3
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/cells").iterdir()}
    again = run_item(table13.ITEM, study(epochs=2), [0])
    assert figures_of(again) == figures_of(whole)
    assert again["not_run"] == {}
    assert {path: path.stat().st_mtime_ns for path in written} == written, "nothing was trained twice"


def test_several_seeds_stand_side_by_side_with_their_spread(shared: Path, study: Build) -> None:
    item = ITEMS["table2"]
    content = run_item(item, study(shared), [0, 1])
    found = Found(content["runs"])
    both = [content["runs"][seed]["resnet50-attack-victim"]["accuracy"] for seed in ("0", "1")]
    assert found.get("resnet50-attack-victim", "accuracy") == both
    spread = np.std([100 * value for value in both], ddof=1)
    assert found.percent("resnet50-attack-victim", "accuracy") == f"{50 * sum(both):.2f} ± {spread:.2f}"


def test_the_default_model_is_trained_for_the_seeds_that_the_pack_is_not_of(
    shared: Path, prepared: Path, study: Build
) -> None:
    own = study(shared, scale=1.0, epochs=2)
    content = run_item(ITEMS["default"], own, [0, 1])
    of_pack, trained = (content["runs"][seed]["default model"] for seed in "01")
    manifest = load_pack(prepared / "out/toy.mtaapack").manifest
    assert of_pack["pack"] == manifest.pack_id and "pack" not in trained
    assert of_pack["victim"] == manifest.results["victim_accuracy"]
    assert of_pack["by_attack"]["C&W"]["r2"] == manifest.results["by_attack"]["C&W"]["r2"]
    assert of_pack["train"] == trained["train"], "of the same examples"
    assert load_pack(shared / "packs/default-seed1.mtaapack").manifest.results["victim_accuracy"] == trained["victim"]
    table = ITEMS["default"].table(Found(content["runs"]))
    (row,) = (row for row in table.rows if row[0] == "victim %, attacked images")
    each = [100 * one["without_clean"]["victim"] for one in (of_pack, trained)]
    assert row[1:] == [f"{np.mean(each):.2f} ± {np.std(each, ddof=1):.2f}", *(f"{one:.2f}" for one in each), "99.88"]
    shorter = ITEMS["default"].cells(study(shared, scale=1.0, epochs=1), 0)[0]
    assert shorter.what == "pack", "a pack of other epochs is none of this training"
