"""Training: it learns, it goes on where it stopped to the bit, and it goes on with nothing else."""

from __future__ import annotations

import dataclasses
import errno
import io
import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import Cancelled, DataError, DeviceError, DiskFullError, ScenarioError
from core.manifest import ImageSpec
from core.model.network import MTAA, Outputs
from core.progress import CancelToken, Progress
from training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from training.gradients import Batches, batch_sizes
from training.plan import attack_labels
from training.scenario import Scenario
from training.shards import Examples
from training.trainer import EpochReport, Trainer, answer

Build = Callable[..., Scenario]
CPU = torch.device("cpu")


def examples(count: int = 66, seed: int = 0) -> Examples:
    """Three kinds that a network can tell: nothing added, a grid of dots, stripes; the stronger the larger epsilon."""
    rng = np.random.default_rng(seed)
    clean = rng.integers(90, 130, (count, 1, 8, 8)).astype(np.uint8)
    attack = np.arange(count) % 3
    value = np.where(attack > 0, rng.integers(20, 100, count), 0)
    dots, stripes = (np.indices((8, 8)).sum(0) % 2 == 0), (np.indices((8, 8))[0] % 2 == 0)
    pattern = np.stack([np.zeros((8, 8)), dots, stripes])[attack][:, None]
    adversarial = (clean + pattern * value[:, None, None, None]).clip(0, 255).astype(np.uint8)
    return Examples(
        adversarial, clean, attack, np.minimum(attack, 1), value.astype(np.float32), attack - 1, np.arange(count)
    )


@pytest.fixture
def trainer(scenario: Build, tmp_path: Path) -> Callable[..., Trainer]:
    """``trainer()`` on the small set into ``tmp_path/run``; ``folder``, ``train`` or scenario entries may be others."""

    def build(folder: str = "run", train: Examples | None = None, **changes: Any) -> Trainer:
        chosen = scenario(**changes)
        image = ImageSpec(channels=1, height=8, width=8)
        train = train or examples()
        return Trainer(chosen, attack_labels(chosen), image, train, tmp_path / folder, CPU)

    return build


def settings(**changes: Any) -> dict[str, Any]:
    return {"epochs": 3, "batch": 16, "precision": "fp32"} | changes


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    weights = {**trainer.network.state_dict(), **trainer.weighting.state_dict()}
    return {name: value.clone() for name, value in weights.items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("decoupled", [False, True])
def test_a_toy_set_is_learnt(trainer: Callable[..., Trainer], decoupled: bool) -> None:
    wanted = settings(epochs=12, learning_rate=1e-2, decoupled_decay=decoupled)
    run = trainer(training=wanted)
    history = run.run()
    first, last = history[0], history[-1]
    assert last.attack_accuracy > 0.95 > first.attack_accuracy
    for name in ("attack", "victim", "hyperparameter"):
        assert last.losses[name] < first.losses[name] / 2, name
    assert last.sigma["hyperparameter"] < 1  # eq. 14 trusts what it has learnt
    held_out = examples(60, seed=1)
    answers = answer(run.network, torch.from_numpy(held_out.adversarial), CPU)
    assert (answers.attack.argmax(1).numpy() == held_out.attack).mean() > 0.9


def test_the_plain_sum_keeps_its_sigmas(trainer: Callable[..., Trainer]) -> None:
    history = trainer(network={"width": 4, "uncertainty_weighted": False}).run()
    assert all(set(epoch.sigma.values()) == {1.0} for epoch in history)
    last = history[-1].losses
    parts = last["attack"] + last["victim"] + last["hyperparameter"] + last["reconstruction"]
    assert last["total"] == pytest.approx(parts, rel=1e-5)


def test_ranks_go_on_in_one_part_where_a_single_process_needed_more(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 10 and 9 examples one rank would take two parts and wait in vain for the other, which takes one."""
    run = trainer()
    gradients, taken = run._gradients, []
    real = gradients._batches.take
    monkeypatch.setattr(gradients._batches, "take", lambda rows: (taken.append(len(rows)), real(rows))[1])
    gradients._tally.micro = 8
    gradients.of(torch.arange(19), lambda _batch, _part: None)
    monkeypatch.setattr(gradients, "_ranks", SimpleNamespace(alone=False, count=2, part=lambda rows: rows[:10]))
    gradients.of(torch.arange(19), lambda _batch, _part: None)
    assert taken[:-1] != [19] and sum(taken[:-1]) == 19 and taken[-1] == 10


class Killed(BaseException):
    pass


@pytest.mark.parametrize("epochs_done", [1, 2])
def test_a_resumed_run_ends_with_the_bits_of_an_undisturbed_one(
    trainer: Callable[..., Trainer], epochs_done: int
) -> None:
    whole = trainer("whole")
    history = whole.run()

    def kill(report: EpochReport) -> None:
        if report.epoch + 1 == epochs_done:
            raise Killed

    with pytest.raises(Killed):
        trainer().run(report=kill)
    resumed = trainer()
    torch.rand(7)  # another process is anywhere in its random numbers
    told: list[EpochReport] = []
    progress: list[Progress] = []
    assert resumed.run(report=told.append, tell=progress.append) == history
    assert same(state(resumed), state(whole))
    assert [report.epoch for report in told] == list(range(epochs_done, 3))
    assert progress[-1].done == progress[-1].total == 3 * len(batch_sizes(66, 16))


def test_stopped_within_an_epoch_the_epoch_is_done_again(trainer: Callable[..., Trainer]) -> None:
    whole = trainer("whole")
    whole.run()
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        trainer().run(report=lambda _: cancel.cancel(), cancel=cancel)
    resumed = trainer()
    resumed.run()
    assert same(state(resumed), state(whole))


def wide(count: int = 20) -> Examples:
    """16x16: four of the small examples side by side."""
    whole = examples(count)
    twice = {name: np.tile(getattr(whole, name), (1, 1, 2, 2)) for name in ("adversarial", "clean")}
    return dataclasses.replace(whole, **twice)


def test_parts_are_the_same_of_both_images_and_lie_anywhere() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 3, 20, 16), np.uint8)
    labels = np.zeros(6, np.int64)
    train = Examples(images, images, labels, labels, labels.astype(np.float32), labels, labels)
    batches = Batches(train, CPU, crop=8)
    seen: set[tuple[int, int]] = set()
    for seed in range(60):
        batches.draw(torch.Generator().manual_seed(seed))
        batch = batches.take(torch.arange(6))
        assert batch.adversarial.shape == (6, 3, 8, 8) and torch.equal(batch.adversarial, batch.clean)
        for image, part in zip(torch.from_numpy(images).float() / 255, batch.clean, strict=True):
            places = [(y, x) for y in range(13) for x in range(9) if torch.equal(image[:, y : y + 8, x : x + 8], part)]
            seen.update(places)
            assert len(places) == 1
    assert len(seen) > 0.9 * 13 * 9
    assert torch.equal(Batches(train, CPU, crop=99).take(torch.arange(6)).clean, torch.from_numpy(images) / 255)


@pytest.mark.parametrize("crop", [None, 8])
def test_a_share_of_the_examples_is_changed_and_an_image_as_its_clean_one(crop: int | None) -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 1, 16, 16), np.uint8)
    labels = np.zeros(200, np.int64)
    train = Examples(images, images, labels, labels, labels.astype(np.float32), labels, labels)
    batches, plain = (Batches(train, CPU, crop, share) for share in (0.25, 0))
    taken = []
    for seed in (1, 1, 2):
        for each in (batches, plain):
            each.draw(torch.Generator().manual_seed(seed))
        taken.append(batches.take(torch.arange(200)).adversarial)
        assert torch.equal(taken[-1], batches.take(torch.arange(200)).clean)
        apart = (taken[-1] != plain.take(torch.arange(200)).adversarial).flatten(1).any(1)
        assert 30 < int(apart.sum()) < 70
    assert torch.equal(taken[0], taken[1])
    assert not torch.equal(taken[0], taken[2])


@pytest.mark.parametrize("changed", [None, 0.5])
def test_trained_on_parts_a_run_resumes_to_the_bit_and_judges_whole_images(
    trainer: Callable[..., Trainer], changed: float | None
) -> None:
    network = {"width": 4, "crop": 8}
    trainer = partial(trainer, training=settings(changed=changed))
    whole = trainer("whole", wide(), network=network)
    history = whole.run()

    def kill(_: EpochReport) -> None:
        raise Killed

    with pytest.raises(Killed):
        trainer("run", wide(), network=network).run(report=kill)
    resumed = trainer("run", wide(), network=network)
    assert resumed.run() == history
    assert same(state(resumed), state(whole))
    assert len(answer(whole.network, torch.from_numpy(wide().adversarial), CPU).attack) == 20


def test_a_finished_run_is_not_trained_again(trainer: Callable[..., Trainer]) -> None:
    first = trainer()
    history = first.run()
    again = trainer()
    told: list[EpochReport] = []
    assert again.run(report=told.append) == history
    assert not told
    assert same(state(again), state(first))


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "another network": ({"network": {"width": 8}}, "network"),
    "another rate": ({"training": settings(learning_rate=1e-2)}, "settings"),
    "fewer epochs": ({"training": settings(epochs=2)}, "settings"),
    "another seed": ({"seed": 7}, "seed"),
    "other examples": ({"train": examples(66, seed=3)}, "examples"),
}


@pytest.mark.parametrize(("changes", "named"), OTHERS.values(), ids=OTHERS.keys())
def test_a_checkpoint_of_another_run_is_refused(
    trainer: Callable[..., Trainer], tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    trainer(training=settings()).run()
    before = (tmp_path / "run" / CHECKPOINT).read_bytes()
    with pytest.raises(DataError, match=rf"checkpoint\.pt does not continue this run: .* other .*{named}"):
        trainer(**{"training": settings()} | changes).run()
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == before


def linear(features: int) -> dict[str, Any]:
    return {"network": nn.Linear(features, 2)}


def test_a_checkpoint_of_other_shapes_is_refused_in_one_line(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, linear(3), [], {})
    for other in (linear(4), {"another": nn.Linear(3, 2)}):
        with pytest.raises(DataError, match="does not continue this run") as caught:
            load_checkpoint(tmp_path, other, {})
        assert "\n" not in str(caught.value)


def test_a_checkpoint_without_a_word_on_its_run_is_taken(tmp_path: Path) -> None:
    saved, loaded = linear(3), linear(3)
    save_checkpoint(tmp_path, saved, [{"epoch": 0}], {})
    assert load_checkpoint(tmp_path, loaded, {"seed": 1}) == [{"epoch": 0}]
    assert torch.equal(saved["network"].weight, loaded["network"].weight)
    assert load_checkpoint(tmp_path / "nowhere", loaded, {}) == []


class Code:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["pickle", "checkpoint"])
def test_code_in_a_checkpoint_is_refused_and_never_runs(
    trainer: Callable[..., Trainer], tmp_path: Path, form: str
) -> None:
    trap = tmp_path / "it ran"
    buffer = io.BytesIO()
    content = {"history": [], "network": Code(trap)}
    if form == "pickle":
        pickle.dump(content, buffer, protocol=2)
    else:
        torch.save(content, buffer)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CHECKPOINT).write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match="more than weights") as caught:
        trainer().run()
    assert not trap.exists()
    assert "weights_only" not in str(caught.value)
    pickle.loads(pickle.dumps(Code(trap)))  # the trap works
    assert trap.exists()


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "list", "folder"])
def test_a_damaged_checkpoint_is_refused(trainer: Callable[..., Trainer], tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run" / CHECKPOINT
    trainer(training=settings(epochs=1)).run()
    good = path.read_bytes()
    a_list = io.BytesIO()
    torch.save([1, 2], a_list)
    path.write_bytes(
        {"empty": b"", "text": b"no checkpoint", "list": a_list.getvalue()}.get(damage, good[: -len(good) // 3])
    )
    if damage == "folder":
        path.unlink()
        path.mkdir()
    with pytest.raises(DataError, match=r"checkpoint\.pt does not continue this run"):
        trainer(training=settings(epochs=1)).run()


def test_a_loss_that_diverges_says_what_to_lower_and_keeps_the_last_good_epoch(
    trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    poisoned = trainer()

    def poison(report: EpochReport) -> None:
        with torch.no_grad():
            poisoned.network.attack_head.bias[0] = torch.nan

    with pytest.raises(ScenarioError, match="epoch 2") as caught:
        poisoned.run(report=poison)
    assert "learning_rate" in caught.value.remedy
    whole, resumed = trainer("whole"), trainer()
    assert resumed.run() == whole.run()


def test_a_batch_that_does_not_fit_says_what_to_lower(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    run = trainer()
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(run.network, "forward", full)
    with pytest.raises(DeviceError, match="2 images do not fit"):
        run.run(smaller=lambda batch, part: told.append((batch, part)))
    assert told == [(16, 8), (16, 4), (16, 2)]


@pytest.mark.parametrize(
    ("count", "batch", "sizes"),
    [(32, 16, [16, 16]), (33, 16, [16, 17]), (34, 16, [16, 16, 2]), (5, 16, [5]), (1, 16, [1]), (3, 1, [1, 1, 1])],
)
def test_no_batch_is_a_single_example(count: int, batch: int, sizes: list[int]) -> None:
    assert batch_sizes(count, batch) == sizes


def test_a_residual_network_trains_on_one_more_than_whole_batches(trainer: Callable[..., Trainer]) -> None:
    """On 8x8 its last maps are one pixel, and batch norm refuses a single example there."""
    network = {"backbone": "resnet18", "perturbation_extractor": None, "hyperparameter_head": "shared"}
    (report,) = trainer(train=examples(9), network=network, training=settings(epochs=1, batch=4)).run()
    assert np.isfinite(report.losses["total"])


def test_only_weights_of_layers_decay(trainer: Callable[..., Trainer]) -> None:
    groups = trainer(training=settings(weight_decay=0.5)).optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.5, 0, 0]
    assert all(p.dim() > 1 for p in groups[0]["params"])
    assert all(p.dim() <= 1 for p in groups[1]["params"])


def test_the_rate_rises_over_half_an_epoch_and_falls_to_nothing(trainer: Callable[..., Trainer]) -> None:
    run = trainer(train=examples(160), training=settings(epochs=4, batch=16))  # 40 steps, 5 of them warm-up
    (rate,) = run.schedule.lr_lambdas[:1]
    rates = [rate(step) for step in range(41)]
    assert rates[:3] == pytest.approx([0.2, 0.4, 0.6])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[20] == pytest.approx(0.5)
    assert rates[40] == pytest.approx(0)


def test_answers_are_the_networks_in_any_number_of_chunks(trainer: Callable[..., Trainer]) -> None:
    network: MTAA = trainer().network
    images = torch.from_numpy(examples(300).adversarial)
    estimates: list[torch.Tensor] = []
    answers = answer(network, images, CPU, estimated=estimates.append)
    with torch.inference_mode():
        outputs = network(images.float() / 255)
    for name in ("attack", "victim", "hyperparameter", "features"):
        torch.testing.assert_close(getattr(answers, name), getattr(outputs, name), rtol=1e-4, atol=1e-4)
    assert outputs.perturbation is not None
    assert len(estimates) > 1
    torch.testing.assert_close(torch.cat(estimates), outputs.perturbation.estimate, rtol=1e-4, atol=1e-5)


def test_labels_cover_the_grids_of_all_entries_of_an_attack(scenario: Build) -> None:
    cell = {"train": 1, "calibration": 1, "test": 1}
    entries = [
        {"name": "FGSM", "grid": {"first": 10, "last": 50, "count": 3}, "cell": cell},
        {"name": "FGSM", "backend": "cleverhans", "grid": {"first": 40, "last": 90, "count": 2}, "cell": cell},
        {"name": "C&W", "grid": {"first": 1, "last": 5, "count": 2}, "cell": cell},
    ]
    labels = attack_labels(scenario(attacks=entries))
    assert [(a.name, a.hyperparameter, a.unit, a.minimum, a.maximum) for a in labels] == [
        ("clean", "none", "", 0, 0),
        ("FGSM", "epsilon", "/255", 10, 90),
        ("C&W", "kappa", "logits", 1, 5),
    ]


def test_a_digest_tells_two_sets_apart() -> None:
    first = examples()
    assert first.digest() == examples().digest()
    other = dataclasses.replace(first, hyperparameter=first.hyperparameter + 1)
    assert other.digest() != first.digest()


@pytest.mark.parametrize("stop", [1, 3, 7])
def test_killed_amid_an_epoch_a_run_goes_on_from_its_last_checkpoint(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    whole = trainer("whole")
    history = whole.run()
    monkeypatch.setattr("training.checkpoint.EVERY", 0)
    monkeypatch.setattr("training.checkpoint._SHARE", 0)  # a checkpoint after every step
    killed = trainer()
    steps = iter(range(100))
    gradients = killed._gradients.of

    def until_killed(*arguments: Any) -> Any:
        if next(steps) == stop:
            raise Killed
        return gradients(*arguments)

    monkeypatch.setattr(killed._gradients, "of", until_killed)
    with pytest.raises(Killed):
        killed.run()
    resumed = trainer()
    progress: list[Progress] = []
    assert resumed.run(tell=progress.append) == history
    assert same(state(resumed), state(whole))


def short_memory(run: Trainer, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """The network's forward pass fails for more than ``most`` images."""
    forward = run.network.forward

    def limited(x: torch.Tensor) -> Outputs:
        if len(x) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(x)

    monkeypatch.setattr(run.network, "forward", limited)


def test_short_memory_splits_the_batch_and_training_still_learns(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trainer(training=settings(epochs=12, learning_rate=1e-2))
    short_memory(run, monkeypatch, 8)
    told: list[tuple[int, int]] = []
    history = run.run(smaller=lambda batch, part: told.append((batch, part)))
    assert told == [(16, 8)]  # once: what did not fit is not tried again
    assert history[-1].attack_accuracy > 0.95


def test_parts_add_up_to_the_whole_batch_but_for_batch_norm(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    gradients, sums = [], []
    for most in (16, 4):
        run = trainer(str(most))
        run.network.eval()  # batch norm by its running statistics: no example sees another
        short_memory(run, monkeypatch, most)
        sums.append(run._gradients.of(torch.arange(16), lambda _batch, _part: None)[0])
        gradients.append([p.grad.clone() for p in run.network.parameters() if p.grad is not None])
    torch.testing.assert_close(sums[1], sums[0], rtol=1e-5, atol=1e-5)
    assert len(gradients[0]) > 20
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5 * float(whole.abs().max() + 1))


def test_a_full_disk_keeps_the_last_checkpoint_and_says_what_is_needed(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = trainer("whole")
    whole.run()
    path = tmp_path / "run" / CHECKPOINT

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(DiskFullError) as caught:
        trainer().run(report=lambda _: patch.setattr("os.fsync", full))
    error = caught.value
    assert error.path == path and error.needed > 10_000
    assert "The disk is full" in error.what and str(path.parent) in error.remedy
    assert [p.name for p in path.parent.iterdir()] == [CHECKPOINT]  # the first epoch's, and no half of the second's
    resumed = trainer()
    told: list[EpochReport] = []
    resumed.run(report=told.append)
    assert [report.epoch for report in told] == [1, 2]
    assert same(state(resumed), state(whole))


def test_answers_are_given_for_as_many_images_as_fit(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, images = trainer(), torch.from_numpy(examples(40).adversarial)
    whole = answer(run.network, images, CPU)
    short_memory(run, monkeypatch, 6)
    estimates: list[torch.Tensor] = []
    told: list[int] = []
    pieces = answer(run.network, images, CPU, advance=told.append, estimated=estimates.append)
    assert max(told) <= 6 and sum(told) == len(torch.cat(estimates)) == 40
    for name in ("attack", "victim", "hyperparameter", "features"):
        torch.testing.assert_close(getattr(pieces, name), getattr(whole, name), rtol=1e-4, atol=1e-4)
    assert len(answer(run.network, images[:0], CPU).attack) == 0
