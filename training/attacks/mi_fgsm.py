"""Momentum Iterative FGSM (Dong et al. 2018, arXiv:1710.06081, algorithm 1)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from training.attacks.base import per_example
from training.attacks.pgd import SignAscent


class MIFGSM(SignAscent):
    """Steps along the sign of gathered gradients of L1 norm 1; the original has 10 steps of epsilon / 10."""

    name: ClassVar[str] = "MI-FGSM"

    relative_step: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    decay: float = Field(default=1.0, ge=0, allow_inf_nan=False)

    def _direction(self, last: Tensor, gradient: Tensor) -> Tensor:
        norm = gradient.flatten(1).abs().sum(1).clamp(min=1e-12)
        return self.decay * last + gradient / per_example(norm, gradient)
