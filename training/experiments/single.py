"""Train a network that gives one answer: classes, or the hyperparameter's value. For the rivals of MTAA alone.

The trainer of MTAA holds the losses of three tasks and their weights; what is left of it here is the same optimiser,
schedule, batches and checkpoints around one loss.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from core.devices import in_bf16
from core.errors import ScenarioError
from core.progress import ProgressCallback, ProgressMeter
from training.checkpoint import load_checkpoint, save_checkpoint
from training.gradients import batch_sizes, to_float
from training.optimizer import cosine_schedule, optimizer_of
from training.scenario import TrainingSpec

Kind = Literal["classes", "value"]
VALUE_SCALE = 100.0
"""The one output of a regression works in hundreds of label units, as MTAA's shared head does."""


def train_single(
    network: nn.Module, kind: Kind, images: NDArray[np.uint8], target: NDArray[Any], spec: TrainingSpec, seed: int,
    folder: Path, device: torch.device, tell: ProgressCallback,
) -> None:  # fmt: skip
    """Train ``network`` in place, from the checkpoint in ``folder`` if there is one.

    images: uint8 [N, C, H, W]. target: int64 [N] classes, or float32 [N] values. Cross-entropy for classes, mean
    squared error for values (eq. 8). Raises ScenarioError where the loss diverges, DataError for the checkpoint of
    another run.
    """
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = optimizer_of(spec, network.parameters())
    sizes = batch_sizes(len(target), spec.batch)
    total = len(sizes) * spec.epochs
    schedule = cosine_schedule(optimizer, spec.epochs, len(sizes))
    state = {"network": network, "optimizer": optimizer, "schedule": schedule}
    run = {"settings": spec.model_dump(), "kind": kind, "seed": seed, "examples": len(target)}
    history = load_checkpoint(folder, state, run)
    meter = ProgressMeter("training a rival", total, tell, already_done=len(history) * len(sizes))
    pixels, wanted = torch.from_numpy(images), torch.from_numpy(target)
    bf16 = spec.precision == "bf16" and in_bf16(device)
    for epoch in range(len(history), spec.epochs):
        network.train()
        generator = torch.Generator().manual_seed((seed << 16) + epoch)
        seen = torch.zeros((), device=device)
        for rows in torch.split(torch.randperm(len(wanted), generator=generator), sizes):
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                output: Tensor = network(to_float(pixels[rows].to(device)))
            loss = _loss(kind, output.float(), wanted[rows].to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            seen += loss.detach() * len(rows)
            meter.advance(1)
        mean = float(seen) / len(wanted)
        if not math.isfinite(mean):
            raise ScenarioError(f"The loss diverged in epoch {epoch + 1}.", "Lower training.learning_rate.")
        history.append({"epoch": epoch, "loss": mean})
        save_checkpoint(folder, state, history, run)


@torch.inference_mode()
def answer_single(network: nn.Module, images: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
    """Outputs [N, K] in float32 of uint8 images [N, C, H, W]."""
    network.eval()
    chunks = torch.split(torch.from_numpy(images), 256)
    outputs: NDArray[np.float32] = torch.cat([network(to_float(c.to(device))).float().cpu() for c in chunks]).numpy()
    return outputs


def _loss(kind: Kind, output: Tensor, target: Tensor) -> Tensor:
    if kind == "classes":
        return F.cross_entropy(output, target)
    return (output.squeeze(1) - target / VALUE_SCALE).square().mean()
