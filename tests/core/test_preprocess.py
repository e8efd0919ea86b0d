from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.adjustments import Adjustment, Kind, is_altered
from core.manifest import Fit, ImageSpec
from core.preprocess import MAX_TILES, Fitted, prepare
from core.types import FloatArray, LoadedImage

GREY28, RGB28 = ImageSpec(channels=1, height=28, width=28), ImageSpec(channels=3, height=28, width=28)
RANDOM = np.random.default_rng(3)


def loaded(pixels: FloatArray, *, kind: str = "PNG", lossy: bool = False) -> LoadedImage:
    return LoadedImage("x", "0" * 64, pixels.astype(np.float32), kind, 8, lossy)


def told(fitted: Fitted) -> tuple[str, ...]:
    return tuple(map(str, fitted.adjustments))


def fit(image: LoadedImage, spec: ImageSpec) -> tuple[FloatArray, tuple[str, ...]]:
    """The one tile and what was done."""
    fitted = prepare(image, spec)
    (tile,) = fitted.tiles
    return tile, told(fitted)


@pytest.mark.parametrize("spec", [GREY28, RGB28])
def test_a_fitting_image_passes_bit_exactly(spec: ImageSpec) -> None:
    pixels = RANDOM.random((spec.channels, 28, 28), dtype=np.float32)
    fitted, adjustments = fit(loaded(pixels), spec)
    assert np.array_equal(fitted, pixels)
    assert adjustments == ()


def test_what_reading_left_out_goes_before_what_fitting_changes() -> None:
    note = Adjustment(Kind.FIRST, ("2",))
    image = replace(loaded(np.zeros((3, 28, 28)), kind="WEBP", lossy=True), notes=(note,))
    _, (lossy, *others) = fit(image, ImageSpec(channels=3, height=14, width=14))
    assert lossy.startswith("file is WEBP")
    assert others == ["first of 2 pictures judged", "resized from 28x28 to 14x14, repeated pixels taken once"]


def test_grey_stored_as_colour_loses_nothing() -> None:
    grey = RANDOM.random((1, 28, 28), dtype=np.float32)
    fitted, adjustments = fit(loaded(np.repeat(grey, 3, axis=0)), GREY28)
    assert np.array_equal(fitted, grey)
    assert adjustments == ()


def test_colour_turns_to_grey_by_luma() -> None:
    pixels = np.zeros((3, 28, 28), np.float32)
    pixels[1] = 0.5
    fitted, adjustments = fit(loaded(pixels), GREY28)
    assert fitted.shape == (1, 28, 28)
    assert fitted == pytest.approx(0.5 * 0.587)
    assert fitted.dtype == np.float32
    assert adjustments == ("colour turned to grey",)


def test_grey_is_repeated() -> None:
    grey = RANDOM.random((1, 28, 28), dtype=np.float32)
    fitted, adjustments = fit(loaded(grey), RGB28)
    assert all(np.array_equal(channel, grey[0]) for channel in fitted)
    assert adjustments == ("grey repeated as red, green and blue",)


def test_resizing_is_told_and_stays_in_range() -> None:
    pixels = RANDOM.integers(0, 2, (3, 40, 60)).astype(np.float32)
    fitted, adjustments = fit(loaded(pixels, kind="JPEG", lossy=True), GREY28)
    assert fitted.shape == (1, 28, 28)
    assert 0 <= fitted.min() <= fitted.max() <= 1
    assert adjustments == (
        "file is JPEG: part of the perturbation was lost",
        "colour turned to grey",
        "resized from 60x40 to 28x28, which changed its proportions",
    )


def test_an_enlargement_by_repetition_is_undone() -> None:
    small = RANDOM.random((1, 28, 28), dtype=np.float32)
    enlarged = small.repeat(2, axis=1).repeat(2, axis=2)
    fitted, adjustments = fit(loaded(enlarged), GREY28)
    assert np.allclose(fitted, small, atol=1e-6)
    assert adjustments == ("resized from 56x56 to 28x28, repeated pixels taken once",)
    noise = RANDOM.random((1, 56, 56), dtype=np.float32)
    assert [is_altered(prepare(loaded(pixels), GREY28).adjustments) for pixels in (enlarged, noise)] == [False, True]


def test_shrinking_averages_rather_than_skips() -> None:
    stripes = np.zeros((1, 70, 70), np.float32)
    stripes[:, ::2] = 1  # sampling without antialiasing would give 0 or 1
    fitted, _ = fit(loaded(stripes), GREY28)
    assert np.abs(fitted - 0.5).max() < 0.2


# --- tiles ----------------------------------------------------------------------------------------------------------


def spec_of(height: int, width: int, fit: Fit = "tiles") -> ImageSpec:
    return ImageSpec(channels=1, height=height, width=width, fit=fit)


@pytest.mark.parametrize("way", ["resize", "tiles", "crop"])
def test_what_fits_is_left_alone_whatever_the_way(way: Fit) -> None:
    pixels = RANDOM.random((1, 40, 30), dtype=np.float32)
    fitted = prepare(loaded(pixels), spec_of(40, 30, way))
    assert np.array_equal(fitted.tiles, pixels[None])
    assert (fitted.corners, fitted.frame, fitted.adjustments) == (((0, 0),), (40, 30), ())


@pytest.mark.parametrize("way", ["resize", "tiles", "crop"])
def test_repeated_pixels_are_undone_whatever_the_way(way: Fit) -> None:
    pixels = RANDOM.random((1, 40, 30), dtype=np.float32)
    enlarged = pixels.repeat(3, axis=1).repeat(3, axis=2)
    fitted = prepare(loaded(enlarged), spec_of(40, 30, way))
    assert np.allclose(fitted.tiles, pixels[None], atol=1e-6)
    assert told(fitted) == ("resized from 90x120 to 30x40, repeated pixels taken once",)
    enlarged[0, 7, 7] = 1 - enlarged[0, 7, 7]
    assert (len(prepare(loaded(enlarged), spec_of(40, 30, way)).tiles) > 1) == (way == "tiles")


@given(st.integers(64, 600), st.integers(64, 600))
@example(64, 64)
@example(96, 97)
def test_tiles_cover_every_pixel_bit_for_bit(height: int, width: int) -> None:
    pixels = np.arange(height * width, dtype=np.float32).reshape(1, height, width) / (height * width)
    fitted = prepare(loaded(pixels), spec_of(96, 80))
    whole = np.full((height, width), -1, np.float32)
    assert len(fitted.tiles) <= MAX_TILES
    for tile, (top, left) in zip(fitted.tiles, fitted.corners, strict=True):
        assert tile.shape == (1, min(height, 96), min(width, 80))
        whole[top : top + tile.shape[1], left : left + tile.shape[2]] = tile[0]
    assert np.array_equal(whole, pixels[0])
    assert fitted.frame == (height, width)
    assert all("resized from" not in said for said in told(fitted))


def test_a_large_photograph_is_judged_in_places_all_over_it() -> None:
    fitted = prepare(loaded(np.zeros((1, 3000, 4000))), spec_of(224, 224))
    assert told(fitted) == ("63 of 252 tiles of 224x224 judged, spread evenly, not resized",)
    tops, lefts = (sorted(set(side)) for side in zip(*fitted.corners, strict=True))
    assert len(fitted.tiles) == len(tops) * len(lefts) == 63
    for starts, side in ((tops, 3000), (lefts, 4000)):
        assert (starts[0], starts[-1]) == (0, side - 224)
        assert np.ptp(np.diff(starts)) <= 1


@pytest.mark.parametrize(
    ("size", "way", "tiles", "says"),
    [
        ((300, 500), "tiles", 6, ("judged in 6 tiles of 224x224, not resized",)),
        ((100, 500), "tiles", 3, ("judged in 3 tiles of 224x100, not resized",)),
        ((100, 80), "tiles", 1, ("judged at 80x100, not resized",)),
        ((480, 640), "crop", 1, ("only the middle 224x224 of 640x480 judged, not resized",)),
        ((100, 80), "crop", 1, ("judged at 80x100, not resized",)),
        ((32, 32), "tiles", 1, ("enlarged from 32x32 to 64x64", "judged at 64x64")),
        (
            (10, 500), "tiles", 3,
            ("enlarged from 500x10 to 500x64, which changed its proportions", "judged in 3 tiles of 224x64"),
        ),
        ((1, 1), "crop", 1, ("enlarged from 1x1 to 64x64", "judged at 64x64")),
    ],
)  # fmt: skip
def test_what_was_done_is_said(size: tuple[int, int], way: Fit, tiles: int, says: tuple[str, ...]) -> None:
    fitted = prepare(loaded(RANDOM.random((1, *size))), spec_of(224, 224, way))
    assert told(fitted) == says
    assert len(fitted.tiles) == len(fitted.corners) == tiles
    assert min(fitted.tiles.shape[2:]) >= 64
    assert 0 <= fitted.tiles.min() <= fitted.tiles.max() <= 1


def test_the_crop_is_the_middle() -> None:
    pixels = RANDOM.random((1, 101, 301), dtype=np.float32)
    tile, _ = fit(loaded(pixels), spec_of(64, 64, "crop"))
    assert np.array_equal(tile, pixels[:, 18:82, 118:182])


@pytest.mark.parametrize("shape", [(1, 1, 3_000_000), (1, 3_000_000, 1)])
def test_a_picture_one_pixel_high_takes_no_memory_for_itself(shape: tuple[int, int, int]) -> None:
    """Enlarged as a whole it would fill 768 MB."""
    fitted = prepare(loaded(np.zeros(shape, np.float32)), spec_of(224, 224))
    assert fitted.tiles.nbytes <= MAX_TILES * 64 * 224 * 4
    assert sorted(fitted.frame) == [64, 3_000_000]


def test_a_small_packs_least_tile_is_its_own() -> None:
    fitted = prepare(loaded(RANDOM.random((1, 20, 60))), spec_of(28, 28))
    assert fitted.tiles.shape == (3, 1, 28, 28)
    assert told(fitted)[0].startswith("enlarged from 60x20 to 60x28")
