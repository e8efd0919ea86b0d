"""``README.md`` of a folder of results: every item, ours beside the paper's, and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.files import write_file
from training.experiments.item import Found, Item, Table, read_result
from training.experiments.items import ITEMS

_HEAD = """# Tables, figures and measurements

Made by `mtaa reproduce --render`, from the JSON files in [`results`](results); not written by hand. Each is what
`mtaa reproduce ITEM --dataset DATASET --data DIR --out DIR --scale SCALE` left at the place named.

8-bit images, unseen clean images. At scale 1 a cell (one attack, victim and hyperparameter value) has the paper's 160
training and 20 test examples; a smaller scale has fewer training examples and epochs. Accuracies in %, RMSE on Table
1's scale. Several seeds are shown as mean ± standard deviation. The paper's figures are cited from arXiv:2302.14059.
"""


def render(folder: Path) -> Path:
    """Write ``folder/README.md`` from ``folder/results/*.json``. Raises DataError if there is none, or a bad one."""
    found = {path.stem: read_result(path) for path in sorted((folder / "results").glob("*.json"))}
    if not found:
        raise DataError(f"{folder / 'results'} holds no results.", "Copy there what `mtaa reproduce` wrote.")
    parts = [_HEAD]
    for name, item in ITEMS.items():
        content = found.pop(name, None)
        if content is None:
            parts.append(f"## {item.title}\n\nNot run.\n")
        else:
            parts.append(section(item, content, (folder / "results" / f"{name}.png").exists()))
    if found:
        strange = ", ".join(sorted(found))
        raise DataError(f"{folder / 'results'} holds results of no known item: {strange}.", "Remove them.")
    path = folder / "README.md"
    write_file(path, "\n".join(parts).encode())
    return path


def section(item: Item, content: Mapping[str, Any], picture: bool) -> str:
    """One item in Markdown."""
    lines = [f"## {item.title}\n", conditions(content) + "\n", markdown(item.table(Found(content["runs"])))]
    if content["not_run"]:
        lines += ["\nNot run:\n", *(f"- {cell}: {reason}" for cell, reason in content["not_run"].items())]
    if item.choices:
        lines += ["\nOur choices:\n", *(f"- {choice}" for choice in item.choices)]
    if picture:
        lines.append(f"\n![{item.title}](results/{item.name}.png)")
    return "\n".join(lines) + "\n"


def conditions(content: Mapping[str, Any]) -> str:
    """The data set, scale, seeds, device and date in one sentence."""
    cells = [cell for run in content["runs"].values() for cell in run.values()]
    devices = ", ".join(sorted({cell["device"] for cell in cells})) or "nothing run"
    dates = sorted({cell["date"] for cell in cells}) or [content["date"]]
    when = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    seeds = ", ".join(map(str, content["seeds"]))
    minutes = sum(cell["seconds"] for cell in cells) / 60
    held = {cell["train"]["mean"] for cell in cells if "train" in cell}
    mean = f", {min(held):.1f} to {max(held):.1f} found" if held else ""
    pack = f" Pack {content['pack']}." if content["pack"] else ""
    return (
        f"{content['dataset']}, scenario {content['scenario']}, scale {content['scale']:g} ({content['per_cell']} "
        f"training examples a cell asked for{mean}), epochs {content['epochs']}, seed {seeds}; {devices}, {when}, "
        f"{minutes:.0f} minutes.{pack}"
    )


def markdown(table: Table) -> str:
    rows = [table.headings, ["---"] * len(table.headings), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
