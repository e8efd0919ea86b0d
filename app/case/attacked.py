"""How many of all images were attacked, in the window's language."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication

from app.images.row import Row
from core.discoveries import FEWEST, RATE, alarms, attacked, least_share

translate = QCoreApplication.translate


def attacked_in_words(rows: Iterable[Row]) -> str:
    """Of all rows that are open, for of a part of them it would be no rate; empty where the pack cannot tell."""
    answers = [answer for row in rows if (answer := row.attribution) is not None]
    found = attacked(alarms(answers).values())
    if found is None:
        return ""
    text = translate("Attacked", "Attacked at a false discovery rate of {rate}: {n}")
    known = sorted({answer.beside.images for answer in answers if answer.beside is not None})
    return " ".join([text.format(rate=f"{RATE:.0%}", n=f"{found:,}"), *map(_countable, known)])


def _countable(known: int) -> str:
    """:func:`core.discoveries.countable`."""
    share = least_share(known)
    if share is None:
        text = translate("Attacked", "(beside fewer than {n} known clean images none can be counted)")
        return text.format(n=FEWEST)
    text = translate(
        "Attacked",
        "(beside {n} known clean images attacked ones can be counted where they are at least {share} of all)",
    )
    return text.format(n=f"{known:,}", share=f"{share:.0%}")
