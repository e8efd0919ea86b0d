"""Clean images: read from disk, split by content.

A split belongs to an image's content, never to its position, so that the same picture under two names, or
in two runs with another order, always lands in the same split and none is in two of them.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, MissingFilesError

Split = Literal["train", "calibration", "test"]
SPLITS: tuple[Split, ...] = ("train", "calibration", "test")

_MNIST_FILES: dict[str, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_IDX_UINT8 = 0x08
_MNIST_CLASSES = 10
_DIGITS = tuple("0123456789")
_MARKS = 2.0**48
_LEVELS = 2
"""Of folders in which MNIST's files are looked for below the one that is named, which may well be a whole disk."""


@dataclass(frozen=True)
class CleanImages:
    """Clean images of one data set.

    images: uint8 [N, C, H, W]; labels: int64 [N]; split: index into SPLITS, uint8 [N].
    content: :func:`content_of` the images [N], of a folder's as they were before a history was made up for them.
    classes: 0 where nobody labelled the images; the labels are then -1.
    class_names: in the order of the labels. skipped: files that could not be read, each with the reason.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    split: NDArray[np.uint8]
    content: NDArray[np.float64]
    classes: int
    class_names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        _, c, h, w = self.images.shape
        return c, h, w

    @cached_property
    def digest(self) -> str:
        """sha256 over the images, their labels and their splits."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels, self.split):  # as they lie: images may be more than the memory holds
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def rows(self, split: Split) -> NDArray[np.int64]:
        """Indices of one split's images, ascending."""
        return np.flatnonzero(self.split == SPLITS.index(split)).astype(np.int64)


def content_of(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A number in [0, 1) for each image, from the sha256 of its pixels; by this it is split.

    images: uint8 [N, ...]; returns [N].
    """
    digests = b"".join(hashlib.sha256(image.tobytes()).digest()[:8] for image in images)
    return np.frombuffer(digests, dtype=">u8").astype(np.float64) / 2.0**64


def split_beside(
    content: NDArray[np.float64], held_out: NDArray[np.bool_], *, calibration: float = 0.1
) -> NDArray[np.uint8]:
    """Split index [N] where the data set says itself which images are for testing. content, held_out: [N].

    An image that is among those under another name is a test image too; the others are split by content.
    """
    split = split_by_content(content, calibration=calibration, test=0.0)
    split[np.isin(content, content[held_out])] = SPLITS.index("test")
    return split


def split_by_content(content: NDArray[np.float64], *, calibration: float = 0.1, test: float = 0.1) -> NDArray[np.uint8]:
    """Split index for each of :func:`content_of` [N]: the lowest are test, the next calibration, the rest train."""
    split = np.full(len(content), SPLITS.index("train"), np.uint8)
    split[content < test + calibration] = SPLITS.index("calibration")
    split[content < test] = SPLITS.index("test")
    return split


def marks_of(clean: CleanImages) -> str:
    """By what others know later that something was trained on these images: hashes of some in the train split.

    Those are the 256 lowest, 12 hex digits each: whoever would measure on one in a hundred of the images that were
    trained on, taken at random, meets one of them nine times in ten.
    """
    return _written({int(content * _MARKS) for content in clean.content[clean.rows("train")]})


def marks_together(one: str, other: str) -> str:
    """The marks of both sets of images together."""
    return _written(_read(one) | _read(other))


def marked(clean: CleanImages, marks: str) -> int:
    """How many of the images that would calibrate or test bear one of these marks."""
    held_out = clean.content[clean.split != SPLITS.index("train")]
    return len(_read(marks) & {int(content * _MARKS) for content in held_out})


def _written(marks: set[int]) -> str:
    return "".join(f"{mark:012x}" for mark in sorted(marks)[:256])


def _read(marks: str) -> set[int]:
    return {int(marks[at : at + 12], 16) for at in range(0, len(marks), 12)}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes (the format of the MNIST files), gzipped or not.

    Raises DataError if the file is damaged or holds another type.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}.", "Fetch the file again.") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _IDX_UINT8:
        raise DataError(f"{path} is not an IDX file of unsigned bytes.", "Point at the four MNIST files.")
    rank = raw[3]
    header = 4 + 4 * rank
    shape = struct.unpack(f">{rank}I", raw[4:header]) if len(raw) >= header else None
    if shape is None or len(raw) != header + math.prod(shape):
        raise DataError(f"{path} is not as long as its header says.", "Fetch the file again.")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _file(folder: Path, name: str) -> Path | None:
    """The file called ``name`` or ``name``.gz in ``folder``; the unpacked one first."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if os.path.isfile(path)), None)  # noqa: PTH113 (is_file() raises where it may not look)


def _places(folder: Path, levels: int = _LEVELS) -> Iterator[Path]:
    """``folder`` and those up to so many levels below it, as far as they can be looked into."""
    yield folder
    if levels:
        with suppress(OSError, ValueError):
            with os.scandir(folder) as entries:
                below = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
            for path in below:
                yield from _places(Path(path), levels - 1)


def _mnist_found(folder: Path) -> dict[str, list[Path]]:
    """MNIST's four files by name, wherever they lie in ``folder`` or a few levels below it."""
    places, names = [*_places(folder)], [name for pair in _MNIST_FILES.values() for name in pair]
    return {name: [path for place in places if (path := _file(place, name))] for name in names}


def holds_mnist(folder: Path) -> bool:
    """Whether it is MNIST that is in ``folder``: what of its files is missing there :func:`load_mnist` tells."""
    return any(_mnist_found(folder).values())


def _mnist_files(folder: Path) -> dict[str, Path]:
    """MNIST's four files by name, in ``folder`` or below it: all from one place, unless each is in one place only.

    Those of FashionMNIST, KMNIST and EMNIST, which may lie beside, are called alike.
    """
    found = _mnist_found(folder)
    if lacking := tuple(name for name, paths in found.items() if not paths):
        remedy = "Give the folder with the four MNIST files, which `mtaa run --download` fetches."
        raise MissingFilesError(f"{lacking[0]}.gz is not in {folder}.", remedy, lacking)
    whole = sorted(set.intersection(*({path.parent for path in paths} for paths in found.values())))
    if folder in whole:
        whole = [folder]
    elif len(whole) > 1:
        whole = [place for place in whole if "MNIST" in place.parts] or whole
    if len(whole) == 1:
        return {name: next(path for path in paths if path.parent == whole[0]) for name, paths in found.items()}
    if any(len(paths) > 1 for paths in found.values()):
        listed = ", ".join(map(str, whole or sorted({path.parent for paths in found.values() for path in paths})))
        raise DataError(f"{folder} holds more than one such data set: {listed}.", "Name MNIST's own with --data.")
    return {name: path for name, (path,) in found.items()}


def _read_labelled(
    files: Mapping[str, Path], images_name: str, labels_name: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images [N, H, W] and labels [N] of one of MNIST's two parts."""
    images, labels = read_idx(files[images_name]), read_idx(files[labels_name])
    folder = files[images_name].parent
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DataError(
            f"{images_name} and {labels_name} in {folder} do not belong together: {list(images.shape)} images and "
            f"{list(labels.shape)} labels.",
            "Fetch both files again.",
        )
    if labels.size and int(labels.max()) >= _MNIST_CLASSES:
        raise DataError(f"{labels_name} in {folder} has the label {labels.max()}.", "MNIST's labels are 0 to 9.")
    return images, labels


def load_mnist(folder: Path, *, calibration: float = 0.1) -> CleanImages:
    """MNIST from its four IDX files (``*-ubyte`` or ``*-ubyte.gz``) in ``folder`` or a few levels below it.

    MNIST's own 10,000 test images are the test split; the 60,000 others are split by content into train and
    calibration. Raises MissingFilesError, and DataError for a file that is damaged.
    """
    files = _mnist_files(folder)
    train_images, train_labels = _read_labelled(files, *_MNIST_FILES["train"])
    test_images, test_labels = _read_labelled(files, *_MNIST_FILES["test"])
    if train_images.shape[1:] != test_images.shape[1:]:
        raise DataError(f"The training and test images in {folder} differ in size.", "Fetch the four files again.")
    images = np.concatenate([train_images, test_images])
    held_out, content = np.arange(len(images)) >= len(train_images), content_of(images)
    return CleanImages(
        name="mnist",
        images=images[:, None],
        labels=np.concatenate([train_labels, test_labels]).astype(np.int64),
        split=split_beside(content, held_out, calibration=calibration),
        content=content,
        classes=_MNIST_CLASSES,
        class_names=_DIGITS,
    )


def download_mnist(folder: Path) -> CleanImages:
    """MNIST through torchvision's own download into ``folder``, for users who are online."""
    from torchvision.datasets import MNIST  # noqa: PLC0415  (slow to import, and only needed here)

    try:
        MNIST(str(folder), download=True)
    except (RuntimeError, OSError) as error:
        raise DataError(f"MNIST could not be downloaded: {error}.", "Check the connection or give --data.") from error
    return load_mnist(folder)


def load_digits_images() -> CleanImages:
    """scikit-learn's 1,797 handwritten digits, 8x8 with 17 grey levels, scaled to uint8. Needs no download."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  (slow to import, and only needed here)

    bunch = load_digits()
    images = np.round(bunch.images * (255.0 / 16.0)).astype(np.uint8)[:, None]
    labels, content = bunch.target.astype(np.int64), content_of(images)
    return CleanImages("digits", images, labels, split_by_content(content), content, 10, _DIGITS)


def load_source(name: str, data: Path | None) -> CleanImages:
    """Clean images by the name a scenario gives: "mnist" (from ``data``) or "digits"."""
    if name == "digits":
        return load_digits_images()
    if name == "mnist":
        if data is None:
            raise DataError("MNIST needs a folder.", "Give --data DIR with the four MNIST files.")
        return load_mnist(data)
    raise DataError(f"No source of clean images is called {name!r}.", "Use mnist or digits.")
