"""How sure answers about unfamiliar images are: fitted on calibration examples that were changed after the attack.

What holds for images as their attack left them does not hold for those that were compressed, scaled or made noisy
since. The familiarity flags most of those on which a pack errs; so those beyond its threshold have a calibration of
their own (conformal prediction by group, Vovk 2012, arXiv:1209.2673). What it promises it promises for changes like
those of :mod:`training.changes`; for an attack or a victim that the pack does not know, nothing can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.calibration import Calibration
from core.manifest import AttackLabel
from core.model.network import MTAA
from training.calibrate import calibrated_on
from training.lasting import StillFools, changed_some
from training.shards import Examples
from training.trainer import answer

DRAWS = 2
"""How often each calibration example is changed."""

ENOUGH = 300
"""Unfamiliar examples below which they are not told apart."""


@dataclass(frozen=True, slots=True)
class Strange:
    """Unfamiliar examples, and the calibration of what the network says of them."""

    examples: Examples
    calibration: Calibration


def fit_unfamiliar(
    network: MTAA, examples: Examples, scores: Tensor, known: Calibration, labels: list[AttackLabel],
    fools: StillFools, device: torch.device, seed: int, advance: Callable[[int], None] = lambda _: None,
) -> Strange | None:  # fmt: skip
    """From the calibration split: its examples beyond the threshold, as they were made and after changes.

    None where there are too few. scores: [N], the familiarity's of the examples; known: the calibration of these.
    fools: what tells which attacks outlast a change; the others, which are neither clean nor attacked any longer, are
    left out.
    """
    threshold = known.familiarity_threshold
    parts = [examples.at((scores > threshold).numpy())]
    for draw in range(DRAWS):
        after, as_made = changed_some(examples, np.arange(len(examples)), 1.0, fools, seed + 1 + draw)
        found = answer(network.to(device), torch.from_numpy(after.adversarial), device, advance=advance)
        beyond = (network.familiarity.cpu()(found.features) > threshold).numpy()
        parts.append(after.at(beyond & ~as_made))
    strange = Examples.joined(parts)
    if len(strange) < ENOUGH:
        return None
    told = answer(network.to(device), torch.from_numpy(strange.adversarial), device)
    return Strange(strange, calibrated_on(strange, told, labels, known.sigma, threshold))
