"""Victims: five architectures at any size, and files that hold exactly what was attacked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load, save

from core.errors import Cancelled, VictimError, WorkbenchError
from core.progress import CancelToken
from training import train_victim as training
from training.sources import CleanImages, load_digits_images
from training.victim_zoo import ARCHITECTURES, Victim, VictimCard, load_victim, save_victim

CARD = VictimCard(
    name="one", architecture="ResNet18", dataset="digits", classes=10, channels=1, height=8, width=8,
    mean=0.3, std=0.4, accuracy=0.5, seed=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def victim() -> Victim:
    torch.manual_seed(0)
    return Victim(CARD).frozen()


@pytest.fixture
def saved(victim: Victim, tmp_path: Path) -> Path:
    path = tmp_path / "victims" / "one.safetensors"
    save_victim(victim, path)
    return path


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_takes_every_size(architecture: str) -> None:
    torch.manual_seed(0)
    for channels, side in ((1, 8), (1, 28), (3, 32)):
        card = dataclasses.replace(CARD, architecture=architecture, channels=channels, height=side, width=side)
        network = Victim(card).frozen()
        with torch.inference_mode():
            logits = network(torch.rand(2, channels, side, side))
        assert logits.shape == (2, 10)
        assert logits.isfinite().all()
        assert not torch.equal(logits[0], logits[1])


def test_gradients_pass_through_normalisation_and_resizing(victim: Victim) -> None:
    x = torch.rand(2, 1, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(victim(x).logsumexp(1).sum(), x)
    assert (gradient.flatten(1).abs().amax(1) > 0).all()
    assert not any(p.requires_grad for p in victim.parameters())
    assert not any(module.training for module in victim.modules())


def test_what_is_loaded_is_what_the_file_holds(victim: Victim, saved: Path) -> None:
    loaded, digest = load_victim(saved)
    assert digest == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert loaded.card == CARD
    before, after = victim.network.state_dict(), loaded.network.state_dict()
    assert before.keys() == after.keys()
    for key, value in after.items():
        rounded = before[key].half().to(before[key].dtype) if before[key].dim() > 1 else before[key]
        assert torch.equal(value, rounded), key
        assert value.dtype == before[key].dtype
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_saving_what_was_loaded_gives_the_same_file(saved: Path, tmp_path: Path) -> None:
    loaded, digest = load_victim(saved)
    assert save_victim(loaded, tmp_path / "again.safetensors") == digest
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(loaded(x), load_victim(tmp_path / "again.safetensors")[0](x))


def with_card(path: Path, **changes: Any) -> None:
    """Rewrite the file with another card; a change to None leaves the entry out."""
    card = {k: v for k, v in {**dataclasses.asdict(CARD), **changes}.items() if v is not None}
    path.write_bytes(save(load(path.read_bytes()), {"card": json.dumps(card)}))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"architecture": "LeNet"}, "LeNet"),
        ({"architecture": ["ResNet18"]}, "architecture"),
        ({"classes": 1}, "classes"),
        ({"channels": 10**12}, "channels"),
        ({"height": 0}, "height"),
        ({"width": "wide"}, "width"),
        ({"std": 0.0}, "std"),
        ({"mean": float("nan")}, "mean"),
        ({"accuracy": 1.5}, "accuracy"),
        ({"seed": None}, "seed"),
        ({"colour": "red"}, "colour"),
        ({"architecture": "VGG16"}, "VGG16"),
        ({"classes": 11}, "ResNet18"),
    ],
)
def test_a_card_that_cannot_be_true_is_refused(saved: Path, changes: dict[str, Any], named: str) -> None:
    with_card(saved, **changes)
    with pytest.raises(VictimError) as caught:
        load_victim(saved)
    assert named in caught.value.what
    assert str(saved) in caught.value.what
    assert "\n" not in str(caught.value)


def test_files_that_are_no_victims_are_refused(saved: Path) -> None:
    good = saved.read_bytes()
    foreign = save({"weight": torch.zeros(2)})
    for content in (b"", b"\x80\x04cos\nsystem\n", good[: len(good) // 2], good[:9] + b"\0" * 40 + good[49:], foreign):
        saved.write_bytes(content)
        with pytest.raises(VictimError, match=r"one\.safetensors"):
            load_victim(saved)
    with pytest.raises(VictimError, match="nowhere"):
        load_victim(saved.with_name("nowhere"))


def test_weights_that_are_no_numbers_are_refused(saved: Path) -> None:
    tensors = load(saved.read_bytes())
    tensors["fc.weight"][0, 0] = torch.inf
    saved.write_bytes(save(tensors, {"card": json.dumps(dataclasses.asdict(CARD))}))
    with pytest.raises(VictimError, match="NaN or infinite"):
        load_victim(saved)


def test_a_card_is_checked_where_it_is_made() -> None:
    with pytest.raises(ValidationError):
        dataclasses.replace(CARD, accuracy=-0.1)


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


def test_a_victim_that_cannot_be_written_is_a_typed_error(victim: Victim, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "one.safetensors", tmp_path / "file" / "deeper" / "one.safetensors"):
        with pytest.raises(WorkbenchError, match="cannot be"):
            save_victim(victim, path)


def test_shifting_moves_a_batch_by_whole_pixels() -> None:
    images = torch.from_numpy(np.random.default_rng(0).random((2, 1, 8, 8), np.float32))
    generator = torch.Generator().manual_seed(1)
    seen = {tuple(training._shifted(images, generator, 1).flatten().tolist()) for _ in range(60)}
    assert len(seen) == 9
    assert tuple(images.flatten().tolist()) in seen
