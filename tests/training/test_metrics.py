"""Every figure of a pack's results, worked out by hand on few examples."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from core.manifest import AttackLabel
from training.metrics import (
    TABLE1_WIDTH,
    Predictions,
    confusion,
    evaluate,
    expected_calibration_error,
    table1_factor,
)

LABELS = [
    AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
    AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
    AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=1, maximum=20),
]
VICTIMS = ["clean", "ResNet18"]


def sure(choices: list[int], labels: int, probability: float = 1.0) -> np.ndarray:
    rows = np.full((len(choices), labels), (1 - probability) / (labels - 1))
    rows[np.arange(len(choices)), choices] = probability
    return rows


def test_errors_on_table_1s_scale_are_stretched_to_its_grids() -> None:
    assert table1_factor(LABELS).tolist() == [1, 1, 95 / 19]
    assert TABLE1_WIDTH == {"epsilon": 200 - 10, "kappa": 100 - 5}
    one_value = AttackLabel(name="x", hyperparameter="epsilon", unit="/255", minimum=30, maximum=30)
    assert table1_factor([one_value]).tolist() == [1]
    deepfool = AttackLabel(name="DeepFool", hyperparameter="overshoot", unit="%", minimum=5, maximum=195)
    assert table1_factor([deepfool]).tolist() == [0.5]


@pytest.fixture
def results() -> dict[str, Any]:
    """Six examples: clean right; clean taken for FGSM at 40; FGSM at 50 and 150 told 60 and 130; C&W at 5 told 7 but
    against the wrong victim; C&W at 15 taken for FGSM at 25.
    """
    attack = np.asarray([0, 0, 1, 1, 2, 2])
    predictions = Predictions(
        attack=sure([0, 1, 1, 1, 2, 1], 3),
        victim=sure([0, 0, 1, 1, 0, 1], 2),
        hyperparameter=np.asarray(
            [[0, 99, 99], [0, 40, 9], [0, 60, 9], [0, 130, 9], [0, 99, 7], [0, 25, 9]], np.float64
        ),
    )
    truth = np.asarray([0, 0, 50, 150, 5, 15], np.float32)
    return evaluate(predictions, LABELS, VICTIMS, attack, np.asarray([0, 0, 1, 1, 1, 1]), truth)


def test_pooled_figures(results: dict[str, Any]) -> None:
    assert results["examples"] == 6
    assert results["attack_accuracy"] == pytest.approx(4 / 6)
    assert results["victim_accuracy"] == pytest.approx(5 / 6)
    squares = [0, 40**2, 10**2, 20**2, (2 * 5) ** 2, (10 * 5) ** 2]  # kappa 1-20 counts five-fold on Table 1's 5-100
    assert results["rmse_table1_scale"] == pytest.approx(math.sqrt(sum(squares) / 6))
    without = results["without_clean"]
    assert without["examples"] == 4
    assert without["attack_accuracy"] == pytest.approx(3 / 4)
    assert without["victim_accuracy"] == pytest.approx(3 / 4)
    assert without["rmse_table1_scale"] == pytest.approx(math.sqrt(sum(squares[2:]) / 4))


def test_figures_by_attack(results: dict[str, Any]) -> None:
    fgsm, cw = results["by_attack"]["FGSM"], results["by_attack"]["C&W"]
    assert (fgsm["examples"], fgsm["attack_accuracy"], fgsm["victim_accuracy"]) == (2, 1, 1)
    assert fgsm["rmse"] == fgsm["rmse_table1_scale"] == pytest.approx(math.sqrt((100 + 400) / 2))
    assert fgsm["r2"] == pytest.approx(1 - 250 / 50**2)  # values 50 and 150: variance 2500
    assert (cw["attack_accuracy"], cw["victim_accuracy"]) == (0.5, 0.5)
    assert cw["rmse"] == pytest.approx(math.sqrt((4 + 36) / 2)), "as C&W, which the second was not told to be"
    assert cw["rmse_table1_scale"] == pytest.approx(5 * math.sqrt((4 + 100) / 2)), "as told"
    assert cw["r2"] == pytest.approx(1 - 20 / 25)
    assert results["by_attack"]["clean"]["r2"] is None


def test_attacks_weighted_alike_are_the_mean_over_attacks_and_not_over_examples() -> None:
    attack = np.asarray([1] * 9 + [2])
    predictions = Predictions(
        attack=sure([1] * 9 + [1], 3), victim=sure([1] * 10, 2), hyperparameter=np.full((10, 3), 20.0)
    )
    truth = np.asarray([20.0] * 9 + [10.0], np.float32)
    found = evaluate(predictions, LABELS, VICTIMS, attack, np.ones(10, np.int64), truth)
    assert found["without_clean"]["attack_accuracy"] == pytest.approx(0.9)
    assert found["attacks_weighted_alike"]["attack_accuracy"] == pytest.approx(0.5)
    assert found["attacks_weighted_alike"]["rmse_table1_scale"] == pytest.approx(math.sqrt((0 + 50**2) / 2))
    assert found["rmse_table1_scale"] == pytest.approx(math.sqrt(50**2 / 10))


def test_confusions_count_truth_by_row(results: dict[str, Any]) -> None:
    assert results["attack_confusion"] == [[1, 1, 0], [0, 2, 0], [0, 1, 1]]
    assert results["victim_confusion"] == [[2, 0], [1, 3]]
    assert confusion(np.asarray([1, 1, 0]), np.asarray([0, 0, 1]), 2) == [[0, 2], [1, 0]]


def test_predicting_the_mean_scores_no_r2_and_the_grids_spread() -> None:
    values = np.linspace(10, 200, 20, dtype=np.float32)
    predictions = Predictions(sure([1] * 20, 3), sure([1] * 20, 2), np.full((20, 3), values.mean()))
    found = evaluate(predictions, LABELS, VICTIMS, np.ones(20, np.int64), np.ones(20, np.int64), values)
    assert found["by_attack"]["FGSM"]["r2"] == pytest.approx(0, abs=1e-6)
    assert found["rmse_table1_scale"] == pytest.approx(values.std(dtype=np.float64))


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    sure_of_all = np.ones(10)
    assert expected_calibration_error(sure_of_all, np.ones(10, dtype=bool)) == 0
    assert expected_calibration_error(sure_of_all, np.zeros(10, dtype=bool)) == 1
    # ten at 0.8 with seven right, ten at 0.6 with all right: (|8 - 7| + |6 - 10|) / 20
    confidence, right = np.repeat([0.8, 0.6], 10), np.arange(20) % 10 < np.repeat([7, 10], 10)
    assert expected_calibration_error(confidence, right) == pytest.approx(5 / 20)
    # in one bin, too much and too little confidence cancel out
    assert expected_calibration_error(confidence, right, bins=1) == pytest.approx(3 / 20)


def test_without_adversarial_examples_there_are_no_such_figures() -> None:
    predictions = Predictions(sure([0, 0], 3), sure([0, 0], 2), np.zeros((2, 3)))
    zeros = np.zeros(2, np.int64)
    found = evaluate(predictions, LABELS, VICTIMS, zeros, zeros, zeros.astype(np.float32))
    assert found["without_clean"] == {"examples": 0}
    assert found["attacks_weighted_alike"] == {}
    json.dumps(found, allow_nan=False)
