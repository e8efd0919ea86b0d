"""Fit an image to what a pack's network takes, and say in words what was done to it.

An image that fits already comes through bit for bit: every change costs evidence, so every change is told.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from core.manifest import ImageSpec
from core.types import FloatArray, LoadedImage

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601), as Pillow and torchvision have them."""


def prepare(image: LoadedImage, spec: ImageSpec) -> tuple[FloatArray, tuple[str, ...]]:
    """Pixels as float32 [spec.channels, spec.height, spec.width] in [0, 1], and in words what was adjusted."""
    adjustments: list[str] = []
    if image.lossy:
        adjustments.append(f"file is {image.format}: part of the perturbation was lost")
    pixels = _fit_channels(image.pixels, spec.channels, adjustments)
    pixels = _fit_size(pixels, spec.height, spec.width, adjustments)
    return pixels, tuple(adjustments)


def _fit_channels(pixels: FloatArray, channels: int, adjustments: list[str]) -> FloatArray:
    if pixels.shape[0] == channels:
        return pixels
    if channels == 3:
        adjustments.append("grey repeated as red, green and blue")
        return np.repeat(pixels, 3, axis=0)
    if np.array_equal(pixels[0], pixels[1]) and np.array_equal(pixels[0], pixels[2]):
        return pixels[:1]  # grey that was stored as colour: nothing is lost
    adjustments.append("colour turned to grey")
    return np.tensordot(_LUMA, pixels, axes=1)[None].clip(0, 1).astype(np.float32)


def _fit_size(pixels: FloatArray, height: int, width: int, adjustments: list[str]) -> FloatArray:
    old_height, old_width = pixels.shape[1:]
    if (old_height, old_width) == (height, width):
        return pixels
    stretched = ", which changed its proportions" if old_height * width != old_width * height else ""
    adjustments.append(f"resized from {old_width}x{old_height} to {width}x{height}{stretched}")
    # Averaging whole blocks undoes an enlargement by repetition exactly; a triangle filter would blur it.
    whole = old_height % height == 0 and old_width % width == 0
    method = Image.Resampling.BOX if whole else Image.Resampling.BILINEAR
    resized = [np.asarray(Image.fromarray(channel).resize((width, height), method)) for channel in pixels]
    return np.stack(resized).clip(0, 1)
