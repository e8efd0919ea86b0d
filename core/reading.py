"""Files read, hashed, decoded and fitted to a pack in a few threads ahead of the device, handed on in input order.

A decoded photograph is many times as large as what the network takes of it, so each thread keeps one decoded image for
as long as it fits it, and only the fitted pixels wait for the device. Those may be many tiles of one image: a thread
begins another file only while few tiles wait.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Container, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue

from core.errors import ImageError
from core.files import modified_ns
from core.imageio import MAX_FILE_BYTES, decode_image, no_memory, read_bytes
from core.listed import FileFacts
from core.manifest import ImageSpec
from core.preprocess import Fitted, prepare
from core.progress import PATIENCE, CancelToken

THREADS = min(4, os.cpu_count() or 1)
_TASK = 8
"""Files a task: handing over each file alone would cost more than decoding a small one."""


@dataclass(frozen=True, slots=True)
class FittedFile:
    """What became of one file.

    fitted: what the pack's network sees of it; None where ``error`` says why there is nothing, or where the hash was
    known and the file was not decoded.
    """

    path: Path
    sha256: str | None
    facts: FileFacts | None
    fitted: Fitted | None
    error: str | None

    @property
    def tiles(self) -> int:
        return 0 if self.fitted is None else len(self.fitted.tiles)


def read_ahead(
    paths: Sequence[Path], spec: ImageSpec, ahead: int, known: Container[str], cancel: CancelToken
) -> Generator[FittedFile, None, None]:
    """Every path in order, with up to ``ahead`` files, or tiles of them, read before they are asked for.

    known: hashes of which nothing but the file's own facts is wanted; asked from several threads.
    Raises Cancelled within a moment of ``cancel``, also while a file is being waited for.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="decode")
    room = _Room(ahead)

    def submit(chunk: Sequence[Path]) -> _Chunk:
        ready: SimpleQueue[list[FittedFile]] = SimpleQueue()
        return _Chunk(len(chunk), ready, pool.submit(_read, chunk, spec, known, ready, room))

    chunks = (paths[start : start + _TASK] for start in range(0, len(paths), _TASK))
    waiting: deque[_Chunk] = deque()
    try:
        waiting.extend(map(submit, islice(chunks, max(THREADS, -(-ahead // _TASK)))))
        while waiting:
            for file in _handed_over(waiting.popleft(), room, cancel):
                room.take(-file.tiles)
                yield file
            waiting.extend(map(submit, islice(chunks, 1)))
    finally:
        room.close()
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Consecutive files of one task. ready: in order, as many at once as are ready."""

    files: int
    ready: SimpleQueue[list[FittedFile]]
    task: Future[None]


class _Room:
    """Room for tiles that wait for the device."""

    def __init__(self, tiles: int) -> None:
        self._change = threading.Condition()
        self._free = tiles
        self._next: SimpleQueue[list[FittedFile]] | None = None
        self._closed = False

    def enter(self, ready: SimpleQueue[list[FittedFile]]) -> bool:
        """Wait for room; whoever is waited for himself need not. False once nothing more is wanted."""
        with self._change:
            self._change.wait_for(lambda: self._closed or self._free > 0 or self._next is ready)
            return not self._closed

    def take(self, tiles: int) -> None:
        """So many more wait, or fewer where negative."""
        with self._change:
            self._free -= tiles
            if tiles < 0:
                self._change.notify_all()

    def call(self, ready: SimpleQueue[list[FittedFile]]) -> None:
        """Let whoever fills ``ready`` go on without room until he hands something over, unless he has already."""
        with self._change:
            self._next = ready if ready.empty() else None
            self._change.notify_all()

    def hand_over(self, files: list[FittedFile], ready: SimpleQueue[list[FittedFile]]) -> None:
        with self._change:  # or he would go on until whoever called him wakes up
            ready.put(files)
            if self._next is ready:
                self._next = None

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()


def _read(
    chunk: Sequence[Path], spec: ImageSpec, known: Container[str], ready: SimpleQueue[list[FittedFile]], room: _Room
) -> None:
    """Fit the files of a chunk; small ones are handed over together, many tiles at once."""
    done: list[FittedFile] = []
    for path in chunk:
        if not room.enter(ready):
            return
        done.append(file := _fit(path, spec, known))
        room.take(file.tiles)
        if sum(each.tiles for each in done) > _TASK:
            room.hand_over(done, ready)
            done = []
    room.hand_over(done, ready)


def _handed_over(chunk: _Chunk, room: _Room, cancel: CancelToken) -> Generator[FittedFile, None, None]:
    remaining = chunk.files
    while remaining:
        cancel.check()
        room.call(chunk.ready)
        try:
            files = chunk.ready.get(timeout=PATIENCE)
        except Empty:
            if chunk.task.done():
                chunk.task.result()  # raises what went wrong there, if anything did
            continue
        remaining -= len(files)
        yield from files


def _fit(path: Path, spec: ImageSpec, known: Container[str]) -> FittedFile:
    sha256, facts = None, None
    try:
        data, state = read_bytes(path)
        facts = FileFacts(state.st_size, modified_ns(state), time.time_ns())
        if len(data) <= MAX_FILE_BYTES:  # otherwise only its beginning was read
            sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in known:
            return FittedFile(path, sha256, facts, None, None)
        image = decode_image(data, str(path), sha256)
        fitted = prepare(image, spec)
    except (ImageError, MemoryError) as error:
        told = no_memory(str(path)) if isinstance(error, MemoryError) else error
        short = MemoryError in (type(error), type(error.__cause__))  # says nothing of the file: it is looked at again
        return FittedFile(path, sha256, None if short else facts, None, str(told))
    height, width = image.size
    facts = replace(facts, format=image.format, width=width, height=height, bits=image.bits, lossy=image.lossy)
    return FittedFile(path, sha256, facts, fitted, None)
