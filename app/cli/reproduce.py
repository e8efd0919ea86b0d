"""``mtaa reproduce``: the paper's tables and figures, and what the method has to show beyond it, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from app.cli.console import notify, output, plain, progress_bars
from app.cli.fitting import pack_names
from app.cli.options import Device
from core.errors import WorkbenchError
from core.paths import DEFAULT_PACK

if TYPE_CHECKING:
    from training.experiments.item import Item


def reproduce(
    item: Annotated[str | None, typer.Argument(metavar="ITEM", help="What to reproduce; --list names all.")] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Results, and the victims/ and data/ of `mtaa generate` where they exist."),
    ] = None,
    dataset: Annotated[
        str,
        typer.Option(metavar="NAME", help="mnist, digits, or what a folder's images are called."),
    ] = "mnist",
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder with the clean images; for fits, larger photographs.")
    ] = None,
    files: Annotated[Path, typer.Option(metavar="DIR", help="Where own victims' files are.")] = Path(),
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The scenario, if not that of DIR/data or the protocol.")
    ] = None,
    scale: Annotated[
        float, typer.Option(help="Times the paper's 160 training examples a cell; epochs go with its square root.")
    ] = 1.0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of every network, whatever the scale.")] = None,
    seed: Annotated[
        list[int] | None, typer.Option(min=0, max=2**32 - 1, help="Repeat for several; 0 if none is given.")
    ] = None,
    pack: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", autocompletion=pack_names, help="The pack that the items about a pack judge."
        ),
    ] = DEFAULT_PACK,
    device: Device = "auto",
    list_items: Annotated[bool, typer.Option("--list", help="Name all items and stop.")] = False,
    render: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write DIR/README.md from DIR/results/*.json and stop.")
    ] = None,
) -> None:
    """Reproduce a table or figure of the paper: ours beside the paper's, as a table, JSON and a picture in --out.

    Stopped at any moment, the same command goes on where it was; tables share the networks that they have in common.
    """
    from training.experiments.items import ITEMS, find_item  # noqa: PLC0415 (torch)

    if list_items:
        for name, known in ITEMS.items():
            output().print(plain(f"{name:<16}{known.title}"))
        return
    if render is not None:
        from training.experiments.render import render as write  # noqa: PLC0415

        notify(f"Written: {write(render)}")
        return
    if item is None:
        raise WorkbenchError("There is nothing to do without an ITEM.", "See --list and --help.")
    chosen = find_item(item)
    if out is None:
        raise typer.BadParameter("Name the folder that it works in and goes on in.", param_hint="--out")
    if not 0 < scale <= 1:
        raise typer.BadParameter("It must be above 0 and at most 1.", param_hint="--scale")
    from training.experiments.item import run_item  # noqa: PLC0415
    from training.experiments.study import open_study  # noqa: PLC0415

    with progress_bars() as tell:
        study = open_study(
            dataset, out, scenario=scenario, scale=scale, source=data, files=files, epochs=epochs, device_name=device,
            pack_name=pack, tell=tell,
        )  # fmt: skip
        content = run_item(chosen, study, sorted(set(seed or [0])))
    _print(chosen, content)
    notify(f"Figures: {out / f'{chosen.name}.json'}, picture: {out / f'{chosen.name}.png'}")


def _print(item: Item, content: dict[str, Any]) -> None:
    from training.experiments.item import Found  # noqa: PLC0415
    from training.experiments.render import conditions  # noqa: PLC0415

    found = item.table(Found(content["runs"]))
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in found.headings:
        drawn.add_column(heading, overflow="fold")
    for row in found.rows:
        drawn.add_row(*(plain(cell) for cell in row))
    console = output()
    console.print(plain(item.title))
    console.print(drawn)
    console.print(plain(conditions(content)))
    for cell, reason in content["not_run"].items():
        console.print(plain(f"not run: {cell}: {reason}"))
    for choice in item.choices:
        console.print(plain(f"- {choice}"))
