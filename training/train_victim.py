"""Train one victim on clean images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from core.files import replacing
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim, VictimCard, load_victim, save_victim
from training.sources import CleanImages


def accuracy(victim: Victim, images: Tensor, labels: Tensor, *, batch: int = 500) -> float:
    """Share of uint8 images [N, C, H, W] that the victim names right, in float32."""
    right = 0
    with torch.inference_mode():
        for x, y in zip(torch.split(images, batch), torch.split(labels, batch), strict=True):
            right += int((victim(x.to(victim.device).float() / 255).argmax(1).cpu() == y).sum())
    return right / len(labels)


def _shifted(images: Tensor, generator: torch.Generator, reach: int) -> Tensor:
    """The batch moved by up to ``reach`` pixels each way, one shift for the whole batch; edges are filled with 0."""
    dy, dx = (int(v) for v in torch.randint(-reach, reach + 1, (2,), generator=generator))
    padded = F.pad(images, (reach, reach, reach, reach))
    height, width = images.shape[-2:]
    return padded[..., reach + dy : reach + dy + height, reach + dx : reach + dx + width]


def _moments(clean: CleanImages, rows: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and standard deviation of these images' pixels in [0, 1], of any number of images."""
    counts = np.zeros(256, np.int64)
    for part in np.array_split(rows, max(1, len(rows) // 1000)):
        counts += np.bincount(clean.images[part].ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean = float(np.average(levels, weights=counts))
    return mean, float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))


def train_victim(
    architecture: str,
    clean: CleanImages,
    path: Path,
    *,
    name: str | None = None,
    passes: float,
    seed: int,
    device: torch.device,
    batch: int = 128,
    peak_rate: float = 1e-3,
    tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
) -> Victim:
    """Train ``architecture`` on ``passes`` over the train split (Adam, one cycle, bf16) and write it to ``path``.

    Returns the victim as it was written, with float16-rounded weights and its accuracy on the test split.
    """
    torch.manual_seed(seed)
    channels, height, width = clean.shape
    rows = clean.rows("train")
    mean, std = _moments(clean, rows)
    card = VictimCard(
        name=name or architecture, architecture=architecture, dataset=clean.name, classes=clean.classes,
        channels=channels, height=height, width=width, mean=round(mean, 4), std=round(std, 4), accuracy=0.0, seed=seed,
    )  # fmt: skip
    victim = Victim(card).to(device).to(memory_format=torch.channels_last).train()
    images, labels = torch.from_numpy(clean.images[rows]), torch.from_numpy(clean.labels[rows])
    generator = torch.Generator().manual_seed(seed)
    steps = max(1, round(passes * len(rows) / batch))
    optimizer = torch.optim.Adam(victim.parameters(), lr=peak_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak_rate, total_steps=steps)
    meter = ProgressMeter(f"training {card.name}", steps * batch, tell, cancel=cancel)
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if cancel is not None:
            cancel.check()
        if len(order) < batch:
            order = torch.randperm(len(rows), generator=generator)
        chosen, order = order[:batch], order[batch:]
        x = _shifted(images[chosen].float() / 255, generator, reach=max(1, height // 14)).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            logits = victim(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), labels[chosen].to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        meter.advance(batch)
    return _finish(victim, clean, path)


def _finish(victim: Victim, clean: CleanImages, path: Path) -> Victim:
    """Round to float16, measure the rounded victim on the test split, and write it with that figure.

    ``path`` appears only then: whoever finds it there takes its accuracy for measured.
    """
    rows = clean.rows("test")
    with replacing(path) as unmeasured:
        save_victim(victim, unmeasured)
        rounded, _ = load_victim(unmeasured)
        measured = accuracy(rounded, torch.from_numpy(clean.images[rows]), torch.from_numpy(clean.labels[rows]))
        rounded.card = dataclasses.replace(rounded.card, accuracy=measured)
        save_victim(rounded, unmeasured)
    return rounded
