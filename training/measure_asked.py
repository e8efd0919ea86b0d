"""What victims' answers add, on examples that nothing was fitted on, and whether what is promised is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.answers import at_coverage
from core.calibration import Doubt, ProbeFit
from core.labels import CLEAN, NONE_OF_THESE
from core.manifest import AttackLabel
from core.model.scorer import Weighed, agreed, among
from core.types import DEFAULT_COVERAGE as COVERAGE
from training.detection import detection
from training.doubts import Doubts
from training.fit_probes import Scored, some_at_hand, spoke_themselves
from training.metrics import (
    Bools,
    Floats,
    Predictions,
    brief,
    evaluate,
    places,
    prediction_sets,
    share_of,
    widening,
)


def measure_asked(
    scored: Scored, doubts: Doubts, labels: list[AttackLabel], victims: Sequence[str], seed: int
) -> dict[str, Any]:
    """Image, victims and both side by side, with all victims asked, also as a closed set; then by the number asked."""
    asked = scored.asked
    truth = asked.attack.numpy(), asked.victim.numpy(), asked.value.numpy()
    names = [*victims, NONE_OF_THESE]
    adversarial = torch.nonzero(asked.candidate >= 0).squeeze(1)
    by_image = asked.attack_logits.double().softmax(1).numpy(), asked.image.double().softmax(1).numpy()
    found: dict[str, Any] = {
        "image": evaluate(Predictions(*by_image, _within(asked.image_value, labels)), labels, victims, *truth),
        "probes": evaluate(
            _victims_alone(scored, labels, len(victims), adversarial), labels, victims,
            *(column[adversarial.numpy()] for column in truth),
        ),
    }  # fmt: skip
    told = _calibrated(scored, _weighed(scored, doubts), doubts, labels)
    found["both"] = evaluate(told, labels, names, *truth)
    closed = Promises.of(scored, doubts, labels, closed=True)
    everything = np.ones(len(asked), dtype=bool)
    found["closed"] = evaluate(closed.told, labels, names, *truth) | closed.coverage(everything)
    found["detection"] = detection(told.attack, truth[0], labels, doubts, lambda d: fit_of(d).calibration)
    found["by_number_asked"] = _by_number(scored, doubts, labels, seed)
    return found


def measure_both(scored: Scored, doubt: Doubt, labels: list[AttackLabel], victims: Sequence[str]) -> dict[str, Any]:
    """Image and all victims together on examples of one kind, and whether what is promised is kept."""
    asked = scored.asked
    kept = Promises.of(scored, Doubts.alike(doubt, len(asked)), labels)
    truth = asked.attack.numpy(), asked.victim.numpy(), asked.value.numpy()
    figures = brief(evaluate(kept.told, labels, [*victims, NONE_OF_THESE], *truth))
    return figures | kept.coverage(np.ones(len(asked), dtype=bool))


@dataclass(frozen=True, slots=True)
class Promises:
    """What answers at ``COVERAGE`` say of N examples, and whether that is kept.

    attack, victim: bool [N], whether the set holds the truth. value: bool [N], whether the interval under the named
    attack does; it promises so where ``due``, bool [N]: an attack was made and is named right.
    """

    told: Predictions
    attack: Bools
    victim: Bools
    value: Bools
    due: Bools

    @classmethod
    def of(
        cls, scored: Scored, doubts: Doubts, labels: list[AttackLabel], at_hand: Tensor | None = None, *,
        closed: bool = False,
    ) -> Promises:  # fmt: skip
        """at_hand: [N, V], which victims are asked, or all. closed: whether it is taken to be one of all of them."""
        asked, weighed = scored.asked, _weighed(scored, doubts, at_hand)
        told = _calibrated(scored, weighed, doubts, labels, closed=closed)
        attack, named = asked.attack.numpy(), told.attack.argmax(1)

        def widths(doubt: Doubt) -> list[list[list[float]]]:
            fit = fit_of(doubt)
            return [
                [[at_coverage(fit.calibration, by.halfwidths[a.name], COVERAGE) for a in labels], widening(by, labels)]
                for by in (fit.calibration, fit)
            ]

        def limits(doubt: Doubt) -> list[float]:
            own = fit_of(doubt).calibration
            return [at_coverage(own, scores, COVERAGE) for scores in (own.attack_scores, own.victim_scores)]

        rows, spoke = np.arange(len(asked)), spoke_themselves(asked, weighed.victim, at_hand)
        half, growth = doubts.of_each(widths)[rows, spoke.long().numpy(), :, named].T
        half = half * (1 + growth * places(told.value, labels, named))
        limit = doubts.of_each(limits)
        error = np.abs(told.hyperparameter[rows, named] - asked.value.numpy())
        attacked = np.asarray([a.name != CLEAN for a in labels])[attack]
        return cls(
            told,
            prediction_sets(told.attack, limit[:, 0], COVERAGE)[rows, attack],
            prediction_sets(told.victim, limit[:, 1], COVERAGE)[rows, asked.victim.numpy()],
            error <= half + 1e-9,
            attacked & (named == attack),
        )

    def coverage(self, rows: Bools) -> dict[str, float | None]:
        """Shares over some examples; of intervals None where none is due."""
        return {
            "attack_set_coverage": share_of(self.attack[rows]),
            "victim_set_coverage": share_of(self.victim[rows]),
            "interval_coverage": share_of(self.value[rows & self.due]),
        }


def fit_of(doubt: Doubt) -> ProbeFit:
    """How victims are weighed, where they are asked."""
    assert doubt.probes is not None
    return doubt.probes


def _weighed(scored: Scored, doubts: Doubts, at_hand: Tensor | None = None) -> Weighed:
    """As :meth:`training.fit_probes.Scored.weighed`, each example by its own doubt."""
    told = scored.weighed(fit_of(doubts.familiar), at_hand)
    if not doubts.strange.any():
        return told
    other = scored.weighed(fit_of(doubts.unfamiliar), at_hand)
    return Weighed(*(torch.where(doubts.strange[:, None], *each) for each in zip(other, told, strict=True)))


def _by_number(
    scored: Scored, doubts: Doubts, labels: list[AttackLabel], seed: int
) -> dict[str, dict[str, float | None]]:
    """Accuracies, and coverage of sets and intervals, by how many victims are at hand."""
    asked = scored.asked
    at_hand = some_at_hand(asked, seed + 1)
    kept = Promises.of(scored, doubts, labels, at_hand)
    right = {
        "attack_accuracy": kept.told.attack.argmax(1) == asked.attack.numpy(),
        "victim_accuracy": kept.told.victim.argmax(1) == asked.victim.numpy(),
    }
    number = at_hand.sum(1).numpy()
    return {
        str(n): {
            "examples": int((number == n).sum()),
            **{name: share_of(hit[number == n]) for name, hit in right.items()},
            **kept.coverage(number == n),
        }
        for n in sorted(set(number.tolist()))
    }


def _victims_alone(scored: Scored, labels: list[AttackLabel], victims: int, rows: Tensor) -> Predictions:
    """By what the victims say that are asked, if one of them was attacked: its pair with the attack, and its word."""
    asked, evidence = scored.asked, scored.scores.evidence[rows].double()
    if asked.clean is not None:
        evidence[..., asked.clean[0]] = -torch.inf
    joint = evidence.flatten(1).softmax(1).view_as(evidence)
    victim = np.zeros((len(rows), victims))
    victim[:, list(asked.at)] = joint.sum(2).numpy()
    value = scored.scores.value[rows, joint.sum(2).argmax(1)]
    return Predictions(joint.sum(1).numpy(), victim, _within(value, labels))


def _calibrated(
    scored: Scored, told: Weighed, doubts: Doubts, labels: Sequence[AttackLabel], *, closed: bool = False
) -> Predictions:
    """Both together, as the attributor gives them."""

    def factors(doubt: Doubt) -> list[float]:
        own = fit_of(doubt).calibration
        return [doubt.calibration.attack_temperature / own.attack_temperature, 1 / own.victim_temperature]

    by_attack, by_victim = torch.from_numpy(doubts.of_each(factors))[:, :, None].unbind(1)
    attack, victim = told.attack.double() * by_attack, told.victim.double() * by_victim
    agree = torch.from_numpy(doubts.of_each(lambda d: [fit_of(d).agreed]) > 0)
    alike = agreed(attack, victim, scored.asked.clean, heard=True)[0]
    attack = torch.where(agree, alike, attack)
    if closed:
        victim = among(scored.asked.at, victim, scored.asked.clean)
    return Predictions(attack.softmax(1).numpy(), victim.softmax(1).numpy(), _within(told.value, labels))


def _within(value: Tensor, labels: Sequence[AttackLabel]) -> Floats:
    told: Floats = np.clip(value.double().numpy(), [a.minimum for a in labels], [a.maximum for a in labels])
    return told
