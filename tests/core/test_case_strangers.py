"""Cases as strangers, other programs and killed ones leave them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.batch import open_case
from core.case import Case
from core.case_format import beginning
from core.case_recovery import recover
from core.errors import CaseError, DamagedCaseError
from core.listed import Remark
from core.manifest import Manifest
from core.records import answers_to_json
from core.types import Finding
from tests.core.helpers import made

ROOT = Path(__file__).parents[2]


def written_ahead(case: Path) -> None:
    """Have a program write a tag ahead, and kill it."""
    code = (
        "import os, sqlite3; database = sqlite3.connect(os.environ['CASE'], isolation_level=None)\n"
        "database.execute('PRAGMA journal_mode = WAL'); database.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "database.execute('UPDATE files SET tag = ?', ('ahead',)); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "CASE": str(case)}, check=False)
    assert case.with_name(f"{case.name}-wal").stat().st_size > 0


def test_a_case_that_is_written_ahead_becomes_one_file_when_it_is_opened(
    case: Case, finding: Finding, tmp_path: Path
) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    case.close()
    written_ahead(case.path)
    with Case(case.path) as again:
        assert again.remarks() == {"/a.png": Remark("ahead", "")}
        assert [path.name for path in tmp_path.iterdir()] == [case.path.name]
        again.set_remarks(notes={"/a.png": "mine"})
        assert [path.name for path in tmp_path.iterdir()] == [case.path.name]
        shutil.copy(case.path, tmp_path / "copy.mtaacase")
    with Case(tmp_path / "copy.mtaacase") as copy:
        assert copy.remarks() == {"/a.png": Remark("ahead", "mine")}


def test_a_case_that_is_written_ahead_and_in_use_is_left_alone(case: Case, finding: Finding) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    case.close()
    written_ahead(case.path)
    other = sqlite3.connect(case.path, isolation_level=None)
    other.execute("SELECT count(*) FROM files").fetchone()
    with pytest.raises(CaseError, match="in use by another program"):
        Case(case.path)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    with Case(case.path) as again:
        assert again.remarks() == {"/a.png": Remark("ahead", "")}


@pytest.mark.parametrize("ahead", [False, True])
def test_a_case_that_may_only_be_read_is_opened_if_it_is_one_file(
    case: Case, finding: Finding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    """An administrator may write whatever there is, so the system and SQLite are made to say that nobody may."""
    case.add([made(finding, "/a.png", "a" * 64)])
    case.close()
    if ahead:
        written_ahead(case.path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    case.path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    if ahead:
        with pytest.raises(CaseError, match=r"may only be read\. Copy it to where you may write"):
            Case(case.path)
    else:
        with Case(case.path) as again:
            again._database.execute("PRAGMA query_only = ON")
            assert again.paths() == ["/a.png"]
            with pytest.raises(CaseError, match="may only be read"):
                again.write_log("x", "y")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_another_case_wrote_ahead_is_not_taken_in(case: Case, finding: Finding, manifest: Manifest) -> None:
    """SQLite would put it in place of what the case holds."""
    case.add([made(finding, "/a.png", "a" * 64)])
    case.close()
    new = case.path.with_name("new.mtaacase")
    with Case.create(new, manifest, 0.8) as other:
        other.add([made(finding, "/b.png", "b" * 64)])
    whole = new.read_bytes()
    written_ahead(case.path)
    for ending in ("-wal", "-shm"):
        case.path.with_name(case.path.name + ending).rename(new.with_name(new.name + ending))
    with pytest.raises(CaseError, match=r"new\.mtaacase-wal belongs to a case that was moved"):
        Case(new)
    recover(new, new.with_name("recovered.mtaacase"))
    with Case(new.with_name("recovered.mtaacase")) as recovered:
        assert recovered.paths() == ["/b.png"] and not recovered.remarks()
    assert new.read_bytes() == whole
    link = new.with_name("link.mtaacase")
    link.symlink_to(new)
    with pytest.raises(CaseError, match=r"new\.mtaacase-wal belongs to a case that was moved"):
        Case(link)
    new.unlink()
    with pytest.raises(CaseError, match=r"new\.mtaacase-wal belongs to a case that was moved"):
        Case.create(new, manifest, 0.8)
    assert not new.exists()


KILLED = """
import os, sys
from pathlib import Path
from core import case
from core.manifest import Manifest
real = case.make_database
case.make_database = lambda *arguments: (real(*arguments), os._exit(9))
case.Case.create(sys.argv[1], Manifest.model_validate_json(Path(sys.argv[2]).read_text()), 0.9)
"""


def test_a_program_that_is_killed_while_it_begins_a_case_leaves_nothing_in_the_way(
    tmp_path: Path, manifest: Manifest
) -> None:
    path, pack = tmp_path / "e.mtaacase", tmp_path / "manifest.json"
    pack.write_text(manifest.model_dump_json())
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), str(pack)], cwd=ROOT, check=False)
    assert ended.returncode == 9
    assert not path.exists()
    with open_case(path, manifest, 0.8, resume=True) as case:
        assert case.coverage == 0.8


def test_a_case_is_begun_where_files_have_one_name_only(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On FAT, and some shares."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "e.mtaacase"
    with Case.create(path, manifest, 0.9) as case:
        assert case.coverage == 0.9
    with pytest.raises(CaseError, match="exists already"), beginning(tmp_path / "f.mtaacase") as temporary:
        temporary.write_bytes(b"mine")
        (tmp_path / "f.mtaacase").write_bytes(b"theirs")
    assert (tmp_path / "f.mtaacase").read_bytes() == b"theirs"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["e.mtaacase", "f.mtaacase"]


def _ranked(*shares: tuple[str, float], held: tuple[str, ...] = ("fgsm",), coverage: float = 0.9) -> dict[str, Any]:
    ranking = [{"label": label, "probability": share} for label, share in shares]
    return {"ranking": ranking, "set": held, "coverage": coverage, "entropy": 1, "sigma": 1}


FGSM = {"name": "epsilon", "unit": "/255", "value": 30, "low": 20, "high": 40, "sigma": 1, "minimum": 10,
        "maximum": 200, "coverage": 0.9}  # fmt: skip
WHOLE = (("fgsm", 0.7), ("cw", 0.2), ("clean", 0.1))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attack", _ranked(("fgsm", 0.7), ("cw", 0.2), ("pgd", 0.1))),
        ("attack", _ranked(("fgsm", 0.7), ("cw", 0.2), ("fgsm", 0.1))),
        ("attack", _ranked(("fgsm", 0.1), ("cw", 0.2), ("clean", 0.7))),
        ("attack", _ranked(("fgsm", 0.7), ("cw", 0.6), ("clean", 0.1))),
        ("attack", _ranked(("fgsm", 1), ("cw", 0), ("clean", -1e-9))),
        ("attack", _ranked(*WHOLE, held=())),
        ("attack", _ranked(*WHOLE, held=("fgsm", "fgsm"))),
        ("attack", _ranked(*WHOLE, held=("pgd",))),
        ("attack", _ranked(*WHOLE, coverage=0)),
        ("victim", _ranked(("vgg11", 0.7), ("clean", 0.3), held=("vgg11",))),
        ("hyperparameters", [FGSM | {"value": 1e308}]),
        ("hyperparameters", [FGSM | {"minimum": -1e308}]),
        ("hyperparameters", [FGSM | {"name": "none"}]),
    ],
)
def test_answers_that_are_not_the_packs_are_damage_and_recovered_without(
    case: Case, finding: Finding, key: str, value: Any
) -> None:
    """Not a KeyError of the window that tells them at another coverage, nor no number in an export."""
    case.add([made(finding, "/a.png", "a" * 64), made(finding, "/b.png", "b" * 64)])
    whole = answers_to_json(finding.attribution)
    if key == "hyperparameters":
        value = [*value, *whole[key][1:]]
    database = sqlite3.connect(case.path, isolation_level=None)
    query = "UPDATE images SET answers = ? WHERE sha256 = ?"
    database.execute(query, (json.dumps(whole | {key: value}), "a" * 64))
    database.close()
    for read in (lambda: list(case.records()), lambda: case["a" * 64]):
        with pytest.raises(DamagedCaseError, match="the answer about aaaaaaaaaaaa cannot be read"):
            read()
    assert case["b" * 64].attribution == replace(finding.attribution, sha256="b" * 64, pack_id=case.manifest.pack_id)
    new = case.path.with_name("new.mtaacase")
    assert recover(case.path, new).lost == 1
    with Case(new) as recovered:
        assert [record.waits for record in recovered.records()] == [True, False]
