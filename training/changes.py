"""What becomes of an image after the attack, on its way to an analyst: compression, scaling, cropping, noise."""

from __future__ import annotations

import numpy as np

from core.pictures import FILTERS, FULL_COLOUR, HALF_COLOUR, Pixels, resized, some_part, through_jpeg

_QUALITIES = (60, 98)
_TIMES = (0.5, 2.5)
_LEAST = 0.6
"""The smallest part of a side that is cut out and enlarged to the whole."""
_NOISE = (1.0, 6.0)
"""Standard deviations in grey levels."""


def changed(image: Pixels, rng: np.random.Generator) -> Pixels:
    """uint8 [C, H, W] after one change drawn at random, as large as before; half of them are JPEG files."""
    height, width = image.shape[1:]
    filter_ = FILTERS[int(rng.integers(len(FILTERS)))]
    match int(rng.integers(6)):
        case 0:
            times = rng.uniform(*_TIMES)
            there = resized(image, max(1, round(height * times)), max(1, round(width * times)), filter_)
            return resized(there, height, width, filter_)
        case 1:
            return resized(some_part(image, rng.uniform(_LEAST, 1), rng), height, width, filter_)
        case 2:
            noisy = image + rng.normal(0, rng.uniform(*_NOISE), image.shape)
            return noisy.round().clip(0, 255).astype(np.uint8)
    colour = int(rng.choice((FULL_COLOUR, HALF_COLOUR)))
    return through_jpeg(image, int(rng.integers(*_QUALITIES)), colour)
