"""What an attributor makes of images on the way to findings: prepared, answered pass by pass, judged in parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from core.adjustments import Adjustment
from core.model.network import Outputs
from core.preprocess import Fitted
from core.reading import FittedFile
from core.types import Testimony


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image as the network takes it; ``size`` is the image's own (height, width)."""

    sha256: str
    fitted: Fitted
    size: tuple[int, int]

    @property
    def tiles(self) -> int:
        return len(self.fitted.tiles)


_Tiled = TypeVar("_Tiled", Prepared, FittedFile)


@dataclass(frozen=True, slots=True)
class Answered:
    """What is said of the tiles of one pass: raw answers, and testimonies of victims where any were asked.

    familiarity: their scores, [B]. estimates: of their perturbations, [B, F, h, w], if the network makes any.
    """

    outputs: Outputs
    familiarity: Tensor
    testimonies: Sequence[tuple[Testimony, ...]]
    estimates: Tensor | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Images of a batch that were judged alike, with what is said of each of them.

    asked: whether victims were. scaled: whether they were shown it at the pack's size, not at its own. outputs: a row
    for each image. estimates: of the perturbations of its tiles, each [N, F, h, w]; None where they were not wanted or
    are not made. remark: what is to be said of how victims were asked, or why they were not.
    """

    prepared: Sequence[Prepared]
    asked: bool
    outputs: Outputs
    familiarity: list[float]
    testimonies: Sequence[tuple[Testimony, ...]]
    estimates: Sequence[Tensor] | None
    scaled: bool = False
    remark: Adjustment | None = None


def mean_over_tiles(outputs: Sequence[Outputs], counts: list[int]) -> Outputs:
    """Answers about tiles, pass by pass, as answers about images that have so many tiles each."""

    def over(tiles: Sequence[Tensor]) -> Tensor:
        every = torch.cat(tuple(tiles))
        return every if len(every) == len(counts) else torch.stack([own.mean(0) for own in torch.split(every, counts)])

    attack, victim, hyperparameter, _, features = zip(*outputs, strict=True)
    return Outputs(over(attack), over(victim), over(hyperparameter), None, over(features))


def batches(items: Iterable[_Tiled], size: int) -> Iterator[list[_Tiled]]:
    """Consecutive images, cut where so many of them, or of their tiles, are together."""
    batch: list[_Tiled] = []
    tiles = 0
    for item in items:
        batch.append(item)
        tiles += item.tiles
        if max(len(batch), tiles) >= size:
            yield batch
            batch, tiles = [], 0
    if batch:
        yield batch
