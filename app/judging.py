"""What a worker does with a pack: make its attributor, load images, judge them, tell answers of them anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from app.requests import Attributes, Entry, Setup, error_record
from core.errors import ImageError, PackError, VictimError
from core.listed import Record
from core.progress import CancelToken
from core.types import Attribution, LoadedImage, Reference

if TYPE_CHECKING:
    from core.manifest import Manifest

BATCH = 16
"""Images between two looks at the queue: few enough that a view request waits for a fraction of a second."""

_PIXELS = 2**20
"""Of the decoded images between two looks; a single one may have more."""


def make_attributor(setup: Setup) -> Attributes:
    """The real thing. Imports torch, so only the worker thread calls it. Raises PackError, VictimError, DeviceError."""
    from core.attributor import Attributor  # noqa: PLC0415  (torch must not delay the first paint)
    from core.pack import find_pack, load_pack  # noqa: PLC0415
    from core.victim_store import offered  # noqa: PLC0415

    pack = load_pack(find_pack(setup.pack))
    ask = setup.ask or setup.only is not None
    found = offered(pack.manifest, [Path(file) for file in setup.victims], ask=ask, pack=pack.path)
    asked = [one.held for one in found if one.held is not None and setup.asks(one.held)]
    fitting = replace(pack, manifest=pack.manifest.fitting(setup.fit or pack.manifest.image.fit))
    lost = not set(setup.closed) <= {one.sha256 for one in asked}
    if lost and setup.only is None:  # it may be the one, and would be ruled out unseen
        raise VictimError("A victim of the closed set is not at hand.", "Hand over its file, or open the set.")
    attributor = Attributor(fitting, setup.device, asked, closed=bool(setup.closed) and not lost)
    refer(attributor, setup)
    return attributor


def refer(attributor: Attributes, setup: Setup) -> None:
    """Have it tell its answers beside the setup's known clean images.

    Raises PackError where they were judged otherwise; but what a case keeps to is left out where a victim is gone.
    """
    try:
        attributor.refer_to(setup.reference)
    except PackError as error:
        if setup.only is None:
            raise PackError(error.what, "Forget them, and take them again.") from error
        attributor.refer_to(None)


def gpus() -> tuple[tuple[str, str], ...]:
    """The GPUs of this machine as (device, name). Imports torch."""
    import torch  # noqa: PLC0415

    return tuple((f"cuda:{at}", torch.cuda.get_device_name(at)) for at in range(torch.cuda.device_count()))


def judge(
    attributor: Attributes, pairs: Sequence[tuple[Entry, LoadedImage]], coverage: float, cancel: CancelToken
) -> list[Record]:
    """One record for each pair; an image that the pack cannot judge does not take its batch mates with it.

    At the nearest coverage that the pack is calibrated for: one slider is for all packs.
    """
    if not pairs:
        return []
    coverage = attributor.manifest.calibration.nearest(coverage)
    try:
        findings = attributor.attribute([image for _, image in pairs], coverage=coverage, cancel=cancel)
    except ImageError as error:
        if len(pairs) == 1:
            return [error_record(pairs[0][0], str(error))]
        return [record for pair in pairs for record in judge(attributor, [pair], coverage, cancel)]
    return [
        Record(entry.path, image.sha256, "ok", None, finding)
        for (entry, image), finding in zip(pairs, findings, strict=True)
    ]


class Telling:
    """How answers are to be told: at which coverage, and beside which known clean images."""

    def __init__(self, coverage: float, reference: Reference | None) -> None:
        self.coverage, self.reference = coverage, reference
        self._digest = None if reference is None else reference.digest

    def holds(self, record: Record) -> bool:
        """Whether a record's answer, if it has one, is told so."""
        answer = None if record.finding is None else record.finding.attribution
        return answer is None or (answer.attack.coverage == self.coverage and self.is_beside(answer))

    def is_beside(self, answer: Attribution) -> bool:
        """Whether it is beside these, as far as some of them were judged as it was."""
        known = self.reference is not None and self.reference.of(answer.evidence)
        return (None if answer.beside is None else answer.beside.digest) == (self._digest if known else None)


def told_anew(
    records: Sequence[Record], manifest: Manifest, coverage: float, reference: Reference | None
) -> list[Record]:
    """The records beside these known clean images, at the nearest coverage that the pack is calibrated for.

    Each as it is where it is so already, or another pack's.
    """
    from core.answers import covering  # noqa: PLC0415  (torch)
    from core.reference import beside  # noqa: PLC0415

    telling = Telling(manifest.calibration.nearest(coverage), reference)

    def anew(record: Record) -> Record:
        finding = record.finding
        if finding is None or finding.attribution.pack_id != manifest.pack_id or telling.holds(record):
            return record
        answer = finding.attribution
        if answer.attack.coverage != telling.coverage:
            answer = covering(answer, manifest, telling.coverage)
        if not telling.is_beside(answer):
            answer = beside(answer, manifest, reference)
        return replace(record, finding=replace(finding, attribution=answer))

    return [anew(record) for record in records]


def load_some(waiting: Iterator[Entry]) -> list[tuple[Entry, LoadedImage | str]]:
    """The next entries' images, or why they are none: as many as are judged between two looks at the queue."""
    loaded: list[tuple[Entry, LoadedImage | str]] = []
    pixels = 0
    for entry in islice(waiting, BATCH):
        try:
            image: LoadedImage | str = entry.load()
        except ImageError as error:
            image = str(error)
        loaded.append((entry, image))
        pixels += 0 if isinstance(image, str) else image.size[0] * image.size[1]
        if pixels >= _PIXELS:
            break
    return loaded
