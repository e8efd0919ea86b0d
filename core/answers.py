"""From a batch of raw heads to calibrated answers, row by row (calibration: temperature and conformal quantiles)."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.calibration import Calibration
from core.manifest import AttackLabel, Manifest
from core.model.network import Outputs
from core.types import Attribution, Candidate, ClassAnswer, HyperparameterAnswer


class Answers:
    """A batch's calibrated numbers, and the answers read off them row by row.

    asked: names of the victims that were asked; told: the half-widths by attack where the named victim is one of them.
    """

    def __init__(
        self, outputs: Outputs, labels: Sequence[AttackLabel], victims: list[str], calibration: Calibration,
        coverage: float, asked: Container[str] = (), told: Mapping[str, list[float]] | None = None,
    ) -> None:  # fmt: skip
        self._coverage = coverage
        self._attacks = labels
        attacks = [a.name for a in labels]
        limits = [at_coverage(calibration, s, coverage) for s in (calibration.attack_scores, calibration.victim_scores)]
        sigma = calibration.sigma
        self._attack = _Classes(outputs.attack, calibration.attack_temperature, attacks, limits[0], sigma["attack"])
        self._victim = _Classes(outputs.victim, calibration.victim_temperature, victims, limits[1], sigma["victim"])
        self._asked = [name in asked for name in victims]
        self._halfwidths, self._told = (
            [at_coverage(calibration, widths[name], coverage) for name in attacks]
            for widths in (calibration.halfwidths, told or calibration.halfwidths)
        )
        self._sigma = sigma["hyperparameter"]
        minimum, maximum = ([getattr(a, side) for a in labels] for side in ("minimum", "maximum"))
        self._values: list[list[float]] = outputs.hyperparameter.double().cpu().numpy().clip(minimum, maximum).tolist()

    def attack(self, row: int) -> ClassAnswer:
        return self._attack.answer(row, self._coverage)

    def victim(self, row: int) -> ClassAnswer:
        return self._victim.answer(row, self._coverage)

    def hyperparameters(self, row: int) -> tuple[HyperparameterAnswer, ...]:
        """One answer for each attack, most probable attack first."""
        return tuple(self._hyperparameter_under(row, attack) for attack in self._attack.order[row])

    def _hyperparameter_under(self, row: int, attack: int) -> HyperparameterAnswer:
        label, value = self._attacks[attack], self._values[row][attack]
        half = (self._told if self._asked[self._victim.order[row][0]] else self._halfwidths)[attack]
        return HyperparameterAnswer(
            name=label.hyperparameter,
            value=value,
            low=max(value - half, label.minimum),
            high=min(value + half, label.maximum),
            unit=label.unit,
            sigma=self._sigma,
            minimum=label.minimum,
            maximum=label.maximum,
            coverage=self._coverage,
        )


class _Classes:
    """One classification task's batch, in lists: arithmetic on single array elements would cost more than the rest.

    order: for each row the label indices, most probable first.
    """

    def __init__(self, logits: Tensor, temperature: float, labels: list[str], limit: float, sigma: float) -> None:
        probabilities: NDArray[np.float64] = (logits.double() / temperature).softmax(1).cpu().numpy()  # [B, labels]
        self.order: list[list[int]] = np.argsort(-probabilities, axis=1, kind="stable").tolist()
        bits = np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
        self._entropy: list[float] = (np.abs((probabilities * bits).sum(1))).tolist()
        self._probabilities: list[list[float]] = probabilities.tolist()
        self._labels, self._limit, self._sigma = labels, limit, sigma

    def answer(self, row: int, coverage: float) -> ClassAnswer:
        own = self._probabilities[row]
        ranking = tuple(Candidate(self._labels[i], own[i]) for i in self.order[row])
        return ClassAnswer(
            ranking=ranking,
            entropy=self._entropy[row],
            sigma=self._sigma,
            prediction_set=_held(ranking, self._limit),
            coverage=coverage,
            reached=_reached(ranking[0], self._limit, coverage),
        )


def _belongs(candidate: Candidate, limit: float) -> bool:
    """Whether a label is in the conformal set of this quantile."""
    return 1 - candidate.probability <= limit


def _reached(first: Candidate, limit: float, coverage: float) -> bool:
    """Whether the likeliest label may stand for the set alone: as one that belongs to it, or as probable as it covers.

    Of a pack that is right more often than the coverage, sets are empty for the rest of images however sure it is.
    """
    return _belongs(first, limit) or first.probability >= coverage


def _held(ranking: Sequence[Candidate], limit: float) -> tuple[str, ...]:
    """The conformal set; where nothing belongs to it, the likeliest label, since there is no answer without one."""
    return tuple(c.label for c in ranking if _belongs(c, limit)) or (ranking[0].label,)


def at_coverage(calibration: Calibration, quantiles: list[float], coverage: float) -> float:
    """A conformal quantile at any coverage between the calibrated ones, by linear interpolation."""
    return float(np.interp(coverage, calibration.coverages, quantiles))


def covering(answer: Attribution, manifest: Manifest, coverage: float) -> Attribution:
    """An answer of this pack with the sets and intervals that :class:`Answers` would give at another coverage.

    All that they rest on is in the answer and in the pack's calibration.
    """
    asked = {said.victim for said in answer.testimonies}
    doubt = manifest.doubt(familiar=answer.familiarity.familiar)
    fit = doubt.probes if asked else None
    calibration = doubt.calibration if fit is None else fit.calibration
    told = fit is not None and answer.victim.label in asked
    widths = fit.halfwidths if fit is not None and told else calibration.halfwidths

    def classes(task: ClassAnswer, scores: list[float]) -> ClassAnswer:
        limit = at_coverage(calibration, scores, coverage)
        held, reached = _held(task.ranking, limit), _reached(task.ranking[0], limit, coverage)
        return replace(task, prediction_set=held, coverage=coverage, reached=reached)

    def interval(attack: str, known: HyperparameterAnswer) -> HyperparameterAnswer:
        half = at_coverage(calibration, widths[attack], coverage)
        low, high = max(known.value - half, known.minimum), min(known.value + half, known.maximum)
        return replace(known, low=low, high=high, coverage=coverage)

    each = zip(answer.attack.ranking, answer.hyperparameters, strict=True)
    return replace(
        answer,
        attack=classes(answer.attack, calibration.attack_scores),
        victim=classes(answer.victim, calibration.victim_scores),
        hyperparameters=tuple(interval(candidate.label, known) for candidate, known in each),
    )
