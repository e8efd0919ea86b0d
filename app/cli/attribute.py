"""``mtaa attribute``: image files in, a table, CSV, JSON, a report or a case out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from app.cli.console import notify, output, progress_bars
from app.cli.control import listen_for_commands
from app.cli.fitting import AUTO, Settled, pack_names, settle
from app.cli.named import STDIN, named, nothing, some
from app.cli.options import Device
from app.cli.writing import CsvOption, JsonOption, Outputs, ReportOption, drawn_by, print_table
from core import wording
from core.errors import Cancelled, WorkbenchError
from core.folders import CASE_SUFFIX, Searched, search
from core.imageio import READABLE
from core.listed import Record
from core.manifest import Fit, Manifest
from core.pack import load_pack, read_manifest
from core.progress import CancelToken
from core.ranks import Ranks
from core.report.subject import Subject, of_case
from core.tables import FRAME_FIELDS, SCHEMA_FIELDS
from core.types import DEFAULT_COVERAGE, Basis, Reference
from core.victim_store import Held, victims_to_ask

if TYPE_CHECKING:
    from core.attributor import Attributor
    from core.case import Case

EXIT_SOME_FAILED = 1
_KEEPING = " With --case FILE answers are kept as they come, and --resume goes on."


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
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help=f"Image files and folders of them: {READABLE}, whatever a file is called.",
            show_default=False,
            readable=False,  # one that may not be read becomes a row that says so
        ),
    ] = None,
    *,
    files_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|-",
            help="More paths, a line each in a file or on standard input; with null bytes between, as find -print0 "
            "gives them.",
        ),
    ] = None,
    pack: Annotated[
        str,
        typer.Option(
            metavar="auto|NAME|FILE",
            autocompletion=lambda: [AUTO, *pack_names()],
            help="The model pack that judges the images; auto takes the one that is made for most of the first.",
        ),
    ] = AUTO,
    case: Annotated[
        Path | None, typer.Option(metavar="FILE.mtaacase", help="Keep results, notes and a log in a case file.")
    ] = None,
    subfolders: Annotated[bool, typer.Option(help="Look for images in the folders' subfolders too.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the case if there is one.")] = False,
    json: JsonOption = None,
    csv: CsvOption = None,
    report: ReportOption = None,
    device: Device = "auto",
    coverage: Annotated[
        float | None,
        typer.Option(
            help=f"How often candidate sets and intervals are to hold the truth; {DEFAULT_COVERAGE:g} if not given."
        ),
    ] = None,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask/--no-ask",
            help="Ask the pack's victims that are at hand, or none but those that are handed over; without any the "
            "image alone is judged.",
        ),
    ] = True,
    victim: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Ask this victim as well; may be given several times.")
    ] = None,
    closed_set: Annotated[
        bool | None,
        typer.Option(
            "--closed-set/--open-set",
            help="Take it as known that one of the victims that are asked was attacked if any was, or that it may be "
            "none of these; if not given as the case has it, or the latter. With --no-ask only those that are handed "
            "over are asked.",
        ),
    ] = None,
    clean: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Images known to be clean, of the source that the others come from, or their folder; may be given "
            "several times. Beside every answer it is then told how many of them look at least as attacked.",
        ),
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
    A case that is gone on with also keeps its --fit, --coverage, --closed-set and --clean.
    A pack that can weigh what victims say asks those of its own that are found, and every one that is handed over.

    Exit status: 0 if all images were attributed, 1 if some could not be, 2 if the command was wrong or a file
    could not be written.
    """
    _check_together(resume=resume, case=case, any_asked=ask or bool(victim), closed=bool(closed_set))
    ranks = Ranks()
    case = _with_suffix(case, tell=ranks.first)
    outputs = Outputs(json, csv, report)
    outputs.check(case)
    if ranks.count > 1:
        _check_shared(case, control, files_from)
    paths = named(paths or [], files_from, case)
    looked = search(paths, subfolders, [*outputs.named, *([case] if case else [])])
    files, left_out = looked.files, wording.left_out(looked.left_out)
    if not files:
        raise nothing(paths, left_out)
    begun = settle(pack, files, case if resume else None, tell=ranks.first)
    manifest = read_manifest(begun.pack)
    manifest = manifest.fitting(fit or begun.fit or manifest.image.fit)
    if coverage is None:
        coverage = begun.coverage or manifest.calibration.nearest(DEFAULT_COVERAGE)
    manifest.calibration.check(coverage)

    from core.attributor import Attributor  # noqa: PLC0415 (torch)

    asked = victims_to_ask(manifest, ask, victim or [], begun.pack)
    loaded = load_pack(begun.pack)
    if loaded.manifest.sha256 != manifest.sha256:
        raise WorkbenchError(f"{begun.pack} was replaced while the command began.", "Run it again.")
    kept = begun.basis or Basis({})
    closed = kept.closed if closed_set is None else closed_set and _can_close(manifest, asked, tell=ranks.first)
    attributor = Attributor(replace(loaded, manifest=manifest), ranks.device(device), asked, closed=closed)
    token = CancelToken(lambda still: notify("Paused." if still else "Going on."))
    if control:
        listen_for_commands(token)
    known = _known_clean(attributor, begun, clean or [], subfolders, token) if ranks.first else None
    attributor.refer_to(ranks.agreed(known))
    if case is not None:
        found = _into_case(case, resume, attributor, (paths, subfolders), looked, coverage, ranks, token)
        if not ranks.first:
            return
    else:
        records = _attribute(attributor, files, coverage, token)
        found = Subject(records, manifest, attributor.device_name, left_out=left_out)
    status = outputs.write(replace(found, heatmaps=drawn_by(attributor)))
    if not outputs.to_stdout:  # after the files, for whoever reads it may close it early
        print_table(found, each=case is None)
    if left_out:
        notify(f"Left out, {left_out}")
    some_failed = any(record.status == "error" for record in found.records)
    raise typer.Exit(status or (EXIT_SOME_FAILED if some_failed else 0))


def _with_suffix(case: Path | None, *, tell: bool) -> Path | None:
    """A new case under the suffix by which the window and file managers know it, which is told."""
    if case is None or case.exists() or case.suffix.lower() == CASE_SUFFIX:
        return case
    new = Path(f"{case}{CASE_SUFFIX}")
    if tell:
        notify(f"The case is {new}")
    return new


def _can_close(manifest: Manifest, asked: Sequence[Held], *, tell: bool) -> bool:
    """True; whom a closed set rules out of the pack's own is told. Raises WorkbenchError where it would be empty."""
    if manifest.probes is None:
        raise WorkbenchError(f"The pack {manifest.pack_id} asks no victims.", "Leave --closed-set out.")
    if not asked:
        raise WorkbenchError("No victim is at hand that could be the one.", "Hand over its file (--victim).")
    held = {victim.name for victim in asked}
    left = [victim.name for victim in manifest.victims if victim.sha256 and victim.name not in held]
    if tell and left:
        notify(f"Ruled out in the closed set: {', '.join(left)}")
    return True


def _known_clean(
    attributor: Attributor, begun: Settled, paths: Sequence[Path], subfolders: bool, token: CancelToken
) -> Reference | None:
    """What the pack says of clean images, which is told; a case with answers keeps to its own.

    Raises WorkbenchError for a case that did without, and where none can be judged.
    """
    from core.reference import reference_of  # noqa: PLC0415 (torch)

    if begun.basis is not None:
        if paths and begun.basis.reference is None:
            raise WorkbenchError("The case has answers without known clean images.", "Leave --clean out.")
        if begun.basis.reference is not None:
            notify(f"Told beside {begun.basis.reference}, as the case is.")
        same = begun.basis.asked == attributor.basis.asked  # else the case says that other victims are asked
        return begun.basis.reference if same else None
    if not paths:
        return None
    if not (files := search(paths, subfolders).files):
        raise nothing(paths, "")
    records = _attribute(attributor, files, attributor.manifest.calibration.coverages[0], token, known=True)
    if failed := [record for record in records if record.finding is None]:
        notify(f"Of the clean images {len(failed)} could not be judged: {some([Path(one.path) for one in failed])}.")
    reference = reference_of(record.finding.attribution for record in records if record.finding)
    look = "look" if reference.suspect != 1 else "looks"
    notify(f"Told beside {reference}; {reference.suspect:,} of them {look} attacked to the pack.")
    return reference


def _check_shared(case: Path | None, control: bool, files_from: Path | None) -> None:
    """What several processes cannot do together."""
    if case is None:
        raise WorkbenchError("Several processes can only share a case.", "Give --case FILE.mtaacase.")
    if control:
        raise WorkbenchError("Several processes have not one standard input.", "Leave --control out.")
    if files_from == STDIN:
        raise WorkbenchError("Several processes have not one standard input.", "Write the paths to a file.")


def _check_together(*, resume: bool, case: Path | None, any_asked: bool, closed: bool) -> None:
    """Raise BadParameter where one option makes no sense without another, or with it."""
    if resume and case is None:
        raise typer.BadParameter("There is nothing to go on with; name a case (--case).", param_hint="--resume")
    if closed and not any_asked:
        raise typer.BadParameter(
            "--no-ask asks nobody. Hand over who is to be asked (--victim).", param_hint="--closed-set"
        )


def _attribute(
    attributor: Attributor, files: Sequence[Path], coverage: float, token: CancelToken, *, known: bool = False
) -> list[Record]:
    """The records of all files. known: whether they are clean images that the others will be told beside."""
    from core.attribute_files import attribute_files  # noqa: PLC0415 (torch)

    with progress_bars() as progress:
        records: list[Record] = []
        try:
            for batch in attribute_files(attributor, files, coverage=coverage, progress=progress, cancel=token):
                records += batch
        except (KeyboardInterrupt, Cancelled):
            what, way = ("known clean images", "") if known else ("files", _KEEPING)
            notify(f"{len(records):,} of {len(files):,} {what} were judged, and nothing of that is kept.{way}")
            raise
        return records


def _changes(case: Case) -> int:
    """How often a file of the case was found to be another; its tag and note are about what it was."""
    return sum(entry.action == "changed" for entry in case.log())


def _into_case(
    path: Path,
    resume: bool,
    attributor: Attributor,
    opened: tuple[Sequence[Path], bool],
    looked: Searched,
    coverage: float,
    ranks: Ranks,
    token: CancelToken,
) -> Subject:
    from core.batch import fill_case, fill_shared, note_left_out, note_opened, open_case  # noqa: PLC0415

    if not ranks.first:
        ranks.barrier()  # until the first has made the case
    with open_case(path, attributor.manifest, coverage, resume=resume or not ranks.first) as case:
        if ranks.first:
            case.settle(attributor.basis)  # a case that is refused for its victims keeps its log as it is
            note_opened(case, *opened)
            note_left_out(case, looked.left_out)
            ranks.barrier()
        before = _changes(case)
        with progress_bars() as progress:
            if ranks.count > 1:
                fill_shared(ranks, case, attributor, looked.files, progress=progress)
            else:
                fill_case(case, attributor, looked.files, progress=progress, cancel=token)
        if ranks.first and (changed := _changes(case) - before):
            notify(f"Changed since they were judged, and judged anew: {changed}. `mtaa case log {path}` names them.")
        return of_case(case) if ranks.first else Subject([], case.manifest, "")
