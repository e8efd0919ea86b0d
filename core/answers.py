"""From a batch of raw heads to calibrated answers, row by row (calibration: temperature and conformal quantiles)."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.adjustments import is_altered
from core.calibration import Calibration, Doubt, ProbeFit
from core.labels import CLEAN, clean_at
from core.manifest import AttackLabel, Manifest
from core.model.network import Outputs
from core.model.scorer import agreed
from core.types import Attribution, ClassAnswer, HyperparameterAnswer, RankedLabel, likeliest


class Answers:
    """A batch's calibrated numbers, and the answers read off them row by row.

    asked: names of the victims that were asked, if any were; without, the image alone speaks, and says of the victim
    that there was none as surely as that there was no attack. widths: whose half-widths hold, if not ``doubt``'s.
    """

    def __init__(
        self, outputs: Outputs, labels: Sequence[AttackLabel], victims: list[str], doubt: Doubt, coverage: float,
        asked: Container[str] | None = None, widths: Doubt | None = None,
    ) -> None:  # fmt: skip
        calibration, _ = rested_on(doubt, heard=asked is not None)
        self._coverage, self._calibration = coverage, calibration
        self._attacks = labels
        attacks = [a.name for a in labels]
        limits = [at_coverage(calibration, s, coverage) for s in (calibration.attack_scores, calibration.victim_scores)]
        sigma = calibration.sigma
        attack = outputs.attack.double() / calibration.attack_temperature
        victim = outputs.victim.double() / calibration.victim_temperature
        if asked is None and calibration.agreed:  # where victims were asked, their panel has seen to it
            attack, victim = agreed(attack, victim, clean_at(attacks, victims), heard=False)
        self._attack = _Classes(attack, attacks, limits[0], sigma["attack"])
        self._victim = _Classes(victim, victims, limits[1], sigma["victim"])
        self._asked = [name in (asked or ()) for name in victims]
        self._widths, self._told = (
            [(at_coverage(calibration, by.halfwidths[name], coverage), by.growth.get(name, 0.0)) for name in attacks]
            for by in rested_on(widths or doubt, heard=asked is not None)
        )
        self._sigma = sigma["hyperparameter"]
        minimum, maximum = ([getattr(a, side) for a in labels] for side in ("minimum", "maximum"))
        self._values: list[list[float]] = outputs.hyperparameter.double().cpu().numpy().clip(minimum, maximum).tolist()

    def attack(self, row: int) -> ClassAnswer:
        return self._attack.answer(row, self._coverage)

    def victim(self, row: int) -> ClassAnswer:
        return self._victim.answer(row, self._coverage)

    def false_alarm(self, row: int) -> float | None:
        """At most this share of clean images looks at least as attacked; None where that was not calibrated."""
        clean = self._attack.probability(row, CLEAN)
        return None if clean is None else self._calibration.false_alarm(clean)

    def hyperparameters(self, row: int) -> tuple[HyperparameterAnswer, ...]:
        """One answer for each attack, most probable attack first."""
        return tuple(self._hyperparameter_under(row, attack) for attack in self._attack.order[row])

    def _hyperparameter_under(self, row: int, attack: int) -> HyperparameterAnswer:
        label, value = self._attacks[attack], self._values[row][attack]
        half, growth = (self._told if self._asked[self._victim.order[row][0]] else self._widths)[attack]
        low, high = _interval(label, value, half, growth)
        return HyperparameterAnswer(
            name=label.hyperparameter,
            value=value,
            low=low,
            high=high,
            unit=label.unit,
            sigma=self._sigma,
            minimum=label.minimum,
            maximum=label.maximum,
            coverage=self._coverage,
        )


def rested_on(doubt: Doubt, *, heard: bool) -> tuple[Calibration, Calibration | ProbeFit]:
    """By what answers are calibrated, and whose half-widths hold where the named victim was asked.

    heard: whether any victim was.
    """
    if not heard or doubt.probes is None:
        return doubt.calibration, doubt.calibration
    return doubt.probes.calibration, doubt.probes


class _Classes:
    """One classification task's batch, in lists: arithmetic on single array elements would cost more than the rest.

    order: for each row the label indices, most probable first.
    """

    def __init__(self, logits: Tensor, labels: list[str], limit: float, sigma: float) -> None:
        probabilities = _softmax(logits)
        self.order: list[list[int]] = np.argsort(-probabilities, axis=1, kind="stable").tolist()
        bits = np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
        self._entropy: list[float] = (np.abs((probabilities * bits).sum(1))).tolist()
        self._probabilities: list[list[float]] = probabilities.tolist()
        self._labels, self._limit, self._sigma = labels, limit, sigma

    def probability(self, row: int, label: str) -> float | None:
        """None for a label that is not among them."""
        return self._probabilities[row][self._labels.index(label)] if label in self._labels else None

    def answer(self, row: int, coverage: float) -> ClassAnswer:
        own = self._probabilities[row]
        ranking = tuple(RankedLabel(self._labels[i], own[i]) for i in self.order[row])
        return ClassAnswer(
            ranking=ranking,
            entropy=self._entropy[row],
            sigma=self._sigma,
            prediction_set=_held(ranking, self._limit, coverage),
            coverage=coverage,
        )


def _softmax(logits: Tensor) -> NDArray[np.float64]:
    """[B, labels]. PyTorch's own would give this thread helpers of OpenMP's (:mod:`core.device_thread`)."""
    told = logits.double().cpu().numpy()
    odds = np.exp(told - told.max(1, keepdims=True))
    shares: NDArray[np.float64] = odds / odds.sum(1, keepdims=True)
    return shares


def _held(ranking: Sequence[RankedLabel], limit: float, coverage: float) -> tuple[str, ...]:
    """The conformal set of this quantile of 1 - p, and of the likeliest labels what is as probable as the coverage.

    Of a pack that is right more often than the coverage the quantile is under a half, so that no two labels can ever
    belong, and none does where it is least sure. Both grow with the coverage.
    """
    conformal = (c.label for c in ranking if 1 - c.probability <= limit)
    return tuple(dict.fromkeys((*likeliest(ranking, coverage), *conformal)))


def _interval(label: AttackLabel, value: float, half: float, growth: float) -> tuple[float, float]:
    """Around the value, within the attack's range; as :class:`core.calibration.Calibration` has half-widths."""
    half *= 1 + growth * label.place(value)
    return max(value - half, label.minimum), min(value + half, label.maximum)


def at_coverage(calibration: Calibration, quantiles: list[float], coverage: float) -> float:
    """A conformal quantile at any coverage between the calibrated ones, by linear interpolation."""
    return float(np.interp(coverage, calibration.coverages, quantiles))


def covering(answer: Attribution, manifest: Manifest, coverage: float) -> Attribution:
    """An answer of this pack with the sets and intervals that :class:`Answers` would give at another coverage.

    All that they rest on is in the answer and in the pack's calibration.
    """
    asked, familiar = {said.victim for said in answer.testimonies}, answer.familiarity.familiar
    calibration, _ = rested_on(manifest.doubt(familiar=familiar), heard=bool(asked))
    both = rested_on(manifest.doubt(familiar=familiar and not is_altered(answer.adjustments)), heard=bool(asked))
    by = both[answer.victim.label in asked]
    labels = {label.name: label for label in manifest.attacks}

    def classes(task: ClassAnswer, scores: list[float]) -> ClassAnswer:
        limit = at_coverage(calibration, scores, coverage)
        return replace(task, prediction_set=_held(task.ranking, limit, coverage), coverage=coverage)

    def interval(attack: str, known: HyperparameterAnswer) -> HyperparameterAnswer:
        half = at_coverage(calibration, by.halfwidths[attack], coverage)
        low, high = _interval(labels[attack], known.value, half, by.growth.get(attack, 0.0))
        return replace(known, low=low, high=high, coverage=coverage)

    each = zip(answer.attack.ranking, answer.hyperparameters, strict=True)
    return replace(
        answer,
        attack=classes(answer.attack, calibration.attack_scores),
        victim=classes(answer.victim, calibration.victim_scores),
        hyperparameters=tuple(interval(candidate.label, known) for candidate, known in each),
    )
