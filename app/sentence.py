"""Answers as sentences: for the case file, and for the banners above an answer."""

from __future__ import annotations

import math
from enum import StrEnum

from PySide6.QtCore import QCoreApplication

from app.i18n import QT_TRANSLATE_NOOP
from app.labels import label_text
from core.adjustments import Adjustment, Kind
from core.labels import NONE_OF_THESE
from core.types import Attribution, ClassAnswer, HyperparameterAnswer, Testimony
from core.wording import (
    MANY,
    RARE,
    SMALL,
    SYMBOLS,
    alike,
    at_most,
    coverage_text,
    ends_of,
    likelier,
    limits_of,
    not_asked,
    past_end,
    percent,
    quoted,
    signed,
    tells_nothing,
    unasked_victim,
    value_of,
)

translate = QCoreApplication.translate


class Tone(StrEnum):
    INFO = "info"
    WARN = "warn"
    BAD = "bad"


def is_clean(answer: Attribution) -> bool:
    """Whether the image is held for clean, the one label without a hyperparameter."""
    return answer.hyperparameter.name == "none"


def interval_text(answer: HyperparameterAnswer) -> str:
    """ "90% interval 24.0/255 to 37.2/255", with the word where the pack knows no further values."""
    limit = translate("Sentence", "{end} (the pack's limit)")
    low, high = (
        limit.format(end=end) if limited else end
        for end, limited in zip(ends_of(answer), limits_of(answer), strict=True)
    )
    text = translate("Sentence", "{coverage} interval {low} to {high}")
    return text.format(coverage=coverage_text(answer.coverage), low=low, high=high)


def doubt_text(answer: ClassAnswer) -> str:
    """What the prediction set says."""
    if len(answer.prediction_set) == len(answer.ranking) > 1:
        text = translate("Sentence", "The {coverage} set rules out no label")
    elif len(answer.prediction_set) > 1:
        text = translate("Sentence", "The {coverage} set holds {set}")
    else:
        text = translate("Sentence", "The {coverage} set holds {set} alone")
    return text.format(set=", ".join(map(label_text, answer.prediction_set)), coverage=coverage_text(answer.coverage))


def false_alarm_text(answer: Attribution) -> str:
    """How many known clean images look so, or how few like the pack's; empty where these are not few, or not told."""
    if answer.false_alarm is None:
        return ""
    if answer.beside is not None:
        told = _alike_text(alike(answer), answer.beside.images)
        own = translate("Sentence", "One of the known clean images.")
        return f"{own} {told}" if answer.beside.known else told
    if answer.false_alarm > RARE:
        return ""
    text = translate("Sentence", "At most {share} of clean images like the pack's look at least as attacked.")
    return text.format(share=at_most(answer.false_alarm))


def _alike_text(count: int, images: int) -> str:
    """How many of the known clean images look at least as attacked."""
    if images == 1:
        one = translate("Sentence", "The one known clean image looks at least as attacked.")
        return one if count else translate("Sentence", "The one known clean image looks less attacked.")
    if not count:
        text = translate("Sentence", "None of the {n} known clean images looks at least as attacked.")
    elif count == 1:
        text = translate("Sentence", "1 of the {n} known clean images looks at least as attacked.")
    else:
        text = translate("Sentence", "{k} of the {n} known clean images look at least as attacked.")
    return text.format(k=f"{count:,}", n=f"{images:,}")


def measure_text(answer: ClassAnswer) -> str:
    text = translate("Sentence", "Entropy {entropy} of {most} bits   ·   task σ {sigma}")
    most = math.log2(len(answer.ranking))
    return text.format(entropy=f"{answer.entropy:.2f}", most=f"{most:.3g}", sigma=f"{answer.sigma:.3g}")


def seen_text(answer: Attribution) -> str:
    """What an attack made the named victim see; empty where none is named, or it was not asked."""
    said = answer.named
    if said is None or not said.label or is_clean(answer):
        return ""
    if 2 * said.others_before <= said.others:
        return translate("Sentence", "It sees {label}.").format(label=quoted(said.label))
    text = translate("Sentence", "It sees {label}; {k} of {n} others see what that was before, {before}.")
    return text.format(
        label=quoted(said.label), before=quoted(said.before), k=said.others_before, n=said.others
    )  # fmt: skip


def testimony_text(said: Testimony) -> str:
    """What one victim said when it was asked."""
    if said.changes:
        text = translate(
            "Sentence",
            "{victim} sees {label} in the image and another class without the estimated perturbation or after "
            "compression; what the image was before{told} is {margin} logits behind.",
        )
        others = translate(
            "Sentence",
            "{before} of {others} other victims see in the image what it was before, {alike} see what {victim} sees.",
        )
    else:
        text = translate(
            "Sentence",
            "{victim} sees {label} in the image and the same without the estimated perturbation; what the image can "
            "have been before{told} is {margin} logits behind.",
        )
        others = translate(
            "Sentence",
            "{before} of {others} other victims see in the image what it can have been before, {alike} see what "
            "{victim} sees.",
        )
    match = translate("Sentence", "Its gradient's signs agree with that perturbation at {match} (-1 to 1).")
    if tells_nothing(said.odds):
        weight = translate("Sentence", "Such answers tell nothing either way.")
    elif said.odds >= 0:
        weight = translate(
            "Sentence", "Such answers are {times} times as probable if it is the victim as if it is not."
        )
    else:
        weight = translate(
            "Sentence", "Such answers are {times} times as probable if it is not the victim as if it is."
        )
    label = quoted(said.label) if said.label else translate("Sentence", "one class")
    if said.others:
        told = translate("Sentence", ", {before} as far as can be told,")
    else:
        told = translate("Sentence", ", {before} by its own word alone,")
    before = told.format(before=quoted(said.before)) if said.before else ""
    margin = translate("Sentence", "less than 0.1") if abs(said.margin) < SMALL else f"{said.margin:.1f}"
    times = translate("Sentence", "more than 1,000") if abs(said.odds) > MANY else likelier(said.odds)
    counts = {"others": said.others, "before": said.others_before, "alike": said.others_alike}
    return " ".join(
        (
            text.format(victim=said.victim, label=label, told=before, margin=margin),
            *([others.format(victim=said.victim, **counts)] if said.others else []),
            match.format(match=signed(said.match)),
            weight.format(times=times),
        )
    )


def case_sentence(name: str, answer: Attribution) -> str:
    """One paragraph that stands alone in a case file: what takes from the answer first, then the answer."""
    attack, victim = answer.attack, answer.victim
    if is_clean(answer):
        text = translate(
            "Sentence",
            "For the image {name} (SHA-256 {sha}) the model pack {pack} holds “{attack}” to be likeliest ({p}), and "
            "next {next} ({after}). That is no proof that it was not attacked.",
        )
    elif victim.label == NONE_OF_THESE:
        text = translate(
            "Sentence",
            "The image {name} (SHA-256 {sha}) was, by the model pack {pack}, most probably made with the attack "
            "{attack} ({p}), likeliest against a model that is none of the candidates ({q}), with {value} ({interval}, "
            "if the attack is {attack}).",
        )
    else:
        text = translate(
            "Sentence",
            "The image {name} (SHA-256 {sha}) was, by the model pack {pack}, most probably made with the attack "
            "{attack} ({p}) against the model {victim} ({q}), with {value} ({interval}, if the attack is {attack}).",
        )
    following = attack.ranking[1] if len(attack.ranking) > 1 else attack.ranking[0]
    first = text.format(
        name=quoted(name), sha=answer.sha256, pack=answer.pack_id, attack=label_text(attack.label),
        p=percent(attack.probability),
        next=label_text(following.label), after=percent(following.probability), victim=victim.label,
        q=percent(victim.probability), value=value_of(answer.hyperparameter),
        interval=interval_text(answer.hyperparameter),
    )  # fmt: skip
    sets = translate("Sentence", "Attack: {attack}. Victim: {victim}.")
    second = f"{sets.format(attack=doubt_text(attack), victim=doubt_text(victim))} {false_alarm_text(answer)}".rstrip()
    said = [testimony_text(testimony) for testimony in answer.heard]
    told = banners(answer)
    warned, beside = ([text for tone, text in told if (tone is Tone.INFO) == info] for info in (False, True))
    return " ".join([*warned, first, second, *said, *beside])


_RESIZED = QT_TRANSLATE_NOOP(
    "Sentence",
    "Resized from {old} to {new}: the pack judges images at the size at which they were attacked. "
    "Trust this answer less.",
)
_ADJUSTMENTS = {
    Kind.LOSSY: QT_TRANSLATE_NOOP(
        "Sentence",
        "Lossy file ({kind}): saving it threw part of the perturbation away. The victim and the "
        "hyperparameter suffer most.",
    ),
    Kind.RESIZED: _RESIZED,
    Kind.RESTORED: _RESIZED,
    Kind.TILES: QT_TRANSLATE_NOOP(
        "Sentence",
        "Judged in {count} tiles of {tile}: their answers were put together. How often such answers are right was "
        "measured on single images of the pack's size.",
    ),
    Kind.SOME_TILES: QT_TRANSLATE_NOOP(
        "Sentence",
        "Judged in {count} tiles of {tile}, spread evenly; {needed} would cover all of the image. How often such "
        "answers are right was measured on single images of the pack's size.",
    ),
    Kind.MIDDLE: QT_TRANSLATE_NOOP("Sentence", "Only the middle of the image was judged: {tile} of {image}."),
    Kind.SMALL: QT_TRANSLATE_NOOP(
        "Sentence",
        "Judged at its own size of {tile}: the pack was measured on larger images. Trust this answer less.",
    ),
    Kind.ENLARGED: QT_TRANSLATE_NOOP(
        "Sentence",
        "Enlarged from {old} to {new}: on fewer pixels the pack sees too little. Trust this answer less.",
    ),
    Kind.OTHER_SIZE: QT_TRANSLATE_NOOP(
        "Sentence", "No victim was asked: they take images of {size}. The image alone was judged."
    ),
    Kind.SCALED: QT_TRANSLATE_NOOP(
        "Sentence",
        "The victims were shown it scaled to {size}: they know an attack in it better so, as in an enlarged "
        "picture or a screenshot.",
    ),
    Kind.UNKNOWN_SCALED: QT_TRANSLATE_NOOP(
        "Sentence",
        "The victims take images of {size}. Shown this one scaled to that they know no attack in it, which says "
        "little of an image that was never scaled. The image alone was judged.",
    ),
    Kind.NO_NUMBER: QT_TRANSLATE_NOOP(
        "Sentence", "No victim was asked: what one of them says of it is no number. The image alone was judged."
    ),
    Kind.NO_MEMORY: QT_TRANSLATE_NOOP(
        "Sentence", "No victim was asked: the memory does not hold the whole image. The image alone was judged."
    ),
    Kind.TOO_LARGE: QT_TRANSLATE_NOOP(
        "Sentence", "No victim was asked: the image has more than half a megapixel. The image alone was judged."
    ),
    Kind.NOT_CLOSED: QT_TRANSLATE_NOOP(
        "Sentence", "The closed set does not hold for this answer: the image alone was judged."
    ),
    Kind.SEE_THROUGH: QT_TRANSLATE_NOOP("Sentence", "Transparency ignored: the colours under it were judged."),
    Kind.FIRST: QT_TRANSLATE_NOOP("Sentence", "Only the first of the {n} pictures in the file was judged."),
    Kind.NOT_TURNED: QT_TRANSLATE_NOOP("Sentence", "Judged as stored, not turned as its EXIF says."),
    Kind.CONVERTED: QT_TRANSLATE_NOOP(
        "Sentence", "Colours converted from {model} to RGB: the levels judged are not the file's."
    ),
    Kind.FEWER_BITS: QT_TRANSLATE_NOOP("Sentence", "16 bits a channel were reduced to 8."),
    Kind.GREYED: QT_TRANSLATE_NOOP(
        "Sentence", "Turned to grey: the pack knows grey images only. Trust this answer less."
    ),
    Kind.COLOURED: QT_TRANSLATE_NOOP(
        "Sentence", "Grey taken as colour: the pack knows colour images only. Trust this answer less."
    ),
}


def adjustment_text(adjustment: Adjustment) -> str:
    """What was done to fit the image to the pack, and what that does to the answer."""
    if text := _ADJUSTMENTS.get(adjustment.kind):
        return adjustment.told(translate("Sentence", text))
    phrase = str(adjustment)
    return f"{phrase[:1].upper()}{phrase[1:]}."


def changed_text() -> str:
    """What is said where the image on screen is another than the one that was judged under its name."""
    return translate(
        "Sentence",
        "This file was changed since it was judged: the answer is not about the image that it holds now. "
        "Image, Attribute again judges that.",
    )


def banners(answer: Attribution) -> list[tuple[Tone, str]]:
    """What a reader must know before the answer itself, gravest first."""
    found: list[tuple[Tone, str]] = []
    familiarity = answer.familiarity
    if not familiarity.familiar:
        text = translate(
            "Sentence",
            "Unfamiliar (score {score}, threshold {threshold}). If this image was compressed, scaled or otherwise "
            "changed after an attack that still fools its victim, the doubt told is that of such images. If its kind, "
            "attack or victim is none that the pack knows, the answers mean nothing.",
        )
        if not familiarity.calibrated:
            text = translate(
                "Sentence",
                "Unfamiliar: this image is unlike those that the pack was made for, or was compressed, scaled or "
                "otherwise changed after the attack (score {score}, threshold {threshold}). The answers for it may "
                "mean nothing.",
            )
        found.append(
            (Tone.BAD, text.format(score=f"{familiarity.score:.3g}", threshold=f"{familiarity.threshold:.3g}"))
        )
    if answer.undecided is not None:
        text = translate(
            "Sentence", "Clean or attacked is undecided: “clean” has {p}, which is the likeliest of one task only."
        )
        found.append((Tone.WARN, text.format(p=percent(answer.undecided))))
    elif answer.contradicts_itself:
        text = translate(
            "Sentence",
            "Attack and victim contradict each other: one says clean, the other does not. Rely on neither.",
        )
        found.append((Tone.WARN, text))
    found += [(Tone.WARN, adjustment_text(adjustment)) for adjustment in answer.adjustments]
    if not_asked(answer):
        found.append((Tone.INFO, translate("Sentence", "No victim was asked: the image alone was judged.")))
    if end := past_end(answer.hyperparameter):
        smaller = translate("Sentence", "{symbol} may be smaller: the pack knows none below {end}.")
        larger = translate("Sentence", "{symbol} may be larger: the pack knows none above {end}.")
        symbol = SYMBOLS.get(answer.hyperparameter.name, answer.hyperparameter.name)
        found.append((Tone.INFO, (smaller if end[0] else larger).format(symbol=symbol, end=end[1])))
    if unasked := unasked_victim(answer):
        text = translate("Sentence", "{victim} was not asked: the image alone speaks for it.")
        found.append((Tone.INFO, text.format(victim=unasked)))
    if answer.closed_set:
        text = translate("Sentence", "If it was attacked, its victim was taken to be one of those asked (closed set).")
        found.append((Tone.INFO, text))
    if is_clean(answer) and answer.familiarity.familiar and len(answer.attack.prediction_set) == 1:
        text = translate(
            "Sentence", "Clean: no known attack is seen. An attack that the pack has not learned may look clean too."
        )
        found.append((Tone.INFO, text))
    return found
