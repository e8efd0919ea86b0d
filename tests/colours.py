"""Images of four colours, networks of one layer that tell them apart in ways of their own, a file that does harm."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from training.sources import CleanImages, content_of

NAMES = ("red", "green", "blue", "white")
_COLOURS = np.array([[220, 40, 40], [40, 220, 40], [40, 40, 220], [220, 220, 220]])


def colours(count: int = 240) -> CleanImages:
    """8x8 images of four colours in noise, at which a network of one layer is always right."""
    random = np.random.default_rng(5)
    labels = np.arange(count) % len(NAMES)
    images = _COLOURS[labels][:, :, None, None] + random.integers(-30, 30, (count, 3, 8, 8))
    split = np.repeat([0, 1, 2], [count // 4, count // 4, count // 2]).astype(np.uint8)
    pixels = images.clip(0, 255).astype(np.uint8)
    return CleanImages("colours", pixels, labels, split, content_of(pixels), len(NAMES), NAMES)


class Colour(nn.Module):
    """Logits by the distance of the mean colour to each of four; given values from ``low`` to ``high``.

    bgr: it was trained on blue, green, red. order: which of its outputs is the n-th colour; the others are never told.
    """

    def __init__(
        self, low: float = 0.0, high: float = 1.0, bgr: bool = False, order: tuple[int, ...] = (0, 1, 2, 3),
        outputs: int = 4,
    ) -> None:  # fmt: skip
        super().__init__()
        centres = torch.tensor(_COLOURS / 255, dtype=torch.float32) * (high - low) + low
        centres = centres.flip(1) if bgr else centres
        self.head = nn.Linear(3, outputs)
        with torch.no_grad():
            scale = 8 / (high - low) ** 2
            self.head.weight.zero_()
            self.head.bias.fill_(-1e4)
            self.head.weight[list(order)] = 2 * centres * scale
            self.head.bias[list(order)] = -centres.square().sum(1) * scale

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


def program(network: nn.Module, path: Path, side: int = 8) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(network.eval(), torch.rand(2, 3, side, side)), path)
    return path


class Harm:
    """Leaves a folder where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def folder_of(clean: CleanImages, folder: Path, *, labelled: bool = True) -> Path:
    for row, (image, label) in enumerate(zip(clean.images, clean.labels, strict=True)):
        place = folder / NAMES[label] if labelled else folder
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(place / f"{row}.png")
    return folder
