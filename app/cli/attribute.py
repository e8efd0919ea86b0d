"""``mtaa attribute``: image files in, a table, CSV, JSON, a report or a case out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from app.cli.console import notify, output, plain, progress_bars
from app.cli.control import listen_for_commands
from app.cli.fitting import AUTO, settle
from core import wording
from core.errors import WorkbenchError
from core.files import check_writable
from core.folders import Found, search
from core.manifest import Fit, Manifest
from core.pack import load_pack, read_manifest
from core.progress import CancelToken
from core.ranks import Ranks
from core.records import json_parts, write_json
from core.report import check_suffix, write_report
from core.report.subject import Pictures, Subject, of_case
from core.tables import FRAME_FIELDS, SCHEMA_FIELDS, write_csv
from core.types import DEFAULT_COVERAGE, Attribution, FloatArray, Heatmap, LoadedImage, Record
from core.victim_store import victims_to_ask

if TYPE_CHECKING:
    from core.attributor import Attributor

EXIT_SOME_FAILED = 1
_STDOUT = Path("-")


def _print_schema(wanted: bool) -> None:
    if not wanted:
        return
    for title, fields in (("Around the records, in JSON", FRAME_FIELDS), ("Of each record", SCHEMA_FIELDS)):
        table = Table(title, "", box=box.SIMPLE_HEAD, pad_edge=False)
        table.columns[0].no_wrap, table.columns[1].overflow = True, "fold"
        for name, meaning in fields:
            table.add_row(name, meaning)
        output().print(table)
    raise typer.Exit


def attribute(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Image files and folders of them.")],
    *,
    pack: Annotated[
        str,
        typer.Option(
            metavar="auto|NAME|FILE",
            help="The model pack that judges the images; auto takes the one that is made for most of the first.",
        ),
    ] = AUTO,
    case: Annotated[
        Path | None, typer.Option(metavar="FILE.mtaacase", help="Keep results, notes and a log in a case file.")
    ] = None,
    subfolders: Annotated[bool, typer.Option(help="Look for images in the folders' subfolders too.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the case if there is one.")] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE|-", help="Write JSON to a file, or to standard output for -.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every number as CSV.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html|FILE.pdf", help="Write a report with plots and heatmaps.")
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|cuda:N", help="Where to compute; auto takes a GPU if there is one.")
    ] = "auto",
    coverage: Annotated[
        float | None,
        typer.Option(
            help=f"How often candidate sets and intervals are to hold the truth; {DEFAULT_COVERAGE:g} if not given."
        ),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Ask the pack's victims that are at hand, or judge the image alone.")
    ] = True,
    victim: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Ask this victim as well; may be given several times.")
    ] = None,
    fit: Annotated[
        Fit | None, typer.Option(help="What becomes of images of another size; the pack's own way if not given.")
    ] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Obey pause, resume and cancel, a line each on standard input.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", callback=_print_schema, is_eager=True, help="Explain the CSV and JSON fields.")
    ] = False,
) -> None:
    """Say who made each image: attack, victim, hyperparameter, and how sure that is.

    With a case, results are written as they arrive; whatever stops the program, --resume goes on where it was, and
    what is written out is the whole case. Under torchrun the processes share the files of one case.
    One pack judges all files: the one that is named, else the case's, else the one that fits, which is then told.
    A case that is gone on with also keeps its --fit and --coverage.
    A pack that can weigh what victims say asks those of its own that are found, and every one that is handed over.

    Exit status: 0 if all images were attributed, 1 if some could not be, 2 if the command was wrong.
    """
    _check_outputs(case, resume, json, csv, report)
    ranks = Ranks()
    if ranks.count > 1 and case is None:
        raise WorkbenchError("Several processes can only share a case.", "Give --case FILE.mtaacase.")
    if ranks.count > 1 and control:
        raise WorkbenchError("Several processes have not one standard input.", "Leave --control out.")
    looked = search(paths, subfolders, filter(None, (case, json, csv, report)))
    files, left_out = looked.files, wording.left_out(looked.left_out)
    if not files:
        there = f" Left out, {left_out}." if left_out else ""
        what = f"There is no image in {', '.join(map(str, paths))}.{there}"
        raise WorkbenchError(what, "Name image files or their folder.")
    begun = settle(pack, files, case if resume else None, tell=ranks.first)
    manifest = read_manifest(begun.pack)
    manifest = manifest.fitting(fit or begun.fit or manifest.image.fit)
    coverage = coverage if coverage is not None else begun.coverage or DEFAULT_COVERAGE
    _check_coverage(coverage, manifest)

    from core.attributor import Attributor  # noqa: PLC0415 (torch)

    asked = victims_to_ask(manifest, ask, victim or [], begun.pack)
    attributor = Attributor(replace(load_pack(begun.pack), manifest=manifest), ranks.device(device), asked)
    token = CancelToken(lambda still: notify("Paused." if still else "Going on."))
    if control:
        listen_for_commands(token)
    if case is not None:
        found = _into_case(case, resume, attributor, (paths, subfolders), looked, coverage, ranks, token)
        if not ranks.first:
            return
    else:
        found = Subject(
            _attribute(attributor, files, coverage, token), manifest, attributor.device_name, left_out=left_out
        )
    _write(found, attributor, json, csv, report, table=case is None)
    if left_out:
        notify(f"Left out, {left_out}")
    if any(record.status == "error" for record in found.records):
        raise typer.Exit(EXIT_SOME_FAILED)


def _check_coverage(coverage: float, manifest: Manifest) -> None:
    calibrated = manifest.calibration.coverages
    if not calibrated[0] <= coverage <= calibrated[-1]:
        raise typer.BadParameter(
            f"{coverage:g} is outside what {manifest.name} is calibrated for: {calibrated[0]:g} to {calibrated[-1]:g}.",
            param_hint="--coverage",
        )


def _check_outputs(case: Path | None, resume: bool, json: Path | None, csv: Path | None, report: Path | None) -> None:
    """What is wrong with the command is said before hours of work and not after."""
    if resume and case is None:
        raise typer.BadParameter("There is nothing to go on with; name a case (--case).", param_hint="--resume")
    if report is not None:
        check_suffix(report)
    if csv == _STDOUT:
        raise typer.BadParameter("Only --json writes to standard output.", param_hint="--csv")
    for path in (json, csv, report):
        if path is not None and path != _STDOUT:
            check_writable(path)


def _attribute(attributor: Attributor, files: Sequence[Path], coverage: float, token: CancelToken) -> list[Record]:
    from core.attribute_files import attribute_files  # noqa: PLC0415 (torch)

    with progress_bars() as progress:
        found = attribute_files(attributor, files, coverage=coverage, progress=progress, cancel=token)
        return [record for batch in found for record in batch]


def _into_case(
    path: Path,
    resume: bool,
    attributor: Attributor,
    opened: tuple[Sequence[Path], bool],
    looked: Found,
    coverage: float,
    ranks: Ranks,
    token: CancelToken,
) -> Subject:
    from core.batch import fill_case, fill_shared, note_left_out, note_opened, open_case  # noqa: PLC0415

    if not ranks.first:
        ranks.barrier()  # until the first has made the case
    with open_case(path, attributor.manifest, coverage, resume=resume or not ranks.first) as case:
        if ranks.first:
            note_opened(case, *opened)
            note_left_out(case, looked.left_out)
            ranks.barrier()
        with progress_bars() as progress:
            if ranks.count > 1:
                fill_shared(ranks, case, attributor, looked.files, progress=progress)
            else:
                fill_case(case, attributor, looked.files, progress=progress, cancel=token)
        return of_case(case) if ranks.first else Subject([], case.manifest, "")


# --- what is written out ------------------------------------------------------------------------------------------


def _write(
    found: Subject, attributor: Attributor, json: Path | None, csv: Path | None, report: Path | None, *, table: bool
) -> None:
    records, manifest, device = found.records, found.manifest, found.device
    if json == _STDOUT:
        try:
            sys.stdout.buffer.writelines(json_parts(records, manifest, device, found.remarks))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise  # whoever read has enough of it
        except OSError as error:
            reason = error.strerror or str(error)
            raise WorkbenchError(f"Standard output cannot be written: {reason}.", "Name a file.") from error
    else:
        _print_table(found, table)

    def heatmap(record: Record, pixels: FloatArray) -> Heatmap | None:
        image = LoadedImage(record.path, record.sha256 or "", pixels, "", 8, False)
        return attributor.attribute([image], heatmaps=True)[0].heatmap

    def write_out(path: Path) -> None:
        write_report(path, replace(found, pictures=Pictures(records), heatmaps=heatmap))
        notify(f"Report: {path}")

    failed: list[WorkbenchError] = []
    for path, write in (
        (None if json == _STDOUT else json, lambda path: write_json(path, records, manifest, device, found.remarks)),
        (csv, lambda path: write_csv(path, records, manifest, found.remarks)),
        (report, write_out),
    ):
        try:
            if path is not None:
                write(path)
        except WorkbenchError as error:  # the others are not lost with it
            failed.append(error)
    if failed:
        raise failed[0]


# --- the table ----------------------------------------------------------------------------------------------------


def _print_table(found: Subject, each: bool) -> None:
    """One row a file, or of a case only the files that failed, for it may have thousands."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("File", "Attack", "Victim", "Hyperparameter", "Doubt and notes"):
        table.add_column(heading, overflow="fold")
    for record in found.records:
        if record.finding and each:
            table.add_row(plain(record.path), *_cells(record.finding.attribution))
        elif not record.finding:
            table.add_row(plain(record.path), Text("not attributed", "red"), "", "", plain(record.error or "", "red"))
    failed = sum(record.status == "error" for record in found.records)
    console = output()
    if table.row_count:
        console.print(table)
    summary = f"{len(found.records) - failed} attributed" + (f", {failed} not" if failed else "")
    coverage = next((r.finding.attribution.attack.coverage for r in found.records if r.finding), None)
    doubt = f", doubt at {coverage:.4g} coverage" if coverage is not None else ""
    named = dict.fromkeys(t.victim for r in found.records if r.finding for t in r.finding.attribution.testimonies)
    asked = f", asking {', '.join(named)}" if named else ""
    console.print(plain(f"{summary}; pack {found.manifest.pack_id}, {found.device}{asked}{doubt}"))


def _cells(answer: Attribution) -> tuple[Text, ...]:
    hyper = answer.hyperparameter
    interval = f" ({' to '.join(wording.ends_of(hyper))})" if hyper.name != "none" else ""
    return (
        plain(f"{answer.attack.label} {wording.percent(answer.attack.probability)}"),
        plain(f"{answer.victim.label} {wording.percent(answer.victim.probability)}"),
        plain((wording.value_of(hyper) or "none") + interval),
        plain("; ".join(_notes(answer))),
    )


def _notes(answer: Attribution) -> list[str]:
    notes = [text for text in (wording.unfamiliarity(answer.familiarity), wording.contradiction(answer)) if text]
    for task, classes in (("attack", answer.attack), ("victim", answer.victim)):
        if len(classes.prediction_set) > 1 or not classes.reached:
            notes.append(f"{task}: {wording.candidates(classes)}")
    return notes + list(answer.adjustments)
