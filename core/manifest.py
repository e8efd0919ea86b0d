"""What a model pack says of itself: ``manifest.json``, checked against its schema before any weight is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from core.calibration import COPIES, Calibration, Doubt, ProbeFit, Strict
from core.labels import clean_at
from core.model.config import NetworkConfig

SCHEMA: Literal[1] = 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


_Bound = Annotated[float, Field(ge=-1e6, le=1e6)]


class AttackLabel(Strict):
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

    def place(self, value: float) -> float:
        """Of a value in the range: 0 at its beginning, 1 at its end."""
        return (value - self.minimum) / self.width if self.width else 0.0


class VictimLabel(Strict):
    """One victim the pack can name; ``sha256`` is that of its weights file, None for clean."""

    name: str
    sha256: Sha256 | None = None
    accuracy: float | None = None


ChangesSeen = Literal["features", "residuals"]
"""Where changes after the attack are looked for: in the network's features, or in the image's residuals as well."""

Fit = Literal["resize", "tiles", "crop"]
"""How an image of another size is fitted to a pack (:mod:`core.preprocess`)."""


_Side = Annotated[int, Field(ge=1, le=4096)]

LONGEST_NAME = 255
"""Of a class, which is often a folder's."""
ClassNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)], ...], Field(max_length=100_000)
]
"""What a data set's classes are called, in their order; empty where nobody named them."""


class ImageSpec(Strict):
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


class Manifest(Strict):
    """``manifest.json`` of a model pack.

    attacks, victims: labels in the order of the network's outputs; "clean" may be one of each.
    calibration: fitted on images as their attack left them; of answers about familiar ones, and where ``unfamiliar`` is
        None, about all.
    probes: how to weigh what victims say that are asked; None where the pack holds no scorer.
    unfamiliar: both for images beyond the familiarity's threshold, fitted on calibration examples that were changed
        after an attack that still fools its victim (:mod:`training.fit_unfamiliar`); older packs have none.
    changes: where the familiarity sees changes after the attack (:mod:`core.model.familiarity`), None where it does not
        look for any. Older packs say true for the features.
    scenario: the scenario that made the pack, with the id of the pack it began with.
    results: measured figures with the scale they were measured at; free in form, for people and tables.
    data_fingerprint: sha256 over the manifests of the shards that the pack was trained on.
    class_names: of the clean images, for people: what a victim sees in an image is told by them; older packs have none.
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
    unfamiliar: Doubt | None = None
    changes: ChangesSeen | None = None
    scenario: dict[str, Any]
    results: dict[str, Any]
    data_fingerprint: Sha256
    weights_sha256: Sha256
    class_names: ClassNames = ()
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
        self._check_doubts()
        if self.network.perturbation_extractor != "pixel" and (self.probes or any(a.read_off for a in self.attacks)):
            raise ValueError("probes and read_off need a network that estimates perturbations by pixel")
        return self

    def _check_doubts(self) -> None:
        names = {a.name for a in self.attacks}
        for doubt in (self.doubt(familiar=True), self.doubt(familiar=False)):
            for calibration in (doubt.calibration, *([doubt.probes.calibration] if doubt.probes else [])):
                if missing := names ^ set(calibration.halfwidths):
                    raise ValueError(f"halfwidths do not match the attack labels: {sorted(missing)}")
                if calibration.coverages != self.calibration.coverages:
                    raise ValueError("not all that is calibrated is so for the same coverages")
            if doubt.probes is not None and len(doubt.probes.image_share) != len(self.attacks):
                raise ValueError(
                    f"probes.image_share has {len(doubt.probes.image_share)} entries, not one for each attack"
                )
        told, other = self.probes, self.doubt(familiar=False).probes
        if (told and told.asking) != (other and other.asking):
            raise ValueError("victims must be asked alike about familiar and unfamiliar images")

    @model_validator(mode="after")
    def _hashable(self) -> Manifest:
        """Worked out once, here: what stands in it too deep for that is refused."""
        if len(self.sha256) != 64:
            raise ValueError("it cannot be hashed")
        return self

    @property
    def data_set(self) -> str:
        """Where its clean images came from, as its scenario says; empty where that is not told."""
        clean = self.scenario.get("clean")
        return str(clean.get("source", "")) if isinstance(clean, dict) else ""

    @property
    def clean(self) -> tuple[int, int] | None:
        """The index of "clean" among the attack and the victim labels, if it is one of both."""
        return clean_at([a.name for a in self.attacks], [v.name for v in self.victims])

    @cached_property
    def _of_familiar(self) -> Doubt:
        """Made once: a case of 100,000 records asks for it with each when its coverage is moved."""
        return Doubt(calibration=self.calibration, probes=self.probes)

    @cached_property
    def _of_unfamiliar(self) -> Doubt:
        """Older packs do not say that several of these scores are of one image."""
        return self._of_familiar if self.unfamiliar is None else self.unfamiliar.with_copies(COPIES)

    def doubt(self, *, familiar: bool) -> Doubt:
        """How sure the answers about familiar images are, or those about unfamiliar ones."""
        return self._of_familiar if familiar else self._of_unfamiliar

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
        """Pydantic's, which would take along what was worked out of the original."""
        copy = super().model_copy(update=update, deep=deep)
        for name in ("sha256", "_of_familiar", "_of_unfamiliar"):
            copy.__dict__.pop(name, None)
        return copy

    @property
    def pack_id(self) -> str:
        """Name and the first 12 digits of the manifest's hash: tells two packs of one name apart."""
        return f"{self.name}@{self.sha256[:12]}"
