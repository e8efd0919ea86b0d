"""Projected Gradient Descent (Madry et al. 2018, arXiv:1706.06083) and its forerunner BIM (Kurakin et al. 2017)."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Kind, Oracle, cross_entropy, per_example


def random_start(images: Tensor, epsilon: Tensor, generator: torch.Generator | None) -> Tensor:
    """A uniform point of each example's ball, [B, C, H, W], clipped to [0, 1].

    Drawn on the generator's device, one example after the other, so that the same generator gives the same start
    on every accelerator and an example's start does not depend on those behind it.
    """
    device = generator.device if generator is not None else "cpu"
    uniform = torch.rand(images.shape, generator=generator, device=device).to(images)
    return (images + per_example(epsilon, images) * (2 * uniform - 1)).clamp(0, 1)


class SignAscent(Attack):
    """Steps along the sign of a direction, projected to the L-infinity ball and the box after each.

    The step size is taken relative to epsilon so that every epsilon can be reached, and read from the image:
    alpha = relative_step * epsilon / steps. ``step_size`` (in [0, 1] units) replaces it where an attacker fixed alpha.
    """

    hyperparameter: ClassVar[Kind] = "epsilon"

    steps: PositiveInt = 20
    relative_step: float = Field(default=2.5, gt=0, allow_inf_nan=False)
    step_size: float | None = Field(default=None, gt=0, le=1)

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        epsilon = per_example(hyperparameter, images)
        relative = self.relative_step * epsilon / self.steps
        alpha = relative if self.step_size is None else torch.full_like(relative, self.step_size)
        low, high = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
        adversarial = self._start(images, hyperparameter, generator)
        direction = torch.zeros_like(images)
        for _ in range(self.steps):
            gradient, _ = victim.gradient(adversarial, cross_entropy(labels))
            direction = self._direction(direction, gradient)
            adversarial = adversarial.addcmul(direction.sign(), alpha)
            adversarial = torch.minimum(torch.maximum(adversarial, low, out=adversarial), high, out=adversarial)
        return adversarial

    def _start(self, images: Tensor, epsilon: Tensor, generator: torch.Generator | None) -> Tensor:
        return images

    @abstractmethod
    def _direction(self, last: Tensor, gradient: Tensor) -> Tensor:
        """The direction of this step from the last one's and the gradient, all [B, C, H, W]."""


class BIM(SignAscent):
    """Basic Iterative Method (arXiv:1607.02533): steps along the gradient's sign from the clean image."""

    name: ClassVar[str] = "BIM"

    def _direction(self, last: Tensor, gradient: Tensor) -> Tensor:
        return gradient


class PGD(BIM):
    """BIM from a random point of the ball, unless ``random_start`` is off."""

    name: ClassVar[str] = "PGD"

    random_start: bool = True

    def _start(self, images: Tensor, epsilon: Tensor, generator: torch.Generator | None) -> Tensor:
        return random_start(images, epsilon, generator) if self.random_start else images
