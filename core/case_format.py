"""What makes a database a case: its mark, its tables, and the text that it keeps.

A case comes from strangers: its schema must be the one below to the letter, so that no trigger or view of theirs runs.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

from core.errors import CaseError, DamagedCaseError
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
_MAGIC = b"SQLite format 3\0"
"""How the first page begins (https://sqlite.org/fileformat2.html, section 1.3)."""
_AHEAD_AT = slice(19, 20)
"""Where that says, by a 2, that changes are written ahead into another file."""
_PAGES = slice(28, 32)
"""Where that says how many pages there are."""
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
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        if os.path.lexists(path):  # told before the work
            raise FileExistsError(path)
        try:
            temporary.open("xb").close()  # the system says best why it cannot be
            yield temporary
            _name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise CaseError(
            f"{path} exists already.",
            "Go on with it (open it in the window, or --resume), or choose another name.",
        ) from error
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CaseError(f"{path} cannot be written: {reason}.", "Choose a folder that exists and is yours.") from error


def _name(temporary: Path, path: Path) -> None:
    """Give a whole file its name, so that of two programs one is told, and one that is killed leaves nothing under it.

    Raises FileExistsError where there is such a file.
    """
    if os.name == "nt":
        temporary.rename(path)  # which replaces nothing there
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # FAT and some shares know no second name
        path.open("xb").close()  # a kill leaves that, if it comes before the next line
        try:
            temporary.replace(path)
        except BaseException:
            path.unlink()
            raise


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
    """The checked database in ``path``, as a single file. wait: seconds for another program that is writing to it.

    What another program has written ahead is taken in. Raises CaseError for what is no case, is damaged, or was written
    by a newer program, and where that cannot be taken in; OSError or sqlite3.Error.
    """
    ahead, wal = _check_file(path), _beside(path, _AHEAD)
    if not ahead and wal.exists() and wal.stat().st_size:
        raise _foreign(wal)
    if ahead and not (os.access(path, os.W_OK) and os.access(wal.parent, os.W_OK)):
        raise _only_read(path)  # before SQLite leaves files beside it that it can neither use nor remove
    database = sqlite3.connect(path, timeout=wait, isolation_level=None)
    try:
        _check_schema(database, path)
        if ahead:
            database.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        database.close()
        raise
    return database


_JOURNAL, _AHEAD = "-journal", "-wal"
"""How SQLite calls what it keeps beside a database: what it needs to take a change back that was cut off, and changes
that are not in the database yet."""


def journal_of(path: Path) -> Path:
    """Where SQLite keeps what it needs to take a change back that was cut off."""
    return _beside(path, _JOURNAL)


def _beside(path: Path, ending: str) -> Path:
    if path.is_symlink():  # SQLite keeps it beside what a link leads to
        path = Path(os.path.realpath(path))
    return path.with_name(f"{path.name}{ending}")


def half_done(path: Path) -> dict[str, Path]:
    """What a killed program left of its changes beside a case, by what follows the case's name. Raises OSError."""
    found = {ending: file for ending in (_JOURNAL, _AHEAD) if (file := _beside(path, ending)).exists()}
    if _AHEAD in found and (head := _head(path)).startswith(_MAGIC) and not _is_ahead(head):
        del found[_AHEAD]  # another case's
    return found


def check_journal(path: Path) -> None:
    """Raise CaseError where what SQLite kept beside a case waits that is not there: it would go into a new one."""
    for ending in (_JOURNAL, _AHEAD):
        if (file := _beside(path, ending)).exists():
            raise _foreign(file)


def _foreign(file: Path) -> CaseError:
    return CaseError(
        f"{file} belongs to a case that was moved or deleted after a crash.",
        "Put it back beside that case and open it, or delete it.",
    )


def _only_read(path: Path) -> CaseError:
    return CaseError(f"{path} may only be read.", "Copy it to where you may write, and open the copy.")


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
        return _only_read(path)
    if code in _UNUSABLE or isinstance(error, OSError):
        remedy = "The case is as it was. Free or check its disk, or copy it elsewhere."
        return CaseError(f"{path} cannot be used: {reason}.", remedy)
    return damaged(path, reason.splitlines()[0])


def _check_file(path: Path) -> bool:
    """Before SQLite sees the file: it would make an absent or empty one into a database.

    Returns whether changes are written ahead: then it would put files beside it, too.
    """
    if path.is_dir():
        raise CaseError(f"{path} is a folder.", f"Choose a {CASE_SUFFIX} file.")
    try:
        head = _head(path)
    except FileNotFoundError as error:
        raise CaseError(f"{path} does not exist.", "Check the name and the folder.") from error
    if head.startswith(_MAGIC):
        return _is_ahead(head)
    if goes_on_as_database(path):
        raise damaged(path, "it does not begin as one")
    raise CaseError(
        f"{path} is no case, or a damaged one (it does not begin as one).",
        "Go back to a copy of it, or start a new case.",
    )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_AHEAD_AT.stop)


def _is_ahead(head: bytes) -> bool:
    return head[_AHEAD_AT] == b"\2"


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
