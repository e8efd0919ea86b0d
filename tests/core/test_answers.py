"""Sets, and intervals as wide as values are uncertain."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from core.answers import _held
from core.types import RankedLabel, likeliest
from training.metrics import prediction_sets


@pytest.mark.parametrize(
    ("probabilities", "limit", "held"),
    [
        ((0.53, 0.4, 0.07), 0.02, ("cw", "pgd")),  # nothing belongs to the conformal set: together 0.93
        ((0.5, 0.3, 0.2), 0.02, ("cw", "pgd", "fgsm")),
        ((0.9995, 0.0005, 0.0), 0.0001, ("cw",)),  # of a pack that is hardly ever wrong: surer than the coverage asks
        ((0.9, 0.1, 0.0), 0.0001, ("cw",)),
        ((0.95, 0.05, 0.0), 0.3, ("cw",)),
        ((0.68, 0.3, 0.02), 0.5, ("cw", "pgd")),  # one label belongs, and is no nine in ten
        ((0.92, 0.06, 0.02), 0.97, ("cw", "pgd")),  # two belong to what is conformal
    ],
)
def test_a_set_is_conformal_or_as_probable_as_it_promises(
    probabilities: tuple[float, ...], limit: float, held: tuple[str, ...]
) -> None:
    labels = ("cw", "pgd", "fgsm")
    ranking = tuple(RankedLabel(label, p) for label, p in zip(labels, probabilities, strict=True))
    assert _held(ranking, limit, 0.9) == held
    (row,) = prediction_sets(np.asarray([probabilities[::-1]]), np.asarray([limit]), 0.9)
    assert {label for label, within in zip(labels[::-1], row, strict=True) if within} == set(held)


def test_sets_are_the_same_one_by_one_and_by_the_thousand() -> None:
    random = np.random.default_rng(4)
    probabilities = random.dirichlet([0.3] * 5, 1000)
    limits = random.choice([0.01, 0.2, 0.8], 1000)
    for coverage in (0.8, 0.9, 0.99):
        together = prediction_sets(probabilities, limits, coverage)
        for row, own, limit in zip(together, probabilities, limits, strict=True):
            ranking = tuple(RankedLabel(str(at), own[at]) for at in np.argsort(-own, kind="stable"))
            assert {str(at) for at in np.flatnonzero(row)} == set(_held(ranking, limit, coverage))
            assert own[row].sum() >= coverage - 1e-9 and len(likeliest(ranking, coverage)) <= row.sum()


def test_more_coverage_never_means_fewer_labels() -> None:
    random = np.random.default_rng(5)
    probabilities, grid = random.dirichlet([0.3] * 4, 500), np.linspace(0.5, 0.99, 20)
    limits = np.sort(random.uniform(0, 1, 20))
    sets = [prediction_sets(probabilities, np.full(500, limit), c) for limit, c in zip(limits, grid, strict=True)]
    assert all((less <= more).all() for less, more in pairwise(sets))
