"""Files read, hashed, decoded and fitted to a pack in a few threads ahead of the device, handed on in input order.

A decoded photograph is a hundred times as large as what the network takes of it, so each thread keeps one decoded
image for as long as it fits it, and only the fitted pixels wait for the device.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Container, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from core.errors import ImageError
from core.imageio import MAX_FILE_BYTES, decode_image, read_bytes
from core.manifest import ImageSpec
from core.preprocess import prepare
from core.progress import CancelToken
from core.types import FileFacts, FloatArray

THREADS = min(4, os.cpu_count() or 1)
_TASK = 8
"""Files a task: handing over each file alone would cost more than decoding a small one."""

PATIENCE = 0.1
"""Seconds between two looks at the cancel token while a slow disk or device is waited for."""


@dataclass(frozen=True, slots=True)
class FittedFile:
    """What became of one file.

    pixels: float32 [C, H, W] as the pack's network takes them; None where ``error`` says why there are none, or
    where the hash was known and the file was not decoded.
    """

    path: Path
    sha256: str | None
    facts: FileFacts | None
    pixels: FloatArray | None
    adjustments: tuple[str, ...]
    error: str | None


def read_ahead(
    paths: Sequence[Path], spec: ImageSpec, ahead: int, known: Container[str], cancel: CancelToken
) -> Generator[FittedFile, None, None]:
    """Every path in order, with up to ``ahead`` files read before they are asked for.

    known: hashes of which nothing but the file's own facts is wanted; asked from several threads.
    Raises Cancelled within a moment of ``cancel``, also while a file is being waited for.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="decode")
    stopped = CancelToken()

    def task(chunk: Sequence[Path]) -> list[FittedFile]:
        return [_fit(path, spec, known) for path in chunk if not stopped.cancelled]

    chunks = (paths[start : start + _TASK] for start in range(0, len(paths), _TASK))
    waiting: deque[Future[list[FittedFile]]] = deque()
    try:
        waiting.extend(pool.submit(task, chunk) for chunk in islice(chunks, max(THREADS, -(-ahead // _TASK))))
        while waiting:
            yield from _wait(waiting.popleft(), cancel)
            waiting.extend(pool.submit(task, chunk) for chunk in islice(chunks, 1))
    finally:
        stopped.cancel()
        pool.shutdown(wait=False, cancel_futures=True)


def _wait(future: Future[list[FittedFile]], cancel: CancelToken) -> list[FittedFile]:
    while True:
        cancel.check()
        try:
            return future.result(PATIENCE)
        except NotYet:
            continue


def _fit(path: Path, spec: ImageSpec, known: Container[str]) -> FittedFile:
    sha256, facts = None, None
    try:
        data, state = read_bytes(path)
        facts = FileFacts(state.st_size, state.st_mtime_ns, time.time_ns())
        if len(data) <= MAX_FILE_BYTES:  # otherwise only its beginning was read
            sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in known:
            return FittedFile(path, sha256, facts, None, (), None)
        image = decode_image(data, str(path), sha256)
        pixels, adjustments = prepare(image, spec)
    except ImageError as error:
        return FittedFile(path, sha256, facts, None, (), str(error))
    height, width = image.size
    facts = replace(facts, format=image.format, width=width, height=height, bits=image.bits, lossy=image.lossy)
    return FittedFile(path, sha256, facts, pixels, adjustments, None)
