"""One self-contained HTML file about a set of records: opens offline, prints, and runs no script."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core import discoveries, versions, wording
from core.case_log import recovered_in
from core.files import write_file
from core.paths import RESOURCES
from core.report.cards import cards
from core.report.pictures import uri
from core.report.plots import plots, svg_uri
from core.report.subject import Subject
from core.report.summary import choose_cards, sample_sentence, short_log, summarise
from core.together import in_words


def write_html(path: Path, subject: Subject) -> None:
    """See :func:`core.report.write_report`."""
    write_file(path, render(subject).encode("utf-8", "replace"))


def render(subject: Subject) -> str:
    """The report as text; everything that came from a file or a pack is escaped, and legible to its end."""
    environment = Environment(
        loader=FileSystemLoader(RESOURCES / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_legible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        sentence=lambda text: f"{text[:1].upper() if text[:1].isascii() else text[:1]}{text[1:]}.",  # κ stays κ
        why_not=wording.why_not,
        percent=wording.percent,
        doubt=wording.doubt,
        false_alarm=wording.false_alarm,
        entropy=wording.entropy,
        value=wording.value_of,
        hyperparameter=wording.hyperparameter,
        notes=wording.notes,
        testimony=wording.testimony,
        uri=uri,
    )
    manifest, records = subject.manifest, subject.records
    summary, shown = summarise(records, manifest, part=subject.part), choose_cards(records)
    return environment.get_template("report.html.jinja").render(
        manifest=manifest,
        device=subject.device,
        judged_with=subject.program,
        written_with=versions.told(),
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z"),
        summary=summary,
        rate=discoveries.RATE,
        countable=discoveries.countable_in_words(summary.beside),
        together=in_words(summary.together),
        unasked=summary.unasked(manifest),
        plots=[(plot.title, svg_uri(plot)) for plot in plots(summary)],
        sampled=sample_sentence(len(shown), len(records)),
        cards=cards(shown, subject),
        columns=wording.COLUMNS,
        rows=map(wording.row, shown),
        case=subject.case,
        log=short_log(subject.log),
        left_out=subject.left_out,
        waiting=subject.waiting,
        recovered=recovered_in(subject.log),
        no_picture=wording.NO_PICTURE,
        method=wording.METHOD,
        limits=wording.LIMITS,
        as_closed=wording.AS_CLOSED,
        seen=wording.SEEN,
        before=wording.BEFORE,
        known_clean=wording.known_clean(summary.beside),
    )


def _legible(value: object) -> object:
    """What the template puts in, names and reasons among it; markup of its own macros stays as it is."""
    return wording.shown(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
