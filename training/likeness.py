"""How alike two perturbations are."""

from __future__ import annotations

import torch
from torch import Tensor


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Of each of N pairs over all its pixels, float64 [N]; 0 where one of both is zero. Arguments are [N, ...]."""
    a, b = first.double().flatten(1), second.double().flatten(1)
    scale = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(b, dim=1)
    found: Tensor = (a * b).sum(1) / scale.clamp_min(1e-12)
    return found


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's, of each of N pairs over all its pixels, float64 [N]; 0 where one of both is the same everywhere."""
    a, b = (x.double().flatten(1) for x in (first, second))
    return cosine(a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True))
