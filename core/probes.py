"""What a candidate victim answers when it is asked about an image: evidence beside the image's own.

An attack leaves its victim's mark. C&W stops where the logit margin is kappa, with a perturbation along the margin's
gradient (Carlini and Wagner 2017, eq. 7 and section V); FGSM's perturbation is the sign of the loss's gradient at the
clean image (Goodfellow et al. 2015), and PGD's last steps are such signs near the adversarial one (Madry et al. 2018).
So every candidate is asked at the image and at the clean image that the network's auto-encoder estimates, each time by
one forward pass and the gradient of a margin, and at the clean one by the loss's gradient as well.

It is also asked what it takes the image for after a strong JPEG compression, by a forward pass. In photographs the
auto-encoder finds only a part of a perturbation; compression costs most perturbations their effect (Das et al. 2018,
arXiv:1802.06816), and the likeliest class beside the attacked one is then the clean image's.

The margin is the one over the class that the image had before, which candidates of one task tell each other
(:mod:`core.votes`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.calibration import ASKING, Asking
from core.errors import VictimError
from core.perturbation import STILL
from core.pictures import through_jpeg
from core.victims import Victim
from core.votes import Task, elected, opposed, seen_by_others, task_of, vote_by, votes_of_others

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
    "moved_sign",
    "clean_moved_sign",
    "loss_slope",
    "loss_cosine",
    "loss_sign",
    "loss_weighted_sign",
    "loss_moved_sign",
    "opposed",
)
"""The columns of :attr:`Replies.probes`.

gap: between the two largest logits at the image. margin: from the label at the image to what it was before, in logits.
rise: by how much the way from the clean estimate to the image moved that margin. flip: whether the labels at these two
differ. slope: log of the length of the margin's gradient. cosine, sign, weighted_sign, moved_sign: of that gradient
with the perturbation: its cosine, the share of pixels that agree in sign (as -1 to 1), and the same weighted by the
gradient, or by how far pixels moved. clean_...: the same at the clean estimate. compressed_...: the same at the
compressed image, of the gradient at the image with what compression takes away from it. loss_...: the same at the clean
estimate for the cross-entropy's gradient, whose sign FGSM takes. opposed: by how much others of its task see in the
image what it was before rather than its label (:func:`core.votes.opposed`).
"""

OWN = len(PROBES) - 1
"""Of them, what a victim says itself: all but the last."""

_QUALITY = 75
"""Of the JPEG compression. The likeliest other class after it was the clean image's for 91 % of C&W's 8-bit photographs
(200 of the calibration split of resources/scenarios/natural.toml, four victims), after 50 for 82 %.
"""


_FOR_THREADS = 2**21
"""Values of images that are compressed together from which on threads are worth their beginning, as a GPU's batches of
photographs have them, which else would wait for the compression longer than for the victims.
"""

_MOVED = ("moved_sign", "clean_moved_sign")


def probes_of(asking: Asking) -> tuple[str, ...]:
    """The columns that are told."""
    return tuple(
        name for name in PROBES
        if (asking.compressed or not name.startswith("compressed_"))
        and (asking.together or not (name in _MOVED or name.startswith("loss_")))
        and (asking.opposed or name != "opposed")
    )  # fmt: skip


_PIXELS = 2**18
"""Of what a victim is asked about at once on a CPU, as it sees it: a gradient keeps all that its layers made of it."""


class Replies(NamedTuple):
    """What candidates said of a batch. probes: float32 [B, V, P], the columns of :func:`probes_of`. label, before:
    int64 [B, V], the candidate's class for the image, and what it was before the attack as far as can be told. others:
    int64 [B, V, 3], of :func:`core.votes.seen_by_others`.
    """

    probes: Tensor
    label: Tensor
    before: Tensor
    others: Tensor


def ask(
    victims: Sequence[nn.Module], images: Tensor, estimate: Tensor, asking: Asking = ASKING,
    tasks: Sequence[Task | None] | None = None,
) -> Replies:  # fmt: skip
    """Ask each victim about images [B, C, H, W] in [0, 1]; estimate: of their perturbations, the same shape.

    tasks: of the victims, if not by their cards alone (:func:`core.votes.task_of`).
    Victims are frozen and on the images' device. Costs each one two forward passes and three input gradients an image,
    a forward pass for the compressed image, and where others know its task another one.
    Raises VictimError for a victim that answers with what is no number.
    """
    most = at_once(victims, images)
    tasks = [task_of(victim) for victim in victims] if tasks is None else tasks
    pieces = [
        _ask_piece(victims, tasks, *piece, asking)
        for piece in zip(torch.split(images, most), torch.split(estimate, most), strict=True)
    ]
    return Replies(*map(torch.cat, zip(*pieces, strict=True)))


def pull(victim: nn.Module, images: Tensor, label: Tensor, before: Tensor) -> Tensor:
    """Where a victim's margin from ``label`` to ``before``, int64 [B], rises fastest: its gradient, [B, C, H, W]."""
    most = at_once([victim], images)
    found = []
    for some, *labels in zip(*(torch.split(each, most) for each in (images, label, before)), strict=True):
        x = some.detach().requires_grad_()
        with torch.enable_grad():
            margin = _margin(victim(x).float(), *labels)
            found += torch.autograd.grad(margin.sum(), x)
    return torch.cat(found)


def at_once(victims: Sequence[nn.Module], images: Tensor) -> int:
    """How many of the images victims are asked about together: on a GPU all, which says so if it does not hold them."""
    if images.device.type != "cpu":
        return len(images)
    seen = [
        victim.pixels(images.shape[2:]) if isinstance(victim, Victim) else images[0, 0].numel() for victim in victims
    ]
    return max(1, _PIXELS // max(seen))


def _ask_piece(
    victims: Sequence[nn.Module], tasks: Sequence[Task | None], images: Tensor, estimate: Tensor, asking: Asking
) -> Replies:
    looks = Looks.at(images, estimate, asking.compressed)
    if asking.together:
        told = [elected(*each) for each in zip(victims, votes_of_others(victims, tasks, looks.clean), strict=True)]
    else:
        told = [by_itself] * len(victims)
    answers = [ask_one(victim, looks, before, asking) for victim, before in zip(victims, told, strict=True)]
    *columns, seen = zip(*answers, strict=True)
    probes, label, before = (torch.stack(column, dim=1) for column in columns)
    if asking.opposed:
        probes = torch.cat([probes, opposed(victims, tasks, seen, label, before)[..., None]], dim=2)
    return Replies(probes, label, before, seen_by_others(victims, tasks, seen, label, before))


class Looks(NamedTuple):
    """What victims are shown of a batch, each [B, C, H, W]: the images, their clean estimates, and after compression.

    moved: from the clean estimates to the images; compressed comes with the way from there.
    """

    images: Tensor
    clean: Tensor
    moved: _Moved
    compressed: tuple[Tensor, _Moved] | None

    def of(self, rows: Tensor) -> Looks:
        """Some of the batch."""
        after = None if self.compressed is None else (self.compressed[0][rows], self.compressed[1].of(rows))
        return Looks(self.images[rows], self.clean[rows], self.moved.of(rows), after)

    @classmethod
    def at(cls, images: Tensor, estimate: Tensor, compressed: bool) -> Looks:
        clean = (images - estimate).clamp(0, 1)
        moved = _Moved.between(images, clean)
        if not compressed:
            return cls(images, clean, moved, None)
        after = _compressed(images)
        return cls(images, clean, moved, (after, _Moved.between(images, after)))


def _compressed(images: Tensor) -> Tensor:
    pixels = (images.detach() * 255).round().byte().cpu().numpy()
    work = partial(through_jpeg, quality=_QUALITY)
    if pixels.size < _FOR_THREADS:
        found = list(map(work, pixels))
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(work, pixels))
    return torch.from_numpy(np.stack(found)).to(images) / 255


class _Moved(NamedTuple):
    """A perturbation and the signs it shows, both [B, D]."""

    way: Tensor
    sign: Tensor

    def of(self, rows: Tensor) -> _Moved:
        return _Moved(self.way[rows], self.sign[rows])

    @classmethod
    def between(cls, images: Tensor, before: Tensor) -> _Moved:
        """A pixel at the end of its range that has not moved may have been pushed against it: its sign is that of the
        end.
        """
        way, flat = (images - before).flatten(1), images.flatten(1)
        return cls(way, torch.where(way.abs() > STILL, way.sign(), (flat >= 1).float() - (flat <= 0).float()))


Before = Callable[[Tensor, Tensor, Tensor], Tensor]
"""before [B] = told(at_image, at_clean, compressed): what images were by the victim's logits for them, each [B, C]."""


class Reply(NamedTuple):
    """One victim's part of :class:`Replies`, and its vote on the images, [B, K] (:func:`core.votes.vote`).

    probes: [B, P], without what others say.
    """

    probes: Tensor
    label: Tensor
    before: Tensor
    seen: Tensor


def ask_one(victim: nn.Module, looks: Looks, told: Before, asking: Asking = ASKING) -> Reply:
    """Ask one victim; told: what the images were before. Raises VictimError."""
    images, clean = (look.detach().requires_grad_() for look in (looks.images, looks.clean))
    with torch.enable_grad():
        at_image, at_clean = (_logits(victim, look) for look in (images, clean))
        after = at_image.detach() if looks.compressed is None else _told(victim, looks.compressed[0])
        label = at_image.argmax(1)
        before = told(at_image.detach(), at_clean.detach(), after)
        margin, clean_margin = (_margin(answer, label, before) for answer in (at_image, at_clean))
        (gradient,) = torch.autograd.grad(margin.sum(), images)
        (clean_gradient,) = torch.autograd.grad(clean_margin.sum(), clean, retain_graph=asking.together)
        found = [gradient, clean_gradient]
        if asking.together:
            found += torch.autograd.grad(F.cross_entropy(at_clean, before, reduction="sum"), clean)
    if not all(answer.isfinite().all() for answer in (at_image, at_clean, after, *found)):
        name = getattr(getattr(victim, "card", None), "name", "a victim")
        raise VictimError(f"What {name} says of an image is no number.", "Do not ask it, or hand over another file.")
    said = {
        "gap": _gap(at_image),
        "margin": margin,
        "rise": margin - clean_margin,
        "flip": (label != at_clean.argmax(1)).float(),
        "clean_gap": _gap(at_clean),
        **_alignment("", gradient, looks.moved),
        **_alignment("clean_", clean_gradient, looks.moved),
    }
    if looks.compressed is not None:
        said |= _alignment("compressed_", gradient, looks.compressed[1])
        said["compressed_flip"] = (label != after.argmax(1)).float()
        said["compressed_rise"] = margin - _margin(after, label, before)
    if asking.together:
        said |= _alignment("loss_", found[2], looks.moved)
    probes = torch.stack([said[name] for name in probes_of(asking) if name in said], dim=1)
    return Reply(probes.detach(), label, before, vote_by(victim, at_image.detach()))


def by_itself(at_image: Tensor, at_clean: Tensor, compressed: Tensor) -> Tensor:
    """What older packs hear, each victim for itself: the label at the clean estimate, or where that is the one at the
    image, the likeliest other class after compression.
    """
    label, clean_label = at_image.argmax(1), at_clean.argmax(1)
    others = compressed.scatter(1, label[:, None], -torch.inf)
    return torch.where(clean_label == label, others.argmax(1), clean_label)


def _logits(victim: nn.Module, images: Tensor) -> Tensor:
    logits: Tensor = victim(images).float()
    return logits


@torch.no_grad()
def _told(victim: nn.Module, images: Tensor) -> Tensor:
    return _logits(victim, images)


def _margin(logits: Tensor, label: Tensor, before: Tensor) -> Tensor:
    return (logits.gather(1, label[:, None]) - logits.gather(1, before[:, None])).squeeze(1)


def _gap(logits: Tensor) -> Tensor:
    first, second = logits.topk(2, dim=1).values.unbind(1)
    return first - second


def _alignment(name: str, gradient: Tensor, moved: _Moved) -> dict[str, Tensor]:
    """Of one gradient [B, C, H, W] with a perturbation, and its length; ``name`` goes before that of each probe."""
    flat = gradient.flatten(1).float()
    length, sign = flat.norm(dim=1), flat.sign()
    step = torch.where(moved.way.abs() > STILL, moved.way, 0.0)
    return {
        f"{name}slope": length.clamp_min(1e-12).log(),
        f"{name}cosine": (flat * moved.way).sum(1) / (length * moved.way.norm(dim=1)).clamp_min(1e-12),
        f"{name}sign": (sign * moved.sign).sum(1) / moved.sign.abs().sum(1).clamp_min(1),
        f"{name}weighted_sign": (flat * moved.sign).sum(1) / (flat * moved.sign).abs().sum(1).clamp_min(1e-12),
        f"{name}moved_sign": (sign * step).sum(1) / step.abs().sum(1).clamp_min(1e-12),
    }
