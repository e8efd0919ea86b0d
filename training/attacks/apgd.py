"""Auto-PGD on the cross-entropy (Croce & Hein 2020, arXiv:2003.01690, algorithm 1), each example with its own steps."""

from __future__ import annotations

from math import ceil
from typing import ClassVar

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Kind, Oracle, cross_entropy, per_example
from training.attacks.pgd import random_start

_MOMENTUM = 0.75


def checkpoints(steps: int) -> list[int]:
    """Iterations at which step sizes are reconsidered (section 3.1): further apart at first, closer later."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return sorted({ceil(round(share * steps, 6)) for share in shares[1:] if share < 1})


class APGD(Attack):
    """PGD with momentum whose step starts at 2 epsilon and halves, from the best point, where progress is poor.

    ``rho``: a step size stays only if at least this share of the steps since the last checkpoint raised the loss.
    """

    name: ClassVar[str] = "APGD-CE"
    hyperparameter: ClassVar[Kind] = "epsilon"

    steps: PositiveInt = 100
    rho: float = Field(default=0.75, gt=0, le=1)
    random_start: bool = True

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        loss_of = cross_entropy(labels)
        epsilon = per_example(hyperparameter, images)
        low, high = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
        x = random_start(images, hyperparameter, generator) if self.random_start else images
        gradient, logits = victim.gradient(x, loss_of)
        loss = loss_of(logits)
        previous, best, best_gradient, best_loss = x, x, gradient, loss
        alpha = 2 * hyperparameter
        rises, halved, best_at_check = torch.zeros_like(loss), torch.ones_like(loss).bool(), loss
        last_check, due = 0, checkpoints(self.steps)
        for step in range(1, self.steps + 1):
            z = (x + per_example(alpha, x) * gradient.sign()).clamp(low, high)
            share = 1.0 if step == 1 else _MOMENTUM
            moved = (x + share * (z - x) + (1 - share) * (x - previous)).clamp(low, high)
            previous, x = x, moved
            gradient, logits = victim.gradient(x, loss_of)
            risen = loss_of(logits)
            rises, loss = rises + (risen > loss), risen
            better = loss > best_loss
            here = per_example(better, x)
            best, best_gradient = torch.where(here, x, best), torch.where(here, gradient, best_gradient)
            best_loss = torch.where(better, loss, best_loss)
            if step in due:
                poor = (rises < self.rho * (step - last_check)) | (~halved & (best_loss <= best_at_check))
                alpha = torch.where(poor, alpha / 2, alpha)
                back = per_example(poor, x)
                x, gradient = torch.where(back, best, x), torch.where(back, best_gradient, gradient)
                rises, halved, best_at_check, last_check = torch.zeros_like(rises), poor, best_loss, step
        return best
