"""Train one victim on clean images."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from core.devices import fitting, in_bf16
from core.errors import Cancelled, VictimError
from core.files import file_sha256, replacing, write_file
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import ARCHITECTURES, Victim, VictimCard, load_victim, save_victim
from training.augment import photo, shifted
from training.checkpoint import Keeper, load_checkpoint
from training.naming import accuracy
from training.scenario import Augmentation
from training.sources import CleanImages

BATCH: dict[Augmentation, int] = {"shift": 128, "photo": 64}
"""Photographs are few and each pass over them is long: smaller batches learn more from it."""
_PEAK_RATE = 1e-3


def _moments(clean: CleanImages, rows: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and standard deviation of these images' pixels in [0, 1], of any number of images."""
    counts = np.zeros(256, np.int64)
    for part in np.array_split(rows, max(1, len(rows) // 1000)):
        counts += np.bincount(clean.images[part].ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean = float(np.average(levels, weights=counts))
    return mean, float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))


class _Draw:
    """Which images each step sees and how far they are moved, and how many steps there were; kept by checkpoints.

    The global generators are kept as well: dropout draws from that of its device.
    """

    def __init__(self, rows: int, seed: int, device: torch.device) -> None:
        self.steps = 0
        self.generator = torch.Generator().manual_seed(seed)
        self._rows, self._device = rows, device
        self._order = torch.empty(0, dtype=torch.long)

    def take(self, batch: int) -> Tensor:
        """The next batch's rows; a pass that leaves fewer than a batch leaves them out."""
        if len(self._order) < batch:
            self._order = torch.randperm(self._rows, generator=self.generator)
        chosen, self._order = self._order[:batch], self._order[batch:]
        return chosen

    def state_dict(self) -> dict[str, Any]:
        state = {
            "steps": self.steps, "order": self._order, "own": self.generator.get_state(), "cpu": torch.get_rng_state()
        }  # fmt: skip
        return state | ({"device": torch.cuda.get_rng_state(self._device)} if self._device.type == "cuda" else {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self._order = state["steps"], state["order"]
        self.generator.set_state(state["own"])
        torch.set_rng_state(state["cpu"])
        if self._device.type == "cuda" and "device" in state:
            torch.cuda.set_rng_state(state["device"], self._device)


def new_card(architecture: str, clean: CleanImages, name: str = "") -> VictimCard:
    """What is known of a victim for ``clean`` before it is trained."""
    channels, height, width = clean.shape
    return VictimCard(
        name=name or architecture, architecture=architecture, dataset=clean.name, classes=clean.classes,
        channels=channels, height=height, width=width, mean=0.0, std=1.0, accuracy=0.0, seed=0,
        form="network" if architecture in ARCHITECTURES else "torchvision",
    )  # fmt: skip


def step_count(images: int, passes: float, batch: int) -> int:
    """Steps of a training over so many images."""
    return max(1, round(passes * images / batch))


def _is_grouped(network: nn.Module) -> bool:
    """Whether convolutions see some channels alone; on a CPU those take half the time in float32 that bf16 takes."""
    return any(isinstance(m, nn.Conv2d) and m.groups > 1 for m in network.modules())


class VictimTraining:
    """A victim as it is trained: ``step`` by step, Adam under one cycle of the learning rate, in bf16 where it pays."""

    def __init__(
        self, architecture: str, clean: CleanImages, *, name: str, passes: float, seed: int, device: torch.device,
        augmentation: Augmentation = "shift",
    ) -> None:  # fmt: skip
        torch.manual_seed(seed)
        rows = clean.rows("train")
        mean, std = _moments(clean, rows)
        card = dataclasses.replace(
            new_card(architecture, clean, name), seed=seed, mean=round(mean, 4), std=round(std, 4)
        )  # fmt: skip
        self.victim = Victim(card).to(device).to(memory_format=torch.channels_last).train()
        self.batch = BATCH[augmentation]
        self.steps = step_count(len(rows), passes, self.batch)
        self._clean, self._rows = clean, rows  # whose images may be more than the memory holds
        self._device, self._augmentation = device, augmentation
        self._bf16 = in_bf16(device) and (device.type != "cpu" or not _is_grouped(self.victim))
        self._optimizer = torch.optim.Adam(self.victim.parameters(), lr=_PEAK_RATE)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, _PEAK_RATE, total_steps=self.steps)
        self.draw = _Draw(len(rows), seed, device)

    def step(self) -> None:
        """Raises DeviceError where a batch does not fit into the device's memory."""
        chosen = self.draw.take(self.batch)
        with fitting(
            f"{self.batch} images do not fit into {self._device}'s memory beside {self.victim.name}.",
            "Close what else uses it, or train a smaller victim.",
        ):
            self._learn(chosen)
        self.draw.steps += 1

    def _learn(self, chosen: Tensor) -> None:
        rows = self._rows[chosen.numpy()]
        x = self._varied(torch.from_numpy(self._clean.images[rows])).to(self._device)
        labels = torch.from_numpy(self._clean.labels[rows]).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            logits = self.victim(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), labels)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._schedule.step()

    def _varied(self, images: Tensor) -> Tensor:
        """uint8 [B, C, H, W] -> float32 in [0, 1], as this step sees them."""
        if self._augmentation == "photo":
            return photo(images, done=self.draw.steps / self.steps)
        return shifted(images.float() / 255, self.draw.generator)

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "victim": self.victim, "optimizer": self._optimizer, "schedule": self._schedule, "draw": self.draw
        }  # fmt: skip


def train_victim(
    architecture: str,
    clean: CleanImages,
    path: Path,
    *,
    name: str | None = None,
    passes: float,
    seed: int,
    device: torch.device,
    augmentation: Augmentation = "shift",
    tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
) -> Victim:
    """Train ``architecture`` on ``passes`` over the train split and write it to ``path``, if it is not there.

    Returns the victim as it was written, with float16-rounded weights and its accuracy on the test split. Stopped or
    killed, the same call goes on from the checkpoint beside ``path`` and ends, on a CPU, with the bytes of an
    undisturbed one.
    Raises VictimError for one that is there and was trained otherwise, as far as what lies beside it tells; Cancelled
    between two steps, DataError for a checkpoint of another training, DiskFullError.
    """
    asked_for = {"architecture": architecture, "passes": passes, "seed": seed, "augmentation": augmentation}
    if path.exists():
        _check_trained(path, asked_for, clean)
        return load_victim(path)[0]
    asked_for["images"] = clean.digest
    training = VictimTraining(
        architecture, clean, name=name or architecture, passes=passes, seed=seed, device=device,
        augmentation=augmentation,
    )  # fmt: skip
    run = {
        "victim": dataclasses.asdict(training.victim.card), "steps": training.steps, "batch": training.batch,
        "augmentation": augmentation, "images": asked_for["images"],
    }  # fmt: skip
    unfinished = path.with_suffix(".unfinished")
    load_checkpoint(unfinished, training.state, run)
    keeper = Keeper(unfinished, training.state, run)
    meter = ProgressMeter(
        f"training {training.victim.name}", training.steps * training.batch, tell,
        already_done=training.draw.steps * training.batch, cancel=cancel,
    )  # fmt: skip
    try:
        while training.draw.steps < training.steps:
            if keeper.due or (cancel is not None and cancel.paused):
                keeper.save([])
            if cancel is not None:
                cancel.check()
            training.step()
            meter.advance(training.batch)
    except Cancelled:
        if training.draw.steps:
            keeper.save([])
        raise
    victim = _finish(training.victim, clean, path, device, asked_for)
    shutil.rmtree(unfinished, ignore_errors=True)
    return victim


def _beside(path: Path) -> Path:
    """Where it is kept what a victim was trained with: one that is brought from elsewhere comes without."""
    return path.with_suffix(".trained.json")


def _check_trained(path: Path, asked_for: dict[str, Any], clean: CleanImages) -> None:
    try:
        made = json.loads(_beside(path).read_text("utf-8"))
        if made["victim"] != file_sha256(path):  # it was brought in the place of one that was trained here
            return
        different = [key for key, value in asked_for.items() if made[key] != value]
        different += ["images"] if made["images"] != clean.digest else []
    except (OSError, ValueError, KeyError, TypeError):
        return
    if different:
        raise VictimError(
            f"{path} was trained with other {', '.join(different)}.",
            "Delete it to have it trained anew, or use a folder of its own.",
        )


def _finish(victim: Victim, clean: CleanImages, path: Path, device: torch.device, asked_for: dict[str, Any]) -> Victim:
    """Round to float16, measure the rounded victim on the test split, and write it with that figure.

    ``path`` appears only then: whoever finds it there takes its accuracy for measured.
    """
    rows = clean.rows("test")
    with replacing(path) as unmeasured:
        save_victim(victim, unmeasured)
        rounded, _ = load_victim(unmeasured)
        measured = accuracy(rounded.to(device), clean.images[rows], clean.labels[rows])
        rounded.cpu()
        rounded.card = dataclasses.replace(rounded.card, accuracy=measured)
        save_victim(rounded, unmeasured)
        made = asked_for | {"victim": file_sha256(unmeasured)}
        write_file(_beside(path), json.dumps(made, indent=1).encode())
    return rounded
