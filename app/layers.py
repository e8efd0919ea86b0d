"""What a pane can show of one image, as QImages: pure functions of frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QImage

from app import colormaps, legend
from app.legend import Legend
from core.types import FloatArray, Heatmap, LoadedImage
from core.wording import shown

translate = QCoreApplication.translate

GAINS = (1, 2, 4, 8, 16, 32, 64, 128)


class Layer(StrEnum):
    IMAGE = "image"
    HEATMAP = "heatmap"
    PERTURBATION = "perturbation"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One image and all that is known of it.

    base: the image ready to paint, converted where it was read. second: the second image, given by the analyst.
    reason: why there is no image, or no heatmap. judged: whether there is an answer, which a heatmap can follow.
    """

    image: LoadedImage | None = None
    base: QImage | None = None
    heatmap: Heatmap | None = None
    second: LoadedImage | None = None
    reason: str = ""
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """opacity: of the heatmap, 0 to 1. gain: factor on signed values; 1 spans -1 to 1. fits: whether each picture has
    the gain of its own values instead.
    """

    opacity: float = 0.6
    gain: float = 4.0
    fits: bool = False
    sequential: str = "inferno"
    diverging: str = "coolwarm"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """``base`` fills the image's rectangle, ``overlay`` goes above it; ``hint`` says why there is nothing.

    legend: what the colours stand for, where they are not the image's own.
    """

    base: QImage | None = None
    overlay: QImage | None = None
    hint: str = ""
    legend: Legend | None = None


def render(layer: Layer, scene: Scene, look: Look) -> Picture:
    if scene.image is None:
        empty = translate("Layers", "Drop an image here, or choose one from the list.")
        return Picture(hint=shown(scene.reason) or empty)
    if layer is Layer.IMAGE:
        return Picture(scene.base)
    if layer is Layer.DIFFERENCE:
        return _difference(scene.image, scene.second, look)
    if scene.heatmap is None:
        making = translate("Layers", "The heatmap is being made.")
        waiting = making if scene.judged else translate("Layers", "The heatmap appears once the image has been judged.")
        return Picture(scene.base, hint=shown(scene.reason) or waiting)
    return _of_heatmap(layer, scene.base, scene.heatmap, look)


def _of_heatmap(layer: Layer, base: QImage | None, heatmap: Heatmap, look: Look) -> Picture:
    if layer is Layer.HEATMAP:
        overlay = _indexed(heatmap.strength, look.sequential, fade=True)
        return Picture(base, overlay, legend=legend.of_heatmap(heatmap, look.sequential))
    if heatmap.perturbation is None:
        return Picture(hint=translate("Layers", "This pack does not estimate the perturbation pixel by pixel."))
    return signed(heatmap.perturbation, look)


def _difference(image: LoadedImage, second: LoadedImage | None, look: Look) -> Picture:
    if second is None:
        return Picture(hint=translate("Layers", "Choose an image to compare with: Image, Compare with file."))
    if image.pixels.shape != second.pixels.shape:
        text = translate("Layers", "The images differ in size or channels ({a}, {b}), so they have no difference.")
        return Picture(hint=text.format(a=_shape(image), b=_shape(second)))
    return signed(image.pixels - second.pixels, look)


def _shape(image: LoadedImage) -> str:
    channels, height, width = image.pixels.shape
    return f"{width}×{height}×{channels}"


def signed(values: FloatArray, look: Look) -> Picture:
    """float32 [C, H, W] in [-1, 1]: the mean over channels, times the gain, on a diverging map around 0."""
    mean = values.mean(axis=0)
    gain = fitting_gain(mean) if look.fits else look.gain
    picture = _indexed(0.5 + 0.5 * gain * mean, look.diverging, fade=False)
    return Picture(picture, legend=legend.of_signed(gain, look.diverging))


def fitting_gain(values: FloatArray) -> float:
    """The most of ``GAINS`` that keeps all values within the map."""
    strongest = float(np.abs(values).max(initial=0))
    return float(max((gain for gain in GAINS if gain * strongest <= 1), default=GAINS[0]))


def gain_of(scene: Scene, look: Look) -> float:
    """The gain that a scene's estimate is drawn with."""
    estimate = None if scene.heatmap is None else scene.heatmap.perturbation
    return fitting_gain(estimate.mean(axis=0)) if look.fits and estimate is not None else look.gain


def _indexed(unit: FloatArray, name: str, *, fade: bool) -> QImage:
    """float32 [H, W] in [0, 1] through a colour map."""
    index = np.ascontiguousarray((np.clip(unit, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))
    height, width = index.shape
    image = QImage(index.data, width, height, width, QImage.Format.Format_Indexed8).copy()
    image.setColorTable(colormaps.fading(name) if fade else colormaps.opaque(name))
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def inspect(scene: Scene, x: int, y: int) -> str:
    """The pixel's value, and what is known of it, in one line."""
    if scene.image is None:
        return ""
    height, width = scene.image.size
    if not (0 <= x < width and 0 <= y < height):
        return ""
    values = scene.image.pixels[:, y, x]
    parts = [f"x {x}  y {y}", translate("Layers", "value {v}").format(v=_levels(values))]
    if scene.heatmap is not None:
        strength = scene.heatmap.strength[y, x]
        parts.append(translate("Layers", "heat {v}").format(v=f"{strength:.2f}"))
        if (estimate := scene.heatmap.perturbation) is not None:
            at = estimate[:, y * estimate.shape[1] // height, x * estimate.shape[2] // width]
            parts.append(translate("Layers", "perturbation {v}").format(v=_signed_levels(at)))
    if scene.second is not None and scene.second.pixels.shape == scene.image.pixels.shape:
        delta = values - scene.second.pixels[:, y, x]
        parts.append(translate("Layers", "difference {v}").format(v=_signed_levels(delta)))
    return "   ".join(parts)


def _levels(values: FloatArray) -> str:
    """On the 8-bit scale, as the case file has it; finer where the file has more bits."""
    return " ".join(f"{round(value * 255, 3):g}" for value in values.astype(float)) + "/255"


def _signed_levels(values: FloatArray) -> str:
    return " ".join(f"{value * 255:+.1f}" for value in values.astype(float)) + "/255"
