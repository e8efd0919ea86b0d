"""Look at clean images through a victim before attacking them: which it names right, how near the boundary they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import AttackError
from core.victims import Victim
from training.attacks.base import margins
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
    victim: Victim, digest: str, clean: CleanImages, split: Split, pool: int, folder: Path, ranks: Ranks
) -> Screening:
    """Screen the first ``pool`` images of a split, or take the result that an earlier run left in ``folder``.

    digest: the victim's; a result of another victim or other images is measured anew.
    """
    path = folder / f"screening-{split}.cache"
    rows = clean.rows(split)[:pool]
    of = {"victim": digest, "images": hashlib.sha256(clean.images[rows].tobytes()).hexdigest()}
    if ranks.first and not (path.exists() and read_header(path) == of):
        right, epsilon = _measure(victim, clean, rows)
        write_part(path, {"rows": rows, "right": right, "epsilon": epsilon}, of)
    ranks.barrier()
    found, _ = read_part(path)
    every_right = np.zeros(len(clean.labels), np.bool_)
    every_epsilon = np.full(len(clean.labels), np.inf, np.float32)
    every_right[found["rows"]] = found["right"].astype(np.bool_)
    every_epsilon[found["rows"]] = found["epsilon"]
    return Screening(every_right, every_epsilon)


def _measure(
    victim: Victim, clean: CleanImages, rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    right = np.zeros(len(rows), np.uint8)
    epsilon = np.zeros(len(rows), np.float32)
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        x = (torch.from_numpy(clean.images[rows[part]]).to(victim.device).float() / 255).requires_grad_()
        margin = -margins(victim(x), torch.from_numpy(clean.labels[rows[part]]).to(victim.device))
        if not bool(margin.isfinite().all()):
            raise AttackError(
                f"The victim {victim.name} returned logits that are NaN or infinite on a clean image.",
                "Check its weights and its normalisation.",
            )
        (gradient,) = torch.autograd.grad(margin.sum(), x)
        steepness = gradient.abs().sum((1, 2, 3)).clamp_min(1e-12)
        right[part] = (margin > 0).cpu().numpy()
        epsilon[part] = (margin.detach() / steepness).cpu().numpy()
    return right, epsilon
