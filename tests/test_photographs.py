"""The shipped pack for photographs on photographs that it has never seen: scikit-learn's, clean and attacked here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import Tensor

from app.__main__ import main
from core.pack import read_manifest
from core.paths import RESOURCES
from core.pictures import through_jpeg
from core.victims import Victim, load_victim
from training.attacks import make_attack

PLACES = ((0, 0), (100, 200), (200, 400))
EPSILONS = (6, 8, 12)


@pytest.fixture(scope="module")
def victim() -> Victim:
    return load_victim(RESOURCES / "victims" / "natural-mobilenetv3-small.safetensors")[0]


@pytest.fixture(scope="module")
def photographs() -> Tensor:
    """Parts of two photographs at their own resolution, float32 [6, 3, 224, 224]."""
    parts = [
        image[top : top + 224, left : left + 224].transpose(2, 0, 1)
        for image in load_sample_images().images
        for top, left in PLACES
    ]
    return torch.from_numpy(np.stack(parts)).float() / 255


class Attacked(NamedTuple):
    """8-bit images [N, 3, 224, 224] that fool the victim, and their epsilons in grey levels."""

    images: Tensor
    epsilon: Tensor


@pytest.fixture(scope="module")
def attacked(victim: Victim, photographs: Tensor) -> dict[str, Attacked]:
    """The same photographs by attack, with the epsilons of ``EPSILONS`` in turn."""
    epsilon = torch.tensor(EPSILONS * 2)
    found = {}
    for name, settings in (("FGSM", {}), ("PGD", {"steps": 10})):
        attack = make_attack({"name": name, **settings})
        made = attack(victim, photographs, victim(photographs).argmax(1), epsilon / 255, eight_bit=True)
        assert made.success.sum() >= 5
        found[name] = Attacked(made.adversarial[made.success], epsilon[made.success])
    return found


def save(images: Tensor, folder: Path) -> None:
    folder.mkdir()
    for at, image in enumerate(images):
        pixels = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(folder / f"{at}.png")


def judged(folder: Path, *options: str) -> list[dict[str, Any]]:
    answers = folder.with_suffix(".json")
    assert main(["attribute", str(folder), "--json", str(answers), "--device", "cpu", *options]) == 0
    found = json.loads(answers.read_text())
    assert found["pack"]["id"] == read_manifest(RESOURCES / "packs" / "natural.mtaapack").pack_id
    records: list[dict[str, Any]] = found["records"]
    return records


def share(records: list[dict[str, Any]], answer: str, label: str) -> float:
    return float(np.mean([record[answer]["label"] == label for record in records]))


@pytest.mark.parametrize("options", [(), ("--no-ask",)], ids=["asked", "image alone"])
@pytest.mark.parametrize("name", ["FGSM", "PGD"])
def test_attacks_on_a_shipped_victim_are_named(
    name: str, options: tuple[str, ...], attacked: dict[str, Attacked], tmp_path: Path
) -> None:
    save(attacked[name].images, tmp_path / "seized")
    records = judged(tmp_path / "seized", *options)
    assert share(records, "attack", name) >= 0.8
    assert share(records, "victim", "MobileNetV3-Small") >= 0.8
    errors = [r["hyperparameter"]["value"] - e for r, e in zip(records, attacked[name].epsilon, strict=True)]
    assert np.sqrt(np.mean(np.square(errors))) < 3


def test_most_clean_photographs_are_called_clean(photographs: Tensor, tmp_path: Path) -> None:
    save(photographs, tmp_path / "clean")
    assert share(judged(tmp_path / "clean"), "attack", "clean") >= 0.6


def test_compressed_after_the_attack_is_right_or_unfamiliar(attacked: dict[str, Attacked], tmp_path: Path) -> None:
    names = [name for name, made in attacked.items() for _ in made.images]
    pixels = (torch.cat([made.images for made in attacked.values()]) * 255).round().to(torch.uint8).numpy()
    save(torch.from_numpy(np.stack([through_jpeg(image, 70) for image in pixels])) / 255, tmp_path / "compressed")
    records = judged(tmp_path / "compressed")
    trusted = [
        r["attack"]["label"] in (name, "clean") or not r["familiarity"]["familiar"]
        for r, name in zip(records, names, strict=True)
    ]
    assert np.mean(trusted) >= 0.75
