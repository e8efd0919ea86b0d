"""The main job on new evidence: digits drawn here, attacked with cleverhans against a shipped victim, read as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.__main__ import main
from core.paths import RESOURCES
from core.victims import Victim, load_victim
from training.attacks import make_attack
from training.samples import draw_digit

SLANTS = (0.0, 0.06, 0.12, 0.18, 0.24)


@pytest.fixture(scope="module")
def victim() -> Victim:
    return load_victim(RESOURCES / "victims" / "resnet18.safetensors")[0]


def digits(victim: Victim) -> tuple[torch.Tensor, torch.Tensor]:
    """Drawn digits that the victim reads right, float32 [N, 1, 28, 28], and what they are."""
    drawn = [(torch.from_numpy(draw_digit(d, slant)).float()[None] / 255, d) for slant in SLANTS for d in range(10)]
    images, labels = torch.stack([image for image, _ in drawn]), torch.tensor([d for _, d in drawn])
    right = victim(images).argmax(1) == labels
    assert right.float().mean() > 0.8
    return images[right], labels[right]


@pytest.mark.parametrize(("name", "values"), [("FGSM", (40, 90, 140, 190)), ("PGD", (40, 90, 140, 190))])
def test_cleverhans_against_a_shipped_victim_is_named(
    name: str, values: tuple[int, ...], victim: Victim, tmp_path: Path
) -> None:
    images, labels = digits(victim)
    asked = torch.tensor(np.resize(values, len(images)).astype(np.float32))
    attack = make_attack({"name": name, "backend": "cleverhans"})
    made = attack(victim, images, labels, asked / 255, generator=torch.Generator().manual_seed(0))
    fooled = torch.nonzero(made.success).flatten().tolist()
    assert len(fooled) > 20
    for i in fooled:
        pixels = (made.adversarial[i, 0] * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(tmp_path / f"{i:03d}.png")

    assert main(["attribute", str(tmp_path), "--json", str(tmp_path / "answers.json"), "--device", "cpu"]) == 0

    records = json.loads((tmp_path / "answers.json").read_text())["records"]
    assert np.mean([r["attack"]["label"] == name for r in records]) >= 0.95
    assert np.mean([r["victim"]["label"] == "ResNet18" for r in records]) >= 0.9
    error = [r["hyperparameter"]["value"] - float(asked[i]) for r, i in zip(records, fooled, strict=True)]
    assert np.sqrt(np.mean(np.square(error))) <= 20


def test_the_readme_s_python_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, after = (RESOURCES.parent / "README.md").read_text("utf-8").partition("```python\n")
    program = after.partition("```")[0].replace('"auto"', '"cpu"')
    exec(compile(program, "README.md", "exec"), {})
    assert capsys.readouterr().out.count("(28, 28)") == 6
