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
    """Write ``folder/README.md`` from ``folder/results/*.json`` (MNIST's) and ``.../DATASET/*.json``.

    Raises DataError if there is none, or a bad one.
    """
    results = folder / "results"
    found = _read(results)
    if not found:
        raise DataError(f"{results} holds no results.", "Copy there what `mtaa reproduce` wrote.")
    parts = [_HEAD]
    for name, item in ITEMS.items():
        if item.of == "photographs" and name not in found:
            continue
        shown = section(item, found[name], results / f"{name}.png", folder) if name in found else _not_run(item)
        parts.append(shown)
    for other in sorted(path for path in results.iterdir() if path.is_dir()):
        found = _read(other)
        parts.append(f"# {other.name}\n")
        parts += [section(ITEMS[name], found[name], other / f"{name}.png", folder) for name in ITEMS if name in found]
        left = [name for name, item in ITEMS.items() if name not in found and item.of != "mnist"]
        parts.append(f"Not run: {', '.join(left)}.\n")
    path = folder / "README.md"
    write_file(path, "\n".join(parts).encode())
    return path


def _read(results: Path) -> dict[str, dict[str, Any]]:
    """A data set's results by the names of their items."""
    found = {path.stem: read_result(path) for path in sorted(results.glob("*.json"))}
    if strange := ", ".join(sorted(found.keys() - ITEMS.keys())):
        raise DataError(f"{results} holds results of no known item: {strange}.", "Remove them.")
    return found


def _not_run(item: Item) -> str:
    return f"## {item.title}\n\nNot run.\n"


def section(item: Item, content: Mapping[str, Any], picture: Path, folder: Path) -> str:
    """One item in Markdown, with its picture if there is one, for a page in ``folder``."""
    lines = [f"## {item.title}\n", conditions(content) + "\n", markdown(item.table(Found(content["runs"])))]
    if content["not_run"]:
        lines += ["\nNot run:\n", *(f"- {cell}: {reason}" for cell, reason in content["not_run"].items())]
    if item.choices:
        lines += ["\nOur choices:\n", *(f"- {choice}" for choice in item.choices)]
    if picture.exists():
        lines.append(f"\n![{item.title}]({picture.relative_to(folder).as_posix()})")
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
    trained = (
        f"scale {content['scale']:g} ({content['per_cell']} training examples a cell asked for, {min(held):.1f} to "
        f"{max(held):.1f} found), epochs {content['epochs']}" if held else f"scale {content['scale']:g}"
    )  # fmt: skip
    pack = f" Pack {content['pack']}." if content["pack"] else ""
    return (
        f"{content['dataset']}, scenario {content['scenario']}, {trained}, seed {seeds}; {devices}, {when}, "
        f"{minutes:.0f} minutes.{pack}"
    )


def markdown(table: Table) -> str:
    rows = [table.headings, ["---"] * len(table.headings), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
