"""``mtaa attribute`` with a case: from the command to files that people hand on."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.__main__ import main
from app.cli.case import _facts
from core.case import Case
from core.errors import CaseError
from core.listed import FileFacts, Record
from core.manifest import Manifest
from core.pack import read_manifest
from core.paths import SAMPLES, user_data
from core.report.subject import Subject
from core.report.summary import summarise
from core.types import Familiarity, Finding

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """300 images: the first is there twice, and one is none."""
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(1)
    for i in range(300):
        Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / f"{i}.png", compress_level=1)
    shutil.copy(folder / "0.png", folder / "150.png")
    (folder / "7.png").write_bytes(b"none")
    return folder


def comparable(path: Path) -> list[tuple[object, ...]]:
    with Case(path) as case:
        return [(r.path, r.sha256, r.status, r.error, r.finding) for r in case.records()]


def records(path: Path) -> list[Record]:
    with Case(path) as case:
        return list(case.records())


def test_case_csv_json_and_reports_agree(
    folder: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "a.mtaacase"
    for path in list(folder.iterdir())[12:]:
        path.unlink()
    (folder / "bad.png").write_bytes(b"none")
    files = len(list(folder.iterdir()))
    (folder / "deeper").mkdir()
    shutil.copy(folder / "bad.png", folder / "deeper")
    (folder / "anim.svg").touch()
    command = [
        "attribute",
        str(folder),
        "--no-subfolders",
        "--pack",
        str(tiny_pack),
        "--case",
        str(case),
        "--device",
        "cpu",
    ]
    outputs = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "html", "pdf")}
    assert main([*command, "--csv", str(outputs["csv"]), "--report", str(outputs["html"])]) == 1
    shown = capsys.readouterr()
    assert "bad.png" in shown.out
    assert shown.out.count(".png") <= 4, "of a case only what failed is printed"

    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err
    again = [*command, "--resume", "--json", str(outputs["json"]), "--report", str(outputs["pdf"])]
    assert main(again) == 1
    document = json.loads(outputs["json"].read_bytes())
    with outputs["csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(document["records"]) == files
    for row, record in zip(rows, document["records"], strict=True):
        assert row["path"] == record["path"]
        assert os.path.isabs(row["path"])  # noqa: PTH117
        if record["status"] == "ok":
            assert float(row["victim.probability"]) == record["victim"]["probability"]
    html = outputs["html"].read_text(encoding="utf-8")
    assert "Log of the case" in html
    assert html.count("of no image type that is read: 1 .svg") == 2, "among the facts and in the log"
    assert html.count("<article") == files
    assert outputs["pdf"].read_bytes().startswith(b"%PDF-")
    with Case(case) as opened:
        assert [entry.action for entry in opened.log()] == [
            "opened without its subfolders",
            "left out",
            *2 * ["device", "attribute", "finished"],
        ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--resume"], "nothing to go on with"),
        (["--csv", "-", "--json", "-"], "- cannot be two things at once"),
        (["--report", "x.docx"], "End it in .html or .pdf"),
        (["--case", "{file}", "--resume"], "no case, or a damaged one"),
        (["--case", "{file}"], "exists already"),
    ],
)
def test_what_is_wrong_is_said_first(
    arguments: list[str], says: str, folder: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = folder / "1.png"
    filled = [argument.format(file=image) for argument in arguments]
    before = image.read_bytes()
    assert main(["attribute", str(image), "--pack", str(tiny_pack), *filled]) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert image.read_bytes() == before


def test_schema_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attribute", "--schema"]) == 0
    assert "hyperparameters.LABEL.*" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_killed_then_resumed_equals_undisturbed(folder: Path, tiny_pack: Path, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed.mtaacase", tmp_path / "whole.mtaacase"
    command = ["attribute", str(folder), "--pack", str(tiny_pack), "--device", "cpu", "--case"]
    run = subprocess.Popen([sys.executable, "-m", "app", *command, str(killed)], cwd=ROOT, stdout=subprocess.DEVNULL)
    while run.poll() is None and not (killed.exists() and killed.stat().st_size > 100_000):
        time.sleep(0.002)
    run.kill()
    run.wait()
    assert len(records(killed)) in (0, 128, 256, 300), "whole batches"
    assert main([*command, str(killed), "--resume"]) == 1
    assert main([*command, str(whole)]) == 1
    assert comparable(killed) == comparable(whole), "to the last digit"


def test_a_case_gets_the_ending_by_which_the_window_knows_it(pictures: Path, tiny_pack: Path, tmp_path: Path) -> None:
    name = tmp_path / "seizure"
    words = ["attribute", str(pictures / "a.png"), "--pack", str(tiny_pack), "--device", "cpu", "--case", str(name)]
    assert main(words) == 0 and not name.exists()
    assert len(records(tmp_path / "seizure.mtaacase")) == 1
    assert main([*words, "--resume"]) == 0 and [path.name for path in tmp_path.glob("seizure*")] == ["seizure.mtaacase"]


def test_two_processes_under_torchrun_make_the_same_case(folder: Path, tiny_pack: Path, tmp_path: Path) -> None:
    shared, whole = tmp_path / "shared.mtaacase", tmp_path / "whole.mtaacase"
    command = ["attribute", str(folder), "--pack", str(tiny_pack), "--device", "cpu", "--case"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "app", *command, str(shared)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            env={
                **os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
            },
        )
        for rank in (0, 1)
    ]  # fmt: skip
    assert [process.wait(120) for process in processes] == [1, 0], "the first tells of the broken file"
    assert not list(tmp_path.glob("*.part-*"))
    assert main([*command, str(whole)]) == 1
    for one, other in zip(records(shared), records(whole), strict=True):
        assert (one.path, one.sha256, one.status, one.error) == (other.path, other.sha256, other.status, other.error)
        if one.finding and other.finding:
            mine, theirs = one.finding.attribution, other.finding.attribution
            assert mine.attack.label == theirs.attack.label
            assert mine.attack.probability == pytest.approx(theirs.attack.probability, abs=1e-6)
            assert mine.hyperparameter.value == pytest.approx(theirs.hyperparameter.value, abs=1e-3)


@pytest.fixture
def made(folder: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A case of five of the files, one of which is none, with a tag."""
    case = tmp_path / "made.mtaacase"
    for path in list(folder.iterdir()):
        if path.name not in {"0.png", "1.png", "2.png", "7.png", "150.png"}:
            path.unlink()
    assert main([*map(str, ("attribute", folder, "--pack", tiny_pack, "--case", case, "--device", "cpu"))]) == 1
    with Case(case) as opened:
        opened.set_remarks(tags={str(folder / "1.png"): "urgent"})
    capsys.readouterr()
    return case


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main([*map(str, arguments)])
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).split())


def test_a_case_says_what_it_holds(made: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = told(capsys, "case", "show", made)
    assert status == 0 and "5, 4 attributed, 1 not; 1 copies" in said and "at 0.9 coverage" in said
    assert "which this machine has not" in said and "7.png: " in said and "Tags and notes 1" in said
    (user_data() / "packs").mkdir(parents=True)
    shutil.copy(tiny_pack, user_data() / "packs")
    assert "which this machine has not" not in told(capsys, "case", "show", made)[1]
    status, said = told(capsys, "case", "log", made)
    assert status == 0 and "device: CPU" in said and "remark: " in said and "'urgent'" in said


def test_what_a_case_holds_includes_who_attacked_its_files(finding: Finding, tiny_manifest: dict[str, Any]) -> None:
    manifest = Manifest.model_validate({**tiny_manifest, "weights_sha256": "0" * 64})
    answer = replace(finding.attribution, familiarity=Familiarity(1.0, 2.0), false_alarm=0.01)
    files = [
        Record(f"{n}.png", f"{n:064}", "ok", None, Finding(replace(answer, sha256=f"{n:064}"), None)) for n in range(3)
    ]
    facts = _facts(Subject(files, manifest, "CPU"), summarise(files, manifest), 0.9)
    assert facts["Together"].startswith("if one maker attacked them: fgsm ")
    assert facts["Together"].endswith("fits 3 of 3 attacked images")
    assert facts["Attacked"] == "at a false discovery rate of 5%: 3"


def test_of_files_that_are_picked_by_their_answers_no_rate_is_told(
    tmp_path: Path, finding: Finding, tiny_manifest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path, manifest = tmp_path / "c.mtaacase", Manifest.model_validate({**tiny_manifest, "weights_sha256": "0" * 64})
    answer = replace(finding.attribution, familiarity=Familiarity(1.0, 2.0))
    strange = replace(answer, familiarity=Familiarity(3.0, 2.0), pack_id=manifest.pack_id)
    alarms = (0.01, 0.03, 0.5, 0.9)  # one of the four, but of the first two alone both
    own = replace(answer, pack_id=manifest.pack_id)
    answers = [replace(own, sha256=f"{n:064}", false_alarm=alarm) for n, alarm in enumerate(alarms)]
    facts = FileFacts(5, 6, 7, "PNG", 28, 28, 8, False)
    with Case.create(path, manifest, 0.9) as case:
        for one in [*answers, strange]:
            case.add([Record(f"/{one.sha256}", one.sha256, "ok", None, Finding(one, None), facts)])
        case.set_remarks(tags={f"/{one.sha256}": "picked" for one in answers[:2]})
    assert "attacked at a false discovery rate of 5%: 1;" in told(capsys, "case", "list", path)[1]
    second = answer.victim.ranking[1].label
    assert second != answer.victim.label
    for chosen in (("--tag", "picked"), ("--unfamiliar",), ("--victim", second.upper())):
        status, said = told(capsys, "case", "list", path, *chosen)
        assert status == 0 and "attributed" in said and "discovery" not in said


def test_a_case_is_written_out_as_when_it_was_made(
    made: Path, folder: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ("attribute", folder, "--pack", tiny_pack, "--case", made, "--resume", "--device", "cpu")
    assert told(capsys, *again, "--json", tmp_path / "a.json", "--csv", tmp_path / "a.csv")[0] == 1
    status, said = told(
        capsys, "case", "export", made, "--json", tmp_path / "b.json", "--csv", tmp_path / "b.csv",
        "--report", tmp_path / "b.html", "--pack", tiny_pack, "--device", "cpu",
    )  # fmt: skip
    assert status == 0, said
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["case"] == str(made)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert "urgent" in (tmp_path / "b.csv").read_text("utf-8")
    page = (tmp_path / "b.html").read_text("utf-8")
    assert "Heatmap" in page and "urgent" in page
    with Case(made) as case:
        assert [e.detail for e in case.log() if e.action == "exported"][-1] == f"5 files to {tmp_path / 'b.html'}"
    status, said = told(capsys, "case", "export", made, "--report", tmp_path / "c.html")
    assert status == 0 and "has no heatmaps" in said and "Heatmap" not in (tmp_path / "c.html").read_text("utf-8")
    assert main(["case", "export", str(made), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "a.json").read_text("utf-8"))


def test_a_heatmap_of_another_answer_is_left_out(
    made: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(made) as file:
        file.execute("INSERT OR REPLACE INTO facts VALUES ('asked', ?)", (json.dumps({"a" * 64: "mine"}),))
        for sha256, answers in file.execute("SELECT sha256, answers FROM images").fetchall():
            told_then = json.loads(answers)
            ranking = told_then["victim"]["ranking"]
            for candidate, label in zip(ranking, [c["label"] for c in reversed(ranking)], strict=True):
                candidate["label"] = label
            file.execute("UPDATE images SET answers = ? WHERE sha256 = ?", (json.dumps(told_then), sha256))
    report = tmp_path / "a.html"
    status, said = told(capsys, "case", "export", made, "--report", report, "--pack", tiny_pack, "--device", "cpu")
    assert status == 0 and "Not at hand, though asked: mine" in said
    page = report.read_text("utf-8")
    assert "The file’s pixels" in page and "Heatmap over" not in page


def test_a_pack_that_is_replaced_meanwhile_judges_nothing(
    folder: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(tiny_pack).model_copy(update={"title": "Another"})
    monkeypatch.setattr("app.cli.attribute.read_manifest", lambda _: before)
    status, said = told(capsys, "attribute", folder / "0.png", "--pack", tiny_pack, "--device", "cpu")
    assert status == 2 and "was replaced while the command began" in said


def test_what_cannot_be_exported_says_why(
    made: Path, colour_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, reason in (
        ((), "Name a file to write"),
        (("--report", tmp_path / "a.txt"), "End it in .html or .pdf"),
        (("--csv", "-", "--json", "-"), "- cannot be two things at once"),
        (("--report", tmp_path / "a.html", "--pack", colour_pack), "was made with the pack"),
        (("--csv", made), "is the case itself"),
        (("--json", made.parent / "." / made.name), "is the case itself"),
    ):
        status, said = told(capsys, "case", "export", made, *arguments)
        assert status == 2 and reason in said, said
    assert told(capsys, "case", "show", tmp_path / "none.mtaacase") == (
        2, f"Error: {tmp_path / 'none.mtaacase'} does not exist. Check the name and the folder."
    )  # fmt: skip


def test_a_case_that_may_only_be_read_is_written_out(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(case: Case, action: str, *details: str) -> None:
        raise CaseError(f"{case.path} may not be written.")

    monkeypatch.setattr(Case, "write_log", refuse)
    status, said = told(capsys, "case", "export", made, "--csv", tmp_path / "a.csv")
    assert status == 0 and "Not in the case's log" in said and len((tmp_path / "a.csv").read_text("utf-8")) > 100


def test_a_path_that_is_mistyped_comes_into_no_case(
    made: Path, folder: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new.mtaacase"
    for case, more in ((made, ("--resume",)), (new, ())):
        before = case.read_bytes() if case.exists() else None
        paths = folder / "0.png", folder / "0.pgn"
        status, said = told(capsys, "attribute", *paths, "--pack", tiny_pack, "--case", case, *more)
        assert status == 2 and f"There is no {folder / '0.pgn'}" in said
        assert (case.read_bytes() if case.exists() else None) == before


def test_a_log_hears_of_long_work(
    folder: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["attribute", str(folder), "--pack", str(tiny_pack), "--device", "cpu"]
    assert main(command) == 1 and ": 300 of 300" not in capsys.readouterr().err
    monkeypatch.setattr("app.cli.console._BETWEEN", 0.0)
    assert main(command) == 1
    assert re.search(r"^[a-z ]+: 300 of 300, [\d.,]+/s", capsys.readouterr().err, re.MULTILINE)


def test_evidence_that_was_changed_is_not_judged_anew_in_silence(
    tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, case = tmp_path / "evidence", str(tmp_path / "c.mtaacase")
    folder.mkdir()
    for name, level in (("a.png", 10), ("b.png", 20)):
        Image.new("L", (28, 28), level).save(folder / name)
    assert main(["attribute", str(folder), "--pack", str(tiny_pack), "--case", case]) == 0
    assert "Changed since" not in capsys.readouterr().err
    Image.new("L", (28, 28), 99).save(folder / "a.png")
    assert main(["attribute", str(folder), "--pack", str(tiny_pack), "--case", case, "--resume"]) == 0
    assert "Changed since they were judged, and judged anew: 1." in " ".join(capsys.readouterr().err.split())


@pytest.fixture
def small(folder: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A case of six images, one of them none."""
    for path in folder.iterdir():
        if path.name not in {f"{n}.png" for n in (0, 1, 2, 3, 7, 150)}:
            path.unlink()
    case = tmp_path / "small.mtaacase"
    assert main(["attribute", str(folder), "--pack", str(tiny_pack), "--device", "cpu", "--case", str(case)]) == 1
    capsys.readouterr()
    return case


def test_a_case_is_listed_with_answers_tags_and_notes(
    small: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"0.png", "1.png", "2.png", "3.png", "7.png", "150.png"}

    def read(*options: str) -> str:
        assert main(["case", "list", str(small), *options]) == 0
        return capsys.readouterr().out

    everything = read()
    assert all(str(folder / name) in everything for name in names) and "Tag and note" not in everything
    pair = [str(folder / "1.png"), str(folder / "2.png")]
    assert main(["case", "tag", str(small), *pair, "--tag", " of interest ", "--note", "seen\ntwice"]) == 0
    tagged = read("--tag", "of interest")
    assert all(path in tagged for path in pair) and str(folder / "3.png") not in tagged
    assert "of interest – seen / twice" in tagged
    assert main(["case", "tag", str(small), pair[0], "--tag", ""]) == 0
    assert pair[0] not in read("--tag", "of interest")
    named = {r.finding.attribution.attack.label for r in records(small) if r.finding is not None}
    counts = {label: read("--attack", label.upper()).count(str(folder)) for label in named}
    assert sum(counts.values()) == 5 and all(counts.values())
    for option, slip in (("--victim", "nobody"), ("--attack", "nothing"), ("--tag", "of Interest")):
        assert main(["case", "list", str(small), option, slip]) == 2
        assert f"no {option[2:]} {slip}. It has " in " ".join(capsys.readouterr().err.split())
    assert read("--unfamiliar").count(str(folder)) == 0


def test_attacked_files_are_picked_by_what_they_are_seen_as_and_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = str(tmp_path / "samples.mtaacase")
    assert main(["attribute", str(SAMPLES), "--pack", "mnist", "--case", case]) == 0
    capsys.readouterr()

    def read(*options: str) -> set[str]:
        assert main(["case", "list", case, *options]) == 0
        out = capsys.readouterr().out
        return {path.name for path in SAMPLES.iterdir() if str(path) in out}

    seen = {digit: read("--seen", str(digit)) for digit in range(10)}
    assert {"fgsm-resnet18-eps60-7.png", "pgd-vgg16-eps90-2.png"} <= seen[8]
    assert sum(map(len, seen.values())) == 4, "what is clean is seen as nothing else"
    assert read("--before", "7", "--seen", "8") == {"fgsm-resnet18-eps60-7.png"}
    assert read("--before", "7", "--seen", "9") == set()
    assert main(["case", "list", case, "--seen", "cat"]) == 2
    assert "The case has no class cat. It has 0, 1, 2" in " ".join(capsys.readouterr().err.split())
    for option in ("--seen", "--before", "--attack", "--victim"):  # as a shell's variable is that was not set
        assert main(["case", "list", case, option, ""]) == 2
    assert "The case has no victim “”" in " ".join(capsys.readouterr().err.split())


def test_tags_go_to_all_of_the_images_or_to_none(small: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["case", "tag", str(small), str(folder / "1.png"), str(folder / "missing.png"), "--tag", "x"]) == 2
    assert "missing.png is not in the case" in capsys.readouterr().err
    with Case(small) as case:
        assert case.remarks() == {}
    assert main(["case", "tag", str(small), str(folder / "1.png")]) == 2
    assert "--tag or a --note" in capsys.readouterr().err


def test_files_of_a_case_are_verified_by_their_hashes(
    small: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["case", "verify", str(small)]) == 0
    assert capsys.readouterr().out.strip() == "6 unchanged"
    with (folder / "1.png").open("ab") as file:
        file.write(b"more")
    os.utime(folder / "1.png", (1, 1))
    (folder / "2.png").unlink()
    (folder / "3.png").unlink()
    (folder / "3.png").mkdir()
    assert main(["case", "verify", str(small)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == [f"changed: {folder / '1.png'}", f"gone: {folder / '2.png'}"]
    assert told[2].startswith(f"not readable now: {folder / '3.png'} is a folder")
    assert told[3] == "3 unchanged, 1 changed, 1 gone, 1 not readable now"
    with Case(small) as case:
        assert [entry.detail for entry in case.log() if entry.action == "verified"] == ["6 unchanged", told[3]]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such pipes")
def test_verifying_a_strangers_case_waits_for_no_pipe(
    small: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(folder / "pipe.png")
    database = sqlite3.connect(small)
    database.execute("UPDATE files SET path = ? WHERE path = ?", (str(folder / "pipe.png"), str(folder / "1.png")))
    database.execute("UPDATE files SET path = ? WHERE path = ?", (f"{folder}/no\0name.png", str(folder / "2.png")))
    database.commit()
    database.close()
    assert main(["case", "verify", str(small)]) == 1
    told = capsys.readouterr().out
    assert "pipe.png is not a regular file" in told and "4 unchanged, 2 not readable now" in told


def test_a_damaged_case_is_recovered_into_another(
    folder: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case, new = tmp_path / "a.mtaacase", tmp_path / "b.mtaacase"
    assert main(["attribute", str(folder), "--pack", str(tiny_pack), "--case", str(case)]) in (0, 1)
    data = case.read_bytes()
    case.write_bytes(data[: len(data) // 4096 * 3 // 4 * 4096])
    assert main(["case", "show", str(case)]) == 2
    assert "mtaa case recover" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert main(["case", "recover", str(case), str(new)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    with Case(new) as opened:
        assert f"{opened.count()} files" in told and opened.count() > 0
    assert main(["case", "recover", str(case), str(new)]) == 2


def test_a_refused_run_leaves_the_case_as_it_was(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or the window would take the run for one that was cut off, and judge what was refused."""
    case, more = tmp_path / "a.mtaacase", tmp_path / "more"
    assert main(["attribute", str(folder / "0.png"), "--pack", "mnist", "--case", str(case)]) in (0, 1)
    more.mkdir()
    shutil.copy(folder / "1.png", more)
    with Case(case) as opened:
        before = opened.log()
    capsys.readouterr()
    again = ["attribute", str(more), "--pack", "mnist", "--case", str(case), "--resume", "--no-ask"]
    assert main(again) == 2
    assert "and now it would be asking no victim" in " ".join(capsys.readouterr().err.split())
    with Case(case) as opened:
        assert opened.log() == before
