"""What a set of records says as a whole, and which of them are shown one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from core.discoveries import alarms, attacked
from core.labels import CLEAN
from core.listed import LogEntry, Record
from core.manifest import Manifest
from core.report.facets import COPY, FAILED, MAX_CLASSES, NONE, OTHER_CLASS, UNFAMILIAR, Facet, Facets, class_told
from core.together import Together, Word, together, word_of
from core.types import Beside
from core.wording import why_not

MAX_CARDS = 200
MAX_FAILURES = 100
MAX_ALIKE = 100
"""Entries of the log. More would make a report that nobody can open or read; the tables have them all."""

_CLASSES = ("label", "before")
_COUNTED: tuple[str, ...] = ("attack", "victim", *_CLASSES)
"""Facets that are told with how many of the files are unfamiliar."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over all records; every file counts, also one whose bytes came before.

    bars: for each facet, by its key, the facet and how many files fall into each of its bars.
    strange: of some facets, how many of the files in each bar are unfamiliar.
    failures: (path, reason without it), the first of them. asked: (name, SHA-256) of the victims that any file was
    shown to; closed: whether one of them was taken to be the victim. attacked: as :func:`core.discoveries.attacked`
    counts them; together: who attacked them; copies count once in both. beside: the known clean images that any answer
    was told beside. others: by facet, the classes that :data:`core.report.facets.OTHER_CLASS` stands for.
    """

    files: int
    bars: dict[str, tuple[Facet, list[int]]]
    failures: list[tuple[str, str]]
    strange: dict[str, list[int]]
    asked: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    attacked: int | None = None
    together: Together | None = None
    beside: tuple[Beside, ...] = ()
    others: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def attributed(self) -> int:
        return self.files - self.failed

    @property
    def unfamiliar(self) -> int:
        return self.bars["files"][1][UNFAMILIAR]

    @property
    def failed(self) -> int:
        return self.bars["files"][1][FAILED]

    @property
    def duplicates(self) -> int:
        """Files with the bytes of one that came before."""
        return self.bars["copies"][1][COPY]

    @property
    def attacks(self) -> list[tuple[str, int, int]]:
        """(label, how many files got it, how many of these are unfamiliar), most frequent first."""
        return self._doubted("attack")

    @property
    def victims(self) -> list[tuple[str, int, int]]:
        """As ``attacks``."""
        return self._doubted("victim")

    @property
    def seen(self) -> list[tuple[str, int, int]]:
        """As ``attacks``: what the named victims see in attacked images. Empty where no classes are told."""
        return self._doubted("label")

    @property
    def before(self) -> list[tuple[str, int, int]]:
        """As ``seen``: what those images were before."""
        return self._doubted("before")

    def _doubted(self, key: str) -> list[tuple[str, int, int]]:
        if key not in self.bars:
            return []
        strange = dict(zip(self.bars[key][0].labels, self.strange[key], strict=True))
        told = {OTHER_CLASS: self._other_classes(key)}
        return [(label + told.get(label, ""), count, strange[label]) for label, count in self.frequent(key)]

    def _other_classes(self, key: str) -> str:
        """Which they are, behind the name of their bar."""
        others = self.others.get(key, Counter())
        named = [f"{name} {count:,}" for name, count in others.most_common(MAX_CLASSES)]
        more = len(others) - len(named)
        return f" ({', '.join(named)}{f' and {more:,} more' if more else ''})" if named else ""

    def unasked(self, manifest: Manifest) -> list[str]:
        """The pack's victims that were shown no file."""
        asked = {name for name, _ in self.asked}
        return [v.name for v in manifest.victims if v.name != CLEAN and v.name not in asked]

    def frequent(self, key: str) -> list[tuple[str, int]]:
        """The bars of a facet that are not empty, most frequent first."""
        facet, counts = self.bars[key]
        named = [(label, count) for label, count in zip(facet.labels, counts, strict=True) if count]
        return sorted(named, key=lambda item: -item[1])

    @property
    def estimated(self) -> list[str]:
        """The facets of hyperparameters that were estimated of any file."""
        return [key for key, (facet, counts) in self.bars.items() if facet.attack and any(counts)]

    @property
    def doubts(self) -> list[str]:
        """The facets that say how sure the answers are."""
        return [f"{task} {what}" for what in ("probability", "candidates") for task in ("attack", "victim")]

    def in_words(self, keys: Iterable[str]) -> str:
        """What plots of these facets show, for who cannot see them: their bars that are not empty."""
        said = []
        for key in keys:
            facet, counts = self.bars[key]
            unit = f" ({facet.attack.unit})" if facet.attack and facet.attack.unit else ""
            at = "at" if facet.ends else "with"
            found = [(label, n) for label, n in zip(facet.labels, counts, strict=True) if n]
            bars = [f"{n:,} {'file' if n == 1 else 'files'} {at} {label}" for label, n in found]
            said.append(f"{key}{unit}: {', '.join(bars) or 'none'}")
        return "; ".join(said)


def summarise(records: Iterable[Record], manifest: Manifest, *, part: bool = False) -> Summary:
    """One pass over the records, which need not fit into memory.

    part: whether they were picked out of others, as by their answers: how many were attacked is not counted then.
    """
    facets = Facets(manifest)
    bars = [[0] * len(facet.labels) for facet in facets.all]
    of = {facet.key: at for at, facet in enumerate(facets.all)}
    strange = {key: [0] * len(bars[of[key]]) for key in _COUNTED if key in of}
    files, failures, asked, closed = 0, list[tuple[str, str]](), dict[tuple[str, str], None](), False
    others: dict[str, Counter[str]] = {key: Counter() for key in _CLASSES if key in of}
    told, words, known = dict[str, float](), list[Word](), dict[Beside, None]()
    for record in records:
        files += 1
        places = facets.places(record)
        for counts, place in zip(bars, places, strict=True):
            if place != NONE:
                counts[place] += 1
        if places[of["files"]] == UNFAMILIAR:
            for key, counts in strange.items():
                if (place := places[of[key]]) != NONE:
                    counts[place] += 1
        if record.finding is not None:
            answer = record.finding.attribution
            told |= alarms([answer])
            for key, names in others.items():
                if places[of[key]] == facets.all[of[key]].named:
                    names[class_told(answer, key)] += 1
            words += [] if (word := word_of(answer)) is None else [word]
            asked |= dict.fromkeys((said.victim, said.sha256) for said in answer.testimonies)
            closed |= answer.closed_set
            known |= {} if answer.beside is None else {answer.beside: None}
        elif len(failures) < MAX_FAILURES:
            failures.append((record.path, why_not(record.error, record.path)))
    found = {facet.key: (facet, counts) for facet, counts in zip(facets.all, bars, strict=True)}
    count = None if part else attacked(told.values())
    return Summary(files, found, failures, strange, tuple(asked), closed, count, together(words), tuple(known), others)


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


def short_log(log: Sequence[LogEntry]) -> list[LogEntry]:
    """The log without what follows the first ``MAX_ALIKE`` entries of one kind in a row; how many those are is told."""
    short: list[LogEntry] = []
    for action, alike in groupby(log, key=lambda entry: entry.action):
        run = list(alike)
        short += run[:MAX_ALIKE]
        if len(run) > MAX_ALIKE:
            rest = f"{len(run) - MAX_ALIKE:,} more, which `mtaa case log` prints"
            short.append(LogEntry(run[-1].time, action, rest))
    return short
