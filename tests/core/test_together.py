"""What images of one maker say together, and when several makers are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from math import log2
from typing import Any

import numpy as np
import pytest

from core.labels import CLEAN, NONE_OF_THESE
from core.listed import Record
from core.manifest import Manifest
from core.records import json_parts
from core.report.html import render
from core.report.subject import Subject
from core.report.summary import summarise
from core.together import ALIKE, APART, MOST, Together, in_words, of_records, together, word_of
from core.types import Attribution, ClassAnswer, Familiarity, Finding, HyperparameterAnswer, RankedLabel

ATTACKS, VICTIMS = ("fgsm", "cw", CLEAN), ("resnet18", "vgg16", CLEAN)


@pytest.fixture(scope="module")
def manifest(tiny_manifest: dict[str, Any]) -> Manifest:
    return Manifest.model_validate({**tiny_manifest, "weights_sha256": "d" * 64})


def classes(labels: Sequence[str], probabilities: Sequence[float]) -> ClassAnswer:
    pairs = sorted(zip(labels, probabilities, strict=True), key=lambda pair: -pair[1])
    ranking = tuple(RankedLabel(label, float(probability)) for label, probability in pairs)
    return ClassAnswer(ranking, log2(2), 0.5, (ranking[0].label,), 0.9)


def answer(
    name: str, attack: Sequence[float], victim: Sequence[float], value: float = 30.0, *,
    victims: Sequence[str] = VICTIMS, familiar: bool = True,
) -> Attribution:  # fmt: skip
    """Values under each attack: the epsilon given, and a third of it as kappa."""
    own = classes(ATTACKS, attack)
    kinds = {
        "fgsm": HyperparameterAnswer("epsilon", value, value - 5, value + 5, "/255", 1, 10, 200, 0.9),
        "cw": HyperparameterAnswer("kappa", value / 3, 0, 20, "logits", 1, 0, 20, 0.9),
        CLEAN: HyperparameterAnswer("none", 0, 0, 0, "", 1, 0, 0, 0.9),
    }
    values = tuple(kinds[label.label] for label in own.ranking)
    score = 1.0 if familiar else 3.0
    return Attribution(name, "toy@0", own, classes(victims, victim), values, Familiarity(score, 2.0), ())


def said(answers: Sequence[Attribution]) -> Together | None:
    return together(word for one in answers if (word := word_of(one)) is not None)


def one_maker(count: int, **options: float) -> list[Attribution]:
    return [answer(f"{n}", (0.8, 0.15, 0.05), (0.6, 0.35, 0.05), **options) for n in range(count)]


def test_by_hand() -> None:
    """Two attacks and two victims, so that every pair is four times as probable as if nothing were known."""
    found = said(one_maker(3))
    assert found is not None
    (maker,) = found.makers
    attack, victim = np.asarray([0.8, 0.15]) / 0.95, np.asarray([0.6, 0.35]) / 0.95
    times = (1 - APART) * 4 * attack[:, None] * victim + APART
    joint = times ** (3 * 3 ** (ALIKE - 1))
    joint /= joint.sum()
    assert (found.images, maker.images) == (3, 3)
    assert (maker.attack.label, maker.victim.label) == ("fgsm", "resnet18")
    assert maker.attack.probability == pytest.approx(joint.sum(1)[0])
    assert maker.victim.probability == pytest.approx(joint.sum(0)[0])


def test_more_images_are_surer_and_less_so_than_independent_ones() -> None:
    sure = [said(one_maker(count)) for count in (2, 3, 5, 10, 100)]
    told = [found.makers[0].victim.probability for found in sure if found is not None]
    assert told == sorted(told) and 0.6 < told[0] < told[-1]
    odds = (0.6 / 0.35) ** 10
    assert told[3] < odds / (1 + odds)


def test_one_image_says_nothing_together_nor_a_copy_of_it() -> None:
    alone = one_maker(1)
    assert said([]) is None and said(alone) is None and said(alone * 5) is None
    assert in_words(None) == ""


def test_clean_and_unfamiliar_images_are_not_heard() -> None:
    clean = answer("clean", (0.2, 0.1, 0.7), (0.1, 0.2, 0.7))
    strange = answer("strange", (0.1, 0.9, 0.0), (0.1, 0.9, 0.0), familiar=False)
    assert word_of(clean) is None and word_of(strange) is None
    assert said([*one_maker(3), clean, strange]) == said(one_maker(3))


def test_one_image_of_somebody_else_does_not_outweigh_the_others() -> None:
    other = answer("other", (0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    found = said([*one_maker(8), other])
    assert found is not None
    (maker,) = found.makers
    assert (found.images, maker.images, maker.attack.label) == (9, 8, "fgsm")
    assert in_words(found).endswith("fits 8 of 9 attacked images")


def test_two_makers_are_told_apart_the_larger_first() -> None:
    theirs = [answer(f"b{n}", (0.02, 0.97, 0.01), (0.05, 0.94, 0.01), value=24.0) for n in range(6)]
    ours = [answer(f"a{n}", (0.97, 0.02, 0.01), (0.94, 0.05, 0.01), value=30.0 + n) for n in range(9)]
    found = said([*theirs, *ours])
    assert found is not None
    assert [(m.images, m.attack.label, m.victim.label) for m in found.makers] == [
        (9, "fgsm", "resnet18"), (6, "cw", "vgg16"),
    ]  # fmt: skip
    first, second = (maker.hyperparameter for maker in found.makers)
    assert first is not None and second is not None
    assert (first.low, first.value, first.high, first.unit) == (32.0, 34.0, 36.0, "/255")
    assert (second.name, second.value) == ("kappa", 8.0)
    told = "Of 15 attacked images: 9 by fgsm against resnet18, 6 by cw against vgg16"
    assert in_words(found) == f"2 makers are likelier than one. {told}"


def test_the_value_is_the_median_under_the_makers_attack_also_of_images_that_name_another() -> None:
    unsure = answer("unsure", (0.44, 0.46, 0.1), (0.6, 0.35, 0.05), value=90.0)
    found = said([*one_maker(2, value=30.0), *[answer("x", (0.9, 0.05, 0.05), (0.9, 0.05, 0.05), 36.0)], unsure])
    assert found is not None and found.makers[0].hyperparameter is not None
    assert found.makers[0].hyperparameter.value == 33.0, "of 30, 30, 36 and 90"


def test_victims_that_only_some_were_asked_about_are_weighed_with_the_others() -> None:
    asked = ("resnet18", "vgg16", "mine", NONE_OF_THESE, CLEAN)
    mine = [answer(f"m{n}", (0.9, 0.05, 0.05), (0.05, 0.03, 0.9, 0.01, 0.01), victims=asked) for n in range(6)]
    found = said([*mine, *one_maker(2)])
    assert found is not None
    assert (found.makers[0].victim.label, found.makers[0].images) == ("mine", 6)


def test_an_image_that_can_only_have_been_attacked_by_nobody_is_heard_of_its_attack() -> None:
    odd = [answer(f"{n}", (0.9, 0.05, 0.05), (0.0, 0.0, 1.0)) for n in range(4)]
    found = said(odd)
    assert found is not None and found.makers[0].attack.label == "fgsm"
    assert found.makers[0].victim.probability == pytest.approx(0.5)


@pytest.mark.parametrize("names", [3, 30])
def test_makers_are_as_many_as_there_are_up_to_a_limit(names: int) -> None:
    victims = [*(f"v{n:02}" for n in range(names)), CLEAN]
    every = np.eye(names + 1)[:names] * 0.98 + 0.02 / (names + 1)
    answers = [
        answer(f"{n}-{copy}", (0.98, 0.01, 0.01), row, victims=victims)
        for n, row in enumerate(every)
        for copy in range(9)
    ]
    found = said(answers)
    assert found is not None
    assert len(found.makers) == min(names, MOST)
    assert {maker.images for maker in found.makers} == {9}
    assert ("by others" in in_words(found)) == (names > MOST)


def test_images_drawn_of_one_maker_are_as_often_his_as_is_told() -> None:
    """The images' own probabilities are right here and independent: what is told must not be surer than it is right."""
    random, right, told = np.random.default_rng(0), [], []
    for _ in range(400):
        true = random.integers(2)
        evidence = random.normal(0.5, 1, 4)  # of the true victim: the odds of a normal's mean at 0.5 and at -0.5
        own = 1 / (1 + np.exp(-evidence))
        answers = [
            answer(f"{n}", (0.9, 0.1, 0), ((p, 1 - p) if true == 0 else (1 - p, p)) + (0,)) for n, p in enumerate(own)
        ]
        found = said(answers)
        assert found is not None
        if len(found.makers) == 1:
            right.append(found.makers[0].victim.label == VICTIMS[true])
            told.append(found.makers[0].victim.probability)
    assert len(told) > 300
    assert np.mean(told) <= np.mean(right) + 0.02


def records_of(answers: Sequence[Attribution]) -> list[Record]:
    return [Record(f"{one.sha256}.png", one.sha256, "ok", None, Finding(one, None)) for one in answers]


def test_json_and_reports_say_the_same(manifest: Manifest) -> None:
    records = [*records_of(one_maker(3)), Record("no.txt", None, "error", "No image.", None)]
    found = of_records(records)
    assert found is not None and found == summarise(records, manifest).together
    document = json.loads(b"".join(Subject(records, manifest, "CPU").json_parts()))
    (maker,) = document["together"]["makers"]
    assert document["together"]["images"] == maker["images"] == 3 and document["attacked"] is None
    assert maker["victim"] == {"label": "resnet18", "probability": found.makers[0].victim.probability}
    assert maker["hyperparameter"]["value"] == 30.0 and maker["hyperparameter"]["unit"] == "/255"
    said_so = in_words(found)
    assert said_so.startswith("if one maker attacked them: fgsm ")
    assert said_so[1:] in render(Subject(records, manifest, "CPU"))
    alone = Subject(records[:1], manifest, "CPU")
    assert json.loads(b"".join(alone.json_parts()))["together"] is None and "one maker" not in render(alone)
    assert json.loads(b"".join(json_parts(iter(records), manifest, "CPU")))["together"] is None


def test_an_attack_without_a_hyperparameter_has_none_together() -> None:
    none = HyperparameterAnswer("none", 0, 0, 0, "", 1, 0, 0, 0.9)
    bare = [replace(one, hyperparameters=(none, none, none)) for one in one_maker(3)]
    found = said(bare)
    assert found is not None and found.makers[0].hyperparameter is None
    assert "half of them" not in in_words(found)
