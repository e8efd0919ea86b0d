"""A victim that needs no training and a source of few images, for tests of generation and training."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.victims import ARCHITECTURES, Victim, VictimCard, save_victim
from training.generate import generate
from training.scenario import Scenario
from training.sources import CleanImages, load_digits_images

TINY: dict[str, Any] = {
    "name": "tiny",
    "title": "Tiny",
    "description": "For tests.",
    "batch": 8,
    "clean": {
        "source": "digits",
        "examples": {"train": 12, "calibration": 6, "test": 6},
        "pool": {"train": 60, "calibration": 30, "test": 30},
    },
    "victims": [{"architecture": "Nearest", "name": "first"}],
    "attacks": [
        {
            "name": "FGSM",
            "grid": {"first": 30, "last": 60, "count": 2},
            "cell": {"train": 9, "calibration": 4, "test": 4},
        },
        {
            "name": "PGD",
            "grid": {"first": 20, "last": 120, "count": 3},
            "cell": {"train": 6, "calibration": 3, "test": 3},
            "parameters": {"steps": 3},
        },
    ],
    "network": {"width": 4},
    "training": {"epochs": 3, "batch": 16, "precision": "fp32"},
}


@pytest.fixture
def in_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this machine computed in bfloat16 by itself, so that what asks for it gets it."""
    for room in ("attacks.base", "trainer", "extractor", "train_victim", "benchmark_attacks"):
        monkeypatch.setattr(f"training.{room}.in_bf16", lambda _: True)


class Nearest(nn.Module):
    """The class whose mean is nearest: a linear layer that needs no training, right on nine digits in ten."""

    def __init__(self, channels: int, classes: int, side: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels * side * side, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(x.flatten(1))
        return logits

    @torch.no_grad()
    def fit(self, images: Tensor, labels: Tensor) -> None:
        flat = images.flatten(1)
        means = torch.stack([flat[labels == k].mean(0) for k in range(len(self.linear.bias))])
        self.linear.weight.copy_(means / 4)
        self.linear.bias.copy_(-means.square().sum(1) / 8)


@pytest.fixture(autouse=True)
def nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "Nearest", Nearest)


@pytest.fixture(scope="session")
def digits() -> CleanImages:
    return load_digits_images()


@pytest.fixture(scope="session")
def victims(digits: CleanImages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the one victim of TINY."""
    folder = tmp_path_factory.mktemp("victims")
    card = VictimCard("first", "Nearest", "digits", 10, 1, 8, 8, mean=0.3, std=0.4, accuracy=0.9, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "Nearest", Nearest)
        victim = Victim(card)
    rows = digits.rows("train")
    images = (torch.from_numpy(digits.images[rows]).float() / 255 - card.mean) / card.std
    assert isinstance(victim.network, Nearest)
    victim.network.fit(F.interpolate(images, (28, 28), mode="bilinear"), torch.from_numpy(digits.labels[rows]))
    save_victim(victim, folder / "first.safetensors")
    return folder


@pytest.fixture
def scenario() -> Callable[..., Scenario]:
    """TINY with other entries: ``scenario(batch=4, attacks=[...])``."""

    def build(**changes: Any) -> Scenario:
        return Scenario.model_validate(copy.deepcopy(TINY) | changes)

    return build


@pytest.fixture
def make(digits: CleanImages, victims: Path) -> Callable[..., dict[str, Any]]:
    """``make(scenario, out)`` generates on the CPU; ``clean`` and ``victims`` may be others."""

    def run(scenario: Scenario, out: Path, **options: Any) -> dict[str, Any]:
        given = {"clean": digits, "victims": victims, "device": torch.device("cpu")} | options
        return generate(scenario, given.pop("clean"), given.pop("victims"), out, **given)

    return run
