"""Carlini & Wagner's L2 attack (2017, arXiv:1608.04644, sections V and VI), untargeted.

Minimise |x' - x|^2 + c * max(kappa - margin(x'), 0) with Adam over w, x' = box(tanh(w)), and search for the c of each
example. The objective, the change of variables, the search over c with a fresh Adam at each step, the best example so
far and the early abort are the original's. What differs is there to need fewer and cheaper passes:

- Every example has its own clock and leaves the batch when it is done; none waits for or depends on another.
- The first c comes from linearising the margin at the clean image. After a success, the next c is the pressure that
  the step was seen to need: c times the share of iterations in which the hinge pushed. A large c overshoots the
  boundary again and again; this one rests on it.
- The tanh box is wider than [0, 1] and clipped. At arctanh(0.999999), as other implementations have it, pixels that
  are exactly 0 or 1 hardly move: on MNIST four of five. :class:`TanhCarliniWagner` has that box.
- The hinge is rounded off over half a logit, and the learning rate decays within a search step.
- w goes on from one search step to the next.
- A closing line search in fp32 puts the example onto the boundary margin = kappa.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from training.attacks.base import Attack, Kind, Oracle, margins, per_example
from training.attacks.best import Best, onto_boundary

_SOFTNESS = 0.5  # logits over which the hinge's slope falls from 1 to 0, ending above kappa
_BETA1, _BETA2 = 0.8, 0.999
_DECAY_STEPS, _FINAL_RATE = 60, 0.1
_GROWTH = 10.0
_HEADROOM = 1.2
_STEP_GAIN = 0.02  # a search step goes on while it lowers the squared L2 by this share between two checks
_SEARCH_GAIN = 0.02  # the search goes on while a search step lowers it by this share


@dataclass
class _Search:
    """The examples still searched for; every field's first axis is the example."""

    index: Tensor  # position in the whole batch
    clean: Tensor
    label: Tensor
    kappa: Tensor
    w: Tensor
    momentum: Tensor
    variance: Tensor
    c: Tensor
    c_low: Tensor  # highest c that failed
    c_high: Tensor  # lowest c that succeeded
    time: Tensor  # iterations in this search step
    round: Tensor  # search steps finished
    hit: Tensor  # whether this search step met kappa
    pressure: Tensor  # recent mean of the hinge's slope, in [0, 1]
    last: Tensor  # objective at the last check
    best_before: Tensor  # least squared L2 before this search step

    @classmethod
    def begin(cls, images: Tensor, labels: Tensor, kappa: Tensor, c: float | None, box: float) -> _Search:
        w = ((2 * images - 1) * box).atanh()
        zero, never = torch.zeros_like(kappa), torch.full_like(kappa, float("inf"))
        return cls(
            index=torch.arange(len(images), device=images.device), clean=images, label=labels, kappa=kappa,
            w=w, momentum=torch.zeros_like(w), variance=torch.zeros_like(w),
            c=torch.full_like(kappa, float("nan") if c is None else c), c_low=zero, c_high=never,
            time=zero.clone(), round=zero, hit=zero.bool(), pressure=zero.clone(), last=never, best_before=never,
        )  # fmt: skip

    def keep(self, mask: Tensor) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[mask])


class CarliniWagner(Attack):
    """C&W L2; the hyperparameter kappa is the logit margin that an example must reach.

    Up to ``search_steps * steps`` passes an example. For data in quantity, 2 x 30 without early abort is a good trade.
    """

    name: ClassVar[str] = "C&W"
    hyperparameter: ClassVar[Kind] = "kappa"
    _box: ClassVar[float] = 0.8
    """The share of what tanh spans that [0, 1] is."""

    search_steps: PositiveInt = 5
    steps: PositiveInt = 200
    learning_rate: float = Field(default=0.2, gt=0, allow_inf_nan=False)
    initial_c: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """First c; None estimates it for each example."""
    abort_early: bool = True

    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        best = Best.none_yet(images)
        search = _Search.begin(images, labels, hyperparameter, self.initial_c, self._box)
        # All clocks advance together between checks, so that a search step must end on one.
        every = next(n for n in range(max(self.steps // 10, 1), 0, -1) if self.steps % n == 0)
        while len(search.index):
            for _ in range(every):
                loss = self._iterate(victim, search, best)
            victim.require_finite()
            self._check_progress(search, best, loss)
        return onto_boundary(victim, images, best.images, labels, hyperparameter)

    def _iterate(self, victim: Oracle, s: _Search, best: Best) -> Tensor:
        """One iteration of Adam for every example still searched for; returns the objective [n] before it."""
        tanh = s.w.tanh()
        wide = (tanh / self._box + 1) / 2
        adversarial = wide.clamp(0, 1)
        gradient, logits = victim.gradient(adversarial, lambda logits: margins(logits, s.label))
        margin = margins(logits, s.label)
        met = margin >= s.kappa
        l2 = (adversarial - s.clean).flatten(1).square().sum(1)
        best.offer(s.index, adversarial, l2, met)
        s.hit = s.hit | met

        missing = (s.kappa - margin).clamp(min=0)
        # With a linear margin, c = 2 missing / |gradient|^2 is the Lagrange multiplier; twice that presses firmly.
        estimate = 4 * missing.clamp(min=1e-3) / gradient.flatten(1).square().sum(1).clamp(min=1e-12)
        s.c = torch.where(s.c.isnan(), estimate, s.c)
        push = ((s.kappa + _SOFTNESS - margin) / _SOFTNESS).clamp(0, 1)
        s.pressure = s.pressure.lerp(push, 0.05)

        slope = 2 * (wide - s.clean) - per_example(s.c * push, wide) * gradient
        self._adam(s, slope.mul_(1 - tanh.square_()))
        return l2 + s.c * missing

    def _adam(self, s: _Search, slope: Tensor) -> None:
        s.momentum.lerp_(slope, 1 - _BETA1)
        s.variance.lerp_(slope.square(), 1 - _BETA2)
        decay = _FINAL_RATE ** (s.time / min(_DECAY_STEPS, self.steps)).clamp(max=1)
        s.time = s.time + 1
        step = self.learning_rate * decay / (1 - _BETA1**s.time)
        scale = (s.variance / per_example(1 - _BETA2**s.time, slope)).sqrt_().add_(1e-8)
        s.w.sub_(per_example(step, slope) * s.momentum / scale)

    def _check_progress(self, s: _Search, best: Best, loss: Tensor) -> None:
        """Give examples at the end of a search step their next c; those at the end of their search leave the batch."""
        best_l2 = best.distance[s.index]
        done = s.time >= self.steps
        if self.abort_early:
            objective = torch.where(s.hit, best_l2, loss)
            stalled = objective > (1 - _STEP_GAIN) * s.last
            done = done | stalled & (~s.hit | (s.time >= _DECAY_STEPS))
            s.last = torch.where(done, float("inf"), objective)
        if not bool(done.any()):
            return
        settled = done & s.hit & (best_l2 > (1 - _SEARCH_GAIN) * s.best_before)
        s.best_before = torch.where(done, best_l2, s.best_before)
        self._next_c(s, done)
        reset = per_example(done, s.w)
        s.momentum.masked_fill_(reset, 0)
        s.variance.masked_fill_(reset, 0)
        s.time = s.time.masked_fill(done, 0)
        s.pressure = s.pressure.masked_fill(done, 0)
        s.hit = s.hit & ~done
        s.round = s.round + done
        keep = s.round < self.search_steps
        s.keep(keep & ~settled if self.abort_early else keep)

    @staticmethod
    def _next_c(s: _Search, done: Tensor) -> None:
        s.c_high = torch.where(done & s.hit, torch.minimum(s.c_high, s.c), s.c_high)
        s.c_low = torch.where(done & ~s.hit, torch.maximum(s.c_low, s.c), s.c_low)
        share = (_HEADROOM * s.pressure / (1 - 0.95**s.time)).clamp(1 / _GROWTH, 1)
        after_hit = torch.maximum(s.c * share, 1.1 * s.c_low)
        after_miss = torch.where(s.c_high.isinf(), s.c * _GROWTH, (s.c_low * s.c_high).sqrt())
        s.c = torch.where(done, torch.where(s.hit, after_hit, after_miss), s.c)


class TanhCarliniWagner(CarliniWagner):
    """The same in the box that the original and the toolboxes have: [0, 1] is all that tanh spans but for a millionth.

    How far a pixel comes that was exactly 0 or 1 depends on the learning rate times the number of steps: at 0.05 x 80
    nearly all of them stay, and the perturbation lies in the others.
    """

    _box: ClassVar[float] = 0.999999
