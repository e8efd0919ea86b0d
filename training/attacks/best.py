"""For attacks that search for the nearest example: the best of each so far, and the last step onto the boundary."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.attacks.base import LEVELS, Oracle, margins, per_example

_LINE_STEPS = 8
_ROUNDING_MATTERS = 0.5  # kappa under which rounding to 8 bits can undo a success


@dataclass
class Best:
    """images: [B, C, H, W], the nearest found. distance: [B], infinite where none was."""

    images: Tensor
    distance: Tensor

    @classmethod
    def none_yet(cls, images: Tensor) -> Best:
        return cls(images.clone(), torch.full_like(images.flatten(1)[:, 0], float("inf")))

    def offer(self, index: Tensor, images: Tensor, distance: Tensor, met: Tensor) -> None:
        """Of the examples ``index`` [n]: images [n, C, H, W], taken where they met the attack's condition, bool [n]."""
        better = met & (distance < self.distance[index])
        self.distance[index] = torch.where(better, distance, self.distance[index])
        self.images[index] = torch.where(per_example(better, images), images, self.images[index])


def onto_boundary(victim: Oracle, images: Tensor, best: Tensor, labels: Tensor, kappa: Tensor) -> Tensor:
    """Scale each perturbation by 0.9 to 1.1, to the least at which the fp32 margin is still kappa.

    Where kappa is so little that rounding to 8 bits can undo the success, the rounded image must fool as well.
    """
    low, high = torch.full_like(kappa, 0.9), torch.full_like(kappa, 1.1)
    change = best - images
    delicate = kappa < _ROUNDING_MATTERS
    for _ in range(_LINE_STEPS):
        middle = (low + high) / 2
        scaled = (images + per_example(middle, images) * change).clamp(0, 1)
        reached = margins(victim.logits(scaled), labels) >= kappa
        if bool(delicate.any()):
            rounded = (scaled[delicate] * LEVELS + 0.5).floor() / LEVELS
            reached[delicate] &= margins(victim.logits(rounded), labels[delicate]) > 0
        low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
    return (images + per_example(high, images) * change).clamp(0, 1)
