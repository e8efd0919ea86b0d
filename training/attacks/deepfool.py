"""DeepFool (Moosavi-Dezfooli, Fawzi, Frossard 2016, arXiv:1511.04599, algorithm 2), L2.

The perturbation found so far is multiplied by 1 + overshoot before the victim is asked whether it is fooled, as the
authors' own program does; the algorithm as printed would multiply only once, at the end.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Kind, Oracle, per_example

_LEAST_STEP = 1e-4  # L2 added to each step, so that steps do not shrink to nothing just before the boundary


class DeepFool(Attack):
    """Steps onto the nearest of the linearised class boundaries until the victim is fooled.

    The hyperparameter overshoot (0.02 in the paper) is the share by which the perturbation goes beyond the boundary.
    ``candidates``: how many of the classes that the victim holds likeliest on the clean image are tried, the true one
    included.
    """

    name: ClassVar[str] = "DeepFool"
    hyperparameter: ClassVar[Kind] = "overshoot"

    steps: PositiveInt = 50
    candidates: int = Field(default=10, ge=2)

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        index = torch.arange(len(images), device=images.device)
        adversarial, total = images.clone(), torch.zeros_like(images)
        logits = victim.logits(images)
        others = logits.scatter(1, labels[:, None], float("-inf"))
        rivals = others.topk(min(self.candidates, logits.shape[1]) - 1, dim=1).indices
        for _ in range(self.steps):
            index = index[logits.argmax(1) == labels[index]]
            if not len(index):
                break
            total[index] += self._step(victim, adversarial[index], labels[index], rivals[index])
            reach = per_example(1 + hyperparameter[index], images)
            adversarial[index] = (images[index] + reach * total[index]).clamp(0, 1)
            logits = victim.logits(adversarial[index])
        return adversarial

    @staticmethod
    def _step(victim: Oracle, images: Tensor, labels: Tensor, rivals: Tensor) -> Tensor:
        """From images [n, C, H, W] onto the nearest linearised boundary to one of the rivals [n, R]."""
        truth = labels[:, None]
        gaps, gradients = victim.jacobian(images, lambda logits: logits.gather(1, rivals) - logits.gather(1, truth))
        lengths = gradients.flatten(2).norm(dim=2) + 1e-8
        distances, nearest = (gaps.abs() / lengths).min(1)
        row = torch.arange(len(images), device=images.device)
        return per_example((distances + _LEAST_STEP) / lengths[row, nearest], images) * gradients[row, nearest]
