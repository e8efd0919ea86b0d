"""Five victims that need no training, networks of a few channels, and the examples and pack that the items share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import training.experiments.rivals
import training.fit_scorer
from core.model import backbones
from core.victims import ARCHITECTURES, Victim, VictimCard, save_victim
from training.experiments.study import Study, open_study
from training.pipeline import train_pack
from training.scenario import Scenario, read_scenario
from training.sources import CleanImages

SCENARIO = """
name = "toy"
title = "Toy"
description = "For tests."
batch = 32
[clean]
source = "digits"
examples = { train = 20, calibration = 10, test = 10 }
pool = { train = 120, calibration = 80, test = 80 }
[[victims]]
architecture = "Nearest"
name = "InceptionV3"
[[victims]]
architecture = "ResNet18"
[[victims]]
architecture = "Nearest"
name = "ResNet50"
[[victims]]
architecture = "Nearest"
name = "VGG16"
[[victims]]
architecture = "Nearest"
name = "VGG19"
[[attacks]]
name = "FGSM"
grid = { first = 60, last = 180, count = 2 }
cell = { train = 4, calibration = 3, test = 3 }
[[attacks]]
name = "PGD"
grid = { first = 60, last = 180, count = 2 }
cell = { train = 4, calibration = 3, test = 3 }
parameters = { steps = 2 }
[[attacks]]
name = "C&W"
grid = { first = 0, last = 1, count = 2 }
cell = { train = 4, calibration = 3, test = 3 }
parameters = { search_steps = 1, steps = 12, learning_rate = 0.2 }
[[attacks]]
name = "FGSM"
backend = "cleverhans"
grid = { first = 120, last = 120, count = 1 }
cell = { train = 2, calibration = 1, test = 1 }
[network]
width = 4
[training]
epochs = 2
batch = 32
precision = "fp32"
"""
SCALE = 0.01


class _Small(nn.Module):
    """What a ResNet backbone is made of, a few channels wide."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(2)
        self.layer1 = nn.Sequential(_block(64))
        self.layer2, self.layer3 = nn.Sequential(_block(8)), nn.Sequential(_block(8))
        self.layer4 = nn.Sequential(_block(8), _block(8))


def _block(channels: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())


class _Nearest(nn.Module):
    """The class whose mean is nearest, on pixels weighted by ``tilt`` so that two of them are different victims."""

    def __init__(self, channels: int, classes: int, side: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels * side * side, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(x.flatten(1))
        return logits

    @torch.no_grad()
    def fit(self, images: Tensor, labels: Tensor, tilt: float) -> None:
        flat = images.flatten(1)
        weight = torch.linspace(1 - tilt, 1 + tilt, flat.shape[1])
        means = torch.stack([flat[labels == k].mean(0) for k in range(10)])
        self.linear.weight.copy_(means * weight / 4)
        self.linear.bias.copy_(-(means.square() * weight).sum(1) / 8)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "Nearest", _Nearest)
    for name in ("resnet18", "resnet50", "resnet101"):
        monkeypatch.setitem(backbones._RESNETS, name, _Small)
    monkeypatch.setattr(training.experiments.rivals, "_WIDTHS", (4, 4, 8, 8))
    monkeypatch.setattr(training.fit_scorer, "STEPS", 20)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, digits: CleanImages) -> Iterator[Path]:
    """A folder as ``mtaa run`` leaves it: toy.toml, out/victims, out/data, out/toy.mtaapack. Not to be written to."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "toy.toml").write_text(SCENARIO)
    scenario = read_scenario(folder / "toy.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "Nearest", _Nearest)
        for index, spec in enumerate(scenario.victims):
            _make_victim(
                digits, spec.architecture, spec.label, folder / "out/victims" / spec.saved_as, tilt=0.15 * index
            )
        study = Study(scenario, folder / "out", device_name="cpu")
        study.prepare()
        train_pack(scenario, study.victims, study.data, folder / "out", torch.device("cpu"), lambda _: None)
    return folder


def _make_victim(digits: CleanImages, architecture: str, name: str, path: Path, tilt: float) -> None:
    torch.manual_seed(0)
    victim = Victim(VictimCard(name, architecture, "digits", 10, 1, 8, 8, mean=0.3, std=0.4, accuracy=0.9, seed=0))
    if isinstance(victim.network, _Nearest):
        rows = digits.rows("train")
        images = (torch.from_numpy(digits.images[rows]).float() / 255 - 0.3) / 0.4
        labels = torch.from_numpy(digits.labels[rows])
        victim.network.fit(F.interpolate(images, (28, 28), mode="bilinear"), labels, tilt)
    save_victim(victim, path)


@pytest.fixture(scope="session")
def toy(prepared: Path) -> Scenario:
    return read_scenario(prepared / "toy.toml")


@pytest.fixture
def out(prepared: Path, tmp_path: Path) -> Path:
    """A folder for results that shares the examples of ``prepared``."""
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("data", "victims"):
        (folder / name).symlink_to(prepared / "out" / name)
    return folder


@pytest.fixture
def study(prepared: Path, out: Path) -> Callable[..., Study]:
    """``study()`` of the toy scenario into ``out``, one epoch a network."""

    def build(folder: Path = out, **options: Any) -> Study:
        given = {"scale": SCALE, "epochs": 1, "device_name": "cpu", "pack_name": str(prepared / "out/toy.mtaapack")}
        return open_study("digits", folder, **(given | options))

    return build
