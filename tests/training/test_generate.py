"""Generation: what is written, what is counted, what an interruption leaves, and what is refused before any work."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import training.generate as generation
from core import files
from core.errors import (
    AttackError,
    Cancelled,
    DataError,
    DeviceError,
    DiskFullError,
    ScenarioError,
    VictimError,
    WorkbenchError,
)
from core.progress import CancelToken, Progress
from core.victims import Victim, load_victim, save_victim
from training.attacks import make_attack
from training.generate import stable_seed
from training.scenario import AttackSpec, Counts, Scenario
from training.screening import Screening
from training.shards import read_part, read_split
from training.sources import SPLITS, CleanImages

Build = Callable[..., Scenario]
Make = Callable[..., dict[str, Any]]


def fgsm(first: float, last: float, count: int, train: int, **more: Any) -> dict[str, Any]:
    """An entry of attacks with ``train`` examples a cell, and none in the other splits."""
    cell = {"train": train, "calibration": 0, "test": 0}
    return {"name": "FGSM", "grid": {"first": first, "last": last, "count": count}, "cell": cell} | more


def contents(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.suffix in (".safetensors", ".json")
    }


def test_every_example_is_what_its_label_says(
    scenario: Build, make: Make, victims: Path, digits: CleanImages, tmp_path: Path
) -> None:
    tiny = scenario()
    report = make(tiny, tmp_path)
    assert report == {k: v for k, v in json.loads((tmp_path / "manifest.json").read_text()).items() if k in report}
    victim, _ = load_victim(victims / "first.safetensors")
    for split in SPLITS:
        examples = read_split(tmp_path, tiny, split)
        assert (digits.images[examples.row] == examples.clean).all()
        assert set(examples.row.tolist()) <= set(digits.rows(split).tolist())
        attacked = examples.attack > 0
        named = victim(torch.from_numpy(examples.adversarial).float() / 255).argmax(1).numpy()
        assert (named[attacked] != digits.labels[examples.row[attacked]]).all()
        change = np.abs(examples.adversarial.astype(int) - examples.clean).reshape(len(examples), -1).max(1)
        assert (change <= examples.hyperparameter).all()
        cells = Counter(zip(examples.entry.tolist(), examples.hyperparameter.tolist(), strict=True))
        for index, spec in enumerate(tiny.attacks):
            filled = report["cells"][f"first/{spec.key}/{split}"]["filled"]
            wanted = getattr(spec.cell, split)
            assert [cells[index, v] for v in spec.grid.values] == [min(count, wanted) for count in filled]


def test_an_overshoot_is_asked_for_in_percent(
    scenario: Build, make: Make, victims: Path, digits: CleanImages, tmp_path: Path
) -> None:
    tiny = scenario(attacks=[fgsm(50, 150, 2, 4, name="DeepFool")])
    make(tiny, tmp_path)
    examples = read_split(tmp_path, tiny, "train")
    made = examples.attack > 0
    assert set(examples.hyperparameter[made].tolist()) == {50, 150}
    victim, _ = load_victim(victims / "first.safetensors")
    expected = make_attack({"name": "DeepFool"})(
        victim,
        torch.from_numpy(examples.clean[made]).float() / 255,
        torch.from_numpy(digits.labels[examples.row[made]]),
        torch.from_numpy(examples.hyperparameter[made]) / 100,
    )
    change = (expected.adversarial * 255).round().numpy().astype(int) - examples.adversarial[made]
    assert np.abs(change).max() <= 1  # a batch of other images rounds differently


def test_replayed_cells_have_counts_of_their_own(scenario: Build, make: Make, victims: Path, tmp_path: Path) -> None:
    shutil.copy(victims / "first.safetensors", tmp_path / "first.safetensors")
    shutil.copy(victims / "first.safetensors", tmp_path / "second.safetensors")
    few = {"train": 2, "calibration": 1, "test": 0}
    grown = scenario(
        victims=[{"architecture": "Nearest", "name": name} for name in ("first", "second")],
        attacks=[fgsm(60, 80, 2, 5), fgsm(60, 80, 2, 4, name="PGD")],
        replay={"victims": ["first"], "attacks": ["FGSM"], "cell": few},
    )
    make(grown, tmp_path / "out", victims=tmp_path)
    examples = read_split(tmp_path / "out", grown, "train")
    found = Counter(
        zip(examples.victim.tolist(), examples.entry.tolist(), examples.hyperparameter.tolist(), strict=True)
    )
    assert {key: n for key, n in found.items() if key[1] >= 0} == {
        (victim, entry, value): 2 if (victim, entry) == (1, 0) else (5, 4)[entry]
        for victim in (1, 2)
        for entry in (0, 1)
        for value in (60.0, 80.0)
    }
    assert (read_split(tmp_path / "out", grown, "calibration").entry >= 0).sum() == 2
    with pytest.raises(DataError, match="cell"):
        make(grown.model_copy(update={"replay": None}), tmp_path / "out", victims=tmp_path)


def test_no_image_is_tried_twice_in_a_cell(scenario: Build, make: Make, tmp_path: Path) -> None:
    tiny = scenario(attacks=[fgsm(20, 60, 3, 20)])
    make(tiny, tmp_path)
    examples = read_split(tmp_path, tiny, "train")
    attacked = examples.attack > 0
    pairs = list(zip(examples.hyperparameter[attacked].tolist(), examples.row[attacked].tolist(), strict=True))
    assert len(set(pairs)) == len(pairs) > 20


def test_cells_out_of_reach_are_reported_and_not_filled(scenario: Build, make: Make, tmp_path: Path) -> None:
    tiny = scenario(attacks=[fgsm(0, 40, 2, 5)])
    report = make(tiny, tmp_path)
    assert report["unfilled"] == [{"cell": "first/fgsm-mtaa/train/0", "filled": 0, "wanted": 5}]
    cell = report["cells"]["first/fgsm-mtaa/train"]
    assert cell["tried"][0] == 5 * 4  # attempts
    assert cell["filled"][1] >= 5
    examples = read_split(tmp_path, tiny, "train")
    assert 0 not in examples.hyperparameter[examples.attack > 0]


def test_no_more_images_are_tried_than_the_pool_has(scenario: Build, make: Make, tmp_path: Path) -> None:
    clean = {"source": "digits", "pool": {"train": 7, "calibration": 0, "test": 0}}
    report = make(scenario(clean=clean, attacks=[fgsm(0, 0, 1, 5)]), tmp_path)
    assert 1 <= report["cells"]["first/fgsm-mtaa/train"]["tried"][0] <= 7


class Brittle(nn.Module):
    """The victim's network, but NaN for an image whose corner, black in every digit, is brighter than this."""

    def __init__(self, network: nn.Module, limit: float) -> None:
        super().__init__()
        self.network, self.limit = network, limit

    def forward(self, x: Tensor) -> Tensor:
        bad = (x[:, 0, 0, 0] > self.limit)[:, None]
        logits: Tensor = self.network(x)
        return torch.where(bad, torch.nan, logits)


def load_brittle(grey: float) -> Callable[[Path], tuple[nn.Module, str]]:
    """``load_victim``, but every victim breaks above a grey level."""

    def load(path: Path) -> tuple[nn.Module, str]:
        victim, digest = load_victim(path)
        victim.network = Brittle(victim.network, (grey / 255 - victim.card.mean) / victim.card.std)
        return victim.frozen(), digest

    return load


def test_a_victim_that_returns_nan_is_named_with_its_cell_and_nothing_is_lost(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = scenario(attacks=[fgsm(30, 30, 1, 9), fgsm(120, 120, 1, 4, name="PGD", parameters={"steps": 2})])
    with monkeypatch.context() as patch:
        patch.setattr(generation, "load_folded", load_brittle(60))
        with pytest.raises(AttackError, match=r"first/pgd-mtaa/train at epsilon 120: The victim .*first.* NaN"):
            make(tiny, tmp_path / "out")
    kept = contents(tmp_path / "out")
    assert any(name.startswith("first/fgsm-mtaa/train/") for name in kept)
    assert "manifest.json" not in kept
    make(tiny, tmp_path / "out")
    make(tiny, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert kept.items() <= contents(tmp_path / "out").items()


def test_a_victim_that_returns_nan_on_clean_images_is_no_victim_without_examples(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "load_folded", load_brittle(-1))
    with pytest.raises(AttackError, match=r"first.* NaN or infinite on a clean image"):
        make(scenario(), tmp_path)


class KilledAfter:
    """``write_part`` that stops the run after so many parts."""

    def __init__(self, parts: int) -> None:
        self.left = parts
        self.write = generation.write_part

    def __call__(self, path: Path, *rest: Any) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.write(path, *rest)


@pytest.mark.parametrize("parts", [0, 1, 4, 9])
def test_a_killed_run_ends_with_the_bytes_of_an_undisturbed_one(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    tiny = scenario()
    make(tiny, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(generation, "write_part", KilledAfter(parts))
        with pytest.raises(KeyboardInterrupt):
            make(tiny, tmp_path / "killed")
    assert not (tmp_path / "killed" / "manifest.json").exists()
    make(tiny, tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_what_an_earlier_run_did_counts_as_done_and_not_for_the_rate(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = scenario(attacks=[fgsm(60, 90, 2, 20)])
    with monkeypatch.context() as patch:
        patch.setattr(generation, "write_part", KilledAfter(5))
        with pytest.raises(KeyboardInterrupt):
            make(tiny, tmp_path)
    earlier = sum(read_part(path)[1]["filled"][i] for path in (tmp_path / "first").rglob("0*") for i in (0, 1))
    meters: list[tuple[int, int]] = []
    meter = generation.ProgressMeter

    def counting(stage: str, total: int, *rest: Any, already_done: int = 0, **more: Any) -> Any:
        meters.append((total, already_done))
        return meter(stage, total, *rest, already_done=already_done, interval=0, **more)

    monkeypatch.setattr(generation, "ProgressMeter", counting)
    told: list[Progress] = []
    make(tiny, tmp_path, tell=told.append)
    assert (40, earlier) in meters
    assert 0 < earlier < 40
    done = [p.done for p in told]
    assert done == sorted(done)
    assert done[0] > earlier
    assert done[-1] == 40  # never more than was asked for, though the last batches hold more
    again: list[Progress] = []
    make(tiny, tmp_path, tell=again.append)
    assert not again


def test_cancelling_stops_between_two_batches(scenario: Build, make: Make, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        make(scenario(), tmp_path, cancel=cancel)
    assert not (tmp_path / "manifest.json").exists()


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 1}, "seed"),
    "batch": ({"batch": 4}, "batch"),
    "grid": ({"attacks": [fgsm(30, 90, 2, 9)]}, "grid"),
    "counts": ({"attacks": [fgsm(30, 60, 2, 12)]}, "cell"),
    "parameters": ({"attacks": [fgsm(30, 60, 2, 9, parameters={"precision": "bf16"})]}, "parameters"),
    "pool": ({"clean": {"source": "digits", "pool": {"train": 50, "calibration": 0, "test": 0}}}, "pool"),
}


@pytest.mark.parametrize(("changes", "named"), OTHERS.values(), ids=OTHERS.keys())
def test_a_folder_begun_for_something_else_is_not_gone_on_with(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], named: str
) -> None:
    first = {
        "attacks": [fgsm(30, 60, 2, 9)],
        "clean": {"source": "digits", "pool": {"train": 60, "calibration": 0, "test": 0}},
    }
    with monkeypatch.context() as patch:
        patch.setattr(generation, "write_part", KilledAfter(1))
        with pytest.raises(KeyboardInterrupt):
            make(scenario(**first), tmp_path)
    before = contents(tmp_path)
    with pytest.raises(DataError, match=rf"first/fgsm-mtaa/train were generated with other .*{named}"):
        make(scenario(**first | changes), tmp_path)
    assert contents(tmp_path) == before


def test_another_victim_of_the_same_name_is_noticed(scenario: Build, make: Make, victims: Path, tmp_path: Path) -> None:
    tiny = scenario()
    make(tiny, tmp_path / "out")
    victim, _ = load_victim(victims / "first.safetensors")
    with torch.no_grad():
        next(victim.parameters())[0] *= 1.5
    save_victim(victim, tmp_path / "others" / "first.safetensors")
    with pytest.raises(DataError, match="other victim"):
        make(tiny, tmp_path / "out", victims=tmp_path / "others")
    for folder in ("fgsm-mtaa", "pgd-mtaa"):  # what the message says
        for part in (tmp_path / "out" / "first" / folder).rglob("*.safetensors"):
            part.unlink()
    make(tiny, tmp_path / "out", victims=tmp_path / "others")
    make(tiny, tmp_path / "fresh", victims=tmp_path / "others")
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_an_entry_may_be_added_and_another_left_out(scenario: Build, make: Make, tmp_path: Path) -> None:
    both = [fgsm(30, 60, 2, 9), fgsm(30, 60, 2, 9, name="PGD", parameters={"steps": 2})]
    make(scenario(attacks=both[:1]), tmp_path / "out")
    make(scenario(attacks=both), tmp_path / "out")
    make(scenario(attacks=both), tmp_path / "both")
    assert contents(tmp_path / "out") == contents(tmp_path / "both")
    make(scenario(attacks=both[1:]), tmp_path / "out")
    only = read_split(tmp_path / "out", scenario(attacks=both[1:]), "train")
    assert set(only.attack.tolist()) == {0, 1}
    assert len(only) == 12 + 18


WRONG: dict[str, tuple[dict[str, Any], type[WorkbenchError], str]] = {
    "unknown attack": ({"attacks": [fgsm(1, 2, 2, 1), fgsm(1, 2, 2, 1, name="FSGM")]}, ScenarioError, "FSGM"),
    "unknown backend": ({"attacks": [fgsm(1, 2, 2, 1, backend="other")]}, ScenarioError, "other"),
    "unknown parameter": ({"attacks": [fgsm(1, 2, 2, 1, parameters={"stepz": 1})]}, ScenarioError, "stepz"),
    "epsilon between two levels": ({"attacks": [fgsm(1, 2, 3, 1)]}, ScenarioError, "1.5/255"),
    "epsilon above 1": ({"attacks": [fgsm(1, 300, 2, 1)]}, ScenarioError, "300/255"),
    "missing victim": ({"victims": [{"architecture": "Nearest", "name": "second"}]}, VictimError, "second"),
    "another architecture": ({"victims": [{"architecture": "VGG16", "name": "first"}]}, VictimError, "architecture"),
}


@pytest.mark.parametrize(("changes", "kind", "named"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_work_is_refused_before_any_work(
    scenario: Build, make: Make, tmp_path: Path, changes: dict[str, Any], kind: type[WorkbenchError], named: str
) -> None:
    with pytest.raises(kind, match=named):
        make(scenario(**changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_victim_and_one_for_other_images_are_refused(
    scenario: Build, make: Make, victims: Path, digits: CleanImages, tmp_path: Path
) -> None:
    (tmp_path / "first.safetensors").write_bytes((victims / "first.safetensors").read_bytes()[:1000])
    with pytest.raises(VictimError, match=r"first\.safetensors"):
        make(scenario(), tmp_path / "out", victims=tmp_path)
    wide = replace(digits, images=digits.images.repeat(2, 3))
    with pytest.raises(VictimError, match="width 8, not 16"):
        make(scenario(), tmp_path / "out", clean=wide)


def test_a_folder_that_cannot_be_written_is_a_typed_error(scenario: Build, make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WorkbenchError, match="cannot be made"):
        make(scenario(), tmp_path / "file" / "out")


def test_a_full_disk_loses_no_part(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny, calls = scenario(), []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 6:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(DiskFullError, match=r"The disk is full: .* examples that are still to be made take about"):
            make(tiny, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix == ".tmp"]
    make(tiny, tmp_path / "out")
    make(tiny, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def short_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Victims hold no more than ``most`` images at once."""
    forward = Victim.forward

    def limited(self: Victim, x: Tensor) -> Tensor:
        if len(x) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, x)

    monkeypatch.setattr(Victim, "forward", limited)


def test_short_memory_attacks_in_pieces_and_makes_the_same_examples(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = scenario()
    make(tiny, tmp_path / "whole")
    told: list[tuple[int, int]] = []
    with monkeypatch.context() as patch:
        short_memory(patch, 3)
        make(tiny, tmp_path / "pieces", smaller=lambda batch, piece: told.append((batch, piece)))
    assert (8, 4) in told and (8, 2) in told  # a batch of 8, attacked in halves of halves
    assert (60, 30) in told  # and the pool of 60 is screened in pieces
    for split in SPLITS:
        whole, pieces = (read_split(tmp_path / name, tiny, split) for name in ("whole", "pieces"))
        assert len(whole) == len(pieces) and (whole.row == pieces.row).all()
        # A victim's sums round differently over fewer images; the random starts are the same.
        assert np.abs(whole.adversarial.astype(int) - pieces.adversarial).max() <= 1


def test_memory_for_not_even_one_image_says_where(
    scenario: Build, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = scenario()
    make(tiny, tmp_path)
    for part in (tmp_path / "first").glob("pgd-mtaa/train/*"):
        part.unlink()
    short_memory(monkeypatch, 0)
    with pytest.raises(DeviceError, match=r"first/pgd-mtaa/train at epsilon .*: Not even one image fits into cpu"):
        make(tiny, tmp_path)


@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_part_that_is_not_what_was_written_is_named(scenario: Build, make: Make, tmp_path: Path, damage: str) -> None:
    tiny = scenario()
    make(tiny, tmp_path)
    part = tmp_path / "first" / "fgsm-mtaa" / "train" / "00000.safetensors"
    data = part.read_bytes()
    part.write_bytes(data[:-3] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    if damage == "missing":
        part.unlink()
    with pytest.raises(DataError, match=r"fgsm-mtaa.train.00000"):
        read_split(tmp_path, tiny, "train")
    if damage == "cut":
        with pytest.raises(DataError, match=r"fgsm-mtaa.train.00000"):
            make(tiny, tmp_path)
    part.unlink(missing_ok=True)
    make(tiny, tmp_path)
    assert part.read_bytes() == data


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema_version": 2, "scenario": {}, "victims": {}, "parts": {}}']
)
def test_a_manifest_that_is_none_is_refused(scenario: Build, tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json"):
        read_split(tmp_path, scenario(), "train")


def test_an_unfinished_folder_says_so(scenario: Build, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no manifest") as caught:
        read_split(tmp_path, scenario(), "train")
    assert "mtaa generate" in caught.value.remedy


def test_seeds_are_the_same_everywhere() -> None:
    assert stable_seed(0, "ResNet18", "fgsm-mtaa", "train") == 4229732687707758794
    assert stable_seed("a", "b") == stable_seed("a/b")
    assert all(0 <= stable_seed(i) < 2**63 for i in range(200))


def candidates(name: str, value: float, right: list[bool], epsilon: list[float], cell: int = 0) -> list[int]:
    spec = AttackSpec.model_validate(fgsm(value, value, 1, 1, name=name))
    stream = generation._Stream("first", spec, make_attack(spec.config), "train", 1, Path("x"), seed=5)
    screening = Screening(np.asarray(right), np.asarray(epsilon, np.float32) / 255)
    return generation._candidates(stream, cell, value, screening).tolist()


def test_images_near_the_boundary_are_tried_first() -> None:
    distance = [5.0, 50.0, 9.0, 20.0, 1.0, 30.0, 10.0, 7.0]
    right = [True] * 7 + [False]
    order = candidates("FGSM", 10, right, distance)
    assert sorted(order[:4]) == [0, 2, 4, 6]  # within 10, in random order
    assert order[4:] == [3, 5, 1]  # beyond, by distance
    firsts = {tuple(candidates("FGSM", 10, right, distance, cell)[:4]) for cell in range(20)}
    assert len(firsts) > 5
    assert order == candidates("FGSM", 10, right, distance)


def test_a_margin_attack_takes_images_in_random_order() -> None:
    distance = np.linspace(1, 255, 50).tolist()
    order = candidates("C&W", 3, [True] * 49 + [False], distance)
    assert sorted(order) == list(range(49))
    assert order not in (sorted(order), sorted(order, reverse=True))


def test_too_few_clean_images_for_the_class_are_reported(scenario: Build, make: Make, tmp_path: Path) -> None:
    tiny = scenario(attacks=[fgsm(20, 40, 2, 2)])
    many = tiny.clean.model_copy(update={"examples": Counts(train=5000, calibration=5, test=5)})
    tiny = tiny.model_copy(update={"clean": many})
    unfilled = make(tiny, tmp_path)["unfilled"]
    have = sum(read_split(tmp_path, tiny, "train").attack == 0)
    assert {"cell": "clean/train", "filled": have, "wanted": 5000} in unfilled
