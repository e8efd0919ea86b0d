"""What commands write out: JSON, CSV and reports, and the table for people at a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from app.cli.console import EXIT_USAGE, notify, output, plain, writing_output
from core import discoveries, together, wording
from core.errors import WorkbenchError
from core.files import check_writable, write_parts
from core.folders import is_evidence
from core.labels import NONE_OF_THESE
from core.listed import NO_REMARK, Record
from core.report import check_suffix, write_report
from core.report.subject import Heatmaps, Pictures, Subject
from core.types import Attribution, Beside, FloatArray, Heatmap, LoadedImage

if TYPE_CHECKING:
    from core.attributor import Attributor

STDOUT = Path("-")

JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="FILE|-", help="Write JSON to a file, or to standard output for -.")
]
CsvOption = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE|-", help="Write every number as CSV, to a file or to standard output for -."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html|FILE.pdf", help="Write a report with plots and heatmaps."),
]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a command was asked for."""

    json: Path | None
    csv: Path | None
    report: Path | None

    @property
    def named(self) -> list[Path]:
        return [path for path in (self.json, self.csv, self.report) if path is not None]

    @property
    def to_stdout(self) -> bool:
        """Whether JSON or CSV takes standard output, which then holds nothing else."""
        return STDOUT in (self.json, self.csv)

    def check(self, case: Path | None) -> None:
        """Raise WorkbenchError or BadParameter for what cannot be written: before hours of work and not after.

        case: that the command is about, whose place none of them may take.
        """
        if self.report is not None:
            check_suffix(self.report)
        for path in self.named:
            if self.named.count(path) > 1:
                raise WorkbenchError(f"{path} cannot be two things at once.", "Give each its own file.")
            if path == STDOUT:
                continue
            if case is not None and os.path.realpath(path) == os.path.realpath(case):
                raise WorkbenchError(f"{path} is the case itself.", "Choose another file.")
            if is_evidence(path):
                raise WorkbenchError(f"{path} is an image, a case or a pack and would be lost.", "Choose another file.")
            check_writable(path)

    def write(self, found: Subject, written: Callable[[Path], None] = lambda _: None) -> int:
        """The exit status: what failed is told, and the others are written. written: told of those."""
        status = 0
        every = ((self.json, _json), (self.csv, _csv), (self.report, _report))
        for path, write in sorted(every, key=lambda one: one[0] == STDOUT):  # which may be closed early
            try:
                if path is not None:
                    write(path, found)
                    written(path)
            except WorkbenchError as error:  # the others are not lost with it
                notify(f"Error: {error}", style="red")
                status = EXIT_USAGE
        return status


def drawn_by(attributor: Attributor) -> Heatmaps:
    """Heatmaps that a report asks for, one at a time."""

    def heatmap(record: Record, pixels: FloatArray) -> Heatmap | None:
        image = LoadedImage(record.path, record.sha256 or "", pixels, "", 8, False)
        (found,) = attributor.attribute([image], heatmaps=True)
        return record.map_of(found)

    return heatmap


def _json(path: Path, found: Subject) -> None:
    _write(path, found.json_parts())


def _csv(path: Path, found: Subject) -> None:
    _write(path, found.csv_parts())


def _write(path: Path, parts: Iterable[bytes]) -> None:
    if path != STDOUT:
        write_parts(path, parts)
        return
    with writing_output("Name a file."):
        sys.stdout.buffer.writelines(parts)
        sys.stdout.buffer.flush()


def _report(path: Path, found: Subject) -> None:
    near = found.within_reach()
    write_report(path, replace(found, pictures=Pictures(near)))
    notify(f"Report: {path}")
    if barred := len(found.records) - len(near):
        notify(
            f"{barred} files are on other computers and were not opened for this case by you: the report does not show "
            "them. `mtaa attribute FOLDER --case FILE --resume` opens their folder."
        )


# --- the table ----------------------------------------------------------------------------------------------------


def print_table(found: Subject, *, each: bool) -> None:
    """One row a file, or of a case only the files that failed, for it may have thousands. Raises WorkbenchError."""
    with writing_output("Make room, or send it elsewhere."):
        _print_table(found, each=each)


def _print_table(found: Subject, *, each: bool) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    tagged = each and any(record.path in found.remarks for record in found.records)
    headings = ("File", "Attack", "Victim", "Hyperparameter", "Doubt and notes", *(["Tag and note"] if tagged else []))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    known = {victim.name for victim in found.manifest.victims}
    for record in found.records:
        remark = found.remarks.get(record.path, NO_REMARK)
        own = (plain(" – ".join(filter(None, (remark.tag, " / ".join(remark.note.splitlines()))))),) if tagged else ()
        if record.finding and each:
            table.add_row(plain(record.path), *_cells(record.finding.attribution, known), *own)
        elif not record.finding:
            why = plain(record.error or "", "red")
            table.add_row(plain(record.path), Text("not attributed", "red"), "", "", why, *own)
    failed = sum(record.status == "error" for record in found.records)
    console = output()
    if table.row_count:
        console.print(table)
    summary = f"{len(found.records) - failed} attributed" + (f", {failed} not" if failed else "")
    coverage = next((r.finding.attribution.attack.coverage for r in found.records if r.finding), None)
    doubt = f", doubt at {coverage:.4g} coverage" if coverage is not None else ""
    named = dict.fromkeys(t.victim for r in found.records if r.finding for t in r.finding.attribution.testimonies)
    closed = any(r.finding.attribution.closed_set for r in found.records if r.finding)
    asked = f", asking {', '.join(named)}{wording.AS_CLOSED if closed else ''}" if named else ""
    if len(found.records) > 1 and (told := discoveries.in_words(found.attacked, _beside(found.records))):
        summary += f"; {told}"
    strange = [f.attribution.familiarity for r in found.records if each and (f := r.finding)]
    for calibrated in sorted({familiarity.calibrated for familiarity in strange if not familiarity.familiar}):
        console.print(plain(f"An unfamiliar image: {wording.of_strange(calibrated=calibrated)}."))
    if said := together.in_words(together.of_records(found.records)):
        console.print(plain(f"{said[:1].upper()}{said[1:]}."))
    console.print(plain(f"{summary}; pack {found.manifest.pack_id}, {found.device}{asked}{doubt}"))


def _beside(records: Iterable[Record]) -> set[Beside]:
    """Known clean images that any of them was told beside."""
    each = (record.finding.attribution.beside for record in records if record.finding)
    return {known for known in each if known is not None}


def _cells(answer: Attribution, known: Collection[str]) -> tuple[Text, ...]:
    hyper = answer.hyperparameter
    interval = f" ({' to '.join(wording.ends_of(hyper))})" if hyper.name != "none" else ""
    return (
        plain(f"{answer.attack.label} {wording.percent(answer.attack.probability)}"),
        plain(f"{answer.victim.label} {wording.percent(answer.victim.probability)}"),
        plain((wording.value_of(hyper) or "none") + interval),
        plain("; ".join(_notes(answer, known))),
    )


def _notes(answer: Attribution, known: Collection[str]) -> list[str]:
    """known: the pack's own victims."""
    notes = wording.notes(answer, asking=False)
    if not answer.familiarity.familiar:
        notes[0] = wording.strangeness(answer.familiarity)  # what that means is told once, below
    for task, classes in (("attack", answer.attack), ("victim", answer.victim)):
        if len(classes.prediction_set) > 1:
            notes.append(f"{task}: {wording.candidates(classes)}")
    if answer.beside is not None and (told := wording.false_alarm(answer)):
        notes.append(told)
    if answer.victim.label not in {*known, NONE_OF_THESE}:
        notes.append(f"{answer.victim.label} was handed over: how probable it is was calibrated on none")
    return notes
