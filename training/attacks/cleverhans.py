"""cleverhans 4.0, the paper's toolbox.

Its C&W does not bisect c, couples an example to its batch mates, and hands back the clean image where it fails, which
the common template then judges as failed.
"""

from __future__ import annotations

import numpy as np
from cleverhans.torch.attacks.carlini_wagner_l2 import carlini_wagner_l2
from cleverhans.torch.attacks.fast_gradient_method import fast_gradient_method
from cleverhans.torch.attacks.projected_gradient_descent import projected_gradient_descent
from pydantic import Field
from torch import Tensor

from training.attacks.base import Oracle
from training.attacks.toolbox import ToolboxCarliniWagner, ToolboxFGSM, ToolboxPGD


class CleverhansFGSM(ToolboxFGSM):
    """cleverhans's fast_gradient_method."""

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = fast_gradient_method(victim, images, value, np.inf, clip_min=0.0, clip_max=1.0, y=labels)
        return made


class CleverhansPGD(ToolboxPGD):
    """cleverhans's projected_gradient_descent. Its sanity checks call NumPy on device tensors and are left off."""

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = projected_gradient_descent(
            victim, images, value, self.step_size(value), self.steps, np.inf,
            clip_min=0.0, clip_max=1.0, y=labels, rand_init=self.random_start, sanity_checks=False,
        )  # fmt: skip
        return made


class CleverhansCarliniWagner(ToolboxCarliniWagner):
    """cleverhans's carlini_wagner_l2."""

    learning_rate: float = Field(default=5e-3, gt=0, allow_inf_nan=False)

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = carlini_wagner_l2(
            victim, images, victim.logits(images[:1]).shape[1], y=labels, lr=self.learning_rate, confidence=value,
            initial_const=self.initial_c, binary_search_steps=self.search_steps, max_iterations=self.steps,
        )  # fmt: skip
        return made
