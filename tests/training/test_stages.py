"""The stages before generation: which victims are trained, and how far those can be pushed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import Cancelled, ScenarioError, VictimError
from core.progress import CancelToken, Progress
from core.victims import Victim, load_victim
from training import pipeline, reach
from training.pipeline import make_victims
from training.reach import measure_reach
from training.scenario import Scenario
from training.sources import CleanImages

Build = Callable[..., Scenario]
CPU = torch.device("cpu")


@pytest.fixture
def victim(victims: Path) -> Victim:
    return load_victim(victims / "first.safetensors")[0]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the victims that would have been trained."""
    names: list[str] = []

    def train(_architecture: str, _clean: CleanImages, path: Path, *, name: str, **_: object) -> None:
        if not path.exists():
            names.append(name)

    monkeypatch.setattr(pipeline, "train_victim", train)
    return names


def test_only_victims_that_are_not_there_are_trained(
    scenario: Build, digits: CleanImages, victims: Path, trained: list[str]
) -> None:
    two = [{"architecture": "Nearest", "name": "first"}, {"architecture": "ResNet18", "name": "second"}]
    make_victims(scenario(victims=two), digits, victims, CPU, lambda _: None)
    assert trained == ["second"]


def test_two_victims_of_one_architecture_are_two(
    scenario: Build, digits: CleanImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [{"architecture": "ResNet18", "name": name, "passes": 0.1} for name in ("one", "other")]
    make_victims(scenario(victims=two), digits, tmp_path, CPU, lambda _: None)
    (one, _), (other, _) = (load_victim(tmp_path / f"{name}.safetensors") for name in ("one", "other"))
    weights = [victim.state_dict()["network.conv1.weight"] for victim in (one, other)]
    assert weights[0].shape == weights[1].shape and not torch.allclose(*weights, atol=1e-3)
    more = [{"architecture": "ResNet18", "name": "one", "passes": 0.2}]
    with pytest.raises(VictimError, match="trained with other passes"):
        make_victims(scenario(victims=more), digits, tmp_path, CPU, lambda _: None)


def test_a_name_that_does_not_exist_is_told_before_any_training(
    scenario: Build, digits: CleanImages, tmp_path: Path, trained: list[str]
) -> None:
    last_is_wrong = [{"architecture": "ResNet18"}, {"architecture": "ResNet19"}]
    with pytest.raises(ScenarioError, match="ResNet19"):
        make_victims(scenario(victims=last_is_wrong), digits, tmp_path, CPU, lambda _: None)
    cell = {"train": 1, "calibration": 1, "test": 1}
    entry = {"name": "FSGM", "grid": {"first": 1, "last": 2, "count": 2}, "cell": cell}
    with pytest.raises(ScenarioError, match="FSGM"):
        make_victims(scenario(attacks=[entry]), digits, tmp_path, CPU, lambda _: None)
    assert not trained


def test_a_file_of_another_architecture_is_not_taken_for_the_victim(
    scenario: Build, digits: CleanImages, victims: Path, trained: list[str]
) -> None:
    other = scenario(victims=[{"architecture": "VGG16", "name": "first"}])
    with pytest.raises(VictimError, match="architecture Nearest, not VGG16"):
        make_victims(other, digits, victims, CPU, lambda _: None)
    assert not trained


def test_reach_is_the_margin_of_a_linear_victim_worked_out_by_hand(
    victim: Victim, digits: CleanImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For logits linear in the pixels the largest margin over the box is known exactly, pixel by pixel."""
    told: list[Progress] = []
    monkeypatch.setattr(reach, "_BATCH", 10)
    found = measure_reach(victim, digits, 24, tell=told.append)
    rows = digits.rows("train")[:24]
    images = torch.from_numpy(digits.images[rows]).float() / 255
    right = victim(images).argmax(1).numpy() == digits.labels[rows]
    assert len(found) == right.sum() > 15
    base = victim(torch.zeros(1, 1, 8, 8))[0].double()
    units = torch.eye(64).reshape(64, 1, 8, 8)
    slopes = victim(units).double() - base  # [pixel, class]
    for margin, label in zip(found, digits.labels[rows][right], strict=True):
        difference = slopes - slopes[:, [label]]
        best = (base - base[label]) + difference.clamp_min(0).sum(0)
        best[label] = -torch.inf
        # The ascent follows the class that is nearest where it starts, to the end of what that class can have.
        assert np.isclose(best.numpy(), margin, rtol=1e-3).any()
        assert margin <= best.max() + 1e-3  # a lower bound
    assert told[-1].done == told[-1].total == 24 * reach.STEPS


def test_an_images_reach_does_not_depend_on_its_batch(
    victim: Victim, digits: CleanImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "STEPS", 10)
    together = measure_reach(victim, digits, 8)
    monkeypatch.setattr(reach, "_BATCH", 1)
    alone = measure_reach(victim, digits, 8)
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_a_batch_that_the_memory_does_not_hold_is_measured_in_halves(
    victim: Victim, digits: CleanImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "STEPS", 10)
    whole, forward, largest = measure_reach(victim, digits, 8), Victim.forward, []

    def small(self: Victim, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        largest.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(Victim, "forward", small)
    np.testing.assert_allclose(measure_reach(victim, digits, 8), whole, rtol=1e-4)
    assert max(largest) <= 3


def test_a_victim_that_names_nothing_right_has_no_reach(victim: Victim, digits: CleanImages) -> None:
    wrong = replace(digits, labels=(digits.labels + 1) % 10)
    blind = Victim(victim.card).frozen()
    blind.network.linear.bias.copy_(torch.where(torch.arange(10) == 0, 100.0, 0.0))  # type: ignore[union-attr, operator]
    images = wrong.rows("train")[wrong.labels[wrong.rows("train")] != 0][:5]
    none = replace(
        wrong, images=wrong.images[images], labels=wrong.labels[images], split=np.zeros(5, np.uint8),
        content=wrong.content[images],
    )  # fmt: skip
    with pytest.raises(VictimError, match="first names none of 5"):
        measure_reach(blind, none, 5)


def test_reach_can_be_cancelled(victim: Victim, digits: CleanImages) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        measure_reach(victim, digits, 4, cancel=cancel)
