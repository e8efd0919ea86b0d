"""What an attack's own rule adds to the auto-encoder's estimate of a perturbation.

Eq. 4's squared error makes the auto-encoder understate what it is unsure of. Under FGSM the size of every change is
known once epsilon is, and the estimate has only to say its sign (Goodfellow et al. 2015). Where C&W has converged, the
perturbation lies along its victim's margin gradient, for eq. 3 of Carlini and Wagner 2017 is then at a minimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.manifest import AttackLabel

if TYPE_CHECKING:
    from core.model.network import Outputs

ONE_STEP = "FGSM"
"""The attack that moves every pixel it moves by epsilon exactly."""

SEARCHED = "C&W"
"""The attack that ends along its victim's margin gradient."""

STILL = 0.5 / 255
"""A pixel that the estimate moves by less has not moved."""

_SHARE = 1 / 3
"""Of the gradient's direction. The auto-encoder is worth more where the attack was stopped before it converged, as in
the packs' own examples; a third made every victim's C&W images better, of digits and of photographs.
"""


def perturbation(images: Tensor, outputs: Outputs, attacks: Sequence[AttackLabel]) -> Tensor:
    """The best estimate of a batch's perturbations that the image gives, [B, C, H, W]: see :func:`stepped`.

    Raises ValueError for outputs without an estimate.
    """
    if outputs.perturbation is None:
        raise ValueError("victims can be asked only beside a network that estimates perturbations")
    return stepped(images, outputs.perturbation.estimate, outputs.attack, outputs.hyperparameter, attacks)


def stepped(
    images: Tensor, estimate: Tensor, attack: Tensor, hyperparameter: Tensor, attacks: Sequence[AttackLabel]
) -> Tensor:
    """Estimates [B, C, H, W], made sharp where FGSM is named.

    attack, hyperparameter: what is said of each of the images, or of all of them together, [B, A] or [1, A].
    """
    names = [label.name for label in attacks]
    if ONE_STEP not in names:
        return estimate
    at = names.index(ONE_STEP)
    epsilon = hyperparameter[:, at].clamp(attacks[at].minimum, attacks[at].maximum)[:, None, None, None] / 255
    named = (attack.argmax(1) == at)[:, None, None, None]
    return torch.where(named, _one_step(images, estimate, epsilon), estimate)


def drawn_along(estimate: Tensor, gradient: Tensor) -> Tensor:
    """Estimates [B, C, H, W] turned towards the gradients of a margin, and as long as they were."""

    def length(of: Tensor) -> Tensor:
        norms: Tensor = torch.linalg.vector_norm(of, dim=(1, 2, 3), keepdim=True)
        return norms.clamp_min(1e-12)

    turned = estimate / length(estimate) * (1 - _SHARE) + gradient / length(gradient) * _SHARE
    return turned * (length(estimate) / length(turned))


def _one_step(images: Tensor, estimate: Tensor, epsilon: Tensor) -> Tensor:
    """What one step of epsilon [B, 1, 1, 1] did to [B, C, H, W]: the estimate's signs, or what the range allows.

    A pixel nearer to an end than epsilon cannot have come from there, and one that is epsilon away from an end came
    from it if the estimate has that direction at all. At the end itself epsilon was cut off, and the estimate stands.
    """
    black, white = images <= 0, images >= 1
    seen = torch.where(estimate.abs() > epsilon / 4, estimate, 0.0)
    from_end = torch.where(estimate > 0, images - epsilon, 1 - images - epsilon).abs() < STILL
    sign = torch.where(from_end, estimate, seen).sign()
    fell, rose = images < epsilon - STILL, images > 1 - epsilon + STILL
    sign = torch.where(fell & ~rose, -1.0, torch.where(rose & ~fell, 1.0, sign))
    cut = torch.where(black, seen.clamp(max=0), seen.clamp(min=0)).clamp(-epsilon, epsilon)
    return torch.where(black | white, cut, epsilon * sign)
