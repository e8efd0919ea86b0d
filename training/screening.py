"""Look at clean images through a victim before attacking them: which it names right, how near the boundary they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import AttackError
from core.victims import Victim
from training.attacks.base import margins
from training.memory import Pieces, Smaller, at_once
from training.naming import batch_of
from training.ranks import Ranks
from training.shards import read_header, read_part, write_part
from training.sources import CleanImages, Split

_BATCH = 250


class Screening(NamedTuple):
    """Over all N clean images of the source (not only those screened).

    right:   bool [N], screened and named right by the victim.
    epsilon: float32 [N], first-order L-infinity distance to the boundary, (z_y - max z_k) / |gradient|_1, in
             [0, 1] units; infinite where not screened.
    """

    right: NDArray[np.bool_]
    epsilon: NDArray[np.float32]


def screen(
    victim: Victim, digest: str, clean: CleanImages, split: Split, pool: int, folder: Path, ranks: Ranks,
    smaller: Smaller = lambda _batch, _piece: None,
) -> Screening:  # fmt: skip
    """Screen the first ``pool`` images of a split, or take the result that an earlier run left in ``folder``.

    digest: the victim's; a result of another victim or other images is measured anew.
    """
    path = folder / f"screening-{split}.cache"
    rows = clean.rows(split)[:pool]
    shown: dict[str, NDArray[Any]] = {"images": clean.images, "labels": clean.labels}
    of = {"victim": digest} | {name: _digest(values, rows) for name, values in shown.items()}
    if ranks.first and not (path.exists() and read_header(path) == of):
        right, epsilon = look_through(victim, clean, rows, smaller)
        write_part(path, {"right": right, "epsilon": epsilon}, of)
    ranks.barrier()
    found, _ = read_part(path)
    every_right = np.zeros(len(clean.labels), np.bool_)
    every_epsilon = np.full(len(clean.labels), np.inf, np.float32)
    every_right[rows] = found["right"].astype(np.bool_)
    every_epsilon[rows] = found["epsilon"]
    return Screening(every_right, every_epsilon)


def _digest(values: NDArray[Any], rows: NDArray[np.int64]) -> str:
    """SHA-256 of the values at ``rows``, which may be more than the memory holds."""
    found = hashlib.sha256()
    for start in range(0, len(rows), _BATCH):
        found.update(values[rows[start : start + _BATCH]].tobytes())
    return found.hexdigest()


def look_through(
    victim: Victim, clean: CleanImages, rows: NDArray[np.int64], smaller: Smaller = lambda _batch, _piece: None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Of the images at ``rows``: whether the victim names them right, and the first-order distance to the boundary.

    smaller: told where the memory does not hold as many images at once as are taken.
    """

    def look(piece: slice) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        x, labels = batch_of(clean, rows[piece], victim.device)
        margin = -margins(victim(x.requires_grad_()), labels)
        if not bool(margin.isfinite().all()):
            raise AttackError(
                f"The victim {victim.name} returned logits that are NaN or infinite on a clean image.",
                "Check its weights and its normalisation.",
            )
        (gradient,) = torch.autograd.grad(margin.sum(), x)
        steepness = gradient.abs().sum((1, 2, 3)).clamp_min(1e-12)
        return (margin > 0).cpu().numpy().astype(np.uint8), (margin.detach() / steepness).cpu().numpy()

    looked = Pieces(at_once(victim, clean.images.shape[2:], _BATCH), victim.device, smaller).of(len(rows), look)
    if not looked:
        return np.zeros(0, np.uint8), np.zeros(0, np.float32)
    right, epsilon = map(np.concatenate, zip(*looked, strict=True))
    return right, epsilon
