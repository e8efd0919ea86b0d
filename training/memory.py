"""Work where the device's memory is short: a batch in parts, with gradients that add up; images in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.devices import is_out_of_memory
from core.errors import DeviceError
from core.victims import Victim

Smaller = Callable[[int, int], None]
"""Told the size of a batch and of the parts that it goes through the device in from now on."""

T = TypeVar("T")

_GRADIENT_PIXELS = 2**20
"""Of images at once whose gradient is taken on a CPU: layers keep some 60 to 120 MB of each 224x224 for it, and what
the system has promised and cannot give ends the process instead of raising."""


def at_once(victim: Victim, size: Sequence[int], most: int) -> int:
    """How many images of that height and width a victim's gradient is taken of together, ``most`` at most.

    A GPU that does not hold them says so, and :class:`Pieces` takes fewer.
    """
    if victim.device.type != "cpu":
        return most
    return min(most, max(1, _GRADIENT_PIXELS // victim.pixels(size)))


@contextmanager
def in_parts(network: nn.Module, parts: int) -> Iterator[None]:
    """Batch norm's running statistics move in ``parts`` steps as far as in one.

    What it cannot give is the batch's own statistics: each part is normalised by its own mean and variance, so a
    network with batch norm trains on noisier ones. All else is the same up to rounding.
    """
    if parts == 1:
        yield
        return
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.momentum is not None]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1 - (1 - (norm.momentum or 0.0)) ** (1 / parts)
    try:
        yield
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum


class Pieces:
    """Images through a device that may not hold a batch of them: halved as often as it does not, and kept that small.

    smaller: told of every halving.
    """

    def __init__(self, size: int, device: torch.device, smaller: Smaller = lambda _batch, _piece: None) -> None:
        self.size, self._device, self._smaller = size, device, smaller

    def of(self, count: int, work: Callable[[slice], T]) -> list[T]:
        """``work`` on consecutive slices of ``count`` images; one that did not fit is worked on again, in halves.

        Of no images at all it is done once, on none, so that there is something to put together.
        Raises DeviceError where not even one image fits.
        """
        found: list[T] = []
        start = 0
        while start < count or not found:
            piece = slice(start, min(start + self.size, count))
            try:
                found.append(work(piece))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            else:
                start = piece.stop
                continue
            self._halve(piece.stop - start, count)  # not while the error holds on to what did not fit
        return found

    def _halve(self, images: int, count: int) -> None:
        if images < 2:
            raise DeviceError(f"Not even one image fits into {self._device}'s memory.", "Close what else uses it.")
        self.size = images // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._smaller(count, self.size)
