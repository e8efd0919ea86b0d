"""Carlini & Wagner's L2 attack (2017, arXiv:1608.04644, section V), untargeted.

Minimise ||x' - x||^2 + c * max(kappa - margin(x'), 0) over w with Adam, x' = box(tanh(w)), and search for the c of each
example. What is kept of the original: the objective, the change of variables, the search over c, a fresh Adam at each
search step, the best example so far, and giving up a search step that no longer improves. What is done otherwise, to
need fewer and cheaper passes:

- every example runs on its own clock and leaves the batch when it is done, so none waits for or depends on another;
- the first c comes from the margin's linearisation at the clean image, and the search halves intervals of log c;
- the tanh box is a little wider than [0, 1] and clipped, so that pixels that are exactly 0 or 1 can move: at
  arctanh(0.999999), which other implementations use, they are frozen, and on MNIST that is four pixels of five;
- the learning rate decays within a search step, since the last iterations only trace the boundary;
- a search step after a success starts from the best example so far;
- a closing line search in fp32 puts the example onto the boundary margin = kappa.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Norm, Oracle, margins, per_example

_WIDTH = 0.9
"""tanh covers [-1, 1] / _WIDTH of the box [-1, 1]."""
_BETA1, _BETA2 = 0.9, 0.999
_GROWTH = 10.0
_CHECKS = 10
_TOLERANCE = 1e-4
_LINE_STEPS = 8


@dataclass
class _Search:
    """The examples still searched for; every field's first axis is the example."""

    index: Tensor  # position in the whole batch
    clean: Tensor
    label: Tensor
    kappa: Tensor
    start: Tensor  # w of the clean image
    w: Tensor
    momentum: Tensor
    variance: Tensor
    c: Tensor
    c_low: Tensor  # highest c that failed
    c_high: Tensor  # lowest c that succeeded
    time: Tensor  # iterations in this search step
    round: Tensor  # search steps finished
    hit: Tensor  # this search step met kappa
    last_loss: Tensor

    @classmethod
    def begin(cls, images: Tensor, labels: Tensor, kappa: Tensor, c: float | None) -> _Search:
        batch = len(images)
        zeros = images.new_zeros(batch)
        start = _to_w(images)
        return cls(
            index=torch.arange(batch, device=images.device), clean=images, label=labels, kappa=kappa, start=start,
            w=start.clone(), momentum=torch.zeros_like(start), variance=torch.zeros_like(start),
            c=torch.full_like(zeros, float("nan") if c is None else c), c_low=zeros.clone(),
            c_high=torch.full_like(zeros, float("inf")), time=zeros.clone(), round=zeros.clone(), hit=zeros.bool(),
            last_loss=torch.full_like(zeros, float("inf")),
        )  # fmt: skip

    def keep(self, mask: Tensor) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[mask])


class CarliniWagner(Attack):
    """C&W L2; the hyperparameter kappa is the logit margin that an example must reach."""

    name: ClassVar[str] = "C&W"
    hyperparameter: ClassVar[Literal["epsilon", "kappa"]] = "kappa"
    norm: ClassVar[Norm] = "l2"

    search_steps: PositiveInt = 5
    steps: PositiveInt = 200
    learning_rate: float = Field(default=0.05, gt=0, allow_inf_nan=False)
    final_rate: float = Field(default=0.05, gt=0, le=1)
    """Learning rate at the end of a search step, relative to its beginning."""
    initial_c: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """First c; None estimates it for each example."""
    abort_early: bool = True

    @classmethod
    def cheap(cls, **fields: object) -> CarliniWagner:
        """Settings for data in quantity: about a tenth of the passes, a few per cent more L2."""
        return cls(**{"search_steps": 2, "steps": 60, "learning_rate": 0.1, **fields})  # type: ignore[arg-type]

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        best = images.clone()
        best_l2 = images.new_full((len(images),), float("inf"))
        search = _Search.begin(images, labels, hyperparameter, self.initial_c)
        every = max(self.steps // _CHECKS, 1)
        passes = 0
        while len(search.index):
            loss = self._iterate(victim, search, best, best_l2)
            passes += 1
            if passes % every == 0 or self.steps < _CHECKS:
                self._end_rounds(victim, search, loss, best, best_l2)
        return _onto_boundary(victim, images, best, labels, hyperparameter)

    def _iterate(self, victim: Oracle, s: _Search, best: Tensor, best_l2: Tensor) -> Tensor:
        """One step of Adam for every example still searched for; returns the loss [n] before it."""
        tanh = s.w.tanh()
        wide = (tanh / _WIDTH + 1) / 2
        adversarial = wide.clamp(0, 1)
        gradient, logits = victim.gradient(adversarial, lambda logits: margins(logits, s.label))
        margin = margins(logits, s.label)
        l2 = (adversarial - s.clean).flatten(1).square().sum(1)
        met = margin >= s.kappa
        s.hit |= met

        better = met & (l2 < best_l2[s.index])
        best_l2[s.index] = torch.where(better, l2, best_l2[s.index])
        best[s.index[better]] = adversarial[better]

        missing = (s.kappa - margin).clamp(min=0)
        # With a linear margin, c = 2 missing / |gradient|^2 is the Lagrange multiplier; twice that presses firmly.
        estimate = 4 * missing.clamp(min=1e-3) / gradient.flatten(1).square().sum(1).clamp(min=1e-12)
        s.c = torch.where(s.c.isnan(), estimate, s.c)

        pull = per_example(s.c * ~met, gradient)
        slope = (2 * (wide - s.clean) - pull * gradient).mul_(1 - tanh.square())
        s.momentum.lerp_(slope, 1 - _BETA1)
        s.variance.lerp_(slope.square(), 1 - _BETA2)
        rate = self.learning_rate * self.final_rate ** (s.time / self.steps)
        s.time += 1
        unbiased = s.variance / per_example(1 - _BETA2**s.time, gradient)
        s.w -= per_example(rate / (1 - _BETA1**s.time), gradient) * s.momentum / unbiased.sqrt_().add_(1e-8)
        return l2 + s.c * missing

    def _end_rounds(self, victim: Oracle, s: _Search, loss: Tensor, best: Tensor, best_l2: Tensor) -> None:
        """Give examples at the end of a search step their next c; those at the end of the last one leave."""
        done = s.time >= self.steps
        if self.abort_early:
            done |= loss > (1 - _TOLERANCE) * s.last_loss
        s.last_loss = loss
        if not bool(done.any()):
            return
        victim.require_finite()
        s.c_high = torch.where(done & s.hit, torch.minimum(s.c_high, s.c), s.c_high)
        s.c_low = torch.where(done & ~s.hit, torch.maximum(s.c_low, s.c), s.c_low)
        lower = torch.where(s.c_low > 0, (s.c_low * s.c_high).sqrt(), s.c_high / _GROWTH)
        s.c = torch.where(done, torch.where(s.c_high.isinf(), s.c * _GROWTH, lower), s.c)
        found = per_example(best_l2[s.index].isfinite(), s.w)
        restart = torch.where(found, _to_w(best[s.index]), s.start)
        reset = per_example(done, s.w)
        s.w = torch.where(reset, restart, s.w)
        s.momentum.masked_fill_(reset, 0)
        s.variance.masked_fill_(reset, 0)
        s.time.masked_fill_(done, 0)
        s.last_loss.masked_fill_(done, float("inf"))
        s.hit &= ~done
        s.round += done
        s.keep(s.round < self.search_steps)


def _to_w(images: Tensor) -> Tensor:
    return ((2 * images - 1) * _WIDTH).atanh()


def _onto_boundary(victim: Oracle, images: Tensor, best: Tensor, labels: Tensor, kappa: Tensor) -> Tensor:
    """Scale each perturbation by 0.9 to 1.1, to the least at which the fp32 margin is still kappa."""
    low, high = torch.full_like(kappa, 0.9), torch.full_like(kappa, 1.1)
    change = best - images
    for _ in range(_LINE_STEPS):
        middle = (low + high) / 2
        reached = margins(victim.logits((images + per_example(middle, images) * change).clamp(0, 1)), labels) >= kappa
        low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
    return (images + per_example(high, images) * change).clamp(0, 1)
