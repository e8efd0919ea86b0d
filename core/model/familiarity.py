"""How far an image's features lie from everything that the pack was trained on, and whether it misleads the pack.

The features are projected to their principal directions and whitened by the scatter within a class (one attack
against one victim); the score adds the squared distance to the nearest class mean and the share of the features
that the directions do not hold (Mahalanobis distance after Lee et al. 2018, with a residual as in ViM, 2022).

That distance misses images which were compressed or scaled after the attack: they lie among the wrong classes rather
than outside all. So a second part has learned from training examples that were changed in such ways how those look on
which the pack then errs (outlier exposure, Hendrycks et al. 2019). It may see what the network's features no longer
tell (:mod:`core.model.residuals`). The larger of the two, each in the spread that it has on known images, is the score.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

DIRECTIONS = 96
_LEAST = 1e-12
"""Of a unit that distances are divided by: features that are the same for all have no distances."""

_FAR = 1e4
"""Where the mean of a class without examples is put, so that nothing is near it."""

_HIDDEN = 64
_OUTLIER = 6.0
"""Standard deviations beyond which a feature says no more of a change."""

_RARE = 0.99
"""The share of known images under whose score a part's unit lies."""


class ChangeDetector(nn.Module):
    """features [N, D] -> [N], log odds that the pack errs because the image was changed after the attack."""

    center: Tensor
    spread: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, _HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(_HIDDEN, 1))
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))

    def scale_to(self, features: Tensor) -> None:
        """Take the mean and spread of features [N, D] as what is normal."""
        self.center.copy_(features.mean(0))
        self.spread.copy_(features.std(0).clamp_min(1e-5))

    def forward(self, features: Tensor) -> Tensor:
        odds: Tensor = self.layers(((features.float() - self.center) / self.spread).clamp(-_OUTLIER, _OUTLIER))
        return odds.squeeze(1)


class Familiarity(nn.Module):
    """score [N] = familiarity(features [N, D + beside]), the higher the stranger. Buffers travel with the weights.

    features: D, whose distance counts. beside: how many columns follow, which only the detector of changes sees.
    changes: what tells images that were changed after the attack; None where only the distance counts.
    """

    center: Tensor
    basis: Tensor
    whitener: Tensor
    means: Tensor
    residual_scale: Tensor
    middle: Tensor
    unit: Tensor

    def __init__(self, features: int, classes: int, *, beside: int = 0, changes: bool = False) -> None:
        super().__init__()
        rank = min(DIRECTIONS, features)
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("basis", torch.zeros(features, rank))
        self.register_buffer("whitener", torch.zeros(rank, rank))
        self.register_buffer("means", torch.zeros(classes, rank))
        self.register_buffer("residual_scale", torch.ones(()))
        self.changes: ChangeDetector | None = None
        if changes:
            self.watch_changes(ChangeDetector(features + beside))

    def watch_changes(self, detector: ChangeDetector) -> None:
        """Let a detector have its part in the score; :meth:`balance` then says how much each part counts."""
        self.changes = detector
        for name, value in (("middle", torch.zeros(2)), ("unit", torch.ones(2))):
            self.register_buffer(name, value)

    def balance(self, features: Tensor) -> None:
        """Measure both parts by their spread over known features [N, D], which neither was fitted on."""
        if self.changes is None:
            return
        parts = self._parts(features, self.changes)
        self.middle.copy_(parts.median(0).values)
        self.unit.copy_((parts.quantile(_RARE, dim=0) - self.middle).clamp_min(1e-6))

    def fit(self, features: Tensor, classes: Tensor) -> None:
        """features: [N, D + beside] of training examples; classes: int64 [N] below the number of classes."""
        features, rank = self._own(features), self.basis.shape[1]
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
        self.residual_scale.copy_(torch.maximum(residual.mean(), floor).clamp_min(_LEAST))

    def forward(self, features: Tensor) -> Tensor:
        if self.changes is None:
            return self._distance(features)
        return ((self._parts(features, self.changes) - self.middle) / self.unit).amax(1)

    def _own(self, features: Tensor) -> Tensor:
        return features[:, : len(self.center)]

    def _parts(self, features: Tensor, changes: ChangeDetector) -> Tensor:
        return torch.stack([self._distance(features), changes(features)], dim=1)

    def _distance(self, features: Tensor) -> Tensor:
        centered = self._own(features).float() - self.center
        projected = centered @ self.basis
        residual = (centered.square().sum(1) - projected.square().sum(1)).clamp_min(0) / self.residual_scale
        # Not by the expansion |a|^2 - 2ab + |b|^2, which loses small distances between large numbers.
        exact = "donot_use_mm_for_euclid_dist"
        distance = torch.cdist(projected @ self.whitener, self.means, compute_mode=exact).amin(1)
        return distance.square() / self.means.shape[1] + residual
