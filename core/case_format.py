"""What makes a database a case: its mark, its tables, and the text that it keeps.

A case comes from strangers: its schema must be the one below to the letter, so that no trigger or view of theirs runs.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

from core.errors import CaseError, DamagedCaseError
from core.files import replacing
from core.folders import CASE_SUFFIX

SCHEMA = 1
_APPLICATION = 0x4D544141  # "MTAA"

TABLES = (
    "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE images (sha256 TEXT PRIMARY KEY, format TEXT NOT NULL, width INTEGER NOT NULL, "
    "height INTEGER NOT NULL, bits INTEGER NOT NULL, lossy INTEGER NOT NULL, answers TEXT NOT NULL)",
    "CREATE TABLE files (id INTEGER PRIMARY KEY, path NOT NULL UNIQUE, sha256 TEXT, bytes INTEGER, "
    "modified_ns INTEGER, read_ns INTEGER, error, tag TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX files_by_hash ON files (sha256)",
    "CREATE TABLE log (id INTEGER PRIMARY KEY, time TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL)",
    "CREATE TRIGGER log_stays BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
    "CREATE TRIGGER log_grows BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
)

PAGE = 4096
"""Bytes of a page, as SQLite makes them unless it is told otherwise."""
_PAGES = slice(28, 32)
"""Where the first page says how many there are (https://sqlite.org/fileformat2.html, section 1.3)."""
_TREE = (b"\x02", b"\x05", b"\x0a", b"\x0d")
"""How a page begins that holds rows, or leads to such (section 1.6)."""

_UNUSABLE = (
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
)  # fmt: skip
"""Faults of what a case lies on, and not of the case."""

_KINDS = (
    ("files", ("sha256", "tag", "note"), ("bytes", "modified_ns", "read_ns")),
    ("images", ("sha256", "format", "answers"), ("width", "height", "bits", "lossy")),
    ("log", ("time", "action", "detail"), ()),
)
"""What columns hold, by table: texts and whole numbers. SQLite keeps whatever it is given."""


@contextmanager
def beginning(path: Path) -> Iterator[Path]:
    """A temporary path for a new case's database, which becomes the case where the block ends well.

    Raises CaseError where there is a file already, or none can be written.
    """
    check_journal(path)
    try:
        path.open("xb").close()  # of two programs that begin it one is told
        try:
            with replacing(path) as temporary:
                yield temporary
        except BaseException:
            path.unlink()
            raise
    except FileExistsError as error:
        raise CaseError(
            f"{path} exists already.",
            "Go on with it (open it in the window, or --resume), or choose another name.",
        ) from error
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CaseError(f"{path} cannot be written: {reason}.", "Choose a folder that exists and is yours.") from error


def make_database(path: Path, facts: Mapping[str, str]) -> sqlite3.Connection:
    """An empty case's database in a new file. Raises OSError or sqlite3.Error."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("BEGIN")  # each statement by itself would wait for the disk
        for statement in (f"PRAGMA application_id = {_APPLICATION}", f"PRAGMA user_version = {SCHEMA}", *TABLES):
            database.execute(statement)
        database.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def open_database(path: Path, wait: float) -> sqlite3.Connection:
    """The checked database in ``path``. wait: seconds for another program that is writing to it.

    Raises CaseError for what is no case, is damaged, or was written by a newer program; OSError or sqlite3.Error.
    """
    _check_file(path)
    database = sqlite3.connect(path, timeout=wait, isolation_level=None)
    try:
        _check_schema(database, path)
    except BaseException:
        database.close()
        raise
    return database


def journal_of(path: Path) -> Path:
    """Where SQLite keeps what it needs to take a change back that was cut off."""
    return path.with_name(f"{path.name}-journal")


def check_journal(path: Path) -> None:
    """Raise CaseError where a journal waits for a case that is not there: SQLite would roll it back into a new one."""
    journal = journal_of(path)
    if journal.exists():
        raise CaseError(
            f"{journal} belongs to a case that was moved or deleted after a crash.",
            "Put it back beside that case and open it, or delete it.",
        )


def damaged(path: Path, reason: str) -> DamagedCaseError:
    """The error for a database that is not, or no longer, a case."""
    return DamagedCaseError(path, reason)


def fault_of(path: Path, error: OSError | sqlite3.Error) -> CaseError:
    """What an error means that came up while a case was used: that it is in use, its disk's fault, or its own."""
    reason, whole = str(error), getattr(error, "sqlite_errorcode", 0)
    code = whole & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CaseError(f"{path} is in use by another program.", "Wait for it, or close it.")
    if whole == sqlite3.SQLITE_READONLY_DBMOVED:
        what = f"{path} was moved, deleted or replaced while it was open."
        return CaseError(what, "Put it back, or open it where it is now.")
    if code == sqlite3.SQLITE_READONLY:
        return CaseError(f"{path} may only be read.", "Copy it to where you may write, and open the copy.")
    if code in _UNUSABLE or isinstance(error, OSError):
        remedy = "The case is as it was. Free or check its disk, or copy it elsewhere."
        return CaseError(f"{path} cannot be used: {reason}.", remedy)
    return damaged(path, reason.splitlines()[0])


def _check_file(path: Path) -> None:
    """Before SQLite sees the file: it would make an absent or empty one into a database."""
    if path.is_dir():
        raise CaseError(f"{path} is a folder.", f"Choose a {CASE_SUFFIX} file.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError as error:
        raise CaseError(f"{path} does not exist.", "Check the name and the folder.") from error
    if head == b"SQLite format 3\0":
        return
    if goes_on_as_database(path):
        raise damaged(path, "it does not begin as one")
    raise CaseError(
        f"{path} is no case, or a damaged one (it does not begin as one).",
        "Go back to a copy of it, or start a new case.",
    )


def goes_on_as_database(path: Path) -> bool:
    """Whether a file that does not begin as a database has its second page where a case has it."""
    with path.open("rb") as file:
        file.seek(PAGE)
        return file.read(1) in _TREE


def with_new_beginning(path: Path, into: Path) -> None:
    """Write a copy of a case whose first page is a new case's: it says nothing but where the tables begin.

    Raises OSError or sqlite3.Error.
    """
    make_database(into, {}).close()
    with into.open("rb+") as file:
        first = bytearray(file.read(PAGE))
        first[_PAGES] = (path.stat().st_size // PAGE).to_bytes(4, "big")
        with path.open("rb") as old:
            old.seek(PAGE)
            file.seek(PAGE)
            shutil.copyfileobj(old, file)
            file.truncate()
        file.seek(0)
        file.write(first)


def open_damaged(path: Path) -> sqlite3.Connection:
    """The database in ``path`` as far as it can be read, which is never written to: any query may fail.

    Raises CaseError for what has not the tables of a case; OSError or sqlite3.Error.
    """
    _check_file(path)
    database = sqlite3.connect(f"{uri_of(path.absolute())}?mode=ro&immutable=1", uri=True, isolation_level=None)
    try:
        database.execute("PRAGMA writable_schema = ON")  # or a file that was cut short would not be opened at all
        database.execute("PRAGMA cell_size_check = ON")
        _check_tables(database, path)
    except BaseException:
        database.close()
        raise
    return database


def uri_of(path: PurePath) -> str:
    """As SQLite takes it: it knows no other computer but by the path itself."""
    uri = path.as_uri()
    return uri if uri.startswith("file:///") else uri.replace("file://", "file:////", 1)


def _check_schema(database: sqlite3.Connection, path: Path) -> None:
    database.execute("PRAGMA synchronous = FULL")
    _check_tables(database, path)
    if (found := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise damaged(path, found.splitlines()[-1])
    for table, texts, numbers in _KINDS:
        wrong = [f"typeof({name}) NOT IN ('text', 'null')" for name in texts]
        wrong += [f"typeof({name}) NOT IN ('integer', 'null')" for name in numbers]
        if database.execute(f"SELECT 1 FROM {table} WHERE {' OR '.join(wrong)} LIMIT 1").fetchone():
            raise damaged(path, f"its {table} hold values of another kind")


def _check_tables(database: sqlite3.Connection, path: Path) -> None:
    database.execute("PRAGMA trusted_schema = OFF")
    application, version = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if application != _APPLICATION:
        raise CaseError(f"{path} is a database of another program.", f"Choose a {CASE_SUFFIX} file.")
    if version != SCHEMA:
        raise CaseError(
            f"{path} has the schema {version}, this program reads {SCHEMA}.",
            "Use the version of the program that wrote the case.",
        )
    written = {sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if written != set(TABLES):
        raise damaged(path, "its tables are not those of a case")


def storable(text: str) -> str | bytes:
    """Text for SQLite, which takes no lone surrogates: names that are no Unicode are stored as their bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def text_of(stored: object) -> str:
    """What :func:`storable` made storable. Raises sqlite3.DataError for what it never makes."""
    if isinstance(stored, str):
        return stored
    try:
        return bytes.decode(stored, "utf-8", "surrogatepass")  # type: ignore[arg-type]
    except (TypeError, UnicodeDecodeError) as error:
        raise sqlite3.DataError(f"{stored!r:.40} is no text") from error
