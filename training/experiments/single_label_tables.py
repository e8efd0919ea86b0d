"""Tables 2 to 5 look alike: accuracy by attack and victim of one single-label classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.experiments.cells import Combination, single_label, subset
from training.experiments.draw import heat
from training.experiments.item import Found, Item, Protocol, Table, rounded
from training.experiments.rivals import CHOICES, RivalName
from training.experiments.study import Arrays, Cell, Study


def accuracy_item(
    name: str, title: str, network: RivalName, combination: Combination, paper: dict[str, Any], of: Protocol
) -> Item:
    """One classifier over the combined labels; ``paper`` has the average that the paper states, if it does."""
    cell = f"{network}-{combination}"

    def cells(study: Study, seed: int) -> list[Cell]:
        return [single_label(study, seed, network, combination, subset(study))]

    def table(found: Found) -> Table:
        return _accuracies(found, cell, f"{paper.get('average', '')}")

    def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
        _picture(figure, found, cell)

    return Item(name, title, cells, table, draw, paper, (CHOICES["scratch"],), of=of)


def _accuracies(found: Found, cell: str, average_of_paper: str) -> Table:
    """Accuracy in % by attack (rows) and victim (columns), their averages, and the paper's average."""
    attacks, victims = _labels(found, cell)
    rows = []
    for attack in attacks:
        each = [found.percent(cell, "by_attack_and_victim", attack, victim) for victim in victims]
        rows.append([attack, *each, _average(found, cell, [attack], victims), ""])
    each = [_average(found, cell, attacks, [victim]) for victim in victims]
    rows.append(["Average", *each, _average(found, cell, attacks, victims), average_of_paper])
    return Table(["Attack", *victims, "Average", "The paper's average"], rows)


def _labels(found: Found, cell: str) -> tuple[list[str], list[str]]:
    matrices = found.get(cell, "by_attack_and_victim")
    attacks = list(dict.fromkeys(attack for matrix in matrices for attack in matrix))
    victims = list(dict.fromkeys(victim for matrix in matrices for row in matrix.values() for victim in row))
    return attacks, victims


def _average(found: Found, cell: str, attacks: list[str], victims: list[str]) -> str:
    """The mean of cells, each weighing the same as in the paper, by seed."""
    matrices = found.get(cell, "by_attack_and_victim")
    return rounded(
        [100 * float(np.mean([m[a][v] for a in attacks for v in victims if v in m.get(a, {})])) for m in matrices], 2
    )


def _picture(figure: Figure, found: Found, cell: str) -> None:
    attacks, victims = _labels(found, cell)
    means = [[found.mean(cell, "by_attack_and_victim", a, v) for v in victims] for a in attacks]
    heat(figure, [[None if m is None else 100 * m for m in row] for row in means], attacks, victims)
