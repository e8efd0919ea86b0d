"""``mtaa scenario``: scenario files to begin with, what may stand in one, and whether one is right."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from app.cli.console import output, plain
from app.cli.options import ScenarioFile
from core.errors import ScenarioError
from core.paths import RESOURCES
from training.scenario import Scenario, read_scenario

cli = typer.Typer(help="Scenario files: list, show, check, and all that may stand in one.", no_args_is_help=True)

_FOLDER = RESOURCES / "scenarios"


def _names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


@cli.command("list")
def list_() -> None:
    """List the scenarios that come with the program."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Name", "Title"):
        table.add_column(heading, overflow="fold")
    for name in _names():
        table.add_row(name, plain(read_scenario(_FOLDER / f"{name}.toml").title))
    output().print(table)


@cli.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `mtaa scenario list` has it.", autocompletion=_names)],
) -> None:
    """Print one of them, with its comments, to begin with: mtaa scenario show mnist > my.toml"""
    if name not in _names():
        raise ScenarioError(f"No scenario named {name!r} comes with the program.", f"There are {', '.join(_names())}.")
    typer.echo((_FOLDER / f"{name}.toml").read_text("utf-8"), nl=False)


@cli.command()
def check(scenario: ScenarioFile) -> None:
    """Read a scenario as `mtaa run` does, and say what it asks for. Nothing is made."""
    from training.plan import make_attacks  # noqa: PLC0415 (torch)

    found = read_scenario(scenario)
    make_attacks(found)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Attack", "Values", "Cells", "Training", "Calibration", "Test"):
        table.add_column(heading, justify="left" if heading in ("Attack", "Values") else "right", overflow="fold")
    for row in _asked_for(found):
        table.add_row(*map(plain, row))
    console = output()
    console.print(plain(f"{found.name}: {found.title}"))
    console.print(plain(f"Attacks: {', '.join(found.attack_names)}"))
    console.print(plain(f"Victims: {', '.join(found.victim_names)}"))
    console.print(table)
    if found.probes is None:
        console.print("Without [probes] the pack judges by the image alone and asks no victim.")


def _asked_for(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """A row for each attack and one for clean images: the examples that are wanted, which need not all be found."""
    labels = [victim.label for victim in scenario.victims]
    for attack in scenario.attacks:
        grid = attack.grid
        counts = [scenario.cell(label, attack) for label in labels]
        wanted = (grid.count * sum(getattr(c, split) for c in counts) for split in ("train", "calibration", "test"))
        values = f"{grid.first:g}" if grid.count == 1 else f"{grid.first:g} to {grid.last:g}, {grid.count}"
        yield attack.title, values, f"{grid.count * len(labels):,}", *(f"{n:,}" for n in wanted)
    if scenario.has_clean:
        own = scenario.clean.examples
        yield "clean", "", "", *(f"{n:,}" for n in (own.train, own.calibration, own.test))


@cli.command()
def keys() -> None:
    """Print every key that may stand in a scenario, with its default and what it means; and the attacks' parameters."""
    from training.attacks import ATTACKS, DEFAULT_BACKEND  # noqa: PLC0415 (torch)

    console, schema = output(), Scenario.model_json_schema()
    tables = _tables(schema)
    for reference, table in tables.items():
        described = schema["$defs"][reference] if reference else schema
        console.print(plain(table, "bold"))
        for line in _meaning(described["description"]):
            console.print(plain(f"  {line}", "dim"))
        for key, entry in described["properties"].items():
            left_out = "required" if key in described.get("required", ()) else _default(entry)
            console.print(plain(f"  {key}: {_kind(entry, tables)}; {left_out}"))
        console.print()
    console.print(plain("[attacks.parameters], by backend and name", "bold"))
    for (backend, name), attack in sorted(ATTACKS.items(), key=lambda item: (item[0][0] != DEFAULT_BACKEND, item[0])):
        fields = (f"{key} = {_toml(field.get_default())}" for key, field in attack.model_fields.items())
        console.print(plain(f"  {backend} {name}: {', '.join(fields) or 'none'}"))


@cli.command()
def schema() -> None:
    """Print the JSON Schema of scenarios: editors that know it complete and check TOML files."""
    typer.echo(json.dumps(Scenario.model_json_schema(), indent=2))


def _tables(schema: Mapping[str, Any]) -> Mapping[str, str]:
    """The heading in TOML of each kind of table, where it first stands; "" is the whole file."""
    found = {"": "At the top"}

    def below(before: str, described: Mapping[str, Any]) -> None:
        for key, entry in described["properties"].items():
            for reference in _references(entry):
                if reference not in found:
                    name = f"{before}{key}"
                    found[reference] = f"[[{name}]]" if entry.get("type") == "array" else f"[{name}]"
                    below(f"{name}.", schema["$defs"][reference])

    below("", schema)
    return found


def _meaning(docstring: str) -> Iterator[str]:
    """Its lines, without what only readers of the code can follow."""
    plainer = re.sub(r" \(:mod:`[^`]*`\)|``", "", inspect.cleandoc(docstring))
    return (line for line in plainer.splitlines() if line)


def _references(entry: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in entry:
        yield entry["$ref"].rpartition("/")[2]
    for part in (*entry.get("anyOf", ()), *([entry["items"]] if "items" in entry else ())):
        yield from _references(part)


_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def _kind(entry: Mapping[str, Any], tables: Mapping[str, str]) -> str:
    """What a value may be, of its JSON Schema."""
    if "anyOf" in entry:
        return " or ".join(_kind(part, tables) for part in entry["anyOf"] if part.get("type") != "null")
    if "$ref" in entry:
        (reference,) = _references(entry)
        return f"a table as {tables[reference]}"
    if "enum" in entry:
        return " or ".join(map(_toml, entry["enum"]))
    if entry.get("type") == "array":
        return f"a list, each {_kind(entry['items'], tables)}"
    bounds = [f"{words} {entry[bound]:g}" for bound, words in _BOUNDS.items() if bound in entry]
    return " ".join([entry.get("type", "any value").replace("object", "a table"), ", ".join(bounds)]).strip()


def _default(entry: Mapping[str, Any]) -> str:
    value = entry.get("default")
    return "may be left out" if value is None or isinstance(value, dict) else f"default {_toml(value)}"


def _toml(value: object) -> str:
    """As it is written in TOML; "none" where nothing is."""
    return "none" if value is None else json.dumps(value)
