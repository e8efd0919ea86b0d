"""What a model pack says of itself: ``manifest.json``, checked against its schema before any weight is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.labels import CLEAN
from core.model.config import NetworkConfig

SCHEMA: Literal[1] = 1

Task = Literal["attack", "victim", "hyperparameter"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_Bound = Annotated[float, Field(ge=-1e6, le=1e6)]


class AttackLabel(_Strict):
    """One attack the pack can name, and its hyperparameter's name, display unit and trained range.

    Values are in the regression target's units: epsilon x 255 ("/255") beside kappa ("logits") or overshoot ("%"), 0
    for clean. read_off: epsilon is read off the image (:mod:`core.model.epsilon`) where it shows it, because that
    erred less than the network on the calibration split.
    """

    name: str
    hyperparameter: str
    unit: str
    minimum: _Bound
    maximum: _Bound
    read_off: bool = False

    @model_validator(mode="after")
    def _range(self) -> AttackLabel:
        if self.minimum > self.maximum:
            raise ValueError(f"{self.name}'s range ends at {self.maximum:g} before it begins at {self.minimum:g}")
        return self

    @property
    def width(self) -> float:
        return self.maximum - self.minimum


class VictimLabel(_Strict):
    """One victim the pack can name; ``sha256`` is that of its weights file, None for clean."""

    name: str
    sha256: Sha256 | None = None
    accuracy: float | None = None


ChangesSeen = Literal["features", "residuals"]
"""Where changes after the attack are looked for: in the network's features, or in the image's residuals as well."""

Fit = Literal["resize", "tiles", "crop"]
"""How an image of another size is fitted to a pack (:mod:`core.preprocess`)."""


_Side = Annotated[int, Field(ge=1, le=4096)]


class ImageSpec(_Strict):
    """What the network takes: [channels, height, width], grey for 1 channel and RGB for 3.

    fit: what becomes of images of another size. Resizing destroys most of what an attack left behind, tiles and the
    crop keep every pixel as it is.
    """

    channels: Literal[1, 3]
    height: _Side
    width: _Side
    fit: Fit = "resize"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self.channels, self.height, self.width

    @property
    def size(self) -> str:
        """In words, the width first: "224x224"."""
        return f"{self.width}x{self.height}"


class Calibration(_Strict):
    """Fitted on the calibration split only.

    temperature: divides the logits of each classification task.
    sigma: the learned standard deviations of eq. 14 by task ("attack", "victim", "hyperparameter").
    coverages: ascending target coverages; the lists below have one entry for each.
    attack_scores, victim_scores: conformal quantiles of 1 - p(true label); the prediction set holds the
        labels with 1 - p at or under it, and always the most probable one.
    halfwidths: for each attack label the conformal half-width of its hyperparameter's interval, in its unit.
    familiarity_threshold: the familiarity score that a stated share of familiar images stays under.
    """

    attack_temperature: float = Field(gt=0)
    victim_temperature: float = Field(gt=0)
    sigma: dict[Task, Annotated[float, Field(gt=0)]]
    coverages: list[Annotated[float, Field(gt=0, lt=1)]]
    attack_scores: list[float]
    victim_scores: list[float]
    halfwidths: dict[str, list[float]]
    familiarity_threshold: float

    @model_validator(mode="after")
    def _lengths(self) -> Calibration:
        rows = {"attack_scores": self.attack_scores, "victim_scores": self.victim_scores, **self.halfwidths}
        for name, row in rows.items():
            if len(row) != len(self.coverages):
                raise ValueError(f"{name} has {len(row)} entries for {len(self.coverages)} coverages")
            if any(lower > higher for lower, higher in pairwise([0.0, *row])):
                raise ValueError(f"{name} must grow with the coverage, from 0 or more")
        if not self.coverages or sorted(set(self.coverages)) != self.coverages:
            raise ValueError("coverages must be ascending and not empty")
        if set(self.sigma) != {"attack", "victim", "hyperparameter"}:
            raise ValueError("sigma needs attack, victim and hyperparameter")
        return self

    def check(self, coverage: float) -> None:
        """Raise ValueError for a coverage that nothing was calibrated for."""
        least, most = self.coverages[0], self.coverages[-1]
        if not least <= coverage <= most:
            raise ValueError(f"{coverage:g} is outside what the pack is calibrated for: {least:g} to {most:g}.")


class ProbeFit(_Strict):
    """How the answers of victims that are asked count beside the image's own, fitted on the calibration split.

    trust: factor on the image's calibrated log-probabilities of its victims. weight: factor on the scorer's log odds.
    stranger: log-prior of a candidate that the pack does not know. none: log-prior of "none of these".
    attack_trust, attack_weight: the same two for the attack, of which older packs did not ask the victims.
    compressed: whether the scorer also hears what they say of the compressed image, which older packs did not ask.
    image_share: for each attack label, how much of the hyperparameter the image alone says; the asked victim says the
        rest.
    calibration: of the answers of both together; its half-widths are those where the named victim was not asked.
    halfwidths: by attack label, of the intervals where it was, at the calibration's coverages.
    """

    trust: float = Field(ge=0, le=1)
    weight: float = Field(ge=0)
    stranger: float
    none: float
    attack_trust: float = Field(default=1, ge=0, le=1)
    attack_weight: float = Field(default=0, ge=0)
    compressed: bool = False
    image_share: list[Annotated[float, Field(ge=0, le=1)]]
    calibration: Calibration
    halfwidths: dict[str, list[float]]

    @model_validator(mode="after")
    def _one_for_each(self) -> ProbeFit:
        if set(self.halfwidths) != set(self.calibration.halfwidths):
            raise ValueError("probes.halfwidths are of other attacks than the calibration's")
        Calibration.model_validate({**self.calibration.model_dump(), "halfwidths": self.halfwidths})
        return self


class Manifest(_Strict):
    """``manifest.json`` of a model pack.

    attacks, victims: labels in the order of the network's outputs; "clean" may be one of each.
    probes: how to weigh what victims say that are asked; None where the pack holds no scorer.
    changes: where the familiarity sees changes after the attack (:mod:`core.model.familiarity`), None where it does not
        look for any. Older packs say true for the features.
    scenario: the scenario that made the pack, with the id of the pack it began with.
    results: measured figures with the scale they were measured at; free in form, for people and tables.
    data_fingerprint: sha256 over the manifests of the shards that the pack was trained on.
    trained_on: marks of some clean images that it was trained on (:func:`training.sources.marks_of`), by which those
        are known that would measure a pack that goes on from here; older packs have none.
    """

    schema_version: Literal[1] = SCHEMA
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    description: str
    created: str
    attacks: list[AttackLabel]
    victims: list[VictimLabel]
    image: ImageSpec
    network: NetworkConfig
    calibration: Calibration
    probes: ProbeFit | None = None
    changes: ChangesSeen | None = None
    scenario: dict[str, Any]
    results: dict[str, Any]
    data_fingerprint: Sha256
    weights_sha256: Sha256
    trained_on: str = Field(default="", pattern=r"^([0-9a-f]{12}){0,256}$")

    @field_validator("changes", mode="before")
    @classmethod
    def _as_older_packs_say_it(cls, value: Any) -> Any:
        return {True: "features", False: None}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _labels(self) -> Manifest:
        for kind, labels in (
            ("attacks", [a.name for a in self.attacks]),
            ("victims", [v.name for v in self.victims]),
        ):
            if len(labels) < 2 or len(set(labels)) != len(labels):
                raise ValueError(f"{kind} must be at least two different labels, not {labels}")
        names = {a.name for a in self.attacks}
        for calibration in (self.calibration, *([self.probes.calibration] if self.probes else [])):
            if missing := names ^ set(calibration.halfwidths):
                raise ValueError(f"halfwidths do not match the attack labels: {sorted(missing)}")
        if self.network.perturbation_extractor != "pixel" and (self.probes or any(a.read_off for a in self.attacks)):
            raise ValueError("probes and read_off need a network that estimates perturbations by pixel")
        if self.probes is not None and len(self.probes.image_share) != len(self.attacks):
            raise ValueError(f"probes.image_share has {len(self.probes.image_share)} entries, not one for each attack")
        return self

    @model_validator(mode="after")
    def _hashable(self) -> Manifest:
        """Worked out once, here: what stands in it too deep for that is refused."""
        if len(self.sha256) != 64:
            raise ValueError("it cannot be hashed")
        return self

    @property
    def clean(self) -> tuple[int, int] | None:
        """The index of "clean" among the attack and the victim labels, if it is one of both."""
        attacks, victims = [a.name for a in self.attacks], [v.name for v in self.victims]
        return (attacks.index(CLEAN), victims.index(CLEAN)) if CLEAN in attacks and CLEAN in victims else None

    def fitting(self, fit: Fit) -> Manifest:
        """The same with images of another size fitted in another way."""
        return self.model_copy(update={"image": self.image.model_copy(update={"fit": fit})})

    @cached_property
    def sha256(self) -> str:
        """Of all that the manifest says, and so of the weights: one other label, figure or weight gives another.

        Entries are sorted, and those at their defaults left out, so that a later program finds the same. So is the fit
        of images of another size, which its user may choose.
        """
        said = self.model_dump(mode="json", exclude_defaults=True)
        said["image"].pop("fit", None)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Pydantic's, which would take the hash of the original along."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("sha256", None)
        return copy

    @property
    def pack_id(self) -> str:
        """Name and the first 12 digits of the manifest's hash: tells two packs of one name apart."""
        return f"{self.name}@{self.sha256[:12]}"
