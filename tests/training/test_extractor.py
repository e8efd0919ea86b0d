"""The perturbation extractor's own training: it learns, alone, goes on where it stopped, and says why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.errors import Cancelled, DataError, DeviceError, ScenarioError
from core.progress import CancelToken, Progress
from training.checkpoint import CHECKPOINT
from training.gradients import batch_sizes
from training.losses import reconstruction_loss
from training.trainer import Trainer

from .test_trainer import examples, same, settings, state, trainer  # noqa: F401 (a fixture)

Make = Callable[..., Trainer]
STEPS = len(batch_sizes(66, 16))


def alone(make: Make, folder: str = "run", **changes: Any) -> Trainer:
    return make(folder, training=settings(**({"extractor_epochs": 4, "learning_rate": 1e-2} | changes)))


def teach(run: Trainer, tell: Callable[[Progress], None] = lambda _: None, cancel: CancelToken | None = None) -> None:
    run.extractor().run(tell, cancel)


class StopAfter(CancelToken):
    """Cancels itself when it has let so many steps pass."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.cancel()
        super().check()


@torch.no_grad()
def missed(run: Trainer) -> float:
    held_out = examples(60, seed=1)
    adversarial, clean = (torch.from_numpy(i).float() / 255 for i in (held_out.adversarial, held_out.clean))
    assert run.network.perturbation_extractor is not None
    found = run.network.perturbation_extractor.eval()(adversarial)
    return float(reconstruction_loss(found.estimate, adversarial, clean))


def test_its_weights_decay_as_the_scenario_says(trainer: Make) -> None:  # noqa: F811
    groups = alone(trainer, weight_decay=0.02, decoupled_decay=True).extractor()._optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.02, 0.0]
    assert all(p.dim() > 1 for p in groups[0]["params"]) and all(p.dim() <= 1 for p in groups[1]["params"])
    assert groups[0]["params"] and groups[1]["params"]


@pytest.mark.usefixtures("in_bf16")
def test_under_bf16_equal_images_have_equal_feature_maps(trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Eq. 4's target is the difference of two maps, which is to be the perturbation's and not of two roundings."""
    pairs: list[tuple[Tensor, Tensor]] = []

    def spy(estimate: Tensor, feature_map: Tensor, clean: Tensor) -> Tensor:
        pairs.append((feature_map, clean))
        return reconstruction_loss(estimate, feature_map, clean)

    monkeypatch.setattr("training.extractor.reconstruction_loss", spy)
    run = trainer(
        network={"backbone": "resnet18", "perturbation_extractor": "features"},
        training=settings(extractor_epochs=1, precision="bf16"),
        train=replace(examples(), clean=examples().adversarial),
    )
    teach(run)
    assert pairs and all(torch.equal(feature_map, clean) for feature_map, clean in pairs)


def test_it_learns_and_nothing_else_does(trainer: Make) -> None:  # noqa: F811
    run = alone(trainer, extractor_epochs=20)
    before, error = state(run), missed(run)
    told: list[Progress] = []
    teach(run, told.append)
    assert missed(run) < 0.6 * error
    moved = {name for name, value in state(run).items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith("perturbation_extractor.") for name in moved)
    assert told[-1].done == told[-1].total == 20 * STEPS
    assert told[-1].stage == "training the auto-encoder"


def test_the_rest_is_trained_after_it(trainer: Make) -> None:  # noqa: F811
    first, both = alone(trainer, "first"), alone(trainer, "both")
    teach(first)
    reports = both.run()
    plain = trainer("plain", training=settings(learning_rate=1e-2)).run()
    assert len(reports) == len(plain) == 3
    assert reports[0].losses["reconstruction"] < plain[0].losses["reconstruction"]
    again = alone(trainer, "both")
    assert again.run() == reports  # and not once more
    assert same(state(again), state(both))


@pytest.mark.parametrize("after", [3, STEPS, 2 * STEPS + 1])
def test_stopped_anywhere_it_ends_with_the_bits_of_an_undisturbed_one(trainer: Make, after: int) -> None:  # noqa: F811
    whole = alone(trainer, "whole")
    teach(whole)
    with pytest.raises(Cancelled):
        teach(alone(trainer), cancel=StopAfter(after))
    torch.rand(7)  # another process is anywhere in its random numbers
    resumed = alone(trainer)
    told: list[Progress] = []
    teach(resumed, told.append)
    assert told[0].done >= after
    assert same(state(resumed), state(whole))


def test_a_checkpoint_of_other_settings_is_refused(trainer: Make, tmp_path: Path) -> None:  # noqa: F811
    teach(alone(trainer))
    assert (tmp_path / "run" / "extractor" / CHECKPOINT).exists()
    with pytest.raises(DataError, match="settings"):
        teach(alone(trainer, extractor_epochs=5))


def test_a_loss_that_diverges_says_what_to_lower(trainer: Make) -> None:  # noqa: F811
    run = alone(trainer)
    with torch.no_grad():
        next(run.network.perturbation_extractor.parameters()).fill_(torch.nan)  # type: ignore[union-attr]
    with pytest.raises(ScenarioError, match="diverged") as caught:
        teach(run)
    assert "learning_rate" in caught.value.remedy


def test_a_batch_that_does_not_fit_says_what_to_lower(
    trainer: Make, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    run = alone(trainer)

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(run.network.perturbation_extractor, "forward", full)
    with pytest.raises(DeviceError, match="16 images do not fit") as caught:
        teach(run)
    assert "training.batch" in caught.value.remedy
