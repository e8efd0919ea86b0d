"""Perceptually uniform colour maps as Qt colour tables.

matplotlib takes a fraction of a second to import, so the first call belongs to a thread other than the GUI's.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SEQUENTIAL = ("inferno", "viridis", "magma", "cividis")
DIVERGING = ("coolwarm", "RdBu_r", "gray")


@cache
def table(name: str) -> NDArray[np.uint8]:
    """[256, 3] red, green, blue."""
    from matplotlib import colormaps  # noqa: PLC0415

    return (colormaps[name](np.arange(256))[:, :3] * 255.0 + 0.5).astype(np.uint8)


def opaque(name: str) -> list[int]:
    """256 opaque 0xAARRGGBB entries."""
    return [0xFF000000 | int(r) << 16 | int(g) << 8 | int(b) for r, g, b in table(name)]


def fading(name: str) -> list[int]:
    """The same, ever more transparent towards 0, so that an overlay covers only where it has something to say."""
    alphas = np.minimum(255, np.arange(256) * 2)
    return [int(a) << 24 | (c & 0xFFFFFF) for a, c in zip(alphas, opaque(name), strict=True)]


def warm_up() -> None:
    """Import matplotlib and build every table."""
    for name in (*SEQUENTIAL, *DIVERGING):
        table(name)
