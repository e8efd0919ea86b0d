"""How the scenario's own network fares with more examples a cell: what the next step should be.

Every point is a pack: trained for the same number of epochs, so on as many more steps as it has more examples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from training.experiments.cells import TASKS, pack
from training.experiments.draw import curves
from training.experiments.item import Found, Item, Table
from training.experiments.study import Arrays, Cell, Study
from training.experiments.subset import Subset

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the examples a cell that the scale asks for."""


def cells(study: Study, seed: int) -> list[Cell]:
    made = []
    for count in sorted({max(1, round(study.per_cell * share)) for share in SHARES}):
        clean = round(study.scenario.clean.examples.train * count / study.per_cell) if study.scenario.has_clean else 0
        chosen = Subset(count, max(1, clean) if study.scenario.has_clean else 0, paper=False)
        name = f"{count} a cell"
        made.append(dataclasses.replace(pack(study, seed, chosen, f"learning-curve-{count}"), name=name))
    return made


def counts(found: Found) -> list[str]:
    names = set(found.names)
    return sorted(names, key=lambda name: int(name.split()[0]))


def table(found: Found) -> Table:
    rows = []
    for name in counts(found):
        by_attack: dict[str, Any] = next(iter(found.get(name, "by_attack")), {})
        each = [
            f"{attack}: {found.percent(name, 'by_attack', attack, 'victim')}, "
            f"{found.number(name, 'by_attack', attack, 'hyperparameter')}"
            for attack in by_attack
        ]
        whole = [found.percent(name, "attack"), found.percent(name, "victim"), found.number(name, "hyperparameter")]
        trained = found.number(name, "train", "examples", digits=0)
        rows.append([name, found.number(name, "train", "mean", digits=1), trained, *whole, "; ".join(each)])
    headings = ["Examples asked for", "found, mean", "training examples", "attack %", "victim %", "RMSE"]
    return Table([*headings, "victim % and RMSE by attack"], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    panels: dict[str, Any] = {}
    for task in TASKS:
        points = [(found.mean(name, "train", "mean"), found.mean(name, task)) for name in counts(found)]
        own = [(x, y) for x, y in points if x is not None and y is not None]
        panels[task] = {"test": ([x for x, _ in own], [y for _, y in own])}
    curves(figure, panels, "examples a cell")


ITEM = Item(
    "learning-curve", "Learning curve: accuracy and RMSE on test over the examples a cell", cells, table, draw,
    choices=("RMSE on Table 1's scale.", "The same number of epochs at every point."),
)  # fmt: skip
