"""EAD, the elastic-net attack (Chen et al. 2018, arXiv:1709.04114, algorithm 1), untargeted.

Minimise beta * |x' - x|_1 + |x' - x|_2^2 + c * max(kappa - margin(x'), 0) by FISTA: a step along the smooth part's
gradient, and then every pixel moves beta back towards the clean one and stays there if it had moved by less. So few
pixels change, and those by much. The c of each example is searched for as in C&W, its first value comes from
linearising the margin at the clean image, an example whose objective no longer falls leaves its search step, and a
closing line search in fp32 puts the example onto the boundary margin = kappa.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Kind, Loss, Oracle, margins, per_example
from training.attacks.best import Best, onto_boundary

_GROWTH = 10.0
_CHECKS = 10  # in a search step, as often as the original looks whether the objective still falls
_GAIN = 1e-4  # share by which it has to fall from one check to the next


class EAD(Attack):
    """The hyperparameter kappa is the logit margin that an example must reach.

    beta: weight of the L1 norm. rule: which distance is least among the examples found, L1 or the elastic net's.
    Up to ``search_steps * steps`` passes and as many forward passes an example.
    """

    name: ClassVar[str] = "EAD"
    hyperparameter: ClassVar[Kind] = "kappa"

    search_steps: PositiveInt = 5
    steps: PositiveInt = 100
    step_size: float = Field(default=0.01, gt=0, allow_inf_nan=False)
    beta: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    rule: Literal["EN", "L1"] = "EN"

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        best = Best.none_yet(images)
        c = _first_c(victim, images, labels, hyperparameter)
        low, high = torch.zeros_like(c), torch.full_like(c, float("inf"))
        for _ in range(self.search_steps):
            hit = self._minimise(victim, images, labels, hyperparameter, c, best)
            low, high = torch.where(hit, low, c), torch.where(hit, c, high)
            c = torch.where(high.isinf(), c * _GROWTH, (low + high) / 2)
        return onto_boundary(victim, images, best.images, labels, hyperparameter)

    def _minimise(self, victim: Oracle, images: Tensor, labels: Tensor, kappa: Tensor, c: Tensor, best: Best) -> Tensor:
        """One search step; offers ``best`` what it finds and returns which examples met kappa, bool [B]."""
        hit = torch.zeros_like(kappa, dtype=torch.bool)
        index = torch.arange(len(images), device=images.device)
        clean, now, ahead = images, images, images
        last = torch.full_like(kappa, float("inf"))
        for step in range(self.steps):
            label, wanted, weight = labels[index], kappa[index], c[index]
            gradient, _ = victim.gradient(ahead, _hinge(wanted, label))
            slope = per_example(weight, gradient) * gradient + 2 * (ahead - clean)
            rate = self.step_size * (1 - step / self.steps) ** 0.5
            before, now = now, _shrunk(ahead - rate * slope, clean, self.beta)
            ahead = now + step / (step + 3) * (now - before)
            missing = wanted - margins(victim.logits(now), label)
            distance, elastic = self._distance(now - clean)
            best.offer(index, now, distance, missing <= 0)
            hit[index] |= missing <= 0
            if (step + 1) % max(1, self.steps // _CHECKS):
                continue
            victim.require_finite()
            objective = elastic + weight * missing.clamp(min=0)
            falls = objective <= (1 - _GAIN) * last
            index, clean, now, ahead, last = (rows[falls] for rows in (index, clean, now, ahead, objective))
            if not len(index):
                break
        return hit

    def _distance(self, change: Tensor) -> tuple[Tensor, Tensor]:
        """By the rule, and the elastic net's, both [n]."""
        flat = change.flatten(1)
        absolute = flat.abs().sum(1)
        elastic = self.beta * absolute + flat.square().sum(1)
        return (absolute if self.rule == "L1" else elastic), elastic


def _hinge(kappa: Tensor, labels: Tensor) -> Loss:
    return lambda logits: (kappa - margins(logits, labels)).clamp(min=0)


def _first_c(victim: Oracle, images: Tensor, labels: Tensor, kappa: Tensor) -> Tensor:
    """Twice the Lagrange multiplier that a linear margin has under the L2 norm."""
    gradient, logits = victim.gradient(images, lambda logits: margins(logits, labels))
    missing = (kappa - margins(logits, labels)).clamp(min=1e-3)
    return 4 * missing / gradient.flatten(1).square().sum(1).clamp(min=1e-12)


def _shrunk(moved: Tensor, clean: Tensor, beta: float) -> Tensor:
    """Eq. 5: each pixel beta closer to the clean one, and there if it is no further from it; within [0, 1]."""
    change = moved - clean
    return (clean + change.sign() * (change.abs() - beta).clamp(min=0)).clamp(0, 1)
