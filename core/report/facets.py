"""How records are divided into bars: once, for the report's plots and for the window that filters by them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.labels import CLEAN, NONE_OF_THESE
from core.listed import Record
from core.manifest import AttackLabel, Manifest
from core.types import Attribution, ClassAnswer, Testimony
from core.wording import RARE

BINS = 20
"""Of a value that has a range."""

FAMILIAR, UNFAMILIAR, FAILED = range(3)
SINGLE, COPY = range(2)
"""The bars of "files" and of "copies"."""

HANDED_OVER = "handed over"
"""The bar of victims that the pack does not know."""

OTHER_CLASS = "another class"
"""The bar of a victim's classes that its data set does not have."""
MAX_CLASSES = 10
"""That are named of these."""
UNCONFIRMED = "unconfirmed"
"""The bar of images of which the victim alone tells what they were before."""
_CLASSES = 40
"""Of more classes than that there are no bars."""

_ALARMS = (0.001, 0.01, 0.05, RARE)
"""Upper ends of the bars of "false alarm" but the last."""

NONE = -1
"""The place of a record that a facet does not count."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to divide records; each falls into one bar or none.

    key:    its name for programs.
    labels: of the bars in order; of a range, what each bar holds, in the range's unit.
    rows:   labels of the rows where the bars are the cells of a table, row by row; else empty.
    ends:   of the range that equal bars divide; else None.
    attack: whose hyperparameter it is, if it is one.
    named: how many of the bars are a pack's own words, where others follow.
    sparse: many sets of records have nothing in any bar, and it is not drawn for them then.
    """

    key: str
    labels: tuple[str, ...]
    rows: tuple[str, ...] = ()
    ends: tuple[float, float] | None = None
    attack: AttackLabel | None = None
    named: int = 0
    sparse: bool = False


class Facets:
    """A pack's facets, and the places of records in them. One object sees all records of a set, in their order."""

    def __init__(self, manifest: Manifest) -> None:
        attacks, victims = [a.name for a in manifest.attacks], [v.name for v in manifest.victims]
        if manifest.probes is not None:  # answers then also come from victims that the pack does not know
            victims += [NONE_OF_THESE, HANDED_OVER]
        self._attack_at = {name: at for at, name in enumerate(attacks)}
        self._victim_at = {name: at for at, name in enumerate(victims)}
        self._first: dict[str, str] = {}
        found: list[tuple[Facet, Callable[[Attribution], int]]] = [
            (Facet("attack", tuple(attacks)), self._attack),
            (Facet("victim", tuple(victims)), self._victim),
            (_cells(attacks, victims), self._cell),
            *((_values(attack), self._value(attack)) for attack in manifest.attacks if attack.width),
            (_range("attack probability", 0, 1), lambda a: _bin(a.attack.probability, 0, 1)),
            (_range("victim probability", 0, 1), lambda a: _bin(a.victim.probability, 0, 1)),
            (_sizes("attack candidates", len(attacks)), lambda a: _size(a.attack, len(attacks))),
            (_sizes("victim candidates", len(victims)), lambda a: _size(a.victim, len(victims))),
        ]
        names = manifest.class_names
        if manifest.probes is not None and 0 < len(names) <= _CLASSES:
            seen = Facet("label", (*names, OTHER_CLASS), named=len(names), sparse=True)
            before = Facet("before", (*names, OTHER_CLASS, UNCONFIRMED), named=len(names), sparse=True)
            found += [(facet, _class_place(names, facet.key)) for facet in (seen, before)]
        if manifest.calibration.clean_scores:
            found.append((_alarms(), _alarm))
        self._places = tuple(place for _, place in found)
        files = Facet("files", ("familiar", "unfamiliar", "not attributed"))
        copies = Facet("copies", ("no copy", "copy of another file"))
        self.all = (files, copies, *(facet for facet, _ in found))

    def begin_again(self) -> None:
        """Forget which files came first; all records of the set, in their order, are to be seen again."""
        self._first.clear()

    def places(self, record: Record) -> tuple[int, ...]:
        """The record's bar in each facet, in their order. Labels that the pack has not are counted nowhere."""
        first = self._first.setdefault(record.sha256, record.path) if record.sha256 else record.path
        copy = SINGLE if first == record.path else COPY
        if record.finding is None:
            return (FAILED, copy, *(NONE for _ in self._places))
        answer = record.finding.attribution
        state = FAMILIAR if answer.familiarity.familiar else UNFAMILIAR
        return (state, copy, *(place(answer) for place in self._places))

    def _attack(self, answer: Attribution) -> int:
        return self._attack_at.get(answer.attack.label, NONE)

    def _victim(self, answer: Attribution) -> int:
        return self._victim_at.get(answer.victim.label, self._victim_at.get(HANDED_OVER, NONE))

    def _cell(self, answer: Attribution) -> int:
        row, column = self._attack(answer), self._victim(answer)
        return NONE if NONE in (row, column) else row * len(self._victim_at) + column

    @staticmethod
    def _value(attack: AttackLabel) -> Callable[[Attribution], int]:
        def place(answer: Attribution) -> int:
            if answer.attack.label != attack.name:
                return NONE
            return _bin(answer.hyperparameter.value, attack.minimum, attack.maximum)

        return place


def _before(said: Testimony) -> str:
    """What an image was before, where more than half of the others that were asked see that in it: else it is often
    wrong about photographs (resources/packs/README.md)."""
    return said.before if not said.before or 2 * said.others_before > said.others else UNCONFIRMED


def class_told(answer: Attribution, key: str) -> str:
    """What the victim that is named for an attack sees in the image, by the facet "label", or what that was before.

    Empty where there was none, and in older cases, which do not tell.
    """
    if answer.attack.label == CLEAN or answer.named is None:
        return ""
    return answer.named.label if key == "label" else _before(answer.named)


def _class_place(names: Sequence[str], key: str) -> Callable[[Attribution], int]:
    places = {name: at for at, name in enumerate((*names, OTHER_CLASS, UNCONFIRMED))}

    def place(answer: Attribution) -> int:
        name = class_told(answer, key)
        return places.get(name, len(names)) if name else NONE

    return place


def _cells(attacks: list[str], victims: list[str]) -> Facet:
    return Facet("cells", tuple(f"{attack} · {victim}" for attack in attacks for victim in victims), tuple(attacks))


def _values(attack: AttackLabel) -> Facet:
    facet = _range(f"{attack.hyperparameter} of {attack.name}", attack.minimum, attack.maximum)
    return Facet(facet.key, facet.labels, ends=facet.ends, attack=attack, sparse=True)


def _sizes(key: str, most: int) -> Facet:
    return Facet(key, tuple(str(size + 1) for size in range(most)))


def _alarms() -> Facet:
    ends = [f"{100 * end:g} %" for end in _ALARMS]
    return Facet("false alarm", (*(f"≤ {end}" for end in ends), f"> {ends[-1]}"))


def _alarm(answer: Attribution) -> int:
    """Cases that were written before it was told have none."""
    return NONE if answer.false_alarm is None else bisect_left(_ALARMS, answer.false_alarm)


def _range(key: str, low: float, high: float) -> Facet:
    edges = [low + (high - low) * at / BINS for at in range(BINS + 1)]
    labels = tuple(f"{left:.4g} – {right:.4g}" for left, right in pairwise(edges))
    return Facet(key, labels, ends=(low, high))


def _size(answer: ClassAnswer, most: int) -> int:
    """The bar of a set's size; the last holds larger ones too, for any number of victims may be handed over."""
    return min(len(answer.prediction_set), most) - 1


def _bin(value: float, low: float, high: float) -> int:
    """The bar of a value; the range's upper end belongs to the last one."""
    if not math.isfinite(value):
        return NONE
    return int(min(max((value - low) / (high - low) * BINS, 0), BINS - 1))  # it may lie as far off as floats go
