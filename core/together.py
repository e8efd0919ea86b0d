"""What several images say together: whether one maker attacked them or several, and who.

A maker is a pair of an attack and a victim. An image alone is wrong now and then, but seldom are several wrong alike:
what the images say of a pair is multiplied over all of them, as of independent looks at one thing, with two
reservations. Any image may be somebody else's, by ``APART``, so that none outweighs all the others. And errors about
images of one maker are alike, so that n images count as n ** ``ALIKE``. More makers are told where they explain the
images better than fewer, each number of makers as probable beforehand as any other, and so each choice of pairs.

Both constants were chosen on the calibration splits of the shipped packs; ``mtaa reproduce together`` measures on test
what comes of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import comb, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core import wording
from core.labels import CLEAN
from core.listed import Record
from core.types import Attribution, ClassAnswer, HyperparameterAnswer, RankedLabel

APART = 0.1
"""Probability that an image is somebody else's, of whom nothing is known."""
ALIKE = 0.7
"""1 would be errors that have nothing to do with each other, 0 the same error in all."""
FEWEST = 2
"""Images that say anything together."""
MOST = 8
"""Makers that are told apart."""

Floats = NDArray[np.float64]


class Word(NamedTuple):
    """What one attacked image says of who made it.

    times: [attacks, victims], how many times as probable the image is, if a maker with that pair attacked it and
    perhaps somebody else did, as if nothing were known. Without "clean".
    """

    answer: Attribution
    attacks: tuple[str, ...]
    victims: tuple[str, ...]
    times: Floats


@dataclass(frozen=True, slots=True)
class Maker:
    """images: how many are likelier this maker's than any other's.

    attack, victim: with the probability that it is right, if one maker attacked these images and the pack knows both.
    hyperparameter: their median under that attack with the quartiles as its ends; None where the attack has none.
    """

    images: int
    attack: RankedLabel
    victim: RankedLabel
    hyperparameter: HyperparameterAnswer | None


@dataclass(frozen=True, slots=True)
class Together:
    """Who attacked these images, whoever has most of them first. images: how many spoke."""

    images: int
    makers: tuple[Maker, ...]


def word_of(answer: Attribution) -> Word | None:
    """None for what is called or known to be clean, and for unfamiliar images, for what the pack does not know may look
    like anything.
    """
    known = answer.beside is not None and answer.beside.known
    if known or answer.attack.label == CLEAN or not answer.familiarity.familiar:
        return None
    attacks, attack = _if_attacked(answer.attack)
    victims, victim = _if_attacked(answer.victim)
    times = attack[:, None] * victim * (len(attacks) * len(victims))
    return Word(answer, attacks, victims, (1 - APART) * times + APART)


def _if_attacked(answer: ClassAnswer) -> tuple[tuple[str, ...], Floats]:
    """The labels but "clean", in an order of their own, and their probabilities without it."""
    ranked = sorted((c.label, c.probability) for c in answer.ranking if c.label != CLEAN)
    found = np.asarray([probability for _, probability in ranked]) + 1e-12  # all may have gone to "clean"
    return tuple(label for label, _ in ranked), found / found.sum()


def together(words: Iterable[Word]) -> Together | None:
    """What they say together; None of fewer than ``FEWEST``, or where no two agree. Copies of a file speak once."""
    spoken = list({word.answer.sha256: word for word in words}.values())
    if len(spoken) < FEWEST:
        return None
    attacks = tuple(dict.fromkeys(label for word in spoken for label in word.attacks))
    victims = tuple(dict.fromkeys(label for word in spoken for label in word.victims))
    times = _side_by_side(spoken, attacks, victims)
    pairs = _pairs(times.reshape(len(spoken), -1))
    own = times.reshape(len(spoken), -1)[:, pairs]
    whose = np.where(own.max(1) >= 2 * APART, own.argmax(1), -1)  # likelier that maker's than somebody else's
    heaps = [np.flatnonzero(whose == at) for at in range(len(pairs))]
    makers = [_maker([spoken[row] for row in heap], times[heap], attacks, victims) for heap in heaps if len(heap)]
    return Together(len(spoken), tuple(sorted(makers, key=lambda maker: -maker.images))) if makers else None


def of_records(records: Iterable[Record]) -> Together | None:
    """:func:`together` of all that were attributed."""
    found = (word_of(record.finding.attribution) for record in records if record.finding is not None)
    return together(word for word in found if word is not None)


def _side_by_side(words: Sequence[Word], attacks: Sequence[str], victims: Sequence[str]) -> Floats:
    """[N, attacks, victims]; a pair that an image was not asked about is somebody else's."""
    times = np.full((len(words), len(attacks), len(victims)), APART)
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for row, word in enumerate(words):
        alike.setdefault((word.attacks, word.victims), []).append(row)
    for (some_attacks, some_victims), rows in alike.items():
        at = [attacks.index(label) for label in some_attacks], [victims.index(label) for label in some_victims]
        times[np.ix_(rows, *at)] = np.stack([words[row].times for row in rows])
    return times


def _pairs(times: Floats) -> list[int]:
    """The makers among the pairs, the likeliest first. times: [N, pairs].

    One more is searched beside those that were found, and kept where the images are more probable with it; each is
    taken to have made as many. What the others leave, ``APART`` speaks for.
    """
    known = times.shape[1]
    found: list[int] = []
    before, best = np.zeros((len(times), 1)), -np.inf
    while len(found) < min(MOST, known):
        others = [at for at in range(known) if at not in found]
        number = len(found) + 1
        each = _counted(np.log((before + times[:, others]) / number))
        evidence = float(np.logaddexp.reduce(each)) - log(comb(known, number))
        if evidence <= best:
            break
        best = evidence
        found.append(others[int(each.argmax())])
        before = before + times[:, found[-1:]]
    return found


def _counted(logarithms: Floats) -> Floats:
    """Sums over N images [N, ...], as their errors are alike."""
    total: Floats = logarithms.sum(0) * len(logarithms) ** (ALIKE - 1)
    return total


def _maker(words: Sequence[Word], times: Floats, attacks: Sequence[str], victims: Sequence[str]) -> Maker:
    """Of the images that are one maker's. times: [n, attacks, victims]."""
    evidence = _counted(np.log(times))
    joint = np.exp(evidence - evidence.max())
    joint /= joint.sum()
    attack, victim = np.unravel_index(joint.argmax(), joint.shape)
    return Maker(
        len(words),
        RankedLabel(attacks[attack], float(joint.sum(1)[attack])),
        RankedLabel(victims[victim], float(joint.sum(0)[victim])),
        _middle([word.answer for word in words], attacks[attack]),
    )


def _middle(answers: Sequence[Attribution], attack: str) -> HyperparameterAnswer | None:
    """Of the values under this attack."""
    known = (zip(one.attack.ranking, one.hyperparameters, strict=True) for one in answers)
    own = [value for pairs in known for label, value in pairs if label.label == attack and value.name != "none"]
    if not own:
        return None
    low, median, high = np.quantile([value.value for value in own], (0.25, 0.5, 0.75)).tolist()
    return replace(own[0], value=median, low=low, high=high, coverage=0.5)


def in_words(found: Together | None) -> str:
    """Empty where nothing is said."""
    if found is None:
        return ""
    fit = sum(maker.images for maker in found.makers)
    if len(found.makers) == 1:
        return f"if one maker attacked them: {_told(found.makers[0])}; fits {fit:,} of {found.images:,} attacked images"
    told = [f"{maker.images:,} by {maker.attack.label} against {maker.victim.label}" for maker in found.makers]
    if fit < found.images:
        told.append(f"{found.images - fit:,} by others")
    several = f"{'at least ' if fit < found.images else ''}{len(found.makers)} makers"
    return f"{several} are likelier than one. Of {found.images:,} attacked images: {', '.join(told)}"


def _told(maker: Maker) -> str:
    told = [f"{one.label} {wording.percent(one.probability)}" for one in (maker.attack, maker.victim)]
    if maker.hyperparameter is not None:
        low, high = wording.ends_of(maker.hyperparameter)
        half = "" if low == high else f" (half of them {low} to {high})"
        told.append(f"{wording.value_of(maker.hyperparameter)}{half}")
    return ", ".join(told)
