"""Fast Gradient Sign Method (Goodfellow, Shlens, Szegedy 2015, arXiv:1412.6572)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from training.attacks.base import Attack, Kind, Oracle, cross_entropy, per_example


class FGSM(Attack):
    """One step of size epsilon along the sign of the cross-entropy's gradient."""

    name: ClassVar[str] = "FGSM"
    hyperparameter: ClassVar[Kind] = "epsilon"

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        gradient, _ = victim.gradient(images, cross_entropy(labels))
        return images + per_example(hyperparameter, images) * gradient.sign()
