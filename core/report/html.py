"""One self-contained HTML file about a set of records: opens offline, prints, and runs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core import wording
from core.files import write_file
from core.manifest import Manifest
from core.paths import RESOURCES
from core.report.pictures import heatmap_uri, picture_uri
from core.types import Attribution, FloatArray, Record
from core.versions import versions


@dataclass(frozen=True, slots=True)
class _Card:
    """What the template shows of one record."""

    name: str
    record: Record
    answer: Attribution | None
    size: tuple[int, int] | None
    picture: str | None
    heatmap: str | None
    source: str


def write_report(
    path: str | Path,
    records: Sequence[Record],
    images: Mapping[str, FloatArray],
    manifest: Manifest,
    device: str,
) -> None:
    """Write the report atomically.

    images: float32 [C, H, W] in [0, 1] by the record's path; a record without one gets no picture.
    Raises WorkbenchError where the file cannot be written.
    """
    html = render(records, images, manifest, device)
    write_file(Path(path), html.encode("utf-8", "replace"))


def render(records: Sequence[Record], images: Mapping[str, FloatArray], manifest: Manifest, device: str) -> str:
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
    )
    return environment.get_template("report.html.jinja").render(
        manifest=manifest,
        device=device,
        versions=", ".join(f"{name} {number}" for name, number in versions().items()),
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z"),
        counts=_counts(records),
        cards=[_card(record, images.get(record.path)) for record in records],
    )


def _card(record: Record, pixels: FloatArray | None) -> _Card:
    heat = record.finding.heatmap if record.finding else None
    return _Card(
        name=Path(record.path).name,
        record=record,
        answer=record.finding.attribution if record.finding else None,
        size=None if pixels is None else (pixels.shape[2], pixels.shape[1]),
        picture=None if pixels is None else picture_uri(pixels),
        heatmap=None if pixels is None or heat is None else heatmap_uri(pixels, heat.strength),
        source=heat.source if heat else "",
    )


def _counts(records: Iterable[Record]) -> dict[str, list[tuple[str, int]]]:
    """How many images got which answer, most frequent first."""
    answers = [record.finding.attribution for record in records if record.finding]
    failed = sum(record.status == "error" for record in records)
    unfamiliar = sum(not answer.familiarity.familiar for answer in answers)
    return {
        "Images": [("attributed", len(answers)), ("unfamiliar among them", unfamiliar), ("could not be read", failed)],
        "Attack": Counter(answer.attack.label for answer in answers).most_common(),
        "Victim": Counter(answer.victim.label for answer in answers).most_common(),
    }
