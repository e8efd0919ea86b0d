"""A pack beside the one that it was grown from, on the examples that both can name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from core.manifest import AttackLabel
from core.pack import Pack, build_network
from training.doubts import Doubts, calibrated
from training.metrics import Floats, Predictions, evaluate
from training.shards import Examples
from training.trainer import answer


def compare(
    pack: Pack, predictions: Predictions, labels: Sequence[AttackLabel], victims: Sequence[str], test: Examples,
    device: torch.device,
) -> dict[str, Any]:  # fmt: skip
    """The pack that was begun with and the grown one on the test examples whose labels both know.

    The old pack answers among its own labels and the grown one among all, so new labels can only cost it.
    """
    manifest = pack.manifest
    at_attack = [[a.name for a in labels].index(a.name) for a in manifest.attacks]
    at_victim = [list(victims).index(v.name) for v in manifest.victims]
    chosen = np.flatnonzero(np.isin(test.attack, at_attack) & np.isin(test.victim, at_victim))
    found: dict[str, Any] = {"pack": manifest.pack_id, "examples": len(chosen)}
    if not len(chosen):
        return found
    told = _answers_of(pack, test, chosen, device)
    before = Predictions(
        attack=_widened(told.attack, at_attack, len(labels)),
        victim=_widened(told.victim, at_victim, len(victims)),
        hyperparameter=_widened(told.hyperparameter, at_attack, len(labels)),
    )
    after = Predictions(predictions.attack[chosen], predictions.victim[chosen], predictions.hyperparameter[chosen])
    truth = test.attack[chosen], test.victim[chosen], test.hyperparameter[chosen]
    for name, answers in (("before", before), ("after", after)):
        figures = evaluate(answers, labels, victims, *truth)
        found[name] = {key: figures[key] for key in ("attack_accuracy", "victim_accuracy", "rmse_table1_scale")}
        found[name]["by_attack"] = figures["by_attack"]
    return found


def _answers_of(pack: Pack, test: Examples, chosen: Any, device: torch.device) -> Predictions:
    """What the pack says of these examples by the image alone, as :mod:`core.answers` has it."""
    network, manifest = build_network(pack).to(device), pack.manifest
    answers = answer(network, torch.from_numpy(test.adversarial[chosen]), device)
    strange = network.familiarity.cpu()(answers.features) > manifest.calibration.familiarity_threshold
    doubts = Doubts(manifest.doubt(familiar=True), manifest.doubt(familiar=False), strange)
    return calibrated(answers, doubts, manifest.attacks, manifest.clean)


def _widened(values: Floats, at: list[int], width: int) -> Floats:
    """[N, old] -> [N, width] with the old columns at ``at`` and zeros elsewhere."""
    wide = np.zeros((len(values), width))
    wide[:, at] = values
    return wide
