"""The losses of eqs. 4-8 and their uncertainty-weighted sum, eq. 14."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.calibration import Task


class Losses(NamedTuple):
    """Scalars: L2 and L3 of eq. 14 (cross-entropies of attack and victim), L1 (mean squared hyperparameter error in
    the scale given), eq. 4's reconstruction error (0 without a perturbation extractor), and what is minimised."""

    attack: Tensor
    victim: Tensor
    hyperparameter: Tensor
    reconstruction: Tensor
    total: Tensor


def reconstruction_loss(estimate: Tensor, adversarial_map: Tensor, clean_map: Tensor) -> Tensor:
    """Eq. 4, each example's |fm' - G(R(fm')) - fm|^2 divided by 1 + |fm' - fm|^2. Maps are [B, F, h, w].

    Eq. 4 alone is ruled by the largest perturbations (squared norms here run from 1 for C&W to some hundreds for
    FGSM), and the auto-encoder would learn that a C&W perturbation is nothing.
    """
    perturbation = adversarial_map.float() - clean_map.float()
    missed = (perturbation - estimate.float()).square().flatten(1).sum(1)
    return (missed / (1 + perturbation.square().flatten(1).sum(1))).mean()


def hyperparameter_loss(predicted: Tensor, target: Tensor, attack: Tensor, scale: Tensor) -> Tensor:
    """Eq. 8 on the true attack's output, each error divided by its attack's ``scale``.

    predicted: [B, A]; target: [B], label units; attack: int64 [B]; scale: [A], label units.
    """
    own = predicted.gather(1, attack[:, None]).squeeze(1)
    return ((own - target) / scale[attack]).square().mean()


class UncertaintyWeighted(nn.Module):
    """Eq. 14: L1 / (2 s1^2) + L2 / s2^2 + L3 / s3^2 + log s1 + log s2 + log s3, the sigmas learned.

    The parameters are log sigma, so that every sigma stays positive. ``weighted=False`` is the plain sum of
    Tables 13 and 14 ("simple add loss"); its sigmas stay 1.
    """

    def __init__(self, *, weighted: bool = True) -> None:
        super().__init__()
        self.log_sigma = nn.Parameter(torch.zeros(3), requires_grad=weighted)
        self.weighted = weighted

    @property
    def sigma(self) -> dict[Task, float]:
        hyperparameter, attack, victim = self.log_sigma.detach().exp().tolist()
        return {"hyperparameter": hyperparameter, "attack": attack, "victim": victim}

    def forward(self, hyperparameter: Tensor, attack: Tensor, victim: Tensor) -> Tensor:
        """The combined loss of L1, L2, L3, all scalars."""
        losses = torch.stack([hyperparameter, attack, victim])
        if not self.weighted:
            return losses.sum()
        factors = losses.new_tensor([0.5, 1.0, 1.0])
        return (factors * losses * torch.exp(-2 * self.log_sigma) + self.log_sigma).sum()


def classification_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Eqs. 5 and 6: cross-entropy. logits [B, K], target int64 [B]."""
    return F.cross_entropy(logits.float(), target)
