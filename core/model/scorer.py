"""The third stream of evidence: one scorer for all victims, which turns what a candidate said into its odds.

The scorer never learns who a victim is, only what the attacked one says and what the others say. So the number of
victims is no part of it, and a victim is added by handing over its weights. What the attacked one says depends on the
attack: PGD drives its margin far, FGSM hardly, C&W to kappa. So the answers tell of the attack, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.calibration import ASKING, Asking, ProbeFit
from core.manifest import AttackLabel
from core.probes import probes_of

_HIDDEN = 64
_OUTLIER = 8.0
"""Standard deviations beyond which a probe says no more."""


class Scores(NamedTuple):
    """evidence: [B, V, A], log of how much likelier the candidate's answers are if it is the victim of that attack than
    if it is not the victim; of "clean" it says nothing. value: [B, V, A], the hyperparameter if it is, in its label's
    unit.
    """

    evidence: Tensor
    value: Tensor


class Scorer(nn.Module):
    """probes [B, V, P] -> :class:`Scores`; the P columns are those of :func:`core.probes.probes_of`."""

    center: Tensor
    spread: Tensor
    minimum: Tensor
    width: Tensor

    def __init__(self, attacks: Sequence[AttackLabel], asking: Asking = ASKING) -> None:
        super().__init__()
        probes = len(probes_of(asking))
        self.body = nn.Sequential(nn.Linear(probes, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU())
        self.evidence = nn.Linear(_HIDDEN, len(attacks))
        self.value = nn.Linear(_HIDDEN, len(attacks))
        self.register_buffer("center", torch.zeros(probes))
        self.register_buffer("spread", torch.ones(probes))
        self.register_buffer("minimum", torch.tensor([a.minimum for a in attacks]), persistent=False)
        self.register_buffer("width", torch.tensor([a.width for a in attacks]), persistent=False)

    def scale_to(self, probes: Tensor) -> None:
        """Take the mean and spread of probes [N, P] as what is normal."""
        self.center.copy_(probes.mean(0))
        self.spread.copy_(probes.std(0).clamp_min(1e-6))

    def forward(self, probes: Tensor) -> Scores:
        hidden = self.body(((probes - self.center) / self.spread).clamp(-_OUTLIER, _OUTLIER))
        return Scores(self.evidence(hidden), self.minimum + self.width * self.value(hidden))


class Weighed(NamedTuple):
    """attack: logits [B, A]. victim: logits [B, L + E + 1]. value: the hyperparameter [B, A], in its label's unit."""

    attack: Tensor
    victim: Tensor
    value: Tensor


def evidence_of(evidence: Tensor, attack: Tensor, clean: tuple[int, int] | None) -> Tensor:
    """Each candidate's log odds whatever the attack was, [B, V]; evidence: :class:`Scores`'; attack: logits [B, A]."""
    if clean is not None:
        attack = attack.masked_fill(_is(clean[0], attack), -torch.inf)
    return (evidence + attack.log_softmax(1)[:, None]).logsumexp(2)


def attack_evidence(prior: Tensor, evidence: Tensor, columns: Tensor, clean: tuple[int, int] | None) -> Tensor:
    """Log of how much likelier each attack makes all that the candidates said than no attack would, [B, A].

    prior: log-probabilities [B, C], up to a constant, of everybody to be the victim. evidence: [B, V, A], of the
    candidates in its ``columns`` [V]; one that is not asked has 0.
    """
    if clean is not None:
        prior = prior.masked_fill(_is(clean[1], prior), -torch.inf)
    somebody = prior.log_softmax(1)[:, :, None].expand(-1, -1, evidence.shape[2])
    found = somebody.index_add(1, columns, evidence).logsumexp(1)
    return found if clean is None else found.masked_fill(_is(clean[0], found), 0.0)


def _is(at: int, rows: Tensor) -> Tensor:
    return torch.arange(rows.shape[1], device=rows.device) == at


def agreed(attack: Tensor, victim: Tensor, clean: tuple[int, int] | None, *, heard: bool) -> tuple[Tensor, Tensor]:
    """Logits of attacks and victims by which nobody was attacked as surely as there was no attack.

    attack: logits [B, A], victim: [B, L], calibrated. clean: the index of "clean" among attacks and victims. The two
    tasks answer apart, and the surer one says for both how surely the image is clean: by the image alone that is the
    attack, the easier one; where victims were heard it is the victim, whom they know best. It is handed back as it is.
    """
    if clean is None:
        return attack, victim
    if heard:
        return _as_clean_as(victim, clean[1], attack, clean[0]), victim
    return attack, _as_clean_as(attack, clean[0], victim, clean[1])


def _as_clean_as(surer: Tensor, clean: int, other: Tensor, own_clean: int) -> Tensor:
    """Log-probabilities: ``other``'s, with that of its label ``own_clean`` that ``surer`` gives its ``clean``."""
    surer, other = _log_shares(surer), _log_shares(other)
    is_own = _is(own_clean, other)
    attacked = surer.masked_fill(_is(clean, surer), -torch.inf).logsumexp(1, keepdim=True)
    rest = _log_shares(other.masked_fill(is_own, -torch.inf)) + attacked
    return torch.where(is_own, surer[:, clean, None], rest)


def _log_shares(logits: Tensor) -> Tensor:
    """Log-probabilities, [B, K]; log_softmax would give the thread that asks helpers of OpenMP's for any number."""
    return logits - logits.logsumexp(1, keepdim=True)


def among(candidates: Sequence[int], victim: Tensor, clean: tuple[int, int] | None) -> Tensor:
    """Log-probabilities of who knows that nobody but the candidates can be the victim; all others have -inf.

    candidates: columns of the logits [B, C]. clean: as for :func:`agreed`. Whether there was an attack is told as
    before, for whoever is wrong about the candidates is not to take an attack for none: what others had is theirs.
    """
    victim, columns = _log_shares(victim), torch.tensor(list(candidates), device=victim.device)
    own = _log_shares(victim[:, columns])
    if clean is None:
        return torch.full_like(victim, -torch.inf).index_copy(1, columns, own)
    nobody = _is(clean[1], victim)
    somebody = victim.masked_fill(nobody, -torch.inf).logsumexp(1, keepdim=True)
    return victim.masked_fill(~nobody, -torch.inf).index_copy(1, columns, own + somebody)


def weigh(
    attack: Tensor, victim: Tensor, image_value: Tensor, scores: Scores, at: Sequence[int],
    clean: tuple[int, int] | None, fit: ProbeFit,
) -> Weighed:  # fmt: skip
    """The image's answers and the asked candidates' in one.

    attack, victim: the image's calibrated logits [B, A] and [B, L]. image_value: [B, A]. at: for each asked candidate
    its column among the victims: the pack's labels are the first L, then come the E candidates that the pack does not
    know, and last "none of these". clean: as for :func:`agreed`.
    """
    image = _log_shares(victim) if clean is None else agreed(attack, victim, clean, heard=False)[1]
    count, known = image.shape
    prior = image.new_zeros(count, known + sum(column >= known for column in at) + 1)
    prior[:, :known] = fit.trust * image
    prior[:, known:-1] = fit.stranger
    prior[:, -1] = fit.none
    columns = torch.tensor(at, device=prior.device)
    logits = prior.index_add(1, columns, fit.weight * evidence_of(scores.evidence, attack, clean))
    share = torch.tensor(fit.image_share, device=logits.device)
    asked = logits.softmax(1)[:, columns]  # [B, V]
    change = (asked[..., None] * (1 - share) * (scores.value - image_value[:, None])).sum(1)
    heard = attack_evidence(prior, fit.weight * scores.evidence, columns, clean)
    told = fit.attack_trust * attack.log_softmax(1) + fit.attack_weight * heard
    return Weighed(told, logits, image_value + change)
