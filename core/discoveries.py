"""How many of many images were attacked, with few clean ones among those so called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from core.types import Attribution

RATE = 0.05
"""Expected share of clean images among those that are counted as attacked."""


def alarms(answers: Iterable[Attribution]) -> Iterator[float]:
    """What is told of them; but not of unfamiliar images, for what the pack does not know may look like anything.

    Beside known clean images of the same source it does not matter whether the pack knows that.
    """
    return (
        a.false_alarm for a in answers if a.false_alarm is not None and (a.familiarity.familiar or a.beside is not None)
    )


def attacked(told: Iterable[float], rate: float = RATE) -> int | None:
    """How many of these :func:`alarms` are attacks at a false discovery rate of ``rate``; None of none.

    The step-up rule of Benjamini and Hochberg 1995, which conformal p-values of one calibration keep (Bates et al.
    2023, arXiv:2104.08279).
    """
    ascending = np.sort(list(told))
    if not len(ascending):
        return None
    below = np.flatnonzero(ascending <= rate * np.arange(1, len(ascending) + 1) / len(ascending))
    return int(below[-1]) + 1 if len(below) else 0


def countable(known: int, rate: float = RATE) -> str:
    """What so many known clean images can count: none looks rarer among them than one in one more."""
    share = 1 / (rate * (known + 1))
    if share > 1:
        return f"At a false discovery rate of {rate:.0%} so few count no attacked image: {round(1 / rate) - 1} would"
    return (
        f"At a false discovery rate of {rate:.0%} they count attacked images where these are {share:.0%} or more of all"
    )


def in_words(count: int | None) -> str:
    """Empty where there is no count."""
    return "" if count is None else f"attacked at a false discovery rate of {RATE:.0%}: {count:,}"
