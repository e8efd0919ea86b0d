"""What a case's log tells of the case itself, where that cannot be read any more (:mod:`core.case_recovery`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from core.listed import LogEntry

RECOVERED = "recovered"
"""How the log of a case that was recovered says so."""

Row = tuple[Any, ...]
"""Of the log: number, time, action and detail."""

_RUN = re.compile(r"[\d,]+ of [\d,]+ files wait; pack ([a-z0-9][a-z0-9._-]*@[0-9a-f]{12});")
"""As a run says with what it begins, and at its end how many files there are (:func:`core.batch.fill_case`)."""
_FILES = re.compile(r"(\d+) files in the case, ")
_ENDS = ("finished", "stopped")
_REMARK = re.compile(r"(.*): (tag|note) ('.*'|\".*\")", re.DOTALL)
_MOVED = re.compile(r"(.*) was found again by its hash as (.*)", re.DOTALL)
"""As :mod:`core.case` logs what is put beside a file, and where it is now."""


def pack_in(log: Sequence[Row]) -> str:
    """The id of the pack that judged, as the last run says; empty where none does."""
    named = [run[1] for *_, action, detail in log if action == "attribute" and (run := _RUN.match(detail))]
    return named[-1] if named else ""


def files_in(log: Sequence[Row]) -> int:
    """How many files were in the case when the last run ended."""
    ends = [int(end[1]) for *_, action, detail in log if action in _ENDS and (end := _FILES.match(detail))]
    return ends[-1] if ends else 0


def missing_in(log: Sequence[Row]) -> int:
    """How many entries are missing at least: they are numbered without gaps."""
    return max((number for number, *_ in log), default=0) - len(log)


def remarks_in(log: Sequence[Row]) -> Mapping[str, Mapping[str, str]]:
    """Tags and notes by path and column as they were set last, under the names that files were found again by."""
    found: dict[str, dict[str, str]] = {}
    for *_, action, detail in log:
        if action == "moved" and (moved := _MOVED.fullmatch(detail)) and moved[1] in found:
            found[moved[2]] = found.pop(moved[1])
        if action == "remark" and (said := _REMARK.fullmatch(detail)):
            with suppress(ValueError, SyntaxError, MemoryError):  # what a damaged page makes of it
                found.setdefault(said[1], {})[said[2]] = str(ast.literal_eval(said[3]))
    return {path: said for path, said in found.items() if any(said.values())}


def recovered_in(log: Iterable[LogEntry]) -> str:
    """What a case that was recovered says of that; empty for any other."""
    return "; ".join(entry.detail for entry in log if entry.action == RECOVERED)


def as_logged(path: str) -> str:
    """The log holds no lone surrogates."""
    return path.encode("utf-8", "backslashreplace").decode()
