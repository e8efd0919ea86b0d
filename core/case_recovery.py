"""What can still be read of a damaged case, put into a new one; the damaged file stays as it is.

SQLite finds rows by their numbers, in a tree of pages. Where it fails at a damaged page, the rows before and behind it
are read all the same, and each is checked as a case's own would be.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from core.case import Case
from core.case_format import beginning, damaged, fault_of, make_database, open_damaged, text_of
from core.errors import CaseError
from core.manifest import Manifest
from core.opened import remember, remembered
from core.pack import list_packs
from core.progress import CancelToken
from core.records import answers_from_json, reference_from_json
from core.types import DEFAULT_COVERAGE, Attribution

_READ = 256
"""Rows that are read at once, until some of them cannot be."""
_ONE_BY_ONE = 64
_FARTHEST = 100_000
"""Rows that are given up before all behind them are. Any page has fewer below it but the one that leads to all."""
_PACK = re.compile(r"; pack ([a-z0-9][a-z0-9._-]*@[0-9a-f]{12});")
"""As a run says in the log what it judges with (:func:`core.batch.fill_case`)."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOST = "The answer about it was lost where the case was damaged. Attribute it again."


@dataclass(slots=True)
class Recovered:
    """files: of the case, in the new one. lost: of these, those whose answers could not be read, which are to be judged
    again. answers: about different images. remarks: files with a tag or note. log: entries."""

    files: int = 0
    lost: int = 0
    answers: int = 0
    remarks: int = 0
    log: int = 0

    def __str__(self) -> str:
        waiting = f", of {self.lost:,} without an answer" if self.lost else ""
        return (
            f"{self.files:,} files{waiting}, {self.answers:,} answers, tags or notes of {self.remarks:,} files, "
            f"{self.log:,} entries of the log"
        )


def recover(path: Path, into: Path, *, cancel: CancelToken | None = None) -> Recovered:
    """Put what can be read of the case in ``path`` into a new case.

    Where it does not tell any more which pack judged, its log does, and this machine is to have that pack; what else
    the answers rested on is taken from themselves. Raises CaseError where nothing can be read, where there is no such
    pack, or where the new case cannot be written; Cancelled, and then there is no new case.
    """
    try:
        source = open_damaged(path)
    except (OSError, sqlite3.Error) as error:
        raise fault_of(path, error) from error
    try:
        facts = _facts(source, cancel)
        if "manifest" not in facts:
            facts["manifest"] = _pack_of(source, path, cancel).model_dump_json()
        with beginning(into) as temporary:
            target = make_database(temporary, {})
            try:
                found = _Recovery(source, target, facts, path, cancel).run()
            finally:
                target.close()
    finally:
        source.close()
    with Case(into) as case:  # checked as any other is
        remember(into, remembered(path, case.named().items()))
    return found


def _facts(source: sqlite3.Connection, cancel: CancelToken | None) -> dict[str, str]:
    """What can be read of the case's facts, each checked."""
    checks: dict[str, Callable[[str], object]] = {
        "manifest": Manifest.model_validate_json,
        "coverage": float,
        "asked": lambda text: [str(name) for name in json.loads(text).values()],
        "closed": str,
        "reference": lambda text: reference_from_json(json.loads(text)),
    }
    found: dict[str, str] = {}
    for _, key, value in _rows(source, "facts", "key, value", cancel):
        with suppress(AttributeError, LookupError, TypeError, ValueError, RecursionError):
            checks[key](value)
            found[key] = value
    return found


def _pack_of(source: sqlite3.Connection, path: Path, cancel: CancelToken | None) -> Manifest:
    """The pack that the case's log names, where this machine has it."""
    log = " ".join(str(detail) for _, detail in _rows(source, "log", "detail", cancel))
    named = _PACK.findall(log)
    if not named:
        raise CaseError(f"{path} does not tell any more which pack judged its images.", "Go back to a copy of it.")
    for listed in list_packs():
        if listed.manifest is not None and listed.manifest.pack_id == named[-1]:
            return listed.manifest
    raise CaseError(f"{path} has lost the pack {named[-1]}, and this machine has it not.", "Import that pack first.")


@dataclass(slots=True)
class _Recovery:
    """One recovery under way. judged: hashes whose answers were read. asked, closed, coverage: as these tell it."""

    source: sqlite3.Connection
    target: sqlite3.Connection
    facts: dict[str, str]
    path: Path
    cancel: CancelToken | None
    manifest: Manifest = field(init=False)
    found: Recovered = field(default_factory=Recovered)
    judged: set[str] = field(default_factory=set)
    asked: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    coverage: float | None = None

    def run(self) -> Recovered:
        self.manifest = Manifest.model_validate_json(self.facts["manifest"])
        self.target.execute("BEGIN")
        self._images()
        self._files()
        self._log()
        if not (self.found.files or self.found.answers):
            raise damaged(self.path, "none of its files can be read")
        self._basis()
        self.target.execute("COMMIT")
        return self.found

    def _images(self) -> None:
        names = "sha256, format, width, height, bits, lossy, answers"
        for _, sha256, *row in _rows(self.source, "images", names, self.cancel):
            answer = self._answer(sha256, row)
            if answer is None or sha256 in self.judged:
                continue
            self.target.execute("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?)", (sha256, *row))
            self.judged.add(sha256)
            self.asked |= {said.sha256: said.victim for said in answer.testimonies}
            self.closed |= answer.closed_set
            self.coverage = self.coverage or answer.attack.coverage
        self.found.answers = len(self.judged)

    def _answer(self, sha256: Any, row: list[Any]) -> Attribution | None:
        """The answer of a row, None for one that no case holds."""
        kind, *numbers, answers = row
        if not (_is_hash(sha256) and isinstance(kind, str) and all(isinstance(number, int) for number in numbers)):
            return None
        try:
            answer = answers_from_json(json.loads(answers), sha256, self.manifest.pack_id)
        except (KeyError, TypeError, ValueError, RecursionError):
            return None
        known = {attack.name for attack in self.manifest.attacks}
        return answer if {candidate.label for candidate in answer.attack.ranking} == known else None

    def _files(self) -> None:
        paths = set()
        for _, path, sha256, *row in _rows(
            self.source, "files", "path, sha256, bytes, modified_ns, read_ns, error, tag, note", self.cancel
        ):
            *numbers, error, tag, note = row
            try:
                named, reason = text_of(path), None if error is None else text_of(error)
            except sqlite3.DataError:
                continue
            whole = all(number is None or isinstance(number, int) for number in numbers)
            if not (named and whole and isinstance(tag, str) and isinstance(note, str)) or named in paths:
                continue
            if sha256 is not None and not _is_hash(sha256):
                continue
            state: tuple[Any, ...] = (sha256, *numbers, error)
            if reason is None and sha256 not in self.judged:  # without its size and time it waits to be judged again
                state = (sha256, None, None, None, _LOST)
                self.found.lost += 1
            self.target.execute(
                "INSERT INTO files (path, sha256, bytes, modified_ns, read_ns, error, tag, note) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (path, *state, tag, note),
            )
            paths.add(named)
            self.found.remarks += bool(tag or note)
        self.found.files = len(paths)

    def _log(self) -> None:
        insert = "INSERT INTO log (time, action, detail) VALUES (?, ?, ?)"
        for _, *entry in _rows(self.source, "log", "time, action, detail", self.cancel):
            if all(isinstance(text, str) for text in entry):
                self.target.execute(insert, entry)
                self.found.log += 1
        told = f"{self.found}, from the damaged {self.path}".encode("utf-8", "backslashreplace").decode()
        self.target.execute(insert, (datetime.now(UTC).isoformat(timespec="milliseconds"), "recovered", told))

    def _basis(self) -> None:
        coverage = self.coverage or self.manifest.calibration.nearest(DEFAULT_COVERAGE)
        told = {"coverage": repr(coverage), **({"asked": json.dumps(self.asked)} if self.judged else {})}
        told |= {"closed": "yes"} if self.closed else {}
        self.target.executemany("INSERT INTO facts VALUES (?, ?)", (told | self.facts).items())


def _rows(
    source: sqlite3.Connection, table: str, columns: str, cancel: CancelToken | None
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    """The rows of a table that can be read, each with its number first, in their order."""
    query = f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
    last: int | None = 0
    many = _READ
    while last is not None:
        if cancel is not None:
            cancel.check()
        try:
            rows = source.execute(query, (last, many)).fetchall()
        except sqlite3.Error:
            if many == 1:
                last = _past(source, query, last)
            many = 1
            continue
        if not rows:
            return
        yield from rows
        last, many = rows[-1][0], min(2 * many, _READ)


def _past(source: sqlite3.Connection, query: str, last: int) -> int | None:
    """The least number behind which rows can be read again that could not be behind ``last``; None if none is near.

    What a page holds is tried one by one; damage that goes on is at a page from which many others are found.
    """

    def readable(number: int) -> bool:
        try:
            source.execute(query, (number, 1)).fetchone()
        except sqlite3.Error:
            return False
        return True

    damaged = last
    for tries in count():
        number = damaged + 1 + tries // _ONE_BY_ONE
        if readable(number):
            return next(at for at in range(damaged + 1, number + 1) if readable(at))
        if number > last + _FARTHEST:
            break
        damaged = number
    return None


def _is_hash(text: Any) -> bool:
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None
