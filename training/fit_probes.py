"""Fit what a pack needs to weigh the answers of victims: the scorer, and how much it counts beside the image.

The scorer learns on training examples, from the victims' answers alone: the image's own heads have learnt those
examples by heart and would be trusted too much. How much the image counts beside the victims is fitted on the
calibration split, over situations that an analyst can be in: some victims at hand and others not, one that the pack
does not know, one that nobody holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from core.manifest import CLEAN, AttackLabel, Calibration, ProbeFit
from core.model.scorer import Scorer, Scores, Weighed, attack_evidence, evidence_of, weigh
from core.probes import PROBES
from training.calibrate import fit_calibration, fit_halfwidths
from training.probe import Asked

STEPS = 2000
_BATCH, _RATE = 512, 3e-3
_BLUR = 0.2
"""Of a probe's spread: how far what victims say is shaken while the scorer learns."""
_OWN_LENGTH = [name.endswith("slope") for name in PROBES]
"""Probes that a victim has a level of its own in, by its architecture alone: shaken by their whole spread."""
_LEAST = 1e-6
"""The least share of examples that anything is given, so that its logarithm is a number."""
_DRAWS = 8
"""Situations drawn for each calibration example."""
_AT_HAND = 0.6
"""How often a victim is at hand in them; in half of them one victim is unknown to the pack."""


def fit_scorer(labels: list[AttackLabel], asked: Asked, seed: int, steps: int | None = None) -> Scorer:
    """Train a scorer on what victims said of training examples, each time with some of them not at hand.

    steps: ``STEPS`` unless this is only a trial.
    """
    steps = STEPS if steps is None else steps
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    scorer = Scorer(labels)
    scorer.scale_to(asked.probes.flatten(0, 1))
    optimizer = torch.optim.AdamW(scorer.parameters(), lr=_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    candidate, pairs = asked.candidate, _Pairs.among(asked, labels)
    width = torch.tensor([a.width if a.width > 0 else torch.inf for a in labels])
    for _ in range(steps):
        rows = torch.randint(len(asked), (_BATCH,), generator=generator)
        scores = scorer(_shaken(asked.probes[rows], scorer.spread, generator))
        attack, true = asked.attack[rows], candidate[rows]
        absent = torch.rand(scores.evidence.shape[:2], generator=generator) > _AT_HAND
        here = (true >= 0) & ~absent.gather(1, true.clamp_min(0)[:, None]).squeeze(1)
        loss = _who(scores.evidence, attack, true, here, absent) + pairs.loss(
            scores.evidence, attack, true, here, absent
        )
        told = scores.value[torch.arange(len(rows)), true.clamp_min(0), attack]
        error = ((told - asked.value[rows]) / width[attack])[true >= 0]
        loss = loss / 2 + F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.02) * 10
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
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


@dataclass(frozen=True, slots=True)
class Scored:
    """Examples with what a scorer makes of them."""

    asked: Asked
    scores: Scores

    @classmethod
    @torch.no_grad()
    def of(cls, asked: Asked, scorer: Scorer) -> Scored:
        return cls(asked, scorer(asked.probes))

    @property
    def odds(self) -> Tensor:
        """[N, V], whatever the attack."""
        return evidence_of(self.scores.evidence, self.asked.attack_logits, self.asked.clean)

    def weighed(self, fit: ProbeFit, at_hand: Tensor | None = None) -> Weighed:
        """All answers in one; at_hand: [N, V], which victims are asked, or all."""
        asked, scores = self.asked, self.scores
        if at_hand is not None:  # one that is not asked changes nothing
            here = at_hand[..., None]
            scores = Scores(scores.evidence * here, torch.where(here, scores.value, asked.image_value[:, None]))
        return weigh(asked.attack_logits, asked.victim_logits, asked.image_value, scores, asked.at, asked.clean, fit)


class _Situations(NamedTuple):
    """What an analyst may have at hand, ``_DRAWS`` times for each of N examples: M = _DRAWS N rows.

    image: [M, L], log-probabilities of the victims by the image. at_hand: bool [M, V]. stranger: bool [M, L], whom the
    pack does not know, at most one. unheard: bool [M, L], whom it does not know and nobody holds. target: [M], the
    victim's column, L for one that is unheard of.
    """

    image: Tensor
    at_hand: Tensor
    stranger: Tensor
    unheard: Tensor
    target: Tensor

    @classmethod
    def draw(cls, asked: Asked, seed: int) -> _Situations:
        generator = torch.Generator().manual_seed(seed)
        count, known = len(asked.at), asked.victim_logits.shape[1]
        image = asked.image.repeat(_DRAWS, 1).double()
        at_hand = torch.rand(len(image), count, generator=generator) < _AT_HAND
        drawn = torch.randint(2 * count, (len(image),), generator=generator)  # from count on: nobody is one
        is_stranger = F.one_hot(drawn, 2 * count)[:, :count].bool()
        stranger, unheard = (torch.zeros(len(image), known, dtype=torch.bool) for _ in range(2))
        stranger[:, list(asked.at)] = is_stranger
        unheard[:, list(asked.at)] = is_stranger & ~at_hand
        image = image.masked_fill(stranger, -torch.inf).log_softmax(1)
        target = asked.victim.repeat(_DRAWS)
        target = torch.where(unheard.gather(1, target[:, None]).squeeze(1), known, target)
        return cls(image, at_hand, stranger, unheard, target)

    def prior(self, trust: Tensor, stranger: Tensor, none: Tensor) -> Tensor:
        """[M, L + 1], as :func:`core.model.scorer.weigh` has it."""
        known = torch.where(self.stranger, stranger, trust * self.image.masked_fill(self.stranger, 0.0))
        return torch.cat([known.masked_fill(self.unheard, -torch.inf), none.expand(len(known), 1)], dim=1)


def fit_weights(scored: Scored, seed: int) -> dict[str, float]:
    """The weights of :class:`core.manifest.ProbeFit`, by least cross-entropy over situations.

    Those of the victims come first, for they say what the victims' word on the attack is worth. The image is never
    trusted beyond its calibrated probabilities.
    """
    asked = scored.asked
    situations = _Situations.draw(asked, seed)
    columns = torch.tensor(asked.at)
    odds = scored.odds.repeat(_DRAWS, 1).double() * situations.at_hand

    def victim_loss(free: Tensor) -> Tensor:
        prior = situations.prior(free[0].sigmoid(), free[2], free[3])
        return F.cross_entropy(prior.index_add(1, columns, free[1].exp() * odds), situations.target)

    found = _least(victim_loss, 4)
    trust, weight = found[0].sigmoid(), found[1].exp()
    evidence = scored.scores.evidence.repeat(_DRAWS, 1, 1).double() * situations.at_hand[..., None]
    heard = attack_evidence(situations.prior(trust, *found[2:]), weight * evidence, columns, asked.clean)
    image, attack = asked.attack_logits.double().log_softmax(1).repeat(_DRAWS, 1), asked.attack.repeat(_DRAWS)

    def attack_loss(free: Tensor) -> Tensor:
        return F.cross_entropy(free[0].sigmoid() * image + free[1].exp() * heard, attack)

    of_attack = _least(attack_loss, 2)
    return {
        "trust": float(trust), "weight": float(weight), "stranger": float(found[2]), "none": float(found[3]),
        "attack_trust": float(of_attack[0].sigmoid()), "attack_weight": float(of_attack[1].exp()),
    }  # fmt: skip


def _least(loss: Callable[[Tensor], Tensor], count: int) -> Tensor:
    """The ``count`` numbers with the least loss, kept near 0 where it hardly depends on them."""
    free = torch.zeros(count, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([free], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        found = loss(free) + 1e-4 * free.square().sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return free.detach()


def image_shares(scored: Scored, labels: list[AttackLabel], fit: ProbeFit, at_hand: Tensor) -> list[float]:
    """For each attack the share of the image in the hyperparameter that errs least, as sure as the victims are.

    at_hand: [N, V], which victims are asked. Where an attack has none, or nobody's word differs, the image says it all.
    """
    asked = scored.asked
    alone = fit.model_copy(update={"image_share": [0.0] * len(labels)})
    change = scored.weighed(alone, at_hand).value.double() - asked.image_value.double()
    missing = asked.value.double()[:, None] - asked.image_value.double()
    shares = []
    for index, label in enumerate(labels):
        rows = (asked.attack == index) & (asked.candidate >= 0)
        if label.name == CLEAN or not rows.any():
            shares.append(1.0)
            continue
        told, wanted = change[rows, index], missing[rows, index]
        part = (told * wanted).sum() / told.square().sum().clamp_min(1e-12)
        shares.append(float((1 - part).clamp(0, 1)))
    return shares


def some_at_hand(asked: Asked, seed: int) -> Tensor:
    """[N, V]: for each example a non-empty choice of victims, every number of them as often."""
    count = len(asked.at)
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(len(asked), count, generator=generator).argsort(1)
    number = torch.randint(1, count + 1, (len(asked), 1), generator=generator)
    return order < number


def fit_probes(
    scored: Scored, familiarity: Tensor, calibration: Calibration, labels: list[AttackLabel], seed: int
) -> ProbeFit:
    """All of it from the calibration split; familiarity: the scores [N] of the same examples.

    Its sets and intervals are calibrated with as many victims at hand as chance will have it; the intervals apart by
    whether the named victim has spoken, for one that has says kappa far better than the image.
    """
    asked = scored.asked
    fit = ProbeFit(
        **fit_weights(scored, seed), image_share=[1.0] * len(labels), calibration=calibration,
        halfwidths=calibration.halfwidths,
    )  # fmt: skip
    at_hand = some_at_hand(asked, seed)
    fit = fit.model_copy(update={"image_share": image_shares(scored, labels, fit, at_hand)})
    told = scored.weighed(fit, at_hand)
    raw_attack = told.attack * calibration.attack_temperature  # on the network's own scale, as the attributor has it
    both = fit_calibration(
        raw_attack,
        told.victim,
        told.value,
        familiarity,
        asked.attack,
        asked.victim,
        asked.value,
        labels,
        calibration.sigma,
    )
    spoke = spoke_themselves(asked, told.victim, at_hand)
    spoken, silent = (
        fit_halfwidths(raw_attack[rows], told.value[rows], asked.attack[rows], asked.value[rows], labels)
        for rows in (spoke, ~spoke)
    )
    both = both.model_copy(update={"halfwidths": silent})
    return fit.model_copy(update={"calibration": both, "halfwidths": spoken})


def spoke_themselves(asked: Asked, logits: Tensor, at_hand: Tensor | None = None) -> Tensor:
    """[N]: whether the victim that the logits [N, L + 1] name is one that was asked."""
    named = torch.tensor(asked.at) == logits.argmax(1)[:, None]
    return (named if at_hand is None else named & at_hand).any(1)
