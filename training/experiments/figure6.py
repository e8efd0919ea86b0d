"""Figure 6: how far the feature maps of an adversarial image and of its clean twin are apart, by depth.

The paper takes a ResNet101 pretrained on ImageNet. Here the network is the ResNet50 among the victims (or the first
ResNet of them), trained on the data set in hand, and its blocks are the first convolution and the four stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.models import ResNet

from core.errors import ScenarioError
from core.victims import Victim
from training.experiments.cells import subset
from training.experiments.draw import curves
from training.experiments.item import Found, Item, Table
from training.experiments.perturbations import load
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import evenly, narrow

BLOCKS = {"conv1": "relu", "conv2": "layer1", "conv3": "layer2", "conv4": "layer3", "conv5": "layer4"}
"""The paper's names of the blocks (as in He et al. 2016) -> where torchvision's ResNet has them."""
IMAGES = 200


def cells(study: Study, seed: int) -> list[Cell]:
    scenario = narrow(study.scenario, subset(study))
    ranked = sorted(
        (v for v in scenario.victims if v.architecture.startswith("ResNet")), key=lambda v: v.architecture, reverse=True
    )
    if not ranked:
        raise ScenarioError(f"{scenario.name} has no ResNet among its victims.", "Figure 6 looks into one: add it.")

    def compute(_: Path) -> Result:
        victim = load(study, ranked[0])
        test = study.examples("test", subset(study))
        by_attack: dict[str, Any] = {}
        for index, name in enumerate(scenario.attack_names):
            rows = np.flatnonzero(test.attack == index)
            rows = rows[evenly(len(rows), study.images(IMAGES))]
            by_attack[name] = gaps(victim, *(torch.from_numpy(i[rows]) for i in (test.adversarial, test.clean)))
        return Result({"network": ranked[0].label, "by_attack": by_attack})

    settings = {"data": study.fingerprint, "network": ranked[0].label, "images": study.images(IMAGES)}
    return [Cell("feature maps", "feature-maps", settings, compute)]


@torch.inference_mode()
def gaps(victim: Victim, adversarial: Tensor, clean: Tensor) -> dict[str, dict[str, float]]:
    """Mean squared and absolute difference of the feature maps after each block, of uint8 images [N, C, H, W]."""
    assert isinstance(victim.network, ResNet)
    seen: dict[str, Tensor] = {}
    hooks = [
        # The first convolution's activation is used again inside no other block: the ResNet's own relu runs once.
        getattr(victim.network, layer).register_forward_hook(
            lambda _, __, output, name=name: seen.__setitem__(name, output.detach().cpu().clone())
        )
        for name, layer in BLOCKS.items()
    ]
    device = next(victim.parameters()).device
    maps = []
    for images in (adversarial, clean):
        victim(images.to(device).float() / 255)
        maps.append(dict(seen))
    for hook in hooks:
        hook.remove()
    changes = {name: (maps[0][name] - maps[1][name]).double() for name in BLOCKS}
    return {
        name: {"mse": float(change.square().mean()), "mae": float(change.abs().mean())}
        for name, change in changes.items()
    }


def table(found: Found) -> Table:
    rows = []
    for name in next(iter(found.get("feature maps", "by_attack")), {}):
        for measure in ("mse", "mae"):
            at = [found.number("feature maps", "by_attack", name, block, measure, digits=4) for block in BLOCKS]
            rows.append([name, measure.upper(), *at])
    network = next(iter(found.get("feature maps", "network")), "no network yet")
    return Table(["Attack", f"in {network}", *BLOCKS], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    names = list(next(iter(found.get("feature maps", "by_attack")), {}))
    panels = {}
    for measure in ("mse", "mae"):
        lines = {}
        for name in names:
            values = [found.mean("feature maps", "by_attack", name, block, measure) or 0.0 for block in BLOCKS]
            lines[name] = (list(range(1, len(BLOCKS) + 1)), values)
        panels[measure.upper()] = lines
    curves(figure, panels, "conv block")


ITEM = Item(
    "figure6", "Figure 6: feature maps of clean and adversarial images, by depth", cells, table, draw,
    {"trend": "grows with depth (Section 3.3.2, on Figure 6: ResNet101, ImageNet)"},
    ("The network is the deepest ResNet among the victims; the paper's is ResNet101 pretrained on ImageNet.",),
)  # fmt: skip
