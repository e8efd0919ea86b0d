"""A look at clean images before anything is done with them: how many there are, of what size, and a few of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, ImageError
from core.manifest import ImageSpec
from core.types import LoadedImage
from training.folders import chosen_of, class_names, open_folder, square
from training.sources import load_source

_LOOK_AT, _SIDE = 24, 64


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is: of a folder by its list of files and a look at a few of them.

    held_out: images for testing. size: (width, height) that most of those looked at have. grey: whether all of these
    are grey. samples: some of them, square, uint8 [1 or 3, S, S]. unreadable: those that are not, with the reason.
    """

    images: int
    held_out: int
    classes: tuple[str, ...]
    size: tuple[int, int]
    grey: bool
    samples: tuple[NDArray[np.uint8], ...]
    unreadable: tuple[str, ...] = ()


def survey(source: str, data: Path | None) -> Survey:
    """source: as a scenario names it. data: its folder, where it has one. Raises DataError for what cannot be used."""
    if source == "folder" and data is not None:
        return survey_folder(data)
    clean = load_source(source, data)
    _, height, width = clean.shape
    some = clean.images[np.linspace(0, len(clean.images) - 1, _LOOK_AT).astype(int)]
    return Survey(
        len(clean.images), len(clean.rows("test")), clean.class_names, (width, height), len(some[0]) == 1, tuple(some)
    )


def survey_folder(data: Path) -> Survey:
    """Raises DataError for a folder without images, and if none of those looked at can be read."""
    with open_folder(data) as found:
        looks: list[LoadedImage] = []
        unreadable: list[str] = []
        for picture in chosen_of(found, None)[:_LOOK_AT]:
            try:
                looks.append(picture.read())
            except ImageError as error:
                unreadable.append(error.what)
        if not looks:
            raise DataError(f"{data}: {unreadable[0]}", "Give other images.")
        sizes = Counter((image.pixels.shape[2], image.pixels.shape[1]) for image in looks)
        shape = ImageSpec(channels=3, height=_SIDE, width=_SIDE)
        return Survey(
            images=len(found), held_out=sum(picture.held_out for picture in found), classes=class_names(found),
            size=sizes.most_common(1)[0][0], grey=all(len(image.pixels) == 1 for image in looks),
            samples=tuple(square(image, shape) for image in looks), unreadable=tuple(unreadable),
        )  # fmt: skip
