"""Table 2: attack and victim as one of 15 labels, by ResNet50, on MNIST (Section 3.2).

The text of the paper that we hold has the table's average but not its cells: of the two 15-cell tables (2 and 4's
neighbours) it prints one, whose averages fit neither of the two that the text states.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from training.experiments.cells import single_label, subset
from training.experiments.item import Found, Item, Table
from training.experiments.rivals import CHOICES
from training.experiments.single_label_tables import accuracy_picture, accuracy_table
from training.experiments.study import Arrays, Cell, Study

CELL = "resnet50-attack-victim"
PAPER = {"average": 99.67, "where": "Section 3.2, on Table 2"}


def cells(study: Study, seed: int) -> list[Cell]:
    return [single_label(study, seed, "resnet50", "attack-victim", subset(study))]


def table(found: Found) -> Table:
    return accuracy_table(found, CELL, f"{PAPER['average']}")


def draw(figure: Figure, found: Found, arrays: Mapping[str, Arrays]) -> None:
    accuracy_picture(figure, found, CELL, arrays)


ITEM = Item(
    "table2", "Table 2: accuracy (%) over attack x victim as one label, ResNet50", cells, table, draw, PAPER,
    (CHOICES["scratch"],),
)  # fmt: skip
