"""What victims say depends on who else is asked: what an image was before is told together (:mod:`core.votes`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.votes import with_votes


@dataclass(frozen=True, slots=True)
class Company:
    """What V victims of one task say of N examples, by themselves and in the company of all.

    probes: [N, V, 2, P]. scores: [N, V, M], as of :class:`core.votes.Ballot`, -inf for what an image was not. votes:
    [N, V, K], what each says to the others. place: int64 [N, V, 2], which of the M each victim's probes are about.
    """

    probes: Tensor
    scores: Tensor
    votes: Tensor
    place: Tensor

    @classmethod
    def of(cls, probes: Sequence[Tensor], scores: Sequence[Tensor], votes: Tensor) -> Company:
        """probes: for each victim [N, 2, P]; scores: [N, its own M]."""
        most = max(own.shape[1] for own in scores)
        padded = [torch.nn.functional.pad(own, (0, most - own.shape[1]), value=-torch.inf) for own in scores]
        together, everybody = torch.stack(padded, dim=1), torch.ones(votes.shape[:2], dtype=torch.bool)
        place = [_elected(together, votes, who) for who in (~everybody, everybody)]
        return cls(torch.stack(list(probes), dim=1), together, votes, torch.stack(place, dim=2))

    def said(self, at_hand: Tensor) -> Tensor:
        """[N, V, P] where only some are asked, bool [N, V]; of the others it means nothing.

        A victim speaks either of what it tells by itself or of what all tell together. Where a company tells a third
        thing (in one example of 200 for the attacked victim, on digits) it is taken to speak of the latter.
        """
        told = _elected(self.scores, self.votes, at_hand)
        by_itself = (told == self.place[..., 0]) & (told != self.place[..., 1])
        return torch.where(by_itself[..., None], self.probes[:, :, 0], self.probes[:, :, 1])

    def at(self, rows: Tensor) -> Company:
        """Some of the examples."""
        return Company(self.probes[rows], self.scores[rows], self.votes[rows], self.place[rows])

    def candidates(self, kept: list[int]) -> Company:
        """Some of the victims."""
        return Company(self.probes[:, kept], self.scores[:, kept], self.votes[:, kept], self.place[:, kept])


def _elected(scores: Tensor, votes: Tensor, at_hand: Tensor) -> Tensor:
    """[N, V]: places among the M, with the votes of the others that are at hand."""
    heard = votes * at_hand[..., None]
    return with_votes(scores, heard.sum(1, keepdim=True) - heard).argmax(2)
