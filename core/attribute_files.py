"""Files in, records out: read ahead in threads, judged on one device, batch by batch."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from core.attributor import Attributor
from core.errors import Cancelled
from core.findings import findings
from core.judged import Judged, Prepared, batches
from core.listed import Record
from core.progress import PATIENCE, CancelToken, ProgressCallback, ProgressMeter
from core.reading import FittedFile, read_ahead
from core.types import DEFAULT_COVERAGE, Finding


def attribute_files(
    attributor: Attributor,
    paths: Sequence[Path],
    *,
    coverage: float = DEFAULT_COVERAGE,
    progress: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
    known: Mapping[str, Finding] | None = None,
) -> Generator[list[Record], None, None]:
    """One record a path, in order, batch by batch; a file that is no image becomes a record that says why.

    Files are read ahead in threads; memory holds a few decoded images and a few batches of tiles, however many paths
    there are. A batch is full once it has as many tiles as a pass takes, be they of one image.
    The same bytes under two names in a batch or the next are judged once, others by ``known``.
    known: findings by hash that need not be made again. It may grow between records, and is asked which hashes it
    contains from several threads.
    Raises Cancelled within a moment of ``cancel``: the batch in hand is then given up.
    """
    cancel = cancel or CancelToken()
    known = {} if known is None else known
    cancel.check()
    meter = ProgressMeter("attributing", len(paths), progress, cancel=cancel)
    files = read_ahead(paths, attributor.manifest.image, 2 * attributor.batch, known, cancel)
    carried: dict[str, Finding] = {}
    reference = attributor.reference  # whatever is told of it meanwhile
    batch: _Batch | None = None
    ahead: _Batch | None = None
    try:
        for chunk in chain(batches(files, attributor.batch), [[]]):
            batch, ahead = ahead, _begin(attributor, chunk, known, ahead, cancel)
            if batch is not None:
                judged = _judged(batch, cancel)
                found = findings(judged, attributor.manifest, attributor.panel, coverage, reference)
                records, carried = _records(batch, found, known, carried, ahead)
                yield records
                meter.advance(len(batch.files))
            cancel.check()
    finally:
        for left in (batch, ahead):
            if left is not None:
                left.judged.cancel()
        files.close()


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch on the device: while the network has it, the answers of the batch before are written down.

    fresh: what is judged, by hash; the other files are broken, known, or copies.
    """

    files: list[FittedFile]
    fresh: dict[str, Prepared]
    judged: Future[list[Judged]]


def _begin(
    attributor: Attributor,
    files: list[FittedFile],
    known: Container[str],
    before: _Batch | None,
    cancel: CancelToken,
) -> _Batch:
    fresh: dict[str, Prepared] = {}
    # Judged there or earlier, and carried to here; but not what could not be decoded there.
    handed_on = {file.sha256 for file in before.files if file.fitted is not None} if before else set()
    for file in files:
        sha256 = file.sha256
        if sha256 is None or file.fitted is None or sha256 in known or sha256 in handed_on:
            continue
        fresh.setdefault(sha256, _as_prepared(file))
    return _Batch(files, fresh, attributor.thread.submit(attributor.judge, list(fresh.values()), cancel=cancel))


def _judged(batch: _Batch, cancel: CancelToken) -> list[Judged]:
    """The batch's answers. A pause waits for them, a cancel does not: a slow device takes seconds for a batch."""
    while True:
        try:
            return batch.judged.result(PATIENCE)
        except TimeoutError:
            if cancel.cancelled:
                raise Cancelled from None


def _records(
    batch: _Batch,
    findings: Iterator[Finding],
    known: Mapping[str, Finding],
    carried: dict[str, Finding],
    ahead: _Batch,
) -> tuple[list[Record], dict[str, Finding]]:
    """The batch's records, and the findings that the batch ahead needs too."""
    records: list[Record] = []
    copies = Counter(file.sha256 for file in (*batch.files, *ahead.files))
    shared = dict(carried)
    for file in batch.files:
        path = os.fspath(file.path)
        if file.error is not None or file.sha256 is None:
            records.append(Record(path, file.sha256, "error", file.error, None, file.facts))
            continue
        finding = shared.get(file.sha256) or (next(findings) if file.sha256 in batch.fresh else known[file.sha256])
        if copies[file.sha256] > 1:
            shared[file.sha256] = finding
        records.append(Record(path, file.sha256, "ok", None, finding, file.facts))
    needed = {file.sha256 for file in ahead.files}
    return records, {sha256: finding for sha256, finding in shared.items() if sha256 in needed}


def _as_prepared(file: FittedFile) -> Prepared:
    assert file.sha256 is not None and file.fitted is not None and file.facts is not None
    assert file.facts.height is not None and file.facts.width is not None
    return Prepared(file.sha256, file.fitted, (file.facts.height, file.facts.width))
