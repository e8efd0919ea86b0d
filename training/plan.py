"""Whether a folder of examples may be gone on with, found out before anything is computed.

Parts say what they hold and not what was asked for. A run that went on with other grids, counts or victims than the
one that began the folder would mix both, try images twice and never end with the bytes of an undisturbed run. So what
every stream was asked for is kept beside the parts, and another demand is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from core.errors import DataError, ScenarioError, VictimError
from core.files import file_sha256, make_folder, write_file
from core.labels import CLEAN
from core.manifest import AttackLabel, ImageSpec
from core.torchvision_zoo import shapes_alone
from core.victims import ARCHITECTURES, Victim, read_card
from training.attacks import Attack, make_attack
from training.attacks.base import UNITS
from training.scenario import Scenario, VictimSpec
from training.sources import SPLITS, CleanImages
from training.train_victim import new_card

PLAN = "plan.json"
_ROUNDING = 1e-6
"""Of a grid's whole values."""
_Streams = dict[str, dict[str, Any]]


def make_attacks(scenario: Scenario) -> list[Attack]:
    """The attack of every entry. Raises ScenarioError for what no attack takes, an epsilon above 255 included.

    An epsilon between two 8-bit levels allows what the lower one allows, and would be a label that no image carries.
    """
    attacks = [make_attack(spec.config) for spec in scenario.attacks]
    for spec, attack in zip(scenario.attacks, attacks, strict=True):
        if attack.hyperparameter != "epsilon":
            continue
        largest = max(spec.grid.values)
        if largest > 255:
            raise ScenarioError(f"{spec.name}'s grid ends at epsilon {largest:g}/255.", "255/255 is all there is.")
        between = [value for value in spec.grid.values if abs(value - round(value)) > _ROUNDING]
        if between:
            raise ScenarioError(
                f"{spec.name}'s grid has epsilon {between[0]:g}/255, between two levels of an 8-bit image.",
                "Choose first, last and count so that all values are whole.",
            )
    return attacks


def attack_labels(scenario: Scenario) -> list[AttackLabel]:
    """The pack's attack labels; the range of an attack that several entries make covers all their grids."""
    kinds = {attack.name: attack.hyperparameter for attack in make_attacks(scenario)}
    labels = []
    for name in scenario.attack_names:
        grids = [v for a in scenario.attacks if a.name == name for v in a.grid.values]
        kind = kinds.get(name, "none")
        low, high = (min(grids), max(grids)) if grids else (0.0, 0.0)
        labels.append(AttackLabel(name=name, hyperparameter=kind, unit=UNITS[kind].name, minimum=low, maximum=high))
    return labels


def check_victim(path: Path, spec: VictimSpec, clean: CleanImages) -> None:
    """Raise VictimError unless the file holds the victim asked for, for images and classes as ``clean`` has."""
    card = read_card(path)
    channels, height, width = clean.shape
    wanted = {"channels": channels, "height": height, "width": width}
    if clean.classes:
        wanted["data_classes"] = clean.classes
    wrong = [f"{key} {getattr(card, key)}, not {value}" for key, value in wanted.items() if getattr(card, key) != value]
    if spec.architecture and card.architecture != spec.architecture:
        wrong.append(f"architecture {card.architecture}, not {spec.architecture}")
    if wrong:
        raise VictimError(f"{path} has {', '.join(wrong)}.", "Train the scenario's victims into a folder of their own.")


def shapes_of(architecture: str, clean: CleanImages) -> Victim:
    """A victim to train on ``clean``, without its weights' memory."""
    return shapes_alone(partial(Victim, new_card(architecture, clean)))


def check_size(architecture: str, clean: CleanImages) -> None:
    """Raise ScenarioError where an architecture's stages leave nothing of images of this size.

    Shapes alone are passed through it, so that 500 MB of weights need not be drawn to find out.
    """
    victim = shapes_of(architecture, clean).eval()
    try:
        with torch.no_grad():
            victim(torch.zeros(1, *clean.shape, device="meta"))
    except NotImplementedError:  # of a layer whose shapes are not known without numbers
        return
    except (RuntimeError, AssertionError, ValueError) as error:  # each architecture refuses in its own way
        side = "x".join(map(str, reversed(clean.shape[1:])))
        raise ScenarioError(
            f"{architecture} cannot be trained on images of {side}: {str(error).splitlines()[0].rstrip('.!')}.",
            f"Take larger images, or another architecture; {', '.join(ARCHITECTURES)} take images of any size.",
        ) from error


def image_of(shape: Sequence[int], scenario: Scenario) -> ImageSpec:
    """What the scenario's pack takes that is made from images of this shape, (channels, height, width)."""
    channels, height, width = shape
    fit = scenario.fit or "resize"
    return ImageSpec.model_validate({"channels": channels, "height": height, "width": width, "fit": fit})


def settle_plan(scenario: Scenario, clean: CleanImages, victims: Path, out: Path, *, write: bool) -> None:
    """Raise DataError if parts in ``out`` were made for another demand; keep this one beside them if ``write``.

    Parts without a plan are taken for this scenario's. Not to be written before all victims are in ``victims``: until
    then it is not asked which they are.
    """
    wanted = _streams(scenario, clean, victims)
    kept = _read(out / PLAN)
    for name, demand in wanted.items():
        before = kept.get(name, demand)
        different = [key for key in demand if before.get(key) != demand[key]]
        if different and any((out / name).glob("*.safetensors")):
            raise DataError(
                f"The examples in {out / name} were generated with other {', '.join(different)}.",
                "Delete that folder, or generate into a new one.",
            )
    if write and (merged := kept | wanted) != kept:
        make_folder(out)
        write_file(out / PLAN, json.dumps(merged, indent=1, sort_keys=True).encode())


def _streams(scenario: Scenario, clean: CleanImages, victims: Path) -> _Streams:
    """What each stream of parts is asked for, by its folder."""
    common: dict[str, Any] = {"clean images": clean.digest, "seed": scenario.seed}
    streams: _Streams = {}
    for split in SPLITS:
        examples = getattr(scenario.clean.examples, split)
        streams[f"{CLEAN}/{CLEAN}/{split}"] = common | {"examples": examples}
    for victim in scenario.victims:
        file = victims / victim.saved_as
        weights = {"victim": file_sha256(file)} if file.exists() else {}
        for attack in scenario.attacks:
            for split in SPLITS:
                streams[f"{victim.label}/{attack.key}/{split}"] = common | {
                    **weights, "batch": scenario.batch, "pool": getattr(scenario.clean.pool, split),
                    "cell": getattr(scenario.cell(victim.label, attack), split), **attack.model_dump(exclude={"cell"}),
                }  # fmt: skip
    return streams


def _read(path: Path) -> _Streams:
    try:
        streams: _Streams = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return {name: dict(demand) for name, demand in streams.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error}.", "Generate into a new folder.") from error
