"""One record as a report shows it: its picture and heatmap, read again when the card is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core.listed import Record, Remark
from core.report.pictures import MAX_SIDE, heatmap_picture, picture
from core.report.subject import Subject
from core.types import Attribution
from core.wording import brightness

_MANY = 24
_SMALL_SIDE = 256
"""Of more cards than a few, each is smaller, so that a report of photographs can still be opened."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown of one record. size: (width, height) of the image. source: what its heatmap shows, and how."""

    name: str
    record: Record
    answer: Attribution | None
    size: tuple[int, int] | None
    picture: Image.Image | None
    heatmap: Image.Image | None
    source: str
    remark: Remark
    copy_of: str
    """The file that came first with the same bytes; empty for that one itself."""


def cards(shown: Sequence[Record], subject: Subject) -> Iterator[Card]:
    """The cards of some of the records, one at a time: only its pictures' thumbnails stay of a photograph."""
    side = MAX_SIDE if len(shown) <= _MANY else _SMALL_SIDE
    first: dict[str, str] = {}
    for record in subject.records:
        if record.sha256:
            first.setdefault(record.sha256, record.path)
    for record in shown:
        original = first.get(record.sha256 or "", record.path)
        pixels = subject.pictures.get(record.path)
        heat = None if pixels is None else subject.heatmaps(record, pixels)
        yield Card(
            name=Path(record.path).name,
            record=record,
            answer=record.finding.attribution if record.finding else None,
            size=None if pixels is None else (pixels.shape[2], pixels.shape[1]),
            picture=None if pixels is None else picture(pixels, side),
            heatmap=None if pixels is None or heat is None else heatmap_picture(pixels, heat.strength, side),
            source=f"{heat.source}; {brightness(heat)}" if heat else "",
            remark=subject.remarks.get(record.path, Remark()),
            copy_of="" if original == record.path else original,
        )
