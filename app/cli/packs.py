"""``mtaa packs``: what packs there are, what they say of themselves, and whether that is true."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from app.cli.console import notify, output, plain
from app.cli.fitting import pack_names
from core.errors import PackError
from core.labels import CLEAN
from core.manifest import Manifest
from core.measured import NOTHING, UNFAMILIAR, Measured, measured, quality
from core.pack import find_pack, list_packs, read_manifest, verify_pack
from core.pack_store import import_pack, remove_pack
from core.paths import DEFAULT_PACK
from core.victim_store import offered
from core.wording import image_kind

cli = typer.Typer(help="List, show, verify and import model packs.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A pack's name or file.", autocompletion=pack_names)]


@cli.command("list")
def list_() -> None:
    """List the packs that can be named."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Name", "Title", "Labels", "File"):
        table.add_column(heading, overflow="fold")
    for pack in list_packs():
        labels = _labels(pack.manifest) if pack.manifest else ""
        title = plain(pack.manifest.title) if pack.manifest else plain(pack.error or "", "red")
        table.add_row(plain(pack.path.stem), title, labels, plain(str(pack.path)))
    if table.row_count:
        output().print(table)
    else:
        output().print("No packs.")


@cli.command()
def show(
    name: _Name = DEFAULT_PACK,
    json: Annotated[bool, typer.Option("--json", help="Print the manifest as it is in the pack's schema.")] = False,
) -> None:
    """Show a pack's labels, network, calibration and measured results; --json shows everything that was measured."""
    manifest = read_manifest(find_pack(name))
    if json:
        typer.echo(manifest.model_dump_json(indent=2))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for label, value in _facts(manifest).items():
        table.add_row(label, plain(value))
    output().print(table)
    if rows := measured(manifest):
        output().print(_results(rows))


@cli.command()
def victims(name: _Name = DEFAULT_PACK) -> None:
    """Show which of a pack's victims are at hand, so that they can be asked about images."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Victim", "At hand", "File"):
        table.add_column(heading, overflow="fold")
    pack = find_pack(name)
    for one in offered(read_manifest(pack), pack=pack):
        where = str(one.held.path) if one.held is not None else str(one.error)
        table.add_row(plain(one.name), "yes" if one.held is not None else "no", plain(where))
    output().print(table if table.row_count else plain("This pack judges by the image alone and asks no victim."))


@cli.command()
def verify(name: _Name = DEFAULT_PACK) -> None:
    """Check a pack's manifest, the hash of its weights, and that they fit its network. Exit status 1 if not."""
    path = find_pack(name)
    checks = verify_pack(path)
    console = output()
    console.print(plain(str(path)))
    for check in checks:
        console.print(plain(f"  {'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}", _style(check.ok)))
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


@cli.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Pack files, from wherever they come.")],
) -> None:
    """Verify packs and copy them to where they are found by name, by the window too."""
    for file in files:
        with _on_disk(file):
            notify(f"Pack: {import_pack(file)}")


@cli.command()
def remove(name: _Name) -> None:
    """Delete a pack that was imported; the shipped ones stay."""
    path = find_pack(name)
    with _on_disk(path):
        remove_pack(path)
    notify(f"Removed: {path}")


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PackError(f"{error.filename or path}: {error.strerror}.", "Check the folder and its disk.") from error


def _labels(manifest: Manifest) -> str:
    """How many attacks and victims can be named; "clean" is neither."""
    names = {"attack": [a.name for a in manifest.attacks], "victim": [v.name for v in manifest.victims]}
    numbers = {kind: sum(name != CLEAN for name in labels) for kind, labels in names.items()}
    return ", ".join(f"{number} {kind}{'s' * (number != 1)}" for kind, number in numbers.items())


def _style(ok: bool) -> str:
    return "" if ok else "red"


def _facts(manifest: Manifest) -> dict[str, str]:
    attacks = [
        f"{a.name} ({a.hyperparameter} {a.minimum:g} to {a.maximum:g} {a.unit})" if a.width else a.name
        for a in manifest.attacks
    ]
    coverages = ", ".join(f"{coverage:g}" for coverage in manifest.calibration.coverages)
    return {
        "Pack": f"{manifest.title} ({manifest.pack_id})",
        "About": manifest.description,
        "Made": manifest.created,
        "Attacks": ", ".join(attacks),
        "Victims": ", ".join(victim.name for victim in manifest.victims),
        "Images": image_kind(manifest.image),
        "Network": ", ".join(f"{name} {value}" for name, value in manifest.network.model_dump().items()),
        "Calibrated": f"for coverages {coverages}"
        + ("; unfamiliar images apart, on images changed after the attack" if manifest.unfamiliar is not None else ""),
        **_quality(manifest),
    }


def _quality(manifest: Manifest) -> dict[str, str]:
    found = quality(manifest)
    errors = [f"attack {found.ece[0]}, victim {found.ece[1]}"]
    if found.asked_ece is not None:
        errors.append(f"victims asked: attack {found.asked_ece[0]}, victim {found.asked_ece[1]}")
    detected = [
        f"AUROC {d.auroc}, said to look as 1% of clean images at most: {d.found} of attacked, {d.alarms} of clean ones"
        for d in found.detection
        if d is not None
    ]
    examples, epochs, parameters = found.trained
    told = {
        "Trained": (examples, f"on {examples} examples, {epochs} epochs, {parameters} parameters"),
        "Closed set": (
            found.closed[1],
            f"attack {found.closed[0]}, victim {found.closed[1]}, if one of the victims asked must be the victim",
        ),
        "Detection": (detected[0] if detected else NOTHING, "; victims asked: ".join(detected)),
        "ECE": (found.ece[0], "; ".join(errors)),
        "Familiar": (found.familiar, f"{found.familiar} of the test images"),
        "Heatmap": (found.heatmap, f"correlates with the true perturbation: {found.heatmap}"),
    }
    return {name: text for name, (figure, text) in told.items() if figure != NOTHING}


def _results(rows: list[Measured]) -> Table:
    """Accuracies on test images, and the hyperparameter's root mean square error."""
    asked = any(row.asked is not None for row in rows)
    sides = ("by the image", "victims asked") if asked else ("by the image",)
    headings = [f"{answer}, {side}" for side in sides for answer in ("attack", "victim", "RMSE")]
    table = Table("Test images", "", *headings, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        cells = [*row.by_image, *(row.asked or ("",) * 3 if asked else ())]
        name = {"": "all", UNFAMILIAR: "unfamiliar, as changed after the attack"}.get(row.attack, row.attack)
        table.add_row(plain(name), row.images, *map(plain, cells))
    return table
