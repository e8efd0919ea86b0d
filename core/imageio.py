"""Image file -> pixels and the hash of the file's bytes.

Pixels are taken as the attacked model took them, for they are evidence and not a picture to be made pretty:

- Alpha is dropped and the colour under it kept. The usual loaders of victims do the same (``convert("RGB")``), and
  compositing would rewrite the very values that an attack left behind.
- EXIF orientation is not applied. Attacks work on the stored array, and the usual loaders leave it as stored; of TIFF
  files alone Pillow turns it, for them as for us.
- Colour profiles and gamma are ignored for the same reason.

Of a file with several pictures (TIFF pages, animations) the first is read. Pillow keeps the high 8 of 16 bits
of RGB; 16-bit grey is read in full. :mod:`core.picture_notes` says so of the files that it happens to.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from core.adjustments import Adjustment
from core.errors import ImageError
from core.picture_notes import notes
from core.types import FloatArray, LoadedImage

MAX_FILE_BYTES = 512 * 2**20
MAX_PIXELS = 64_000_000
"""Limits far above real images and far below what fills a machine's memory."""

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "AVIF", "GIF")
READABLE = "PNG, JPEG, BMP, TIFF, WebP, AVIF, GIF or .npy"
_HEIF = b"ftyp"
"""Behind four bytes of length: how files of a phone's photographs begin, HEIC's and AVIF's alike."""
_NPY_MAGIC = b"\x93NUMPY"
_ROUNDING = 1e-6  # how far float arithmetic may push a value out of [0, 1]


def load_image(path: str | Path) -> LoadedImage:
    """Read one image file. Raises ImageError for anything that is not a readable image."""
    return decode_image(read_bytes(path)[0], str(path))


def read_bytes(path: str | Path) -> tuple[bytes, os.stat_result]:
    """A regular file's bytes, at most one more than ``MAX_FILE_BYTES``, and its state before. Raises ImageError."""
    name = os.fspath(path)  # Path's own methods take twice the time, and there may be many files
    try:
        state = os.stat(name)  # noqa: PTH116
        if stat.S_ISDIR(state.st_mode):
            closed = "" if os.access(path, os.R_OK | os.X_OK) else " that you may not open"
            raise ImageError(f"{path} is a folder{closed}.", "Name image files, or a folder that may be searched.")
        if not stat.S_ISREG(state.st_mode):
            raise ImageError(f"{path} is not a regular file.", "Copy the image into a file first.")
        with open(name, "rb") as file:  # noqa: PTH123
            data = file.read(min(state.st_size, MAX_FILE_BYTES) + 1)  # room for what is asked is taken at once
            if len(data) > state.st_size:  # it grew meanwhile
                data += file.read(MAX_FILE_BYTES + 1 - len(data))
            return data, state
    except FileNotFoundError as error:
        raise ImageError(f"{path} does not exist.", "Check the name and the folder.") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path} cannot be read: {reason}.", "Check that you may read it.") from error


def decode_image(data: bytes, name: str, sha256: str | None = None) -> LoadedImage:
    """Decode the bytes of one image file; ``name`` is what messages and ``LoadedImage.path`` call it.

    sha256: of ``data`` where it is known already. Raises ImageError for bytes that are no readable image.
    """
    if not data:
        raise ImageError(f"{name} is empty.", "Copy or export the image again.")
    if len(data) > MAX_FILE_BYTES:
        raise ImageError(f"{name} is larger than {MAX_FILE_BYTES >> 20} MiB.", "Crop or split the image first.")
    decode = _decode_npy if data.startswith(_NPY_MAGIC) else _decode_picture
    return LoadedImage(name, sha256 or hashlib.sha256(data).hexdigest(), *decode(data, name))


class Header(NamedTuple):
    """What a JPEG's file says of itself. grey: whether it stores one channel."""

    height: int
    width: int
    grey: bool


def header_of(file: Path | bytes) -> Header | None:
    """Without decoding it, of a camera's photograph; None for any other file, whose pixels may tell more."""
    if isinstance(file, Path) and not file.is_file():  # a pipe would be waited for
        return None
    try:
        with _quiet, Image.open(file if isinstance(file, Path) else io.BytesIO(file), formats=("JPEG",)) as image:
            return Header(image.height, image.width, image.mode == "L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # decoding tells why
        return None


def from_array(array: NDArray[np.generic], name: str = "array") -> LoadedImage:
    """An image in memory, as if it had been saved with ``np.save``: [H, W], [C, H, W] or [H, W, C] with C 1 or 3.

    uint8, uint16, or floats in [0, 1]. Raises ImageError for anything else.
    """
    file = io.BytesIO()
    try:
        np.save(file, array, allow_pickle=False)
    except ValueError as error:
        raise ImageError(
            f"{name} holds {np.asarray(array).dtype} values.", "Give floats in [0, 1], uint8 or uint16."
        ) from error
    return decode_image(file.getvalue(), name)


# --- pictures -----------------------------------------------------------------------------------------------------

_Decoded = tuple[FloatArray, str, int, bool, tuple[Adjustment, ...]]


class _Quiet:
    """No remarks of Pillow's on metadata while any thread decodes (sizes are checked here).

    ``catch_warnings`` swaps the filters of the whole process, so threads share one: first in enters, last out leaves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.|core\.imageio")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


_quiet = _Quiet()


def no_memory(name: str) -> ImageError:
    """What is said of an image that the memory does not hold."""
    return ImageError(f"There is not enough memory for {name}.", "Close other programs, or crop it.")


def _decode_picture(data: bytes, name: str) -> _Decoded:
    try:
        with _quiet, Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(f"{name} has {width}x{height} pixels, which is too many.", "Crop it first.")
            kind = "JPEG" if image.format == "MPO" else image.format or ""  # MPO: a camera's JPEG with previews
            bits, lossy = _stored_bits(image), _is_lossy(image, data)
            return _picture_pixels(image, name), kind, bits, lossy, notes(image, data, bits)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        if data.startswith(_HEIF, 4):
            told, remedy = "is a HEIC file or of its kind, which is not read.", "Export it as PNG, at its full size."
        elif data.startswith(b"SQLite format 3\0"):
            told, remedy = "is not an image that can be read.", "Open it as a case, or see `mtaa case show`."
        else:
            told, remedy = "is not an image that can be read.", f"Give it as {READABLE}."
        raise ImageError(f"{name} {told}", remedy) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} unpacks to far too many pixels.", "Do not open it; crop it first.") from error
    except MemoryError as error:
        raise no_memory(name) from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged bytes
        raise ImageError(f"{name} is damaged or cut short ({error}).", "Copy or export the image again.") from error


_PHOTOMETRIC = 262
"""TIFF's tag of what a grey level means; 0: white is zero."""


def _picture_pixels(image: Image.Image, name: str) -> FloatArray:
    mode = image.mode
    if mode in ("I;16", "I;16L", "I;16B", "I;16N") or (mode == "I" and image.format == "PNG"):  # "I": before Pillow 11
        white = np.float32(2 ** _stored_bits(image) - 1)  # asked before the pixels are: they are then no longer known
        inverted = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0  # Pillow turns those of 8 bits alone
        levels = np.asarray(image).astype(np.float32)[None] / white
        return _unit(1 - levels if inverted else levels, name)
    if mode == "F":
        return _unit(np.asarray(image)[None], name)
    if mode == "I":
        raise ImageError(f"{name} stores 32-bit whole numbers, whose range is unknown.", "Save it with 8 or 16 bits.")
    if mode == "L":
        return _scale8(np.asarray(image)[None])
    if mode in ("1", "LA", "La"):
        grey = image.convert("LA" if mode == "La" else "L")
        return _scale8(np.asarray(grey.getchannel(0))[None])
    if mode not in ("RGB", "RGBA", "RGBX"):  # palettes, CMYK, YCbCr, Lab, premultiplied alpha
        image = image.convert("RGBA" if mode in ("P", "PA", "RGBa") else "RGB")
    return _scale8(np.asarray(image)[..., :3].transpose(2, 0, 1))


def _stored_bits(image: Image.Image) -> int:
    """Bits a channel in the file; Pillow's mode alone does not tell 16-bit RGB from 8-bit."""
    if image.mode in ("I", "F"):
        return 16 if image.mode == "I" and image.format == "PNG" else 32
    if image.mode == "1":
        return 1
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    if any("I;12" in str(tile[3]) for tile in tiles):
        return 12
    return 16 if "16" in image.mode or any(";16" in str(tile[3]) for tile in tiles) else 8


def _is_lossy(image: Image.Image, data: bytes) -> bool:
    if image.format == "WEBP":
        return _webp_is_lossy(data)
    if image.format == "GIF":
        return not _is_grey(image)
    return image.format in ("JPEG", "MPO", "AVIF") or image.info.get("compression") in ("jpeg", "tiff_jpeg", "webp")


def _is_grey(image: Image.Image) -> bool:
    """Whether a picture has no colour. One that has is the nearest that 256 colours come to it, where it was a GIF."""
    pixels = np.asarray(image.convert("RGB"))
    return bool((pixels == pixels[..., :1]).all())


def _webp_is_lossy(data: bytes) -> bool:
    """Whether the first picture's bitstream is VP8 and not VP8L (RIFF container, RFC 9649 section 2)."""
    at = 12
    while at + 8 <= len(data):
        tag, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if tag in (b"VP8 ", b"VP8L"):
            return tag == b"VP8 "
        at += 8 + (16 if tag == b"ANMF" else length + length % 2)  # a frame's chunks follow its 16-byte header
    return True


# --- NumPy arrays -------------------------------------------------------------------------------------------------


def _decode_npy(data: bytes, name: str) -> _Decoded:
    array = _npy_array(data, name)
    if array.ndim == 3 and array.shape[0] not in (1, 3) and array.shape[2] in (1, 3):
        array = array.transpose(2, 0, 1)
    elif array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[0] not in (1, 3) or not array.size:
        shape = "x".join(map(str, array.shape)) or "a single number"
        raise ImageError(f"{name} has the shape {shape}.", "Save one image a file, as [H, W], [C, H, W] or [H, W, C].")
    if array.shape[1] * array.shape[2] > MAX_PIXELS:
        raise ImageError(f"{name} has {array.shape[2]}x{array.shape[1]} pixels, which is too many.", "Crop it first.")
    bits = array.dtype.itemsize * 8
    if array.dtype.kind == "u" and bits == 16:
        array = array.astype(np.float32) / 65535
    return (_scale8(array) if array.dtype == np.uint8 else _unit(array, name)), "NPY", bits, False, ()


def _npy_array(data: bytes, name: str) -> NDArray[np.generic]:
    """The array as a view of ``data``; nothing is allocated on the header's word, and nothing is unpickled."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.kind != "f" and not (dtype.kind == "u" and dtype.itemsize <= 2):
            raise ImageError(f"{name} holds {dtype} values.", "Give floats in [0, 1], uint8 or uint16.")
        values: NDArray[np.generic] = np.frombuffer(data, dtype, int(np.prod(shape, dtype=object)), file.tell())
        return values.reshape(shape, order="F" if fortran else "C")
    except ImageError:
        raise
    except Exception as error:  # the header is text that anyone may have written
        raise ImageError(f"{name} is a damaged .npy file ({error}).", "Save the array again.") from error


# --- values -------------------------------------------------------------------------------------------------------


def _scale8(values: NDArray[np.generic]) -> FloatArray:
    pixels = np.array(values, dtype=np.float32, order="C")
    pixels /= np.float32(255)  # in place: a large photograph is large enough once
    return pixels


def _unit(values: NDArray[np.generic], name: str) -> FloatArray:
    pixels = np.ascontiguousarray(values, dtype=np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite(pixels).all():
        raise ImageError(f"{name} holds values that are not numbers (NaN or infinite).", "Save the image again.")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ImageError(f"{name} holds values from {low:.4g} to {high:.4g}.", "Scale them to [0, 1] and save again.")
    return pixels.clip(0, 1)
