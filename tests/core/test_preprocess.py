from __future__ import annotations

import numpy as np
import pytest

from core.manifest import ImageSpec
from core.preprocess import prepare
from core.types import FloatArray, LoadedImage

GREY28, RGB28 = ImageSpec(channels=1, height=28, width=28), ImageSpec(channels=3, height=28, width=28)
RANDOM = np.random.default_rng(3)


def loaded(pixels: FloatArray, *, kind: str = "PNG", lossy: bool = False) -> LoadedImage:
    return LoadedImage("x", "0" * 64, pixels.astype(np.float32), kind, 8, lossy)


@pytest.mark.parametrize("spec", [GREY28, RGB28])
def test_a_fitting_image_passes_bit_exactly(spec: ImageSpec) -> None:
    pixels = RANDOM.random((spec.channels, 28, 28), dtype=np.float32)
    fitted, adjustments = prepare(loaded(pixels), spec)
    assert np.array_equal(fitted, pixels)
    assert adjustments == ()


def test_grey_stored_as_colour_loses_nothing() -> None:
    grey = RANDOM.random((1, 28, 28), dtype=np.float32)
    fitted, adjustments = prepare(loaded(np.repeat(grey, 3, axis=0)), GREY28)
    assert np.array_equal(fitted, grey)
    assert adjustments == ()


def test_colour_turns_to_grey_by_luma() -> None:
    pixels = np.zeros((3, 28, 28), np.float32)
    pixels[1] = 0.5
    fitted, adjustments = prepare(loaded(pixels), GREY28)
    assert fitted.shape == (1, 28, 28)
    assert fitted == pytest.approx(0.5 * 0.587)
    assert fitted.dtype == np.float32
    assert adjustments == ("colour turned to grey",)


def test_grey_is_repeated() -> None:
    grey = RANDOM.random((1, 28, 28), dtype=np.float32)
    fitted, adjustments = prepare(loaded(grey), RGB28)
    assert all(np.array_equal(channel, grey[0]) for channel in fitted)
    assert adjustments == ("grey repeated as red, green and blue",)


def test_resizing_is_told_and_stays_in_range() -> None:
    pixels = RANDOM.integers(0, 2, (3, 40, 60)).astype(np.float32)
    fitted, adjustments = prepare(loaded(pixels, kind="JPEG", lossy=True), GREY28)
    assert fitted.shape == (1, 28, 28)
    assert 0 <= fitted.min() <= fitted.max() <= 1
    assert adjustments == (
        "file is JPEG: part of the perturbation was lost",
        "colour turned to grey",
        "resized from 60x40 to 28x28, which changed its proportions",
    )


def test_an_enlargement_by_repetition_is_undone() -> None:
    small = RANDOM.random((1, 28, 28), dtype=np.float32)
    fitted, adjustments = prepare(loaded(small.repeat(2, axis=1).repeat(2, axis=2)), GREY28)
    assert np.allclose(fitted, small, atol=1e-6)
    assert adjustments == ("resized from 56x56 to 28x28",)


def test_shrinking_averages_rather_than_skips() -> None:
    stripes = np.zeros((1, 70, 70), np.float32)
    stripes[:, ::2] = 1  # sampling without antialiasing would give 0 or 1
    fitted, _ = prepare(loaded(stripes), GREY28)
    assert np.abs(fitted - 0.5).max() < 0.2
