"""The scenario's own network over several trainings, by the image alone, beside the paper's figures.

A seed with which the pack under test was trained on these very examples is not trained again: its own results stand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from core.labels import CLEAN
from core.types import DEFAULT_COVERAGE
from training.experiments.cells import TASKS, counted, every_entry, of_pack, own_scenario, pack
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table, rounded
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.table7 import PAPER
from training.export import as_told

MODEL = "default model"
_NAMES = {"attack": "attack %", "victim": "victim %", "hyperparameter": "RMSE"}
_SETS = {"attack": "sets of attacks", "victim": "sets of victims", "hyperparameter": "intervals"}


def cells(study: Study, seed: int) -> list[Cell]:
    chosen, manifest = every_entry(study), study.pack.manifest
    told = as_told(own_scenario(study, seed, chosen), None)
    if manifest.scenario != told or manifest.data_fingerprint != study.fingerprint:
        return [dataclasses.replace(pack(study, seed, chosen, "default"), name=MODEL)]

    def compute(_: Path) -> Result:
        counts = counted(study.examples("train", chosen), study.examples("test"))
        return Result(of_pack(manifest.results) | counts | {"pack": manifest.pack_id})

    return [Cell(MODEL, "shipped", {"pack": manifest.pack_id, "data": study.fingerprint}, compute)]


def table(found: Found) -> Table:
    rows = [
        *_tasks(found, "with clean images"),
        *_tasks(found, "attacked images", "without_clean", paper=PAPER["mtaa"]),
        _row(found, "clean called clean %", "by_attack", CLEAN, "attack", times=100),
    ]
    for name in _attacks(found):
        rows += _tasks(found, name, "by_attack", name)
        rows.append(_row(found, f"R2, {name}", "by_attack", name, "r2", digits=4))
    rows += [_row(found, f"ECE of the {task} %", "ece", task, times=100) for task in ("attack", "victim")]
    sure = f"{DEFAULT_COVERAGE:.0%}"
    rows += [_row(found, f"{sure} {sets} hold it %", "held", task, times=100) for task, sets in _SETS.items()]
    rows.append(_row(found, "AUROC, attacked from clean", "detection", digits=4))
    return Table(["By the image alone", "mean", *_by_seed(found), "paper"], rows)


def _attacks(found: Found) -> list[str]:
    by_attack: dict[str, Any] = next(iter(found.get(MODEL, "by_attack")), {})
    return [name for name in by_attack if name != CLEAN]


def _tasks(found: Found, of: str, *path: str, paper: Mapping[str, Any] | None = None) -> list[list[str]]:
    return [
        _row(found, f"{_NAMES[task]}, {of}", *path, task, times=1 if task == "hyperparameter" else 100,
             paper=str(paper[task]) if paper else "")
        for task in TASKS
    ]  # fmt: skip


def _row(found: Found, heading: str, *path: str, times: float = 1, digits: int = 2, paper: str = "") -> list[str]:
    """A figure's mean with its spread over the seeds, and every seed's own."""
    values = [times * value for value in found.get(MODEL, *path)]
    own = [rounded([times * value for value in one.get(MODEL, *path)], digits) for one in _by_seed(found).values()]
    return [heading, rounded(values, digits), *own, paper]


def _by_seed(found: Found) -> dict[str, Found]:
    return {f"seed {seed}": Found({seed: cells}) for seed, cells in found.runs.items()}


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    panels: dict[str, Any] = {
        f"{_NAMES[task]}, by attack": {
            seed: {name: one.mean(MODEL, "by_attack", name, task) for name in _attacks(found)}
            for seed, one in _by_seed(found).items()
        }
        for task in ("victim", "hyperparameter")
    }
    bars(figure, panels)


ITEM = Item(
    "default", "The default model over several trainings, by the image alone", cells, table, draw,
    {"mtaa": PAPER["mtaa"]},
    (
        "All attack entries, cleverhans's C&W too, in their own units; RMSE on Table 1's scale, R2 in own units.",
        "Victims and examples are those of one seed; the seeds are those of the training.",
        "A seed with which the pack under test was trained on these examples has that pack's own results.",
        "The paper's figures are without clean images, on its own kappas, and as far as it says on float images.",
    ),
    of_pack=True,
)  # fmt: skip
