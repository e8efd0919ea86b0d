"""Clean images' labels in a victim's own class numbers.

A victim may know other classes than the data set: of ImageNet's 1,000, say, where the images are of ten. Attacks are
made on the victim as it is, in all of its own classes: an image that it takes for another of the 1,000 is fooled.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import VictimError
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim
from training.memory import Pieces
from training.sources import CleanImages

BATCH = 100
_PIXELS = 2**22
"""Of images at once: the first layers of a large victim make some hundred times as much of them."""


def unit_of(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """uint8 of any shape -> float32 in [0, 1] on the device."""
    return torch.from_numpy(images).to(device).float() / 255


def batch_of(clean: CleanImages, rows: NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
    """The images at ``rows`` as victims take them, float32 [N, C, H, W] in [0, 1], and their labels [N]."""
    return unit_of(clean.images[rows], device), torch.from_numpy(clean.labels[rows]).to(device)


@torch.no_grad()
def logits_of(victim: Victim, images: NDArray[np.uint8]) -> Tensor:
    """fp32 logits [N, K] on the CPU of images uint8 [N, C, H, W], by as many at once as the device's memory holds.

    Raises VictimError for an answer of another shape, DeviceError where not even one image fits.
    """

    def answers(piece: slice) -> Tensor:
        part = np.array(images[piece])  # a copy: images may be mapped from a file that only reads
        x = unit_of(part, victim.device)
        logits = victim(x)
        if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(x):
            told = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise VictimError(
                f"{victim.name} answers {len(x)} images with {told}, not with logits [{len(x)}, classes].",
                "Save the model so that it returns one row of logits for each image.",
            )
        return logits.float().cpu()

    at_once = min(BATCH, max(1, _PIXELS // math.prod(images.shape[2:])))
    return torch.cat(Pieces(at_once, victim.device).of(len(images), answers))


def accuracy(victim: Victim, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Share of images uint8 [N, C, H, W] that the victim names right, in float32."""
    return float((logits_of(victim, images).argmax(1).numpy() == labels).mean())


def named_by(
    victim: Victim, clean: CleanImages, rows: NDArray[np.int64] | None = None,
    tell: ProgressCallback = lambda _: None, cancel: CancelToken | None = None,
) -> CleanImages:  # fmt: skip
    """``clean`` with the labels that the victim gives a right answer by.

    Where nobody labelled the images the victim's own answer on the clean image counts as right. rows: of the images
    that need a label then, or all; the others have -1. Raises Cancelled between two batches.
    """
    if clean.classes:
        if victim.card.class_map is None:
            return clean
        return dataclasses.replace(clean, labels=np.asarray(victim.card.class_map, np.int64)[clean.labels])
    wanted = np.arange(len(clean.images)) if rows is None else rows
    labels = np.full(len(clean.images), -1, np.int64)
    meter = ProgressMeter(f"asking {victim.name}", len(wanted), tell, cancel=cancel)
    for part in np.split(wanted, range(BATCH, len(wanted), BATCH)):
        if cancel is not None:
            cancel.check()
        if len(part):
            labels[part] = logits_of(victim, clean.images[part]).argmax(1).numpy()
        meter.advance(len(part))
    return dataclasses.replace(clean, labels=labels)
