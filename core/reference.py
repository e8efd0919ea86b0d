"""Known clean images of the source that images in question come from: how often does the pack take such for attacked?

What a pack says of "clean" was calibrated on clean images of its own data set. Another camera's, scanner's or program's
may look attacked to it, all of them. Whoever has clean images of the same source has them judged as well, and the
answers are then told beside theirs: how many of those look at least as attacked is counted, and "clean" is as much more
probable as such a look is commoner among them than among the pack's own.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from core.answers import covering, rested_on
from core.calibration import kept
from core.errors import PackError
from core.labels import CLEAN
from core.manifest import Manifest
from core.types import Attribution, Beside, ClassAnswer, RankedLabel, Reference


def reference_of(answers: Iterable[Attribution]) -> Reference:
    """What the answers about known clean images amount to; of copies one counts.

    All of one pack and the same victims. Raises PackError where there is none, or where the pack has no "clean".
    """
    each = {answer.sha256: answer for answer in answers}
    if not each:
        raise PackError("None of the clean images could be judged.", "Choose images that can be read.")
    image: list[float] = []
    probes: list[float] = []
    for answer in each.values():
        if (told := _unmoved(answer)) is None:
            raise PackError(f"The pack {answer.pack_id} does not know “clean”.", "Choose one that does.")
        (image if answer.evidence == "image" else probes).append(kept(told))
    asked = sorted({said.sha256 for answer in each.values() for said in answer.testimonies})
    pack_id = next(iter(each.values())).pack_id
    return Reference(pack_id, tuple(asked), tuple(sorted(image)), tuple(sorted(probes)))


def beside(answer: Attribution, manifest: Manifest, reference: Reference | None) -> Attribution:
    """An answer of this pack as it is told beside these known clean images, or beside none.

    The share of clean images that look at least as attacked is the conformal p-value among them
    (:meth:`core.calibration.Calibration.false_alarm`). The odds of "clean" are multiplied by how many times as common
    so attacked a look is among them as among the pack's own, in both tasks; all else follows from that.
    """
    clean, known = _unmoved(answer), () if reference is None else reference.of(answer.evidence)
    if clean is None or (answer.beside is None and not known):
        return answer
    calibration, _ = rested_on(manifest.doubt(familiar=answer.familiarity.familiar), heard=bool(answer.testimonies))
    own = calibration.false_alarm(clean)
    before = 0.0 if answer.beside is None else answer.beside.shift
    told, shift = None, 0.0
    if reference is not None and known:
        below = bisect_right(known, kept(clean))
        shift = _shift(clean, own, below, len(known))
        own = (1 + below) / (1 + len(known))
        told = Beside(reference.digest, len(known), shift)
    factor = math.exp(shift - before)
    values = dict(zip((c.label for c in answer.attack.ranking), answer.hyperparameters, strict=True))
    attack = _moved(answer.attack, factor)
    moved = replace(
        answer,
        attack=attack,
        victim=_moved(answer.victim, factor),
        hyperparameters=tuple(values[candidate.label] for candidate in attack.ranking),
        false_alarm=own,
        beside=told,
    )
    return covering(moved, manifest, answer.attack.coverage)


def _shift(clean: float, own: float | None, below: int, count: int) -> float:
    """By how much the log odds of "clean" grow: log of how many times as common such a look is as in the pack's own.

    own: the share of the pack's own clean images that look at least as attacked, as far as it tells. There it cannot
    exceed the odds, where the answer is calibrated: attacked images look so at most always.
    """
    odds = clean / (1 - clean) if clean < 1 else math.inf
    expected = max(min(odds, 1.0 if own is None else own), _LEAST)
    return math.log(_rate(expected, below, count) / expected)


_LEAST = 1e-12
"""The rarest look that is told apart: what is rarer was never seen."""


def _rate(expected: float, below: int, count: int) -> float:
    """How common a look is among the source's clean images, of ``count`` of which ``below`` have it.

    Either the source is as the pack's own, where it is as common as ``expected``, or any share is as probable: both are
    equally so before any image was seen.
    """
    alike = (
        math.lgamma(count + 1) - math.lgamma(below + 1) - math.lgamma(count - below + 1)
        + below * math.log(expected)
        + ((count - below) * math.log1p(-expected) if expected < 1 else 0.0 if below == count else -math.inf)
    )  # fmt: skip
    belief = 1 / (1 + math.exp(min(-math.log(count + 1) - alike, 700.0)))
    return belief * expected + (1 - belief) * (below + 1) / (count + 2)


def _unmoved(answer: Attribution) -> float | None:
    """The probability of "clean" that the pack gives by itself; None without that label."""
    told = _odds(answer.attack)
    if told is None:
        return None
    clean, rest = told
    clean *= math.exp(-answer.beside.shift) if answer.beside is not None else 1.0
    return clean / (clean + rest)


def _odds(task: ClassAnswer) -> tuple[float, float] | None:
    """The probabilities of "clean" and of all else; None where "clean" is no label."""
    shares = {candidate.label: candidate.probability for candidate in task.ranking}
    clean = shares.pop(CLEAN, None)
    return None if clean is None else (clean, math.fsum(shares.values()))


def _moved(task: ClassAnswer, factor: float) -> ClassAnswer:
    """With the odds of "clean" times ``factor``; the other labels stay to each other as they are."""
    told = _odds(task)
    if told is None:
        return task
    whole = told[0] * factor + told[1]
    ranking = [
        RankedLabel(c.label, c.probability * (factor if c.label == CLEAN else 1.0) / whole) for c in task.ranking
    ]
    ranking.sort(key=lambda candidate: -candidate.probability)
    entropy = -math.fsum(c.probability * math.log2(c.probability) for c in ranking if c.probability > 0)
    return replace(task, ranking=tuple(ranking), entropy=abs(entropy))


# --- as a case and the settings keep it ---------------------------------------------------------------------------


def reference_to_json(reference: Reference) -> dict[str, Any]:
    return {
        "pack_id": reference.pack_id, "asked": list(reference.asked), "image": list(reference.image),
        "probes": list(reference.probes),
    }  # fmt: skip


def reference_from_json(content: Mapping[str, Any]) -> Reference:
    """Raises KeyError, TypeError or ValueError for what :func:`reference_to_json` never writes."""
    image, probes = (tuple(float(one) for one in content[name]) for name in ("image", "probes"))
    for scores in (image, probes):
        if not all(0 <= lower <= higher <= 1 for lower, higher in pairwise([0.0, *scores])):
            raise ValueError("no ascending probabilities")
    if not image and not probes:
        raise ValueError("no images")
    return Reference(str(content["pack_id"]), tuple(map(str, content["asked"])), image, probes)
