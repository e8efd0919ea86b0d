"""What a damaged case gives back, wherever the damage is."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from core import types
from core.batch import left_over, note_opened
from core.case import Case
from core.case_format import journal_of, uri_of
from core.case_log import recovered_in
from core.case_recovery import recover
from core.errors import Cancelled, CaseError, DamagedCaseError
from core.labels import NONE_OF_THESE
from core.listed import FileFacts, Record
from core.manifest import Manifest
from core.pack import read_manifest
from core.paths import user_data
from core.progress import CancelToken
from core.types import Basis, Finding, Reference
from tests.conftest import write_tiny_pack

FILES = 120
PAGE = 4096
SAID = types.Testimony("resnet18", "e" * 64, True, 5.0, 0.5, 2.0, "8", "3")


def sha(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def manifest(tiny_pack: Path) -> Manifest:
    return read_manifest(tiny_pack)


@pytest.fixture
def case(tmp_path: Path, manifest: Manifest, finding: Finding) -> Path:
    """A case of many files, some with a note and one that could not be read."""
    path = tmp_path / "damaged.mtaacase"
    images = tmp_path / "images"
    images.mkdir()
    with Case.create(path, manifest, 0.8) as made:
        note_opened(made, [images])
        made.settle(Basis({SAID.sha256: SAID.victim}))
        made.write_log("attribute", f"3 of 3 files wait; pack {manifest.pack_id}; MTAA Workbench 1")
        victim = finding.attribution.victim
        victim = replace(victim, ranking=(*victim.ranking, types.RankedLabel(NONE_OF_THESE, 0.0)))
        answer = replace(finding.attribution, pack_id=manifest.pack_id, victim=victim, testimonies=(SAID,))
        facts = FileFacts(10, 20, 30, "PNG", 28, 28, 8, False)
        records = [
            Record(
                str(images / f"{at}.png"), sha(at), "ok", None, Finding(replace(answer, sha256=sha(at)), None), facts
            )
            for at in range(FILES)
        ]
        made.add([*records, Record(str(images / "broken.png"), None, "error", "no image", None)])
        made.set_remarks(notes={str(images / f"{at}.png"): f"note {at}" for at in range(0, FILES, 10)})
    return path


def spoil(case: Path, marker: str) -> int:
    """Overwrite the pages with these bytes; returns how many."""
    data = bytearray(case.read_bytes())
    pages = [at for at in range(0, len(data), PAGE) if marker.encode() in data[at : at + PAGE]]
    for at in pages:
        data[at : at + PAGE] = bytes(PAGE)
    case.write_bytes(data)
    return len(pages)


def records_of(case: Path) -> dict[str, Record]:
    with Case(case) as held:
        return {record.path: record for record in held.records()}


def test_a_whole_case_is_recovered_whole(case: Path, tmp_path: Path) -> None:
    found = recover(case, tmp_path / "new.mtaacase")
    assert (found.files, found.lost, found.answers, found.remarks) == (FILES + 1, 0, FILES, FILES // 10)
    with Case(case) as old, Case(tmp_path / "new.mtaacase") as new:
        assert list(old.records()) == list(new.records()) and old.remarks() == new.remarks()
        assert (old.basis(), old.coverage, old.manifest) == (new.basis(), new.coverage, new.manifest)
        *before, told = new.log()
        assert before == old.log() and told.action == "recovered" and str(found) in told.detail


def test_files_beside_a_damaged_page_are_kept_with_their_notes(case: Path, tmp_path: Path) -> None:
    before = records_of(case)
    with Case(case) as whole:
        remarks = whole.remarks()
    assert spoil(case, f"images/70.png{sha(70)}") == 1
    damaged = case.read_bytes()
    with pytest.raises(DamagedCaseError, match="mtaa case recover"):
        Case(case)
    found = recover(case, tmp_path / "new.mtaacase")
    assert case.read_bytes() == damaged, "it stays as it is"
    after = records_of(tmp_path / "new.mtaacase")
    assert after.keys() == before.keys() and (found.missing, found.answers) == (0, FILES), "an index tells the names"
    bare = [path for path in after if after[path].facts is None and before[path].facts is not None]
    assert str(tmp_path / "images/70.png") in bare and 0 < len(bare) < FILES / 3
    assert all(after[path] == before[path] for path in after.keys() - set(bare))
    assert all(after[path].finding == before[path].finding for path in bare)
    with Case(tmp_path / "new.mtaacase") as new:
        assert new.remarks() == remarks and found.bare == 0, "the log tells those that were there"


def test_files_whose_answers_are_lost_are_to_be_judged_again(case: Path, tmp_path: Path) -> None:
    assert spoil(case, f"{sha(40)}PNG") == 1
    found = recover(case, tmp_path / "new.mtaacase")
    assert found.files == FILES + 1 and 0 < found.lost < 9 and found.answers == FILES - found.lost
    lost = tmp_path / "images/40.png"
    record = records_of(tmp_path / "new.mtaacase")[str(lost)]
    assert record.waits and record.sha256 == sha(40)
    with Case(tmp_path / "new.mtaacase") as new:
        assert new.remarks()[str(lost)].note == "note 40"
        assert new.waiting([lost, tmp_path / "images/90.png"]) == [lost]


def test_what_a_case_rested_on_is_told_by_its_answers_and_its_log(
    case: Path, tmp_path: Path, manifest: Manifest, tiny_manifest: dict[str, Any]
) -> None:
    assert spoil(case, "schema_version") == 1
    with pytest.raises(CaseError, match=rf"has lost the pack {manifest.pack_id}, and this machine has it not"):
        recover(case, tmp_path / "new.mtaacase")
    assert not (tmp_path / "new.mtaacase").exists()
    (user_data() / "packs").mkdir(parents=True)
    write_tiny_pack(user_data() / "packs" / "mine.mtaapack", tiny_manifest)
    found = recover(case, tmp_path / "new.mtaacase")
    assert (found.files, found.lost) == (FILES + 1, 0)
    with Case(tmp_path / "new.mtaacase") as new:
        assert new.manifest == manifest and new.basis() == Basis({SAID.sha256: SAID.victim})
        assert new.coverage == next(iter(new.values())).attribution.attack.coverage


def test_what_was_opened_for_it_is_open_to_the_new_one(case: Path, tmp_path: Path) -> None:
    (tmp_path / "images/new.png").write_bytes(b"any")
    recover(case, tmp_path / "new.mtaacase")
    with Case(tmp_path / "new.mtaacase") as new:
        assert left_over(new) == [tmp_path / "images/new.png"]


def test_a_case_that_was_cut_short_gives_back_its_beginning(case: Path, tmp_path: Path) -> None:
    before = records_of(case)
    data = case.read_bytes()
    case.write_bytes(data[: len(data) * 2 // 3])
    found = recover(case, tmp_path / "new.mtaacase")
    assert 0 < found.answers < FILES
    after = records_of(tmp_path / "new.mtaacase")
    assert all(after[path] == before[path] for path in after if after[path].finding is not None)


@pytest.mark.parametrize("kind", ["zeros", "noise"])
def test_no_damage_makes_a_finding_up(case: Path, tmp_path: Path, kind: str) -> None:
    """Whichever page is damaged, what is recovered is as it was."""
    before, whole, kept = records_of(case), case.read_bytes(), 0
    noise = random.Random(3)
    pages = range(0, len(whole), PAGE)
    for at in pages:
        new = tmp_path / f"{at}.mtaacase"
        case.write_bytes(whole[:at] + (bytes(PAGE) if kind == "zeros" else noise.randbytes(PAGE)) + whole[at + PAGE :])
        try:
            found = recover(case, new)
        except CaseError:
            assert not new.exists()
            continue
        after = records_of(new)
        kept += found.files == FILES + 1
        for path, record in after.items():
            assert record.waits or replace(record, facts=before[path].facts) == before[path]
        assert found.files + found.missing >= FILES + 1 or found.log_missing, "what is missing is told"
    assert kept > len(pages) * 0.8


def test_no_byte_that_changes_keeps_it_from_ending_or_leaves_half_a_case(case: Path, tmp_path: Path) -> None:
    whole, noise, new = case.read_bytes(), random.Random(5), tmp_path / "new.mtaacase"
    before = records_of(case)
    for _ in range(150):
        data = bytearray(whole)
        at = noise.randrange(PAGE, len(data))
        data[at] ^= 1 << noise.randrange(8)
        case.write_bytes(data)
        with suppress(CaseError):
            recover(case, new)
        assert new.exists() is (new in tmp_path.iterdir())
        if new.exists():
            assert len(records_of(new).keys() & before.keys()) >= FILES
            new.unlink()
        assert not list(tmp_path.glob(".*")), "nothing is left of the work"


def test_rows_whose_order_is_turned_round_are_read_once(case: Path, tmp_path: Path) -> None:
    data = bytearray(case.read_bytes())
    with closing(sqlite3.connect(case)) as database:
        (entries,) = database.execute("SELECT count(*) FROM log").fetchone()
        time, action, detail = database.execute("SELECT time, action, detail FROM log ORDER BY id DESC").fetchone()
    row = data.index(f"{time}{action}{detail}".encode())
    number = data.rindex(bytes([entries]), row - 8, row)  # the row's own, before the kinds of its columns
    data[number] = 2
    case.write_bytes(data)
    found = recover(case, tmp_path / "new.mtaacase")
    assert found.log == entries - 1 and found.files == FILES + 1


def test_what_a_killed_program_had_not_finished_is_taken_back(case: Path, tmp_path: Path) -> None:
    """Its journal lies beside the case; the case itself is left alone."""
    code = (
        "import os, sqlite3; database = sqlite3.connect(os.environ['CASE'], isolation_level=None)\n"
        "database.execute('PRAGMA cache_size = 5'); database.execute('BEGIN IMMEDIATE')\n"
        "database.execute('UPDATE images SET answers = answers || ?', (' ' * 400,))\n"
        "database.execute('UPDATE files SET tag = ?', ('half-done',)); os._exit(9)"
    )
    before = records_of(case)
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "CASE": str(case)}, check=False)
    assert journal_of(case).exists()
    half_done = case.read_bytes()
    recover(case, tmp_path / "new.mtaacase")
    assert records_of(tmp_path / "new.mtaacase") == before
    with Case(tmp_path / "new.mtaacase") as new:
        assert not any(remark.tag for remark in new.remarks().values())
    assert case.read_bytes() == half_done and journal_of(case).exists()
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_program_had_written_ahead_is_taken_in(case: Path, tmp_path: Path) -> None:
    """Damaged or not, what lies beside the case is its own; both are left alone."""
    code = (
        "import os, sqlite3; database = sqlite3.connect(os.environ['CASE'], isolation_level=None)\n"
        "database.execute('PRAGMA journal_mode = WAL'); database.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "database.execute('UPDATE files SET tag = ? WHERE id <= 60', ('ahead',)); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "CASE": str(case)}, check=False)
    assert spoil(case, f"{sha(40)}PNG") == 1
    files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    found = recover(case, tmp_path / "new.mtaacase")
    assert found.files == FILES + 1 and 0 < found.lost < 9
    with Case(tmp_path / "new.mtaacase") as new:
        assert sum(remark.tag == "ahead" for remark in new.remarks().values()) == 60
    assert {path: path.read_bytes() for path in files} == files and not list(tmp_path.glob(".*"))


def test_without_its_known_clean_images_answers_are_told_without_them(
    tmp_path: Path, manifest: Manifest, finding: Finding
) -> None:
    case = tmp_path / "damaged.mtaacase"
    known = Reference(manifest.pack_id, (SAID.sha256,), (), tuple((at / 2000, sha(at)) for at in range(1000)))
    answer = replace(
        finding.attribution, pack_id=manifest.pack_id, testimonies=(SAID,), false_alarm=0.5,
        beside=types.Beside(known.digest, 1000),
    )  # fmt: skip
    facts = FileFacts(10, 20, 30, "PNG", 28, 28, 8, False)
    with Case.create(case, manifest, 0.9) as made:
        made.settle(Basis({SAID.sha256: SAID.victim}, closed=True, reference=known))
        made.add([Record(str(tmp_path / "a.png"), "c" * 64, "ok", None, Finding(answer, None), facts)])
    assert spoil(case, sha(500)) == 1
    found = recover(case, tmp_path / "new.mtaacase")
    assert "known clean images are lost" in str(found)
    with Case(tmp_path / "new.mtaacase") as new:
        (record,) = new.records()
        assert record.finding is not None and record.finding.attribution.beside is None
        assert new.basis() == Basis({SAID.sha256: SAID.victim}, closed=True)


def test_a_note_names_no_pack(case: Path, tmp_path: Path, manifest: Manifest) -> None:
    with Case(case) as made:
        made.set_remarks(notes={str(tmp_path / "images/3.png"): "1 of 1 files wait; pack other@123456789abc; see"})
    assert spoil(case, "schema_version") == 1
    with pytest.raises(CaseError, match=manifest.pack_id):
        recover(case, tmp_path / "new.mtaacase")


def test_a_lost_file_that_was_renamed_keeps_its_note(case: Path, tmp_path: Path) -> None:
    before = records_of(case)[str(tmp_path / "images/40.png")]
    assert spoil(case, f"{sha(40)}PNG") == 1
    recover(case, tmp_path / "new.mtaacase")
    with Case(tmp_path / "new.mtaacase") as new:
        new.waiting([tmp_path / "images/elsewhere.png"])
        new.add([replace(before, path=str(tmp_path / "images/elsewhere.png"))])
        assert new.remarks()[str(tmp_path / "images/elsewhere.png")].note == "note 40"
        assert str(tmp_path / "images/40.png") not in new.paths()


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PurePosixPath("/a b/c.mtaacase"), "file:///a%20b/c.mtaacase"),
        (PureWindowsPath(r"C:\a\c.mtaacase"), "file:///C:/a/c.mtaacase"),
        (PureWindowsPath(r"\\server\share\c.mtaacase"), "file:////server/share/c.mtaacase"),
    ],
)
def test_a_case_on_another_computer_is_named_as_sqlite_takes_it(path: PurePath, uri: str) -> None:
    assert uri_of(path) == uri


def test_where_nothing_can_be_read_nothing_is_made(case: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.mtaacase"
    whole = case.read_bytes()
    for data in (b"", b"not a case", b"not a case" * PAGE, whole[:PAGE], whole[:100] + bytes(len(whole) - 100)):
        case.write_bytes(data)
        with pytest.raises(CaseError):
            recover(case, new)
        assert not new.exists()
    case.write_bytes(whole)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        recover(case, new, cancel=token)
    assert not new.exists()
    new.write_text("something else")
    with pytest.raises(CaseError, match="exists already"):
        recover(case, new)
    assert new.read_text() == "something else"


def test_nothing_of_a_strangers_schema_runs(case: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(case)) as database:
        database.execute("CREATE VIEW more AS SELECT 1")
        database.commit()
    with pytest.raises(CaseError, match="its tables are not those of a case"):
        Case(case)
    recover(case, tmp_path / "new.mtaacase")
    with closing(sqlite3.connect(tmp_path / "new.mtaacase")) as database:
        assert database.execute("SELECT 1 FROM sqlite_master WHERE type = 'view'").fetchone() is None


@pytest.mark.parametrize("damage", ["all", "magic", "page size", "encoding", "tables"])
def test_a_damaged_first_page_costs_nothing(case: Path, tmp_path: Path, damage: str) -> None:
    """It says where the tables begin, and they begin where those of any case do."""
    before, data = records_of(case), bytearray(case.read_bytes())
    if damage == "all":
        data[:PAGE] = bytes(PAGE)
    else:
        at = {"magic": 0, "page size": 17, "encoding": 59, "tables": data.index(b"CREATE TABLE files")}[damage]
        data[at] ^= 3
    case.write_bytes(data)
    with pytest.raises(CaseError):
        Case(case)
    found = recover(case, tmp_path / "new.mtaacase")
    assert (found.files, found.missing, found.log_missing) == (FILES + 1, 0, 0)
    assert records_of(tmp_path / "new.mtaacase") == before
    assert not list(tmp_path.glob(".*"))


def test_another_programs_database_and_a_newer_programs_case_are_left_alone(case: Path, tmp_path: Path) -> None:
    for pragma, says in (("user_version = 2", "has the schema 2"), ("application_id = 7", "of another program")):
        with closing(sqlite3.connect(case)) as database:
            database.execute(f"PRAGMA {pragma}")
        with pytest.raises(CaseError, match=says):
            recover(case, tmp_path / "new.mtaacase")
        assert not (tmp_path / "new.mtaacase").exists()


def test_notes_are_found_in_the_log_where_their_files_are_lost(case: Path, tmp_path: Path) -> None:
    odd = "it's: note 'odd'"
    with Case(case) as made:
        made.set_remarks(tags={str(tmp_path / "images/20.png"): odd})
        made.set_remarks(notes={str(tmp_path / "images/30.png"): ""})
        notes = made.remarks()
    with closing(sqlite3.connect(case)) as database:
        roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master"))
    data = bytearray(case.read_bytes())
    for name in ("files", "sqlite_autoindex_files_1", "files_by_hash"):
        data[(roots[name] - 1) * PAGE : roots[name] * PAGE] = bytes(PAGE)
    case.write_bytes(data)
    found = recover(case, tmp_path / "new.mtaacase")
    assert (found.files, found.remarks, found.answers) == (len(notes), len(notes), FILES)
    with Case(tmp_path / "new.mtaacase") as new:
        assert new.remarks() == notes and recovered_in(new.log()) == new.log()[-1].detail
        assert [record.waits for record in new.records()] == [True] * len(notes)


def test_a_pack_that_the_log_does_not_name_is_not_believed(
    case: Path, tmp_path: Path, manifest: Manifest, tiny_manifest: dict[str, Any]
) -> None:
    data = case.read_bytes()
    case.write_bytes(data.replace(b'"title":"Tiny pack"', b'"title":"Tinx pack"', 1))
    with pytest.raises(CaseError, match=manifest.pack_id):
        recover(case, tmp_path / "new.mtaacase")
    (user_data() / "packs").mkdir(parents=True)
    write_tiny_pack(user_data() / "packs" / "mine.mtaapack", tiny_manifest)
    assert "its pack was read from this machine" in str(recover(case, tmp_path / "new.mtaacase"))
    with Case(tmp_path / "new.mtaacase") as new:
        assert new.manifest == manifest
