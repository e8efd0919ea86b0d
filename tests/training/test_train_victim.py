"""Training a victim: measured before it is there, the same twice, and gone on with after any end."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import Cancelled, DataError, DeviceError, VictimError
from core.progress import CancelToken, Progress
from core.victims import ARCHITECTURES, Victim, load_victim
from training import train_victim as training
from training.augment import photo, shifted
from training.naming import accuracy
from training.sources import CleanImages, load_digits_images


def few_digits() -> CleanImages:
    clean = load_digits_images()
    return dataclasses.replace(
        clean, images=clean.images[:400], labels=clean.labels[:400], split=clean.split[:400].copy()
    )


def train(clean: CleanImages, path: Path, cancel: CancelToken | None = None) -> Victim:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(training.BATCH, "shift", 64)
        return training.train_victim(
            "ResNet18", clean, path, passes=1.0, seed=0, device=torch.device("cpu"), cancel=cancel
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


def test_a_training_cancelled_before_its_first_step_leaves_nothing(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        train(few_digits(), tmp_path / "one.safetensors", cancel)
    assert not list(tmp_path.iterdir())


class Killed(BaseException):
    """What kill -9 is to a test: nobody catches it."""


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> str:
    """A victim of milliseconds that draws from the global generator as it learns."""

    def build(channels: int, classes: int, side: int) -> nn.Module:
        first = nn.Conv2d(channels, 8, 3, stride=2)
        return nn.Sequential(first, nn.BatchNorm2d(8), nn.Dropout(0.5), nn.Flatten(), nn.LazyLinear(classes))

    def whole(channels: int, classes: int, side: int) -> nn.Module:
        network = build(channels, classes, side)
        network(torch.zeros(2, channels, side, side))  # tells the last layer its width
        return network

    monkeypatch.setitem(ARCHITECTURES, "Forgetful", whole)
    monkeypatch.setattr("training.checkpoint.EVERY", 0)
    monkeypatch.setattr("training.checkpoint._SHARE", 0)  # a checkpoint before every step
    return "Forgetful"


def ended(architecture: str, path: Path, steps: int, end: type[BaseException] = Killed, **options: object) -> None:
    """A training that ends after so many steps."""
    left = iter(range(steps))
    whole = training.VictimTraining.step

    def step(self: training.VictimTraining) -> None:
        if next(left, None) is None:
            raise end
        whole(self)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(end):
        patch.setattr(training.VictimTraining, "step", step)
        forgetful_training(architecture, path, **options)


def forgetful_training(architecture: str, path: Path, **options: object) -> list[Progress]:
    told: list[Progress] = []
    given = {"passes": 3.0, "seed": 1, "device": torch.device("cpu"), "batch": 40, "tell": told.append} | options
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "BATCH", dict.fromkeys(training.BATCH, given.pop("batch")))
        training.train_victim(architecture, few_digits(), path, **given)  # type: ignore[arg-type]
    return told


@pytest.mark.parametrize("end", [Killed, Cancelled])
def test_whatever_ends_a_training_it_goes_on_to_the_same_bytes(
    forgetful: str, tmp_path: Path, end: type[BaseException]
) -> None:
    path, whole = tmp_path / "one.safetensors", tmp_path / "whole.safetensors"
    for steps in (1, 9, 6):  # within the first pass, beyond it, and amid a later one
        ended(forgetful, path, steps, end)
        assert not path.exists()
        torch.randn(3)  # a process of its own would begin with other numbers
    assert forgetful_training(forgetful, path)[-1].done == 24 * 40
    forgetful_training(forgetful, whole, name=forgetful)
    assert path.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.glob("*.safetensors")) == [path, whole]
    assert not list(tmp_path.glob("*.unfinished"))  # no checkpoint is left


def test_another_training_does_not_go_on_from_it(forgetful: str, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    ended(forgetful, path, 5)
    for other, named in (({"seed": 2}, "victim"), ({"passes": 5.0}, "steps"), ({"batch": 20}, "steps, batch")):
        with pytest.raises(DataError, match=f"other {named}"):
            forgetful_training(forgetful, path, **other)


def test_a_victim_that_was_trained_otherwise_is_not_taken_for_the_one_asked_for(forgetful: str, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    forgetful_training(forgetful, path, passes=1.0)
    made = path.read_bytes()
    assert forgetful_training(forgetful, path, passes=1.0) == [], "it is there"
    for other in ({"passes": 2.0}, {"seed": 2}, {"augmentation": "photo"}):
        with pytest.raises(VictimError, match=f"trained with other {next(iter(other))}"):
            forgetful_training(forgetful, path, **{"passes": 1.0} | other)
    with pytest.raises(VictimError, match="other images"):
        clean = few_digits()
        clean.images[0] ^= 1
        training.train_victim(forgetful, clean, path, passes=1.0, seed=1, device=torch.device("cpu"))
    path.with_suffix(".trained.json").unlink()  # as where it was brought from elsewhere
    assert forgetful_training(forgetful, path, passes=2.0) == [] and path.read_bytes() == made


def test_shifting_moves_a_batch_by_whole_pixels() -> None:
    images = torch.from_numpy(np.random.default_rng(0).random((2, 1, 8, 8), np.float32))
    generator = torch.Generator().manual_seed(1)
    seen = {tuple(shifted(images, generator).flatten().tolist()) for _ in range(60)}
    assert len(seen) == 9
    assert tuple(images.flatten().tolist()) in seen


def test_photographs_are_cropped_and_mirrored_one_by_one_and_seen_whole_at_last() -> None:
    ramp = torch.arange(0, 252, 9, dtype=torch.uint8).expand(1, 3, 28, 28)  # grows from left to right
    torch.manual_seed(0)
    early, late = photo(ramp.expand(40, -1, -1, -1), done=0.5), photo(ramp.expand(40, -1, -1, -1), done=0.9)
    assert early.shape == (40, 3, 16, 16) and late.shape == (40, 3, 28, 28)
    assert 0 <= float(early.min()) < float(early.max()) <= 1
    mirrored = early[:, 0, 0, 0] > early[:, 0, 0, -1]
    assert 8 < int(mirrored.sum()) < 32
    widths = {round(float((image[0, 0, -1] - image[0, 0, 0]).abs()), 3) for image in early}
    assert len(widths) > 10


def test_a_network_of_torchvision_is_trained_on_photographs_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """In float32 where convolutions are grouped; its file says what reads it."""
    path, whole = tmp_path / "one.safetensors", tmp_path / "whole.safetensors"
    settings: dict[str, object] = {"augmentation": "photo", "passes": 0.5}
    ended("mobilenet_v3_small", path, 2, Cancelled, **settings)
    forgetful_training("mobilenet_v3_small", path, **settings)
    forgetful_training("mobilenet_v3_small", whole, **settings)
    assert path.read_bytes() == whole.read_bytes()
    victim, _ = load_victim(path)
    assert (victim.card.form, victim.card.architecture) == ("torchvision", "mobilenet_v3_small")
    assert victim(torch.rand(2, 1, 8, 8)).shape == (2, 10)
    ended("mobilenet_v3_small", tmp_path / "two.safetensors", 2, Cancelled, **settings)
    with pytest.raises(DataError, match="other augmentation"):
        forgetful_training("mobilenet_v3_small", tmp_path / "two.safetensors", passes=0.5)


def test_a_batch_that_the_memory_does_not_hold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(training.F, "cross_entropy", full)
    with pytest.raises(DeviceError, match="64 images do not fit into cpu's memory beside ResNet18"):
        train(few_digits(), tmp_path / "one.safetensors")


def test_a_victim_is_measured_by_as_many_images_as_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = few_digits()
    victim = train(clean, tmp_path / "one.safetensors")
    rows, seen, forward = clean.rows("test"), [], Victim.forward

    def short(self: Victim, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 3:
            raise torch.OutOfMemoryError
        seen.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(Victim, "forward", short)
    assert accuracy(victim, clean.images[rows], clean.labels[rows]) == pytest.approx(victim.card.accuracy)
    assert sum(seen) == len(rows) and max(seen) <= 3
