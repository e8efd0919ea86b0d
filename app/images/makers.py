"""The line that says who attacked the images that are listed, and whether that was one maker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtWidgets import QLabel, QWidget

from app.images.row import Row
from app.labels import label_text
from app.resting import SOON, resting
from core.together import Maker, Together, together
from core.wording import ends_of, percent, value_of

translate = QCoreApplication.translate

_AT_ONCE = 1000
"""Answers that are put into words before the window draws again: of many thousands it takes a while."""


class MakersLabel(QLabel):
    """Hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setToolTip(
            self.tr(
                "What the images say together that are called attacked; unfamiliar ones are not counted. The "
                "probabilities hold if one maker attacked them, and if the pack knows the attack and the victim. "
                "Several makers are told where they explain the images better than one."
            )
        )
        self.hide()
        self._rows: Callable[[], Iterable[Row]] = tuple
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self._say)

    def tell(self, rows: Callable[[], Iterable[Row]]) -> None:
        """Say soon what these rows say together, as they are then."""
        self._rows = rows
        if self._soon.interval() > SOON:  # of so many that what stands there would be wrong for long
            self.hide()
        if not self._soon.isActive():  # changes that follow each other fast would put it off for ever
            self._soon.start()

    def _say(self) -> None:
        rows = list(self._rows())
        for row in islice((row for row in rows if not row.has_said), _AT_ONCE):
            _ = row.word
        if not all(row.has_said for row in rows):
            self._soon.start(0)
            return
        begun = time.monotonic()
        found = together(word for row in rows if (word := row.word) is not None)
        self.setText("" if found is None else in_words(found))
        self.setVisible(found is not None)
        self._soon.setInterval(resting(time.monotonic() - begun))


def in_words(found: Together) -> str:
    """:func:`core.together.in_words` in the window's language."""
    fit, images = sum(maker.images for maker in found.makers), f"{found.images:,}"
    if len(found.makers) == 1:
        text = translate("MakersLabel", "If one maker attacked them: {told}; fits {n} of {m} attacked images")
        return text.format(told=_told(found.makers[0]), n=f"{fit:,}", m=images)
    one = translate("MakersLabel", "{n} by {attack} against {victim}")
    told = [
        one.format(n=f"{m.images:,}", attack=label_text(m.attack.label), victim=label_text(m.victim.label))
        for m in found.makers
    ]
    text = translate("MakersLabel", "{k} makers are likelier than one. Of {m} attacked images: {told}")
    if fit < found.images:
        told.append(translate("MakersLabel", "{n} by others").format(n=f"{found.images - fit:,}"))
        text = translate("MakersLabel", "At least {k} makers are likelier than one. Of {m} attacked images: {told}")
    return text.format(k=len(found.makers), m=images, told=", ".join(told))


def _told(maker: Maker) -> str:
    told = [f"{label_text(one.label)} {percent(one.probability)}" for one in (maker.attack, maker.victim)]
    if maker.hyperparameter is not None:
        low, high = ends_of(maker.hyperparameter)
        text = "{value}" if low == high else translate("MakersLabel", "{value} (half of them {low} to {high})")
        told.append(text.format(value=value_of(maker.hyperparameter), low=low, high=high))
    return ", ".join(told)
