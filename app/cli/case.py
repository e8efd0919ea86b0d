"""``mtaa case``: what a case holds, its tags, tables and reports, without attributing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from app.cli.console import notify, output, plain, progress_bars
from app.cli.writing import STDOUT, CsvOption, JsonOption, Outputs, ReportOption, drawn_by, print_table
from core import discoveries, together, wording
from core.case import Case, absolute
from core.case_log import recovered_in
from core.errors import CaseError, WorkbenchError
from core.listed import NO_REMARK, Record
from core.pack import find_pack, find_pack_of, load_pack
from core.report.facets import class_told
from core.report.subject import Heatmaps, Subject, of_case, own_heatmap
from core.report.summary import Summary, summarise
from core.types import Basis
from core.victim_store import victims_to_ask

cli = typer.Typer(help="Show, list, tag, verify and recover a case, and write it out.", no_args_is_help=True)

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
    counted = ("Attack", summary.attacks), ("Victim", _victims(subject))
    for heading, counts in (*counted, (wording.SEEN, summary.seen), (wording.BEFORE, summary.before)):
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


_KINDS = {"seen": "class", "before": "class"}
"""What is picked, where the option is called otherwise."""


@cli.command("list")
def list_(
    file: _File, *,
    attack: Annotated[str | None, typer.Option(metavar="NAME", help="Only files with this attack named.")] = None,
    victim: Annotated[str | None, typer.Option(metavar="NAME", help="Only files with this victim named.")] = None,
    seen: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Only attacked files in which the named victim sees this class.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Only attacked files that were of this class before.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only files with this tag.")] = None,
    unfamiliar: Annotated[bool, typer.Option("--unfamiliar", help="Only unfamiliar files.")] = False,
) -> None:  # fmt: skip
    """List the files of a case with their answers, tags and notes; all, or those that every option holds for."""
    with Case(file) as case:
        subject = of_case(case)
    options = {"attack": attack, "victim": victim, "seen": seen, "before": before, "tag": tag}
    given = {what: name for what, name in options.items() if name is not None}
    _check_labels(subject, {what: name for what, name in given.items() if (what, name) != ("tag", "")})  # untagged
    wanted = {what: _alike(what, name) for what, name in given.items()}

    def is_wanted(record: Record) -> bool:
        labels = {what: _alike(what, name) for what, name in _labels(record, subject).items()}
        strange = record.finding is not None and not record.finding.attribution.familiarity.familiar
        return all(labels.get(what) == name for what, name in wanted.items()) and (strange or not unfamiliar)

    found = [record for record in subject.records if is_wanted(record)]
    print_table(replace(subject, records=found, part=len(found) < len(subject.records)), each=True)


def _labels(record: Record, subject: Subject) -> dict[str, str]:
    """What a file can be picked by."""
    labels = {"tag": subject.remarks.get(record.path, NO_REMARK).tag}
    if record.finding is None:
        return labels
    answer = record.finding.attribution
    classes = {"seen": class_told(answer, "label"), "before": class_told(answer, "before")}
    return labels | classes | {"attack": answer.attack.label, "victim": answer.victim.label}


def _alike(what: str, name: str) -> str:
    """What is the same for names that are: tags are the user's own, as they were written."""
    return name if what == "tag" else name.lower()


def _check_labels(subject: Subject, wanted: Mapping[str, str]) -> None:
    """Raise WorkbenchError for a label that no file of the case can have: a slip would look like a finding."""
    answers = [record.finding.attribution for record in subject.records if record.finding is not None]
    ranked = {candidate.label for answer in answers for candidate in answer.victim.ranking}
    told = [_labels(record, subject) for record in subject.records]
    own = {
        "attack": [label.name for label in subject.manifest.attacks],
        "victim": [*(label.name for label in subject.manifest.victims), *sorted(ranked)],
        "seen": subject.manifest.class_names,
        "before": subject.manifest.class_names,
    }
    for what, name in wanted.items():
        there = dict.fromkeys([*own.get(what, ()), *sorted({labels.get(what, "") for labels in told} - {""})])
        if _alike(what, name) not in (_alike(what, label) for label in there):
            raise WorkbenchError(
                f"The case has no {_KINDS.get(what, what)} {name or '“”'}.", f"It has {', '.join(there) or 'none'}."
            )


@cli.command("tag")
def tag_(
    file: _File,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Files of the case.")],
    tag: Annotated[str | None, typer.Option(help='The tag they get; "" takes it away.')] = None,
    note: Annotated[str | None, typer.Option(help='The note they get; "" takes it away.')] = None,
) -> None:
    """Tag files of a case, or put a note beside them. All of them, or none where one is not in the case."""
    if tag is None and note is None:
        raise typer.BadParameter("Give a --tag or a --note.")
    paths = [absolute(image) for image in images]
    with Case(file) as case:
        case.set_remarks(
            tags=None if tag is None else dict.fromkeys(paths, tag.strip()),
            notes=None if note is None else dict.fromkeys(paths, note.strip()),
        )


@cli.command()
def verify(file: _File) -> None:
    """Read every file of a case again and compare its hash with the one that was judged; the log keeps what was found.

    Exit status 1 if one was changed, is gone or cannot be read.
    """
    from core.verify import verify as verify_files  # noqa: PLC0415 (the name is the command's)

    with Case(file) as case:
        with progress_bars() as progress:
            found = verify_files(of_case(case), progress)
        console = output()
        for what, paths in (("changed", found.changed), ("gone", found.gone)):
            for path in paths:
                console.print(plain(f"{what}: {path}", "red"))
        for reason in found.unreadable:
            console.print(plain(f"not readable now: {reason}", "red"))
        console.print(plain(found.in_words()))
        _note(case, "verified", found.in_words())
    if not found.all_as_they_were:
        raise typer.Exit(1)


@cli.command()
def log(file: _File) -> None:
    """Print what was done with a case, and when."""
    with Case(file) as case:
        for entry in case.log():
            output().print(plain(f"{entry.time}  {entry.action}: {entry.detail}"))


@cli.command()
def recover(
    file: _File, into: Annotated[Path, typer.Argument(metavar="NEW.mtaacase", help="The new case.")]
) -> None:  # fmt: skip
    """Put what can still be read of a damaged case into a new one: files, answers, tags, notes and log.

    The damaged one stays as it is. Files whose answer is lost are attributed again by `mtaa attribute FOLDER --case
    NEW.mtaacase --resume`.
    """
    from core.case_recovery import recover as recovered  # noqa: PLC0415 (the name is the command's)

    with progress_bars() as progress:
        found = recovered(file, into, tell=progress)
    output().print(plain(f"{into}: {found}"))


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
        subject, basis = of_case(case), case.basis()
        if report is not None:
            subject = replace(subject, heatmaps=_heatmaps(subject, basis, pack, victim or [], device))
        told = f"{len(subject.records)} files to "
        raise typer.Exit(outputs.write(subject, lambda path: _note(case, "exported", told + _place(path))))


def _place(path: Path) -> str:
    return "standard output" if path == STDOUT else absolute(path)


def _note(case: Case, action: str, told: str) -> None:
    """A case that may only be read is exported and verified all the same."""
    try:
        case.write_log(action, told)
    except CaseError as error:
        notify(f"Not in the case's log: {error}")


def _heatmaps(
    subject: Subject, basis: Basis, wanted: str | None, handed: list[Path], device: str
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
    names = basis.asked
    held = [victim for victim in victims_to_ask(manifest, bool(names), handed, path) if victim.sha256 in names]
    if missing := sorted(names[sha256] for sha256 in names.keys() - {victim.sha256 for victim in held}):
        notify(f"Not at hand, though asked: {', '.join(missing)} (--victim). Some heatmaps may be left out.")
    return drawn_by(Attributor(replace(pack, manifest=manifest), device, held, closed=basis.closed))


def _facts(subject: Subject, summary: Summary, coverage: float) -> dict[str, str]:
    manifest = subject.manifest
    here = find_pack_of(manifest)
    asked = ", ".join(name for name, _ in summary.asked)
    told = {
        "Pack": f"{manifest.title} ({manifest.pack_id})" + ("" if here else ", which this machine has not"),
        "Judged": f"at {coverage:.4g} coverage, images of another size by {manifest.image.fit}, on {subject.device}",
        "Victims asked": (asked or "none") + (wording.AS_CLOSED if summary.closed else ""),
        "Known clean images": wording.known_clean(summary.beside),
        "Files": f"{summary.files:,}, {summary.attributed:,} attributed, {summary.failed:,} not; "
        f"{summary.duplicates:,} copies, {summary.unfamiliar:,} unfamiliar",
        "Attacked": discoveries.in_words(summary.attacked, summary.beside).removeprefix("attacked "),
        "Together": together.in_words(summary.together),
        "Tags and notes": f"{len(subject.remarks):,}",
        "Left out": subject.left_out,
        "Recovered": recovered_in(subject.log),
        "Log": f"{len(subject.log):,} entries",
    }
    return {name: value for name, value in told.items() if value}
