"""The third stream of evidence: one scorer for all victims, which turns what a candidate said into its odds.

The scorer never learns who a victim is, only what the attacked one says and what the others say. So the number of
victims is no part of it, and a victim is added by handing over its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.manifest import AttackLabel, ProbeFit
from core.probes import PROBES

_HIDDEN = 64
_OUTLIER = 8.0
"""Standard deviations beyond which a probe says no more."""


class Scores(NamedTuple):
    """evidence: [B, V, A], log odds for each candidate to be the victim if that was the attack. value: [B, V, A], the
    hyperparameter if it was, in its label's unit.
    """

    evidence: Tensor
    value: Tensor


class Scorer(nn.Module):
    """probes [B, V, len(PROBES)] -> :class:`Scores`."""

    center: Tensor
    spread: Tensor
    minimum: Tensor
    width: Tensor

    def __init__(self, attacks: Sequence[AttackLabel]) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(len(PROBES), _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU())
        self.evidence = nn.Linear(_HIDDEN, len(attacks))
        self.value = nn.Linear(_HIDDEN, len(attacks))
        self.register_buffer("center", torch.zeros(len(PROBES)))
        self.register_buffer("spread", torch.ones(len(PROBES)))
        self.register_buffer("minimum", torch.tensor([a.minimum for a in attacks]), persistent=False)
        self.register_buffer("width", torch.tensor([a.width for a in attacks]), persistent=False)

    def scale_to(self, probes: Tensor) -> None:
        """Take the mean and spread of probes [N, len(PROBES)] as what is normal."""
        self.center.copy_(probes.mean(0))
        self.spread.copy_(probes.std(0).clamp_min(1e-6))

    def forward(self, probes: Tensor) -> Scores:
        hidden = self.body(((probes - self.center) / self.spread).clamp(-_OUTLIER, _OUTLIER))
        return Scores(self.evidence(hidden), self.minimum + self.width * self.value(hidden))


def evidence_of(scores: Scores, attack_log_probabilities: Tensor) -> Tensor:
    """Each candidate's log odds whatever the attack was, [B, V]; attack_log_probabilities: [B, A]."""
    return (scores.evidence + attack_log_probabilities[:, None]).logsumexp(2)


def agreed(attack_logits: Tensor, victim_logits: Tensor, clean: tuple[int, int] | None) -> Tensor:
    """Log-probabilities of the victims, [B, L], by which nobody was attacked as surely as there was no attack.

    attack_logits: [B, A], victim_logits: [B, L], calibrated. clean: the index of "clean" among attacks and victims. The
    two tasks answer apart, and the attack is the easier one.
    """
    victim = victim_logits.log_softmax(1)
    if clean is None:
        return victim
    attack = attack_logits.log_softmax(1)
    no_attack, nobody = (
        torch.arange(rows.shape[1], device=rows.device) == at for rows, at in zip((attack, victim), clean, strict=True)
    )
    somebody = victim.masked_fill(nobody, -torch.inf).log_softmax(1)
    attacked = attack.masked_fill(no_attack, -torch.inf).logsumexp(1, keepdim=True)
    return torch.where(nobody, attack[:, clean[0], None], somebody + attacked)


def weigh(
    image: Tensor, image_value: Tensor, evidence: Tensor, value: Tensor, at: Sequence[int], fit: ProbeFit
) -> tuple[Tensor, Tensor]:
    """The image's answers and the asked candidates' in one: victim logits [B, L + E + 1] and hyperparameter [B, A].

    image: log-probabilities [B, L] of the pack's victim labels (:func:`agreed`). image_value: [B, A]. evidence: [B, V];
    value: [B, V, A]. at: for each asked candidate its column; the pack's labels are the first L, then come the E
    candidates that the pack does not know, and last "none of these".
    """
    count, known = image.shape
    strangers = sum(column >= known for column in at)
    logits = image.new_zeros(count, known + strangers + 1)
    logits[:, :known] = fit.trust * image
    logits[:, known:-1] = fit.stranger
    logits[:, -1] = fit.none
    columns = torch.tensor(at, device=logits.device)
    logits = logits.index_add(1, columns, fit.weight * evidence)
    share = torch.tensor(fit.image_share, device=logits.device)
    asked = logits.softmax(1)[:, columns]  # [B, V]
    change = (asked[..., None] * (1 - share) * (value - image_value[:, None])).sum(1)
    return logits, image_value + change
