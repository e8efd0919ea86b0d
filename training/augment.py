"""How a victim's clean images are varied while it is trained."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

_SMALL = 4 / 7
"""The side of most crops beside the images' own: 128 for 224."""

_FULL_FROM = 0.85
"""The share of training after which crops have the images' own side, at which the victim is used."""

_AREA = (0.35, 1.0)


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """[B, C, H, W] moved by up to a fourteenth of the height each way, all alike; edges are filled with 0."""
    reach = max(1, images.shape[-2] // 14)
    dy, dx = (int(v) for v in torch.randint(-reach, reach + 1, (2,), generator=generator))
    padded = F.pad(images, (reach, reach, reach, reach))
    height, width = images.shape[-2:]
    return padded[..., reach + dy : reach + dy + height, reach + dx : reach + dx + width]


def photo(images: Tensor, *, done: float) -> Tensor:
    """Photographs uint8 [B, C, H, W] -> float32 [B, C, h, w] in [0, 1]: each cropped at random, scaled, and mirrored.

    done: share of the training that is over. Crops are small at first: a network that is trained mostly on fewer
    pixels and at last on all of them costs a third and does as well (Touvron et al. 2019, "Fixing the train-test
    resolution discrepancy"). Draws from torch's global generator.
    """
    side = tuple(n if done >= _FULL_FROM else max(1, round(n * _SMALL)) for n in images.shape[-2:])
    vary = v2.Compose([v2.RandomResizedCrop(side, scale=_AREA, antialias=True), v2.RandomHorizontalFlip()])
    return torch.stack([vary(image) for image in images]).float() / 255
