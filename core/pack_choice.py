"""Which of several packs fits the images that are to be judged.

A pack judges images as its victims were attacked: of one size, in grey or in colour. Any other image has to be made to
fit, and what that costs of the perturbation decides. From best to worst, a pack fits an image by

- ``SAME``: size and colour are the pack's. Grey that was stored as colour counts as grey, and an image that was
  enlarged by repeating pixels counts as what it was: nothing is lost.
- ``SIZE``: the size is a colour pack's, and the image is grey.
- ``WHOLE``: the image is grey and a whole multiple of a grey pack's size, which whole blocks are averaged to.
- ``LARGER``: the pack is for colour, and the image has at least as many pixels as it takes: a photograph.
- ``SMALLER``: the pack is for colour and judges images as they are, and this one has fewer pixels than it takes.

Anything else does not fit: colour is not turned to grey, for the perturbation differs from channel to channel, and
nothing is enlarged, for an attack was not computed between the pixels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.errors import ImageError
from core.imageio import Header
from core.manifest import ImageSpec, Manifest
from core.pack import ListedPack
from core.preprocess import LEAST, repeats
from core.types import LoadedImage

LOOKED_AT = 8
"""Files whose images decide for all that are opened together, spread evenly over them."""

LARGE = 2**21
"""Pixels from which a JPEG's header is enough: decoding eight photographs of a camera would take seconds."""


class Match(IntEnum):
    """How well a pack fits an image; the module says what each means."""

    NONE = 0
    SMALLER = 1
    LARGER = 2
    WHOLE = 3
    SIZE = 4
    SAME = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What a choice needs to know of an image.

    height, width: in pixels. grey: whether its channels are all the same. repeats: the side of the largest squares,
    whole numbers of which fill the image, that are of one colour each; 1 where pixels are not repeated.
    """

    height: int
    width: int
    grey: bool
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """The pack that was chosen, and how many of the images it fits at all."""

    path: Path
    manifest: Manifest
    fitting: int


def look_at(image: LoadedImage) -> Look:
    pixels = image.pixels
    grey = all(np.array_equal(pixels[0], channel) for channel in pixels[1:])
    return Look(*image.size, grey, repeats(pixels[:1] if grey else pixels))


class Source(NamedTuple):
    """How an image is read. load: raises ImageError. header: as :func:`core.imageio.header_of`."""

    load: Callable[[], LoadedImage]
    header: Callable[[], Header | None]


def look_at_some(sources: Sequence[Source]) -> list[Look]:
    """Images from the first to the last; those that cannot be read are passed over."""
    found: list[Look] = []
    step = max(1, len(sources) / LOOKED_AT)
    for source in (sources[int(at * step)] for at in range(min(LOOKED_AT, len(sources)))):
        header = source.header()
        if header is not None and header.height * header.width >= LARGE:
            found.append(Look(*header))
            continue
        try:
            found.append(look_at(source.load()))
        except ImageError:
            continue
    return found


def match_of(spec: ImageSpec, image: Look) -> Match:
    """How well a pack for ``spec`` fits an image."""
    grey_pack = spec.channels == 1
    if grey_pack and not image.grey:
        return Match.NONE
    times = _times(spec, image)
    if times and image.repeats % times == 0:
        return Match.SAME if grey_pack == image.grey else Match.SIZE
    if grey_pack:
        return Match.WHOLE if times else Match.NONE
    if image.height * image.width >= spec.height * spec.width:
        return Match.LARGER
    kept = spec.fit != "resize" and min(image.height, image.width) >= LEAST
    return Match.SMALLER if kept else Match.NONE


def choose_pack(packs: Sequence[ListedPack], images: Iterable[Look]) -> Choice | None:
    """The pack that fits most of the images best; None where none fits any. Packs that cannot be used are ignored.

    Each image has a vote for the pack that fits it best; among packs that fit it in the same way, for the one that
    takes most pixels, for it loses least. An earlier pack wins a draw, so whatever is in use should come first.
    """
    usable = [(pack.path, pack.manifest) for pack in packs if pack.manifest is not None]
    looks, votes = list(images), Counter[int]()
    for image in looks:
        fits = [
            (match_of(spec, image), spec.height * spec.width) for spec in (manifest.image for _, manifest in usable)
        ]
        if any(how for how, _ in fits):
            votes[fits.index(max(fits))] += 1
    if not votes:
        return None
    path, manifest = usable[min(votes, key=lambda at: (-votes[at], at))]
    return Choice(path, manifest, sum(match_of(manifest.image, image) > Match.NONE for image in looks))


def rather(packs: Sequence[ListedPack], images: Iterable[Look], chosen: Path) -> Counter[Path]:
    """Of images that the chosen pack does not fit, how many each other pack fits best."""
    usable = {pack.path: pack.manifest.image for pack in packs if pack.manifest is not None}
    found = Counter[Path]()
    for image in images:
        fits = {path: match_of(spec, image) for path, spec in usable.items()}
        if not fits.get(chosen) and any(fits.values()):
            found[max(fits, key=lambda path: fits[path])] += 1
    return found


def _times(spec: ImageSpec, image: Look) -> int:
    """By which whole number the image is larger than what a pack takes, 0 where by none."""
    times = image.height // spec.height
    return times if (image.height, image.width) == (spec.height * times, spec.width * times) else 0
