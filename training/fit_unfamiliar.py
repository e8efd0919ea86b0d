"""How sure answers about unfamiliar images are: fitted on calibration examples that were changed after the attack.

What holds for images as their attack left them does not hold for those that were compressed, scaled or made noisy
since. The familiarity flags most of those on which a pack errs; so those beyond its threshold have a calibration of
their own (conformal prediction by group, Vovk 2012, arXiv:1209.2673). What it promises it promises for changes like
those of :mod:`training.changes` after which an attack still fools its victim; for an attack or a victim that the pack
does not know, nothing can.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.calibration import COPIES, Calibration, Doubt
from core.manifest import AttackLabel
from core.model.network import MTAA
from training.calibrate import calibrated_on
from training.counts import DRAWS
from training.doubts import Doubts
from training.figures import coverage
from training.lasting import StillFools, changed_some
from training.metrics import Predictions, brief, evaluate
from training.shards import Examples
from training.trainer import RawAnswers, answer

ENOUGH = 200
"""Different examples of the calibration split, of those that are unfamiliar, below which these are not told apart."""

_AT_ONCE = 256
"""Examples that are changed together."""


@dataclass(frozen=True, slots=True)
class UnfamiliarExamples:
    """Unfamiliar examples, what the network answers to them, and of which example of its split each came: int64 [N]."""

    examples: Examples
    answers: RawAnswers
    origin: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: list[UnfamiliarExamples]) -> UnfamiliarExamples:
        return cls(
            Examples.joined([part.examples for part in parts]),
            RawAnswers.joined([part.answers for part in parts]),
            np.concatenate([part.origin for part in parts]),
        )

    @property
    def enough(self) -> bool:
        return len(np.unique(self.origin)) >= ENOUGH

    def calibration(self, labels: list[AttackLabel], known: Calibration) -> Calibration:
        """Of what the network says of them; known: that of images as their attack left them."""
        fitted = calibrated_on(self.examples, self.answers, labels, known.sigma, known.familiarity_threshold)
        return fitted.model_copy(update={"copies": COPIES})


def unfamiliar_after_changes(
    network: MTAA, examples: Examples, threshold: float, fools: StillFools, device: torch.device, seed: int,
    draws: int = DRAWS, advance: Callable[[int], None] = lambda _: None,
) -> UnfamiliarExamples:  # fmt: skip
    """Examples of one split that are beyond the threshold after a change, each changed so many times.

    fools: what tells which attacks outlast a change; the others, which are neither clean nor attacked any longer, are
    left out. advance: told of images, also of none, to raise where this shall not go on.
    """
    network.to(device)
    familiarity = copy.deepcopy(network.familiarity).cpu()
    parts = []
    for draw in range(draws):
        for rows in np.split(np.arange(len(examples)), range(_AT_ONCE, len(examples), _AT_ONCE)):
            drawn = int(np.random.default_rng([seed, draw, int(rows[0])]).integers(2**62))
            after, as_made = changed_some(examples, rows, 1.0, fools, drawn, lambda: advance(0))
            found = answer(network, torch.from_numpy(after.adversarial), device, advance=advance)
            kept = np.flatnonzero((familiarity(found.features) > threshold).numpy() & ~as_made)
            parts.append(UnfamiliarExamples(after.at(kept), found.at(torch.from_numpy(kept)), rows[kept]))
    return UnfamiliarExamples.joined(parts)


def beyond(examples: Examples, seen: RawAnswers, strange: NDArray[np.bool_]) -> UnfamiliarExamples:
    """Those of the examples as they were made that are ``strange``, [N]; seen: what the network answers to all."""
    kept = np.flatnonzero(strange)
    return UnfamiliarExamples(examples.at(kept), seen.at(torch.from_numpy(kept)), kept)


@dataclass(frozen=True, slots=True)
class Unfamiliar:
    """Unfamiliar examples of the calibration split, what is calibrated on them, and those that it is measured on."""

    fitted: UnfamiliarExamples
    tested: UnfamiliarExamples
    calibration: Calibration

    def measured(self, predictions: Predictions, labels: list[AttackLabel], victims: Sequence[str]) -> dict[str, Any]:
        """By the image alone; predictions: about the tested ones."""
        examples = self.tested.examples
        if not len(examples):
            return {"examples": 0}
        truth = examples.attack, examples.victim, examples.hyperparameter
        held = coverage(predictions, self.doubts, labels, *truth)
        return brief(evaluate(predictions, labels, victims, *truth)) | {"coverage": held}

    @property
    def doubts(self) -> Doubts:
        """Of the tested ones, by the image alone."""
        return Doubts.alike(Doubt(calibration=self.calibration), len(self.tested.examples))


def fit_unfamiliar(
    network: MTAA, examples: Examples, seen: RawAnswers, test: Examples, known: Calibration, labels: list[AttackLabel],
    fools: StillFools, device: torch.device, seed: int, advance: Callable[[int], None] = lambda _: None,
) -> Unfamiliar | None:  # fmt: skip
    """From the calibration split ``examples``, as they were made and changed; None where too few are unfamiliar.

    seen: what the network answers to them as they were made. known: the calibration of these. test: the test split,
    whose examples are changed once to measure what is promised.
    """
    threshold = known.familiarity_threshold
    scores = copy.deepcopy(network.familiarity).cpu()(seen.features)
    fitted = UnfamiliarExamples.joined(
        [
            beyond(examples, seen, (scores > threshold).numpy()),
            unfamiliar_after_changes(network, examples, threshold, fools, device, seed, advance=advance),
        ]
    )
    if not fitted.enough:
        return None
    tested = unfamiliar_after_changes(network, test, threshold, fools, device, seed + 1, draws=1, advance=advance)
    return Unfamiliar(fitted, tested, fitted.calibration(labels, known))
