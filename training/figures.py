"""What the results page draws of a pack's test split: few enough numbers to travel in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.manifest import AttackLabel
from training.doubts import Doubts
from training.metrics import Floats, Ints, Predictions, places, prediction_sets, widening

SCATTER_POINTS = 2000
"""Points of all attacks' regression scatters together."""

FEATURE_POINTS = 1000
_BINS, _PAIRS = 10, 5
_CONFUSED = 0.02
"""Share of two labels' examples from which on their confusion is worth a word."""


def reliability(probabilities: Floats, truth: Ints) -> dict[str, list[Any]]:
    """By equal-width bin of confidence: examples, their mean confidence and their accuracy, None where it is empty.

    probabilities: [N, K]; truth: [N].
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    which = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    rows = [which == b for b in range(_BINS)]
    return {
        "examples": [int(r.sum()) for r in rows],
        "confidence": [round(float(confidence[r].mean()), 4) if r.any() else None for r in rows],
        "accuracy": [round(float(right[r].mean()), 4) if r.any() else None for r in rows],
    }


def coverage(
    predictions: Predictions, doubts: Doubts, labels: Sequence[AttackLabel], attack: Ints, victim: Ints,
    hyperparameter: NDArray[np.float32],
) -> dict[str, Any]:  # fmt: skip
    """What the calibrated sets and intervals hold on examples they were not fitted to, at each target coverage.

    Sets as users get them (:func:`training.metrics.prediction_sets`). Intervals lie under
    the attack that is named, around the value told and within its range; they are counted where that attack is right,
    for under a wrong one there is nothing to hold.
    """
    found: dict[str, Any] = {"target": doubts.familiar.calibration.coverages}
    tasks = (
        ("attack", predictions.attack, doubts.of_each(lambda d: d.calibration.attack_scores), attack),
        ("victim", predictions.victim, doubts.of_each(lambda d: d.calibration.victim_scores), victim),
    )
    for name, probability, scores, truth in tasks:
        sets = [prediction_sets(probability, *one) for one in zip(scores.T, found["target"], strict=True)]
        found[name] = {
            "held": [float(s[np.arange(len(truth)), truth].mean()) for s in sets],
            "mean_size": [float(s.sum(1).mean()) for s in sets],
        }
    named = predictions.attack.argmax(1)
    kinds = np.asarray([label.hyperparameter != "none" for label in labels])
    rows = np.flatnonzero((named == attack) & kinds[attack])
    if len(rows):
        each = doubts.of_each(lambda d: [d.calibration.halfwidths[label.name] for label in labels])
        growth = doubts.of_each(lambda d: widening(d.calibration, labels))[rows, attack[rows]]
        larger = 1 + growth * places(predictions.value[rows], labels, attack[rows])
        widths = each[rows, attack[rows]] * larger[:, None]  # [rows, coverages]
        told, true = predictions.value[rows, None], hyperparameter[rows, None].astype(np.float64)
        low = np.maximum(told - widths, np.asarray([a.minimum for a in labels])[attack[rows], None])
        high = np.minimum(told + widths, np.asarray([a.maximum for a in labels])[attack[rows], None])
        held = (np.abs(told - true) <= widths * (1 + 1e-9)).mean(0)
        found["hyperparameter"] = {
            "examples": len(rows), "held": held.tolist(), "mean_width": (high - low).mean(0).tolist()
        }  # fmt: skip
    return found


def scatter(
    predictions: Predictions, labels: Sequence[AttackLabel], attack: Ints, hyperparameter: NDArray[np.float32],
    points: int = SCATTER_POINTS,
) -> dict[str, dict[str, list[float]]]:  # fmt: skip
    """True and estimated hyperparameter by attack, in its unit and under the true attack; evenly picked examples."""
    regressed = [i for i, label in enumerate(labels) if label.hyperparameter != "none" and (attack == i).any()]
    found = {}
    for index in regressed:
        rows = np.flatnonzero(attack == index)
        kept = rows[_evenly(len(rows), points // len(regressed))]
        kept = kept[np.argsort(hyperparameter[kept], kind="stable")]
        found[labels[index].name] = {
            "true": [round(float(v), 3) for v in hyperparameter[kept]],
            "estimated": [round(float(v), 3) for v in predictions.hyperparameter[kept, index]],
        }
    return found


def confused_pairs(table: Sequence[Sequence[int]], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Pairs of labels that are taken for each other, the worst first: of the examples of both, how many and what share.

    table: counts [truth][predicted].
    """
    counts = np.asarray(table)
    pairs: list[dict[str, Any]] = []
    for a, b in combinations(range(len(labels)), 2):
        wrong, both = int(counts[a, b] + counts[b, a]), int(counts[a].sum() + counts[b].sum())
        if both and wrong / both >= _CONFUSED:
            pairs.append({"labels": [labels[a], labels[b]], "examples": wrong, "share": wrong / both})
    return sorted(pairs, key=lambda pair: pair["share"], reverse=True)[:_PAIRS]


def feature_map(
    features: NDArray[np.float32], attack: Ints, victim: Ints, points: int = FEATURE_POINTS
) -> dict[str, list[Any]]:
    """t-SNE of features [N, D] in the plane, with each point's label indices; the same features give the same map.

    Features are brought to one scale and to their principal 50 directions first. Too few examples, or features that
    are the same for all, give no map.
    """
    rows = np.random.default_rng(0).permutation(len(features))[:points]
    if len(rows) < 10 or not np.ptp(features[rows], axis=0).any():
        return {"x": [], "y": [], "attack": [], "victim": []}
    from sklearn.decomposition import PCA  # noqa: PLC0415 (slow to import)
    from sklearn.manifold import TSNE  # noqa: PLC0415

    chosen = features[rows].astype(np.float64)
    spread = chosen.std(0)
    scaled = (chosen - chosen.mean(0)) / np.where(spread > 0, spread, 1)
    principal = PCA(min(50, *scaled.shape), svd_solver="full").fit_transform(scaled)
    settings = {"init": "pca", "random_state": 0, "perplexity": min(30.0, (len(rows) - 1) / 3)}
    plane = TSNE(2, **settings).fit_transform(principal)
    return {
        "x": [round(float(v), 2) for v in plane[:, 0]], "y": [round(float(v), 2) for v in plane[:, 1]],
        "attack": attack[rows].tolist(), "victim": victim[rows].tolist(),
    }  # fmt: skip


def drawings(
    predictions: Predictions, doubts: Doubts, labels: Sequence[AttackLabel], victims: Sequence[str],
    features: NDArray[np.float32], attack: Ints, victim: Ints, hyperparameter: NDArray[np.float32],
    confusions: tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]],
) -> dict[str, Any]:  # fmt: skip
    """Everything above for the test split. confusions: of the attacks, of the victims."""
    return {
        "reliability": {
            "attack": reliability(predictions.attack, attack),
            "victim": reliability(predictions.victim, victim),
        },
        "coverage": coverage(predictions, doubts, labels, attack, victim, hyperparameter),
        "scatter": scatter(predictions, labels, attack, hyperparameter),
        "confused": {
            "attack": confused_pairs(confusions[0], [a.name for a in labels]),
            "victim": confused_pairs(confusions[1], victims),
        },
        "feature_map": feature_map(features, attack, victim),
    }


def _evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``count`` positions, spread over all."""
    return np.unique(np.linspace(0, count - 1, min(count, max(most, 1))).round().astype(np.int64))
