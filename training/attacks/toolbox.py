"""Other toolboxes' attacks behind the common template: attackers use them, so the attributor must know their images.

A toolbox takes one epsilon, kappa or overshoot for a batch, so the batch is grouped by value, and draws from global
generators, which are lent ours for the call. Its algorithm is left as it is.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Kind, Oracle


@contextmanager
def lent_generator(generator: torch.Generator | None, device: torch.device) -> Iterator[None]:
    """Seed torch's and NumPy's global generators from ``generator`` and put them back; None leaves them to run on."""
    if generator is None:
        yield
        return
    seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
    before = np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)


class Toolbox(Attack):
    """A foreign attack, called once for each value of the hyperparameter in a batch."""

    precision: Literal["fp32"] = "fp32"
    _needs_autograd: ClassVar[bool] = True

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        adversarial = images.clone()
        with lent_generator(generator, images.device):
            for value in sorted(set(hyperparameter.tolist())):
                group = (hyperparameter == value).nonzero().squeeze(1)
                adversarial[group] = self.attack(victim, images[group], labels[group], value).detach()
        return adversarial

    @abstractmethod
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        """Adversarial images [B, C, H, W] at one value of the hyperparameter; the clean image where it failed."""


class ToolboxFGSM(Toolbox):
    name: ClassVar[str] = "FGSM"
    hyperparameter: ClassVar[Kind] = "epsilon"


class ToolboxPGD(Toolbox):
    name: ClassVar[str] = "PGD"
    hyperparameter: ClassVar[Kind] = "epsilon"

    steps: PositiveInt = 20
    relative_step: float = Field(default=2.5, gt=0, allow_inf_nan=False)
    random_start: bool = True

    def step_size(self, epsilon: float) -> float:
        """alpha; some toolboxes refuse one above epsilon."""
        return min(epsilon, self.relative_step * epsilon / self.steps)


class ToolboxCarliniWagner(Toolbox):
    name: ClassVar[str] = "C&W"
    hyperparameter: ClassVar[Kind] = "kappa"

    search_steps: PositiveInt = 5
    steps: PositiveInt = 200
    learning_rate: float = Field(default=0.01, gt=0, allow_inf_nan=False)
    initial_c: float = Field(default=1e-2, gt=0, allow_inf_nan=False)


class ToolboxEAD(Toolbox):
    name: ClassVar[str] = "EAD"
    hyperparameter: ClassVar[Kind] = "kappa"

    search_steps: PositiveInt = 5
    steps: PositiveInt = 100
    step_size: float = Field(default=0.01, gt=0, allow_inf_nan=False)
    beta: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    rule: Literal["EN", "L1"] = "EN"
    initial_c: float = Field(default=1e-2, gt=0, allow_inf_nan=False)


class ToolboxDeepFool(Toolbox):
    name: ClassVar[str] = "DeepFool"
    hyperparameter: ClassVar[Kind] = "overshoot"

    steps: PositiveInt = 50
