"""What a pack says of images, through the attributor that every user goes through, as arrays that can be counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.attributor import Attributor
from core.device_thread import CallersThread
from core.errors import DataError
from core.files import file_sha256
from core.manifest import Manifest
from core.pack import Pack
from core.progress import ProgressCallback, ProgressMeter
from core.types import DEFAULT_COVERAGE, Attribution, FloatArray, LoadedImage
from core.victim_store import Held, offered
from training.experiments.study import Arrays, Study
from training.experiments.subset import unit
from training.metrics import table1_factor
from training.shards import read_listing

_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A pack's answers on N images.

    attack, victim: [N] indices of the labels named, "none of these" after the pack's victims. confidence: [N, 2], their
    calibrated probabilities. value, low, high: [N] hyperparameter told and its interval, label units. attack_set,
    victim_set: bool [N, labels], the candidates. familiarity: [N] scores; familiar: bool [N].
    """

    attack: NDArray[np.int64]
    victim: NDArray[np.int64]
    confidence: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    attack_set: NDArray[np.bool_]
    victim_set: NDArray[np.bool_]
    familiarity: NDArray[np.float64]
    familiar: NDArray[np.bool_]

    def arrays(self) -> Arrays:
        """To be kept, with flags as 0 and 1."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: c.astype(np.uint8) if c.dtype == np.bool_ else c for name, c in columns.items()}


def held_by(study: Study) -> list[Held]:
    """Those of the pack's victims that can be asked: whose files are among the study's."""
    found = offered(study.pack.manifest, folders=[study.victims])
    return [one.held for one in found if one.held is not None]


NOBODY = "none of the victims that the pack asks is here"


def attributor_of(study: Study, held: Sequence[Held] = (), pack: Pack | None = None) -> Attributor:
    """A pack, or the one under test, with victims that it asks."""
    return Attributor(pack or study.pack, str(study.device), held, thread=CallersThread())


def judge(
    attributor: Attributor,
    images: Sequence[FloatArray] | FloatArray,
    tell: ProgressCallback = lambda _: None,
    coverage: float = DEFAULT_COVERAGE,
) -> Verdicts:
    """The pack's answers on N images float32 [C, h, w] in [0, 1], of any size."""
    attacks = [a.name for a in attributor.manifest.attacks]
    victims = attributor.victims
    rows = [
        (
            attacks.index(told.attack.label), victims.index(told.victim.label),
            (told.attack.probability, told.victim.probability), told.hyperparameter.value,
            told.hyperparameter.low, told.hyperparameter.high,
            [name in told.attack.prediction_set for name in attacks],
            [name in told.victim.prediction_set for name in victims],
            told.familiarity.score, told.familiarity.familiar,
        )
        for told in answers(attributor, images, tell, coverage)
    ]  # fmt: skip
    return Verdicts(*(np.asarray(column) for column in zip(*rows, strict=True)))


def answers(
    attributor: Attributor,
    images: Sequence[FloatArray] | FloatArray,
    tell: ProgressCallback = lambda _: None,
    coverage: float = DEFAULT_COVERAGE,
) -> Iterator[Attribution]:
    """As :func:`judge`, one after the other as users get them."""
    meter = ProgressMeter("judging", len(images), tell)
    for start in range(0, len(images), _CHUNK):
        loaded = [
            LoadedImage("", hashlib.sha256(image.tobytes()).hexdigest(), image, "PNG", 8, False)
            for image in images[start : start + _CHUNK]
        ]
        for finding in attributor.attribute(loaded, coverage=coverage):
            yield finding.attribution
        meter.advance(len(loaded))


@dataclass(frozen=True, slots=True)
class Truth:
    """What N images are, in a pack's labels: attack, victim [N] indices, value [N] label units."""

    attack: NDArray[np.int64]
    victim: NDArray[np.int64]
    value: NDArray[np.float64]

    def at(self, rows: NDArray[Any]) -> Truth:
        return Truth(self.attack[rows], self.victim[rows], self.value[rows])


def counted(verdicts: Verdicts, truth: Truth, manifest: Manifest) -> dict[str, Any]:
    """How often a pack is right, and how often it flags what it is wrong about as unfamiliar.

    hyperparameter: RMSE on Table 1's scale, of what is told under the named attack.
    """
    if not len(truth.attack):
        return {"examples": 0}
    right_attack, right_victim = verdicts.attack == truth.attack, verdicts.victim == truth.victim
    right = right_attack & right_victim
    error = (verdicts.value - truth.value) * table1_factor(manifest.attacks)[truth.attack]
    return {
        "examples": len(right),
        "attack": float(right_attack.mean()),
        "victim": float(right_victim.mean()),
        "hyperparameter": float(np.sqrt(np.square(error).mean())),
        "wrong": int((~right).sum()),
        "unfamiliar": float((~verdicts.familiar).mean()),
        "unfamiliar_where_wrong": float((~verdicts.familiar)[~right].mean()) if (~right).any() else None,
        "unfamiliar_where_right": float((~verdicts.familiar)[right].mean()) if right.any() else None,
    }


def check_victims(study: Study) -> None:
    """Raise DataError unless the examples' victims are those that the pack under test was taught, by their hashes."""
    known = read_listing(study.data)["victims"]
    check_taught(study, {name: victim["sha256"] for name, victim in known.items()})


def taught_victims(study: Study) -> dict[str, str]:
    """Hashes of the study's victims by name. Raises DataError unless the pack under test was taught them."""
    victims = {spec.label: file_sha256(study.victims / spec.saved_as) for spec in study.scenario.victims}
    check_taught(study, victims)
    return victims


def check_taught(study: Study, victims: Mapping[str, str]) -> None:
    """Raise DataError unless the pack under test was taught these victims, hashes by name."""
    manifest = study.pack.manifest
    taught = {v.name: v.sha256 for v in manifest.victims}
    if strange := sorted(name for name, sha256 in victims.items() if taught.get(name) != sha256):
        raise DataError(
            f"{manifest.pack_id} was not taught the victims {', '.join(strange)} of {study.out}.",
            "Give the pack that was trained on these examples with --pack, or the --out folder of its training.",
        )


def pack_truth(study: Study) -> tuple[FloatArray, Truth, NDArray[np.int64]]:
    """The test examples that the pack has labels for: images [N, C, H, W] in [0, 1], their truth, their rows [N]."""
    check_victims(study)
    manifest, test = study.pack.manifest, study.examples("test")
    attacks, victims = [a.name for a in manifest.attacks], [v.name for v in manifest.victims]
    attack = np.asarray([attacks.index(n) if n in attacks else -1 for n in study.scenario.attack_names])[test.attack]
    victim = np.asarray([victims.index(n) if n in victims else -1 for n in study.scenario.victim_names])[test.victim]
    known = (attack >= 0) & (victim >= 0)
    truth = Truth(attack, victim, test.hyperparameter.astype(np.float64)).at(known)
    return unit(test.adversarial[known]), truth, np.flatnonzero(known)
