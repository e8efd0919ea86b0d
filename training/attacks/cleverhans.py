"""cleverhans 4.0 behind the common template: a toolbox that attackers use, so the attributor must know its images.

cleverhans takes one eps or confidence for a batch, so the batch is grouped by value. Its C&W is left as it is, with
its couplings between batch mates; examples on which it fails come back clean and are judged failed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
import torch
from cleverhans.torch.attacks.carlini_wagner_l2 import carlini_wagner_l2
from cleverhans.torch.attacks.fast_gradient_method import fast_gradient_method
from cleverhans.torch.attacks.projected_gradient_descent import projected_gradient_descent
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Norm, Oracle


def by_value(
    attack: Callable[[Tensor, Tensor, float], Tensor], images: Tensor, labels: Tensor, hyperparameter: Tensor
) -> Tensor:
    """``attack(images, labels, value)`` for each group of examples that share a value, in the batch's order."""
    adversarial = images.clone()
    for value in sorted(set(hyperparameter.tolist())):
        group = (hyperparameter == value).nonzero().squeeze(1)
        adversarial[group] = attack(images[group], labels[group], value).detach()
    return adversarial


class CleverhansFGSM(Attack):
    """cleverhans's fast_gradient_method."""

    name: ClassVar[str] = "FGSM"
    hyperparameter: ClassVar[Literal["epsilon", "kappa"]] = "epsilon"
    norm: ClassVar[Norm] = "linf"
    precision: Literal["fp32"] = "fp32"
    _needs_autograd: ClassVar[bool] = True

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        def attack(images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
            made: Tensor = fast_gradient_method(victim, images, epsilon, np.inf, clip_min=0.0, clip_max=1.0, y=labels)
            return made

        return by_value(attack, images, labels, hyperparameter)


class CleverhansPGD(Attack):
    """cleverhans's projected_gradient_descent; its random start draws from torch's global generator."""

    name: ClassVar[str] = "PGD"
    hyperparameter: ClassVar[Literal["epsilon", "kappa"]] = "epsilon"
    norm: ClassVar[Norm] = "linf"
    precision: Literal["fp32"] = "fp32"
    _needs_autograd: ClassVar[bool] = True

    steps: PositiveInt = 20
    relative_step: float = Field(default=2.5, gt=0, allow_inf_nan=False)
    random_start: bool = True

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        def attack(images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
            made: Tensor = projected_gradient_descent(
                victim, images, epsilon, min(epsilon, self.relative_step * epsilon / self.steps), self.steps, np.inf,
                clip_min=0.0, clip_max=1.0, y=labels, rand_init=self.random_start, sanity_checks=False,
            )  # fmt: skip
            return made

        # It knows no generator of its own: lend it ours for the call, and leave the caller's global state alone.
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            if generator is not None:
                torch.manual_seed(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
            return by_value(attack, images, labels, hyperparameter)


class CleverhansCarliniWagner(Attack):
    """cleverhans's carlini_wagner_l2."""

    name: ClassVar[str] = "C&W"
    hyperparameter: ClassVar[Literal["epsilon", "kappa"]] = "kappa"
    norm: ClassVar[Norm] = "l2"
    precision: Literal["fp32"] = "fp32"
    _needs_autograd: ClassVar[bool] = True

    search_steps: PositiveInt = 5
    steps: PositiveInt = 200
    learning_rate: float = Field(default=5e-3, gt=0, allow_inf_nan=False)
    initial_c: float = Field(default=1e-2, gt=0, allow_inf_nan=False)

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        classes = victim.logits(images[:1]).shape[1]

        def attack(images: Tensor, labels: Tensor, kappa: float) -> Tensor:
            made: Tensor = carlini_wagner_l2(
                victim, images, classes, y=labels, lr=self.learning_rate, confidence=kappa,
                initial_const=self.initial_c, binary_search_steps=self.search_steps, max_iterations=self.steps,
            )  # fmt: skip
            return made

        return by_value(attack, images, labels, hyperparameter)
