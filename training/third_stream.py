"""Give a trained network its third stream: ask the run's victims, fit the scorer, and measure what the answers add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.answers import at_coverage
from core.labels import CLEAN, NONE_OF_THESE
from core.manifest import AttackLabel, Calibration, ProbeFit
from core.model.network import MTAA
from core.model.scorer import Weighed
from core.progress import CancelToken, ProgressCallback
from training.fit_probes import Scored, fit_probes, some_at_hand, spoke_themselves
from training.fit_scorer import fit_scorer
from training.lasting import StillFools, changed_some
from training.metrics import Bools, Floats, Ints, Predictions, evaluate, share_of
from training.probe import Asked, ask_victims, sample
from training.scenario import Scenario
from training.shards import Examples
from training.sources import SPLITS, Split

COVERAGE = 0.9


def add_third_stream(
    network: MTAA, scenario: Scenario, labels: list[AttackLabel], calibration: Calibration,
    splits: Mapping[Split, Examples], familiarity: Tensor, victims: Path, kept: Path, device: torch.device,
    tell: ProgressCallback, cancel: CancelToken | None, fools: StillFools | None = None,
) -> tuple[ProbeFit, dict[str, Any]]:  # fmt: skip
    """Put a scorer into the network; returns how to weigh it and what was measured on the test split.

    familiarity: the calibration split's scores. victims: folder of the victims' files; kept: of their answers.
    """
    asked = ask_all(network, scenario, labels, calibration, splits, victims, kept, device, tell, cancel, fools)
    scorer = fit_scorer(labels, asked["train"], scenario.seed, tell=tell, cancel=cancel)
    network.scorer = scorer
    fit = fit_probes(Scored.of(asked["calibration"], scorer), familiarity, calibration, labels, scenario.seed)
    test = Scored.of(asked["test"], scorer)
    return fit, measure(test, calibration, fit, labels, scenario.victim_labels, scenario.seed)


def ask_all(
    network: MTAA, scenario: Scenario, labels: list[AttackLabel], calibration: Calibration,
    splits: Mapping[Split, Examples], victims: Path, kept: Path, device: torch.device, tell: ProgressCallback,
    cancel: CancelToken | None = None, fools: StillFools | None = None,
) -> dict[Split, Asked]:  # fmt: skip
    """What all victims say of each split: of some training examples, as [probes] says, and of all others.

    fools: what tells which of the training examples may be changed, of which there are as many as training shows;
    without it none are.
    """
    assert scenario.probes is not None
    check = cancel.check if cancel is not None else (lambda: None)
    asked: dict[Split, Asked] = {}
    for split in SPLITS:
        most = scenario.probes.examples if split == "train" else len(splits[split])
        rows = sample(splits[split], most, scenario.seed)
        examples, as_made = splits[split], np.ones(len(rows), dtype=bool)
        if split == "train" and fools is not None and scenario.training.changed:
            examples, as_made = changed_some(examples, rows, scenario.training.changed, fools, scenario.seed, check)
            rows = np.arange(len(rows))
        found = ask_victims(
            network, labels, calibration, scenario, victims, examples, rows, kept / split, device, tell, cancel
        )
        asked[split] = replace(found, as_made=torch.from_numpy(as_made))
    return asked


def measure(
    scored: Scored, calibration: Calibration, fit: ProbeFit, labels: list[AttackLabel], victims: Sequence[str],
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Image, victims and both side by side, with all victims asked; then both by the number asked.

    calibration: of the image alone.
    """
    asked = scored.asked
    truth = asked.attack.numpy(), asked.victim.numpy(), asked.value.numpy()
    names = [*victims, NONE_OF_THESE]
    adversarial = torch.nonzero(asked.candidate >= 0).squeeze(1)
    by_image = asked.attack_logits.double().softmax(1).numpy(), asked.victim_logits.double().softmax(1).numpy()
    found: dict[str, Any] = {
        "image": evaluate(Predictions(*by_image, _within(asked.image_value, labels)), labels, victims, *truth),
        "probes": evaluate(
            _victims_alone(scored, labels, len(victims), adversarial), labels, victims,
            *(column[adversarial.numpy()] for column in truth),
        ),
    }  # fmt: skip
    told = _calibrated(scored.weighed(fit), calibration, fit, labels)
    found["both"] = evaluate(told, labels, names, *truth)
    found["by_number_asked"] = _by_number(scored, calibration, fit, labels, seed)
    return found


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
        cls, scored: Scored, calibration: Calibration, fit: ProbeFit, labels: list[AttackLabel],
        at_hand: Tensor | None = None,
    ) -> Promises:  # fmt: skip
        """calibration: of the image alone. at_hand: [N, V], which victims are asked, or all."""
        asked, weighed = scored.asked, scored.weighed(fit, at_hand)
        told = _calibrated(weighed, calibration, fit, labels)
        attack, named = asked.attack.numpy(), told.attack.argmax(1)
        widths = [
            [at_coverage(fit.calibration, halfwidths[a.name], COVERAGE) for a in labels]
            for halfwidths in (fit.calibration.halfwidths, fit.halfwidths)
        ]
        half = np.asarray(widths)[spoke_themselves(asked, weighed.victim, at_hand).long().numpy(), named]
        error = np.abs(told.hyperparameter[np.arange(len(asked)), named] - asked.value.numpy())
        attacked = np.asarray([a.name != CLEAN for a in labels])[attack]
        return cls(
            told,
            _held(told.attack, attack, at_coverage(fit.calibration, fit.calibration.attack_scores, COVERAGE)),
            _held(
                told.victim, asked.victim.numpy(),
                at_coverage(fit.calibration, fit.calibration.victim_scores, COVERAGE),
            ),
            error <= half + 1e-9,
            attacked & (named == attack),
        )  # fmt: skip

    def coverage(self, rows: Bools) -> dict[str, float | None]:
        """Shares over some examples; of intervals None where none is due."""
        return {
            "attack_set_coverage": share_of(self.attack[rows]),
            "victim_set_coverage": share_of(self.victim[rows]),
            "interval_coverage": share_of(self.value[rows & self.due]),
        }


def _held(probabilities: Floats, truth: Ints, limit: float) -> Bools:
    """Whether each row's set holds its true label: one within the limit, or the likeliest."""
    held: Bools = (1 - probabilities[np.arange(len(truth)), truth] <= limit) | (probabilities.argmax(1) == truth)
    return held


def _by_number(
    scored: Scored, calibration: Calibration, fit: ProbeFit, labels: list[AttackLabel], seed: int
) -> dict[str, dict[str, float | None]]:
    """Accuracies, and coverage of sets and intervals, by how many victims are at hand."""
    asked = scored.asked
    at_hand = some_at_hand(asked, seed + 1)
    kept = Promises.of(scored, calibration, fit, labels, at_hand)
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


def _calibrated(told: Weighed, calibration: Calibration, fit: ProbeFit, labels: Sequence[AttackLabel]) -> Predictions:
    """Both together, as the attributor gives them; calibration: of the image alone."""
    attack = told.attack.double() * calibration.attack_temperature / fit.calibration.attack_temperature
    victim = told.victim.double() / fit.calibration.victim_temperature
    return Predictions(attack.softmax(1).numpy(), victim.softmax(1).numpy(), _within(told.value, labels))


def _within(value: Tensor, labels: Sequence[AttackLabel]) -> Floats:
    told: Floats = np.clip(value.double().numpy(), [a.minimum for a in labels], [a.maximum for a in labels])
    return told
