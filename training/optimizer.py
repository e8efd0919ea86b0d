"""The optimiser and the learning rate of Section 4.1, which every network here is trained with."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from training.scenario import TrainingSpec


def optimizer_of(
    spec: TrainingSpec, parameters: Iterable[nn.Parameter], free: Iterable[nn.Parameter] = ()
) -> torch.optim.Optimizer:
    """Adam, or AdamW where the decay is decoupled, over those parameters that are trained.

    Weight decay is on the weights of layers alone, not on norms and biases, and not on ``free`` ones.
    """
    trained = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": spec.weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
    if free := list(free):
        groups.append({"params": free, "weight_decay": 0.0})
    kind = torch.optim.AdamW if spec.decoupled_decay else torch.optim.Adam
    return kind(groups, lr=spec.learning_rate)


def cosine_schedule(optimizer: torch.optim.Optimizer, epochs: int, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """A linear warm-up over half an epoch of so many steps, then a cosine to zero at the last of all."""
    total, warm = epochs * steps, max(1, steps // 2)

    def rate(step: int) -> float:
        return min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0))))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
