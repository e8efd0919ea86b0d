"""Table 13: what each part of MTAA adds, on MNIST. Every row is a configuration of one network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from core.model.config import PAPER as MTAA
from core.model.config import NetworkConfig
from training.experiments.cells import TASKS, mtaa, subset
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.rivals import CHOICES
from training.experiments.study import Arrays, Cell, Study


def _row(backbone: str, weighted: bool, layers: bool) -> NetworkConfig:
    return NetworkConfig.model_validate(
        {
            "backbone": backbone, "uncertainty_weighted": weighted, "task_specific_layers": layers,
            "perturbation_extractor": None, "hyperparameter_head": "shared",
        }
    )  # fmt: skip


ROWS: dict[str, NetworkConfig] = {
    "ResNet18 + simple add loss": _row("resnet18", weighted=False, layers=False),
    "ResNet18 + uncertainty loss weight": _row("resnet18", weighted=True, layers=False),
    "ResNet18 + uncertainty loss weight + TSL": _row("resnet18", weighted=True, layers=True),
    "ResNet50 + uncertainty loss weight + TSL": _row("resnet50", weighted=True, layers=True),
    "ResNet50 + uncertainty loss weight + TSL + PE": MTAA,
}

PAPER: dict[str, dict[str, Any]] = {
    name: {"attack": attack, "victim": victim, "hyperparameter": rmse, "where": f"Table 13, row {row}"}
    for row, (name, (attack, victim, rmse)) in enumerate(
        zip(
            ROWS,
            [
                (98.92, 84.72, 7.88),
                (99.54, 97.84, 7.21),
                (99.79, 98.37, 7.02),
                (99.94, 99.26, 6.42),
                (100, 99.88, 6.04),
            ],
            strict=True,
        ),
        start=1,
    )
}


def cells(study: Study, seed: int) -> list[Cell]:
    return [dataclasses.replace(mtaa(study, seed, network, subset(study)), name=name) for name, network in ROWS.items()]


def table(found: Found) -> Table:
    rows = [
        [
            name, found.percent(name, "attack"), found.percent(name, "victim"), found.number(name, "hyperparameter"),
            found.number(name, "parameters_millions"), *(f"{paper[task]}" for task in TASKS),
        ]
        for name, paper in PAPER.items()
    ]  # fmt: skip
    ours = ["attack %", "victim %", "RMSE"]
    return Table(["Architecture", *ours, "M parameters", *(f"paper: {name}" for name in ours)], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    panels: dict[str, Any] = {}
    for task in TASKS:
        means = [found.mean(name, task) for name in ROWS]
        factor = 1 if task == "hyperparameter" else 100
        ours = {f"row {at}": None if m is None else factor * m for at, m in enumerate(means, start=1)}
        theirs = {f"row {at}": PAPER[name][task] for at, name in enumerate(ROWS, start=1)}
        panels[task] = {"ours": ours, "paper": theirs}
    bars(figure, panels)


ITEM = Item(
    "table13", "Table 13: what each part of MTAA adds (accuracy %, RMSE on Table 1's scale)", cells, table, draw, PAPER,
    (
        "Table 6, the auto-encoder's layers, is not in the text we hold: ours are a choice.",
        CHOICES["scratch"] + " So does the frozen one of the perturbation extractor.",
    ),
)  # fmt: skip
