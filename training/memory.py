"""Training where the device's memory is short: a batch in parts, with gradients that add up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the machine had no memory left; on the CPU torch says so in a plain RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


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
