"""Tables 13 and 14 look alike: what each part of MTAA adds. Every row is a configuration of one network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from core.model.config import BackboneName, NetworkConfig
from training.experiments.cells import TASKS, mtaa, subset
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Protocol, Table
from training.experiments.rivals import CHOICES
from training.experiments.study import Arrays, Cell, Study


def rows_of(small: BackboneName, large: BackboneName, whole: NetworkConfig) -> dict[str, NetworkConfig]:
    """The five rows: all but the last two have the small backbone, and all but the last no perturbation extractor."""
    names = {name: f"ResNet{name.removeprefix('resnet')}" for name in (small, large)}
    return {
        f"{names[small]} + simple add loss": _without_extractor(small, weighted=False, layers=False),
        f"{names[small]} + uncertainty loss weight": _without_extractor(small, weighted=True, layers=False),
        f"{names[small]} + uncertainty loss weight + TSL": _without_extractor(small, weighted=True, layers=True),
        f"{names[large]} + uncertainty loss weight + TSL": _without_extractor(large, weighted=True, layers=True),
        f"{names[large]} + uncertainty loss weight + TSL + PE": whole,
    }


def _without_extractor(backbone: BackboneName, *, weighted: bool, layers: bool) -> NetworkConfig:
    return NetworkConfig(
        backbone=backbone, uncertainty_weighted=weighted, task_specific_layers=layers, perturbation_extractor=None,
        hyperparameter_head="shared",
    )  # fmt: skip


def figures_of(
    table: str, rows: Mapping[str, NetworkConfig], figures: Sequence[tuple[float, float, float]]
) -> dict[str, dict[str, Any]]:
    """The paper's, by row."""
    return {
        name: {"attack": attack, "victim": victim, "hyperparameter": rmse, "where": f"{table}, row {row}"}
        for row, (name, (attack, victim, rmse)) in enumerate(zip(rows, figures, strict=True), start=1)
    }


def ablation_item(
    name: str, title: str, rows: Mapping[str, NetworkConfig], paper: Mapping[str, Mapping[str, Any]], of: Protocol
) -> Item:
    def cells(study: Study, seed: int) -> list[Cell]:
        return [
            dataclasses.replace(mtaa(study, seed, network, subset(study)), name=row) for row, network in rows.items()
        ]

    def table(found: Found) -> Table:
        lines = [
            [
                row, found.percent(row, "attack"), found.percent(row, "victim"), found.number(row, "hyperparameter"),
                found.number(row, "parameters_millions"), *(f"{figures[task]}" for task in TASKS),
            ]
            for row, figures in paper.items()
        ]  # fmt: skip
        ours = ["attack %", "victim %", "RMSE"]
        return Table(["Architecture", *ours, "M parameters", *(f"paper: {heading}" for heading in ours)], lines)

    def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
        panels: dict[str, Any] = {}
        for task in TASKS:
            means = [found.mean(row, task) for row in rows]
            factor = 1 if task == "hyperparameter" else 100
            ours = {f"row {at}": None if m is None else factor * m for at, m in enumerate(means, start=1)}
            theirs = {f"row {at}": paper[row][task] for at, row in enumerate(rows, start=1)}
            panels[task] = {"ours": ours, "paper": theirs}
        bars(figure, panels)

    choices = (
        "Table 6, the auto-encoder's layers, is not in the text we hold: ours are a choice.",
        CHOICES["scratch"] + " So does the frozen one of the perturbation extractor.",
    )
    return Item(name, title, cells, table, draw, paper, choices, of=of)
