"""What a set of records says as a whole, and which of them are shown one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.types import Record

MAX_CARDS = 200
MAX_FAILURES = 100
"""More would make a report that nobody can open or read; the tables have them all."""


@dataclass(slots=True)
class Summary:
    """Counts over all records; every file counts, also one whose bytes came before.

    cells: files by (attack, victim). values: the named hyperparameter by attack, in its unit.
    attack_probabilities, victim_probabilities: of the named label. attack_sets, victim_sets: sizes of prediction sets.
    failures: (path, reason), the first of them.
    """

    files: int = 0
    attributed: int = 0
    duplicates: int = 0
    unfamiliar: int = 0
    failed: int = 0
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    attack_probabilities: list[float] = field(default_factory=list)
    victim_probabilities: list[float] = field(default_factory=list)
    attack_sets: Counter[int] = field(default_factory=Counter)
    victim_sets: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def attacks(self) -> list[tuple[str, int]]:
        """How many files got which attack, most frequent first."""
        return self._margin(0)

    @property
    def victims(self) -> list[tuple[str, int]]:
        return self._margin(1)

    def _margin(self, side: int) -> list[tuple[str, int]]:
        margin: Counter[str] = Counter()
        for cell, number in self.cells.items():
            margin[cell[side]] += number
        return margin.most_common()


def summarise(records: Iterable[Record]) -> Summary:
    """One pass over the records, which need not fit into memory."""
    summary, seen = Summary(), set()
    for record in records:
        summary.files += 1
        if record.finding is None:
            summary.failed += 1
            if len(summary.failures) < MAX_FAILURES:
                summary.failures.append((record.path, record.error or ""))
            continue
        summary.duplicates += record.sha256 in seen
        seen.add(record.sha256)
        answer = record.finding.attribution
        summary.attributed += 1
        summary.unfamiliar += not answer.familiarity.familiar
        summary.cells[answer.attack.label, answer.victim.label] += 1
        if answer.hyperparameter.name != "none":
            summary.values[answer.attack.label].append(answer.hyperparameter.value)
        summary.attack_probabilities.append(answer.attack.probability)
        summary.victim_probabilities.append(answer.victim.probability)
        summary.attack_sets[len(answer.attack.prediction_set)] += 1
        summary.victim_sets[len(answer.victim.prediction_set)] += 1
    return summary


def choose_cards(records: Sequence[Record], limit: int = MAX_CARDS) -> list[Record]:
    """All records, or of more than ``limit`` as many, spread evenly over the answers given, in the records' order.

    Each pair of attack and victim gives the same number as long as it has as many, so that what is rare is shown;
    within a pair they are evenly spaced. Failed records are listed elsewhere and get no card then.
    """
    if len(records) <= limit:
        return list(records)
    groups: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for at, record in enumerate(records):
        if record.finding:
            answer = record.finding.attribution
            groups[answer.attack.label, answer.victim.label, answer.familiarity.familiar].append(at)
    chosen: list[int] = []
    smallest_first = sorted(groups.values(), key=len)
    for number, group in enumerate(smallest_first):
        share = min(len(group), (limit - len(chosen)) // (len(smallest_first) - number))
        chosen += [group[i * len(group) // share] for i in range(share)]
    return [records[at] for at in sorted(chosen)]


def sample_sentence(shown: int, records: int) -> str:
    """What a report says when it does not show every record; empty when it does."""
    if shown == records:
        return ""
    return (
        f"Cards are shown for {shown:,} of the {records:,} files, spread evenly over the answers given; "
        "the counts and plots are over all of them, and the CSV and JSON files have every one."
    )
