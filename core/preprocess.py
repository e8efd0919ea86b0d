"""Fit an image to what a pack's network takes, and say what was done to it.

An image that fits already comes through bit for bit: every change costs evidence, so every change is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.adjustments import Adjustment, Ending, Kind
from core.manifest import ImageSpec
from core.pictures import LUMA
from core.types import FloatArray, LoadedImage

MAX_TILES = 64
"""Of one image: 64 of 224x224 are a quarter of a 12-megapixel photograph, and seconds of work without a GPU."""

LEAST = 64
"""A tile's least height and width in pixels, where the pack's own are not less: on fewer, networks see too little."""

_Size = tuple[int, int]
"""(height, width); in words the width comes first."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What the network sees of one image.

    tiles: float32 [N, C, h, w] in [0, 1]. corners: (top, left) of each tile in the frame. frame: (height, width) of all
    that the tiles were cut from. adjustments: what was done.
    """

    tiles: FloatArray
    corners: tuple[_Size, ...]
    frame: _Size
    adjustments: tuple[Adjustment, ...]

    @property
    def complete(self) -> bool:
        """Whether every pixel of the frame lies in a tile."""
        needed = [math.ceil(side / tile) for side, tile in zip(self.frame, self.tiles.shape[2:], strict=True)]
        return bool(len(self.tiles) >= math.prod(needed))


def prepare(image: LoadedImage, spec: ImageSpec) -> Fitted:
    """What the pack's network is to see of an image, fitted in the way of ``spec.fit``.

    "resize": all of it at the pack's size. "tiles": tiles of the pack's size, or as narrow or low as the image is,
    spread evenly over it: MAX_TILES at most, and where these are enough, every pixel lies in one. "crop": the middle
    one. An image of that size whose pixels were repeated gets its size back in any way.
    """
    adjustments: list[Adjustment] = []
    if image.lossy:
        adjustments.append(Adjustment(Kind.LOSSY, (image.format,)))
    adjustments += image.notes
    pixels = _fit_channels(image.pixels, spec.channels, adjustments)
    size = spec.height, spec.width
    repeated = _enlarged_by_repetition(pixels, size)
    if spec.fit != "resize" and image.size != size and not repeated:
        return _cut(pixels, spec, adjustments)
    _tell_scaled(Kind.RESTORED if repeated else Kind.RESIZED, image.size, size, adjustments)
    return Fitted(_scaled(pixels, *size)[None], ((0, 0),), size, tuple(adjustments))


def _fit_channels(pixels: FloatArray, channels: int, adjustments: list[Adjustment]) -> FloatArray:
    if pixels.shape[0] == channels:
        return pixels
    if channels == 3:
        adjustments.append(Adjustment(Kind.COLOURED))
        return np.repeat(pixels, 3, axis=0)
    if np.array_equal(pixels[0], pixels[1]) and np.array_equal(pixels[0], pixels[2]):
        return pixels[:1]  # grey that was stored as colour: nothing is lost
    adjustments.append(Adjustment(Kind.GREYED))
    return np.tensordot(np.asarray(LUMA, np.float32), pixels, axes=1)[None].clip(0, 1).astype(np.float32)


def _scaled(pixels: FloatArray, height: int, width: int) -> FloatArray:
    old_height, old_width = pixels.shape[1:]
    if (old_height, old_width) == (height, width):
        return pixels
    # Averaging whole blocks undoes an enlargement by repetition exactly; a triangle filter would blur it.
    whole = old_height % height == 0 and old_width % width == 0
    method = Image.Resampling.BOX if whole else Image.Resampling.BILINEAR
    resized = [np.asarray(Image.fromarray(channel).resize((width, height), method)) for channel in pixels]
    return np.stack(resized).clip(0, 1)


def repeats(pixels: FloatArray) -> int:
    """The side of the largest squares, whole numbers of which fill pixels [C, H, W], that are of one colour each.

    1 where pixels are not repeated.
    """
    found = math.gcd(*pixels.shape[1:])
    for channel in pixels:
        for axis in (0, 1):
            if found > 1:  # otherwise it cannot become any less
                changes = (np.diff(channel, axis=axis) != 0).any(axis=1 - axis)
                found = int(np.gcd.reduce(np.flatnonzero(changes) + 1, initial=found))
    return found


def _enlarged_by_repetition(pixels: FloatArray, size: _Size) -> bool:
    """Whether averaging blocks gives back exactly an image of that size."""
    times = pixels.shape[1] // size[0]
    whole = times > 0 and pixels.shape[1:] == (size[0] * times, size[1] * times)
    return whole and repeats(pixels) % times == 0


def _tell_scaled(kind: Kind, old: _Size, new: _Size, adjustments: list[Adjustment]) -> None:
    if old != new:
        ending = Ending.STRETCHED if old[0] * new[1] != old[1] * new[0] else Ending.NONE
        adjustments.append(Adjustment(kind, (_words(old), _words(new)), ending))


def _words(size: _Size) -> str:
    return f"{size[1]}x{size[0]}"


# --- tiles ----------------------------------------------------------------------------------------------------------


def _cut(pixels: FloatArray, spec: ImageSpec, adjustments: list[Adjustment]) -> Fitted:
    high, wide = pixels.shape[1:]
    part = min(high, spec.height), min(wide, spec.width)  # what a tile takes of the image
    tile = max(part[0], min(LEAST, spec.height)), max(part[1], min(LEAST, spec.width))
    frame = max(high, tile[0]), max(wide, tile[1])
    _tell_scaled(Kind.ENLARGED, (high, wide), frame, adjustments)
    rows, columns = math.ceil(high / part[0]), math.ceil(wide / part[1])
    needed = rows * columns
    rows, columns = _thinned(rows, columns, 1 if spec.fit == "crop" else MAX_TILES)
    corners = [(top, left) for top in _spread(high, part[0], rows) for left in _spread(wide, part[1], columns)]
    kind, values = _looked_at(len(corners), needed, _words(tile), _words(frame))
    adjustments.append(Adjustment(kind, values, Ending.NONE if frame != (high, wide) else Ending.OWN_SIZE))
    # Each tile is enlarged for itself: a picture one pixel high may be millions wide.
    cut = (pixels[:, top : top + part[0], left : left + part[1]] for top, left in corners)
    tiles = np.stack([_scaled(each, *tile) for each in cut])
    return Fitted(tiles, tuple(corners), frame, tuple(adjustments))


def _thinned(rows: int, columns: int, most: int) -> tuple[int, int]:
    """As many rows and columns as make no more than ``most`` tiles, as far apart in one direction as in the other."""
    if rows * columns <= most:
        return rows, columns
    rows = min(rows, most, max(1, math.isqrt(most * rows // columns)))
    return rows, min(columns, most // rows)


def _spread(side: int, part: int, count: int) -> list[int]:
    """Where ``count`` parts begin that are spread evenly over a side, from end to end; a single one in the middle."""
    if count == 1:
        return [(side - part) // 2]
    return [round(at * (side - part) / (count - 1)) for at in range(count)]


def _looked_at(count: int, needed: int, tile: str, frame: str) -> tuple[Kind, tuple[str, ...]]:
    if count == needed:
        return (Kind.TILES, (str(count), tile)) if count > 1 else (Kind.SMALL, (tile,))
    if count == 1:
        return Kind.MIDDLE, (tile, frame)
    return Kind.SOME_TILES, (str(count), str(needed), tile)
