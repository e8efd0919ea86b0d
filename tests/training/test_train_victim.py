"""Training a victim: measured before it is there, the same twice, and nothing left of what was cancelled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import Cancelled
from core.progress import CancelToken
from core.victims import Victim, load_victim
from training import train_victim as training
from training.sources import CleanImages, load_digits_images


def few_digits() -> CleanImages:
    clean = load_digits_images()
    return dataclasses.replace(
        clean, images=clean.images[:400], labels=clean.labels[:400], split=clean.split[:400].copy()
    )


def train(clean: CleanImages, path: Path, cancel: CancelToken | None = None) -> Victim:
    return training.train_victim(
        "ResNet18", clean, path, passes=1.0, seed=0, device=torch.device("cpu"), batch=64, cancel=cancel
    )


def test_a_trained_victim_carries_its_measured_accuracy(tmp_path: Path) -> None:
    clean, path = few_digits(), tmp_path / "new" / "one.safetensors"
    returned = train(clean, path)
    loaded, _ = load_victim(path)
    assert loaded.card == returned.card
    rows = clean.rows("test")
    named = loaded(torch.from_numpy(clean.images[rows]).float() / 255).argmax(1).numpy()
    assert loaded.card.accuracy == pytest.approx((named == clean.labels[rows]).mean())
    assert loaded.card.std == pytest.approx((clean.images[clean.rows("train")] / 255).std(), abs=1e-4)
    train(clean, tmp_path / "twin.safetensors")
    assert (tmp_path / "twin.safetensors").read_bytes() == path.read_bytes()


def test_a_victim_that_was_not_measured_yet_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run killed while it measures must not leave a file that the next run takes for a finished victim."""
    path = tmp_path / "one.safetensors"

    def killed(*_: object) -> float:
        assert not path.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "accuracy", killed)
    with pytest.raises(KeyboardInterrupt):
        train(few_digits(), path)
    assert not list(tmp_path.iterdir())


def test_a_cancelled_training_leaves_nothing(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        train(few_digits(), tmp_path / "one.safetensors", cancel)
    assert not list(tmp_path.iterdir())


def test_shifting_moves_a_batch_by_whole_pixels() -> None:
    images = torch.from_numpy(np.random.default_rng(0).random((2, 1, 8, 8), np.float32))
    generator = torch.Generator().manual_seed(1)
    seen = {tuple(training._shifted(images, generator, 1).flatten().tolist()) for _ in range(60)}
    assert len(seen) == 9
    assert tuple(images.flatten().tolist()) in seen
