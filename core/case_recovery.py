"""What can still be read of a damaged case, put into a new one; the damaged file stays as it is."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.adjustments import Kind
from core.case import Case
from core.case_answers import AnswerReader, coverage_of
from core.case_format import (
    beginning,
    fault_of,
    goes_on_as_database,
    half_done,
    make_database,
    open_damaged,
    text_of,
    with_new_beginning,
)
from core.case_log import RECOVERED, as_logged, files_in, missing_in, pack_in, remarks_in
from core.damaged_tables import indexed, rows
from core.errors import CaseError, DamagedCaseError
from core.listed import LOST
from core.manifest import Fit, Manifest
from core.opened import remember, remembered
from core.pack import list_packs
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.records import answers_to_json, reference_from_json
from core.reference import beside
from core.types import DEFAULT_COVERAGE, Attribution

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LEAST_ROW = 16
"""Bytes that a row takes. A number beyond what the file can hold is none: rows are numbered without gaps."""
_FITS: dict[Kind, Fit] = {
    Kind.RESIZED: "resize", Kind.TILES: "tiles", Kind.SOME_TILES: "tiles", Kind.MIDDLE: "crop",
}  # fmt: skip


@dataclass(slots=True)
class Recovered:
    """files: of the case, in the new one. missing: at least so many are not. lost: of these, those whose answers could
    not be read, which wait to be judged again; bare: those whose tag and note could not.

    answers: about different images. remarks: files with a tag or note. log, log_missing: entries, and at least so many
    more. notes: what else is not as it was.
    """

    files: int = 0
    missing: int = 0
    lost: int = 0
    bare: int = 0
    answers: int = 0
    remarks: int = 0
    log: int = 0
    log_missing: int = 0
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = [
            f"{self.files:,} files" + (f", at least {self.missing:,} more are missing" if self.missing else ""),
            f"{self.lost:,} without their answer" if self.lost else "",
            f"{self.bare:,} without a tag or note that they may have had" if self.bare else "",
            f"{self.answers:,} answers",
            f"tags or notes of {self.remarks:,} files",
            f"{self.log:,} entries of the log"
            + (f", at least {self.log_missing:,} more are missing" if self.log_missing else ""),
            *self.notes,
        ]
        return "; ".join(text for text in told if text)


def recover(
    path: Path, into: Path, *, tell: ProgressCallback = lambda _: None, cancel: CancelToken | None = None
) -> Recovered:  # fmt: skip
    """Put what can be read of the case in ``path`` into a new case.

    Where it does not tell any more which pack judged, its log does, and this machine is to have that pack; which
    victims were asked is told by the answers then. Raises CaseError where nothing can be read, where there is no such
    pack, or where the new case cannot be written; Cancelled. There is no new case then.
    """
    try:
        with _opened(path, into.parent) as source:
            recovery = _Recovery(source, path, tell, cancel)
            with beginning(into) as temporary:
                recovery.write(temporary)
                with Case(temporary) as case:  # checked as any other is
                    remembered_places = remembered(path, case.named().items())
    except DamagedCaseError as error:
        raise CaseError(f"Nothing of {path} can be recovered ({error.reason}).", "Go back to a copy of it.") from error
    except (OSError, sqlite3.Error) as error:
        raise fault_of(path, error) from error
    remember(into, remembered_places)
    return recovery.found


@contextmanager
def _opened(path: Path, near: Path) -> Iterator[sqlite3.Connection]:
    """The damaged case, to be read. What a killed program left half-done is taken back or in first, in a copy.

    Where its first page cannot be read, all others are, in a copy with that of a new case.
    """
    with ExitStack() as stack:
        if left := half_done(path):
            copy = Path(stack.enter_context(_folder(near)), "case")
            shutil.copyfile(path, copy)
            for ending, file in left.items():
                shutil.copyfile(file, f"{copy}{ending}")
            with closing(sqlite3.connect(copy)) as whole, suppress(sqlite3.Error):
                whole.execute("SELECT count(*) FROM sqlite_master").fetchone()
            path = copy
        try:
            source = open_damaged(path)
        except (DamagedCaseError, sqlite3.Error):
            if not (path.is_file() and goes_on_as_database(path)):
                raise
            copy = Path(stack.enter_context(_folder(near)), "case")
            with_new_beginning(path, copy)
            source = open_damaged(copy)
        yield stack.enter_context(closing(source))


def _folder(near: Path) -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix=".recovering-", dir=near)


class _Recovery:
    """One recovery under way.

    judged: hashes whose answers were read. asked, closed, coverage, fit: as these tell it. referred: whether any was
    told beside known clean images that are lost. from_here: whether the pack is this machine's, as the case's is lost.
    """

    def __init__(
        self, source: sqlite3.Connection, path: Path, tell: ProgressCallback, cancel: CancelToken | None
    ) -> None:  # fmt: skip
        self.source, self.path = source, path
        self._cancel = cancel or CancelToken()
        self._highest = path.stat().st_size // _LEAST_ROW
        self._meter = ProgressMeter("recovering", 0, tell, cancel=cancel)
        self.found = Recovered()
        self.log = [entry for entry in self._rows("log", "time, action, detail") if _are_texts(*entry[1:])]
        self.facts = self._facts()
        own = _manifest(self.facts["manifest"]) if "manifest" in self.facts else None
        self.from_here, self.manifest = _pack_of(own, pack_in(self.log), path)
        self._answers = AnswerReader(self.manifest)
        self.judged: set[str] = set()
        self.asked: dict[str, str] = {}
        self.closed, self.referred = False, False
        self.coverage: float | None = None
        self.fit: Fit | None = None

    def write(self, path: Path) -> None:
        target = make_database(path, {})
        try:
            target.execute("BEGIN")
            self._write_images(target)
            self._write_files(target)
            if not (self.found.files or self.found.answers):
                raise CaseError(f"{self.path} has no file or answer left that can be read.", "Go back to a copy of it.")
            self._write_facts(target)
            self._write_log(target)
            target.execute("COMMIT")
        finally:
            target.close()

    def _rows(self, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
        return (row for row in rows(self.source, table, columns, self._advance) if row[0] <= self._highest)

    def _advance(self, number: int) -> None:
        self._cancel.check()
        self._meter.advance(number)

    def _facts(self) -> dict[str, str]:
        """What can be read of the case's facts, each checked."""
        checks: dict[str, Callable[[str], object]] = {
            "manifest": _manifest,
            "coverage": coverage_of,
            "asked": lambda text: [str(name) for name in json.loads(text).values()],
            "closed": str,
            "reference": lambda text: reference_from_json(json.loads(text)),
        }
        found: dict[str, str] = {}
        for _, key, value in self._rows("facts", "key, value"):
            with suppress(AttributeError, LookupError, TypeError, ValueError, RecursionError):
                checks[key](value)
                found[key] = value
        return found

    def _write_images(self, target: sqlite3.Connection) -> None:
        for _, sha256, *row, answers in self._rows("images", "sha256, format, width, height, bits, lossy, answers"):
            answer = self._answer(sha256, row, answers)
            if answer is None or sha256 in self.judged:
                continue
            kept = answers
            if answer.beside is not None and "reference" not in self.facts:  # nobody could go on with these
                self.referred, answer = True, beside(answer, self.manifest, None)
                kept = json.dumps(answers_to_json(answer), separators=(",", ":"), allow_nan=False)
            target.execute("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?)", (sha256, *row, kept))
            self.judged.add(sha256)
            self.asked |= {said.sha256: said.victim for said in answer.testimonies}
            self.closed |= answer.closed_set
            self.coverage = self.coverage or answer.attack.coverage
            self.fit = self.fit or next((_FITS[told.kind] for told in answer.adjustments if told.kind in _FITS), None)
        self.found.answers = len(self.judged)

    def _answer(self, sha256: Any, row: list[Any], answers: Any) -> Attribution | None:
        """The answer of a row, None for one that no case holds."""
        kind, *numbers = row
        if not (_is_hash(sha256) and _are_texts(kind, answers) and all(isinstance(number, int) for number in numbers)):
            return None
        try:
            return self._answers.read(answers, sha256)
        except ValueError:
            return None

    def _write_files(self, target: sqlite3.Connection) -> None:
        insert = "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        numbers, paths = set[int | None](), set[str]()
        remarks, log_missing = remarks_in(self.log), missing_in(self.log)
        noted = ((None, path, *[None] * 7) for path in remarks)  # a note finds its file when that is opened again
        every = chain(self._whole_files(), self._bare_files(), noted)
        for number, path, sha256, *state, error, tag, note in every:
            with suppress(sqlite3.DataError):
                named = text_of(path)
                if (number is not None and number in numbers) or named in paths:
                    continue
                lost = error is None and sha256 not in self.judged  # without its size and time it waits
                told = remarks.get(as_logged(named), {}) if tag is None else {"tag": tag, "note": note}
                row = (number, path, sha256, *([None] * 3 if lost else state), LOST if lost else error)
                target.execute(insert, (*row, told.get("tag", ""), told.get("note", "")))
                numbers.add(number)
                paths.add(named)
                self.found.lost += lost
                self.found.remarks += any(told.values())
                self.found.bare += tag is None and not told and log_missing > 0
        self.found.files = len(paths)
        self.found.missing = max(*(number or 0 for number in numbers), files_in(self.log), len(paths)) - len(paths)

    def _whole_files(self) -> Iterator[tuple[Any, ...]]:
        """Rows of files, each checked: number, path, hash, bytes, times, error, tag and note."""
        for row in self._rows("files", "path, sha256, bytes, modified_ns, read_ns, error, tag, note"):
            _, path, sha256, *state, error, tag, note = row
            whole = all(number is None or isinstance(number, int) for number in state)
            named = path and isinstance(path, str | bytes) and (sha256 is None or _is_hash(sha256))
            with suppress(sqlite3.DataError):
                if named and whole and _are_texts(tag, note) and (error is None or text_of(error)):
                    yield row

    def _bare_files(self) -> Iterator[tuple[Any, ...]]:
        """The same of what the table's indexes alone hold, after the rows: paths and hashes."""
        hashes = indexed(self.source, "files", "files_by_hash", "sha256", self._advance)
        paths = indexed(self.source, "files", "sqlite_autoindex_files_1", "path", self._advance)
        for number, path in sorted(paths.items()):
            sha256 = hashes.get(number)
            if path and isinstance(path, str | bytes) and 0 < number <= self._highest:
                yield number, path, sha256 if _is_hash(sha256) else None, None, None, None, None, None, None

    def _write_log(self, target: sqlite3.Connection) -> None:
        target.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", self.log)
        self.found.log, self.found.log_missing = len(self.log), missing_in(self.log)
        told = as_logged(f"{self.found}, from the damaged {self.path}")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        target.execute("INSERT INTO log (time, action, detail) VALUES (?, ?, ?)", (now, RECOVERED, told))

    def _write_facts(self, target: sqlite3.Connection) -> None:
        """What the case does not tell any more is taken from its answers and its log."""
        if self.referred:
            self.found.notes.append("its known clean images are lost, answers are told without them")
        if self.from_here:
            self.found.notes.append("its pack was read from this machine")
        manifest = self.manifest.fitting(self.fit) if self.from_here and self.fit else self.manifest
        coverage = self.coverage or manifest.calibration.nearest(DEFAULT_COVERAGE)
        told = {"manifest": manifest.model_dump_json(), "coverage": repr(coverage)}
        told |= {"asked": json.dumps(self.asked)} if self.judged else {}
        told |= {"closed": "yes"} if self.closed else {}
        told |= {key: value for key, value in self.facts.items() if key != "manifest"}
        target.executemany("INSERT INTO facts VALUES (?, ?)", told.items())


def _manifest(text: str) -> Manifest:
    return Manifest.model_validate_json(text)


def _pack_of(own: Manifest | None, named: str, path: Path) -> tuple[bool, Manifest]:
    """Whether the pack is this machine's, and the pack: the case's own where it is the one that its log names."""
    if own is not None and named in ("", own.pack_id):
        return False, own
    if not named:
        raise CaseError(f"{path} does not tell any more which pack judged its images.", "Go back to a copy of it.")
    for listed in list_packs():
        if listed.manifest is not None and listed.manifest.pack_id == named:
            return True, listed.manifest
    raise CaseError(f"{path} has lost the pack {named}, and this machine has it not.", "Import that pack first.")


def _are_texts(*values: Any) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_hash(text: Any) -> bool:
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None
