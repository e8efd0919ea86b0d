from __future__ import annotations

import dataclasses

import pytest

from core import types, wording
from core.types import Familiarity, Finding


@pytest.mark.parametrize(
    ("probability", "text"),
    [(1.0, "100.0 %"), (0.9999, "> 99.9 %"), (0.5, "50.0 %"), (0.0001, "< 0.1 %"), (0.0, "0.0 %")],
)
def test_percent_never_rounds_to_certainty(probability: float, text: str) -> None:
    assert wording.percent(probability) == text


def test_hyperparameters(finding: Finding) -> None:
    epsilon, kappa, none = finding.attribution.hyperparameters
    assert wording.hyperparameter_value(epsilon) == "ε = 30.4/255"
    assert wording.hyperparameter_interval(epsilon) == "24/255 to 37.2/255"
    assert wording.hyperparameter_value(kappa) == "κ = 5.2 logits"
    assert wording.hyperparameter_interval(kappa) == "3.1 logits to 7 logits"
    assert (wording.hyperparameter_value(none), wording.hyperparameter_interval(none)) == ("none", "")
    assert wording.quantity(199.96, "/255") == "200/255"


def test_doubt(finding: Finding) -> None:
    attack = finding.attribution.attack
    assert wording.doubt(finding.attribution.victim) == "the only candidate at 90% coverage"
    assert wording.doubt(attack) == "may also be cw at 90% coverage"
    everything = dataclasses.replace(attack, prediction_set=("fgsm", "cw", "clean"))
    assert wording.doubt(everything) == "no label can be ruled out at 90% coverage"
    assert wording.entropy(attack) == "1.16 of 1.58 bits"


@pytest.mark.parametrize(
    ("odds", "times"), [(0.0, "1.0"), (-0.7, "2.0"), (2.3, "10"), (-5.5, "245"), (6.91, "> 1,000"), (900.0, "> 1,000")]
)
def test_odds_are_told_as_a_ratio(odds: float, times: str) -> None:
    assert wording.likelier(odds) == times


def test_what_a_victim_says_and_what_that_is_worth() -> None:
    said = types.Testimony("vgg", "0" * 64, changes=False, margin=3.21, match=0.5, odds=4.0)
    assert wording.testimony(said) == (
        "vgg stands by its class, 3.2 logits above the likeliest other; its gradient matches the perturbation at 0.50; "
        "such answers are 55 times likelier if it is the victim"
    )
    other = wording.testimony(dataclasses.replace(said, changes=True, odds=-1.0))
    assert other.startswith("vgg changes its mind by 3.2 logits;")
    assert other.endswith("such answers are 2.7 times likelier if it is not the victim")


def test_unfamiliarity() -> None:
    assert wording.unfamiliarity(Familiarity(2.0, 2.0)) == ""
    assert "score 3.5, threshold 2" in wording.unfamiliarity(Familiarity(3.5, 2.0))
