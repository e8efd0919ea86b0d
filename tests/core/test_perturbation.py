"""What an attack's own rule adds to the estimate of a perturbation, against what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.attributor import Attributor
from core.imageio import load_image
from core.labels import NONE_OF_THESE
from core.listed import Record
from core.manifest import AttackLabel
from core.model.network import Outputs
from core.model.perturbation import Perturbation
from core.pack import find_pack, load_pack
from core.paths import RESOURCES, SAMPLES
from core.perturbation import drawn_along, perturbation
from core.types import Finding, Heatmap
from core.victim_store import victims_to_ask
from core.victims import load_victim

ATTACKS = [
    AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
    AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
    AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=1, maximum=20),
]


def outputs(estimate: Tensor, attack: int, epsilon: float) -> Outputs:
    count = len(estimate)
    logits = nn.functional.one_hot(torch.full((count,), attack), 3).float()
    told = torch.full((count, 3), epsilon)
    return Outputs(logits, torch.zeros(count, 2), told, Perturbation(estimate, estimate, estimate), estimate)


def test_one_step_is_undone_where_the_range_says_how() -> None:
    epsilon = 60 / 255
    shades = torch.tensor([[[[0.0, 1.0, 0.1, 0.9, 0.5, epsilon, 0.5, 0.5]]]])
    # black, white, too dark to have risen, too light to have fallen, sure, risen from black, unsure, sure
    vague = torch.tensor([[[[0.001, -0.001, 0.2, -0.2, 0.2, 0.001, 0.01, -0.2]]]])
    wanted = torch.tensor([[[[0.0, 0.0, -1.0, 1.0, 1.0, 1.0, 0.0, -1.0]]]]) * epsilon
    torch.testing.assert_close(perturbation(shades, outputs(vague, 1, 60), ATTACKS), wanted)


def test_other_attacks_keep_the_estimate() -> None:
    images, estimate = torch.rand(2, 1, 2, 2), torch.rand(2, 1, 2, 2) - 0.5
    assert torch.equal(perturbation(images, outputs(estimate, 2, 60), ATTACKS), estimate)


def test_a_network_without_an_estimate_cannot_ask() -> None:
    blind = outputs(torch.zeros(1, 1, 2, 2), 1, 60)._replace(perturbation=None)
    with pytest.raises(ValueError, match="perturbations"):
        perturbation(torch.zeros(1, 1, 2, 2), blind, ATTACKS)


def test_an_estimate_is_turned_towards_a_gradient_and_keeps_its_length() -> None:
    estimate = torch.tensor([[[[3.0, 0.0]]], [[[0.0, 0.0]]], [[[0.0, 2.0]]]])
    gradient = torch.tensor([[[[0.0, 100.0]]], [[[1.0, 1.0]]], [[[0.0, 0.0]]]])
    turned = drawn_along(estimate, gradient)
    length = 3 / 5**0.5
    torch.testing.assert_close(turned[0, 0, 0], torch.tensor([2 * length, length]))
    assert turned[1].abs().max() < 1e-6  # nothing was found, and nothing is made up
    torch.testing.assert_close(turned[2], estimate[2])


@pytest.fixture(scope="module")
def findings() -> dict[str, dict[bool, Finding]]:
    """Of samples, without and with the shipped victims asked."""
    pack = load_pack(find_pack("mnist"))
    held = victims_to_ask(pack.manifest, True, [])
    ways = {bool(asked): Attributor(pack, "cpu", asked) for asked in ((), held)}
    images = {path.stem: load_image(path) for path in Path(SAMPLES).glob("*.png")}
    return {
        name: {asked: way.attribute([image], heatmaps=True)[0] for asked, way in ways.items()}
        for name, image in images.items()
    }


def map_of(finding: Finding) -> Heatmap:
    assert finding.heatmap is not None
    return finding.heatmap


def test_a_cw_image_is_drawn_along_its_victims_gradient(findings: dict[str, dict[bool, Finding]]) -> None:
    alone, asked = (findings["cw-vgg16-kappa14-0"][way] for way in (False, True))
    assert (asked.attribution.attack.label, asked.attribution.victim.label) == ("C&W", "VGG16")
    assert map_of(asked).source.endswith(", turned by a third towards the gradient of VGG16")
    assert "gradient" not in map_of(alone).source
    before, after = map_of(alone).perturbation, map_of(asked).perturbation
    assert before is not None and after is not None
    image = torch.from_numpy(load_image(SAMPLES / "cw-vgg16-kappa14-0.png").pixels)[None]
    told = {}
    for name, other in product(("vgg16", "resnet18"), range(10)):
        drawn = drawn_along(torch.from_numpy(before)[None], pull_of(name, image, other))[0]
        told[name, other] = float((drawn - torch.from_numpy(after)).abs().max())
    (victim, _), apart = min(told.items(), key=lambda item: item[1])
    assert victim == "vgg16" and apart < 1e-4
    assert sorted(told.values())[1] > 10 * apart, "no other class and no other victim gives that"


def pull_of(name: str, image: Tensor, other: int) -> Tensor:
    """The gradient of a shipped victim's margin over the class ``other``, by autograd."""
    victim, _ = load_victim(RESOURCES / "victims" / f"{name}.safetensors")
    x = image.clone().requires_grad_()
    logits = victim.frozen()(x)
    (gradient,) = torch.autograd.grad(logits.max() - logits[0, other], x)
    return gradient


def test_only_the_victim_that_is_named_turns_an_estimate_and_only_under_cw() -> None:
    pack = load_pack(find_pack("mnist"))
    held = victims_to_ask(pack.manifest, True, [])
    panel = Attributor(pack, "cpu", held).panel
    assert panel is not None
    names = [attack.name for attack in pack.manifest.attacks]
    cw, fgsm = (torch.eye(len(names))[names.index(name)] for name in ("C&W", "FGSM"))
    victims = torch.eye(len(panel.labels))
    said = [(cw, "VGG16"), (cw, "ResNet18"), (fgsm, "VGG16"), (cw, "ResNet50"), (cw, NONE_OF_THESE), (cw, "clean")]
    attack = torch.stack([label for label, _ in said])
    victim = torch.stack([victims[panel.labels.index(name)] for _, name in said])
    turning = panel.turning(attack, victim)
    order = [one.name for one in held]
    assert turning.tolist() == [order.index("VGG16"), order.index("ResNet18"), -1, -1, -1, -1]  # ResNet50 is not here


def test_a_map_goes_with_the_answer_that_it_was_drawn_by(findings: dict[str, dict[bool, Finding]]) -> None:
    """One victim fewer may change the answer, and a report would show the old one beside the new one's map."""
    found, other = findings["fgsm-resnet18-eps60-7"][True], findings["clean-3"][True]
    record = Record("a.png", found.attribution.sha256, "ok", None, replace(found, heatmap=None))
    assert record.map_of(found) is found.heatmap and record.map_of(other) is None
    assert Record("a.png", None, "error", "It cannot be read.", None).map_of(found) is None


@pytest.mark.parametrize("asked", [False, True])
def test_an_fgsm_image_is_drawn_by_its_epsilon(findings: dict[str, dict[bool, Finding]], asked: bool) -> None:
    found = findings["fgsm-resnet18-eps60-7"][asked]
    drawn = map_of(found)
    assert drawn.perturbation is not None
    assert drawn.source.endswith(", by epsilon where a change was seen")
    epsilon = found.attribution.hyperparameter.value / 255
    levels = np.unique(np.abs(drawn.perturbation).round(5))
    assert levels[-1] == pytest.approx(epsilon, abs=1e-4)
    moved = np.abs(drawn.perturbation) > 1e-4
    assert np.mean(np.abs(drawn.perturbation[moved]) > epsilon - 1e-4) > 0.8  # the rest was cut off at black or white


def test_other_images_keep_what_the_auto_encoder_says(findings: dict[str, dict[bool, Finding]]) -> None:
    for name in ("clean-3", "pgd-vgg16-eps90-2"):
        alone, asked = (map_of(findings[name][way]) for way in (False, True))
        assert alone.source == asked.source
        assert alone.perturbation is not None and asked.perturbation is not None
        assert np.allclose(alone.perturbation, asked.perturbation, atol=1e-5)


def test_an_fgsm_image_in_tiles_is_drawn_in_one_piece() -> None:
    pack = load_pack(find_pack("mnist"))
    tiling = Attributor(replace(pack, manifest=pack.manifest.fitting("tiles")), "cpu")
    sample = load_image(SAMPLES / "fgsm-resnet18-eps60-7.png")
    twice = np.concatenate([sample.pixels, sample.pixels[:, :, ::-1]], axis=2)
    (found,) = tiling.attribute([replace(sample, pixels=np.ascontiguousarray(twice))], heatmaps=True)
    assert found.attribution.attack.label == "FGSM"
    drawn = map_of(found).perturbation
    assert drawn is not None and drawn.shape == twice.shape
    epsilon = found.attribution.hyperparameter.value / 255
    assert np.abs(drawn).max() == pytest.approx(epsilon, abs=1e-4)
