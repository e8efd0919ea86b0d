"""Which attacks outlast a change: those whose victim still sees something else in the image than in its clean one.

An example that is shown to a network after a compression that undid the attack would teach it to call compressed
images attacked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.victims import Victim, load_folded
from training.changes import changed_alike
from training.naming import logits_of
from training.scenario import Scenario
from training.shards import Examples

_AT_ONCE = 64
"""Examples whose victims are asked together whether a change undid the attack."""


class StillFools:
    """[B] = fools(pairs, victim): whether the adversarial image of each pair still fools its victim.

    victims: for every victim label the one that was attacked, None for "clean", whose images are what they are after
    any change.
    """

    def __init__(self, victims: list[Victim | None], device: torch.device) -> None:
        self._victims = [victim if victim is None else victim.to(device) for victim in victims]

    @classmethod
    def of(cls, scenario: Scenario, victims: Path, device: torch.device) -> StillFools:
        """By the scenario's victims, whose files are in the folder ``victims``.

        Raises VictimError for a file that is not there or damaged.
        """
        held: list[Victim | None] = [load_folded(victims / spec.saved_as)[0] for spec in scenario.victims]
        return cls([None, *held] if scenario.has_clean else held, device)

    @torch.inference_mode()
    def __call__(self, pairs: Tensor, victim: Tensor) -> Tensor:
        """pairs: uint8 [B, 2, C, H, W], an adversarial image and its clean one after the same change. victim: [B]."""
        fools = torch.ones(len(pairs), dtype=torch.bool)
        for label in set(victim.tolist()):
            asked = self._victims[label]
            if asked is None:
                continue
            own = victim == label
            seen = logits_of(asked, pairs[own].flatten(0, 1).numpy()).argmax(1).view(-1, 2)
            fools[own] = seen[:, 0] != seen[:, 1]
        return fools


def still_fools(scenario: Scenario, victims: Path, device: torch.device) -> StillFools | None:
    """What training with ``victims`` is to ask, None where it shows no changed examples. Raises VictimError."""
    return StillFools.of(scenario, victims, device) if scenario.training.changed else None


def changed_some(
    examples: Examples, rows: NDArray[np.int64], share: float, fools: StillFools, seed: int,
    check: Callable[[], None] = lambda: None,
) -> tuple[Examples, NDArray[np.bool_]]:  # fmt: skip
    """The examples at ``rows``, a share of them after a change, but for attacks that do not outlast theirs.

    With them bool [N]: which are as they were made.

    check: called between any two, to raise where this shall not go on.
    """
    rng = np.random.default_rng(seed)
    chosen = examples.at(rows)
    as_made = np.ones(len(rows), dtype=bool)
    drawn = np.flatnonzero(rng.random(len(rows)) < share)
    for some in (drawn[start : start + _AT_ONCE] for start in range(0, len(drawn), _AT_ONCE)):
        pairs = []
        for at in some:
            check()
            pairs.append(changed_alike((chosen.adversarial[at], chosen.clean[at]), int(rng.integers(2**62))))
        after = np.stack(pairs)
        lasts = fools(torch.from_numpy(after), torch.from_numpy(chosen.victim[some])).numpy()
        kept = some[lasts]
        chosen.adversarial[kept], chosen.clean[kept] = after[lasts, 0], after[lasts, 1]
        as_made[kept] = False
    return chosen, as_made
