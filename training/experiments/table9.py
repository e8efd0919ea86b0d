"""Table 9: 2 attacks and 3 victims beside 3 attacks and 5 victims, single-label classifiers beside MTAA, on MNIST.

[22] and the pre-experiment share a backbone and in the paper their results; they are one network here too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from core.model.config import PAPER as MTAA
from training.experiments.cells import TASKS, Combination, mtaa, single_label, subset
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.rivals import CHOICES
from training.experiments.study import Arrays, Cell, Study
from training.experiments.subset import Subset

COMBINATION: Combination = "attack-victim-hyperparameter"
ROWS: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...] | None]] = {
    "FGSM, PGD, C&W / 5 victims": (None, None),
    "FGSM, PGD / InceptionV3, ResNet18, VGG16": (("FGSM", "PGD"), ("InceptionV3", "ResNet18", "VGG16")),
    "FGSM, C&W / InceptionV3, ResNet18, VGG16": (("FGSM", "C&W"), ("InceptionV3", "ResNet18", "VGG16")),
    "FGSM, PGD / InceptionV3, ResNet50, VGG19": (("FGSM", "PGD"), ("InceptionV3", "ResNet50", "VGG19")),
    "PGD, C&W / InceptionV3, ResNet50, VGG19": (("PGD", "C&W"), ("InceptionV3", "ResNet50", "VGG19")),
}
"""What each row of the table is made of; None stands for all."""

PAPER: dict[str, dict[str, Any]] = {
    name: {"mitre": a, "resnet50": b, "attack": c, "victim": d, "hyperparameter": e, "where": f"Table 9, row {row}"}
    for row, (name, (a, b, c, d, e)) in enumerate(
        zip(
            ROWS,
            [
                (57.53, 64.15, 100, 99.88, 6.04),
                (83.74, 92.21, 100, 100, 3.72),
                (55.76, 68.33, 100, 99.96, 5.71),
                (85.54, 91.71, 100, 100, 2.06),
                (50.06, 56.62, 100, 99.96, 7.02),
            ],
            strict=True,
        ),
        start=1,
    )
}


def of_row(study: Study, name: str) -> Subset:
    attacks, victims = ROWS[name]
    return subset(study, attacks=attacks, victims=victims)


def cells(study: Study, seed: int) -> list[Cell]:
    """Three networks a row; the first row is shared with Tables 4, 7 and 13."""
    made = []
    for row, name in enumerate(ROWS, start=1):
        chosen = of_row(study, name)
        made += [
            _named(single_label(study, seed, "mitre", COMBINATION, chosen), row),
            _named(single_label(study, seed, "resnet50", COMBINATION, chosen), row),
            _named(mtaa(study, seed, MTAA, chosen), row),
        ]
    return made


def _named(cell: Cell, row: int) -> Cell:
    return dataclasses.replace(cell, name=f"row {row} {cell.name}")


def table(found: Found) -> Table:
    rows = []
    for row, (name, paper) in enumerate(PAPER.items(), start=1):
        single = [found.percent(f"row {row} {rival}-{COMBINATION}", "accuracy") for rival in ("mitre", "resnet50")]
        ours = [found.percent(f"row {row} mtaa", task) for task in TASKS[:2]]
        rmse = found.number(f"row {row} mtaa", "hyperparameter")
        theirs = [f"{paper[what]}" for what in ("mitre", "resnet50", *TASKS)]
        rows.append([name, *single, *ours, rmse, *theirs])
    ours = ["[21] %", "[22] = pre-experiment %", "MTAA attack %", "MTAA victim %", "MTAA RMSE"]
    return Table(["Attacks / victims", *ours, *(f"paper: {name}" for name in ours)], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    def of(cell: str, what: str) -> dict[str, float | None]:
        means = {row: found.mean(f"row {row} {cell}", what) for row in range(1, len(ROWS) + 1)}
        return {f"row {row}": None if mean is None else 100 * mean for row, mean in means.items()}

    singles = {
        name: of(f"{rival}-{COMBINATION}", "accuracy") for name, rival in (("[21]", "mitre"), ("[22]", "resnet50"))
    }
    bars(figure, {"accuracy (%)": singles | {"MTAA attack": of("mtaa", "attack"), "MTAA victim": of("mtaa", "victim")}})


ITEM = Item(
    "table9", "Table 9: fewer and more attacks and victims, single-label classifiers beside MTAA", cells, table, draw,
    PAPER,
    (
        CHOICES["mitre"],
        CHOICES["scratch"],
    ),
)  # fmt: skip
