"""Epsilon as an image shows it: what the bound of an attack does to pixels that had nowhere else to go.

A pixel at an end of its range moves away from that end or not at all. Under a bound on every pixel's change it then
shows epsilon itself, and many that do pile up at one 8-bit value: a histogram knows it exactly where a network only
nears it.
"""

from __future__ import annotations

import torch
from torch import Tensor

_NEAR = 40
"""How far, in 1/255, a pile may be from what the network tells."""
_AS_HIGH = 0.6
"""Share of the highest pile that another must have to count: PGD's steps leave lower ones below epsilon."""
_LEAST = 0.02
"""Share of an image's pixels that the highest pile must hold; below, what the network tells stands."""


def read_epsilon(images: Tensor, estimate: Tensor, told: Tensor, most: float) -> Tensor:
    """Epsilon in 1/255, [B], read off images [B, C, H, W] in [0, 1], or ``told`` [B] where none can be read.

    estimate: of the perturbation, like images; it says which way a pixel went. most: the largest epsilon there is.
    Of all piles the largest value is taken, since no pixel goes further than epsilon.
    """
    shade = (images * 255).round().clamp(0, 255).long()
    moved = torch.where(estimate > 0, shade, 255 - shade).flatten(1)
    piles = torch.zeros(len(images), 256, device=images.device)
    piles.scatter_add_(1, moved, torch.ones_like(moved, dtype=piles.dtype))
    value = torch.arange(256, device=images.device)
    near = ((value - told[:, None]).abs() <= _NEAR) & (value >= 1) & (value <= most)
    piles = piles * near
    highest = piles.amax(1)
    found = torch.where(piles >= _AS_HIGH * highest[:, None], value, 0).amax(1)
    return torch.where(highest >= _LEAST * moved.shape[1], found.to(told.dtype), told)
