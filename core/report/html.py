"""One self-contained HTML file about a set of records: opens offline, prints, and runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core import wording
from core.case import LogEntry
from core.files import write_file
from core.manifest import Manifest
from core.paths import RESOURCES
from core.records import Remark
from core.report.cards import Heatmaps, cards, own_heatmap
from core.report.pictures import uri
from core.report.plots import plots, svg_uri
from core.report.summary import choose_cards, sample_sentence, summarise
from core.types import FloatArray, Record
from core.versions import versions


def write_html(
    path: Path,
    records: Sequence[Record],
    images: Mapping[str, FloatArray],
    manifest: Manifest,
    device: str,
    heatmaps: Heatmaps,
    remarks: Mapping[str, Remark],
    log: Sequence[LogEntry],
) -> None:
    """See :func:`core.report.write_report`."""
    html = render(records, images, manifest, device, heatmaps=heatmaps, remarks=remarks, log=log)
    write_file(path, html.encode("utf-8", "replace"))


def render(
    records: Sequence[Record],
    images: Mapping[str, FloatArray],
    manifest: Manifest,
    device: str,
    *,
    heatmaps: Heatmaps = own_heatmap,
    remarks: Mapping[str, Remark] | None = None,
    log: Sequence[LogEntry] = (),
) -> str:
    """The report as text; everything that came from a file or a pack is escaped."""
    environment = Environment(
        loader=FileSystemLoader(RESOURCES / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        sentence=lambda text: f"{text[:1].upper()}{text[1:]}.",
        percent=wording.percent,
        doubt=wording.doubt,
        entropy=wording.entropy,
        value=wording.hyperparameter_value,
        interval=wording.hyperparameter_interval,
        unfamiliarity=wording.unfamiliarity,
        uri=uri,
    )
    summary, shown = summarise(records), choose_cards(records)
    return environment.get_template("report.html.jinja").render(
        manifest=manifest,
        device=device,
        versions=", ".join(f"{name} {number}" for name, number in versions().items()),
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z"),
        summary=summary,
        plots=[(plot.title, svg_uri(plot)) for plot in plots(summary, manifest)],
        sampled=sample_sentence(len(shown), len(records)),
        cards=cards(shown, images, heatmaps, remarks or {}),
        log=log,
        method=wording.METHOD,
        limits=wording.LIMITS,
    )
