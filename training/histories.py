"""What happens to a photograph before anybody attacks it: a camera's sensor, scaling, sharpening, and compression.

The images of one data set were all reduced and compressed alike. A network that has seen nothing else takes whatever
they lack, the noise of a sensor or what is as sharp as pixels allow, for a perturbation. So each image is given a
history of its own.
"""

from __future__ import annotations

import numpy as np

from core.pictures import (
    FILTERS,
    FULL_COLOUR,
    HALF_COLOUR,
    Pixels,
    plus,
    resized,
    sharpened,
    some_part,
    through_jpeg,
    to_picture,
    to_pixels,
)

EDITION = 2
"""Another number wherever histories become others, so that images that were taken in with those are taken in anew."""

_GREY, _SHARPENED, _COMPRESSED = 0.05, 0.2, 0.5
"""Shares of the images that each step happens to."""

_SENSOR, _GRAIN = 0.45, 0.15
"""Of all, those that become noisy one way or the other."""

_ENLARGED, _REDUCED = 0.3, 0.4
"""Of all, those that are scaled one way or the other."""

_NOISE = (0.5, 6.0)
"""Standard deviations in grey levels, drawn evenly on a logarithmic scale."""

_LEAST = 0.6
"""The smallest part of a side that is enlarged to the whole."""

_SIDES = (0.45, 0.9)
"""What is left of a side that is reduced."""

_RADIUS, _PERCENT = (0.5, 1.5), (30, 120)
"""Of an unsharp mask."""

_QUALITIES = (70, 99)

_BETWEEN = np.array([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])


def with_history(image: Pixels, seed: int) -> Pixels:
    """uint8 [3, H, W], the image after a history that follows from ``seed``."""
    rng = np.random.default_rng(seed)
    grey, sharp, compressed = rng.random(3) < (_GREY, _SHARPENED, _COMPRESSED)
    scaled, noisy = rng.random(2)
    if grey:
        image = to_pixels(to_picture(image).convert("L").convert("RGB"))
    if scaled < _ENLARGED:
        image = _enlarged(image, rng)
    if noisy < _SENSOR:
        image = _sensed(image, rng)
    elif noisy >= 1 - _GRAIN:
        image = _grained(image, rng)
    if scaled >= 1 - _REDUCED:
        image = _reduced(image, rng)
    if sharp:
        image = sharpened(image, rng.uniform(*_RADIUS), int(rng.integers(*_PERCENT)))
    return _compressed(image, rng) if compressed else image


def _enlarged(image: Pixels, rng: np.random.Generator) -> Pixels:
    """A part of the image, scaled to all of it: softer, as a photograph at full size is beside a reduced one."""
    part = some_part(image, rng.uniform(_LEAST, 1.0), rng)
    height, width = image.shape[1:]
    return resized(part, height, width, FILTERS[int(rng.integers(len(FILTERS)))])


def _grained(image: Pixels, rng: np.random.Generator) -> Pixels:
    """With noise of every pixel's own, as film and scanners have it: in each channel, or the same in all."""
    channels = int(rng.choice((1, len(image))))
    return plus(image, rng.standard_normal((channels, *image.shape[1:])) * _level(rng))


def _level(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(_NOISE))))


def _reduced(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Reduced, and filled up with its mirror images: fresh from a filter, as images are that were made for a victim."""
    height, width = image.shape[1:]
    share, filter_ = rng.uniform(*_SIDES), FILTERS[int(rng.integers(len(FILTERS)))]
    small = resized(image, max(1, round(height * share)), max(1, round(width * share)), filter_)
    below, beside = height - small.shape[1], width - small.shape[2]
    top, left = int(rng.integers(below + 1)), int(rng.integers(beside + 1))
    return np.pad(small, ((0, 0), (top, below - top), (left, beside - left)), "symmetric")


def _sensed(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Through a colour filter array in Bayer's pattern, whose noise grows with the light, and interpolated again."""
    from scipy.ndimage import convolve  # noqa: PLC0415  (slow to import)

    level = _level(rng)
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
