"""How sure answers are, as packs keep it: temperatures, conformal sets and intervals, the weight of what victims say.

:mod:`training.calibrate` and :mod:`training.fit_probes` fit them, :mod:`core.answers` and :mod:`core.panel` apply them.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.errors import PackError

Task = Literal["attack", "victim", "hyperparameter"]


class Strict(BaseModel):
    """What a file says is all that it may say, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def kept(probability: float) -> float:
    """As a list of scores keeps a probability: what is compared with one is to be as coarse, or it would be rarer."""
    return float(f"{probability:.4g}")


Growth = dict[str, Annotated[float, Field(gt=-1)]]


COPIES = 3
"""Of a calibration image among the unfamiliar ones: as its attack left it, and changed twice."""


class Calibration(Strict):
    """Fitted on the calibration split only.

    temperature: divides the logits of each classification task.
    sigma: the learned standard deviations of eq. 14 by task ("attack", "victim", "hyperparameter").
    coverages: ascending target coverages; the lists below have one entry for each.
    attack_scores, victim_scores: conformal quantiles of 1 - p(true label); the prediction set holds the labels with
        1 - p at or under it, and those of :func:`core.types.likeliest`.
    halfwidths: for each attack label the conformal half-width of its hyperparameter's interval, in its unit, around the
        least value of its range.
    growth: for attack labels by how many times that it is more around the greatest value, evenly in between. Where an
        attack has none, its intervals are of one width.
    familiarity_threshold: the familiarity score that a stated share of familiar images stays under.
    clean_scores: the probability of "clean" that each clean image was given (:func:`kept`), ascending; empty where a
        pack does not know "clean", and in older packs.
    copies: at most so many of these are of one image; None where a pack does not say.
    """

    attack_temperature: float = Field(gt=0)
    victim_temperature: float = Field(gt=0)
    sigma: dict[Task, Annotated[float, Field(gt=0)]]
    coverages: list[Annotated[float, Field(gt=0, lt=1)]]
    attack_scores: list[float]
    victim_scores: list[float]
    halfwidths: dict[str, list[float]]
    growth: Growth = {}
    familiarity_threshold: float
    clean_scores: list[Annotated[float, Field(ge=0, le=1)]] = []
    copies: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _lengths(self) -> Calibration:
        rows = {"attack_scores": self.attack_scores, "victim_scores": self.victim_scores, **self.halfwidths}
        for name, row in rows.items():
            if len(row) != len(self.coverages):
                raise ValueError(f"{name} has {len(row)} entries for {len(self.coverages)} coverages")
            if any(lower > higher for lower, higher in pairwise([0.0, *row])):
                raise ValueError(f"{name} must grow with the coverage, from 0 or more")
        if sorted(self.clean_scores) != self.clean_scores:
            raise ValueError("clean_scores must be ascending")
        if not self.coverages or sorted(set(self.coverages)) != self.coverages:
            raise ValueError("coverages must be ascending and not empty")
        if set(self.sigma) != {"attack", "victim", "hyperparameter"}:
            raise ValueError("sigma needs attack, victim and hyperparameter")
        if unknown := set(self.growth) - set(self.halfwidths):
            raise ValueError(f"growth is of attacks without half-widths: {sorted(unknown)}")
        return self

    def check(self, coverage: float) -> None:
        """Raise PackError for a coverage that nothing was calibrated for."""
        least, most = self.coverages[0], self.coverages[-1]
        if not least <= coverage <= most:
            raise PackError(
                f"The coverage {coverage:g} is outside what the pack is calibrated for: {least:g} to {most:g}.",
                "Choose one in between.",
            )

    def nearest(self, coverage: float) -> float:
        """Of the coverages that are calibrated for: what a slider or a default asks for may be beyond them."""
        return min(max(coverage, self.coverages[0]), self.coverages[-1])

    @property
    def agreed(self) -> bool:
        """Whether the victim is called clean as surely as the attack; older packs were not calibrated so."""
        return bool(self.clean_scores)

    def false_alarm(self, clean: float) -> float | None:
        """At most this share of clean images is given as little a probability of "clean"; None where none were kept.

        The conformal p-value of the image being clean (Bates et al. 2023, arXiv:2104.08279): over clean images like
        those of the calibration split it is under any number at most that often. Of ``copies`` of one image all
        together count as much as one image does.
        """
        if not self.clean_scores:
            return None
        copies = self.copies or 1
        return (copies + bisect_right(self.clean_scores, kept(clean))) / (copies + len(self.clean_scores))


class Asking(NamedTuple):
    """What victims are asked; older packs' scorers heard less of them.

    compressed: about the compressed image as well. together: what an image was before is told in the company of the
    others that are asked (:mod:`core.votes`), and more is looked at (:func:`core.probes.probes_of`). opposed: whether
    these see it already in the image as it is.
    """

    compressed: bool
    together: bool
    opposed: bool


ASKING = Asking(compressed=True, together=True, opposed=True)
"""What packs ask that are made now."""


class ProbeFit(Strict):
    """How the answers of victims that are asked count beside the image's own, fitted on the calibration split.

    trust: factor on the image's calibrated log-probabilities of its victims. weight: factor on the scorer's log odds.
    stranger: log-prior of a candidate that the pack does not know. none: log-prior of "none of these".
    attack_trust, attack_weight: the same two for the attack, of which older packs did not ask the victims.
    compressed, together, opposed: as in :class:`Asking`.
    agreed: whether the attack is called clean as surely as nobody was attacked, as the victims tell it.
    image_share: for each attack label, how much of the hyperparameter the image alone says; the asked victim says the
        rest.
    calibration: of the answers of both together; its half-widths are those where the named victim was not asked.
    halfwidths, growth: by attack label, of the intervals where it was, at the calibration's coverages.
    """

    trust: float = Field(ge=0, le=1)
    weight: float = Field(ge=0)
    stranger: float
    none: float
    attack_trust: float = Field(default=1, ge=0, le=1)
    attack_weight: float = Field(default=0, ge=0)
    compressed: bool = False
    together: bool = False
    opposed: bool = False
    agreed: bool = False
    image_share: list[Annotated[float, Field(ge=0, le=1)]]
    calibration: Calibration
    halfwidths: dict[str, list[float]]
    growth: Growth = {}

    @property
    def asking(self) -> Asking:
        """What victims are asked."""
        return Asking(self.compressed, self.together, self.opposed)

    @model_validator(mode="after")
    def _one_for_each(self) -> ProbeFit:
        if set(self.halfwidths) != set(self.calibration.halfwidths):
            raise ValueError("probes.halfwidths are of other attacks than the calibration's")
        own = {"halfwidths": self.halfwidths, "growth": self.growth}
        Calibration.model_validate({**self.calibration.model_dump(), **own})
        return self


class Doubt(Strict):
    """How sure answers about one kind of images are. calibration: by the image alone. probes: with victims asked."""

    calibration: Calibration
    probes: ProbeFit | None = None

    def with_copies(self, copies: int) -> Doubt:
        """The same with at most so many scores of one image, where it does not say how many."""
        if self.calibration.copies is not None:
            return self
        told = {"copies": copies}
        probes = self.probes and self.probes.model_copy(
            update={"calibration": self.probes.calibration.model_copy(update=told)}
        )
        return Doubt.model_construct(calibration=self.calibration.model_copy(update=told), probes=probes)
