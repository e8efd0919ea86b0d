"""Train the MTAA network on generated examples: eq. 4 for the auto-encoder, eq. 14 for the three tasks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import DeviceError, ScenarioError
from core.manifest import AttackLabel, ImageSpec, Task
from core.model.network import MTAA, Outputs
from core.model.perturbation import FeaturePerturbation
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from training.checkpoint import load_checkpoint, save_checkpoint
from training.losses import Losses, UncertaintyWeighted, classification_loss, hyperparameter_loss, reconstruction_loss
from training.scenario import Scenario
from training.shards import Examples

_UNITS = {"epsilon": "/255", "kappa": "logits", "none": ""}


@dataclass(frozen=True, slots=True)
class EpochReport:
    """Means over one epoch of the losses and accuracies on the training examples, and the sigmas at its end."""

    epoch: int
    losses: dict[str, float]
    attack_accuracy: float
    victim_accuracy: float
    sigma: dict[Task, float]


def attack_labels(scenario: Scenario, hyperparameters: dict[str, str]) -> list[AttackLabel]:
    """The pack's attack labels; ``hyperparameters`` names each attack's ("epsilon", "kappa").

    The range of an attack that several entries make covers all their grids.
    """
    labels = []
    for name in scenario.attack_labels:
        grids = [v for a in scenario.attacks if a.name == name for v in a.grid.values]
        kind = hyperparameters.get(name, "none")
        low, high = (min(grids), max(grids)) if grids else (0.0, 0.0)
        labels.append(AttackLabel(name=name, hyperparameter=kind, unit=_UNITS[kind], minimum=low, maximum=high))
    return labels


def batch_sizes(examples: int, batch: int) -> list[int]:
    """Sizes of an epoch's batches. A single one left over joins the batch before it: batch norm takes no fewer than two
    where the maps have shrunk to one pixel."""
    sizes = [batch] * (examples // batch)
    rest = examples % batch
    if rest == 1 and sizes:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


class Trainer:
    """One training run. ``run`` goes on from the checkpoint in ``folder`` if there is one."""

    def __init__(
        self, scenario: Scenario, labels: list[AttackLabel], image: ImageSpec, train: Examples, folder: Path,
        device: torch.device,
    ) -> None:  # fmt: skip
        torch.manual_seed(scenario.seed)
        self._scenario, self._folder, self._device = scenario, folder, device
        self._spec = scenario.training
        self.network = MTAA(scenario.network, image, labels, len(scenario.victim_labels))
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weighting = UncertaintyWeighted(weighted=scenario.network.uncertainty_weighted).to(device)
        # Errors count relative to the width of their attack's grid; clean images have no hyperparameter to learn.
        width = torch.tensor([label.width for label in labels])
        self._scale = torch.where(width > 0, width, torch.inf).to(device)
        if scenario.network.hyperparameter_head == "shared":
            self._scale = torch.full_like(self._scale, float(width.max()))
        self._train = _Batches(train, device)
        self._sizes = batch_sizes(len(train), self._spec.batch)
        self._steps = len(self._sizes)
        self._run = {
            "settings": self._spec.model_dump(), "network": scenario.network.model_dump(), "seed": scenario.seed,
            "labels": [label.model_dump() for label in labels], "victims": scenario.victim_labels,
            "examples": train.digest(),
        }  # fmt: skip
        self._optimizer = self._make_optimizer()
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)

    def _make_optimizer(self) -> torch.optim.Optimizer:
        """Weight decay on the weights of layers alone, not on norms, biases and sigmas."""
        trained = [p for p in self.network.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if p.dim() > 1], "weight_decay": self._spec.weight_decay},
            {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
        ]
        if self.weighting.weighted:
            groups.append({"params": list(self.weighting.parameters()), "weight_decay": 0.0})
        kind = torch.optim.AdamW if self._spec.decoupled_decay else torch.optim.Adam
        return kind(groups, lr=self._spec.learning_rate)

    def _rate(self, step: int) -> float:
        """Linear warm-up over the first half epoch, then a cosine to zero."""
        total, warm = self._steps * self._spec.epochs, max(1, self._steps // 2)
        return min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0))))

    def run(
        self,
        *,
        tell: ProgressCallback = lambda _: None,
        report: Callable[[EpochReport], None] = lambda _: None,
        cancel: CancelToken | None = None,
    ) -> list[EpochReport]:
        """Train to the last epoch; returns the report of every epoch, resumed ones included.

        report: told each epoch as it ends. Raises Cancelled between two batches, ScenarioError where the settings make
        the loss diverge, DeviceError where a batch does not fit, DataError for a checkpoint of another run.
        """
        state = {
            "network": self.network,
            "weighting": self.weighting,
            "optimizer": self._optimizer,
            "schedule": self._schedule,
        }
        history: list[dict[str, Any]] = load_checkpoint(self._folder, state, self._run)
        examples = self._steps * self._spec.epochs
        meter = ProgressMeter("training", examples, tell, already_done=len(history) * self._steps)
        for epoch in range(len(history), self._spec.epochs):
            try:
                history.append(self._epoch(epoch, meter, cancel))
            except torch.OutOfMemoryError as error:
                raise DeviceError(
                    f"{self._spec.batch} images do not fit into {self._device}'s memory.", "Lower training.batch."
                ) from error
            save_checkpoint(self._folder, state, history, self._run)
            report(EpochReport(**history[-1]))
        return [EpochReport(**past) for past in history]

    def _epoch(self, epoch: int, meter: ProgressMeter, cancel: CancelToken | None) -> dict[str, Any]:
        self.network.train()
        generator = torch.Generator().manual_seed((self._scenario.seed << 16) + epoch)
        order = torch.randperm(len(self._train), generator=generator)
        sums = torch.zeros(len(Losses._fields) + 2, device=self._device)
        for rows in torch.split(order, self._sizes):
            if cancel is not None:
                cancel.check()
            batch = self._train.take(rows)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._spec.precision == "bf16"):
                outputs: Outputs = self.network(batch.adversarial)
                losses = self._losses(outputs, batch)
            self._optimizer.zero_grad(set_to_none=True)
            losses.total.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._schedule.step()
            right = (outputs.attack.argmax(1) == batch.attack).sum(), (outputs.victim.argmax(1) == batch.victim).sum()
            sums += torch.stack([*(loss.detach() * len(rows) for loss in losses), *right])
            meter.advance(1)
        means = (sums / len(self._train)).tolist()
        if not all(map(math.isfinite, means)):
            raise ScenarioError(
                f"The loss diverged in epoch {epoch + 1}.",
                f"Lower training.learning_rate or set training.precision to fp32, and delete {self._folder}.",
            )
        return {
            "epoch": epoch,
            "losses": dict(zip(Losses._fields, means, strict=False)),
            "attack_accuracy": means[-2],
            "victim_accuracy": means[-1],
            "sigma": self.weighting.sigma,
        }

    def _losses(self, outputs: Outputs, batch: _Batch) -> Losses:
        attack = classification_loss(outputs.attack, batch.attack)
        victim = classification_loss(outputs.victim, batch.victim)
        hyperparameter = hyperparameter_loss(outputs.hyperparameter, batch.hyperparameter, batch.attack, self._scale)
        reconstruction = attack.new_zeros(())
        if outputs.perturbation is not None:
            clean_map = self._clean_map(batch.clean)
            reconstruction = reconstruction_loss(*outputs.perturbation[:2], clean_map)
        total = self.weighting(hyperparameter, attack, victim) + reconstruction
        return Losses(attack, victim, hyperparameter, reconstruction, total)

    def _clean_map(self, clean: Tensor) -> Tensor:
        extractor = self.network.perturbation_extractor
        if not isinstance(extractor, FeaturePerturbation):
            return clean
        with torch.no_grad():
            return extractor.feature_map(clean)


@dataclass(frozen=True, slots=True)
class _Batch:
    adversarial: Tensor
    clean: Tensor
    attack: Tensor
    victim: Tensor
    hyperparameter: Tensor


class _Batches:
    """Examples held as uint8 on the CPU, turned into float batches on the device."""

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._device = device
        self._images = torch.from_numpy(examples.adversarial), torch.from_numpy(examples.clean)
        self._labels = (
            torch.from_numpy(examples.attack),
            torch.from_numpy(examples.victim),
            torch.from_numpy(examples.hyperparameter),
        )

    def __len__(self) -> int:
        return len(self._labels[0])

    def take(self, rows: Tensor) -> _Batch:
        images = [_to_float(i[rows].to(self._device, non_blocking=True)) for i in self._images]
        return _Batch(*images, *(label[rows].to(self._device, non_blocking=True) for label in self._labels))


def _to_float(images: Tensor) -> Tensor:
    """uint8 [B, C, H, W] -> float32 in [0, 1], channels last."""
    return (images.float() / 255).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True, slots=True)
class Answers:
    """Uncalibrated answers over N examples, on the CPU in float32; ``perturbation`` [N, F, h, w] only if asked for."""

    attack: Tensor
    victim: Tensor
    hyperparameter: Tensor
    features: Tensor
    perturbation: Tensor | None


@torch.inference_mode()
def answer(network: nn.Module, images: Tensor, device: torch.device, *, perturbation: bool = False) -> Answers:
    """Run a network in float32 over uint8 images [N, C, H, W]."""
    network.eval()
    columns: tuple[list[Tensor], ...] = ([], [], [], [])
    estimates: list[Tensor] = []
    for chunk in torch.split(images, 256):
        outputs: Outputs = network(_to_float(chunk.to(device)))
        wanted = outputs.attack, outputs.victim, outputs.hyperparameter, outputs.features
        for column, value in zip(columns, wanted, strict=True):
            column.append(value.cpu())
        if perturbation and outputs.perturbation is not None:
            estimates.append(outputs.perturbation.estimate.cpu())
    attack, victim, hyperparameter, features = map(torch.cat, columns)
    return Answers(attack, victim, hyperparameter, features, torch.cat(estimates) if estimates else None)
