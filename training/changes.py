"""What becomes of an image after the attack, on its way to an analyst: compression, scaling, cropping, noise, light."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import ImageEnhance

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

_QUALITIES = (60, 98)
_TIMES = (0.5, 2.5)
_LEAST = 0.6
"""The smallest part of a side that is cut out and enlarged to the whole."""
_NOISE = (1.0, 30.0)
"""Standard deviations in grey levels, drawn evenly on a logarithmic scale."""
_LIGHT, _COLOUR = (0.75, 1.25), (0.0, 1.5)
"""Factors on brightness and contrast, and on the colour."""
_RADIUS, _PERCENT = (0.5, 2.0), (30, 150)
"""Of an unsharp mask."""
_TWICE = 0.3
"""The share of the images that are changed once more."""


def changed(image: Pixels, rng: np.random.Generator) -> Pixels:
    """uint8 [C, H, W] after one change drawn at random or two, as large as before; half of them are JPEG files."""
    image = _once(image, rng)
    return _once(image, rng) if rng.random() < _TWICE else image


def changed_alike(images: Iterable[Pixels], seed: int) -> Pixels:
    """[K, C, H, W], as many images of one size after the same change."""
    return np.stack([changed(image, np.random.default_rng(seed)) for image in images])


def _once(image: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = image.shape[1:]
    filter_ = FILTERS[int(rng.integers(len(FILTERS)))]
    match int(rng.integers(12)):
        case 0:
            times = rng.uniform(*_TIMES)
            there = resized(image, max(1, round(height * times)), max(1, round(width * times)), filter_)
            return resized(there, height, width, filter_)
        case 1:
            return resized(some_part(image, rng.uniform(_LEAST, 1), rng), height, width, filter_)
        case 2 | 3:
            return _noisy(image, rng)
        case 4:
            return _lit(image, rng)
        case 5:
            return sharpened(image, rng.uniform(*_RADIUS), int(rng.integers(*_PERCENT)))
    colour = int(rng.choice((FULL_COLOUR, HALF_COLOUR)))
    return through_jpeg(image, int(rng.integers(*_QUALITIES)), colour)


def _noisy(image: Pixels, rng: np.random.Generator) -> Pixels:
    """With noise of every pixel's own, in each channel or the same in all: Gaussian, even, or one level up or down.

    The last two are what passes for an attack without a victim: random signs have the look of FGSM's.
    """
    shape = int(rng.choice((1, len(image)))), *image.shape[1:]
    match int(rng.integers(4)):
        case 0:
            noise = rng.uniform(-np.sqrt(3), np.sqrt(3), shape)
        case 1:
            noise = rng.choice((-1.0, 1.0), shape)
        case _:
            noise = rng.standard_normal(shape)
    return plus(image, np.exp(rng.uniform(*np.log(_NOISE))) * noise)


def _lit(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Brighter or darker, with more or less contrast, and of other colours or none."""
    picture = to_picture(image)
    picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(*_LIGHT))
    picture = ImageEnhance.Contrast(picture).enhance(rng.uniform(*_LIGHT))
    return to_pixels(ImageEnhance.Color(picture).enhance(rng.uniform(*_COLOUR)))
