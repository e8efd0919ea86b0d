"""Fit how much the answers of victims count beside the image, once the scorer has learned what they mean.

That is done on the calibration split, over situations that an analyst can be in: some victims at hand and others not,
one that the pack does not know, one that nobody holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from core.calibration import ASKING, Calibration, ProbeFit
from core.labels import CLEAN
from core.manifest import AttackLabel
from core.model.scorer import Scorer, Scores, Weighed, agreed, attack_evidence, evidence_of, weigh
from training.calibrate import fit_calibration, fit_widths
from training.fit_scorer import AT_HAND
from training.probe import Asked

_DRAWS = 8
"""Situations drawn for each calibration example."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Examples with what a scorer makes of them. scores: with all victims asked."""

    asked: Asked
    scorer: Scorer
    scores: Scores

    @classmethod
    def of(cls, asked: Asked, scorer: Scorer) -> Scored:
        with torch.no_grad():
            return cls(asked, scorer, scorer(asked.probes))

    @torch.no_grad()
    def heard(self, at_hand: Tensor) -> Scores:
        """With only some of them asked, bool [N, V]; of the others it means nothing."""
        return self.scores if self.asked.company is None else self.scorer(self.asked.said(at_hand))

    def weighed(self, fit: ProbeFit, at_hand: Tensor | None = None) -> Weighed:
        """All answers in one; at_hand: [N, V], which victims are asked, or all."""
        asked, scores = self.asked, self.scores
        if at_hand is not None:  # one that is not asked changes nothing
            here, scores = at_hand[..., None], self.heard(at_hand)
            scores = Scores(scores.evidence * here, torch.where(here, scores.value, asked.image_value[:, None]))
        image = asked.attack_logits, asked.victim_logits, asked.image_value
        return weigh(*image, scores, asked.at, asked.clean, fit)


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
        at_hand = torch.rand(len(image), count, generator=generator) < AT_HAND
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
    """The weights of :class:`core.calibration.ProbeFit`, by least cross-entropy over situations.

    Those of the victims come first, for they say what the victims' word on the attack is worth. The image is never
    trusted beyond its calibrated probabilities.
    """
    asked = scored.asked
    situations = _Situations.draw(asked, seed)
    columns = torch.tensor(asked.at)
    heard = torch.cat([scored.heard(some).evidence for some in situations.at_hand.chunk(_DRAWS)])
    odds = evidence_of(heard, asked.attack_logits.repeat(_DRAWS, 1), asked.clean).double() * situations.at_hand

    def victim_loss(free: Tensor) -> Tensor:
        prior = situations.prior(free[0].sigmoid(), free[2], free[3])
        return F.cross_entropy(prior.index_add(1, columns, free[1].exp() * odds), situations.target)

    found = _least(victim_loss, 4)
    trust, weight = found[0].sigmoid(), found[1].exp()
    evidence = heard.double() * situations.at_hand[..., None]
    prior = situations.prior(trust, *found[2:])
    attack_heard = attack_evidence(prior, weight * evidence, columns, asked.clean)
    victim = prior.index_add(1, columns, weight * odds)
    image, attack = asked.attack_logits.double().log_softmax(1).repeat(_DRAWS, 1), asked.attack.repeat(_DRAWS)

    def attack_loss(free: Tensor) -> Tensor:
        told = free[0].sigmoid() * image + free[1].exp() * attack_heard
        return F.cross_entropy(agreed(told, victim, asked.clean, heard=True)[0], attack)

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
    """[N, V]: for each example a non-empty choice of victims, half of the time all, else every number as often.

    Who has the pack's victims usually has all of them.
    """
    count = len(asked.at)
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(len(asked), count, generator=generator).argsort(1)
    number = torch.randint(1, 2 * count + 1, (len(asked), 1), generator=generator)  # from count on: all
    return order < number


def fit_probes(scored: Scored, calibration: Calibration, labels: list[AttackLabel], seed: int) -> ProbeFit:
    """All of it from the calibration split; calibration: of the image alone, fitted on the same examples.

    Its sets and intervals are calibrated with as many victims at hand as chance will have it; the intervals apart by
    whether the named victim has spoken, for one that has says kappa far better than the image.
    """
    asked = scored.asked
    fit = ProbeFit(
        **fit_weights(scored, seed), image_share=[1.0] * len(labels), calibration=calibration,
        halfwidths=calibration.halfwidths, growth=calibration.growth, compressed=ASKING.compressed,
        together=ASKING.together, opposed=ASKING.opposed, agreed=True,
    )  # fmt: skip
    at_hand = some_at_hand(asked, seed)
    fit = fit.model_copy(update={"image_share": image_shares(scored, labels, fit, at_hand)})
    told = scored.weighed(fit, at_hand)
    raw_attack = told.attack * calibration.attack_temperature  # on the network's own scale, as the attributor has it
    both = fit_calibration(
        raw_attack,
        told.victim,
        told.value,
        asked.attack,
        asked.victim,
        asked.value,
        labels,
        calibration.sigma,
        calibration.familiarity_threshold,
        asked.clean,
        heard=True,
    )
    named, _ = agreed(
        raw_attack.double() / both.attack_temperature, told.victim.double() / both.victim_temperature, asked.clean,
        heard=True,
    )  # fmt: skip
    spoke = spoke_themselves(asked, told.victim, at_hand)
    spoken, silent = (
        fit_widths(named[rows], told.value[rows], asked.attack[rows], asked.value[rows], labels)
        for rows in (spoke, ~spoke)
    )
    both = both.model_copy(update=silent._asdict() | {"copies": calibration.copies})
    return fit.model_copy(update={"calibration": both, **spoken._asdict()})


def spoke_themselves(asked: Asked, logits: Tensor, at_hand: Tensor | None = None) -> Tensor:
    """[N]: whether the victim that the logits [N, L + 1] name is one that was asked."""
    named = torch.tensor(asked.at) == logits.argmax(1)[:, None]
    return (named if at_hand is None else named & at_hand).any(1)
