"""One record as a report shows it: its picture and heatmap, read again when the card is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core.records import Remark
from core.report.pictures import MAX_SIDE, heatmap_picture, picture
from core.types import Attribution, FloatArray, Heatmap, Record

_MANY = 24
_SMALL_SIDE = 256
"""Of more cards than a few, each is smaller, so that a report of photographs can still be opened."""

Heatmaps = Callable[[Record, FloatArray], Heatmap | None]
"""From a record and its pixels [C, H, W] to where the perturbation lies."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown of one record. size: (width, height) of the image."""

    name: str
    record: Record
    answer: Attribution | None
    size: tuple[int, int] | None
    picture: Image.Image | None
    heatmap: Image.Image | None
    source: str
    remark: Remark


def own_heatmap(record: Record, _: FloatArray) -> Heatmap | None:
    """The heatmap that the record came with."""
    return record.finding.heatmap if record.finding else None


def cards(
    records: Sequence[Record],
    images: Mapping[str, FloatArray],
    heatmaps: Heatmaps,
    remarks: Mapping[str, Remark],
) -> Iterator[Card]:
    """The records' cards, one at a time: only its pictures' thumbnails stay of a photograph."""
    side = MAX_SIDE if len(records) <= _MANY else _SMALL_SIDE
    for record in records:
        pixels = images.get(record.path)
        heat = None if pixels is None else heatmaps(record, pixels)
        yield Card(
            name=Path(record.path).name,
            record=record,
            answer=record.finding.attribution if record.finding else None,
            size=None if pixels is None else (pixels.shape[2], pixels.shape[1]),
            picture=None if pixels is None else picture(pixels, side),
            heatmap=None if pixels is None or heat is None else heatmap_picture(pixels, heat.strength, side),
            source=heat.source if heat else "",
            remark=remarks.get(record.path, Remark()),
        )
