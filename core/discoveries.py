"""How many of many images were attacked, with few clean ones among those so called."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.types import Attribution, Beside

_ROUNDING = 1e-9

RATE = 0.05
"""Expected share of clean images among those that are counted as attacked."""


def alarms(answers: Iterable[Attribution]) -> dict[str, float]:
    """What is told of them, once of all copies of a file: by its sha256.

    Nothing of unfamiliar images, for what the pack does not know may look like anything. Beside known clean images of
    the same source it does not matter whether the pack knows that; those themselves are no question.
    """
    told = {}
    for answer in answers:
        counts = answer.familiarity.familiar if answer.beside is None else not answer.beside.known
        if answer.false_alarm is not None and counts:
            told[answer.sha256] = answer.false_alarm
    return told


def attacked(told: Iterable[float], rate: float = RATE) -> int | None:
    """How many of these :func:`alarms` are attacks at a false discovery rate of ``rate``; None of none.

    Of all that are in question: among those that were picked out by their answers any would be clean by the same rate.

    The step-up rule of Benjamini and Hochberg 1995, which conformal p-values of one calibration keep (Bates et al.
    2023, arXiv:2104.08279).
    """
    ascending = np.sort(list(told))
    if not len(ascending):
        return None
    count = len(ascending)
    below = np.flatnonzero(ascending * count <= rate * np.arange(1, count + 1) * (1 + _ROUNDING))
    return int(below[-1]) + 1 if len(below) else 0


FEWEST = round(1 / RATE) - 1
"""Known clean images beside which any can be counted."""


def least_share(known: int) -> float | None:
    """Of all images, that have to be attacked for so many known clean ones to count any; None of fewer than ``FEWEST``.

    For no look is told to be rarer than one in one more of them.
    """
    return None if known < FEWEST else 1 / (RATE * (known + 1))


def countable(known: int) -> str:
    """What so many known clean images can count."""
    share = least_share(known)
    if share is None:
        return f"beside fewer than {FEWEST} known clean images none can be counted"
    return (
        f"beside {known:,} known clean images attacked ones can be counted where they are at least {share:.0%} of all"
    )


def countable_in_words(beside: Iterable[Beside]) -> str:
    """The same in brackets of the known clean images that answers were told beside; empty without any."""
    return "".join(f" ({countable(images)})" for images in sorted({known.images for known in beside}))


def in_words(count: int | None, beside: Iterable[Beside] = ()) -> str:
    """Empty where there is no count. beside: the known clean images that answers were told beside."""
    if count is None:
        return ""
    return f"attacked at a false discovery rate of {RATE:.0%}: {count:,}{countable_in_words(beside)}"
