"""What a candidate victim answers when it is asked about an image: evidence beside the image's own.

An attack leaves its victim's mark. C&W stops where the logit margin is kappa, with a perturbation along the margin's
gradient (Carlini and Wagner 2017, eq. 7 and section V); FGSM's perturbation is the sign of the loss's gradient at the
clean image (Goodfellow et al. 2015), and PGD's last steps are such signs near the adversarial one (Madry et al. 2018).
So every candidate is asked at the image and at the clean image that the network's auto-encoder estimates, each time by
one forward pass and one input gradient.

It is also asked what it takes the image for after a strong JPEG compression, by a forward pass. In photographs the
auto-encoder finds only a part of a perturbation; compression costs most perturbations their effect (Das et al. 2018,
arXiv:1802.06816), and the likeliest class beside the attacked one is then the clean image's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import VictimError
from core.perturbation import STILL
from core.pictures import through_jpeg
from core.victims import Victim

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
    "compressed_flip",
    "compressed_rise",
    "compressed_cosine",
    "compressed_sign",
    "compressed_weighted_sign",
)
"""The columns of :attr:`Replies.probes`.

gap: between the two largest logits at the image. margin: from the label at the image to what it was before, in logits:
the label at the clean estimate, or where that is the same, the likeliest other class after compression. rise: by how
much the way from the clean estimate to the image moved that margin. flip: whether the two labels differ. slope: log of
the length of the margin's gradient. cosine, sign, weighted_sign: of that gradient with the perturbation: its cosine,
the share of pixels that agree in sign (as -1 to 1), and the same weighted by the gradient. clean_...: the same at the
clean estimate. compressed_...: the same at the compressed image, of the gradient at the image with what compression
takes away from it. Without those, margin takes the runner-up at the image where the two labels are the same.
"""

_QUALITY = 75
"""Of the JPEG compression. The likeliest other class after it was the clean image's for 91 % of C&W's 8-bit photographs
(200 of the calibration split of resources/scenarios/natural.toml, four victims), after 50 for 82 %.
"""


def probes_of(compressed: bool) -> tuple[str, ...]:
    """The columns where candidates are asked about the compressed image, and where they are not."""
    return tuple(name for name in PROBES if compressed or not name.startswith("compressed_"))


_PIXELS = 2**18
"""Of what a victim is asked about at once on a CPU, as it sees it: a gradient keeps all that its layers made of it."""


class Replies(NamedTuple):
    """What candidates said of a batch. probes: float32 [B, V, P], the columns of :func:`probes_of`. label, clean_label,
    before: int64 [B, V], the candidate's class for the image, for the clean estimate, and what it was before the attack
    as far as can be told.
    """

    probes: Tensor
    label: Tensor
    clean_label: Tensor
    before: Tensor


def ask(victims: Sequence[nn.Module], images: Tensor, estimate: Tensor, compressed: bool = True) -> Replies:
    """Ask each victim about images [B, C, H, W] in [0, 1]; estimate: of their perturbations, the same shape.

    Victims are frozen and on the images' device. Costs each one two forward passes and two input gradients an image,
    and another forward pass for the compressed image.
    Raises VictimError for a victim that answers with what is no number.
    """
    at_once = _at_once(victims, images)
    pieces = [
        _ask_piece(victims, *piece, compressed)
        for piece in zip(torch.split(images, at_once), torch.split(estimate, at_once), strict=True)
    ]
    return Replies(*map(torch.cat, zip(*pieces, strict=True)))


def pull(victim: nn.Module, images: Tensor, label: Tensor, before: Tensor) -> Tensor:
    """Where a victim's margin from ``label`` to ``before``, int64 [B], rises fastest: its gradient, [B, C, H, W]."""
    at_once = _at_once([victim], images)
    found = []
    for some, *labels in zip(*(torch.split(each, at_once) for each in (images, label, before)), strict=True):
        x = some.detach().requires_grad_()
        with torch.enable_grad():
            margin = _margin(victim(x).float(), *labels)
            found += torch.autograd.grad(margin.sum(), x)
    return torch.cat(found)


def _at_once(victims: Sequence[nn.Module], images: Tensor) -> int:
    """How many of the images victims are asked about together: on a GPU all, which says so if it does not hold them."""
    if images.device.type != "cpu":
        return len(images)
    seen = [
        victim.pixels(images.shape[2:]) if isinstance(victim, Victim) else images[0, 0].numel() for victim in victims
    ]
    return max(1, _PIXELS // max(seen))


def _ask_piece(victims: Sequence[nn.Module], images: Tensor, estimate: Tensor, compressed: bool) -> Replies:
    looks = _Looks.at(images, estimate, compressed)
    answers = [_ask_one(victim, looks) for victim in victims]
    return Replies(*(torch.stack(column, dim=1) for column in zip(*answers, strict=True)))


class _Looks(NamedTuple):
    """What victims are shown of a batch, each [B, C, H, W]: the images, their clean estimates, and after compression.

    moved: from the clean estimates to the images; compressed comes with the way from there.
    """

    images: Tensor
    clean: Tensor
    moved: _Moved
    compressed: tuple[Tensor, _Moved] | None

    @classmethod
    def at(cls, images: Tensor, estimate: Tensor, compressed: bool) -> _Looks:
        clean = (images - estimate).clamp(0, 1)
        moved = _Moved.between(images, clean)
        if not compressed:
            return cls(images, clean, moved, None)
        after = _compressed(images)
        return cls(images, clean, moved, (after, _Moved.between(images, after)))


def _compressed(images: Tensor) -> Tensor:
    pixels = (images.detach() * 255).round().byte().cpu().numpy()
    return torch.from_numpy(np.stack([through_jpeg(image, _QUALITY) for image in pixels])).to(images) / 255


class _Moved(NamedTuple):
    """A perturbation and the signs it shows, both [B, D]."""

    way: Tensor
    sign: Tensor

    @classmethod
    def between(cls, images: Tensor, before: Tensor) -> _Moved:
        """A pixel at the end of its range that has not moved may have been pushed against it: its sign is that of the
        end.
        """
        way, flat = (images - before).flatten(1), images.flatten(1)
        return cls(way, torch.where(way.abs() > STILL, way.sign(), (flat >= 1).float() - (flat <= 0).float()))


def _ask_one(victim: nn.Module, looks: _Looks) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    count = len(looks.images)
    both = torch.cat([looks.images, looks.clean]).detach().requires_grad_()
    with torch.enable_grad():
        logits: Tensor = victim(both).float()
        at_image, at_clean = logits[:count], logits[count:]
        after = at_image if looks.compressed is None else _told(victim, looks.compressed[0])
        label, clean_label = at_image.argmax(1), at_clean.argmax(1)
        others = after.scatter(1, label[:, None], -torch.inf)
        before = torch.where(clean_label == label, others.argmax(1), clean_label)
        margin, clean_margin = (_margin(answer, label, before) for answer in (at_image, at_clean))
        (gradient,) = torch.autograd.grad(margin.sum() + clean_margin.sum(), both)
    if not (logits.isfinite().all() and after.isfinite().all() and gradient.isfinite().all()):
        name = getattr(getattr(victim, "card", None), "name", "a victim")
        raise VictimError(f"What {name} says of an image is no number.", "Do not ask it, or hand over another file.")
    columns = [
        _gap(at_image),
        margin,
        margin - clean_margin,
        (label != clean_label).float(),
        _slope(gradient[:count]),
        *_alignment(gradient[:count], looks.moved),
        _gap(at_clean),
        _slope(gradient[count:]),
        *_alignment(gradient[count:], looks.moved),
    ]
    if looks.compressed is not None:
        columns += [
            (label != after.argmax(1)).float(),
            margin - _margin(after, label, before),
            *_alignment(gradient[:count], looks.compressed[1]),
        ]
    return torch.stack(columns, dim=1).detach(), label, clean_label, before


@torch.no_grad()
def _told(victim: nn.Module, images: Tensor) -> Tensor:
    logits: Tensor = victim(images).float()
    return logits


def _margin(logits: Tensor, label: Tensor, before: Tensor) -> Tensor:
    return (logits.gather(1, label[:, None]) - logits.gather(1, before[:, None])).squeeze(1)


def _gap(logits: Tensor) -> Tensor:
    first, second = logits.topk(2, dim=1).values.unbind(1)
    return first - second


def _slope(gradient: Tensor) -> Tensor:
    length: Tensor = gradient.flatten(1).float().norm(dim=1)
    return length.clamp_min(1e-12).log()


def _alignment(gradient: Tensor, moved: _Moved) -> tuple[Tensor, Tensor, Tensor]:
    """Cosine, sign and weighted sign of one gradient [B, C, H, W] with a perturbation."""
    flat = gradient.flatten(1).float()
    cosine = (flat * moved.way).sum(1) / (flat.norm(dim=1) * moved.way.norm(dim=1)).clamp_min(1e-12)
    agree = (flat.sign() * moved.sign).sum(1) / moved.sign.abs().sum(1).clamp_min(1)
    weighted = (flat * moved.sign).sum(1) / (flat * moved.sign).abs().sum(1).clamp_min(1e-12)
    return cosine, agree, weighted
