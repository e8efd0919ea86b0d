"""The frozen values that travel from an image file to an answer.

Every room hands these on and none re-decides what an earlier one settled (see the data flow in README).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.adjustments import Adjustment
from core.labels import CLEAN, NONE_OF_THESE

FloatArray = NDArray[np.float32]

ROUNDING = 1e-9
"""By how much a sum of probabilities may fall short of what it is."""

_ALIKE = 1e-4
"""By less than this two tasks' probabilities of one thing differ only by how they were computed."""

_EVEN = 0.5

DEFAULT_COVERAGE = 0.9
"""How often candidate sets and intervals are to hold the truth, unless somebody chose otherwise."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoadedImage:
    """One decoded image file.

    pixels: float32 [C, H, W] in [0, 1], C is 1 (grey) or 3 (RGB), at the file's own size.
    sha256: hex digest of the file's bytes.
    format: the decoder's name for the file type, e.g. "PNG", "JPEG", "NPY".
    bits:   bits a channel the file stores (8, 16, 32 for float).
    lossy:  whether the format threw pixel detail away (JPEG, AVIF, lossy WebP, GIF of colour).
    notes:  what else the file holds that the pixels do not have, such as transparency.
    """

    path: str
    sha256: str
    pixels: FloatArray
    format: str
    bits: int
    lossy: bool
    notes: tuple[Adjustment, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]


@dataclass(frozen=True, slots=True)
class RankedLabel:
    """One label with its calibrated probability."""

    label: str
    probability: float


def likeliest(ranking: Sequence[RankedLabel], coverage: float) -> tuple[str, ...]:
    """As few of the most probable labels as are together as probable as the coverage."""
    before = accumulate((c.probability for c in ranking), initial=ROUNDING)
    return tuple(c.label for c, sure in zip(ranking, before, strict=False) if sure < coverage)


@dataclass(frozen=True, slots=True)
class ClassAnswer:
    """The answer to one classification task.

    ranking: every label, most probable first; probabilities are calibrated and sum to 1.
    entropy: Shannon entropy of the ranking in bits (0 is certain, log2(number of labels) is a guess).
    sigma:   the task's homoscedastic uncertainty learned by eq. 14; the same for every image of a pack.
    prediction_set: labels that together hold the truth at ``coverage``, most probable first: the conformal set, and as
        many of the likeliest as are together as probable as the coverage.
    """

    ranking: tuple[RankedLabel, ...]
    entropy: float
    sigma: float
    prediction_set: tuple[str, ...]
    coverage: float

    @property
    def label(self) -> str:
        return self.ranking[0].label

    @property
    def probability(self) -> float:
        return self.ranking[0].probability


@dataclass(frozen=True, slots=True)
class HyperparameterAnswer:
    """The predicted attack's hyperparameter in its own unit.

    name: "epsilon", "kappa" or "overshoot", or "none" for clean images (value, low and high are then 0).
    unit: "/255" for epsilon (value 30 means 30/255), "logits" for kappa, "%" for overshoot, "" for clean.
    low, high: the conformal interval at ``coverage``, clipped to the pack's range.
    minimum, maximum: the range that the pack was trained on.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    sigma: float
    minimum: float
    maximum: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Familiarity:
    """Whether the pack has seen images like this one. ``score`` at or under ``threshold`` is familiar.

    calibrated: whether the doubt of the answers was fitted on images of the same kind: for unfamiliar ones on such as
        were changed after the attack, which older packs lack.
    """

    score: float
    threshold: float
    calibrated: bool = True

    @property
    def familiar(self) -> bool:
        return self.score <= self.threshold


Evidence = Literal["image", "image+probes"]
"""What an answer rests on: the image alone, or what victims said of it as well."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Clean images of the analyst's, of the source that images in question come from, as a pack judges them.

    pack_id, asked: by which pack, and the hashes of the victims that were asked, ascending.
    image, probes: of each the probability of "clean" that it was given, and its sha256, ascending: of those that were
    judged by the image alone, and of those that victims were asked about.
    files: their hashes. digest: which one it is, in a case, a table and a report.
    """

    pack_id: str
    asked: tuple[str, ...] = ()
    image: tuple[tuple[float, str], ...] = ()
    probes: tuple[tuple[float, str], ...] = ()
    files: frozenset[str] = field(init=False, compare=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        told = json.dumps([self.pack_id, self.asked, self.image, self.probes])
        object.__setattr__(self, "digest", hashlib.sha256(told.encode()).hexdigest()[:12])
        object.__setattr__(self, "files", frozenset(sha256 for _, sha256 in (*self.image, *self.probes)))

    def of(self, evidence: Evidence) -> tuple[tuple[float, str], ...]:
        """An answer is told beside those that were judged as it was."""
        return self.image if evidence == "image" else self.probes

    @property
    def images(self) -> int:
        return len(self.image) + len(self.probes)

    @property
    def suspect(self) -> int:
        """How many of them look attacked to the pack: "clean" is not even as probable as not."""
        return sum(clean < _EVEN for clean, _ in (*self.image, *self.probes))

    def __str__(self) -> str:
        return f"{self.images:,} known clean image{'s' if self.images != 1 else ''} ({self.digest})"


@dataclass(frozen=True, slots=True)
class Beside:
    """How an answer was told beside known clean images (:mod:`core.reference`).

    digest: which :class:`Reference`. images: how many of them were judged as it was. known: whether it is one of them.
    """

    digest: str
    images: int
    known: bool = False


@dataclass(frozen=True, slots=True)
class Basis:
    """What answers rest on besides the pack and the image.

    asked: names of the victims that are asked, by sha256; empty where the image alone is judged. closed: whether one of
    them is taken to be the victim of every attack, as whoever has all models that can have been attacked may know.
    reference: known clean images, if there are any.
    """

    asked: Mapping[str, str]
    closed: bool = False
    reference: Reference | None = None

    def __str__(self) -> str:
        pairs = sorted(self.asked.items(), key=lambda item: item[1])
        named = ", ".join(f"{name} ({digest[:12]})" for digest, name in pairs)
        told = f"asking {named}{' as a closed set' if self.closed else ''}" if named else "asking no victim"
        return f"{told}, beside {self.reference}" if self.reference else told


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one candidate victim said when it was asked about an image.

    changes: whether it gives the image another class than the clean image that the network estimates, or than the image
        after compression.
    margin: logits by which its class for the image stands above the one that the image was before, as the victims
        that are asked tell it together; under C&W the victim's is kappa.
    match: how well its gradient's signs agree with the perturbation's, weighted by the gradient, from -1 to 1; the
        best of those at the image and at the estimate, with the estimate and with what compression takes away.
    odds: log of how many times as probable these answers are if it is the victim as if it is not, calibrated, and the
        mean over the attacks by the image's probabilities.
    label, before: its class for the image, and what the image was before, by name or else by number; older cases have
        neither.
    others: how many others of its task were asked. others_before, others_alike: how many of these see in the image what
        it was before, and the victim's class for it; the rest see a third.
    """

    victim: str
    sha256: str
    changes: bool
    margin: float
    match: float
    odds: float
    label: str = ""
    before: str = ""
    others: int = 0
    others_before: int = 0
    others_alike: int = 0


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who made one image, and how sure that is.

    hyperparameters: one answer for each attack label of the pack, in the order of ``attack.ranking``;
    the first is the predicted attack's.
    adjustments: what was left out or had to be done to judge the image, if anything.
    testimonies: of the victims that were asked, in the pack's order; empty where the image alone was judged.
    false_alarm: at most this share of clean images, like the pack's or those that it was told beside, looks at least as
        attacked (:meth:`core.calibration.Calibration.false_alarm`); None where the pack does not tell.
    beside: known clean images that it was told beside, if there were any.
    """

    sha256: str
    pack_id: str
    attack: ClassAnswer
    victim: ClassAnswer
    hyperparameters: tuple[HyperparameterAnswer, ...]
    familiarity: Familiarity
    adjustments: tuple[Adjustment, ...]
    testimonies: tuple[Testimony, ...] = ()
    false_alarm: float | None = None
    beside: Beside | None = None

    @property
    def contradicts_itself(self) -> bool:
        """Whether one task holds the image for clean and the other does not."""
        return (self.attack.label == CLEAN) != (self.victim.label == CLEAN)

    @property
    def undecided(self) -> float | None:
        """The probability of "clean", if both tasks give it the same and yet it is the likeliest label of one only."""
        attack, victim = ({c.label: c.probability for c in task.ranking} for task in (self.attack, self.victim))
        alike = abs(attack.get(CLEAN, 0.0) - victim.get(CLEAN, 0.0)) < _ALIKE
        return attack[CLEAN] if self.contradicts_itself and alike else None

    @property
    def closed_set(self) -> bool:
        """Whether one of the victims that were asked was taken to be the victim of any attack."""
        return bool(self.testimonies) and all(candidate.label != NONE_OF_THESE for candidate in self.victim.ranking)

    @property
    def evidence(self) -> Evidence:
        return "image+probes" if self.testimonies else "image"

    @property
    def hyperparameter(self) -> HyperparameterAnswer:
        return self.hyperparameters[0]

    @property
    def named(self) -> Testimony | None:
        """What the victim that is named said, if it was asked."""
        return next((said for said in self.testimonies if said.victim == self.victim.label), None)

    @property
    def heard(self) -> tuple[Testimony, ...]:
        """The testimonies as people read them: the named victim's first, then whoever it is likelier to be."""
        return tuple(sorted(self.testimonies, key=lambda said: (said.victim != self.victim.label, -said.odds)))


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Where the perturbation lies, and the estimate it was drawn from.

    strength:     float32 [H, W] in [0, 1] at the image's own size; 1 is the strongest place in this image.
    perturbation: float32 [C, h, w], the signed pixel-level estimate in [0, 1] units over all of the image, at the size
                  at which the network saw it, or every k-th pixel of that; None for a pack whose auto-encoder works
                  on feature maps only.
    source:       what the map shows, in words for the user.
    full:         what a strength of 1 stands for, in [0, 1] units; None where there is no perturbation.
    """

    strength: FloatArray
    perturbation: FloatArray | None
    source: str
    full: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one pass of the network says of one image."""

    attribution: Attribution
    heatmap: Heatmap | None
