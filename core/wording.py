"""Answers in the words and units that people read: one phrasing for the table, the report and the window."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.adjustments import Effect
from core.labels import CLEAN, NONE_OF_THESE
from core.listed import Record
from core.types import Attribution, Beside, ClassAnswer, Familiarity, Heatmap, HyperparameterAnswer, Testimony

if TYPE_CHECKING:
    from core.manifest import ImageSpec

SMALL = 0.05
"""Logits that would be written as 0.0."""
MANY = math.log(1000)
"""The logarithm of a ratio that is not written out."""
RARE = 0.2
"""Share of clean images up to which it is worth a word that no more of them look so."""
NEAR_END = 0.02
"""Of the range of values that a pack was trained on: what lies past it is told as so near its end."""
SYMBOLS = {"epsilon": "ε", "kappa": "κ", "overshoot": "η"}
_KINDS = 8
"""Of files left out that are named one by one."""


def shown(text: str) -> str:
    """Text that somebody else wrote, such as a file's name, on one line and with nothing in it that cannot be seen.

    Control characters drive terminals, line ends forge lines, and bidi overrides turn round what stands beside them.
    """
    return text if text.isprintable() else spelled_out(text, _visible)


def _visible(character: str) -> bool:
    """Spaces of any width are seen for what they are."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def quoted(name: str) -> str:
    """A name within a sentence: in quotation marks, which those in the name cannot end."""
    return f"“{spelled_out(name, lambda c: _visible(c) and c not in '“”')}”"


def spelled_out(text: str, legible: Callable[[str], bool]) -> str:
    """Text with every character that is not legible as its escape: \\u202e."""
    return "".join(c if legible(c) else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def left_out(counts: Mapping[str, int]) -> str:
    """What is said of files in folders that are no images; empty where there are none."""
    return f"hidden, linked or of no image type that is read: {kinds(counts)}" if counts else ""


def kinds(counts: Mapping[str, int], bare: str = "without a suffix", others: str = "of other kinds") -> str:
    """Numbers of files by suffix: "1 .gif, 3 .txt"; of many suffixes the most frequent."""
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    named = [f"{number:,} {shown(suffix) or bare}" for suffix, number in sorted(ranked[:_KINDS])]
    rest = sum(number for _, number in ranked[_KINDS:])
    return ", ".join([*named, f"{rest:,} {others}"] if rest else named)


def percent(probability: float) -> str:
    """A probability as people read it; never a rounded-up certainty, not even where a computer's numbers end."""
    if probability >= 0.9995:
        return "> 99.9 %"
    if probability < 0.0005:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %"


def at_most(share: float) -> str:
    """A share that something does not exceed, rounded up: "0.8 %"."""
    return f"{math.ceil(round(1000 * share, 6)) / 10:.1f} %"


def coverage_text(coverage: float) -> str:
    """ "90%", or "82.5%" where it was set so."""
    return f"{100 * coverage:.4g}%"


def quantity(value: float, unit: str) -> str:
    """A hyperparameter's value in its unit: "30/255", "5.2 logits"."""
    number = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}".removesuffix(".0")
    return number + (unit if unit.startswith("/") else f" {unit}" if unit else "")


def value_of(answer: HyperparameterAnswer) -> str:
    """ "ε = 30.4/255"; empty under clean, which has none."""
    if answer.name == "none":
        return ""
    return f"{SYMBOLS.get(answer.name, answer.name)} = {_exactly(answer.value, answer.unit)}"


def ends_of(answer: HyperparameterAnswer) -> tuple[str, str]:
    """Both ends of an interval: ("24.0/255", "37.2/255"), or with a unit in words ("1.0", "7.5 logits")."""
    word = not answer.unit.startswith("/")
    return _exactly(answer.low, "" if word else answer.unit), _exactly(answer.high, answer.unit)


def limits_of(answer: HyperparameterAnswer) -> tuple[bool, bool]:
    """Whether either end of an interval is where the values end that the pack was trained on."""
    return answer.low <= answer.minimum, answer.high >= answer.maximum


def past_end(answer: HyperparameterAnswer) -> tuple[bool, str] | None:
    """Where a value is so near an end of what the pack was trained on that it may lie past it: whether below, the end.

    What lies past the end is told as a value a little short of it. Nothing is said of a pack that knows one value only.
    """
    near = NEAR_END * (answer.maximum - answer.minimum)
    less = answer.value <= answer.minimum + near
    if near <= 0 or (not less and answer.value < answer.maximum - near) or (less and answer.minimum <= 0):
        return None
    return less, _exactly(answer.minimum if less else answer.maximum, answer.unit)


def beyond(answer: HyperparameterAnswer) -> str:
    """:func:`past_end` in words; empty elsewhere."""
    found, symbol = past_end(answer), SYMBOLS.get(answer.name, answer.name)
    if found is None:
        return ""
    less, end = found
    return (
        f"{symbol} may be {'smaller' if less else 'larger'}: the pack knows none {'below' if less else 'above'} {end}"
    )


def interval(answer: HyperparameterAnswer) -> str:
    """ "90% interval 24.0/255 to 37.2/255", with the word where the pack knows no further values."""
    low, high = (
        f"{end} (the pack's limit)" if limit else end
        for end, limit in zip(ends_of(answer), limits_of(answer), strict=True)
    )
    return f"{coverage_text(answer.coverage)} interval {low} to {high}"


def hyperparameter(answer: Attribution) -> str:
    """The likeliest attack's hyperparameter with its interval, or under clean what it is if the next attack is true."""
    known = zip(answer.attack.ranking, answer.hyperparameters, strict=True)
    attack, found = next(((c.label, h) for c, h in known if h.name != "none"), ("", answer.hyperparameter))
    if not attack:
        return "none: a clean image has none"
    told = f"{value_of(found)}, {interval(found)}, if the attack is {attack}"
    return told if found is answer.hyperparameter else f"none, if the image is clean; {told}"


def _exactly(value: float, unit: str) -> str:
    """A value with one decimal, as :func:`quantity` has it where there is one."""
    number = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return number + (unit if unit.startswith("/") else f" {unit}" if unit else "")


def candidates(answer: ClassAnswer) -> str:
    """What the prediction set leaves open, as a phrase: "may also be pgd"."""
    others = [label for label in answer.prediction_set if label != answer.label]
    if not others:
        return "the only candidate"
    if len(others) + 1 == len(answer.ranking):
        return "no label can be ruled out"
    listed = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} or {others[-1]}"
    return f"may also be {listed}"


def known_clean(beside: Iterable[Beside]) -> str:
    """Which known clean images answers were told beside; empty where there were none."""
    return ", ".join(f"{known.images:,} ({known.digest})" for known in beside)


def alike(answer: Attribution) -> int:
    """How many of the known clean images that an answer was told beside look at least as attacked."""
    assert answer.beside is not None and answer.false_alarm is not None
    return round(answer.false_alarm * (answer.beside.images + 1)) - 1


def false_alarm(answer: Attribution) -> str:
    """How many known clean images look so, or how few like the pack's; empty where these are not few, or not told."""
    if answer.false_alarm is None:
        return ""
    if answer.beside is not None:
        count, own = answer.beside.images, "one of the known clean images; " if answer.beside.known else ""
        if count == 1:
            return f"{own}the one known clean image looks {'at least as' if alike(answer) else 'less'} attacked"
        look = "look" if alike(answer) != 1 else "looks"
        return f"{own}{alike(answer):,} of {count:,} known clean images {look} at least as attacked"
    if answer.false_alarm > RARE:
        return ""
    return f"at most {at_most(answer.false_alarm)} of clean images like the pack's look at least as attacked"


def doubt(answer: ClassAnswer) -> str:
    """The same with the coverage it holds at, to stand alone."""
    coverage = coverage_text(answer.coverage)
    if len(answer.prediction_set) == len(answer.ranking) > 1:
        return f"the {coverage} set rules out no label"
    if len(answer.prediction_set) > 1:
        return f"the {coverage} set holds {', '.join(answer.prediction_set)}"
    return f"the {coverage} set holds {answer.label} alone"


def entropy(answer: ClassAnswer) -> str:
    """ "0.12 of 2 bits": how far from certain, beside what a pure guess would have."""
    return f"{answer.entropy:.2f} of {math.log2(len(answer.ranking)):.3g} bits"


def unfamiliarity(familiarity: Familiarity) -> str:
    """The warning for an image unlike the pack's; empty for a familiar one."""
    return (
        "" if familiarity.familiar else f"{strangeness(familiarity)}: {of_strange(calibrated=familiarity.calibrated)}"
    )


def strangeness(familiarity: Familiarity) -> str:
    """That an image is unfamiliar, in short."""
    return f"unfamiliar (score {familiarity.score:.3g}, threshold {familiarity.threshold:.3g})"


def of_strange(*, calibrated: bool) -> str:
    """What that means. calibrated: whether the doubt of the answers is one of such images."""
    if calibrated:
        return (
            "if it was compressed, scaled or otherwise changed after an attack that still fools its victim, its doubt "
            "is that of such images; if the pack does not know its kind, attack or victim, its answers mean nothing"
        )
    return "unlike the images this pack was calibrated on, or changed after the attack, so its answers may mean nothing"


def contradiction(answer: Attribution) -> str:
    """The warning where the two tasks cannot both be right; empty where they can."""
    if not answer.contradicts_itself:
        return ""
    if answer.undecided is not None:
        return (
            f"clean or attacked is undecided: “clean” has {percent(answer.undecided)}, the likeliest of one task only"
        )
    return "attack and victim contradict each other: one says clean, the other does not. Rely on neither"


def brightness(heatmap: Heatmap) -> str:
    """What a heatmap at its brightest stands for."""
    if heatmap.full is None:
        return "brightness is relative to the strongest place in this image"
    return f"full brightness is a change by {255 * heatmap.full:.1f}/255"


def why_not(error: str | None, path: str) -> str:
    """Why a file was not attributed, without the path that stands beside it."""
    return shown((error or "").removeprefix(path).lstrip(": "))


def not_asked(answer: Attribution) -> str:
    """That the image alone was judged, where no adjustment says it with the reason; else empty."""
    if answer.testimonies or any(told.kind.effect is Effect.UNASKED for told in answer.adjustments):
        return ""
    return "no victim was asked: judged by the image alone"


def unasked_victim(answer: Attribution) -> str:
    """The victim that is named though only others were asked; else empty."""
    named, asked = answer.victim.label, {said.victim for said in answer.testimonies}
    return named if asked and named not in {*asked, CLEAN, NONE_OF_THESE} else ""


AS_CLOSED = ", as a closed set"
CLOSED = "if it was attacked, its victim was taken to be one of those asked (closed set)"


def notes(answer: Attribution, *, asking: bool = True) -> list[str]:
    """What takes from an answer, gravest first: what a reader must know before it.

    asking: say where the image alone was judged, or a closed set was asked, unless that is told beside it.
    """
    unasked = unasked_victim(answer)
    told = (
        unfamiliarity(answer.familiarity), contradiction(answer), *map(str, answer.adjustments),
        not_asked(answer) if asking else "",
        beyond(answer.hyperparameter),
        f"{unasked} was not asked: the image alone speaks for it" if unasked else "",
        CLOSED if asking and answer.closed_set else "",
    )  # fmt: skip
    return [text for text in told if text]


def image_kind(spec: ImageSpec) -> str:
    """What a pack takes: "28x28, grey"."""
    return f"{spec.size}, {'grey' if spec.channels == 1 else 'colour'}"


def testimony(said: Testimony) -> str:
    """What one victim said, as a sentence without its full stop."""
    label = quoted(said.label) if said.label else "one class"
    by = "as far as can be told" if said.others else "by its own word alone"
    before = f", {quoted(said.before)} {by}," if said.before else ""
    was = "was" if said.changes else "can have been"
    other = "another class" if said.changes else "the same"
    less = "without the estimated perturbation" + (" or after compression" if said.changes else "")
    mind = (
        f"{said.victim} sees {label} in the image and {other} {less}; what the image {was} before{before} is "
        f"{logits(said.margin)} logits behind"
    )
    if said.others:
        mind += (
            f"; {said.others_before} of {said.others} other victims see in the image what it {was} before, "
            f"{said.others_alike} see what {said.victim} sees"
        )
    match = f"its gradient's signs agree with that perturbation at {signed(said.match)} (-1 to 1)"
    if tells_nothing(said.odds):
        return f"{mind}; {match}; such answers tell nothing either way"
    rather, other = ("is", "is not") if said.odds >= 0 else ("is not", "is")
    return (
        f"{mind}; {match}; such answers are {likelier(said.odds)} times as probable if it {rather} the victim as if it "
        f"{other}"
    )


def logits(margin: float) -> str:
    """ "12.3", and never a difference of nothing."""
    return "less than 0.1" if abs(margin) < SMALL else f"{margin:.1f}"


def signed(match: float) -> str:
    """Two decimals, and no zero with a minus."""
    return f"{round(match, 2) + 0.0:.2f}"


def tells_nothing(odds: float) -> bool:
    """Whether what was seen is about as probable in one case as in the other, of the logarithm of that ratio."""
    return abs(odds) < math.log(1.25)


def likelier(odds: float) -> str:
    """How many times as probable in one of two cases as in the other, of the logarithm of that: "40"."""
    if abs(odds) > MANY:
        return "more than 1,000"
    times = math.exp(abs(odds))
    return f"{times:.0f}" if times >= 9.95 else f"{times:.1f}"


COLUMNS = ("File", "Attack", "Victim", "Hyperparameter")


def row(record: Record) -> tuple[str, str, str, str]:
    """One file in a table of these columns: the likeliest labels, and how sure they are."""
    name = Path(record.path).name
    if record.finding is None:
        return name, "not attributed", "", ""
    answer = record.finding.attribution
    attack, victim = (f"{task.label} {percent(task.probability)}" for task in (answer.attack, answer.victim))
    strange = "" if answer.familiarity.familiar else "unfamiliar"
    return name, attack, victim, "; ".join(filter(None, (value_of(answer.hyperparameter), strange)))


SEEN = "What the named victim sees in attacked images"
BEFORE = "What these were before, where most other victims see it"
NO_PICTURE = "Its file is gone or was changed since, so there is no picture."
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
    "images like those the pack was calibrated on; for an unfamiliar image it says nothing, or with newer packs how "
    "often it is right on images that were compressed, scaled or otherwise changed after an attack that still fools "
    "its victim. Over many images like those, at least nine of ten 90% sets hold the truth, and nine of ten intervals "
    "where the attack that is named is the right one, which is no promise for one image; a set holds at least as many "
    "of the likeliest labels as are together as probable as it promises. How many clean images look at least as "
    "attacked was counted on clean ones that were not trained on, or on the known ones that were handed over: for "
    "images of the same source. That was calibrated with some or all of the "
    "pack's own victims asked: of a victim that was handed over, of “none of these”, and of a closed set, it was not. "
    "An attack that the pack does not know is not among its answers, a victim that it does not know only as “none of "
    "these” or where it was handed over. A heatmap shows estimated strength relative to the strongest place in the "
    "same image, also of a clean one. Of an image that was judged in tiles, probability, set and interval are those of "
    "the mean over its tiles, and were not measured on such images; victims are asked about the whole image, and on "
    "another scale where their word counts for more."
)
