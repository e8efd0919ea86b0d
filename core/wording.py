"""Answers in the words and units that people read: one phrasing for the table, the report and the window."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.types import ClassAnswer, Familiarity, HyperparameterAnswer, Testimony

if TYPE_CHECKING:
    from core.manifest import ImageSpec

_SYMBOLS = {"epsilon": "ε", "kappa": "κ", "overshoot": "η"}


def percent(probability: float) -> str:
    """A probability as people read it; never a rounded-up certainty."""
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    if 0 < probability < 0.0005:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %"


def quantity(value: float, unit: str) -> str:
    """A hyperparameter's value in its unit: "30/255", "5.2 logits"."""
    number = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}".removesuffix(".0")
    return number + (unit if unit.startswith("/") else f" {unit}" if unit else "")


def hyperparameter_value(answer: HyperparameterAnswer) -> str:
    """ "ε = 30.4/255", or "none" under clean."""
    if answer.name == "none":
        return "none"
    return f"{_SYMBOLS.get(answer.name, answer.name)} = {quantity(answer.value, answer.unit)}"


def hyperparameter_interval(answer: HyperparameterAnswer) -> str:
    """ "24/255 to 37/255", or nothing under clean."""
    if answer.name == "none":
        return ""
    return f"{quantity(answer.low, answer.unit)} to {quantity(answer.high, answer.unit)}"


def candidates(answer: ClassAnswer) -> str:
    """What the prediction set leaves open, as a phrase: "may also be pgd"."""
    others = [label for label in answer.prediction_set if label != answer.label]
    if not others:
        return "the only candidate"
    if len(others) + 1 == len(answer.ranking):
        return "no label can be ruled out"
    listed = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} or {others[-1]}"
    return f"may also be {listed}"


def doubt(answer: ClassAnswer) -> str:
    """The same with the coverage it holds at, to stand alone."""
    return f"{candidates(answer)} at {answer.coverage:.0%} coverage"


def entropy(answer: ClassAnswer) -> str:
    """ "0.12 of 2 bits": how far from certain, beside what a pure guess would have."""
    return f"{answer.entropy:.2f} of {math.log2(len(answer.ranking)):.3g} bits"


def unfamiliarity(familiarity: Familiarity) -> str:
    """The warning for an image unlike the pack's; empty for a familiar one."""
    if familiarity.familiar:
        return ""
    return (
        "unfamiliar: unlike the images this pack was calibrated on, or changed after the attack "
        f"(score {familiarity.score:.3g}, threshold {familiarity.threshold:.3g}), so its answers may mean nothing"
    )


def image_kind(spec: ImageSpec) -> str:
    """What a pack takes: "28x28, grey"."""
    return f"{spec.width}x{spec.height}, {'grey' if spec.channels == 1 else 'colour'}"


def testimony(said: Testimony) -> str:
    """What one victim said, as a sentence without its full stop."""
    if said.changes:
        mind = f"{said.victim} changes its mind by {said.margin:.1f} logits"
    else:
        mind = f"{said.victim} stands by its class, {said.margin:.1f} logits above the likeliest other"
    match = f"its gradient matches the perturbation at {said.match:.2f}"
    whether = "is" if said.odds >= 0 else "is not"
    return f"{mind}; {match}; such answers are {likelier(said.odds)} times likelier if it {whether} the victim"


def likelier(odds: float) -> str:
    """How many times one of two cases makes what was seen likelier than the other, of the logarithm of that: "40"."""
    if abs(odds) > math.log(1000):
        return "> 1,000"
    times = math.exp(abs(odds))
    return f"{times:.0f}" if times >= 9.95 else f"{times:.1f}"


METHOD = (
    "A network of the MTAA kind (Scalable Attribution of Adversarial Attacks via Multi-Task Learning, "
    "arXiv:2302.14059) reads each file's stored pixels, estimates the perturbation, and names attack, victim and "
    "hyperparameter at once. Its probabilities were calibrated by temperature, its candidate sets, intervals and "
    "familiarity by conformal quantiles, on images that it was not trained on. Files are told apart by the SHA-256 of "
    "their bytes. Where victims were asked, each gave its logits and their gradient at the image and at its estimated "
    "clean image, newer packs' also its logits after compression, and one scorer for all victims, trained and "
    "calibrated as the network was, weighed what they said."
)
LIMITS = (
    "Every answer is a ranking with doubt, not a verdict. A probability says how often such an answer is right on "
    "images like those the pack was calibrated on; for an unfamiliar image it says nothing. A candidate set or an "
    "interval “at 90 % coverage” holds the truth for nine of ten such images. Attacks and victims that the pack does "
    "not know are not among its answers. Of an image that was judged in tiles, probability, set and interval are those "
    "of the mean over its tiles, and were not measured on such images."
)
