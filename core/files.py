"""Writes that leave either the old file or the whole new one, whatever happens in between."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import DiskFullError, WorkbenchError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LOCK = "in-use.lock"
_YOUNG = 600.0
"""Seconds. No file stands still for as long while it is written."""

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
_PATIENCE = 2.0
"""Seconds to wait for a folder: :func:`in_use` takes hold of its lock for a moment, too."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well and vanishes when it does not.

    It is on the disk by then, or a failing power supply might leave the new name with nothing behind it.
    A link stays: what it leads to is replaced.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:  # Windows syncs nothing that may only be read
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes, a part at a time. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(path: Path) -> None:
    """Make a folder and what lies above it, if it is not there. Raises WorkbenchError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkbenchError(
            f"The folder {path} cannot be made: {reason}.", "Choose a folder that is yours."
        ) from error


def write_file(path: Path, data: bytes) -> None:
    """Put ``data`` in ``path`` atomically. Raises WorkbenchError where it cannot be written, DiskFullError for want of
    room."""
    write_parts(path, (data,))


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """The same with what comes part by part, so that a large file need not fit into memory."""
    _check_file(path)
    size, remaining = 0, iter(parts)
    try:
        with replacing(path) as temporary, temporary.open("xb") as file:
            for part in remaining:
                size += len(part)
                file.write(part)
    except OSError as error:
        if error.errno in _NO_ROOM:
            size += sum(map(len, remaining))
        raise unwritten(path, size, error) from error


def unwritten(path: Path, needed: int, error: OSError) -> WorkbenchError:
    """What to raise where ``needed`` bytes could not be written to ``path``."""
    if error.errno in _NO_ROOM:
        return DiskFullError(path, needed, free_space(path.parent))
    reason = error.strerror or str(error)
    return WorkbenchError(f"{path} cannot be written: {reason}.", "Choose a folder that exists and is yours.")


def check_writable(path: Path) -> None:
    """Raise WorkbenchError where a file can hardly be written, before the work that it is to hold."""
    folder = path.absolute().parent
    if os.path.isdir(path) or not os.path.isdir(folder):  # noqa: PTH112 (is_dir() raises for a lost network)
        reason = "it is a folder" if os.path.isdir(path) else f"there is no folder {folder}"  # noqa: PTH112
        raise WorkbenchError(f"{path} cannot be written: {reason}.", "Choose a file in a folder that exists.")
    _check_file(path)
    if not os.access(folder, os.W_OK):
        raise WorkbenchError(f"{path} cannot be written: {folder} may not be written to.", "Choose another folder.")


def _check_file(path: Path) -> None:
    """Raise WorkbenchError for a device or a pipe, which a file would take the place of."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112, PTH113
        raise WorkbenchError(f"{path} cannot be written: it is not a regular file.", "Choose a file in a folder.")


def modified_ns(state: os.stat_result) -> int:
    """When a file was last changed, in nanoseconds; beyond 2262, which no case can hold, the last date that it can."""
    return max(-(2**63), min(2**63 - 1, state.st_mtime_ns))


def free_space(folder: Path) -> int | None:
    """Bytes left on the disk of a folder that may be not there yet, None where the system does not say."""
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return None


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have a folder to oneself until the block ends, or the process, however it ends.

    The folder is made if it is not there. Raises WorkbenchError if another process has it, or it cannot be written to.
    """
    make_folder(folder)
    lock = FileLock(folder / _LOCK, timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout as error:
        raise WorkbenchError(
            f"Another process is at work in {folder}.", "Wait for its end, or choose another folder."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkbenchError(f"{folder} cannot be written to: {reason}.", "Choose a folder that is yours.") from error
    try:
        _sweep(folder)
        yield
    finally:
        lock.release()


def _sweep(folder: Path) -> None:
    """Remove what :func:`replacing` left in a folder, and below it, when a process was killed.

    What is young may be another process's, in a folder of its own below, and no leftover at all.
    """
    for path in folder.rglob(".*.tmp"):
        with suppress(OSError):  # it has gone meanwhile, or is not ours: a leftover hinders nobody
            if _TEMPORARY.fullmatch(path.name) and path.stat().st_mtime < time.time() - _YOUNG:
                path.unlink()


def in_use(folder: Path) -> bool:
    """Whether a process is in :func:`alone_in` with this folder."""
    if not (folder / _LOCK).exists():
        return False
    try:
        with FileLock(folder / _LOCK, blocking=False):
            return False
    except Timeout:
        return True
    except OSError:
        return False
