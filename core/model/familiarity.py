"""How far an image's features lie from everything that the pack was trained on.

The features are projected to their principal directions and whitened by the scatter within a class (one attack
against one victim); the score adds the squared distance to the nearest class mean and the share of the features
that the directions do not hold (Mahalanobis distance after Lee et al. 2018, with a residual as in ViM, 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

DIRECTIONS = 96
_FAR = 1e4
"""Where the mean of a class without examples is put, so that nothing is near it."""


class Familiarity(nn.Module):
    """score [N] = familiarity(features [N, D]); the higher, the less familiar. Buffers travel with the weights."""

    center: Tensor
    basis: Tensor
    whitener: Tensor
    means: Tensor
    residual_scale: Tensor

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        rank = min(DIRECTIONS, features)
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("basis", torch.zeros(features, rank))
        self.register_buffer("whitener", torch.zeros(rank, rank))
        self.register_buffer("means", torch.zeros(classes, rank))
        self.register_buffer("residual_scale", torch.ones(()))

    def fit(self, features: Tensor, classes: Tensor) -> None:
        """features: [N, D] of training examples; classes: int64 [N] below the number of classes."""
        rank = self.basis.shape[1]
        centered = (features - features.mean(0)).double()
        _, vectors = torch.linalg.eigh(centered.T @ centered / len(centered))
        basis = vectors[:, -rank:]  # ascending eigenvalues: the last are the principal ones
        projected = centered @ basis
        means = projected.new_zeros(len(self.means), rank)
        within = torch.zeros(rank, rank, dtype=torch.float64)
        for index in sorted(set(classes.tolist())):
            own = projected[classes == index]
            means[index] = own.mean(0)
            within += (own - means[index]).T @ (own - means[index])
        within = within / len(projected)
        within += torch.eye(rank, dtype=torch.float64) * within.diagonal().mean() * 1e-3
        values, axes = torch.linalg.eigh(within)
        whitener = axes @ torch.diag(values.clamp_min(1e-12).rsqrt())
        residual = (centered.square().sum(1) - projected.square().sum(1)).clamp_min(0)
        self.center.copy_(features.mean(0))
        self.basis.copy_(basis)
        self.whitener.copy_(whitener)
        present = torch.bincount(classes, minlength=len(self.means)) > 0
        self.means.copy_(torch.where(present[:, None], means @ whitener, _FAR))
        floor = centered.square().sum(1).mean() * 1e-3  # where the directions hold everything, what is left is rounding
        self.residual_scale.copy_(torch.maximum(residual.mean(), floor))

    def forward(self, features: Tensor) -> Tensor:
        centered = features.float() - self.center
        projected = centered @ self.basis
        residual = (centered.square().sum(1) - projected.square().sum(1)).clamp_min(0) / self.residual_scale
        # Not by the expansion |a|^2 - 2ab + |b|^2, which loses small distances between large numbers.
        exact = "donot_use_mm_for_euclid_dist"
        distance = torch.cdist(projected @ self.whitener, self.means, compute_mode=exact).amin(1)
        return distance.square() / self.means.shape[1] + residual
