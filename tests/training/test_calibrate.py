"""Calibration: temperatures, conformal quantiles and what they promise on data that they have not seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from core.calibration import Calibration
from core.manifest import AttackLabel
from training.calibrate import (
    COVERAGES,
    FAMILIAR_SHARE,
    clean_scores,
    conformal_quantile,
    familiarity_threshold,
    fit_calibration,
    fit_growth,
    fit_temperature,
    fit_widths,
)

LABELS = [
    AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
    AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
    AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=1, maximum=20),
]


def overconfident(temperature: float, count: int, labels: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits and labels drawn from softmax(logits / temperature)."""
    generator = torch.Generator().manual_seed(seed)
    honest = torch.randn(count, labels, generator=generator) * 2
    target = torch.multinomial(honest.softmax(1), 1, generator=generator).squeeze(1)
    return honest * temperature, target


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_made_the_logits_is_found(temperature: float) -> None:
    found = fit_temperature(*overconfident(temperature, 20_000))
    assert found == pytest.approx(temperature, rel=0.04)  # three standard errors at 20,000


def test_a_temperature_lowers_the_cross_entropy() -> None:
    logits, target = overconfident(3.0, 500)
    best = fit_temperature(logits, target)
    loss = torch.nn.functional.cross_entropy
    for other in (0.9 * best, 1.1 * best, 1.0):
        assert loss(logits / best, target) < loss(logits / other, target)


def test_a_split_without_a_mistake_does_not_push_the_temperature_to_nothing() -> None:
    target = torch.arange(30) % 3
    for scale in (1.0, 9.0, 40.0):  # however sure the network was
        found = fit_temperature(torch.eye(3)[target] * scale, target)
        assert (torch.eye(3)[0] * scale / found).softmax(0)[0].item() == pytest.approx(1 - 2 / 3 / 31, abs=1e-3)
    assert fit_temperature(-torch.eye(3)[target] * 9, target) == pytest.approx(math.exp(3), rel=1e-6)


def test_the_quantile_is_the_rank_of_n_plus_one() -> None:
    scores = np.asarray([0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.8, 0.6, 0.4])  # 9 scores: 10 coverage is the rank
    assert conformal_quantile(scores, 0.80) == 0.8
    assert conformal_quantile(scores, 0.85) == 0.9  # ceil(8.5) = 9
    assert conformal_quantile(scores, 0.90) == 0.9
    assert conformal_quantile(scores, 0.50) == 0.5
    assert conformal_quantile(scores, 0.95) == 0.9  # ceil(9.5) = 10 of 9: no score is large enough
    assert conformal_quantile(scores, 0.95, beyond=1.0) == 1.0
    assert conformal_quantile(scores, 0.90, beyond=1.0) == 0.9
    assert conformal_quantile(np.asarray([]), 0.8, beyond=7.0) == 7.0


@pytest.mark.parametrize("coverage", [0.80, 0.90, 0.95])
@pytest.mark.parametrize("count", [39, 99])
def test_the_quantile_covers_a_new_score_as_often_as_promised(coverage: float, count: int) -> None:
    trials = 4000
    draws = np.random.default_rng(count).gamma(2.0, size=(trials, count + 1))
    covered = sum(row[-1] <= conformal_quantile(row[:-1], coverage) for row in draws)
    exact = math.ceil((count + 1) * coverage) / (count + 1)  # for exchangeable continuous scores
    assert exact >= coverage
    assert abs(covered - trials * exact) <= 4 * math.sqrt(trials * exact * (1 - exact))


def calibrate(attack_logits: Tensor, hyperparameter: Tensor, attack: Tensor, value: Tensor) -> Calibration:
    victim_logits, victim = overconfident(1.0, len(attack), labels=2)
    sigma = {"attack": 0.1, "victim": 0.2, "hyperparameter": 0.3}
    return fit_calibration(attack_logits, victim_logits, hyperparameter, attack, victim, value, LABELS, sigma, 1.0)


def test_clean_images_are_kept_by_what_they_are_given_of_clean() -> None:
    logits, attack = overconfident(2.0, 500, labels=3)
    found = calibrate(logits, torch.zeros(500, 3), attack, torch.zeros(500))
    told = (logits.double() / found.attack_temperature).softmax(1)[attack == 0, 0]
    assert found.clean_scores == pytest.approx(sorted(told.tolist()), rel=1e-3)
    assert clean_scores(logits[:, 1:], attack, LABELS[1:]) == []
    assert clean_scores(logits, torch.ones(500), LABELS) == [], "no clean example, nothing to count"


def test_victims_are_calibrated_as_they_are_told() -> None:
    """Of images alone: nobody was attacked as surely as there was no attack."""
    logits, attack = overconfident(1.0, 300, labels=3)
    victim_logits, sigma = torch.zeros(300, 2), {"attack": 0.1, "victim": 0.2, "hyperparameter": 0.3}
    truth = attack, (attack > 0).long(), torch.zeros(300)
    found = fit_calibration(logits, victim_logits, torch.zeros(300, 3), *truth, LABELS, sigma, 1.0, (0, 0))
    attacked = (logits.double() / found.attack_temperature).softmax(1)[:, 1:].sum(1)
    scores = torch.where(attack > 0, 1 - attacked, attacked)
    assert found.victim_scores[2] == pytest.approx(conformal_quantile(scores.numpy(), 0.9, beyond=1.0))


def test_halfwidths_are_quantiles_of_the_errors_under_the_attack_that_is_named() -> None:
    attack = torch.tensor([0] * 2 + [1] * 20 + [2] * 3)
    value = torch.tensor([0.0] * 2 + [50.0] * 20 + [5.0] * 3)
    hyperparameter = torch.zeros(25, 3)
    hyperparameter[2:21, 1] = 50 + torch.arange(1, 20) * torch.tensor([1.0, -1.0]).repeat(10)[:19]
    hyperparameter[21, 1] = 180.0  # its image is named C&W: an error that no one is told
    hyperparameter[:, 2] = torch.tensor(50.0)  # told as 20, the end of the range: 15 off
    logits = torch.nn.functional.one_hot(attack, 3).float() * 3
    logits[21] = torch.tensor([0.0, 0.0, 3.0])
    found = calibrate(logits, hyperparameter, attack, value).halfwidths
    # 19 errors 1..19, 20 coverage is the rank; 0.99 needs 99 examples, so it is the whole range
    assert found["FGSM"] == [16, 17, 18, 19, 190]
    assert found["clean"] == [0] * 5
    assert found["C&W"] == [19] * 5  # three examples are too few for 0.8


def test_an_attack_that_is_never_named_falls_back_to_its_own_examples() -> None:
    attack = torch.tensor([0] * 9 + [1] * 9)
    value = torch.where(attack == 1, 60.0, 0.0)
    hyperparameter = (value + torch.arange(18))[:, None].expand(-1, 3)
    logits = torch.tensor([5.0, 0.0, 0.0]).repeat(18, 1)
    found = calibrate(logits, hyperparameter, attack, value).halfwidths
    assert found["FGSM"][:3] == [16, 17, 17]  # errors 9..17
    assert found["C&W"] == [19] * 5


def test_prediction_sets_and_intervals_hold_the_truth_as_often_as_promised() -> None:
    count, tested = 2000, 4000
    logits, attack = overconfident(2.5, count + tested, labels=3)
    generator = torch.Generator().manual_seed(1)
    value = torch.where(attack == 0, 0.0, torch.where(attack == 1, 100.0, 10.0))
    noise = torch.randn(count + tested, 3, generator=generator) * torch.tensor([0.0, 12.0, 2.0])
    told = (value[:, None] + noise).clamp(torch.tensor([0.0, 10, 1]), torch.tensor([0.0, 200, 20]))
    found = calibrate(logits[:count], told[:count], attack[:count], value[:count])
    assert found.attack_temperature == pytest.approx(2.5, rel=0.15)
    score = 1 - (logits.double() / found.attack_temperature).softmax(1).gather(1, attack[:, None]).squeeze(1)
    for index, coverage in enumerate(COVERAGES):
        # the calibration split's own chance and the test split's, four standard deviations
        slack = 4 * math.sqrt(coverage * (1 - coverage) * (1 / count + 1 / tested))
        held = float((score[count:] <= found.attack_scores[index]).double().mean())
        assert abs(held - coverage) <= slack
        chosen = (attack == 1) & (logits.argmax(1) == 1)
        place = (told[:, 1] - LABELS[1].minimum) / LABELS[1].width
        error = (told[:, 1] - value).abs() / (1 + found.growth.get("FGSM", 0.0) * place)
        slack = 4 * math.sqrt(coverage * (1 - coverage) * (1 / chosen[:count].sum() + 1 / chosen[count:].sum())) + 0.01
        held = float((error[count:][chosen[count:]] <= found.halfwidths["FGSM"][index]).double().mean())
        assert abs(held - coverage) <= slack


def test_the_familiarity_threshold_keeps_the_share_it_says() -> None:
    assert familiarity_threshold(torch.arange(99.0)) == 96  # ceil(100 * 0.97) = 97th of 0..98
    assert FAMILIAR_SHARE == 0.97


def test_what_was_learned_beside_is_kept() -> None:
    found = calibrate(torch.randn(99, 3), torch.zeros(99, 3), torch.arange(99) % 3, torch.zeros(99))
    assert found.familiarity_threshold == 1
    assert found.sigma == {"attack": 0.1, "victim": 0.2, "hyperparameter": 0.3}


def test_every_row_grows_with_the_coverage() -> None:
    for count in (3, 12, 40, 150):
        logits, attack = overconfident(1.0, count, labels=3)
        told = torch.randn(count, 3, generator=torch.Generator().manual_seed(2)) * 500  # far out of every range
        value = torch.where(attack == 0, 0.0, torch.where(attack == 1, 10.0, 1.0))
        found = calibrate(logits, told, attack, value)  # Calibration itself refuses anything else
        for label in LABELS:
            row = found.halfwidths[label.name]
            assert row == sorted(row)
            assert row[-1] <= label.width / min(1, 1 + found.growth.get(label.name, 0)) + 1e-9


def test_intervals_grow_where_errors_do() -> None:
    random = np.random.default_rng(0)
    count = 4000
    told = torch.from_numpy(random.uniform(10, 200, count))
    value = told + torch.from_numpy(random.normal(size=count)) * ((told + 20) / 20)
    every = torch.stack([torch.zeros(count), told, torch.ones(count)], 1)
    attack = torch.ones(count, dtype=torch.long)
    half = slice(count // 2)
    fitted = fit_widths(torch.eye(3)[attack][half], every[half], attack[half], value[half], LABELS)
    assert set(fitted.growth) == {"FGSM"} and 5 < fitted.growth["FGSM"] < 9  # 7.3 times as far at the end
    place = (told - 10) / 190
    error = (told - value).abs()[count // 2 :]
    wide = fitted.halfwidths["FGSM"][2] * (1 + fitted.growth["FGSM"] * place[count // 2 :])
    for low, high in ((0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1)):
        third = (low <= place[count // 2 :]) & (place[count // 2 :] < high)
        assert abs(float((error <= wide)[third].double().mean()) - 0.9) < 0.06


def test_growth_is_told_only_where_there_is_something_to_tell_it_by() -> None:
    place = np.linspace(0, 1, 200)
    assert fit_growth(place[:20], place[:20]) == 0
    assert fit_growth(place, np.zeros(200)) == 0
    assert fit_growth(np.full(200, 0.5), place) == 0
    assert fit_growth(place, 1 + place) == pytest.approx(1, abs=1e-3)
    assert fit_growth(place, 2 - place) == pytest.approx(-0.5, abs=1e-3)
    assert fit_growth(place, place) == pytest.approx(9) and fit_growth(place, 1 - place) == pytest.approx(-0.9)
