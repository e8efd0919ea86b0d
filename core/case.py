"""The case file ``NAME.mtaacase``: everything that was found out about a set of images, in one SQLite database.

Results are written as they arrive, a batch a transaction, with SQLite's rollback journal and full synchronisation:
a program that is killed loses the batch in flight and nothing else, and between two runs the case is a single file
that can be copied or lie on a network share (write-ahead logging would need three files and shared memory; a case that
another program has put into that mode is put back when it is opened). After a crash a journal may lie beside it, which
goes with it until the case was opened once.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from core.case_answers import AnswerReader, coverage_of
from core.case_format import beginning, damaged, fault_of, make_database, open_database, storable, text_of
from core.errors import CaseError
from core.files import modified_ns
from core.listed import LOST, FileFacts, LogEntry, Record, Remark
from core.manifest import Manifest
from core.opened import Ground, ground_of, places_in
from core.records import answers_to_json, reference_from_json, reference_to_json
from core.types import Basis, Finding

_WAIT = 10.0
"""Seconds to wait for another program that is writing to the case."""

_RECORDS = """
    SELECT id, path, files.sha256, bytes, modified_ns, read_ns, error, format, width, height, bits, lossy, answers
    FROM files LEFT JOIN images ON images.sha256 = files.sha256 AND files.error IS NULL
    WHERE id > ? ORDER BY id LIMIT ?"""
_BASIS = "('asked', 'closed', 'reference')"
_READ = 500
"""Records that are read at once: whoever writes to the case meanwhile need not wait until all of them are."""


class Case(Mapping[str, Finding]):
    """An open case, and as a mapping the findings it holds by hash. Close it, or use it as a context manager.

    Use one object a thread; ``in`` alone may be asked from any. Every method raises CaseError where the file is
    damaged, may not be written, or stays locked by another program.
    """

    def __init__(self, path: str | Path) -> None:
        """Open an existing case. Raises CaseError for what is none, is damaged, or was written by a newer program."""
        self.path = Path(path)
        self._gone: dict[str, list[str]] = {}  # paths of a run's hashes where nothing was, the first one last
        self._ground: Ground | None = None
        self._settled: Basis | None = None  # what a run of this object rests on
        with self._guarded():
            self._database = open_database(self.path, _WAIT)
            try:
                facts = dict(self._database.execute("SELECT key, value FROM facts"))
                try:
                    self.manifest = Manifest.model_validate_json(facts["manifest"])
                    self.coverage = coverage_of(facts["coverage"])
                except (KeyError, ValueError) as error:
                    raise damaged(self.path, "its pack or coverage cannot be read") from error
                self._answers = AnswerReader(self.manifest)
                self._hashes = {sha for (sha,) in self._database.execute("SELECT sha256 FROM images")}
                lost = self._database.execute("SELECT sha256 FROM files WHERE error = ?", (LOST,))
                self._lost = {sha for (sha,) in lost}
            except BaseException:
                self._database.close()
                raise

    @classmethod
    def create(cls, path: str | Path, manifest: Manifest, coverage: float) -> Case:
        """Make an empty case for one pack and coverage. Raises CaseError where there is a file already."""
        path = Path(path)
        with beginning(path) as temporary:
            make_database(temporary, {"manifest": manifest.model_dump_json(), "coverage": repr(coverage)}).close()
        return cls(path)

    def close(self) -> None:
        self._database.close()

    def basis(self) -> Basis:
        """What its answers rest on, or are to, once a run has begun."""
        with self._guarded():
            facts = dict(self._database.execute(f"SELECT key, value FROM facts WHERE key IN {_BASIS}"))
            try:
                named = {str(digest): str(name) for digest, name in json.loads(facts.get("asked", "{}")).items()}
                told = json.loads(facts["reference"]) if "reference" in facts else None
                reference = None if told is None else reference_from_json(told)
            except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
                raise damaged(self.path, "the victims that it asked, or its clean images, cannot be read") from error
            return Basis(named, "closed" in facts, reference)

    def settle(self, wanted: Basis) -> None:
        """Take these for all of the case's answers.

        Raises CaseError where its answers rest on other ones: they do not belong side by side.
        """
        with self._transaction():  # another program may be about the same
            settled = self.basis()
            if settled != wanted:
                if self._database.execute("SELECT 1 FROM images LIMIT 1").fetchone() is not None:
                    raise _made_otherwise(self.path, settled, wanted)
                self._write_basis(wanted)
                self._write_log("victims", str(wanted))
        self._settled = wanted

    def _write_basis(self, wanted: Basis) -> None:
        facts = [("asked", json.dumps(dict(wanted.asked))), *([("closed", "yes")] if wanted.closed else [])]
        if wanted.reference is not None:
            facts.append(("reference", json.dumps(reference_to_json(wanted.reference))))
        self._database.execute(f"DELETE FROM facts WHERE key IN {_BASIS}")
        self._database.executemany("INSERT INTO facts VALUES (?, ?)", facts)

    def __enter__(self) -> Case:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- findings by hash -------------------------------------------------------------------------------------------

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._hashes

    def __getitem__(self, sha256: str) -> Finding:
        with self._guarded():
            row = self._database.execute("SELECT answers FROM images WHERE sha256 = ?", (sha256,)).fetchone()
            if row is None:
                raise KeyError(sha256)
            return self._finding(sha256, row[0])

    def __iter__(self) -> Iterator[str]:
        return iter(self._hashes)

    def __len__(self) -> int:
        return len(self._hashes)

    def _finding(self, sha256: str, answers: str) -> Finding:
        try:
            return Finding(self._answers.read(answers, sha256), None)
        except ValueError as error:
            raise damaged(self.path, f"the answer about {sha256[:12]} cannot be read") from error

    # --- files ------------------------------------------------------------------------------------------------------

    def records(self) -> Iterator[Record]:
        """Every file of the case with its finding (without heatmap) or the reason why there is none."""
        last = -1
        while True:
            with self._guarded():
                rows = self._database.execute(_RECORDS, (last, _READ)).fetchall()
                records = [self._record(*row) for _, *row in rows]
            if not rows:
                return
            yield from records
            last = rows[-1][0]

    def _record(
        self,
        path: str | bytes,
        sha256: str | None,
        size: int | None,
        modified: int | None,
        read: int | None,
        error: str | bytes | None,
        *pixels: Any,
    ) -> Record:
        kind, width, height, bits, lossy, answers = pixels
        shape = (kind, width, height, bits, None if lossy is None else bool(lossy))
        facts = None if size is None or modified is None or read is None else FileFacts(size, modified, read, *shape)
        if answers is not None and sha256 is not None:
            return Record(text_of(path), sha256, "ok", None, self._finding(sha256, answers), facts)
        if error is not None:
            return Record(text_of(path), sha256, "error", text_of(error), None, facts)
        raise damaged(self.path, f"nothing is known about {text_of(path)}")

    def paths(self) -> list[str]:
        """Every file of the case, in its order."""
        with self._guarded():
            return [text_of(path) for (path,) in self._database.execute("SELECT path FROM files ORDER BY id")]

    def count(self) -> int:
        """Files in the case."""
        with self._guarded():
            return int(self._database.execute("SELECT count(*) FROM files").fetchone()[0])

    def waiting(self, paths: Sequence[Path]) -> list[Path]:
        """The paths, made absolute, that are not in the case; then those that could not be read or were changed since.

        In this order a run that goes on cuts its batches where the first one would have, so that even the last digit
        of every answer is the same.
        """
        self._gone.clear()  # a run begins: files may have been moved since the last, and others opened
        self._ground = None
        with self._guarded():
            states = {
                text_of(path): (size, modified)
                for path, size, modified in self._database.execute("SELECT path, bytes, modified_ns FROM files")
            }
        names = [absolute(path) for path in paths]
        new = [Path(name) for name in names if name not in states]
        return new + [Path(name) for name in names if name in states and not _unchanged(name, states[name])]

    def add(self, records: Sequence[Record]) -> None:
        """Write a batch in one transaction: all of it or nothing.

        A file that is known under a path where nothing is any more counts as moved, and keeps its tag and note. Paths
        should be absolute, so that the case can be gone on with from another folder. Raises CaseError where another
        program has settled on other victims since this one did.
        """
        with self._transaction():
            if self._settled is not None and (settled := self.basis()) != self._settled:
                raise _made_otherwise(self.path, settled, self._settled)
            for record in records:
                self._add_image(record)
                self._add_file(record)
        self._hashes.update(record.sha256 for record in records if record.sha256 and record.finding)

    def _add_image(self, record: Record) -> None:
        facts = record.facts
        if record.finding is None or facts is None or facts.format is None:
            return
        answers = json.dumps(answers_to_json(record.finding.attribution), separators=(",", ":"), allow_nan=False)
        self._database.execute(
            "INSERT OR IGNORE INTO images VALUES (?, ?, ?, ?, ?, ?, ?)",
            (record.sha256, facts.format, facts.width, facts.height, facts.bits, facts.lossy, answers),
        )

    def _add_file(self, record: Record) -> None:
        path, facts = storable(record.path), record.facts
        state = (facts.bytes, facts.modified_ns, facts.read_ns) if facts else (None, None, None)
        values = (record.sha256, *state, storable(record.error) if record.error else None)
        known = self._database.execute("SELECT sha256 FROM files WHERE path = ?", (path,)).fetchone()
        if known is None and (old := self._moved_from(record.sha256)) is not None:
            self._database.execute("UPDATE files SET path = ? WHERE path = ?", (path, old))
            self._write_log("moved", f"{text_of(old)} was found again by its hash as {record.path}")
        elif known is not None and known[0] is not None and known[0] != record.sha256:
            self._write_log("changed", f"{record.path} had the SHA-256 {known[0]} before")
        self._database.execute(
            "INSERT INTO files (path, sha256, bytes, modified_ns, read_ns, error) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, bytes = excluded.bytes, "
            "modified_ns = excluded.modified_ns, read_ns = excluded.read_ns, error = excluded.error",
            (path, *values),
        )

    def _moved_from(self, sha256: str | None) -> str | bytes | None:
        """The first known path of these bytes where nothing is any more.

        They are looked for once a run: else, for each of thousands of copies, all others would be looked at.
        """
        if sha256 is None or (sha256 not in self._hashes and sha256 not in self._lost):
            return None
        if sha256 not in self._gone:
            rows = self._database.execute("SELECT path FROM files WHERE sha256 = ? ORDER BY id DESC", (sha256,))
            paths = [text_of(path) for (path,) in rows]
            self._gone[sha256] = [path for path in paths if self._nothing_at(path)]
        gone = self._gone[sha256]
        while gone:
            path = storable(gone.pop())
            if self._is_gone(path, sha256):
                return path
        return None

    def _is_gone(self, path: str | bytes, sha256: str) -> bool:
        """Still: the file may have come back since, and another program may have found it elsewhere."""
        query = "SELECT 1 FROM files WHERE path = ? AND sha256 = ?"
        known = self._database.execute(query, (path, sha256)).fetchone()
        return known is not None and self._nothing_at(text_of(path))

    def _nothing_at(self, path: str) -> bool:
        """What may not be looked at counts as being there, and so does what cannot be."""
        if self._ground is None:
            self._ground = self.ground()
        if not self._ground.allows(path):
            return False
        try:
            os.lstat(path)  # lexists() says of whatever goes wrong that there is nothing
        except (FileNotFoundError, NotADirectoryError):
            return True
        except (OSError, ValueError):
            return False
        return False

    # --- what people add --------------------------------------------------------------------------------------------

    def remarks(self) -> dict[str, Remark]:
        """Tags and notes by path, of the files that have one."""
        with self._guarded():
            found = self._database.execute("SELECT path, tag, note FROM files WHERE tag != '' OR note != ''")
            return {text_of(path): Remark(tag, note) for path, tag, note in found}

    def set_remarks(
        self, *, tags: Mapping[str, str] | None = None, notes: Mapping[str, str] | None = None,
        known: Mapping[str, Remark] | None = None,
    ) -> None:  # fmt: skip
        """Set tags and notes by path, all or none; what is not named stays, for another program may have written it.

        known: what stood there as far as the writer knows; None for whoever sets them whatever that is. Raises
        CaseError for a file that is not in the case, and where another program wrote something else meanwhile.
        """
        with self._transaction():
            for column, texts in (("tag", tags), ("note", notes)):
                for path, text in (texts or {}).items():
                    self._set_remark(column, path, text, known)

    def _set_remark(self, column: str, path: str, text: str, known: Mapping[str, Remark] | None) -> None:
        found = self._database.execute(f"SELECT {column} FROM files WHERE path = ?", (storable(path),)).fetchone()
        if found is None:
            raise CaseError(
                f"{path} is not in the case; it may have been found again under another name.",
                "Look for that name in the list.",
            )
        if known is not None and found[0] not in (getattr(known[path], column), text):
            raise CaseError(
                f"{path} was given another tag or note by another window or program meanwhile.",
                "Read what stands there now, and edit that.",
            )
        self._database.execute(f"UPDATE files SET {column} = ? WHERE path = ?", (text, storable(path)))
        self._write_log("remark", f"{path}: {column} {text!r}")

    def named(self) -> dict[str, bool]:
        """What its log says was opened for it, and whether with its subfolders: as it was said last."""
        return dict(places_in(self.log()))

    def ground(self) -> Ground:
        """Of that, what this user opened for the case where it lies now."""
        return ground_of(self.path, self.log())

    def log(self) -> list[LogEntry]:
        with self._guarded():
            return [
                LogEntry(*row) for row in self._database.execute("SELECT time, action, detail FROM log ORDER BY id")
            ]

    def write_log(self, action: str, *details: str) -> None:
        """Append an entry a detail with the time of now."""
        with self._transaction():
            for detail in details:
                self._write_log(action, detail)

    def _write_log(self, action: str, detail: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        safe = detail.encode("utf-8", "backslashreplace").decode()
        self._database.execute("INSERT INTO log (time, action, detail) VALUES (?, ?, ?)", (now, action, safe))

    # --- SQLite -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")  # which may have to wait for a reader in vain
            except BaseException:
                if self._database.in_transaction:  # a full disk has ended it already
                    self._database.execute("ROLLBACK")
                self._gone.clear()  # with what it no longer held
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise fault_of(self.path, error) from error


def _made_otherwise(path: Path, settled: Basis, wanted: Basis) -> CaseError:
    return CaseError(
        f"{path} was made {settled}, and now it would be {wanted}.",
        "Ask the same victims (in the window's list, or by --victim, --no-ask and --closed-set), or start a new case.",
    )


def absolute(path: str | Path) -> str:
    """How a case names a file, wherever it is opened from. Links are left as they are."""
    return os.path.abspath(path)  # noqa: PTH100 (resolve() would follow links, absolute() would leave "..")


def _unchanged(path: str, judged: tuple[int | None, int | None]) -> bool:
    try:
        state = os.stat(path)  # noqa: PTH116 (half the time, for each file of the case)
    except (OSError, ValueError):
        return judged[0] is not None  # gone, but it was read while it was there
    return (state.st_size, modified_ns(state)) == judged
