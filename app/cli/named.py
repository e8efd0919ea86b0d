"""The paths that a command names: its arguments, and those in a list."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from core.errors import WorkbenchError

STDIN = Path("-")
_FEW = 5
"""Paths that a message names."""


def named(paths: list[Path], files_from: Path | None, case: Path | None) -> list[Path]:
    """All paths that the command names, and those in its list."""
    found = [*paths, *(_listed(files_from) if files_from is not None else [])]
    if not found:
        raise typer.BadParameter("Name image files or their folders, or a list of them (--files-from).")
    # A case keeps all that it was given: a slip of the pen would stay in it.
    if case is not None and (lost := [path for path in found if not os.path.lexists(path)]):
        raise WorkbenchError(f"There is no {some(lost)}.", "Correct the path; nothing was put into the case.")
    return found


def _listed(file: Path) -> list[Path]:
    """The paths in a file or on standard input. Raises WorkbenchError where it cannot be read."""
    try:
        data = sys.stdin.buffer.read() if file == STDIN else file.read_bytes()
    except OSError as error:
        raise WorkbenchError(f"{file} cannot be read: {error.strerror}.", "Check the path.") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as some shells of Windows write lists
        data = data.decode("utf-16", "replace").encode()
    elif data.startswith((b"\x89PNG", b"\xff\xd8", b"PK", b"SQLite")):
        raise WorkbenchError(f"{file} is no list of paths.", "Name images without --files-from.")
    data = data.removeprefix(codecs.BOM_UTF8)
    between = b"\0" if b"\0" in data else b"\n"
    found = [Path(os.fsdecode(line)) for line in (part.rstrip(b"\r") for part in data.split(between)) if line]
    if not found:
        where = "Standard input" if file == STDIN else str(file)
        raise WorkbenchError(f"{where} names no file.", "Give a path on each line.")
    return found


def nothing(paths: Sequence[Path], left_out: str) -> WorkbenchError:
    there = f" Left out, {left_out}." if left_out else ""
    return WorkbenchError(f"There is no image in {some(paths)}.{there}", "Name image files or their folder.")


def some(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - _FEW:,} more" if len(paths) > _FEW else ""
    return ", ".join(map(str, paths[:_FEW])) + more
