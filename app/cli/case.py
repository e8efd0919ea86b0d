"""``mtaa case``: what a case holds, and its tables and reports, without attributing anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from app.cli.console import notify, output, plain
from app.cli.writing import CsvOption, JsonOption, Outputs, ReportOption, drawn_by
from core.case import Case
from core.errors import CaseError
from core.pack import find_pack, find_pack_of, load_pack
from core.report.subject import Heatmaps, Subject, of_case, own_heatmap
from core.report.summary import Summary, summarise
from core.victim_store import victims_to_ask

cli = typer.Typer(help="Show a case, and write it out as tables and reports.", no_args_is_help=True)

_File = Annotated[Path, typer.Argument(metavar="FILE.mtaacase", help="The case.")]


@cli.command()
def show(file: _File) -> None:
    """Say what a case was made with, and how many of its files got which answer."""
    with Case(file) as case:
        subject, coverage = of_case(case), case.coverage
    summary = summarise(subject.records, subject.manifest)
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in _facts(subject, summary, coverage).items():
        facts.add_row(name, plain(value))
    output().print(facts)
    for heading, counts in (("Attack", summary.attacks), ("Victim", _victims(subject))):
        table = Table(heading, "Files", "of these unfamiliar", box=box.SIMPLE_HEAD, pad_edge=False)
        for label, count, strange in counts:
            table.add_row(plain(label), f"{count:,}", f"{strange:,}")
        if counts:
            output().print(table)
    for path, reason in summary.failures:
        output().print(plain(f"{path}: {reason}", "red"))


def _victims(subject: Subject) -> list[tuple[str, int, int]]:
    """As Summary.victims, but for the victims that were handed over: each by its own name."""
    answers = [record.finding.attribution for record in subject.records if record.finding is not None]
    named = Counter(answer.victim.label for answer in answers)
    strange = Counter(answer.victim.label for answer in answers if not answer.familiarity.familiar)
    return [(label, count, strange[label]) for label, count in named.most_common()]


@cli.command()
def log(file: _File) -> None:
    """Print what was done with a case, and when."""
    with Case(file) as case:
        for entry in case.log():
            output().print(plain(f"{entry.time}  {entry.action}: {entry.detail}"))


@cli.command()
def export(
    file: _File,
    *,
    json: JsonOption = None,
    csv: CsvOption = None,
    report: ReportOption = None,
    pack: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="The case's pack, if it is not where packs are looked for.")
    ] = None,
    victim: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="One that was handed over to be asked, for the heatmaps; may be repeated."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|cuda:N", help="Where heatmaps are computed.")] = "auto",
) -> None:
    """Write a case out, with its tags and notes; its log keeps that.

    A report shows the images that are still where they were, with heatmaps where the case's pack is at hand.
    """
    outputs = Outputs(json, csv, report)
    if not outputs.named:
        raise typer.BadParameter("Name a file to write: --json, --csv or --report.")
    outputs.check(file)
    with Case(file) as case:
        subject, asked = of_case(case), case.asked()
        if report is not None:
            subject = replace(subject, heatmaps=_heatmaps(subject, asked, pack, victim or [], device))
        outputs.write(subject, lambda path: _note(case, f"{len(subject.records)} files to {path}"))


def _note(case: Case, told: str) -> None:
    """A case that may only be read is exported all the same."""
    try:
        case.write_log("exported", told)
    except CaseError as error:
        notify(f"Not in the case's log: {error}")


def _heatmaps(
    subject: Subject, asked: dict[str, str], wanted: str | None, handed: list[Path], device: str
) -> Heatmaps:  # fmt: skip
    """Drawn by the pack and the victims that judged; none where this machine has not the pack."""
    manifest = subject.manifest
    path = find_pack(wanted) if wanted is not None else find_pack_of(manifest)
    if path is None:
        notify(f"This machine has not the pack {manifest.pack_id}: the report has no heatmaps. Name its file (--pack).")
        return own_heatmap
    from core.attributor import Attributor  # noqa: PLC0415 (torch)
    from core.batch import check_pack  # noqa: PLC0415

    pack = load_pack(path)
    check_pack(Path(subject.case), manifest, pack.manifest)
    held = [victim for victim in victims_to_ask(manifest, bool(asked), handed, path) if victim.sha256 in asked]
    if missing := sorted(asked[sha256] for sha256 in asked.keys() - {victim.sha256 for victim in held}):
        notify(f"Not at hand, though asked: {', '.join(missing)} (--victim). Some heatmaps may be left out.")
    return drawn_by(Attributor(replace(pack, manifest=manifest), device, held))


def _facts(subject: Subject, summary: Summary, coverage: float) -> dict[str, str]:
    manifest = subject.manifest
    here = find_pack_of(manifest)
    asked = ", ".join(name for name, _ in summary.asked)
    told = {
        "Pack": f"{manifest.title} ({manifest.pack_id})" + ("" if here else ", which this machine has not"),
        "Judged": f"at {coverage:.4g} coverage, images of another size by {manifest.image.fit}, on {subject.device}",
        "Victims asked": asked or "none",
        "Files": f"{summary.files:,}, {summary.attributed:,} attributed, {summary.failed:,} not; "
        f"{summary.duplicates:,} copies, {summary.unfamiliar:,} unfamiliar",
        "Tags and notes": f"{len(subject.remarks):,}",
        "Left out": subject.left_out,
        "Log": f"{len(subject.log):,} entries",
    }
    return {name: value for name, value in told.items() if value}
