"""What the results page draws, worked out by hand on few examples."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch

from core.calibration import Calibration, Doubt
from core.manifest import AttackLabel
from core.model.familiarity import Familiarity
from training.doubts import Doubts
from training.figures import FEATURE_POINTS, confused_pairs, coverage, feature_map, reliability, scatter
from training.metrics import Predictions

LABELS = [
    AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
    AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
    AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=1, maximum=20),
]
CALIBRATION = Calibration(
    attack_temperature=1, victim_temperature=1, sigma={"attack": 1, "victim": 1, "hyperparameter": 1},
    coverages=[0.5, 0.9], attack_scores=[0.3, 0.75], victim_scores=[0.1, 0.6],
    halfwidths={"clean": [0, 0], "FGSM": [10, 30], "C&W": [1, 2]}, familiarity_threshold=1,
)  # fmt: skip


def predictions() -> Predictions:
    """Right and sure; right but in doubt; C&W taken for FGSM; FGSM named right, its value 25 off."""
    return Predictions(
        attack=np.asarray([[0.9, 0.1, 0.0], [0.1, 0.6, 0.3], [0.1, 0.6, 0.3], [0.0, 0.8, 0.2]]),
        victim=np.asarray([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.6, 0.4]]),
        hyperparameter=np.asarray([[0, 50, 5], [0, 15, 5], [0, 50, 7], [0, 125, 5]], np.float64),
    )


ATTACK, VICTIM = np.asarray([0, 1, 2, 1]), np.asarray([0, 1, 1, 1])
VALUE = np.asarray([0, 20, 6, 100], np.float32)


def test_reliability_counts_every_example_in_the_bin_of_its_confidence() -> None:
    found = reliability(predictions().attack, ATTACK)
    assert found["examples"] == [0, 0, 0, 0, 0, 0, 2, 0, 1, 1]  # 0.6 twice, 0.8, 0.9
    assert found["confidence"][6] == pytest.approx(0.6)
    assert found["accuracy"][6] == 0.5
    assert found["accuracy"][9] == 1
    assert found["accuracy"][0] is None


def test_coverage_is_of_the_sets_and_intervals_that_users_get() -> None:
    doubts = Doubts.alike(Doubt(calibration=CALIBRATION), len(ATTACK))
    found = coverage(predictions(), doubts, LABELS, ATTACK, VICTIM, VALUE)
    # 1 - p <= 0.3 leaves the first label alone; <= 0.75 takes in 0.3 beside 0.6, and 0.8 is no nine in ten
    assert found["attack"] == {"held": [3 / 4, 1], "mean_size": [1, 7 / 4]}
    # an even choice is cut to the first at 0.1; at 0.6 both labels of the doubtful two are in
    assert found["victim"] == {"held": [2 / 4, 1], "mean_size": [1, 1.5]}
    told = found["hyperparameter"]  # only where an attack is named right: 15 for 20, and 125 for 100
    assert told["examples"] == 2
    assert told["held"] == [0.5, 1]
    assert told["mean_width"] == [pytest.approx((15 + 20) / 2), pytest.approx((35 + 60) / 2)]  # cut off at 10


def test_coverage_is_by_each_examples_own_doubt() -> None:
    wide = CALIBRATION.model_copy(
        update={"attack_scores": [0.75, 0.75], "halfwidths": CALIBRATION.halfwidths | {"FGSM": [30, 40]}}
    )
    strange = torch.tensor([False, False, True, True])
    doubts = Doubts(Doubt(calibration=CALIBRATION), Doubt(calibration=wide), strange)
    found = coverage(predictions(), doubts, LABELS, ATTACK, VICTIM, VALUE)
    assert found["attack"] == {"held": [1, 1], "mean_size": [5 / 4, 7 / 4]}  # 0.3 beside 0.6 in the third at once
    assert found["hyperparameter"]["held"] == [1, 1]  # 25 off, within 30


def test_the_scatter_is_bounded_sorted_and_under_the_true_attack() -> None:
    found = scatter(predictions(), LABELS, ATTACK, VALUE)
    assert found == {"FGSM": {"true": [20, 100], "estimated": [15, 125]}, "C&W": {"true": [6], "estimated": [5 + 2]}}
    p = predictions()
    many = Predictions(*(np.repeat(a, 500, 0) for a in (p.attack, p.victim)), np.ones((2000, 3)))
    bounded = scatter(many, LABELS, np.repeat(ATTACK, 500), np.linspace(1, 20, 2000, dtype=np.float32), points=100)
    assert {name: len(points["true"]) for name, points in bounded.items()} == {"FGSM": 50, "C&W": 50}


def test_pairs_are_confused_both_ways_and_the_worst_comes_first() -> None:
    table = [[90, 10, 0], [2, 98, 0], [1, 0, 199]]
    pairs = confused_pairs(table, ["VGG16", "VGG19", "ResNet18"])
    assert pairs == [{"labels": ["VGG16", "VGG19"], "examples": 12, "share": 12 / 200}]  # 1 of 300 is not worth a word
    assert confused_pairs([[0, 0], [0, 0]], ["a", "b"]) == []


def test_the_feature_map_keeps_groups_apart_and_is_always_the_same() -> None:
    rng = np.random.default_rng(0)
    attack = np.repeat([0, 1], 40)
    features = (rng.normal(size=(80, 12)) + 12 * attack[:, None]).astype(np.float32)
    features[:, 3] = 7  # a feature that never changes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = feature_map(features, attack, 1 - attack)
        assert feature_map(features, attack, 1 - attack) == found
    assert [1 - a for a in found["attack"]] == found["victim"]
    points, group = np.stack([found["x"], found["y"]], 1), np.asarray(found["attack"])
    apart = np.linalg.norm(points[group == 0].mean(0) - points[group == 1].mean(0))
    assert apart > 2 * max(points[group == g].std(0).max() for g in (0, 1))
    assert len(feature_map(features[:5], attack[:5], attack[:5])["x"]) == 0
    json.dumps(found, allow_nan=False)


def test_the_feature_map_is_bounded() -> None:
    assert FEATURE_POINTS <= 1000
    attack = np.arange(60) % 2
    features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    assert len(feature_map(features, attack, attack, points=30)["x"]) == 30


def test_features_that_are_the_same_for_all_give_no_map_and_a_familiarity() -> None:
    """Of a network that learned nothing; t-SNE ends the process on them."""
    nothing = np.zeros(60, np.int64)
    assert feature_map(np.ones((60, 64), np.float32), nothing, nothing)["x"] == []
    familiarity = Familiarity(64, 4)
    familiarity.fit(torch.ones(60, 64), torch.zeros(60, dtype=torch.long))
    assert familiarity(torch.ones(3, 64)).isfinite().all()
