"""One open image as a row of the list, and how doubtful its answer is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QCoreApplication

from app import error_words
from app.i18n import QT_TRANSLATE_NOOP
from app.labels import label_text
from app.requests import Entry
from core.adjustments import is_weakened
from core.listed import NO_REMARK, Record, Remark
from core.together import Word, word_of
from core.types import Attribution
from core.wording import unasked_victim, why_not

translate = QCoreApplication.translate

_COPIES, _COPY = 1, 1
"""Facet and bar of core.report.facets, which is not imported before the first paint."""


class Trust(IntEnum):
    """How far an answer may be trusted, least doubtful first."""

    SURE = 0
    WEAKENED = 1
    OPEN = 2
    UNFAMILIAR = 3


@dataclass(slots=True)
class Row:
    """One open image, with its record once it has been judged."""

    entry: Entry
    record: Record | None = None
    remark: Remark = NO_REMARK
    places: tuple[int, ...] = ()
    """Its bar in each facet of the open case; empty without a case, or while it waits."""
    _text: str | None = None
    _word: tuple[Attribution, Word | None] | None = None

    @property
    def is_copy(self) -> bool:
        """Whether another file of the case has the same bytes and came first."""
        return self.places[_COPIES : _COPIES + 1] == (_COPY,)

    @property
    def text(self) -> str:
        """What a search looks through, in lower case."""
        if self._text is None:
            remark = f"{self.remark.tag} {self.remark.note}"
            self._text = f"{self.entry.path} {summary(self)} {remark}".lower()
        return self._text

    def become(self, record: Record | None) -> None:
        self.record, self._text = record, None

    @property
    def attribution(self) -> Attribution | None:
        return self.record.finding.attribution if self.record and self.record.finding else None

    @property
    def has_said(self) -> bool:
        """Whether ``word`` is worked out."""
        answer = self.attribution
        return answer is None or (self._word is not None and self._word[0] is answer)

    @property
    def word(self) -> Word | None:
        """What its answer says beside others of one maker."""
        answer = self.attribution
        if answer is None:
            return None
        if self._word is None or self._word[0] is not answer:
            self._word = answer, word_of(answer)
        return self._word[1]


def trust_of(answer: Attribution) -> Trust:
    """SURE when both prediction sets hold one label, and agree, about the image as it was attacked.

    WEAKENED: the same about what is left of it, or about an image of another kind than the pack's, or with a victim
    named that was not asked while others were. UNFAMILIAR outweighs all.
    """
    if not answer.familiarity.familiar:
        return Trust.UNFAMILIAR
    tasks = (answer.attack, answer.victim)
    sure = all(len(task.prediction_set) == 1 for task in tasks) and not answer.contradicts_itself
    if not sure:
        return Trust.OPEN
    return Trust.WEAKENED if is_weakened(answer.adjustments) or unasked_victim(answer) else Trust.SURE


def doubt_rank(row: Row) -> tuple[int, float]:
    """Sorts the least doubtful first; rows without an answer come last, errors after waiting ones."""
    answer = row.attribution
    if answer is None:
        return len(Trust) + (row.record is not None), 0.0
    return trust_of(answer), 1.0 - min(answer.attack.probability, answer.victim.probability)


def summary(row: Row) -> str:
    """The row's second line: answer in short, or why there is none."""
    if row.record is None:
        return translate("ImageList", "waiting")
    answer = row.attribution
    if answer is None:
        return why_not(error_words.in_words(row.record.error or ""), row.entry.path)
    attack, victim = answer.attack, answer.victim
    said = f"{label_text(attack.label)} {_short(attack.probability)}"
    if attack.label != victim.label:  # unlike clean, where nobody was attacked
        said += f" · {label_text(victim.label)} {_short(victim.probability)}"
    return said + " · " + translate("ImageList", "copy") if row.is_copy else said


def in_words(trust: Trust) -> str:
    """As the list's filter has it."""
    words = {
        Trust.SURE: QT_TRANSLATE_NOOP("ImageListPanel", "One candidate"),
        Trust.WEAKENED: QT_TRANSLATE_NOOP("ImageListPanel", "One candidate, weak evidence"),
        Trust.OPEN: QT_TRANSLATE_NOOP("ImageListPanel", "Left open"),
        Trust.UNFAMILIAR: QT_TRANSLATE_NOOP("ImageListPanel", "Unfamiliar"),
    }
    return translate("ImageListPanel", words[trust])


def doubt_words(row: Row) -> Iterator[str]:
    """What the mark before the answer says, for who cannot see it."""
    if row.attribution is not None:
        yield in_words(trust_of(row.attribution))


def _short(probability: float) -> str:
    """Whole percents, and never a rounded-up certainty."""
    return "> 99 %" if probability > 0.99 else f"{probability * 100:.0f} %"


def kind_of(row: Row) -> str:
    """Which of FILTERS a row belongs to."""
    answer = row.attribution
    if answer is None:
        return "errors" if row.record else "waiting"
    return trust_of(answer).name.lower()
