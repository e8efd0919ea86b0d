"""Train the scorer of the third stream: on training examples, from the victims' answers alone.

The image's own heads have learnt those examples by heart and would be trusted too much.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from core.labels import CLEAN
from core.manifest import AttackLabel
from core.model.scorer import Scorer
from core.probes import PROBES
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from training.probe import Asked

STEPS = 2000
_BATCH, _RATE = 512, 3e-3
_BLUR = 0.2
"""Of a probe's spread: how far what victims say is shaken while the scorer learns."""
_OWN_LENGTH = [name.endswith("slope") for name in PROBES]
"""Probes that a victim has a level of its own in, by its architecture alone: shaken by their whole spread."""
_LEAST = 1e-6
"""The least share of examples that anything is given, so that its logarithm is a number."""
AT_HAND = 0.6
"""How often a victim is at hand in the situations that are learned from."""


def fit_scorer(
    labels: list[AttackLabel], asked: Asked, seed: int, steps: int | None = None,
    tell: ProgressCallback = lambda _: None, cancel: CancelToken | None = None,
) -> Scorer:  # fmt: skip
    """Train a scorer on what victims said of training examples, each time with some of them not at hand.

    steps: ``STEPS`` unless this is only a trial. Hyperparameters are learned from examples as they were made: a change
    after the attack moves the victims' logits, and so what they tell of kappa. Raises Cancelled between two steps.
    """
    steps = STEPS if steps is None else steps
    meter = ProgressMeter("weighing the answers", steps, tell, cancel=cancel)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    scorer = Scorer(labels)
    scorer.scale_to(asked.probes.flatten(0, 1))
    optimizer = torch.optim.AdamW(scorer.parameters(), lr=_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    candidate, pairs = asked.candidate, _Pairs.among(asked, labels)
    width = torch.tensor([a.width if a.width > 0 else torch.inf for a in labels])
    for _ in range(steps):
        if cancel is not None:
            cancel.check()
        rows = torch.randint(len(asked), (_BATCH,), generator=generator)
        some, true = asked.of(rows), candidate[rows]
        absent = torch.rand(some.probes.shape[:2], generator=generator) > AT_HAND
        scores = scorer(_shaken(some.said(~absent), scorer.spread, generator))
        attack = some.attack
        here = (true >= 0) & ~absent.gather(1, true.clamp_min(0)[:, None]).squeeze(1)
        loss = _who(scores.evidence, attack, true, here, absent) + pairs.loss(
            scores.evidence, attack, true, here, absent
        )
        told = scores.value[torch.arange(len(rows)), true.clamp_min(0), attack]
        error = ((told - some.value) / width[attack])[(true >= 0) & some.as_made]
        off = F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.02, reduction="sum") / max(1, len(error))
        loss = loss / 2 + off * 10
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        meter.advance(1)
    return scorer.eval().requires_grad_(False)


def _who(evidence: Tensor, attack: Tensor, true: Tensor, here: Tensor, absent: Tensor) -> Tensor:
    """Cross-entropy of the victim once the attack is known; what a victim says of it is then worth most to a stranger.

    evidence: [B, V, A]. attack: [B]. true: [B], the victim's index; here: bool [B], whether it is among those that are
    not absent, bool [B, V].
    """
    count = evidence.shape[1]
    known = evidence.gather(2, attack[:, None, None].expand(-1, count, 1)).squeeze(2).masked_fill(absent, -torch.inf)
    return F.cross_entropy(torch.cat([known, known.new_zeros(len(known), 1)], dim=1), torch.where(here, true, count))


class _Pairs(NamedTuple):
    """How often each pair of a victim and an attack is among examples, which is kept out of the evidence.

    An attack's are taken to be as many against each victim.

    attacks: indices of those with a victim. place: int64 [A], their places among these. pair: [attacks], logarithm of
    a pair's share. nobody: share of the examples without a victim.
    """

    attacks: list[int]
    place: Tensor
    pair: Tensor
    nobody: Tensor

    @classmethod
    def among(cls, asked: Asked, labels: list[AttackLabel]) -> _Pairs:
        attacks = [at for at, label in enumerate(labels) if label.name != CLEAN]
        shares = torch.bincount(asked.attack, minlength=len(labels)) / len(asked)
        place = torch.full((len(labels),), -1)
        place[attacks] = torch.arange(len(attacks))
        pair = (shares[attacks] / len(asked.at)).clamp_min(_LEAST).log()
        return cls(attacks, place, pair, 1 - shares[attacks].sum())

    def loss(self, evidence: Tensor, attack: Tensor, true: Tensor, here: Tensor, absent: Tensor) -> Tensor:
        """Cross-entropy of victim and attack together; arguments as for :func:`_who`."""
        joint = (evidence[..., self.attacks] + self.pair).masked_fill(absent[..., None], -torch.inf).flatten(1)
        nobody = (self.nobody + (1 - self.nobody) * absent.float().mean(1, keepdim=True)).clamp_min(_LEAST).log()
        target = torch.where(here, true * len(self.attacks) + self.place[attack], joint.shape[1])
        return F.cross_entropy(torch.cat([joint, nobody], dim=1), target)


def _shaken(probes: Tensor, spread: Tensor, generator: torch.Generator) -> Tensor:
    """Probes [B, V, P] as other victims might have said them, so that one which is handed over is understood too."""
    each = torch.randn(probes.shape, generator=generator) * _BLUR
    level = torch.randn(*probes.shape[:2], 1, generator=generator) * torch.tensor(_OWN_LENGTH)
    return probes + (each + level) * spread
