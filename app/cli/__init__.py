"""The command line ``mtaa``: one file a noun, and the errors of all of them handled here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

import core
from app.cli import attribute, benchmark, case, doctor, packs, reproduce, scenario, train, victims
from app.cli.console import EXIT_USAGE, notify
from core.errors import Cancelled, WorkbenchError

EXIT_CANCELLED = 130


class _Group(TyperGroup):
    """Turns what a user can cause into one line on stderr and an exit code; anything else is a defect and shows."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except WorkbenchError as error:
            notify(f"Error: {error}", style="red")
            raise typer.Exit(EXIT_USAGE) from error
        except (KeyboardInterrupt, Cancelled):
            notify("Cancelled.")
            raise typer.Exit(EXIT_CANCELLED) from None


cli = typer.Typer(cls=_Group, no_args_is_help=True, pretty_exceptions_enable=False)
cli.command("attribute")(attribute.attribute)
cli.add_typer(case.cli, name="case")
cli.add_typer(packs.cli, name="packs")
cli.add_typer(victims.cli, name="victims")
cli.add_typer(scenario.cli, name="scenario")
for _command in (train.estimate, train.generate, train.train, train.run):
    cli.command()(_command)
cli.command("reproduce")(reproduce.reproduce)
cli.add_typer(benchmark.cli, name="benchmark")
cli.command("doctor")(doctor.doctor)


def commands() -> Collection[str]:
    """The names of all commands."""
    return cast(TyperGroup, typer.main.get_command(cli)).commands.keys()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"MTAA Workbench {core.__version__}")
        raise typer.Exit


@cli.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Who made an adversarial image: which attack, against which victim, with which hyperparameter, and how sure.

    Without a command the window opens, on the files and folders that are named.
    """
