"""How sure answers about examples are, one by one: what was calibrated for familiar images, or for unfamiliar ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.calibration import Doubt


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
