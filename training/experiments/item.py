"""What every item goes through: its cells one after the other, a JSON file after each, a table and a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from core.errors import DataError
from core.files import make_folder, replacing, write_file
from core.versions import versions
from training.experiments.study import Arrays, Cell, Study

SCHEMA = 1
NOT_RUN = "not run"
Protocol = Literal["mnist", "photographs", ""]
"""Which of the paper's two data sets an item is of; empty for one of either."""


class Found:
    """The figures of an item's cells over all its seeds: {seed: {cell: figures}}."""

    def __init__(self, runs: Mapping[str, Mapping[str, Any]]) -> None:
        self.runs = runs

    @property
    def names(self) -> list[str]:
        """Of the cells that any seed has, in their order."""
        return list(dict.fromkeys(name for cells in self.runs.values() for name in cells))

    def get(self, cell: str, *path: str) -> list[Any]:
        """What the cells of that name have at ``path``, one entry for each seed that has it."""
        values = []
        for cells in self.runs.values():
            value: Any = cells.get(cell)
            for step in path:
                value = value.get(step) if isinstance(value, Mapping) else None
            if value is not None:
                values.append(value)
        return values

    def mean(self, cell: str, *path: str) -> float | None:
        """Over the seeds; None where no cell has it."""
        values = self.get(cell, *path)
        return float(np.mean(values)) if values else None

    def percent(self, cell: str, *path: str) -> str:
        return rounded([100 * value for value in self.get(cell, *path)], 2)

    def number(self, cell: str, *path: str, digits: int = 2) -> str:
        return rounded(self.get(cell, *path), digits)


def rounded(values: Sequence[float], digits: int) -> str:
    """The mean with the standard deviation over the seeds, where there are several."""
    if not values:
        return NOT_RUN
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"


@dataclass(frozen=True, slots=True)
class Table:
    """An item's figures as they are printed; every row is as long as the headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Item:
    """One table or figure.

    cells: of one seed, in the order in which they are run. table: ours beside the paper's. draw: the picture, from the
    figures and the first seed's arrays by cell. paper: the paper's figures, with the place where they stand.
    choices: what the paper leaves open or what differs, in words. of_pack: whether it judges the pack under test.
    of: whose figures the paper's are; it runs on any data set. examples: whether it is about the scenario's examples,
    rather than its clean images and victims alone.
    """

    name: str
    title: str
    cells: Callable[[Study, int], list[Cell]]
    table: Callable[[Found], Table]
    draw: Callable[[Figure, Found, Mapping[str, Arrays]], None]
    paper: Mapping[str, Any] = field(default_factory=dict)
    choices: Sequence[str] = ()
    of_pack: bool = False
    of: Protocol = ""
    examples: bool = True


def run_item(item: Item, study: Study, seeds: Sequence[int]) -> dict[str, Any]:
    """Run the cells that are not done yet; returns what ``out/NAME.json`` holds at the end, with the picture beside it.

    The file is there after the first cell and says which cells were not run.
    """
    make_folder(study.out)
    study.prepare(examples=item.examples)
    planned = {str(seed): {cell.name: cell for cell in item.cells(study, seed)} for seed in seeds}
    done = {
        seed: {name: found for name, cell in cells.items() if (found := study.find(cell)) is not None}
        for seed, cells in planned.items()
    }
    content = _content(item, study, planned, done)
    for seed, cells in planned.items():
        for name, cell in cells.items():
            if not cell.absent:
                done[seed][name] = study.run(cell)
                content = _content(item, study, planned, done)
                write_file(study.out / f"{item.name}.json", json.dumps(content, indent=1).encode())
    write_file(study.out / f"{item.name}.json", json.dumps(content, indent=1).encode())
    first = next(iter(planned))
    arrays = {name: study.arrays(cell) for name, cell in planned[first].items() if name in done[first]}
    _save_picture(item, Found(content["runs"]), arrays, study.out / f"{item.name}.png")
    return content


def _content(
    item: Item, study: Study, planned: Mapping[str, Mapping[str, Cell]], done: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    runs = {seed: {name: cells[name] for name in planned[seed] if name in cells} for seed, cells in done.items()}
    return {
        "schema_version": SCHEMA,
        "item": item.name,
        "dataset": study.dataset or study.scenario.clean.source,
        "scenario": study.scenario.name,
        "scale": study.scale,
        "epochs": study.epochs if study.epochs is not None else "by the scale",
        "per_cell": study.per_cell,
        "seeds": [int(seed) for seed in planned],
        "data_fingerprint": study.fingerprint if item.examples else study.clean.digest,
        "pack": study.pack.manifest.pack_id if item.of_pack else None,
        "versions": versions(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "paper": dict(item.paper),
        "runs": runs,
        "not_run": {
            f"{name}, seed {seed}": cell.absent or "not reached yet"
            for seed, cells in planned.items()
            for name, cell in cells.items()
            if name not in runs[seed]
        },
    }


def read_result(path: Path) -> dict[str, Any]:
    """An item's JSON. Raises DataError if it is damaged or of another version."""
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if content["schema_version"] != SCHEMA or not {"item", "runs", "not_run"} <= content.keys():
            raise ValueError("it is not a result of this version")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {error}.", "Run `mtaa reproduce` for this item again.") from error
    return content


def _save_picture(item: Item, found: Found, arrays: Mapping[str, Arrays], path: Path) -> None:
    with mpl.rc_context({"font.family": ["DejaVu Sans"], "font.size": 9}):
        figure = Figure(figsize=(7.5, 4.5), layout="constrained")
        item.draw(figure, found, arrays)
        figure.suptitle(item.title, fontsize=10)
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", dpi=120)
