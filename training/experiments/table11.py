"""Table 11: false alarms. "clean" is one more attack and one more victim, with a hyperparameter of 0 (Section 4.4).

The text of the paper that we hold has lost this table's figures (it has those of Table 12, on ImageNet).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from core.labels import CLEAN
from core.model.config import PAPER as MTAA
from training.experiments.cells import TASKS, mtaa, rival, subset
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table, rounded
from training.experiments.rivals import CHOICES
from training.experiments.study import Arrays, Cell, Study
from training.experiments.table7 import deltas, percent_of

NAMES = {"resnet50-mlp": "single task, ResNet50 + MLP", "mtaa": "MTAA, ResNet50"}


def cells(study: Study, seed: int) -> list[Cell]:
    values = max(len(spec.grid.values) for spec in study.scenario.attacks)
    chosen = subset(study, clean=study.per_cell * values)
    return [mtaa(study, seed, MTAA, chosen), *(rival(study, seed, "resnet50-mlp", task, chosen) for task in TASKS)]


def table(found: Found) -> Table:
    rows = []
    for row, name in NAMES.items():
        ours = [rounded(percent_of(found, row, task), 2) for task in TASKS]
        clean = found.percent("mtaa", "by_attack", CLEAN, "attack") if row == "mtaa" else ""
        delta = rounded(deltas(found, row), 2) if row != "mtaa" else ""
        rows.append([name, *ours, clean, delta])
    headings = ["Network", "attack %", "victim %", "RMSE", "clean called clean %", "MTAA's Delta_MTL over it %"]
    return Table(headings, rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    panels: dict[str, Any] = {}
    for task in TASKS:
        values = {row: percent_of(found, row, task) for row in NAMES}
        panels[task] = {"ours": {row: float(np.mean(own)) if own else None for row, own in values.items()}}
    bars(figure, panels)


ITEM = Item(
    "table11", "Table 11: false alarms, with clean images among the examples", cells, table, draw,
    choices=(
        "As many clean images as one victim has examples of one attack; the paper does not say how many.",
        CHOICES["scratch"],
    ),
)  # fmt: skip
