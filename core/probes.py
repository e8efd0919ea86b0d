"""What a candidate victim answers when it is asked about an image: evidence beside the image's own.

An attack leaves its victim's mark. C&W stops where the logit margin is kappa, with a perturbation along the margin's
gradient (Carlini and Wagner 2017, eq. 7 and section V); FGSM's perturbation is the sign of the loss's gradient at the
clean image (Goodfellow et al. 2015), and PGD's last steps are such signs near the adversarial one (Madry et al. 2018).
So every candidate is asked twice, at the image and at the clean image that the network's auto-encoder estimates, each
time by one forward pass and one input gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from core.errors import VictimError
from core.manifest import AttackLabel

if TYPE_CHECKING:
    from core.model.network import Outputs

PROBES = (
    "gap",
    "margin",
    "rise",
    "flip",
    "slope",
    "cosine",
    "sign",
    "weighted_sign",
    "clean_gap",
    "clean_slope",
    "clean_cosine",
    "clean_sign",
    "clean_weighted_sign",
)
"""The columns of :attr:`Replies.probes`.

gap: between the two largest logits at the image. margin: from the label at the image to that at the clean estimate,
in logits. rise: by how much the way from the clean estimate to the image moved that margin. flip: whether the two
labels differ. slope: log of the length of the margin's gradient. cosine, sign, weighted_sign: of that gradient with the
perturbation: its cosine, the share of pixels that agree in sign (as -1 to 1), and the same weighted by the gradient.
clean_...: the same at the clean estimate.
"""

_STILL = 0.5 / 255
"""A pixel that the estimate moves by less has not moved."""

_PIXELS = 2**18
"""Of the images that a victim is asked about at once: a gradient keeps all that its layers made of them."""

_ONE_STEP = "FGSM"
"""The attack that moves every pixel it moves by epsilon exactly."""


class Replies(NamedTuple):
    """What candidates said of a batch. probes: float32 [B, V, len(PROBES)]. label, clean_label: int64 [B, V], the
    candidate's class for the image and for the clean estimate.
    """

    probes: Tensor
    label: Tensor
    clean_label: Tensor


def perturbation(images: Tensor, outputs: Outputs, attacks: Sequence[AttackLabel]) -> Tensor:
    """The best estimate of a batch's perturbations, [B, C, H, W]: the auto-encoder's, made sharp under FGSM.

    Eq. 4's squared error makes the auto-encoder understate what it is unsure of. Under FGSM the size of every change
    is known once epsilon is, and the estimate has only to say its sign.
    """
    if outputs.perturbation is None:
        raise ValueError("victims can be asked only beside a network that estimates perturbations")
    estimate = outputs.perturbation.estimate
    names = [attack.name for attack in attacks]
    if _ONE_STEP not in names:
        return estimate
    at = names.index(_ONE_STEP)
    epsilon = outputs.hyperparameter[:, at].clamp(attacks[at].minimum, attacks[at].maximum)[:, None, None, None] / 255
    stepped = (outputs.attack.argmax(1) == at)[:, None, None, None]
    return torch.where(stepped, _one_step(images, estimate, epsilon), estimate)


def _one_step(images: Tensor, estimate: Tensor, epsilon: Tensor) -> Tensor:
    """What one step of epsilon [B, 1, 1, 1] did: the estimate's signs, or the only ones that the range allows.

    A pixel nearer to an end than epsilon cannot have come from there, and one that is epsilon away from an end came
    from it if the estimate has that direction at all. At the end itself epsilon was cut off, and the estimate stands.
    """
    black, white = images <= 0, images >= 1
    seen = torch.where(estimate.abs() > epsilon / 4, estimate, 0.0)
    from_end = torch.where(estimate > 0, images - epsilon, 1 - images - epsilon).abs() < _STILL
    sign = torch.where(from_end, estimate, seen).sign()
    fell, rose = images < epsilon - _STILL, images > 1 - epsilon + _STILL
    sign = torch.where(fell & ~rose, -1.0, torch.where(rose & ~fell, 1.0, sign))
    cut = torch.where(black, seen.clamp(max=0), seen.clamp(min=0)).clamp(-epsilon, epsilon)
    return torch.where(black | white, cut, epsilon * sign)


def ask(victims: Sequence[nn.Module], images: Tensor, estimate: Tensor) -> Replies:
    """Ask each victim about images [B, C, H, W] in [0, 1]; estimate: of their perturbations, the same shape.

    Victims are frozen and on the images' device. Costs each one two forward passes and two input gradients an image.
    Raises VictimError for a victim that answers with what is no number.
    """
    at_once = max(1, _PIXELS // (images.shape[2] * images.shape[3]))
    pieces = [
        _ask_piece(victims, *piece)
        for piece in zip(torch.split(images, at_once), torch.split(estimate, at_once), strict=True)
    ]
    return Replies(*map(torch.cat, zip(*pieces, strict=True)))


def _ask_piece(victims: Sequence[nn.Module], images: Tensor, estimate: Tensor) -> Replies:
    clean = (images - estimate).clamp(0, 1)
    direction = _direction(images, clean)
    answers = [_ask_one(victim, images, clean, direction) for victim in victims]
    return Replies(*(torch.stack(column, dim=1) for column in zip(*answers, strict=True)))


def _direction(images: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
    """The perturbation and the signs it shows, both [B, D].

    A pixel at the end of its range that has not moved may have been pushed against it: its sign is that of the end.
    """
    moved = (images - clean).flatten(1)
    flat = images.flatten(1)
    sign = torch.where(moved.abs() > _STILL, moved.sign(), (flat >= 1).float() - (flat <= 0).float())
    return moved, sign


def _ask_one(
    victim: nn.Module, images: Tensor, clean: Tensor, direction: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    count = len(images)
    both = torch.cat([images, clean]).detach().requires_grad_()
    with torch.enable_grad():
        logits: Tensor = victim(both).float()
        at_image, at_clean = logits[:count], logits[count:]
        top = at_image.topk(2, dim=1)
        label, clean_label = top.indices[:, 0], at_clean.argmax(1)
        rival = torch.where(clean_label == label, top.indices[:, 1], clean_label)
        margin, before = (_margin(answer, label, rival) for answer in (at_image, at_clean))
        (gradient,) = torch.autograd.grad(margin.sum() + before.sum(), both)
    if not (logits.isfinite().all() and gradient.isfinite().all()):
        name = getattr(getattr(victim, "card", None), "name", "a victim")
        raise VictimError(f"What {name} says of an image is no number.", "Do not ask it, or hand over another file.")
    clean_top = at_clean.topk(2, dim=1).values
    columns = [
        top.values[:, 0] - top.values[:, 1],
        margin,
        margin - before,
        (label != clean_label).float(),
        *_alignment(gradient[:count], *direction),
        clean_top[:, 0] - clean_top[:, 1],
        *_alignment(gradient[count:], *direction),
    ]
    return torch.stack(columns, dim=1).detach(), label, clean_label


def _margin(logits: Tensor, label: Tensor, rival: Tensor) -> Tensor:
    return (logits.gather(1, label[:, None]) - logits.gather(1, rival[:, None])).squeeze(1)


def _alignment(gradient: Tensor, moved: Tensor, sign: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """slope, cosine, sign and weighted sign of one gradient [B, C, H, W] with the perturbation [B, D]."""
    flat = gradient.flatten(1).float()
    length = flat.norm(dim=1)
    cosine = (flat * moved).sum(1) / (length * moved.norm(dim=1)).clamp_min(1e-12)
    agree = (flat.sign() * sign).sum(1) / sign.abs().sum(1).clamp_min(1)
    weighted = (flat * sign).sum(1) / (flat * sign).abs().sum(1).clamp_min(1e-12)
    return length.clamp_min(1e-12).log(), cosine, agree, weighted
