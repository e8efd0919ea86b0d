"""Give a trained network its third stream: ask the run's victims, fit the scorer, and measure what the answers add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.answers import at_coverage
from core.manifest import CLEAN, NONE_OF_THESE, AttackLabel, Calibration, ProbeFit
from core.model.network import MTAA
from core.progress import CancelToken, ProgressCallback
from training.fit_probes import Scored, fit_probes, fit_scorer, some_at_hand, spoke_themselves
from training.metrics import Floats, Predictions, evaluate
from training.probe import Asked, ask_victims, sample
from training.scenario import Scenario
from training.shards import Examples
from training.sources import SPLITS, Split

COVERAGE = 0.9


def add_third_stream(
    network: MTAA, scenario: Scenario, labels: list[AttackLabel], calibration: Calibration,
    splits: Mapping[Split, Examples], familiarity: Tensor, victims: Path, kept: Path, device: torch.device,
    tell: ProgressCallback, cancel: CancelToken | None,
) -> tuple[ProbeFit, dict[str, Any]]:  # fmt: skip
    """Put a scorer into the network; returns how to weigh it and what was measured on the test split.

    familiarity: the calibration split's scores. victims: folder of the victims' files; kept: of their answers.
    """
    asked = ask_all(network, scenario, labels, calibration, splits, victims, kept, device, tell, cancel)
    scorer = fit_scorer(labels, asked["train"], scenario.seed)
    network.scorer = scorer
    fit = fit_probes(Scored.of(asked["calibration"], scorer), familiarity, calibration, labels, scenario.seed)
    return fit, measure(Scored.of(asked["test"], scorer), fit, labels, scenario.victim_labels, scenario.seed)


def ask_all(
    network: MTAA, scenario: Scenario, labels: list[AttackLabel], calibration: Calibration,
    splits: Mapping[Split, Examples], victims: Path, kept: Path, device: torch.device, tell: ProgressCallback,
    cancel: CancelToken | None = None,
) -> dict[Split, Asked]:  # fmt: skip
    """What all victims say of each split: of some training examples, as [probes] says, and of all others."""
    assert scenario.probes is not None
    asked: dict[Split, Asked] = {}
    for split in SPLITS:
        most = scenario.probes.examples if split == "train" else len(splits[split])
        rows = sample(splits[split], most, scenario.seed)
        asked[split] = ask_victims(
            network, labels, calibration, scenario, victims, splits[split], rows, kept / split, device, tell, cancel
        )
    return asked


def measure(
    scored: Scored, fit: ProbeFit, labels: list[AttackLabel], victims: Sequence[str], seed: int
) -> dict[str, Any]:
    """Image, victims and both side by side, with all victims asked; then both by the number asked."""
    asked = scored.asked
    truth = asked.attack.numpy(), asked.victim.numpy(), asked.value.numpy()
    attack = asked.attack_logits.double().softmax(1).numpy()
    names = [*victims, NONE_OF_THESE]
    calibration = fit.calibration
    adversarial = torch.nonzero(asked.candidate >= 0).squeeze(1)
    found: dict[str, Any] = {
        "image": evaluate(
            Predictions(attack, asked.victim_logits.double().softmax(1).numpy(), _within(asked.image_value, labels)),
            labels, victims, *truth,
        ),
        "probes": evaluate(
            _victims_alone(scored, labels, len(victims), adversarial), labels, victims,
            *(column[adversarial.numpy()] for column in truth),
        ),
    }  # fmt: skip
    logits, value = scored.weighed(fit)
    found["both"] = evaluate(
        Predictions(attack, _calibrated(logits, calibration), _within(value, labels)), labels, names, *truth
    )
    found["by_number_asked"] = _by_number(scored, fit, labels, names, seed)
    return found


def _by_number(
    scored: Scored, fit: ProbeFit, labels: list[AttackLabel], names: Sequence[str], seed: int
) -> dict[str, dict[str, float | None]]:
    """Accuracy of the victim, and coverage of its sets and of the intervals, by how many victims are at hand.

    Intervals are covered, or not, where an attack was named; None where none was.
    """
    asked = scored.asked
    at_hand = some_at_hand(asked, seed + 1)
    logits, value = scored.weighed(fit, at_hand)
    probability, told = _calibrated(logits, fit.calibration), _within(value, labels)
    rows = np.arange(len(asked))
    victim, attack = asked.victim.numpy(), asked.attack.numpy()
    right = probability.argmax(1) == victim
    limit = at_coverage(fit.calibration, fit.calibration.victim_scores, COVERAGE)
    held = (1 - probability[rows, victim] <= limit) | right
    named = asked.attack_logits.argmax(1).numpy()
    half = np.asarray(
        [
            [at_coverage(fit.calibration, widths[a.name], COVERAGE) for a in labels]
            for widths in (fit.calibration.halfwidths, fit.halfwidths)
        ]
    )[spoke_themselves(asked, logits, at_hand).long().numpy(), named]
    inside = np.abs(told[rows, named] - asked.value.numpy()) <= half + 1e-9
    adversarial = np.asarray([a.name != CLEAN for a in labels])[attack] & (named == attack)
    number = at_hand.sum(1).numpy()
    return {
        str(n): {
            "examples": int((number == n).sum()),
            "victim_accuracy": float(right[number == n].mean()),
            "victim_set_coverage": float(held[number == n].mean()),
            "interval_coverage": _share(inside[(number == n) & adversarial]),
        }
        for n in sorted(set(number.tolist()))
    }


def _share(true: NDArray[np.bool_]) -> float | None:
    return float(true.mean()) if len(true) else None


def _victims_alone(scored: Scored, labels: list[AttackLabel], victims: int, rows: Tensor) -> Predictions:
    """By the victims' odds and the likeliest one's word, among the asked; the attack is the image's."""
    asked, odds = scored.asked, scored.odds[rows]
    victim = np.zeros((len(rows), victims))
    victim[:, list(asked.at)] = odds.double().softmax(1).numpy()
    value = scored.value[rows, odds.argmax(1)]
    return Predictions(asked.attack_logits[rows].double().softmax(1).numpy(), victim, _within(value, labels))


def _calibrated(logits: Tensor, calibration: Calibration) -> Floats:
    probability: Floats = (logits.double() / calibration.victim_temperature).softmax(1).numpy()
    return probability


def _within(value: Tensor, labels: Sequence[AttackLabel]) -> Floats:
    told: Floats = np.clip(value.double().numpy(), [a.minimum for a in labels], [a.maximum for a in labels])
    return told
