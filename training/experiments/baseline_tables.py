"""Tables 7, 8, 11 and 12 look alike: MTAA beside networks that are trained for one of its tasks alone.

Tables 11 and 12 have "clean" as one more attack and one more victim, with a hyperparameter of 0 (Section 4.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from core.labels import CLEAN
from core.model.config import NetworkConfig
from training.experiments.cells import TASKS, mtaa, rival, subset
from training.experiments.delta import delta_mtl
from training.experiments.draw import bars
from training.experiments.item import NOT_RUN, Found, Item, Protocol, Table, rounded
from training.experiments.rivals import RivalName
from training.experiments.study import Arrays, Cell, Study

Figures = Mapping[str, Mapping[str, Any]]
"""The paper's by row: "attack" and "victim" in % and "hyperparameter", as far as they are known, and "where"."""


def baseline_item(
    name: str, title: str, network: NetworkConfig, names: Mapping[str, str], paper: Figures, choices: Sequence[str],
    of: Protocol, *, clean: bool = False,
) -> Item:  # fmt: skip
    """names: of the rows, by the rival that each is; the last is "mtaa", which is ``network``.

    clean: whether clean images are among the examples, as many as one victim has of one attack.
    """
    rivals: list[RivalName] = [row for row in names if row != "mtaa"]  # type: ignore[misc]

    def cells(study: Study, seed: int) -> list[Cell]:
        values = max(len(spec.grid.values) for spec in study.scenario.attacks)
        chosen = subset(study, clean=study.per_cell * values if clean else 0)
        return [
            mtaa(study, seed, network, chosen),
            *(rival(study, seed, r, task, chosen) for r in rivals for task in TASKS),
        ]

    def table(found: Found) -> Table:
        own = ["attack %", "victim %", "RMSE"]
        headings = ["Network", "GMAC", "M parameters", *own, *(["clean called clean %"] if clean else []), _DELTA]
        theirs = [*own, _DELTA] if paper else []
        rows = [_row(found, row, title, paper, clean=clean) for row, title in names.items()]
        return Table([*headings, *(f"paper: {heading}" for heading in theirs)], rows)

    def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
        panels: dict[str, dict[str, dict[str, float | None]]] = {}
        for task in TASKS:
            ours = {row: float(np.mean(v)) if (v := percent_of(found, row, task)) else None for row in names}
            panels[task] = {"ours": ours}
            if any(task in figures for figures in paper.values()):
                panels[task]["paper"] = {row: paper.get(row, {}).get(task) for row in names}
        bars(figure, panels)

    return Item(name, title, cells, table, draw, paper, choices, of=of)


_DELTA = "MTAA's Delta_MTL over it %"


def _row(found: Found, row: str, title: str, paper: Figures, *, clean: bool) -> list[str]:
    first = row if row == "mtaa" else f"{row}-attack"
    costs = [found.number(first, what) for what in ("gigamacs", "parameters_millions")]
    if row != "mtaa":
        costs = [f"3 x {cost}" if cost != NOT_RUN else cost for cost in costs]
    ours = [rounded(percent_of(found, row, task), 2) for task in TASKS]
    if clean:
        ours.append(found.percent("mtaa", "by_attack", CLEAN, "attack") if row == "mtaa" else "")
    ours.append(rounded(deltas(found, row), 2) if row != "mtaa" else "")
    if not paper:
        return [title, *costs, *ours]
    known = paper.get(row, {})
    whole = row != "mtaa" and all(task in known for task in TASKS)
    delta = f"{100 * delta_mtl(paper['mtaa'], known):.2f}" if whole else ""
    return [title, *costs, *ours, *(f"{known.get(task, '')}" for task in TASKS), delta]


def figure_of(found: Found, row: str, task: str) -> list[float]:
    """One figure of a row, by seed: a row of single-task networks has a cell for each task."""
    return found.get(row if row == "mtaa" else f"{row}-{task}", task)


def deltas(found: Found, baseline: str) -> list[float]:
    """Delta_MTL of MTAA over a baseline in %, one for each seed that has all that it takes."""
    found_deltas = []
    for seed, cells in found.runs.items():
        own = Found({seed: cells})
        ours, theirs = ({task: figure_of(own, row, task) for task in TASKS} for row in ("mtaa", baseline))
        if all(ours.values()) and all(theirs.values()):
            delta = delta_mtl({t: v[0] for t, v in ours.items()}, {t: v[0] for t, v in theirs.items()})
            found_deltas.append(100 * delta)
    return found_deltas


def percent_of(found: Found, row: str, task: str) -> list[float]:
    """As :func:`figure_of`, accuracies in %."""
    return [value if task == "hyperparameter" else 100 * value for value in figure_of(found, row, task)]
