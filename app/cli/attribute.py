"""``mtaa attribute``: image files in, a table, JSON or a report out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from app.cli.console import notify, output, plain, progress_bars
from core import wording
from core.errors import ImageError, WorkbenchError
from core.imageio import find_images, load_image
from core.manifest import Manifest
from core.pack import DEFAULT_PACK, find_pack, load_pack, read_manifest
from core.records import encode, to_json, write_json
from core.types import Attribution, FloatArray, Record

EXIT_SOME_FAILED = 1
_STDOUT = Path("-")


def attribute(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Image files and folders of them.")],
    *,
    pack: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The model pack that judges the images.")
    ] = DEFAULT_PACK,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE|-", help="Write JSON to a file, or to standard output for -.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a report with heatmaps.")] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|cuda:N", help="Where to compute; auto takes a GPU if there is one.")
    ] = "auto",
    coverage: Annotated[
        float, typer.Option(help="How often candidate sets and intervals are to hold the truth, e.g. 0.9.")
    ] = 0.9,
) -> None:
    """Say who made each image: attack, victim, hyperparameter, and how sure that is.

    Exit status: 0 if all images were attributed, 1 if some could not be, 2 if the command was wrong.
    """
    pack_path = find_pack(pack)
    manifest = read_manifest(pack_path)
    _check_coverage(coverage, manifest)
    files = find_images(paths)
    if not files:
        raise WorkbenchError(f"There is no image in {', '.join(map(str, paths))}.", "Name image files or their folder.")

    records, device_name = _attribute(pack_path, files, device, coverage, heatmaps=report is not None)
    if json == _STDOUT:
        sys.stdout.buffer.write(encode(to_json(records, manifest, device_name)))
        sys.stdout.buffer.flush()
    else:
        _print_table(records, manifest, device_name, coverage)
        if json is not None:
            write_json(json, records, manifest, device_name)
    if report is not None:
        from core.report import write_report  # noqa: PLC0415

        write_report(report, records, _Pictures(records), manifest, device_name)
        notify(f"Report: {report}")
    if any(record.status == "error" for record in records):
        raise typer.Exit(EXIT_SOME_FAILED)


def _attribute(
    pack_path: Path, files: Sequence[Path], device: str, coverage: float, *, heatmaps: bool
) -> tuple[list[Record], str]:
    from core.attributor import Attributor, attribute_files  # noqa: PLC0415 (torch)

    attributor = Attributor(load_pack(pack_path), device)
    with progress_bars() as progress:
        found = attribute_files(attributor, files, coverage=coverage, heatmaps=heatmaps, progress=progress)
        return list(found), attributor.device_name


def _check_coverage(coverage: float, manifest: Manifest) -> None:
    calibrated = manifest.calibration.coverages
    if not calibrated[0] <= coverage <= calibrated[-1]:
        raise typer.BadParameter(
            f"{coverage:g} is outside what {manifest.name} is calibrated for: {calibrated[0]:g} to {calibrated[-1]:g}.",
            param_hint="--coverage",
        )


class _Pictures(Mapping[str, FloatArray]):
    """The pixels that were judged, read again one by one so that a large folder need not fit into memory."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._hashes = {record.path: record.sha256 for record in records if record.status == "ok"}

    def __getitem__(self, path: str) -> FloatArray:
        try:
            image = load_image(path)
        except ImageError as error:
            raise KeyError(path) from error
        if image.sha256 != self._hashes[path]:
            raise KeyError(path)  # changed since it was judged: another picture
        return image.pixels

    def __iter__(self) -> Iterator[str]:
        return iter(self._hashes)

    def __len__(self) -> int:
        return len(self._hashes)


# --- the table ----------------------------------------------------------------------------------------------------


def _print_table(records: Sequence[Record], manifest: Manifest, device: str, coverage: float) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("File", "Attack", "Victim", "Hyperparameter", "Doubt and notes"):
        table.add_column(heading, overflow="fold")
    for record in records:
        if record.finding:
            table.add_row(plain(record.path), *_cells(record.finding.attribution))
        else:
            table.add_row(plain(record.path), Text("not attributed", "red"), "", "", plain(record.error or "", "red"))
    failed = sum(record.status == "error" for record in records)
    console = output()
    console.print(table)
    summary = f"{len(records) - failed} attributed" + (f", {failed} not" if failed else "")
    console.print(plain(f"{summary}; pack {manifest.pack_id}, {device}, doubt at {coverage:.4g} coverage"))


def _cells(answer: Attribution) -> tuple[Text, ...]:
    hyper = answer.hyperparameter
    interval = wording.hyperparameter_interval(hyper)
    return (
        plain(f"{answer.attack.label} {wording.percent(answer.attack.probability)}"),
        plain(f"{answer.victim.label} {wording.percent(answer.victim.probability)}"),
        plain(wording.hyperparameter_value(hyper) + (f" ({interval})" if interval else "")),
        plain("; ".join(_notes(answer))),
    )


def _notes(answer: Attribution) -> list[str]:
    notes = [wording.unfamiliarity(answer.familiarity)] if not answer.familiarity.familiar else []
    for task, classes in (("attack", answer.attack), ("victim", answer.victim)):
        if len(classes.prediction_set) > 1:
            notes.append(f"{task}: {wording.candidates(classes)}")
    return notes + list(answer.adjustments)
