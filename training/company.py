"""What victims say depends on who else is asked: what an image was before is told together (:mod:`core.votes`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.votes import standing, with_votes


@dataclass(frozen=True, slots=True)
class Company:
    """What V victims of one task say of N examples, by themselves and in the company of all.

    probes: [N, V, 2, P], without the last of :data:`core.probes.PROBES`. scores: [N, V, M], as of
    :class:`core.votes.Ballot`, -inf for what an image was not. votes, seen: [N, V, K], what each says to the others of
    the clean estimates and of the images. label: int64 [N, V], the place of each one's label among the K. place: int64
    [N, V, 2], which of the M each victim's probes are about.
    """

    probes: Tensor
    scores: Tensor
    votes: Tensor
    seen: Tensor
    label: Tensor
    place: Tensor

    @classmethod
    def of(
        cls, probes: Sequence[Tensor], scores: Sequence[Tensor], votes: Tensor, seen: Sequence[Tensor],
        label: Sequence[Tensor],
    ) -> Company:  # fmt: skip
        """One of each for every victim: probes [N, 2, P], scores [N, its own M], seen [N, K], label [N]."""
        most = max(own.shape[1] for own in scores)
        padded = [torch.nn.functional.pad(own, (0, most - own.shape[1]), value=-torch.inf) for own in scores]
        together, everybody = torch.stack(padded, dim=1), torch.ones(votes.shape[:2], dtype=torch.bool)
        place = [_elected(together, votes, who) for who in (~everybody, everybody)]
        all_probes, all_seen, all_labels = (torch.stack(list(column), dim=1) for column in (probes, seen, label))
        return cls(all_probes, together, votes, all_seen, all_labels, torch.stack(place, dim=2))

    def said(self, at_hand: Tensor) -> Tensor:
        """[N, V, P], all of :data:`core.probes.PROBES`, where some are asked, bool [N, V]; of others it means nothing.

        A victim speaks either of what it tells by itself or of what all tell together. Where a company tells a third
        thing (in one example of 200 for the attacked victim, on digits) it is taken to speak of the latter, and the
        others of the third.
        """
        told = _elected(self.scores, self.votes, at_hand)
        by_itself = (told == self.place[..., 0]) & (told != self.place[..., 1])
        own = torch.where(by_itself[..., None], self.probes[:, :, 0], self.probes[:, :, 1])
        others = _of_others(self.seen, at_hand)
        opposed = standing(others, told) - standing(others, self.label)
        return torch.cat([own, opposed[..., None]], dim=2)

    def of_all(self) -> Tensor:
        """The same where all are asked."""
        return self.said(torch.ones(self.label.shape, dtype=torch.bool))

    def at(self, rows: Tensor) -> Company:
        """Some of the examples."""
        return Company(*(column[rows] for column in self._columns))

    def candidates(self, kept: list[int]) -> Company:
        """Some of the victims."""
        return Company(*(column[:, kept] for column in self._columns))

    @property
    def _columns(self) -> tuple[Tensor, ...]:
        return self.probes, self.scores, self.votes, self.seen, self.label, self.place


def _elected(scores: Tensor, votes: Tensor, at_hand: Tensor) -> Tensor:
    """[N, V]: places among the M, with the votes of the others that are at hand."""
    return with_votes(scores, _of_others(votes, at_hand)).argmax(2)


def _of_others(votes: Tensor, at_hand: Tensor) -> Tensor:
    """[N, V, K]: the sum of what the others say that are at hand."""
    heard = votes * at_hand[..., None]
    return heard.sum(1, keepdim=True) - heard
