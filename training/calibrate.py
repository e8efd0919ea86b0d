"""Fit a pack's calibration on the calibration split: temperatures, conformal quantiles, the familiarity threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from core.calibration import Calibration, Task, kept
from core.labels import CLEAN
from core.manifest import AttackLabel
from core.model.scorer import agreed
from training.shards import Examples
from training.trainer import RawAnswers

COVERAGES = [0.80, 0.85, 0.90, 0.95, 0.99]
FAMILIAR_SHARE = 0.97
"""Share of calibration images that count as familiar; the others are what the flag costs on known images.

Less would flag more of what is wrong after a change: in the pack for photographs over JPEG 75 a half at 0.98.
"""

_LARGE, _ENOUGH, _FLATTEST = 0.9, 50, 0.1
"""Of the growth of intervals: the quantile of errors whose growth it is, examples that it takes, its bound."""


def fit_temperature(
    logits: Tensor, target: Tensor, told: Callable[[Tensor], Tensor] = lambda logits: logits
) -> float:  # fmt: skip
    """The temperature that minimises the cross-entropy of logits [N, K] / T against target [N] (Guo et al. 2017).

    told: what is made of these before they are told. As if one example more had been named at random: without a mistake
    among few, T would go to 0.
    """
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    logits = logits.double()
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        answers = told(logits / log_temperature.exp())
        loss = F.cross_entropy(answers, target, label_smoothing=1 / (len(target) + 1))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return float(log_temperature.detach().clamp(-3, 3).exp())


def conformal_quantile(scores: NDArray[np.float64], coverage: float, beyond: float | None = None) -> float:
    """The split-conformal quantile: ceil((n + 1) coverage) of n scores.

    beyond: what is safe to say where n is too small for that coverage; the largest score if there is no such thing,
    which then covers n / (n + 1) only.
    """
    rank = int(np.ceil((len(scores) + 1) * coverage))
    if rank > len(scores) and beyond is not None:
        return beyond
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def epsilons_to_read(
    labels: Sequence[AttackLabel], told: Tensor, read: Tensor, attack: Tensor, value: Tensor
) -> list[AttackLabel]:
    """The labels, with ``read_off`` where reading epsilon off the images errs less than what the network tells.

    told, read: [N, A], without and with reading; attack, value: [N] truth.
    """
    found = []
    for index, label in enumerate(labels):
        rows = attack == index
        errors = [(way[rows, index] - value[rows]).square().sum() for way in (told, read)]
        found.append(label.model_copy(update={"read_off": bool(errors[1] < errors[0])}))
    return found


def clean_of(labels: Sequence[AttackLabel]) -> tuple[int, int] | None:
    """The index of "clean" among attacks and victims: where a scenario has it, it is the first of both."""
    return (0, 0) if labels[0].name == CLEAN else None


class Widths(NamedTuple):
    """As :class:`core.calibration.Calibration` has them."""

    halfwidths: dict[str, list[float]]
    growth: dict[str, float]


def fit_widths(
    attack_logits: Tensor, hyperparameter: Tensor, attack: Tensor, value: Tensor, labels: Sequence[AttackLabel]
) -> Widths:
    """The conformal half-widths of every attack's interval; arguments and rules as for :func:`fit_calibration`.

    Errors count by how large they are where the value that is told lies (normalised scores: Papadopoulos et al. 2008),
    for a large epsilon is told less exactly than a small one.
    """
    found = Widths({}, {})
    for index, label in enumerate(labels):
        named = (attack_logits.argmax(1) == index) & (attack == index)
        chosen = named if named.any() else attack == index
        told = hyperparameter[chosen, index].double().clamp(label.minimum, label.maximum)
        error = (told - value[chosen]).abs().clamp(max=label.width).numpy()
        place = np.asarray([label.place(v) for v in told.tolist()])
        growth = fit_growth(place, error)
        if growth:
            found.growth[label.name] = growth
        all_of_it = label.width / min(1.0, 1 + growth)
        scores = error / (1 + growth * place)
        found.halfwidths[label.name] = [conformal_quantile(scores, c, beyond=all_of_it) for c in COVERAGES]
    return found


def fit_growth(place: NDArray[np.float64], error: NDArray[np.float64]) -> float:
    """By how many times itself the ``_LARGE`` quantile of errors [N] grows from place 0 to place 1, [N].

    A line through the quantiles (Koenker and Bassett 1978), with at either end at least ``_FLATTEST`` of what it has at
    the other. 0 where there are too few examples or errors to tell.
    """
    if len(error) < _ENOUGH or np.ptp(place) == 0:
        return 0.0
    from sklearn.linear_model import QuantileRegressor  # noqa: PLC0415 (slow to import)

    line = QuantileRegressor(quantile=_LARGE, alpha=0).fit(place[:, None], error)
    ends = line.predict([[0.0], [1.0]])
    if ends.max() <= 0:
        return 0.0
    first, last = np.maximum(ends, _FLATTEST * ends.max())
    return round(float(last / first) - 1, 4)


def familiarity_threshold(scores: Tensor) -> float:
    """The score that ``FAMILIAR_SHARE`` of familiar images stay under; scores: [N], of the calibration split."""
    return conformal_quantile(scores.double().numpy(), FAMILIAR_SHARE)


def fit_calibration(
    attack_logits: Tensor,
    victim_logits: Tensor,
    hyperparameter: Tensor,
    attack: Tensor,
    victim: Tensor,
    value: Tensor,
    labels: list[AttackLabel],
    sigma: dict[Task, float],
    threshold: float,
    clean: tuple[int, int] | None = None,
    *,
    heard: bool = False,
) -> Calibration:
    """Everything ``core.attributor`` applies, from the network's answers on the calibration split.

    attack_logits: [N, A]; victim_logits: [N, V]; hyperparameter: [N, A]; attack, victim, value: [N] truth; threshold:
    the familiarity's. Intervals are calibrated on the examples whose attack the network names, so what they promise
    they promise where the attack is named right; an attack never named there falls back to its own examples. They lie
    around the value that is told, which is kept within its range. Too few examples for a coverage give every label and
    the whole range. clean, heard: as :func:`agreed` has them.
    """
    by_victim = fit_temperature(victim_logits, victim)
    raw_victim = victim_logits.double() / by_victim
    by_attack = fit_temperature(attack_logits, attack, lambda raw: agreed(raw, raw_victim, clean, heard=heard)[0])
    of_attack, of_victim = agreed(attack_logits.double() / by_attack, raw_victim, clean, heard=heard)
    scores = [
        (1 - logits.softmax(1).gather(1, truth[:, None]).squeeze(1)).numpy()
        for logits, truth in ((of_attack, attack), (of_victim, victim))
    ]
    return Calibration(
        attack_temperature=by_attack,
        victim_temperature=by_victim,
        sigma=sigma,
        coverages=COVERAGES,
        attack_scores=[conformal_quantile(scores[0], c, beyond=1.0) for c in COVERAGES],
        victim_scores=[conformal_quantile(scores[1], c, beyond=1.0) for c in COVERAGES],
        **fit_widths(of_attack, hyperparameter, attack, value, labels)._asdict(),
        familiarity_threshold=threshold,
        clean_scores=clean_scores(of_attack, attack, labels),
    )


def clean_scores(attack_logits: Tensor, attack: Tensor, labels: Sequence[AttackLabel]) -> list[float]:
    """The probability of "clean" that each clean example is given, ascending; calibrated logits [N, A], truth [N]."""
    if CLEAN not in (names := [label.name for label in labels]):
        return []
    clean = names.index(CLEAN)
    return sorted(map(kept, attack_logits.softmax(1)[attack == clean, clean].tolist()))


def calibrated_on(
    examples: Examples, answers: RawAnswers, labels: list[AttackLabel], sigma: dict[Task, float], threshold: float
) -> Calibration:
    """Of the network's answers to these examples, by the image alone; as :func:`fit_calibration` has it."""
    return fit_calibration(
        answers.attack,
        answers.victim,
        answers.hyperparameter,
        torch.from_numpy(examples.attack),
        torch.from_numpy(examples.victim),
        torch.from_numpy(examples.hyperparameter),
        labels,
        sigma,
        threshold,
        clean_of(labels),
    )
