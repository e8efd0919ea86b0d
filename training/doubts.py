"""How sure answers about examples are, one by one: what was calibrated for familiar images, or for unfamiliar ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.calibration import Doubt
from core.manifest import AttackLabel
from core.model.scorer import agreed
from training.metrics import Predictions
from training.trainer import RawAnswers


@dataclass(frozen=True, slots=True)
class Doubts:
    """strange: bool [N], which of the examples are unfamiliar."""

    familiar: Doubt
    unfamiliar: Doubt
    strange: Tensor

    @classmethod
    def alike(cls, doubt: Doubt, count: int) -> Doubts:
        return cls(doubt, doubt, torch.zeros(count, dtype=torch.bool))

    def of_each(self, get: Callable[[Doubt], Any]) -> NDArray[np.float64]:
        """[N, ...]: the numbers that ``get`` reads off the doubt of each example."""
        both = np.asarray([get(self.familiar), get(self.unfamiliar)], dtype=np.float64)
        each: NDArray[np.float64] = both[self.strange.long().numpy()]
        return each


def calibrated(
    answers: RawAnswers, doubts: Doubts, labels: Sequence[AttackLabel], clean: tuple[int, int] | None
) -> Predictions:
    """The answers as users get them: probabilities at the fitted temperatures, values within their attack's range.

    clean: the index of "clean" among attacks and victims; both say it as surely where that was calibrated.
    """
    temperatures = doubts.of_each(lambda d: [d.calibration.attack_temperature, d.calibration.victim_temperature])
    by_attack, by_victim = torch.from_numpy(temperatures)[:, :, None].unbind(1)
    attack, victim = answers.attack.double() / by_attack, answers.victim.double() / by_victim
    agree = torch.from_numpy(doubts.of_each(lambda d: [d.calibration.agreed]) > 0)
    return Predictions(
        attack=attack.softmax(1).numpy(),
        victim=torch.where(agree, agreed(attack, victim, clean, heard=False)[1], victim).softmax(1).numpy(),
        hyperparameter=np.clip(
            answers.hyperparameter.double().numpy(), [a.minimum for a in labels], [a.maximum for a in labels]
        ),
    )
