"""What happens to a photograph before anybody attacks it: a camera's sensor, scaling, and compression.

The images of one data set were all reduced and compressed alike. A network that has seen nothing else takes whatever
they lack, the noise of a sensor above all, for a perturbation. So each image is given a history of its own.
"""

from __future__ import annotations

import numpy as np

from core.pictures import FILTERS, FULL_COLOUR, HALF_COLOUR, Pixels, resized, some_part, through_jpeg

_SENSOR, _SCALED, _COMPRESSED = 0.5, 0.5, 0.6
"""Shares of the images that each step happens to."""

_NOISE = (0.5, 6.0)
"""Standard deviations of a sensor's noise in grey levels, drawn evenly on a logarithmic scale."""

_LEAST = 0.6
"""The smallest part of a side that is enlarged to the whole."""

_QUALITIES = (70, 99)

_BETWEEN = np.array([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])


def with_history(image: Pixels, seed: int) -> Pixels:
    """uint8 [3, H, W], the image after a history that follows from ``seed``."""
    rng = np.random.default_rng(seed)
    sensor, scaled, compressed = rng.random(3) < (_SENSOR, _SCALED, _COMPRESSED)
    if scaled:
        image = _enlarged(image, rng)
    if sensor:
        image = _sensed(image, rng)
    return _compressed(image, rng) if compressed else image


def _enlarged(image: Pixels, rng: np.random.Generator) -> Pixels:
    """A part of the image, scaled to all of it: softer, as a photograph at full size is beside a reduced one."""
    part = some_part(image, rng.uniform(_LEAST, 1.0), rng)
    height, width = image.shape[1:]
    return resized(part, height, width, FILTERS[int(rng.integers(len(FILTERS)))])


def _sensed(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Through a colour filter array in Bayer's pattern, whose noise grows with the light, and interpolated again."""
    from scipy.ndimage import convolve  # noqa: PLC0415  (slow to import)

    level = float(np.exp(rng.uniform(*np.log(_NOISE))))
    light = image.astype(np.float64)
    noisy = light + rng.standard_normal(image.shape) * level * np.sqrt((light + 64) / 192)
    seen = np.zeros(image.shape)
    row, column = int(rng.integers(2)), int(rng.integers(2))  # where the pattern begins
    seen[0, row::2, column::2] = 1
    seen[1, row::2, 1 - column :: 2] = seen[1, 1 - row :: 2, column::2] = 1
    seen[2, 1 - row :: 2, 1 - column :: 2] = 1
    weights = [convolve(channel, _BETWEEN, mode="nearest") for channel in seen]
    sums = [convolve(channel, _BETWEEN, mode="nearest") for channel in noisy * seen]
    mosaic = np.stack([total / weight for total, weight in zip(sums, weights, strict=True)])
    return np.where(seen > 0, noisy, mosaic).round().clip(0, 255).astype(np.uint8)


def _compressed(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Through a JPEG file with or without all of its colour."""
    colour = int(rng.choice((FULL_COLOUR, HALF_COLOUR)))
    return through_jpeg(image, int(rng.integers(*_QUALITIES)), colour)
