"""Fit what a pack needs to weigh the answers of victims: the scorer, and how much it counts beside the image.

The scorer learns on training examples, from the victims' answers alone: the image's own heads have learnt those
examples by heart and would be trusted too much. How much the image counts beside the victims is fitted on the
calibration split, over situations that an analyst can be in: some victims at hand and others not, one that the pack
does not know, one that nobody holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from core.manifest import CLEAN, AttackLabel, Calibration, ProbeFit
from core.model.scorer import Scorer, evidence_of, weigh
from core.probes import PROBES
from training.calibrate import fit_calibration, fit_halfwidths
from training.probe import Asked

STEPS = 2000
_BATCH, _RATE = 512, 3e-3
_BLUR = 0.1
"""Of a probe's spread: how far what victims say is shaken while the scorer learns."""
_OWN_LENGTH = [name.endswith("slope") for name in PROBES]
"""Probes that a victim has a level of its own in, by its architecture alone: shaken by their whole spread."""
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
    candidate, count = asked.candidate, len(asked.at)
    width = torch.tensor([a.width if a.width > 0 else torch.inf for a in labels])
    for _ in range(steps):
        rows = torch.randint(len(asked), (_BATCH,), generator=generator)
        scores = scorer(_shaken(asked.probes[rows], scorer.spread, generator))
        attack, true = asked.attack[rows], candidate[rows]
        evidence = scores.evidence.gather(2, attack[:, None, None].expand(-1, count, 1)).squeeze(2)  # [B, V]
        absent = torch.rand(evidence.shape, generator=generator) > _AT_HAND
        nobody = evidence.new_zeros(len(rows), 1)
        logits = torch.cat([evidence.masked_fill(absent, -torch.inf), nobody], dim=1)
        here = (true >= 0) & ~absent.gather(1, true.clamp_min(0)[:, None]).squeeze(1)
        loss = F.cross_entropy(logits, torch.where(here, true, count))
        told = scores.value[torch.arange(len(rows)), true.clamp_min(0), attack]
        error = ((told - asked.value[rows]) / width[attack])[true >= 0]
        loss = loss + F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.02) * 10
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return scorer.eval().requires_grad_(False)


def _shaken(probes: Tensor, spread: Tensor, generator: torch.Generator) -> Tensor:
    """Probes [B, V, P] as other victims might have said them, so that one which is handed over is understood too."""
    each = torch.randn(probes.shape, generator=generator) * _BLUR
    level = torch.randn(*probes.shape[:2], 1, generator=generator) * torch.tensor(_OWN_LENGTH)
    return probes + (each + level) * spread


@dataclass(frozen=True, slots=True)
class Scored:
    """Examples with what a scorer makes of them: odds [N, V] whatever the attack, value [N, V, A]."""

    asked: Asked
    odds: Tensor
    value: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, asked: Asked, scorer: Scorer) -> Scored:
        scores = scorer(asked.probes)
        return cls(asked, evidence_of(scores, asked.attack_logits.log_softmax(1)), scores.value)

    def weighed(self, fit: ProbeFit, at_hand: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Victim logits [N, L + 1] and hyperparameters [N, A]; at_hand: [N, V], which victims are asked, or all."""
        asked, odds, value = self.asked, self.odds, self.value
        if at_hand is not None:  # one that is not asked changes nothing
            odds = odds * at_hand
            value = torch.where(at_hand[..., None], value, asked.image_value[:, None])
        return weigh(asked.image, asked.image_value, odds, value, asked.at, fit)


def fit_weights(scored: Scored, seed: int) -> tuple[float, float, float, float]:
    """trust, weight, stranger and none of :class:`core.manifest.ProbeFit`, by least cross-entropy over situations.

    The image is never trusted beyond its calibrated probabilities.
    """
    asked = scored.asked
    generator = torch.Generator().manual_seed(seed)
    count, known = len(asked.at), asked.victim_logits.shape[1]
    at = torch.tensor(asked.at)
    image = asked.image.repeat(_DRAWS, 1).double()
    odds = scored.odds.repeat(_DRAWS, 1).double()
    target = asked.victim.repeat(_DRAWS)
    at_hand = torch.rand(odds.shape, generator=generator) < _AT_HAND
    stranger = torch.randint(2 * count, (len(image),), generator=generator)  # from count on: nobody is one
    is_stranger = F.one_hot(stranger, 2 * count)[:, :count].bool()
    column = torch.zeros(len(image), known, dtype=torch.bool)
    column[:, at] = is_stranger
    image = image.masked_fill(column, -torch.inf).log_softmax(1)
    evidence = torch.zeros(len(image), known, dtype=torch.float64)
    evidence[:, at] = odds * at_hand
    unheard = torch.zeros_like(column)
    unheard[:, at] = is_stranger & ~at_hand
    target = torch.where(unheard.gather(1, target[:, None]).squeeze(1), known, target)
    free = torch.zeros(4, dtype=torch.float64, requires_grad=True)

    def closure() -> Tensor:
        optimizer.zero_grad()
        trust, weight, other, none = free[0].sigmoid(), free[1].exp(), free[2], free[3]
        base = torch.where(column, other, trust * image.masked_fill(column, 0.0)) + weight * evidence
        logits = torch.cat([base.masked_fill(unheard, -torch.inf), none.expand(len(base), 1)], dim=1)
        loss = F.cross_entropy(logits, target) + 1e-4 * free.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer = torch.optim.LBFGS([free], max_iter=100, line_search_fn="strong_wolfe")
    optimizer.step(closure)  # type: ignore[no-untyped-call]
    found = free.detach()
    return float(found[0].sigmoid()), float(found[1].exp()), float(found[2]), float(found[3])


def image_shares(scored: Scored, labels: list[AttackLabel], fit: ProbeFit, at_hand: Tensor) -> list[float]:
    """For each attack the share of the image in the hyperparameter that errs least, as sure as the victims are.

    at_hand: [N, V], which victims are asked. Where an attack has none, or nobody's word differs, the image says it all.
    """
    asked = scored.asked
    alone = fit.model_copy(update={"image_share": [0.0] * len(labels)})
    change = scored.weighed(alone, at_hand)[1].double() - asked.image_value.double()
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
    trust, weight, stranger, none = fit_weights(scored, seed)
    fit = ProbeFit(
        trust=trust, weight=weight, stranger=stranger, none=none, image_share=[1.0] * len(labels),
        calibration=calibration, halfwidths=calibration.halfwidths,
    )  # fmt: skip
    at_hand = some_at_hand(asked, seed)
    fit = fit.model_copy(update={"image_share": image_shares(scored, labels, fit, at_hand)})
    logits, value = scored.weighed(fit, at_hand)
    raw_attack = asked.attack_logits * calibration.attack_temperature
    both = fit_calibration(
        raw_attack, logits, value, familiarity, asked.attack, asked.victim, asked.value, labels, calibration.sigma
    )
    spoke = spoke_themselves(asked, logits, at_hand)
    told, silent = (
        fit_halfwidths(raw_attack[rows], value[rows], asked.attack[rows], asked.value[rows], labels)
        for rows in (spoke, ~spoke)
    )
    both = both.model_copy(update={"halfwidths": silent})
    return fit.model_copy(update={"calibration": both, "halfwidths": told})


def spoke_themselves(asked: Asked, logits: Tensor, at_hand: Tensor | None = None) -> Tensor:
    """[N]: whether the victim that the logits [N, L + 1] name is one that was asked."""
    named = torch.tensor(asked.at) == logits.argmax(1)[:, None]
    return (named if at_hand is None else named & at_hand).any(1)
