"""Facets and their bars in the words of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.i18n import QT_TRANSLATE_NOOP
from app.labels import label_text
from core.wording import SYMBOLS

if TYPE_CHECKING:
    from core.report.facets import Facet

translate = QCoreApplication.translate

_TITLES = {
    "files": QT_TRANSLATE_NOOP("Facets", "Files"),
    "copies": QT_TRANSLATE_NOOP("Facets", "Copies"),
    "attack": QT_TRANSLATE_NOOP("Facets", "Attack"),
    "victim": QT_TRANSLATE_NOOP("Facets", "Victim"),
    "cells": QT_TRANSLATE_NOOP("Facets", "Attack and victim"),
    "attack probability": QT_TRANSLATE_NOOP("Facets", "Probability of the attack"),
    "victim probability": QT_TRANSLATE_NOOP("Facets", "Probability of the victim"),
    "attack candidates": QT_TRANSLATE_NOOP("Facets", "Candidates for the attack"),
    "victim candidates": QT_TRANSLATE_NOOP("Facets", "Candidates for the victim"),
    "label": QT_TRANSLATE_NOOP("Facets", "What the named victim sees"),
    "before": QT_TRANSLATE_NOOP("Facets", "Before, as most others see it"),
    "false alarm": QT_TRANSLATE_NOOP("Facets", "Clean images that look at least as attacked"),
}
_LABELS = {
    "familiar": QT_TRANSLATE_NOOP("Facets", "familiar"),
    "unfamiliar": QT_TRANSLATE_NOOP("Facets", "unfamiliar"),
    "not attributed": QT_TRANSLATE_NOOP("Facets", "not attributed"),
    "no copy": QT_TRANSLATE_NOOP("Facets", "no copy"),
    "copy of another file": QT_TRANSLATE_NOOP("Facets", "copy of another file"),
    "another class": QT_TRANSLATE_NOOP("Facets", "another class"),
    "unconfirmed": QT_TRANSLATE_NOOP("Facets", "unconfirmed"),
}


def title(facet: Facet) -> str:
    """What a facet divides by."""
    if facet.attack is None:
        return translate("Facets", _TITLES[facet.key])
    name, unit = facet.attack.hyperparameter, facet.attack.unit
    return f"{facet.attack.name}: {SYMBOLS.get(name, name)} ({unit})"


def label(facet: Facet, bar: int) -> str:
    """What a bar holds; only the program's own words are translated, not the names in a pack."""
    text = facet.labels[bar]
    if facet.key in ("files", "copies") or (facet.key in ("label", "before") and bar >= facet.named):
        return translate("Facets", _LABELS[text])
    return " · ".join(map(label_text, text.split(" · "))) if facet.key == "cells" else label_text(text)


def share(count: int, total: int) -> str:
    """ "12 (3 %)", and never a rounded-up certainty or a rounded-down rarity."""
    part = 100 * count / total if total else 0.0
    if 0 < part < 1:
        percent = "< 1"
    elif 99 < part < 100:
        percent = "> 99"
    else:
        percent = f"{part:.0f}"
    return f"{count:,} ({percent} %)"
