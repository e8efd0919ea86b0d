"""What a network is measured by: accuracy, RMSE and R2 by attack, on Table 1's scale, calibration and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.calibration import Calibration, ProbeFit
from core.labels import CLEAN
from core.manifest import AttackLabel
from core.types import ROUNDING

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TABLE1_WIDTH = {"epsilon": 190.0, "kappa": 95.0}
"""Width of Table 1's grids: epsilon x 255 from 10 to 200, kappa from 5 to 100."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """A network's answers over N examples, calibrated.

    attack: [N, A] and victim: [N, V] probabilities. hyperparameter: [N, A], label units.
    """

    attack: Floats
    victim: Floats
    hyperparameter: Floats

    @property
    def value(self) -> Floats:
        """The hyperparameter under the predicted attack, [N]: what the user is told."""
        rows = np.arange(len(self.attack))
        chosen: Floats = self.hyperparameter[rows, self.attack.argmax(1)]
        return chosen


def table1_factor(attacks: Sequence[AttackLabel]) -> Floats:
    """[A]: multiplies an error in label units to put it on Table 1's scale (1 where the grid is Table 1's).

    A hyperparameter that Table 1 lacks is brought to kappa's width, so that no attack outweighs the others.
    """
    widths = [TABLE1_WIDTH.get(a.hyperparameter, TABLE1_WIDTH["kappa"]) for a in attacks]
    return np.asarray([width / a.width if a.width > 0 else 1.0 for width, a in zip(widths, attacks, strict=True)])


def expected_calibration_error(confidence: Floats, right: Bools, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width confidence bins, weighted by their counts.

    confidence: [N], the probability of the label that is named; right: [N], whether it is the true one.
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[which == b].sum() - right[which == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(right))


def confusion(predicted: Ints, truth: Ints, labels: int) -> list[list[int]]:
    """Counts [truth][predicted]."""
    table = np.zeros((labels, labels), np.int64)
    np.add.at(table, (truth, predicted), 1)
    rows: list[list[int]] = table.tolist()
    return rows


def prediction_sets(probabilities: Floats, limits: Floats, coverage: float) -> Bools:
    """[N, K], which labels each row's set holds, as :func:`core.types.likeliest` and its callers have it.

    limits: [N], quantiles of 1 - p.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, 1)
    likeliest = np.zeros(probabilities.shape, dtype=bool)
    np.put_along_axis(likeliest, order, np.cumsum(ranked, 1) - ranked + ROUNDING < coverage, 1)
    held: Bools = likeliest | (1 - probabilities <= limits[:, None])
    return held


def widening(by: Calibration | ProbeFit, labels: Sequence[AttackLabel]) -> list[float]:
    """[A]: the growth of intervals by attack, as :mod:`core.answers` has it."""
    return [by.growth.get(label.name, 0.0) for label in labels]


def places(values: Floats, labels: Sequence[AttackLabel], attack: Ints) -> Floats:
    """[N]: where in the ranges of the attacks ``attack`` [N] the values [N] lie, 0 to 1."""
    low, width = (np.asarray([getattr(label, end) for label in labels])[attack] for end in ("minimum", "width"))
    found: Floats = (values - low) / np.where(width > 0, width, 1)
    return found


def share_of(true: Bools) -> float | None:
    """Of [N] how many are true; None of none."""
    return float(true.mean()) if len(true) else None


def evaluate(
    predictions: Predictions,
    attacks: Sequence[AttackLabel],
    victims: Sequence[str],
    attack: Ints,
    victim: Ints,
    hyperparameter: NDArray[np.float32],
) -> dict[str, Any]:
    """All figures of one set of examples; attack, victim: [N] true labels, hyperparameter: [N] true values.

    On Table 1's scale the error is that of the value told, so under the named attack. An attack's own RMSE and R2, in
    its unit, are under the true one: a kappa less an epsilon has none.
    """
    named_attack, named_victim = predictions.attack.argmax(1), predictions.victim.argmax(1)
    error = predictions.value - hyperparameter
    own = predictions.hyperparameter[np.arange(len(attack)), attack] - hyperparameter
    scaled = error * table1_factor(attacks)[attack]
    adversarial = np.asarray([a.name != CLEAN for a in attacks])[attack]
    right_attack, right_victim = named_attack == attack, named_victim == victim

    def figures(rows: NDArray[np.bool_]) -> dict[str, Any]:
        if not rows.any():
            return {"examples": 0}
        return {
            "examples": int(rows.sum()),
            "attack_accuracy": float(right_attack[rows].mean()),
            "victim_accuracy": float(right_victim[rows].mean()),
            "rmse_table1_scale": _rmse(scaled[rows]),
        }

    by_attack = {
        label.name: figures(attack == index) | _fit(own[attack == index], hyperparameter[attack == index])
        for index, label in enumerate(attacks)
        if (attack == index).any()
    }
    return {
        **figures(np.ones(len(attack), np.bool_)),
        "without_clean": figures(adversarial),
        "attacks_weighted_alike": _weighted_alike([v for k, v in by_attack.items() if k != CLEAN]),
        "attack_ece": expected_calibration_error(predictions.attack.max(1), right_attack),
        "victim_ece": expected_calibration_error(predictions.victim.max(1), right_victim),
        "attack_confusion": confusion(named_attack, attack, len(attacks)),
        "victim_confusion": confusion(named_victim, victim, len(victims)),
        "by_attack": by_attack,
    }


def brief(figures: dict[str, Any]) -> dict[str, Any]:
    """Of :func:`evaluate` what is of all examples together."""
    kept = ("examples", "attack_accuracy", "victim_accuracy", "rmse_table1_scale", "attack_ece", "victim_ece")
    return {name: figures[name] for name in kept}


def _weighted_alike(by_attack: list[dict[str, Any]]) -> dict[str, float]:
    """The adversarial figures as if every attack had the same number of examples, as in the paper's test set."""
    if not by_attack:
        return {}
    return {
        "attack_accuracy": float(np.mean([a["attack_accuracy"] for a in by_attack])),
        "victim_accuracy": float(np.mean([a["victim_accuracy"] for a in by_attack])),
        "rmse_table1_scale": float(np.sqrt(np.mean([a["rmse_table1_scale"] ** 2 for a in by_attack]))),
    }


def _fit(error: Floats, hyperparameter: NDArray[np.float32]) -> dict[str, Any]:
    """RMSE in label units and R2 of one attack's examples; no R2 where all have one value."""
    spread = float(hyperparameter.astype(np.float64).var())
    return {"rmse": _rmse(error), "r2": 1.0 - float(np.square(error).mean()) / spread if spread > 0 else None}


def _rmse(error: Floats) -> float:
    return float(np.sqrt(np.square(error).mean()))
