"""What an image was before its attack, as victims of one task agree on it.

A victim tells that by what it takes the estimated clean image for. Where the estimate misses a part of the
perturbation, the attacked one is the worst to ask, for it may still be fooled; what was made to fool it hardly fools
another (Liu et al. 2017, arXiv:1611.02770). So all that were trained on one data set vote on each other's.

That others are not fooled is evidence by itself, and needs no estimate: of one that is attacked they see another class
in the image as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.labels import FOLDER
from core.victims import Victim

_DOUBT = 0.01
"""Added to every class's probability: one victim that is sure of what is wrong is not to outvote the others."""

Task = tuple[str, int]

OTHERS = 2
"""Of a victim's classes that its data set does not have. One may be the label at the image, which is not chosen."""


class Ballot(NamedTuple):
    """What one victim thinks that B images were before the attack.

    number: int64 [B, M], its own numbers of classes: the K of its data set, the same for each image, and the likeliest
    of its others. score: [B, M], 0 for a class that it thinks impossible.
    """

    number: Tensor
    score: Tensor

    @classmethod
    def cast(cls, victim: nn.Module, at_image: Tensor, at_clean: Tensor, compressed: Tensor) -> Ballot:
        """By the victim's logits [B, C] at images, at their clean estimates, and after compression.

        The last count where it takes the estimate for what it takes the image for.
        """
        same = (at_image.argmax(1) == at_clean.argmax(1))[:, None]
        score = _scores(at_clean) + torch.where(same, _scores(compressed), 0.0)
        every = torch.arange(score.shape[1], device=score.device).expand_as(score)
        known = _known(victim, score.shape[1]).to(score.device)
        others = score.index_fill(1, known, -torch.inf).topk(min(OTHERS, score.shape[1] - len(known)), dim=1)
        number = torch.cat([every[:, known], others.indices], dim=1)
        return cls(number, score.gather(1, number))

    def elected(self, votes: Tensor | None, label: Tensor) -> Tensor:
        """Places among the M of what each image was, int64 [B], which is not its label now, int64 [B].

        votes: [B, K], the sum of what other victims of the task say, None where there is none.
        """
        score = self.score if votes is None else with_votes(self.score, votes)
        return score.masked_fill(self.number == label[:, None], -torch.inf).argmax(1)

    def numbers(self, place: Tensor) -> Tensor:
        """The victim's own numbers of the classes at these places, int64 [B]."""
        return self.number.gather(1, place[:, None]).squeeze(1)


def with_votes(score: Tensor, votes: Tensor) -> Tensor:
    """Ballots [..., M] with votes on their first K classes, [..., K]; of the rest others know nothing either way."""
    known = votes.shape[-1]
    return torch.cat([score[..., :known] + votes, score[..., known:] + votes.mean(-1, keepdim=True)], dim=-1)


def elected(victim: nn.Module, votes: Tensor | None) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """What images were before, by a victim and the votes of others on them: as :data:`core.probes.Before`."""

    def told(at_image: Tensor, at_clean: Tensor, compressed: Tensor) -> Tensor:
        ballot = Ballot.cast(victim, at_image, at_clean, compressed)
        return ballot.numbers(ballot.elected(votes, at_image.argmax(1)))

    return told


def votes_of_others(victims: Sequence[nn.Module], tasks: Sequence[Task | None], clean: Tensor) -> list[Tensor | None]:
    """For each victim the sum of what the others of its task say of clean estimates [B, C, H, W], [B, K].

    tasks: of the victims, by :func:`task_of`. None where there is no other.
    """
    others = _others(tasks)
    said = [vote(victim, clean) if own else None for victim, own in zip(victims, others, strict=True)]
    return [_sum(said, own) for own in others]


def _others(tasks: Sequence[Task | None]) -> list[list[int]]:
    """For each victim the places of the others of its task."""
    return [
        [n for n, other in enumerate(tasks) if n != at and task is not None and other == task]
        for at, task in enumerate(tasks)
    ]


def _sum(said: Sequence[Tensor | None], places: Sequence[int]) -> Tensor | None:
    some = [one for place in places if (one := said[place]) is not None]
    return torch.stack(some).sum(0) if some else None


@torch.no_grad()
def vote(victim: nn.Module, images: Tensor) -> Tensor:
    """What one victim says of images [B, C, H, W]: a score for each class of its data set, [B, K]."""
    return vote_by(victim, victim(images).float())


def vote_by(victim: nn.Module, logits: Tensor) -> Tensor:
    """The same by its logits for them, [B, C]."""
    scores = _scores(logits)
    return scores[:, _known(victim, scores.shape[1]).to(scores.device)]


def opposed(
    victims: Sequence[nn.Module], tasks: Sequence[Task | None], seen: Sequence[Tensor], label: Tensor, before: Tensor
) -> Tensor:
    """[B, V]: by how much others see in images what they were before rather than each victim's label; 0 of one alone.

    seen: each one's :func:`vote` on the images. label, before: int64 [B, V], its own numbers of classes.
    """
    columns = []
    for at, (victim, others) in enumerate(zip(victims, _others(tasks), strict=True)):
        if (votes := _sum(seen, others)) is None:
            columns.append(seen[at].new_zeros(len(label)))
            continue
        was, now = (standing(votes, place_of(victim, number[:, at], votes.shape[1])) for number in (before, label))
        columns.append(was - now)
    return torch.stack(columns, dim=1)


def seen_by_others(
    victims: Sequence[nn.Module], tasks: Sequence[Task | None], seen: Sequence[Tensor], label: Tensor, before: Tensor
) -> Tensor:
    """Of the others of each victim's task, int64 [B, V, 3]: how many there are, see what it was before, and its label.

    Arguments as for :func:`opposed`.
    """
    found = []
    for at, (victim, others) in enumerate(zip(victims, _others(tasks), strict=True)):
        tops = [seen[other].argmax(1) for other in others]
        top = torch.stack(tops, dim=1) if tops else label.new_empty(len(label), 0)
        known = seen[at].shape[1]
        was, now = (place_of(victim, number[:, at], known)[:, None] for number in (before, label))
        found.append(
            torch.stack([torch.full_like(label[:, at], len(tops)), (top == was).sum(1), (top == now).sum(1)], 1)
        )
    return torch.stack(found, dim=1)


def standing(votes: Tensor, place: Tensor) -> Tensor:
    """What votes [..., K] say of one class, [...], by its place; of one that is not among them as much as of any."""
    known = votes.shape[-1]
    own = votes.gather(-1, place.clamp_max(known - 1).unsqueeze(-1)).squeeze(-1)
    return torch.where(place < known, own, votes.mean(-1))


def place_of(victim: nn.Module, number: Tensor, known: int) -> Tensor:
    """Places among the K = ``known`` of a victim's data set of its own numbers of classes, K for any other class."""
    numbers = _known(victim, known).to(number.device)
    same = number[..., None] == numbers
    return torch.where(same.any(-1), same.int().argmax(-1), known)


def _scores(logits: Tensor) -> Tensor:
    """[B, C], 0 for a class that is thought impossible."""
    return (logits.softmax(1) + _DOUBT).log() - math.log(_DOUBT)


def _known(victim: nn.Module, classes: int) -> Tensor:
    """The victim's number of each class of its data set, int64 [K]."""
    class_map = victim.card.class_map if isinstance(victim, Victim) else None
    return torch.arange(classes) if class_map is None else torch.tensor(class_map)


def task_of(victim: nn.Module, known: bool = True) -> Task | None:
    """A data set and the number of its classes; None for what has no card.

    known: whether it is one of the pack's own, which were all made for one data set. A folder of images has no name of
    its own: strangers from folders are heard by each other, who are likely one analyst's, and by the pack's victims
    only where their classes were found among those of a larger network, as an import for a pack does.
    """
    if not isinstance(victim, Victim):
        return None
    card = victim.card
    stranger = card.dataset == FOLDER and not known and card.class_map is None
    return (f"{FOLDER} of strangers" if stranger else card.dataset), card.data_classes
