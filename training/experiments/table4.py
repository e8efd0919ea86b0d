"""Table 4: attack, victim and hyperparameter as one of 300 labels, by ResNet50, on MNIST (Section 3.2).

Its cells are averages over the 20 values of one attack and victim. The text that we hold has lost them; the average is
the first row of Table 9, which is the same experiment.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from training.experiments.cells import single_label, subset
from training.experiments.item import Found, Item, Table
from training.experiments.rivals import CHOICES
from training.experiments.single_label_tables import accuracy_picture, accuracy_table
from training.experiments.study import Arrays, Cell, Study

CELL = "resnet50-attack-victim-hyperparameter"
PAPER = {"average": 64.15, "where": "Table 9, first row, pre-experiment"}


def cells(study: Study, seed: int) -> list[Cell]:
    return [single_label(study, seed, "resnet50", "attack-victim-hyperparameter", subset(study))]


def table(found: Found) -> Table:
    return accuracy_table(found, CELL, f"{PAPER['average']}")


def draw(figure: Figure, found: Found, arrays: Mapping[str, Arrays]) -> None:
    accuracy_picture(figure, found, CELL, arrays)


ITEM = Item(
    "table4", "Table 4: accuracy (%) over attack x victim x hyperparameter as one label, ResNet50", cells, table, draw,
    PAPER, (CHOICES["scratch"],),
)  # fmt: skip
