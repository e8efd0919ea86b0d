"""Answers as sentences: for the case file, and for the banners above an answer."""

from __future__ import annotations

import math
import re
from enum import StrEnum

from PySide6.QtCore import QCoreApplication

from app.i18n import QT_TRANSLATE_NOOP
from core.types import Attribution, ClassAnswer, HyperparameterAnswer, Testimony
from core.wording import likelier, percent, quantity

translate = QCoreApplication.translate
SYMBOLS = {"epsilon": "ε", "kappa": "κ", "overshoot": "η"}


class Tone(StrEnum):
    INFO = "info"
    WARN = "warn"
    BAD = "bad"


def is_clean(answer: Attribution) -> bool:
    """Whether the image is held for clean, the one label without a hyperparameter."""
    return answer.hyperparameter.name == "none"


def value_text(answer: HyperparameterAnswer) -> str:
    """ "ε = 30/255"; empty under clean, which has no hyperparameter."""
    if answer.name == "none":
        return ""
    return f"{SYMBOLS.get(answer.name, answer.name)} = {quantity(answer.value, answer.unit)}"


def interval_text(answer: HyperparameterAnswer) -> str:
    text = translate("Sentence", "{coverage} interval {low} to {high}")
    return text.format(
        coverage=f"{answer.coverage:.0%}",
        low=quantity(answer.low, answer.unit),
        high=quantity(answer.high, answer.unit),
    )


def doubt_text(answer: ClassAnswer) -> str:
    """What the prediction set says, and the two measures of doubt."""
    if len(answer.prediction_set) == 1:
        text = translate("Sentence", "Only {set} at {coverage} coverage")
    elif len(answer.prediction_set) == len(answer.ranking):
        text = translate("Sentence", "No label can be ruled out at {coverage} coverage")
    else:
        text = translate("Sentence", "One of {set} at {coverage} coverage")
    return text.format(set=", ".join(answer.prediction_set), coverage=f"{answer.coverage:.0%}")


def measure_text(answer: ClassAnswer) -> str:
    text = translate("Sentence", "Entropy {entropy} of {most} bits   ·   task σ {sigma}")
    most = math.log2(len(answer.ranking))
    return text.format(entropy=f"{answer.entropy:.2f}", most=f"{most:.3g}", sigma=f"{answer.sigma:.3g}")


def testimony_text(said: Testimony) -> str:
    """What one victim said when it was asked."""
    if said.changes:
        text = translate(
            "Sentence",
            "{victim} changes its mind by {margin} logits; its gradient matches the perturbation at {match}.",
        )
    else:
        text = translate(
            "Sentence",
            "{victim} stands by its class, {margin} logits above the likeliest other; its gradient matches the "
            "perturbation at {match}.",
        )
    if said.odds >= 0:
        weight = translate("Sentence", "Such answers are {times} times likelier if it is the victim.")
    else:
        weight = translate("Sentence", "Such answers are {times} times likelier if it is not the victim.")
    first = text.format(victim=said.victim, margin=f"{said.margin:.1f}", match=f"{said.match:.2f}")
    return f"{first} {weight.format(times=likelier(said.odds))}"


def case_sentence(name: str, answer: Attribution) -> str:
    """One paragraph that stands alone in a case file."""
    coverage = f"{answer.attack.coverage:.0%}"
    if is_clean(answer):
        text = translate(
            "Sentence",
            "The image {name} (SHA-256 {sha}) shows no trace of a known attack: the model pack {pack} holds it "
            "for clean with a probability of {p}.",
        )
    else:
        text = translate(
            "Sentence",
            "The image {name} (SHA-256 {sha}) was, by the model pack {pack}, most probably made with the attack "
            "{attack} ({p}) against the model {victim} ({q}), with {value} ({interval}).",
        )
    first = text.format(
        name=name,
        sha=answer.sha256,
        pack=answer.pack_id,
        attack=answer.attack.label,
        p=percent(answer.attack.probability),
        victim=answer.victim.label,
        q=percent(answer.victim.probability),
        value=value_text(answer.hyperparameter),
        interval=interval_text(answer.hyperparameter),
    )
    sets = translate("Sentence", "At {coverage} coverage the attack is among: {attacks}; the victim among: {victims}.")
    second = sets.format(
        coverage=coverage,
        attacks=", ".join(answer.attack.prediction_set),
        victims=", ".join(answer.victim.prediction_set),
    )
    said = [testimony_text(testimony) for testimony in answer.heard]
    return " ".join([first, second, *said, *(text for tone, text in banners(answer) if tone is not Tone.INFO)])


_ADJUSTMENTS = (
    (
        r"file is (?P<kind>\w+): .*",
        QT_TRANSLATE_NOOP(
            "Sentence",
            "Lossy file ({kind}): saving it threw part of the perturbation away. The victim and the "
            "hyperparameter suffer most.",
        ),
    ),
    (
        r"resized from (?P<old>\S+) to (?P<new>\w+)(, .*)?",
        QT_TRANSLATE_NOOP(
            "Sentence",
            "Resized from {old} to {new}: the pack judges images at the size at which they were attacked. "
            "Trust this answer less.",
        ),
    ),
    (
        r"judged in (?P<count>\d+) tiles of (?P<tile>\w+)(, not resized)?",
        QT_TRANSLATE_NOOP(
            "Sentence",
            "Judged in {count} tiles of {tile}: their answers were put together. How often such answers are right was "
            "measured on single images of the pack's size.",
        ),
    ),
    (
        r"(?P<count>\d+) of (?P<needed>\d+) tiles of (?P<tile>\w+) judged, spread evenly(, not resized)?",
        QT_TRANSLATE_NOOP(
            "Sentence",
            "Judged in {count} tiles of {tile}, spread evenly; {needed} would cover all of the image. How often such "
            "answers are right was measured on single images of the pack's size.",
        ),
    ),
    (
        r"only the middle (?P<tile>\w+) of (?P<image>\w+) judged(, not resized)?",
        QT_TRANSLATE_NOOP("Sentence", "Only the middle of the image was judged: {tile} of {image}."),
    ),
    (
        r"judged at (?P<tile>\w+)(, not resized)?",
        QT_TRANSLATE_NOOP(
            "Sentence",
            "Judged at its own size of {tile}: the pack was measured on larger images. Trust this answer less.",
        ),
    ),
    (
        r"enlarged from (?P<old>\S+) to (?P<new>\w+)(, .*)?",
        QT_TRANSLATE_NOOP(
            "Sentence",
            "Enlarged from {old} to {new}: on fewer pixels the pack sees too little. Trust this answer less.",
        ),
    ),
    (
        r"victims were not asked: they take (?P<size>\w+)",
        QT_TRANSLATE_NOOP("Sentence", "No victim was asked: they take images of {size}. The image alone was judged."),
    ),
    (
        r"victims were not asked: what one says of it is no number",
        QT_TRANSLATE_NOOP(
            "Sentence", "No victim was asked: what one of them says of it is no number. The image alone was judged."
        ),
    ),
    (
        r"victims were not asked: the memory does not hold it",
        QT_TRANSLATE_NOOP(
            "Sentence", "No victim was asked: the memory does not hold the whole image. The image alone was judged."
        ),
    ),
    (
        r"victims were not asked: more than half a megapixel",
        QT_TRANSLATE_NOOP(
            "Sentence", "No victim was asked: the image has more than half a megapixel. The image alone was judged."
        ),
    ),
    (
        r"colour turned to grey",
        QT_TRANSLATE_NOOP("Sentence", "Turned to grey: the pack knows grey images only. Trust this answer less."),
    ),
    (
        r"grey repeated as red, green and blue",
        QT_TRANSLATE_NOOP(
            "Sentence", "Grey taken as colour: the pack knows colour images only. Trust this answer less."
        ),
    ),
)


def adjustment_text(adjustment: str) -> str:
    """What was done to fit the image to the pack, and what that does to the answer."""
    for pattern, text in _ADJUSTMENTS:
        if match := re.fullmatch(pattern, adjustment):
            return translate("Sentence", text).format(**match.groupdict())
    return f"{adjustment[:1].upper()}{adjustment[1:]}."


def banners(answer: Attribution) -> list[tuple[Tone, str]]:
    """What a reader must know before the answer itself, gravest first."""
    found: list[tuple[Tone, str]] = []
    if not answer.familiarity.familiar:
        text = translate(
            "Sentence",
            "Unfamiliar: this image is unlike those that the pack was made for, or was compressed, scaled or otherwise "
            "changed after the attack (score {score}, threshold {threshold}). The answers below may mean nothing.",
        )
        familiarity = answer.familiarity
        found.append(
            (Tone.BAD, text.format(score=f"{familiarity.score:.3g}", threshold=f"{familiarity.threshold:.3g}"))
        )
    found += [(Tone.WARN, adjustment_text(adjustment)) for adjustment in answer.adjustments]
    if is_clean(answer) and answer.familiarity.familiar:
        text = translate(
            "Sentence", "Clean: no known attack is seen. An attack that the pack has not learned may look clean too."
        )
        found.append((Tone.INFO, text))
    return found
