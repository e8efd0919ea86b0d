"""The report as PDF on A4 pages, drawn by matplotlib: text that can be searched, no window system, no browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from core import discoveries, versions, wording
from core.case_log import recovered_in
from core.files import write_file
from core.listed import Record
from core.report.cards import Card, cards
from core.report.lettering import ending, families, wrapped
from core.report.plots import Plot, plots
from core.report.subject import Subject
from core.report.summary import Summary, choose_cards, sample_sentence, short_log, summarise
from core.together import in_words
from core.types import Attribution

_A4 = (8.27, 11.69)
_LEFT, _TOP, _LINE = 0.08, 0.95, 0.0152
_LINES = 58
_WIDTH = 108
_CARD_WIDTH = 68
"""Characters a line of running text, and beside a card's pictures."""
_CARD_LINE, _CARD_LEAST, _CARD_MARGINS = 0.0125, 0.205, 0.04
"""Of the page's height: a line beside a card's pictures, the least a card takes, what is above and below its lines."""
_HEADING = 88
"""Characters of a card's heading, in bold."""
_COLUMNS, _COLUMN_WIDTHS = (_LEFT, 0.45, 0.61, 0.77), (50, 22, 22, 22)
"""Of the table of files: where each begins, and how many characters it has."""
_BOTTOM = 0.05
_CARD_LINES = int((_TOP - _BOTTOM - _CARD_MARGINS) / _CARD_LINE)
_PLOTS, _PLOT_TITLE = 11.0, 0.4
"""Inches for plots on a page, and for the title of each."""
_SET: dict[Any, Any] = {
    "pdf.fonttype": 3,  # outlines of any kind of font file; 42 takes those with cubic ones for what they are not
    "pdf.compression": 6,
    "text.parse_math": False,
}
_TITLE = {"Title": "Attribution report", "Creator": "MTAA Workbench"}


def write_pdf(path: Path, subject: Subject) -> None:
    """See :func:`core.report.write_report`."""
    shown, drawn = choose_cards(subject.records), BytesIO()  # which is small: there are only so many cards
    with mpl.rc_context(_SET | {"font.family": families()}), PdfPages(drawn, metadata=_TITLE) as pdf:
        running = _pages(subject, sample_sentence(len(shown), len(subject.records)))
        pages = chain(running, _table_pages(shown), _card_pages(cards(shown, subject)), _log_pages(subject))
        for number, page in enumerate(pages, 1):
            page.text(0.92, 0.03, str(number), fontsize=8, ha="right")
            pdf.savefig(page)
    write_file(path, drawn.getvalue())


# --- running text and plots -----------------------------------------------------------------------------------------


def _pages(subject: Subject, sampled: str) -> Iterator[Figure]:
    summary = summarise(subject.records, subject.manifest, part=subject.part)
    yield from _text_pages("Who made these images", _facts(summary, subject, sampled))
    yield from _plot_pages(plots(summary))
    if summary.failures and sampled:  # otherwise each has a card
        more = summary.failed - len(summary.failures)
        listed = [f"{path} – {reason}" for path, reason in summary.failures]
        rest = [f"And {more:,} more, which the CSV and JSON files have."] if more else []
        yield from _text_pages("Not attributed", listed + rest)


def _log_pages(subject: Subject) -> Iterator[Figure]:
    if subject.log:
        lines = [f"{entry.time}  {entry.action}: {entry.detail}" for entry in short_log(subject.log)]
        yield from _text_pages("Log of the case", lines)


def _table_pages(shown: Sequence[Record]) -> Iterator[Figure]:
    """The files that are shown below, a line each."""
    rows = [wording.row(record) for record in shown]
    for start in range(0, len(rows), _LINES):
        page = Figure(figsize=_A4)
        page.text(_LEFT, _TOP, "Files", fontsize=15, va="top")
        for at, row in enumerate((wording.COLUMNS, *rows[start : start + _LINES])):
            for left, width, text in zip(_COLUMNS, _COLUMN_WIDTHS, row, strict=True):
                weight = "normal" if at else "bold"
                line = ending(text, width) if left == _LEFT else wrapped(text, width)[0]
                page.text(left, _TOP - 0.04 - (at - 1) * _LINE, line, fontsize=8, va="top", weight=weight)
        yield page


def _plot_pages(found: Sequence[Plot]) -> Iterator[Figure]:
    """As many plots a page as fit."""
    page: list[Plot] = []
    for plot in found:
        if page and sum(p.height + _PLOT_TITLE for p in page) + plot.height + _PLOT_TITLE > _PLOTS:
            yield _plot_page(page)
            page = []
        page.append(plot)
    if page:
        yield _plot_page(page)


def _plot_page(found: Sequence[Plot]) -> Figure:
    heights = [plot.height + _PLOT_TITLE for plot in found]
    figure = Figure(figsize=_A4, layout=ConstrainedLayoutEngine(rect=(_LEFT, 0.03, 1 - 2 * _LEFT, 0.94)))
    blank = max(_PLOTS - sum(heights), 0.01)
    parts = figure.subfigures(len(found) + 1, 1, squeeze=False, height_ratios=[*heights, blank])
    for plot, part in zip(found, np.ravel(parts), strict=False):
        part.suptitle(plot.title, fontsize=11)
        plot.draw(part)
    return figure


def _facts(summary: Summary, subject: Subject, sampled: str) -> list[str]:
    manifest = subject.manifest
    counts, victims, seen, before = (
        [f"{label}: {number:,}{f' ({strange:,} unfamiliar)' if strange else ''}" for label, number, strange in rows]
        for rows in (summary.attacks, summary.victims, summary.seen, summary.before)
    )
    return [
        *([f"Case: {subject.case}"] if subject.case else []),
        f"Model pack: {manifest.title} ({manifest.pack_id}), made {manifest.created}",
        f"Pack's SHA-256: {manifest.sha256}",
        f"Weights' SHA-256: {manifest.weights_sha256}",
        f"Training data's SHA-256: {manifest.data_fingerprint}",
        f"Attacks it knows: {', '.join(a.name for a in manifest.attacks)}",
        f"Victims it knows: {', '.join(v.name for v in manifest.victims)}",
        f"Victims asked{wording.AS_CLOSED if summary.closed else ''}: "
        f"{', '.join(f'{name} (SHA-256 {sha256[:12]})' for name, sha256 in summary.asked) or 'none'}",
        *([f"Known, not asked: {', '.join(unasked)}"] if (unasked := summary.unasked(manifest)) else []),
        *([f"Known clean images: {known}"] if (known := wording.known_clean(summary.beside)) else []),
        f"Device: {subject.device}",
        f"Judged with: {subject.program}",
        f"Written with: {versions.told()}",
        f"Written: {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}",
        "",
        f"Files: {summary.files:,}; attributed: {summary.attributed:,}, unfamiliar among them: {summary.unfamiliar:,}; "
        f"copies of another file: {summary.duplicates:,}; not attributed: {summary.failed:,}"
        + (f"; not in here, for they were not judged yet: {subject.waiting:,}" if subject.waiting else ""),
        f"Attack – {'; '.join(counts) or 'none'}",
        *([found[:1].upper() + found[1:]] if (found := discoveries.in_words(summary.attacked, summary.beside)) else []),
        f"Victim – {'; '.join(victims) or 'none'}",
        *(f"{what} – {'; '.join(told)}" for what, told in ((wording.SEEN, seen), (wording.BEFORE, before)) if told),
        *([f"Together – {said}"] if (said := in_words(summary.together)) else []),
        *([f"Left out, {subject.left_out}"] if subject.left_out else []),
        *([f"Recovered: {told}"] if (told := recovered_in(subject.log)) else []),
        *([sampled] if sampled else []),
        "",
        "Method. " + wording.METHOD,
        "",
        "Limits. " + wording.LIMITS,
    ]


def _text_pages(title: str, paragraphs: Iterable[str]) -> Iterator[Figure]:
    lines = [line for paragraph in paragraphs for line in wrapped(paragraph, _WIDTH)]
    for start in range(0, max(1, len(lines)), _LINES):
        page = Figure(figsize=_A4)
        page.text(_LEFT, _TOP, title, fontsize=15, va="top")
        for at, line in enumerate(lines[start : start + _LINES]):
            page.text(_LEFT, _TOP - 0.04 - at * _LINE, line, fontsize=9, va="top")
        yield page


# --- cards ----------------------------------------------------------------------------------------------------------


def _card_pages(found: Iterator[Card]) -> Iterator[Figure]:
    """As many cards a page as fit. One whose text is longer than a page goes on on the next."""
    page, top = Figure(figsize=_A4), _TOP
    for card in found:
        lines = [line for text in _card_text(card) for line in wrapped(text, _CARD_WIDTH)]
        for start in range(0, max(1, len(lines)), _CARD_LINES):
            part = lines[start : start + _CARD_LINES]
            if top < _TOP and top - _card_height(part) < _BOTTOM:
                yield page
                page, top = Figure(figsize=_A4), _TOP
            _draw_card(page, card, part, top)
            top -= _card_height(part)
    if top < _TOP:
        yield page


def _card_height(lines: Sequence[str]) -> float:
    """Of the page, for a card's text beside its pictures."""
    return max(_CARD_LEAST, _CARD_MARGINS + _CARD_LINE * len(lines))


def _draw_card(page: Figure, card: Card, lines: Sequence[str], top: float) -> None:
    """A card in the strip of the page that begins at ``top``."""
    for left, image in ((_LEFT, card.picture), (_LEFT + 0.19, card.heatmap)):
        if image is not None:
            axes = page.add_axes((left, top - 0.15, 0.17, 0.12))
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_axis_off()
    page.text(_LEFT, top, ending(card.record.path, _HEADING), fontsize=9, weight="bold", va="top")
    for at, line in enumerate(lines):
        page.text(_LEFT + 0.39, top - 0.02 - at * _CARD_LINE, line, fontsize=7, va="top")
    sha256 = card.record.sha256
    hashed = f"SHA-256 {sha256[:32]}\n{sha256[32:]}" if sha256 else "could not be read"
    page.text(_LEFT, top - 0.16, hashed, fontsize=7, va="top")
    end = top - _card_height(lines) + 0.008
    page.add_artist(Line2D((_LEFT, 0.92), (end, end), color="#bbbbbb", linewidth=0.5))


def _card_text(card: Card) -> Iterator[str]:
    if card.remark.tag or card.remark.note:
        note = " / ".join(card.remark.note.splitlines())  # each on a line of its own would say less about what it is
        yield f"Analyst: {' – '.join(part for part in (card.remark.tag, note) if part)}"
    if card.copy_of:
        yield f"Same bytes as {card.copy_of}"
    if card.answer is None:
        yield f"Not attributed: {wording.why_not(card.record.error, card.record.path)}"
        return
    yield from _answers(card.answer)
    if card.size is None:
        yield wording.NO_PICTURE
    elif card.heatmap is not None:
        yield f"Right: {card.source}"


def _answers(answer: Attribution) -> Iterator[str]:
    """What takes from the answers comes before them."""
    yield from (f"Note: {text}" for text in wording.notes(answer))
    for task, classes in (("Attack", answer.attack), ("Victim", answer.victim)):
        ranking = ", ".join(f"{c.label} {wording.percent(c.probability)}" for c in classes.ranking)
        yield f"{task}: {ranking}; {wording.doubt(classes)}; entropy {wording.entropy(classes)}"
    if told := wording.false_alarm(answer):
        yield f"Clean or not: {told}"
    yield f"Hyperparameter: {wording.hyperparameter(answer)}"
    yield from map(wording.testimony, answer.heard)
