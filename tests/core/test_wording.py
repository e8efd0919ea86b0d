from __future__ import annotations

import dataclasses

import pytest

from core import types, wording
from core.adjustments import Adjustment, Kind
from core.types import Familiarity, Finding, RankedLabel


@pytest.mark.parametrize(
    ("probability", "text"),
    [(1.0, "> 99.9 %"), (0.9999, "> 99.9 %"), (0.5, "50.0 %"), (0.0001, "< 0.1 %"), (0.0, "< 0.1 %")],
)
def test_percent_never_rounds_to_certainty(probability: float, text: str) -> None:
    assert wording.percent(probability) == text


def test_what_cannot_be_seen_is_spelled_out() -> None:
    assert wording.shown("数 3.png") == "数 3.png"
    assert wording.shown("bad\u202egnp.exe\n\x1b\udcff") == "bad\\u202egnp.exe\\n\\x1b\\udcff"
    assert wording.shown(wording.shown("a\nb")) == "a\\nb"
    assert wording.quoted("a” is clean, “b\n") == "“a\\u201d is clean, \\u201cb\\n”"


def test_what_was_left_out_is_told_by_suffix() -> None:
    assert wording.left_out({}) == ""
    assert wording.left_out({".txt": 3, ".gif": 1, "": 2, ".\u202e": 1}) == (
        "hidden, linked or of no image type that is read: 2 without a suffix, 1 .gif, 3 .txt, 1 .\\u202e"
    )
    many = {f".{at}": 9 - at for at in range(9)}
    assert wording.kinds(many).endswith("2 .7, 1 of other kinds")


def test_hyperparameters(finding: Finding) -> None:
    answer = finding.attribution
    epsilon, kappa, none = answer.hyperparameters
    assert wording.value_of(epsilon) == "ε = 30.4/255"
    assert wording.ends_of(epsilon) == ("24.0/255", "37.2/255")
    assert wording.value_of(kappa) == "κ = 5.2 logits"
    assert wording.interval(kappa) == "90% interval 3.1 to 7.0 logits"
    assert wording.value_of(none) == ""
    assert wording.quantity(199.96, "/255") == "200/255"
    first = answer.attack.label
    assert wording.hyperparameter(answer) == (
        f"ε = 30.4/255, 90% interval 24.0/255 to 37.2/255, if the attack is {first}"
    )
    clean_first = dataclasses.replace(
        answer,
        attack=dataclasses.replace(answer.attack, ranking=answer.attack.ranking[::-1]),
        hyperparameters=answer.hyperparameters[::-1],
    )
    assert wording.hyperparameter(clean_first).startswith("none, if the image is clean; κ = 5.2 logits")


def test_a_value_at_the_end_of_what_the_pack_knows_may_lie_past_it(finding: Finding) -> None:
    epsilon, kappa, none = finding.attribution.hyperparameters
    assert wording.beyond(epsilon) == wording.beyond(kappa) == wording.beyond(none) == ""
    at_the_end = (dataclasses.replace(epsilon, value=200.0), kappa, none)
    told = wording.notes(dataclasses.replace(finding.attribution, hyperparameters=at_the_end))
    assert any("may be larger" in note for note in told), "in reports as at the command line"
    assert (
        wording.beyond(dataclasses.replace(epsilon, value=200.0))
        == "ε may be larger: the pack knows none above 200/255"
    )
    assert (
        wording.beyond(dataclasses.replace(kappa, value=1.0))
        == "κ may be smaller: the pack knows none below 1.0 logits"
    )
    assert wording.beyond(dataclasses.replace(kappa, value=0.0, minimum=0.0)) == "", "there is nothing below zero"
    alone = dataclasses.replace(epsilon, value=8.0, minimum=8.0, maximum=8.0)
    assert wording.beyond(alone) == "", "a pack that knows one value tells no other from it"
    near, short = (dataclasses.replace(epsilon, value=value) for value in (198.0, 195.0))
    assert wording.beyond(near) == "ε may be larger: the pack knows none above 200/255"  # as FGSM of 230/255 is told
    assert wording.beyond(short) == ""


def test_an_interval_that_ends_with_the_packs_values_says_so(finding: Finding) -> None:
    epsilon = finding.attribution.hyperparameter
    cut = dataclasses.replace(epsilon, high=epsilon.maximum, coverage=0.825)
    told = wording.interval(cut)
    assert told.startswith("82.5% interval 24.0/255 to ") and told.endswith("/255 (the pack's limit)")


def test_doubt(finding: Finding) -> None:
    attack = finding.attribution.attack
    assert wording.doubt(finding.attribution.victim) == "the 90% set holds resnet18 alone"
    assert wording.doubt(attack) == "the 90% set holds fgsm, cw"
    everything = dataclasses.replace(attack, prediction_set=("fgsm", "cw", "clean"))
    assert wording.doubt(everything) == "the 90% set rules out no label"
    assert wording.entropy(attack) == "1.16 of 1.58 bits"


def test_tasks_that_contradict_each_other_are_warned_of(finding: Finding) -> None:
    answer = finding.attribution
    assert not wording.contradiction(answer)
    nobody = dataclasses.replace(answer.victim, ranking=answer.victim.ranking[::-1])
    assert nobody.label == "clean"
    assert "Rely on neither" in wording.contradiction(dataclasses.replace(answer, victim=nobody))
    some = [RankedLabel("clean", 0.4), *(RankedLabel(label, 0.3) for label in ("fgsm", "cw"))]
    one = [RankedLabel("resnet18", 0.6), RankedLabel("clean", 0.4)]
    attack, victim = (dataclasses.replace(answer.attack, ranking=tuple(ranking)) for ranking in (some, one))
    split = dataclasses.replace(answer, attack=attack, victim=victim)
    assert split.undecided == 0.4 and "“clean” has 40.0 %" in wording.contradiction(split)


def test_that_no_victim_was_asked_is_said_once(finding: Finding) -> None:
    answer = dataclasses.replace(finding.attribution, testimonies=())
    assert "no victim was asked" in wording.not_asked(answer)
    reason = dataclasses.replace(answer, adjustments=(Adjustment(Kind.OTHER_SIZE, ("28x28",)),))
    assert wording.not_asked(reason) == ""


def test_a_victim_that_is_named_and_was_not_asked_is_told(finding: Finding) -> None:
    answer = finding.attribution
    named = answer.victim.label
    others = types.Testimony("another", "0" * 64, changes=False, margin=1.0, match=0.0, odds=-3.0)
    assert wording.unasked_victim(answer) == "" and named != "clean"
    told = dataclasses.replace(answer, testimonies=(others,))
    assert wording.unasked_victim(told) == named
    assert f"{named} was not asked: the image alone speaks for it" in wording.notes(told)
    itself = dataclasses.replace(others, victim=named)
    assert wording.unasked_victim(dataclasses.replace(answer, testimonies=(others, itself))) == ""


@pytest.mark.parametrize(
    ("odds", "times"),
    [(0.0, "1.0"), (-0.7, "2.0"), (2.3, "10"), (-5.5, "245"), (6.91, "more than 1,000"), (900.0, "more than 1,000")],
)
def test_odds_are_told_as_a_ratio(odds: float, times: str) -> None:
    assert wording.likelier(odds) == times


def test_what_a_victim_says_and_what_that_is_worth() -> None:
    said = types.Testimony("vgg", "0" * 64, changes=False, margin=3.21, match=-0.001, odds=4.0)
    assert wording.testimony(said) == (
        "vgg sees one class in the image and the same without the estimated perturbation; what the image can have been "
        "before is 3.2 logits behind; its gradient's "
        "signs agree with that perturbation at 0.00 (-1 to 1); such answers are 55 times as probable if it is the "
        "victim as if it is not"
    )
    other = wording.testimony(dataclasses.replace(said, changes=True, margin=0.01, odds=-1.0))
    assert "or after compression; what the image was before is less than 0.1 logits behind" in other
    assert other.endswith("such answers are 2.7 times as probable if it is not the victim as if it is")
    assert wording.testimony(dataclasses.replace(said, odds=0.1)).endswith("such answers tell nothing either way")


def test_classes_are_named_in_quotation_marks_that_their_names_cannot_end() -> None:
    said = types.Testimony("vgg", "0" * 64, True, 3.2, 0.5, 4.0, label="a” b", before="church")
    told = wording.testimony(said)
    assert told.startswith("vgg sees “a\\u201d b” in the image and another class without")
    assert "; what the image was before, “church” by its own word alone, is 3.2 logits behind; " in told
    among = wording.testimony(dataclasses.replace(said, others=2, others_before=2))
    assert "before, “church” as far as can be told, is 3.2 logits behind; 2 of 2 other victims see" in among


def test_what_others_see_is_counted() -> None:
    said = types.Testimony(
        "vgg", "0" * 64, changes=True, margin=3.2, match=0.5, odds=4.0, others=4, others_before=3, others_alike=1
    )
    told = "3 of 4 other victims see in the image what it was before, 1 see what vgg sees"
    assert told in wording.testimony(said).split("; ")
    assert "what it can have been before" in wording.testimony(dataclasses.replace(said, changes=False))
    assert "other victims" not in wording.testimony(dataclasses.replace(said, others=0))


def test_unfamiliarity() -> None:
    assert wording.unfamiliarity(Familiarity(2.0, 2.0)) == ""
    for calibrated, words in ((False, "its answers may mean nothing"), (True, "its doubt is that of such images")):
        said = wording.unfamiliarity(Familiarity(3.5, 2.0, calibrated))
        assert "score 3.5, threshold 2" in said and words in said
