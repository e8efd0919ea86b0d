"""Between an image's pixels and Pillow's pictures: what files and viewers do to an image."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.uint8]
"""[C, H, W], of one channel or three."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601), as Pillow and torchvision have them."""

FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
FULL_COLOUR, HALF_COLOUR = 0, 2
"""JPEG's 4:4:4 and 4:2:0."""


def to_picture(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def to_pixels(picture: Image.Image) -> Pixels:
    pixels = np.array(picture)  # of its own, to be written to
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def plus(pixels: Pixels, noise: NDArray[np.float64]) -> Pixels:
    """noise: in grey levels, of a shape that goes with the pixels'. Rounded, and kept within 8 bits."""
    return (pixels + noise).round().clip(0, 255).astype(np.uint8)


def through_jpeg(pixels: Pixels, quality: int, subsampling: int = HALF_COLOUR) -> Pixels:
    file = io.BytesIO()
    to_picture(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return to_pixels(Image.open(file))


def resized(pixels: Pixels, height: int, width: int, filter_: Image.Resampling = Image.Resampling.BICUBIC) -> Pixels:
    return to_pixels(to_picture(pixels).resize((width, height), filter_))


def sharpened(pixels: Pixels, radius: float, percent: int) -> Pixels:
    """Through an unsharp mask."""
    return to_pixels(to_picture(pixels).filter(ImageFilter.UnsharpMask(radius, percent, 0)))


def some_part(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """A part with ``share`` of both sides, somewhere in the image."""
    height, width = pixels.shape[1:]
    kept_height, kept_width = max(1, round(height * share)), max(1, round(width * share))
    top, left = int(rng.integers(height - kept_height + 1)), int(rng.integers(width - kept_width + 1))
    return pixels[:, top : top + kept_height, left : left + kept_width]
