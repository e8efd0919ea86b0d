"""Tables 9 and 10 look alike: fewer and more attacks and victims, single-label classifiers beside MTAA."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from core.model.config import NetworkConfig
from training.experiments.cells import TASKS, Combination, mtaa, single_label, subset
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Protocol, Table
from training.experiments.rivals import CHOICES, RivalName
from training.experiments.study import Arrays, Cell, Study

COMBINATION: Combination = "attack-victim-hyperparameter"
ROWS: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...] | None]] = {
    "FGSM, PGD, C&W / 5 victims": (None, None),
    "FGSM, PGD / InceptionV3, ResNet18, VGG16": (("FGSM", "PGD"), ("InceptionV3", "ResNet18", "VGG16")),
    "FGSM, C&W / InceptionV3, ResNet18, VGG16": (("FGSM", "C&W"), ("InceptionV3", "ResNet18", "VGG16")),
    "FGSM, PGD / InceptionV3, ResNet50, VGG19": (("FGSM", "PGD"), ("InceptionV3", "ResNet50", "VGG19")),
    "PGD, C&W / InceptionV3, ResNet50, VGG19": (("PGD", "C&W"), ("InceptionV3", "ResNet50", "VGG19")),
}
"""What each row is made of; None stands for all."""


def figures_of(
    table: str, columns: Sequence[str], figures: Sequence[Sequence[float]]
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """The paper's, by row."""
    return {
        name: {**dict(zip(columns, row, strict=True)), "where": f"{table}, row {at}"}
        for at, (name, row) in enumerate(zip(ROWS, figures, strict=False), start=1)
    }


def scenario_item(
    name: str, title: str, network: NetworkConfig, singles: Mapping[RivalName, str],
    paper: Mapping[str, Mapping[str, Any]], of: Protocol,
) -> Item:  # fmt: skip
    """singles: what the single-label classifiers are called."""

    def cells(study: Study, seed: int) -> list[Cell]:
        made = []
        for row, (attacks, victims) in enumerate(ROWS.values(), start=1):
            chosen = subset(study, attacks=attacks, victims=victims)
            own = [single_label(study, seed, rival, COMBINATION, chosen) for rival in singles]
            made += [_named(cell, row) for cell in (*own, mtaa(study, seed, network, chosen))]
        return made

    def table(found: Found) -> Table:
        rows = []
        for row, made_of in enumerate(ROWS, start=1):
            single = [found.percent(f"row {row} {rival}-{COMBINATION}", "accuracy") for rival in singles]
            ours = [found.percent(f"row {row} mtaa", task) for task in TASKS[:2]]
            rmse = found.number(f"row {row} mtaa", "hyperparameter")
            theirs = [f"{paper.get(made_of, {}).get(what, '')}" for what in (*singles, *TASKS)]
            rows.append([made_of, *single, *ours, rmse, *theirs])
        own = [*(f"{called} %" for called in singles.values()), "MTAA attack %", "MTAA victim %", "MTAA RMSE"]
        return Table(["Attacks / victims", *own, *(f"paper: {heading}" for heading in own)], rows)

    def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
        def of_cell(cell: str, what: str) -> dict[str, float | None]:
            means = {row: found.mean(f"row {row} {cell}", what) for row in range(1, len(ROWS) + 1)}
            return {f"row {row}": None if mean is None else 100 * mean for row, mean in means.items()}

        alone = {called: of_cell(f"{rival}-{COMBINATION}", "accuracy") for rival, called in singles.items()}
        both = {"MTAA attack": of_cell("mtaa", "attack"), "MTAA victim": of_cell("mtaa", "victim")}
        bars(figure, {"accuracy (%)": alone | both})

    return Item(name, title, cells, table, draw, paper, (CHOICES["mitre"], CHOICES["scratch"]), of=of)


def _named(cell: Cell, row: int) -> Cell:
    return dataclasses.replace(cell, name=f"row {row} {cell.name}")
