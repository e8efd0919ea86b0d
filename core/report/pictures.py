"""Pictures for a report, and data URIs of them that need no file beside it."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.types import FloatArray

MAX_SIDE = 768
"""Larger pictures are shown smaller, so that a report of phone photographs can still be opened."""

_OPACITY = 0.85


def picture(pixels: FloatArray, side: int = MAX_SIDE) -> Image.Image:
    """An image [C, H, W] in [0, 1], made smaller if a side is longer than ``side``."""
    return _shrunk(_to_image(pixels), side)


def heatmap_picture(pixels: FloatArray, strength: FloatArray, side: int = MAX_SIDE) -> Image.Image:
    """The heat [H, W] in [0, 1] laid over the image [C, H, W], which turns grey under it."""
    grey = _to_image(pixels).convert("L").convert("RGBA")
    return _shrunk(Image.alpha_composite(grey, Image.fromarray(heat_colours(strength))).convert("RGB"), side)


def uri(image: Image.Image) -> str:
    """A PNG data URI."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def heat_colours(strength: FloatArray) -> NDArray[np.uint8]:
    """Colour and opacity for each place: [H, W] in [0, 1] -> uint8 [H, W, 4] (RGBA), clear where there is nothing."""
    from matplotlib import colormaps  # noqa: PLC0415 (slow to import, and most runs write no report)

    colours = colormaps["inferno"](strength)
    colours[..., 3] = np.minimum(1, 2 * strength) * _OPACITY
    return (colours * 255).round().astype(np.uint8)


def _to_image(pixels: FloatArray) -> Image.Image:
    values = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(values[0] if len(values) == 1 else values.transpose(1, 2, 0))


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    image.thumbnail((side, side))
    return image
