"""``mtaa victims``: the models that are attacked, and may be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from app.cli.console import notify, output, plain
from app.cli.import_victim import import_victim
from app.cli.options import Commands, DataDir, Device, Download, Events, FilesDir, OutDir, ScenarioFile
from app.cli.train import do
from core.errors import VictimError
from core.paths import victim_folders
from core.victim_store import SUFFIX, is_victim
from training import api

cli = typer.Typer(no_args_is_help=True, help="The models that are attacked.")
cli.command("import")(import_victim)


@cli.command("list")
def list_(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Victims' files.", show_default=False)
    ] = None,
) -> None:
    """Show what victims' files say of themselves: those named, or all that are where packs look for theirs.

    Exit status 1 if one of those named is none.
    """
    from core.victims import read_card  # noqa: PLC0415 (torch)

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Victim", "Network", "Takes", "Classes", "Clean images named", "File"):
        table.add_column(heading, overflow="fold")
    errors = []
    for path in files or _at_hand():
        try:
            card = read_card(path)
        except VictimError as error:
            errors.append(error)
            continue
        shape, known = f"{card.channels}x{card.height}x{card.width}", card.accuracy
        named = "not known" if known is None else f"{known:.2%}"
        row = card.name, card.architecture or card.form, shape, f"{card.classes:,}", named, str(path)
        table.add_row(*map(plain, row))
    if table.row_count or not errors:
        output().print(table if table.row_count else "No victims.")
    for refused in errors:
        notify(f"Error: {refused}", style="red")
    if files and errors:
        raise typer.Exit(1)


def _at_hand() -> list[Path]:
    """Files of victims in the folders that a pack's are looked for in."""
    found = (path for folder in victim_folders() for path in sorted(folder.glob(f"*{SUFFIX}")))
    return [path for path in found if is_victim(path)]


@cli.command("train")
def train_victims(
    scenario: ScenarioFile, out: OutDir, data: DataDir = None, files: FilesDir = Path(), download: Download = False,
    device: Device = "auto", events: Events = False, commands: Commands = None,
) -> None:  # fmt: skip
    """Bring the scenario's own victims and train the others, those that are not there yet."""
    run = api.open_run(scenario, out, data=data, download=download, device=device, files=files)
    do(api.train_victims, run, events, commands)


@cli.command("check")
def check_victims(
    scenario: ScenarioFile, out: OutDir, data: DataDir = None, files: FilesDir = Path(), download: Download = False,
    device: Device = "auto", events: Events = False, commands: Commands = None,
) -> None:  # fmt: skip
    """Bring the scenario's own victims: read their files, measure them on the clean images, say what may be wrong."""
    run = api.open_run(scenario, out, data=data, download=download, device=device, files=files)
    do(api.check_victims, run, events, commands)


@cli.command()
def reach(
    scenario: ScenarioFile, out: OutDir, data: DataDir = None, download: Download = False, device: Device = "auto",
    images: Annotated[int, typer.Option(min=1, help="Clean images tried for each victim.")] = 64,
    events: Events = False, commands: Commands = None,
) -> None:  # fmt: skip
    """Measure the largest logit margin that each victim can be pushed to: the kappas that C&W can ask of it."""
    run = api.open_run(scenario, out, data=data, download=download, device=device)
    do(lambda run, listen, cancel: api.measure_reach(run, images, listen, cancel), run, events, commands)
