"""What every test gets: no screen, few threads, and user folders of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.adjustments import Adjustment, Kind
from core.types import Attribution, ClassAnswer, Familiarity, Finding, Heatmap, HyperparameterAnswer, RankedLabel

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for _variable in (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
):  # before torch is imported; tiny tensors gain nothing from more
    os.environ.setdefault(_variable, "1")


@pytest.fixture(autouse=True)
def user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Send the user's packs, settings, logs and caches to a fresh folder, here and in child processes."""
    home = tmp_path_factory.mktemp("home")
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(home / variable.lower()))
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture(scope="session")
def tiny_manifest() -> dict[str, Any]:
    """The entries of a valid manifest but for the weights' hash; copy before changing it."""
    return {
        "name": "tiny",
        "title": "Tiny pack",
        "description": "Untrained, for tests.",
        "created": "2024-01-01T00:00:00Z",
        "attacks": [
            {"name": "clean", "hyperparameter": "none", "unit": "", "minimum": 0, "maximum": 0},
            {"name": "fgsm", "hyperparameter": "epsilon", "unit": "/255", "minimum": 10, "maximum": 200},
            {"name": "cw", "hyperparameter": "kappa", "unit": "logits", "minimum": 1, "maximum": 20},
        ],
        "victims": [{"name": "clean"}, {"name": "resnet18", "sha256": "a" * 64, "accuracy": 0.99}],
        "image": {"channels": 1, "height": 28, "width": 28},
        "network": {"width": 4},
        "calibration": {
            "attack_temperature": 1.5,
            "victim_temperature": 1.2,
            "sigma": {"attack": 0.5, "victim": 0.6, "hyperparameter": 2.0},
            "coverages": [0.8, 0.9, 0.95],
            "attack_scores": [0.5, 0.7, 0.8],
            "victim_scores": [0.4, 0.6, 0.8],
            "halfwidths": {"clean": [0, 0, 0], "fgsm": [8, 12, 20], "cw": [2, 3, 4]},
            "familiarity_threshold": 1e9,
        },
        "scenario": {},
        "results": {"attack_accuracy": 0.5},
        "data_fingerprint": "b" * 64,
    }


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory, tiny_manifest: dict[str, Any]) -> Path:
    """A pack file of the real network, small and untrained, always the same. Copy it before changing it."""
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "tiny.mtaapack", tiny_manifest)


@pytest.fixture(scope="session")
def colour_pack(tmp_path_factory: pytest.TempPathFactory, tiny_manifest: dict[str, Any]) -> Path:
    """The same for colour of 48x48, under the name "colour"."""
    entries = {**tiny_manifest, "name": "colour", "image": {"channels": 3, "height": 48, "width": 48}}
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "colour.mtaapack", entries)


def write_tiny_pack(path: Path, entries: dict[str, Any]) -> Path:
    import torch  # noqa: PLC0415

    from core.manifest import Manifest  # noqa: PLC0415
    from core.model.network import MTAA  # noqa: PLC0415
    from core.pack import write_pack  # noqa: PLC0415

    checked = Manifest.model_validate({**entries, "weights_sha256": "0" * 64})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MTAA(checked.network, checked.image, checked.attacks, len(checked.victims))
    write_pack(path, entries, network.state_dict())
    return path


@pytest.fixture
def finding() -> Finding:
    """An answer with every kind of doubt: several candidates, an interval, an unfamiliar image, adjustments."""
    attack = ClassAnswer(
        (RankedLabel("fgsm", 0.7), RankedLabel("cw", 0.2), RankedLabel("clean", 0.1)), 1.157, 0.5, ("fgsm", "cw"), 0.9
    )
    victim = ClassAnswer(
        (RankedLabel("resnet18", 0.9997), RankedLabel("clean", 0.0003)), 0.004, 0.6, ("resnet18",), 0.9
    )
    hyperparameters = (
        HyperparameterAnswer("epsilon", 30.44, 24.0, 37.2, "/255", 2.0, 10, 200, 0.9),
        HyperparameterAnswer("kappa", 5.2, 3.1, 7.0, "logits", 2.0, 1, 20, 0.9),
        HyperparameterAnswer("none", 0, 0, 0, "", 2.0, 0, 0, 0.9),
    )
    strength = np.linspace(0, 1, 784, dtype=np.float32).reshape(28, 28)
    return Finding(
        Attribution(
            "c" * 64,
            "tiny@000000000000",
            attack,
            victim,
            hyperparameters,
            Familiarity(3.5, 2.0, False),
            (Adjustment(Kind.LOSSY, ("JPEG",)),),
        ),
        Heatmap(strength, None, "Perturbation"),
    )
