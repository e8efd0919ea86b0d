"""What a case says in texts, checked: no more is taken for a coverage or an answer than this program can have written.

A case comes from strangers, and later code relies on its answers: at another coverage they are told anew by the pack's
attacks, and several are told together by shares that sum to 1 and values within their attack's range.
"""

from __future__ import annotations

import json

from core.labels import NONE_OF_THESE
from core.manifest import Manifest
from core.records import answers_from_json
from core.types import Attribution, ClassAnswer

_ROUNDING = 1e-6
"""How far shares may be from 1 together."""


def coverage_of(text: str) -> float:
    """Raises ValueError for what is none."""
    coverage = float(text)
    if not 0 < coverage < 1:
        raise ValueError(f"{text} is no coverage")
    return coverage


class AnswerReader:
    """Reads the answers of a case that was made with one pack."""

    def __init__(self, manifest: Manifest) -> None:
        self._pack_id = manifest.pack_id
        self._attacks = {
            label.name: (label.hyperparameter, label.unit, label.minimum, label.maximum) for label in manifest.attacks
        }
        self._victims = frozenset((*(victim.name for victim in manifest.victims), NONE_OF_THESE))

    def read(self, text: str, sha256: str) -> Attribution:
        """The answer about the image with this hash. Raises ValueError for what is none, or not one of this pack."""
        try:
            answer = answers_from_json(json.loads(text), sha256, self._pack_id)
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"no answer: {error}") from error
        if _labels_of(answer.attack) != self._attacks.keys():
            raise ValueError("attacks that are not the pack's")
        others = _labels_of(answer.victim) - self._victims
        if others and not others <= {said.victim for said in answer.testimonies}:
            raise ValueError("victims that neither the pack has nor anybody asked")
        for candidate, told in zip(answer.attack.ranking, answer.hyperparameters, strict=True):
            own = told.name, told.unit, told.minimum, told.maximum
            if own != self._attacks[candidate.label] or not told.minimum <= told.value <= told.maximum:
                raise ValueError(f"a hyperparameter that is none of {candidate.label}'s")
        return answer


def _labels_of(task: ClassAnswer) -> set[str]:
    """The labels of a ranking. Raises ValueError for one that is not as :class:`ClassAnswer` has it.

    One loop: a case may hold 100,000 answers.
    """
    labels, least, together = set[str](), 2.0, 0.0
    for candidate in task.ranking:
        share = candidate.probability
        if share > least:
            raise ValueError("a ranking out of order")
        labels.add(candidate.label)
        least, together = share, together + share
    if len(labels) < len(task.ranking) or least < 0 or abs(together - 1) > _ROUNDING:
        raise ValueError("a ranking of something else than the whole")
    held = task.prediction_set
    if not held or len(set(held)) < len(held) or not labels.issuperset(held) or not 0 < task.coverage < 1:
        raise ValueError("no candidates at any coverage")
    return labels
