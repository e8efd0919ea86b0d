"""What a picture file holds beyond the pixels that are judged.

Asked of a picture that Pillow has decoded already, for nothing is to be decoded twice.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from core.adjustments import Adjustment, Kind

_MOST_PAGES = 65_535
"""That are counted: a TIFF file may be made of millions of directories and nothing else."""

_CONVERTED = ("CMYK", "LAB", "YCbCr", "HSV")
"""Colour models whose levels are not what is judged."""

_BIT_DEPTH = 24
"""Where a PNG file says it, in its first chunk."""


def notes(image: Image.Image, data: bytes, bits: int) -> tuple[Adjustment, ...]:
    """What was left out of a picture that was read from ``data``, which has so many bits a channel."""
    return tuple(_notes(image, data, bits))


def _notes(image: Image.Image, data: bytes, bits: int) -> Iterator[Adjustment]:
    if _is_see_through(image, data):
        yield Adjustment(Kind.SEE_THROUGH)
    pictures = _pages(data) if image.format == "TIFF" else int(getattr(image, "n_frames", 1))
    if pictures > 1:
        yield Adjustment(Kind.FIRST, (str(pictures),))
    if _is_turned(image):
        yield Adjustment(Kind.NOT_TURNED)
    if image.mode in _CONVERTED:
        yield Adjustment(Kind.CONVERTED, (image.mode,))
    if bits == 16 and not image.mode.startswith("I"):
        yield Adjustment(Kind.FEWER_BITS)


def _is_see_through(image: Image.Image, data: bytes) -> bool:
    """Whether any pixel is less than opaque: by its alpha, or by its colour, which the file calls transparent."""
    bands = image.getbands()
    if bands[-1] in ("A", "a"):
        least, _ = image.getchannel(len(bands) - 1).getextrema()
        return isinstance(least, int) and least < 255
    clear = image.info.get("transparency")
    if clear is None or image.format not in ("PNG", "GIF"):
        return False
    if image.mode == "P":
        alphas = clear if isinstance(clear, bytes) else bytes([255] * clear + [0])
        return any(pixels and alpha < 255 for pixels, alpha in zip(image.histogram(), alphas, strict=False))
    levels = np.asarray(image.convert("L") if image.mode == "1" else image)
    return bool((levels == _as_read(np.asarray(clear), image, data)).reshape(*levels.shape[:2], -1).all(2).any())


def _as_read(levels: NDArray[np.integer], image: Image.Image, data: bytes) -> NDArray[np.integer]:
    """A transparent colour, which is told in the file's own bits, in those that Pillow makes of them."""
    bits = data[_BIT_DEPTH]
    if image.mode not in ("L", "RGB"):  # of others it is told as it is read
        return levels
    return levels >> 8 if bits == 16 else levels * (255 // (2**bits - 1))


def _is_turned(image: Image.Image) -> bool:
    """Whether the pixels lie otherwise than the picture is to be seen. Those of a TIFF file Pillow has turned."""
    if image.format == "TIFF" or not image.info:
        return False
    with suppress(Exception):  # damaged EXIF raises almost anything, and the pixels are sound
        return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    return False


def _pages(data: bytes) -> int:
    """Pages of a TIFF file, along its chain of directories; Pillow would read all that they say.

    The chain ends where it is damaged, or leads back into itself.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
    count, offset = (struct.Struct(order + size) for size in ("QQ" if big else "HI"))
    entry = 20 if big else 12
    seen: set[int] = set()
    with suppress(struct.error):  # an offset beyond the end
        (at,) = offset.unpack_from(data, 8 if big else 4)
        while at and at not in seen and len(seen) < _MOST_PAGES:
            (entries,) = count.unpack_from(data, at)
            seen.add(at)
            (at,) = offset.unpack_from(data, at + count.size + entry * entries)
    return len(seen)
