"""Packs that ask victims, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from core.calibration import Calibration, ProbeFit
from core.manifest import Manifest
from core.model.network import MTAA
from core.pack import write_pack


def fit(**changes: Any) -> ProbeFit:
    """Weights that count image and victims in full; ``changes`` replaces some."""
    calibration = Calibration.model_validate(
        {
            "attack_temperature": 1.0, "victim_temperature": 1.0,
            "sigma": {"attack": 0.5, "victim": 0.6, "hyperparameter": 2.0}, "coverages": [0.8, 0.9, 0.95],
            "attack_scores": [0.5, 0.7, 0.8], "victim_scores": [0.4, 0.6, 0.8],
            "halfwidths": {"clean": [0, 0, 0], "FGSM": [8, 12, 20], "C&W": [2, 3, 4]}, "familiarity_threshold": 1e9,
        }
    )  # fmt: skip
    given: dict[str, Any] = {
        "trust": 0.9, "weight": 1.0, "stranger": -2.0, "none": -6.0, "compressed": True, "together": True,
        "image_share": [1.0, 0.5, 0.5],
        "calibration": calibration, "halfwidths": {"clean": [0, 0, 0], "FGSM": [1, 2, 3], "C&W": [0.5, 1, 1.5]},
    }  # fmt: skip
    return ProbeFit(**(given | changes))


def write_asking_pack(path: Path, entries: dict[str, Any], victims: list[dict[str, Any]], **changes: Any) -> Manifest:
    """A small untrained pack over the entries of a manifest, with a scorer, that knows these victims beside clean."""
    probes = fit(**changes).model_dump()
    probes["calibration"] = entries["calibration"]
    probes["halfwidths"] = {name: [w / 4 for w in row] for name, row in entries["calibration"]["halfwidths"].items()}
    probes["growth"] = dict.fromkeys(list(probes["halfwidths"])[1:], 0.5)
    asking = {**entries, "victims": [{"name": "clean"}, *victims], "probes": probes}
    checked = Manifest.model_validate({**asking, "weights_sha256": "0" * 64})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MTAA(checked.network, checked.image, checked.attacks, len(checked.victims), probes=checked.probes)
    return write_pack(path, asking, network.state_dict())
