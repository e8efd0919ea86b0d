"""Attacked told from clean, by hand on few examples."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from core.calibration import Doubt
from tests.training.test_figures import CALIBRATION, LABELS
from training.detection import detection
from training.doubts import Doubts
from training.metrics import Floats

ATTACK = np.asarray([0, 0, 1, 2])


def probabilities(clean: list[float]) -> Floats:
    """Of three attacks, with so much of "clean"."""
    return np.asarray([[p, (1 - p) / 2, (1 - p) / 2] for p in clean])


def doubts(familiar: list[float], unfamiliar: list[float], strange: list[bool]) -> Doubts:
    kinds = (
        Doubt(calibration=CALIBRATION.model_copy(update={"clean_scores": scores})) for scores in (familiar, unfamiliar)
    )
    return Doubts(*kinds, torch.tensor(strange))


def test_each_example_is_counted_among_the_clean_ones_of_its_kind() -> None:
    many = np.linspace(0.1, 1, 99).tolist()
    own = doubts(many, [0.5] * 9, [False, True, False, True])
    found = detection(probabilities([0.05, 0.4, 0.09, 0.6]), ATTACK, LABELS, own, lambda d: d.calibration)
    # 1 of 100, 1 of 10; then 1 of 100 and 10 of 10
    assert found["at"]["0.01"] == {"clean": 0.5, "attacked": 0.5}
    assert found["at"]["0.05"] == {"clean": 0.5, "attacked": 0.5}
    assert found["at"]["0.1"] == {"clean": 1.0, "attacked": 0.5}
    assert found["auroc"] == pytest.approx(1 / 4)  # of the four pairs only 0.09 and 0.4 are the right way round
    assert (found["clean"], found["attacked"]) == (2, 2)
    assert json.loads(json.dumps(found)) == found


def test_where_none_are_told_none_are_counted() -> None:
    own = doubts([0.5] * 9, [], [False, True, False, True])
    found = detection(probabilities([0.9, 0.1, 0.1, 0.1]), ATTACK, LABELS, own, lambda d: d.calibration)
    assert found["at"]["0.1"] == {"clean": 0.0, "attacked": 1.0}


@pytest.mark.parametrize("attack", [[0, 0, 0, 0], [1, 1, 2, 2]])
def test_of_one_kind_alone_nothing_is_told(attack: list[int]) -> None:
    own = doubts([0.5], [0.5], [False] * 4)
    told = probabilities([0.1, 0.2, 0.3, 0.4])
    assert detection(told, np.asarray(attack), LABELS, own, lambda d: d.calibration) == {}
    assert detection(told[:, 1:], ATTACK, LABELS[1:], own, lambda d: d.calibration) == {}
