"""The case file: what goes in comes out, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from core import case as case_module
from core import versions
from core.attributor import Attributor
from core.batch import devices, fill_case, left_over, merge_parts, note_opened, open_case, versions_used, was_cut_off
from core.case import Case
from core.errors import Cancelled, CaseError
from core.listed import FileFacts, Record, Remark
from core.manifest import Manifest
from core.pack import load_pack
from core.progress import CancelToken, Progress
from core.ranks import Ranks
from core.records import answers_to_json
from core.report.html import render
from core.report.subject import of_case
from core.types import Basis, Finding
from tests.core.helpers import made

ROOT = Path(__file__).parents[2]


@pytest.fixture
def attributor(tiny_pack: Path) -> Attributor:
    attributor = Attributor(load_pack(tiny_pack), "cpu")
    attributor.batch = 8
    return attributor


@pytest.fixture
def folder(tmp_path: Path) -> list[Path]:
    """Thirty files: different images, two copies of the first, and one that is no image."""
    numbers = np.random.default_rng(0)
    paths = [tmp_path / "images" / f"{i:02}.png" for i in range(30)]
    paths[0].parent.mkdir()
    for path in paths:
        Image.fromarray(numbers.integers(0, 256, (28, 28), dtype=np.uint8)).save(path)
    shutil.copy(paths[0], paths[3])
    shutil.copy(paths[0], paths[20])
    paths[11].write_bytes(b"no image")
    return paths


def comparable(case: Case) -> list[Record]:
    """The records but for the moment when each file was read."""
    return [replace(r, facts=r.facts and replace(r.facts, read_ns=0)) for r in case.records()]


def test_a_finding_comes_back_as_it_was(case: Case, finding: Finding) -> None:
    odd = replace(finding.attribution.hyperparameters[0], value=10.1 + 0.2)
    values = odd, *finding.attribution.hyperparameters[1:]
    attribution = replace(finding.attribution, pack_id=case.manifest.pack_id, hyperparameters=values)
    records = [
        made(Finding(attribution, None), "/a.png", "e" * 64),
        Record("/数\udcff.png", None, "error", "/数\udcff.png is gone.", None),
        Record("/c.png", "f" * 64, "error", "No image.", None, FileFacts(1, 2, 3)),
    ]
    case.add(records)
    with Case(case.path) as again:
        assert list(again.records()) == records
        assert again["e" * 64] == records[0].finding
        assert list(again) == ["e" * 64]
        assert "f" * 64 not in again
        assert again.manifest == case.manifest
        with pytest.raises(KeyError):
            again["0" * 64]


def test_a_batch_is_all_or_nothing(case: Case, finding: Finding) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    broken = Record("/c.png", "c" * 64, "ok", None, Finding(None, None), FileFacts(1, 2, 3, "PNG"))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        case.add([made(finding, "/b.png", "b" * 64), broken])
    assert [record.path for record in case.records()] == ["/a.png"]
    assert "b" * 64 not in case
    case.add([made(finding, "/b.png", "b" * 64)])
    assert case.count() == 2


def test_tags_notes_and_the_log(case: Case, finding: Finding) -> None:
    case.add([made(finding, "/a.png", "a" * 64), made(finding, "/b.png", "b" * 64)])
    case.set_remarks(tags={"/a.png": "suspicious"}, notes={"/a.png": "seen on 'server 3'; DROP TABLE files"})
    with pytest.raises(CaseError, match="none is not in the case"):
        case.set_remarks(tags={"/a.png": "half", "/none": "x"})
    assert case.remarks() == {"/a.png": Remark("suspicious", "seen on 'server 3'; DROP TABLE files")}
    case.write_log("exported", "to a.csv")
    assert [entry.action for entry in case.log()] == ["remark", "remark", "exported"]
    with sqlite3.connect(case.path) as other:
        for attempt in ("UPDATE log SET detail = ''", "DELETE FROM log"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(attempt)
    other.close()


def test_a_tag_leaves_the_note_and_a_note_the_tag(case: Case, finding: Finding) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    case.set_remarks(tags={"/a.png": "mine"})
    case.set_remarks(notes={"/a.png": "look again"})
    assert case.remarks() == {"/a.png": Remark("mine", "look again")}
    case.set_remarks(tags={"/a.png": ""})
    assert case.remarks() == {"/a.png": Remark("", "look again")}
    assert [entry.detail for entry in case.log()][-2:] == ["/a.png: note 'look again'", "/a.png: tag ''"]


def test_a_folder_goes_into_a_case_once(case: Case, attributor: Attributor, folder: list[Path]) -> None:
    told: list[Progress] = []
    forward, judged = attributor.passes.forward, []
    attributor.passes.forward = lambda tiles, *how: (judged.append(len(tiles)), forward(tiles, *how))[1]  # type: ignore[method-assign]
    fill_case(case, attributor, folder, progress=told.append)
    records = list(case.records())
    assert [record.path for record in records] == [str(path) for path in folder]
    assert sum(judged) == len(case) == 27, "copies and the broken file are not judged"
    assert records[0].finding == records[3].finding == records[20].finding
    assert records[20].facts is not None
    assert records[20].facts.width == 28, "a copy has the facts of its first"
    assert records[11].error is not None
    assert told[-1].done == 30
    fill_case(case, attributor, folder)
    assert sum(judged) == 27, "nothing is done twice"
    assert [entry.action for entry in case.log()] == 2 * ["device", "attribute", "finished"]
    assert devices(case.log()) == "CPU"


def test_moved_and_changed_files(case: Case, attributor: Attributor, folder: list[Path]) -> None:
    fill_case(case, attributor, folder)
    case.set_remarks(tags={str(folder[5]): "mine"}, notes={str(folder[5]): "look again"})
    moved = folder[5].rename(folder[5].with_name("moved.png"))
    Image.new("L", (28, 28), 77).save(folder[6])
    before = {record.path: record for record in case.records()}
    fill_case(case, attributor, [*folder[:5], *folder[6:], moved])
    after = {record.path: record for record in case.records()}
    assert len(after) == len(before) == 30, "a moved file is no new one"
    assert after[str(moved)].sha256 == before[str(folder[5])].sha256
    assert case.remarks() == {str(moved): Remark("mine", "look again")}
    assert after[str(folder[6])].sha256 != before[str(folder[6])].sha256
    told = {entry.action: entry.detail for entry in case.log()}
    assert str(moved) in told["moved"]
    assert before[str(folder[6])].sha256 in told["changed"]
    assert len(case) == 28, "what the changed file held before stays as evidence"


def test_of_many_copies_each_is_looked_for_once(
    case: Case, finding: Finding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    real = os.lstat

    def look(path: Any) -> os.stat_result:
        if str(path).endswith(".png"):  # and not on the way to the case
            looks.append(path)
        return real(path)

    monkeypatch.setattr(os, "lstat", look)
    records = [made(finding, str(tmp_path / f"{i:03}.png"), "a" * 64) for i in range(320)]
    for record in records:
        Path(record.path).touch()
    for at in range(0, 320, 8):
        case.add(records[at : at + 8])
    assert 0 < len(looks) <= 320, "and not once for each other"

    case.set_remarks(tags={records[7].path: "seventh", records[9].path: "ninth"})
    for at in (7, 9, 11):
        Path(records[at].path).unlink()
    new = [made(finding, str(tmp_path / f"new{i}.png"), "a" * 64) for i in range(4)]
    case.waiting([])  # as a run does that begins
    looks.clear()
    case.add(new[:1])
    Path(records[9].path).touch()
    case.add(new[1:])
    assert len(looks) <= 320 + 3
    assert case.remarks() == {new[0].path: Remark("seventh", ""), records[9].path: Remark("ninth", "")}
    assert case.count() == 322, "two were moved, one came back in time, and two are new"


def test_what_was_found_again_in_vain_is_found_again(case: Case, finding: Finding) -> None:
    """A batch that is given up, and a file that another program found before."""
    case.add([made(finding, "/a.png", "a" * 64), made(finding, "/b.png", "a" * 64)])
    broken = Record("/x.png", "c" * 64, "ok", None, Finding(None, None), FileFacts(1, 2, 3, "PNG"))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        case.add([made(finding, "/new.png", "a" * 64), broken])
    case.add([made(finding, "/new.png", "a" * 64)])
    assert case.paths() == ["/new.png", "/b.png"]
    with Case(case.path) as other:
        other.add([made(finding, "/theirs.png", "a" * 64)])
        assert other.paths() == ["/theirs.png", "/b.png"]
    case.add([made(finding, "/mine.png", "a" * 64)])
    assert case.paths() == ["/theirs.png", "/mine.png"]


def test_cancelled_then_resumed_equals_undisturbed(
    case: Case, attributor: Attributor, folder: list[Path], tmp_path: Path
) -> None:
    cancel = CancelToken()

    real_add = case.add

    def adding(records: list[Record]) -> None:
        real_add(records)
        if case.count() >= 16:
            cancel.cancel()

    case.add = adding  # type: ignore[assignment, method-assign]
    with pytest.raises(Cancelled):
        fill_case(case, attributor, folder, cancel=cancel)
    assert case.count() == 16
    assert case.log()[-1].action == "stopped"
    fill_case(case, attributor, folder)
    with Case.create(tmp_path / "b.mtaacase", case.manifest, 0.9) as undisturbed:
        fill_case(undisturbed, attributor, folder)
        assert comparable(case) == comparable(undisturbed)


WRITER = """
import sys
from dataclasses import replace
from core.case import Case
from core.listed import *; from core.types import *
with Case(sys.argv[1]) as case:
    def certain(labels):
        ranking = [RankedLabel(label.name, 0.0 if at else 1.0) for at, label in enumerate(labels)]
        return ClassAnswer(tuple(ranking), 0, 1, (labels[0].name,), 0.9)
    def least(attack):
        low, high = attack.minimum, attack.maximum
        return HyperparameterAnswer(attack.hyperparameter, low, low, low, attack.unit, 1, low, high, 0.9)
    tasks, values = map(certain, (case.manifest.attacks, case.manifest.victims)), map(least, case.manifest.attacks)
    base = Attribution("", case.manifest.pack_id, *tasks, tuple(values), Familiarity(0, 1), ("long " * 400,))
    facts = FileFacts(1, 2, 3, "PNG", 28, 28, 8, False)
    print("ready", flush=True)
    for start in range(case.count(), 100_000, 16):
        names = [f"{i:064x}" for i in range(start, start + 16)]
        case.add([Record("/" + n, n, "ok", None, Finding(replace(base, sha256=n), None), facts) for n in names])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_kill_9_at_any_moment_leaves_whole_batches(case: Case) -> None:
    moments, seen = random.Random(6), 0
    for _ in range(6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(case.path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(moments.uniform(0.0, 0.3))
        writer.kill()
        writer.wait()
        writer.stdout.close()
        with Case(case.path) as again:
            names = [record.path for record in again.records()]
            assert names == [f"/{i:064x}" for i in range(len(names))]
            assert len(names) % 16 == 0
            assert len(names) >= seen
            assert len(again) == len(names)
            seen = len(names)
    assert seen > 0


def test_parts_become_the_case_that_one_process_makes(
    case: Case, attributor: Attributor, folder: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = []
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        ranks = Ranks()
        ranks.count = 2
        shares.append(ranks.share(folder, 8))
    assert sorted(shares[0] + shares[1]) == folder
    assert shares[0][:9] == [*folder[:8], folder[16]]
    for rank, share in enumerate(shares):
        with Case.create(case.path.with_name(f"{case.path.name}.part-{rank}"), case.manifest, 0.9) as part:
            fill_case(part, attributor, share)
    merge_parts(case, folder)
    assert not list(tmp_path.glob("*.part-*"))
    with Case.create(tmp_path / "b.mtaacase", case.manifest, 0.9) as single:
        fill_case(single, attributor, folder)
        merged, alone = comparable(case), comparable(single)
    assert [(r.path, r.sha256, r.status, r.error, r.facts) for r in merged] == [
        (r.path, r.sha256, r.status, r.error, r.facts) for r in alone
    ]
    for one, other in zip(merged, alone, strict=True):
        if one.finding and other.finding:
            assert one.finding.attribution.attack.probability == pytest.approx(
                other.finding.attribution.attack.probability, abs=1e-6
            )
    assert devices(case.log()) == "CPU"


@pytest.mark.parametrize(("name", "gpus", "device"), [
    ("auto", 2, "cuda:1"), ("cuda", 2, "cuda:1"), ("cuda", 1, "cuda:0"), ("cuda:1", 2, "cuda:1"), ("cpu", 2, "cpu"),
    ("auto", 0, "cpu"), ("cuda", 0, "cuda"),
])  # fmt: skip
def test_each_process_takes_a_gpu_of_its_own(
    name: str, gpus: int, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = Ranks()
    assert ranks.device(name) == name and ranks.agreed(name) == name, "alone, nothing is dealt out"
    ranks.count = 2
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert ranks.device(name) == device


def test_what_a_shared_run_left_is_not_judged_again(
    case: Case, attributor: Attributor, folder: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rank in (0, 1):  # all was written, then the run was killed before it was put together
        with Case.create(case.path.with_name(f"{case.path.name}.part-{rank}"), case.manifest, 0.9) as part:
            fill_case(part, attributor, folder[rank::2])
    lock = FileLock(case.path.with_name(f"{case.path.name}.shared.lock"))
    with lock, pytest.raises(CaseError, match="in use by processes that share it"):
        fill_case(case, attributor, folder)
    assert len(list(tmp_path.glob("*.part-*"))) == 2 and case.count() == 0
    monkeypatch.setattr(attributor.passes, "forward", None)
    fill_case(case, attributor, folder)
    assert case.count() == len(folder) and not list(tmp_path.glob("*.part-*"))
    assert "0 of 30 files wait" in next(e.detail for e in reversed(case.log()) if e.action == "attribute")


def test_a_date_beyond_what_a_case_holds_is_no_obstacle(case: Case, attributor: Attributor, folder: list[Path]) -> None:
    os.utime(folder[0], ns=(0, 13 * 10**18))
    if folder[0].stat().st_mtime_ns < 2**63:
        pytest.skip("this file system keeps no such date")
    fill_case(case, attributor, folder[:2])
    assert case.count() == 2 and case.waiting(folder[:2]) == []


def test_another_pack_or_coverage_is_refused(case: Case, manifest: Manifest, tmp_path: Path) -> None:
    *others, first, second = manifest.victims
    swapped = [*others, first.model_copy(update={"name": second.name}), second.model_copy(update={"name": first.name})]
    for change in ({"weights_sha256": "e" * 64}, {"victims": swapped}):
        other = manifest.model_copy(update=change)
        with pytest.raises(CaseError, match=f"made with the pack {manifest.pack_id}, not with {other.pack_id}"):
            open_case(case.path, other, 0.9, resume=True)
    with pytest.raises(CaseError, match=r"coverage of 0\.9, not 0\.8"):
        open_case(case.path, manifest, 0.8, resume=True)
    with pytest.raises(CaseError, match="exists already"):
        open_case(case.path, manifest, 0.9, resume=False)
    with pytest.raises(CaseError, match="cannot be written: No such file or directory"):
        open_case(tmp_path / "none" / "a.mtaacase", manifest, 0.9, resume=True)
    open_case(case.path, manifest, 0.9, resume=True).close()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3", b"hello" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_case_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mtaacase"
    path.write_bytes(content)
    with pytest.raises(CaseError):
        Case(path)
    assert path.read_bytes() == content
    with pytest.raises(CaseError, match="does not exist"):
        Case(tmp_path / "none.mtaacase")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("PRAGMA application_id = 7", "another program"),
        ("PRAGMA user_version = 2", "schema 2, this program reads 1"),
        ("CREATE TRIGGER evil AFTER INSERT ON files BEGIN DELETE FROM files; END", "tables are not those"),
        ("DROP TABLE log", "tables are not those"),
        ("DELETE FROM facts WHERE key = 'manifest'", "damaged"),
        ("UPDATE facts SET value = '{}' WHERE key = 'manifest'", "damaged"),
        *(
            (f"UPDATE facts SET value = '{value}' WHERE key = 'coverage'", "its pack or coverage cannot be read")
            for value in ("much", "nan", "inf", "1e9", "-1", "0", "1")
        ),
        ("INSERT INTO log (time, action, detail) VALUES ('now', x'00', 'x')", "its log hold values of another kind"),
        ("INSERT INTO files (path, tag) VALUES ('/a.png', x'00')", "its files hold values of another kind"),
        ("INSERT INTO files (path, bytes) VALUES ('/a.png', 'many')", "its files hold values of another kind"),
    ],
)
def test_foreign_and_tampered_databases_are_refused(case: Case, statement: str, says: str) -> None:
    case.close()
    other = sqlite3.connect(case.path, isolation_level=None)
    other.execute(statement)
    other.close()
    with pytest.raises(CaseError, match=says):
        Case(case.path)


@pytest.mark.parametrize("answers", ["", "[]", "{}", '{"attack": 1}', "[" * 100_000])
def test_a_tampered_answer_is_damage_not_a_crash(case: Case, finding: Finding, answers: str) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    other = sqlite3.connect(case.path, isolation_level=None)
    other.execute("UPDATE images SET answers = ?", (answers,))
    other.close()
    with pytest.raises(CaseError, match="aaaaaaaaaaaa cannot be read"):
        list(case.records())


def test_nothing_is_judged_on_for_a_case_that_cannot_be_written(
    case: Case, attributor: Attributor, folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while somebody holds the error, as the window does that shows it."""

    def full(records: object) -> None:
        raise CaseError("The disk is full.", "Make room.")

    monkeypatch.setattr(case, "add", full)
    with pytest.raises(CaseError, match="full") as held:
        fill_case(case, attributor, folder)
    decoding = [thread for thread in threading.enumerate() if thread.name.startswith("decode")]
    for thread in decoding:
        thread.join(10)
    assert held.value.__traceback__ is not None and not any(thread.is_alive() for thread in decoding)


def test_answers_that_no_export_could_hold_are_damage(case: Case, finding: Finding) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    whole = json.dumps(answers_to_json(finding.attribution))
    other = sqlite3.connect(case.path, isolation_level=None)
    for key, value in (
        ("hyperparameters", "[]"),
        ("familiarity", '{"score": NaN, "threshold": 1}'),
        ("familiarity", f'{{"score": 1{"0" * 400}, "threshold": 1}}'),
        ("familiarity", '{"score": 1e999, "threshold": 1}'),
    ):
        answers = json.dumps(json.loads(whole) | {key: "HERE"}).replace('"HERE"', value)
        other.execute("UPDATE images SET answers = ?", (answers,))
        with pytest.raises(CaseError, match="aaaaaaaaaaaa cannot be read"):
            list(case.records())
    other.execute("UPDATE images SET answers = ?", (whole,))
    other.execute("UPDATE files SET modified_ns = NULL")
    other.close()
    (record,) = case.records()
    assert record.finding is not None and record.facts is None, "without its times a file's facts are not told"


@pytest.mark.parametrize("path", [b"\xff\xfe", 5])
def test_a_tampered_path_is_damage_not_a_crash(case: Case, finding: Finding, path: bytes | int) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    other = sqlite3.connect(case.path, isolation_level=None)
    other.execute("UPDATE files SET path = ?, tag = 'x'", (path,))
    other.close()
    for read in (lambda: list(case.records()), case.paths, lambda: case.waiting([]), case.remarks):
        with pytest.raises(CaseError, match="is no text"):
            read()


def test_overwritten_pages_are_noticed(case: Case, finding: Finding) -> None:
    case.add([made(finding, f"/{i}.png", f"{i:064x}") for i in range(200)])
    case.close()
    data = bytearray(case.path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8192] = os.urandom(8192)
    case.path.write_bytes(data)
    with pytest.raises(CaseError, match="damaged"):
        Case(case.path)


def test_a_case_in_use_is_waited_for_and_then_said(
    case: Case, finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.case._WAIT", 0.05)
    with Case(case.path) as second:
        case._database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CaseError, match="in use by another program"):
            second.write_log("x", "y")
        case._database.execute("COMMIT")
        second.write_log("x", "y")


def test_a_commit_that_waits_in_vain_leaves_no_transaction(
    case: Case, finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.case._WAIT", 0.05)
    with Case(case.path) as second:
        case._database.execute("BEGIN")
        case._database.execute("SELECT count(*) FROM files").fetchone()  # as whoever looks through a large case
        with pytest.raises(CaseError, match="in use by another program"):
            second.add([made(finding, "/a.png", "a" * 64)])
        case._database.execute("COMMIT")
        second.add([made(finding, "/a.png", "a" * 64)])
    assert case.paths() == ["/a.png"]


def test_a_full_disk_is_not_a_damaged_case(case: Case, finding: Finding) -> None:
    pages = case._database.execute("PRAGMA page_count").fetchone()[0]
    case._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(CaseError, match=r"cannot be used: database or disk is full.* The case is as it was"):
        case.add([made(finding, f"/{i}.png", f"{i:064x}") for i in range(200)])
    case._database.execute("PRAGMA max_page_count = 100000")
    case.add([made(finding, "/a.png", "a" * 64)])
    assert case.paths() == ["/a.png"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_case_that_is_taken_away_while_it_is_open_is_told_from_one_that_may_only_be_read(
    case: Case, finding: Finding, manifest: Manifest, replaced: bool
) -> None:
    other = case.path.with_name("other.mtaacase")
    Case.create(other, manifest, 0.9).close()
    case.path.rename(case.path.with_name("moved.mtaacase"))
    if replaced:
        other.rename(case.path)
    with pytest.raises(CaseError, match="was moved, deleted or replaced while it was open"):
        case.add([made(finding, "/a.png", "a" * 64)])


def test_a_folder_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"is a folder\. Choose a \.mtaacase file"):
        Case(tmp_path)


def test_no_journal_of_another_case_is_taken_into_a_new_one(tmp_path: Path, manifest: Manifest) -> None:
    journal = tmp_path / "e.mtaacase-journal"
    journal.write_bytes(b"left by a crash")
    with pytest.raises(CaseError, match="moved or deleted after a crash"):
        Case.create(tmp_path / "e.mtaacase", manifest, 0.9)
    assert [path.name for path in tmp_path.iterdir()] == [journal.name]


def test_of_two_programs_that_begin_a_case_one_is_told(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "e.mtaacase", case_module.make_database

    def meanwhile(*arguments: Any) -> sqlite3.Connection:
        monkeypatch.setattr(case_module, "make_database", real)
        Case.create(path, manifest, 0.8).close()
        return real(*arguments)

    monkeypatch.setattr(case_module, "make_database", meanwhile)
    with pytest.raises(CaseError, match="exists already"):
        Case.create(path, manifest, 0.9)
    assert list(tmp_path.iterdir()) == [path]
    with Case(path) as case:
        assert case.coverage == 0.8, "the first that is whole stays"
    monkeypatch.setattr(case_module, "make_database", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(CaseError, match="No space left"):
        Case.create(tmp_path / "f.mtaacase", manifest, 0.9)
    assert not (tmp_path / "f.mtaacase").exists()


def test_two_programs_cannot_put_answers_of_different_victims_side_by_side(case: Case, finding: Finding) -> None:
    with Case(case.path) as second:
        case.settle(Basis({"a" * 64: "ResNet18"}))
        second.settle(Basis({}))  # there is no answer yet
        with pytest.raises(CaseError, match="asking no victim, and now it would be asking ResNet18"):
            case.add([made(finding, "/a.png", "a" * 64)])
        second.add([made(finding, "/b.png", "b" * 64)])
        with pytest.raises(CaseError, match="was made asking no victim"):
            case.settle(Basis({"a" * 64: "ResNet18"}))
        assert second.basis() == case.basis() == Basis({}) and case.paths() == ["/b.png"]


@pytest.mark.parametrize("fault", [PermissionError, OSError])
def test_an_original_that_cannot_be_looked_at_has_not_moved(
    case: Case, finding: Finding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[OSError]
) -> None:
    first, copy = tmp_path / "first.png", tmp_path / "copy.png"
    note_opened(case, [tmp_path])
    case.add([made(finding, str(first), "a" * 64)])

    def refuse(path: object) -> object:
        raise fault(5, "not now", str(path))

    monkeypatch.setattr("core.case.os.lstat", refuse)
    case.waiting([])
    case.add([made(finding, str(copy), "a" * 64)])
    assert case.paths() == [str(first), str(copy)]


def test_a_file_that_there_was_no_memory_for_is_looked_at_again(
    case: Case, attributor: Attributor, folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> object:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("core.imageio._picture_pixels", short)
        fill_case(case, attributor, folder[:2])
    assert all("not enough memory" in str(record.error) for record in case.records())
    fill_case(case, attributor, folder[:2])
    assert [record.status for record in case.records()] == ["ok", "ok"]


def test_a_case_says_which_versions_judged_it(
    case: Case, attributor: Attributor, folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "versions", lambda: {"MTAA Workbench": "0.0.9", "torch": "1.2+cu9"})
    fill_case(case, attributor, folder[:1])
    fill_case(case, attributor, folder[:1])
    monkeypatch.undo()
    assert versions_used(case.log()) == "MTAA Workbench 0.0.9, torch 1.2+cu9"
    subject = of_case(case)
    page = render(subject)
    assert "0.0.9" in page and page.index("Judged with") < page.index("0.0.9") < page.index("Written with")
    assert json.loads(b"".join(subject.json_parts()))["program"] == versions_used(case.log())


def test_who_reads_a_case_does_not_keep_others_from_writing(
    case: Case, finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.case._READ", 2)
    monkeypatch.setattr("core.case._WAIT", 0.0)
    case.add([made(finding, f"/{i}.png", f"{i:064x}") for i in range(5)])
    reading = case.records()
    names = [next(reading).path]
    with Case(case.path) as other:
        other.add([made(finding, "/late.png", "f" * 64)])
    names += [record.path for record in reading]
    assert names == ["/0.png", "/1.png", "/2.png", "/3.png", "/4.png", "/late.png"]


def test_a_run_that_was_killed_is_told_from_one_that_ended(
    case: Case, attributor: Attributor, folder: list[Path]
) -> None:
    assert not was_cut_off(case), "nothing was begun"
    note_opened(case, folder[:3])
    assert was_cut_off(case), "what was opened had not even begun"
    fill_case(case, attributor, folder[:2])
    assert not was_cut_off(case)
    case.write_log("attribute", "and then the power failed")
    assert was_cut_off(case) and left_over(case) == [folder[2]]
    case.write_log("remark", "later")
    assert was_cut_off(case)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        fill_case(case, attributor, folder, cancel=cancel)
    assert not was_cut_off(case), "somebody stopped it"


def test_contains_may_be_asked_from_any_thread(case: Case, finding: Finding) -> None:
    case.add([made(finding, "/a.png", "a" * 64)])
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append("a" * 64 in case))
    thread.start()
    thread.join()
    assert answers == [True]
