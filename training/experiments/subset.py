"""A part of a scenario's examples: some attacks and victims, with or without "clean", so many a cell.

The paper's tables have neither the class "clean" (but for Tables 11 and 12) nor several toolboxes under one label, and
its hyperparameters are on the scales of Table 1's grids. So the tables take the first entry of every attack, and move
each attack's range onto Table 1's: an error in kappa then weighs what it does in the paper, in training as in the RMSE.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ScenarioError
from core.manifest import AttackLabel
from core.types import FloatArray
from training.metrics import TABLE1_WIDTH
from training.plan import attack_labels
from training.scenario import Scenario
from training.shards import Examples

TABLE1_FIRST = {"epsilon": 10.0, "kappa": 5.0}
"""Where Table 1's grids begin; their widths are ``TABLE1_WIDTH``."""


@dataclass(frozen=True, slots=True)
class Subset:
    """Which examples. attacks, victims: labels, None for all. per_cell: at most so many of a cell.

    clean: so many clean images are one more class, none for 0.
    paper: the first entry of each attack alone and Table 1's scales; otherwise every entry in its own units.
    """

    per_cell: int
    clean: int = 0
    attacks: tuple[str, ...] | None = None
    victims: tuple[str, ...] | None = None
    paper: bool = True


def narrow(scenario: Scenario, subset: Subset) -> Scenario:
    """The scenario of the subset's labels and entries. Raises ScenarioError for labels that it does not have."""
    known = {a.name for a in scenario.attacks} | {v.label for v in scenario.victims}
    if missing := sorted({*(subset.attacks or ()), *(subset.victims or ())} - known):
        raise ScenarioError(
            f"{scenario.name} has no {', '.join(missing)}.", "Give a scenario that has the paper's attacks and victims."
        )
    if subset.clean and not scenario.has_clean:
        raise ScenarioError(f"{scenario.name} has no clean examples.", "Raise clean.examples in the scenario.")
    seen: set[str] = set()
    attacks = []
    for spec in scenario.attacks:
        if (subset.attacks is None or spec.name in subset.attacks) and not (subset.paper and spec.name in seen):
            attacks.append(spec.model_dump())
            seen.add(spec.name)
    victims = [v.model_dump() for v in scenario.victims if subset.victims is None or v.label in subset.victims]
    content = scenario.model_dump() | {"attacks": attacks, "victims": victims}
    if not subset.clean:
        content["clean"] = content["clean"] | {"examples": {"train": 0, "calibration": 0, "test": 0}}
    return Scenario.model_validate(content)


def select(scenario: Scenario, examples: Examples, subset: Subset) -> Examples:
    """The subset's examples with the labels of ``narrow(scenario, subset)``, in the order they had."""
    narrowed = narrow(scenario, subset)
    keys = [spec.key for spec in narrowed.attacks]
    entry = np.asarray([keys.index(s.key) if s.key in keys else -2 for s in scenario.attacks] + [-1])[examples.entry]
    attack = _renumbered(scenario.attack_names, narrowed.attack_names)[examples.attack]
    victim = _renumbered(scenario.victim_names, narrowed.victim_names)[examples.victim]
    wanted = (entry >= -1) & (attack >= 0) & (victim >= 0)
    kept = _capped(wanted, examples, subset)
    value = examples.hyperparameter
    if subset.paper:
        value = on_table1(value, attack, attack_labels(narrowed))
    new = dataclasses.replace(examples, attack=attack, victim=victim, entry=entry, hyperparameter=value)
    return new.at(kept)


def labels_of(scenario: Scenario, subset: Subset) -> list[AttackLabel]:
    """The attack labels of the subset with the ranges its values have."""
    labels = attack_labels(narrow(scenario, subset))
    if not subset.paper:
        return labels
    moved = []
    for label in labels:
        first, width = table1_range(label)
        moved.append(
            label.model_copy(update={"minimum": first, "maximum": first + width}) if label.width > 0 else label
        )
    return moved


def table1_range(label: AttackLabel) -> tuple[float, float]:
    """Where Table 1's grid of a label's hyperparameter begins and how wide it is; kappa's for what Table 1 has not."""
    kind = label.hyperparameter if label.hyperparameter in TABLE1_WIDTH else "kappa"
    return TABLE1_FIRST[kind], TABLE1_WIDTH[kind]


def on_table1(value: NDArray[np.float32], attack: NDArray[np.int64], labels: list[AttackLabel]) -> NDArray[np.float32]:
    """Values [N] of label units moved to Table 1's range of their attack; those of a grid of one stay."""
    moved = value.astype(np.float64)
    for index, label in enumerate(labels):
        if label.width > 0:
            first, width = table1_range(label)
            own = attack == index
            moved[own] = first + width * (value[own].astype(np.float64) - label.minimum) / label.width
    return moved.astype(np.float32)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``count`` positions, spread over all, ascending."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def unit(images: NDArray[np.uint8]) -> FloatArray:
    """uint8 of any shape -> float32 in [0, 1]."""
    scaled: FloatArray = images.astype(np.float32) / np.float32(255)
    return scaled


def _renumbered(old: list[str], new: list[str]) -> NDArray[np.int64]:
    return np.asarray([new.index(name) if name in new else -1 for name in old])


def _capped(wanted: NDArray[np.bool_], examples: Examples, subset: Subset) -> NDArray[np.bool_]:
    """The first ``per_cell`` of every (victim, entry, value), and the first ``clean`` clean images."""
    taken: Counter[tuple[int, int, float]] = Counter()
    kept = wanted.copy()
    cells = zip(examples.victim.tolist(), examples.entry.tolist(), examples.hyperparameter.tolist(), strict=True)
    for row, cell in enumerate(cells):
        if wanted[row]:
            taken[cell] += 1
            kept[row] = taken[cell] <= (subset.per_cell if cell[1] >= 0 else subset.clean)
    return kept


def cell_counts(examples: Examples) -> dict[str, float]:
    """How many examples there are, and the fewest, the mean and the most of an attacked cell."""
    attacked = examples.entry >= 0
    columns = (examples.victim[attacked], examples.entry[attacked], examples.hyperparameter[attacked])
    _, counts = np.unique(np.stack([c.astype(np.float64) for c in columns]), axis=1, return_counts=True)
    return {
        "examples": len(examples),
        "clean": int((~attacked).sum()),
        "cells": len(counts),
        "fewest": int(counts.min()),
        "mean": float(counts.mean()),
        "most": int(counts.max()),
    }
