"""A pack that an attack and a victim are added to: fine-tuned with few examples of what it knows, or from scratch.

The scenario's last attack and last victim are the new ones. "Old" test examples are those whose labels the pack knows;
the others have a new attack, a new victim or both.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.errors import ScenarioError
from core.labels import CLEAN
from training.experiments.cells import every_entry, measured, pack, predictions_of
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import Subset, labels_of
from training.export import let_read
from training.lasting import still_fools
from training.plan import image_of
from training.scenario import Scenario, TrainingSpec
from training.shards import Examples
from training.trainer import Trainer, answer

FINE_TUNED = 1 / 2
"""Of the epochs that training from scratch has."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the grown pack. replay: of an old cell's training examples, and of the clean ones, so many are seen.

    start: with the pack's weights, not with random ones.
    """

    name: str
    replay: float
    start: bool


WAYS = (
    Way("from scratch", 1, start=False),
    Way("from scratch, a quarter of the old", 1 / 4, start=False),
    Way("fine-tuned, a quarter of the old", 1 / 4, start=True),
    Way("fine-tuned, half of the old", 1 / 2, start=True),
)
BEFORE = "the pack, before"
GROUPS = ("old", "new")
_ENDS = ("minimum", "maximum")


def cells(study: Study, seed: int) -> list[Cell]:
    old = old_labels(study.scenario)
    every = every_entry(study)
    before = pack(study, seed, Subset(every.per_cell, every.clean, *old, paper=False), _name(study))
    first = Cell(BEFORE, before.what, before.settings, before.compute)
    return [first, *(_grown(study, seed, way, every) for way in WAYS)]


def _name(study: Study) -> str:
    """Of the pack that is grown: another for other examples or epochs, which may lie in the same folder."""
    return f"growth-{study.per_cell}x{study.epochs_of(study.scenario.training.epochs)}"


def old_labels(scenario: Scenario) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The attacks and the victims that the pack knows beforehand, without "clean"."""
    attacks = [name for name in scenario.attack_names if name != CLEAN]
    victims = [victim.label for victim in scenario.victims]
    if len(attacks) < 2 or len(victims) < 2:
        raise ScenarioError("To grow a pack takes two attacks and two victims.", "Give another --scenario.")
    return tuple(attacks[:-1]), tuple(victims[:-1])


def training_of(study: Study, way: Way, start: Path) -> TrainingSpec:
    own = study.scenario.training
    epochs = study.epochs_of(own.epochs)
    if not way.start:
        return own.model_copy(update={"epochs": epochs})
    return own.model_copy(update={"epochs": max(1, round(epochs * FINE_TUNED)), "start": str(start)})


def _grown(study: Study, seed: int, way: Way, every: Subset) -> Cell:
    path = study.out / "packs" / f"{_name(study)}-seed{seed}.mtaapack"
    spec = training_of(study, way, path)

    def compute(folder: Path) -> Result:
        scenario = study.scenario.model_copy(update={"training": spec, "seed": seed})
        labels, train, test = labels_of(scenario, every), study.examples("train", every), study.examples("test")
        train = replayed(train, old_rows(scenario, train), way.replay)
        image = image_of(train.adversarial.shape[1:], scenario)
        fools = still_fools(scenario, study.victims, study.device)
        trainer = Trainer(scenario, labels, image, train, folder, study.device, fools=fools)
        begun = time.monotonic()
        trainer.run(tell=study.tell)
        seconds = time.monotonic() - begun
        labels, _ = let_read(trainer.network, labels, study.examples("calibration", every), study.device)
        answers = answer(trainer.network, torch.from_numpy(test.adversarial), study.device)
        told = answers.hyperparameter.clamp(*(torch.tensor([getattr(a, end) for a in labels]) for end in _ENDS))
        answers = replace(answers, hyperparameter=told)  # as the pack before tells it
        known = old_rows(scenario, test)
        figures: dict[str, Any] = {
            group: measured(answers.at(torch.from_numpy(rows)), scenario, labels, test.at(rows))
            for group, rows in zip(GROUPS, (np.flatnonzero(known), np.flatnonzero(~known)), strict=True)
        }
        figures |= {"examples": len(train), "epochs": spec.epochs, "training_seconds": round(seconds, 1)}
        return Result(figures, predictions_of(answers, test) | {"old": known.astype(np.uint8)})

    settings = {
        "seed": seed, "way": asdict(way), "training": spec.model_dump(exclude={"start"}),
        "network": study.scenario.network.model_dump(), "per_cell": every.per_cell, "clean": every.clean,
        "data": study.fingerprint,
    }  # fmt: skip
    return Cell(way.name, "growth", settings, compute)


def old_rows(scenario: Scenario, examples: Examples) -> NDArray[np.bool_]:
    """Which examples have labels that the pack knows beforehand, [N]."""
    attacks, victims = old_labels(scenario)
    at_attack = [scenario.attack_names.index(name) for name in attacks]
    at_victim = [scenario.victim_names.index(name) for name in victims]
    known: NDArray[np.bool_] = np.isin(examples.attack, at_attack) & np.isin(examples.victim, at_victim)
    return known | (examples.entry < 0)


def replayed(examples: Examples, old: NDArray[np.bool_], share: float) -> Examples:
    """All new examples, and that share of every old cell and of the clean images, the first of them."""
    keys = list(
        zip(examples.victim.tolist(), examples.entry.tolist(), examples.hyperparameter.tolist(), strict=True)
    )  # fmt: skip
    sizes, taken = Counter(keys), Counter[tuple[int, int, float]]()
    kept = []
    for row, key in enumerate(keys):
        taken[key] += 1
        if not old[row] or taken[key] <= max(1, round(sizes[key] * share)):
            kept.append(row)
    return examples.at(np.asarray(kept))


def table(found: Found) -> Table:
    rows = [[
        BEFORE, found.number(BEFORE, "train", "examples", digits=0), "", "", found.percent(BEFORE, "attack"),
        found.percent(BEFORE, "victim"), found.number(BEFORE, "hyperparameter"), "", "", "",
    ]]  # fmt: skip
    for way in WAYS:
        of = [found.number(way.name, name, digits=0) for name in ("examples", "epochs", "training_seconds")]
        for group in GROUPS:
            of += [found.percent(way.name, group, task) for task in ("attack", "victim")]
            of.append(found.number(way.name, group, "hyperparameter"))
        rows.append([way.name, *of])
    headings = ["", "training examples", "epochs", "seconds of training"]
    told = [f"{group}: {what}" for group in GROUPS for what in ("attack %", "victim %", "RMSE")]
    return Table([*headings, *told], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    panels: dict[str, Any] = {
        f"{task} named": {way.name: {group: found.mean(way.name, group, task) for group in GROUPS} for way in WAYS}
        for task in ("attack", "victim")
    }
    bars(figure, panels)


ITEM = Item(
    "growth", "Growing a pack: an attack and a victim added by fine-tuning with replay, beside training from scratch",
    cells, table, draw,
    choices=(
        "The scenario's last attack and last victim are new; test examples with either are the new ones.",
        "Fine-tuning begins with the pack's weights and sees every new training example and a share of the old ones, "
        "for half the epochs, at the same learning rate.",
        "RMSE on Table 1's scale; before, the pack is judged on the old examples among its own labels.",
    ),
)  # fmt: skip
