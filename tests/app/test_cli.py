from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from app import __main__ as program
from app import window
from app.__main__ import main
from app.cli.console import plain, plain_lines, time_left
from app.cli.writing import print_table
from core import paths
from core.attribute_files import attribute_files
from core.attributor import Attributor
from core.errors import DiskFullError
from core.files import write_parts
from core.imageio import load_image
from core.listed import Record
from core.pack import load_pack, read_manifest, write_pack
from core.report.subject import Pictures, Subject
from core.types import Finding, RankedLabel

ROOT = Path(__file__).parents[2]


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    folder = tmp_path / "digits"
    folder.mkdir()
    random = np.random.default_rng(1)
    for name in ("2.png", "10.png"):
        Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / name)
    return folder


@pytest.fixture
def default_pack(tiny_pack: Path) -> Path:
    path = paths.user_data() / "packs" / "mnist.mtaapack"
    path.parent.mkdir(parents=True)
    shutil.copy(tiny_pack, path)
    return path


def test_json_on_stdout_is_nothing_but_json(
    digits: Path, default_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attribute", str(digits), "--json", "-", "--device", "cpu"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [Path(record["path"]).name for record in document["records"]] == ["2.png", "10.png"]
    assert document["pack"]["id"] == read_manifest(default_pack).pack_id
    assert document["device"] == "CPU"
    expected = Attributor(load_pack(default_pack), "cpu").attribute([load_image(digits / "2.png")])
    answer = expected[0].attribution
    assert document["records"][0]["attack"]["label"] == answer.attack.label
    assert document["records"][0]["victim"]["probability"] == pytest.approx(answer.victim.probability, abs=1e-5)


def test_csv_on_stdout_is_nothing_but_csv(
    digits: Path, default_pack: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    case = str(tmp_path / "a.mtaacase")  # which tells when a file was read
    for out in ("-", str(tmp_path / "a.csv")):
        assert main(["attribute", str(digits), "--case", case, "--resume", "--csv", out, "--device", "cpu"]) == 0
        if out == "-":
            told = capsysbinary.readouterr().out
    assert told == (tmp_path / "a.csv").read_bytes() and told.startswith(b"path,sha256,status,")


def test_table_json_file_and_report_at_once(
    digits: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (digits / "notes.txt").write_text("hello")
    arguments = [str(digits), str(digits / "notes.txt"), "--pack", str(tiny_pack), "--coverage", "0.85"]
    outputs = ["--json", str(tmp_path / "out.json"), "--report", str(tmp_path / "out.html")]
    assert main(["attribute", *arguments, *outputs]) == 1, "one of the files is no image"
    shown = capsys.readouterr()
    assert "10.png" in shown.out
    assert "not attributed" in shown.out
    assert "2 attributed, 1 not" in shown.out
    document = json.loads((tmp_path / "out.json").read_bytes())
    assert [record["status"] for record in document["records"]] == ["ok", "ok", "error"]
    assert "not an image" in document["records"][2]["error"]
    assert document["records"][0]["attack"]["coverage"] == 0.85
    html = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert html.count("data:image/png") == 4, "picture and heatmap of each"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["attribute"], "Name image files"),
        (["attribute", "x.png", "--pack", "nowhere"], "There is no pack nowhere"),
        (["attribute", "x.png", "--pack", "{pack}", "--coverage", "0.5"], "0.8 to 0.95"),
        (["attribute", "x.png", "--pack", "{pack}", "--coverage", "nan"], "0.8 to 0.95"),
        (["attribute", "x.png", "--pack", "{pack}", "--device", "toaster"], "no device"),
        (["attribute", "{empty}", "--pack", "{pack}"], "no image in"),
        (["attribute", "x.png", "--wrong"], "No such option"),
        (["frobnicate"], "No such command"),
        (["packs", "show", "nowhere"], "There is no pack nowhere"),
    ],
)
def test_wrong_usage_is_2_and_says_what(
    arguments: list[str], says: str, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(pack=tiny_pack, empty=tmp_path) for argument in arguments]
    assert main(filled) == 2
    shown = capsys.readouterr()
    assert says in " ".join(shown.err.replace("│", " ").split())
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_a_missing_file_is_a_row_not_a_usage_error(tiny_pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attribute", "gone.png", "--pack", str(tiny_pack)]) == 1
    assert "does not exist" in capsys.readouterr().out


def test_an_output_that_cannot_be_written_is_told_before_the_work(
    digits: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attribute", str(digits), "--pack", str(tiny_pack), "--json", str(digits / "no" / "x.json")]) == 2
    shown = capsys.readouterr()
    assert "cannot be written" in shown.err and "Attack" not in shown.out


def test_an_output_that_fails_loses_no_other(
    digits: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, parts: Iterable[bytes]) -> None:
        if path.suffix == ".json":
            raise DiskFullError(path, 9, 0)
        write_parts(path, parts)

    monkeypatch.setattr("app.cli.writing.write_parts", full)
    outputs = ["--json", str(tmp_path / "a.json"), "--csv", str(tmp_path / "a.csv")]
    assert main(["attribute", str(digits), "--pack", str(tiny_pack), *outputs]) == 2
    assert "a.json" in capsys.readouterr().err and (tmp_path / "a.csv").exists()
    monkeypatch.setattr("app.cli.attribute.print_table", lambda *_, **__: sys.exit(1))  # its reader stops the program
    assert main(["attribute", str(digits), "--pack", str(tiny_pack), *outputs]) == 1
    assert "a.json" in capsys.readouterr().err, "what failed was told before"


def test_files_of_a_folder_that_are_no_images_are_told(
    digits: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("anim.svg", "notes.txt", "more.txt"):
        (digits / name).write_bytes(b"BMW, RIFF")
    outputs = ["--report", str(digits / "report.html"), "--csv", str(digits / "out.csv")]
    for _ in range(2):  # what the first wrote is nothing that was left out
        assert main(["attribute", str(digits), "--pack", str(tiny_pack), *outputs]) == 0
        assert "Left out, hidden, linked or of no image type that is read: 1 .svg, 2 .txt\n" in capsys.readouterr().err
    assert "<dt>Left out</dt><dd>hidden, linked" in (digits / "report.html").read_text(encoding="utf-8")
    for name in ("2.png", "10.png"):
        (digits / name).unlink()
    assert main(["attribute", str(digits), "--pack", str(tiny_pack), *outputs]) == 2
    assert "1 .svg, 2 .txt" in " ".join(capsys.readouterr().err.split())


def test_interrupt_is_130(
    digits: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(attributor: Attributor, files: Sequence[Path], **options: Any) -> Iterator[list[Record]]:
        yield from attribute_files(attributor, files[:2], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr("core.attribute_files.attribute_files", interrupted)
    assert main(["attribute", str(digits), "--pack", str(tiny_pack)]) == 130
    told = " ".join(capsys.readouterr().err.split())
    assert (
        told.startswith("2 of ") and "nothing of that is kept. With --case FILE" in told and told.endswith("Cancelled.")
    )


def test_files_are_written_whatever_becomes_of_the_table(
    digits: Path, tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    table = tmp_path / "table.csv"
    with monkeypatch.context() as patch:
        patch.setattr("app.cli.writing.output", lambda: Console(file=Full()))
        assert main(["attribute", str(digits), "--pack", str(tiny_pack), "--csv", str(table)]) == 2
    assert "Standard output cannot be written: No space left on device." in " ".join(capsys.readouterr().err.split())
    assert len(table.read_text("utf-8").splitlines()) > 2

    command = f"{sys.executable} -m app attribute '{digits}' --pack '{tiny_pack}' --json '{tmp_path}/a.json' | true"
    short = subprocess.run(command, shell=True, check=False, capture_output=True, text=True)
    assert "Traceback" not in short.stderr and (tmp_path / "a.json").exists()


def test_file_names_cannot_drive_the_terminal(
    digits: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "\x1b]0;owned\x07[red]x.png"
    shutil.copy(digits / "2.png", digits / name)
    assert main(["attribute", str(digits / name), str(digits / "\x1b[2Jgone.png"), "--pack", str(tiny_pack)]) == 1
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]x.png" in "".join(shown.split())


def test_a_file_name_adds_no_row_to_the_table(
    digits: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = digits / "evil.png\n  evidence.png   C&W > 99.9 %.png"
    shutil.copy(digits / "2.png", forged)
    assert main(["attribute", str(forged), "--pack", str(tiny_pack)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "evidence.png" in line] == [line for line in lines if "evil.png\\n" in line]


def test_plain_spells_out_what_is_no_character() -> None:
    assert plain("a\udcffb\n数").plain == "a\\udcffb\\n数"
    assert plain_lines("own\nlines\u202e").plain == "own\nlines\\u202e"
    assert time_left(None) == ""
    assert time_left(90.4) == "0:01:30 left"


def test_report_leaves_out_a_picture_that_changed(digits: Path) -> None:
    records = [
        Record(str(path), load_image(path).sha256, "ok", None, None) for path in (digits / "2.png", digits / "10.png")
    ]
    shutil.copy(digits / "2.png", digits / "10.png")
    pictures = Pictures(records)
    assert pictures.get(records[0].path) is not None
    assert pictures.get(records[1].path) is None


def test_packs_list_show_verify(
    default_pack: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (default_pack.parent / "broken.mtaapack").write_bytes(b"PK")
    assert main(["packs", "list"]) == 0
    listed = capsys.readouterr().out
    assert "2 attacks, 1 victim " in listed, "clean is neither"
    assert "cut short" in listed

    assert main(["packs", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(read_manifest(default_pack).model_dump_json())
    assert main(["packs", "show", str(tiny_pack)]) == 0
    shown = capsys.readouterr().out
    assert "fgsm (epsilon 10 to 200 /255)" in shown
    assert "50.0%" in shown and "victims asked" not in shown

    assert main(["packs", "verify", str(tiny_pack)]) == 0
    assert capsys.readouterr().out.count("ok ") == 3
    assert main(["packs", "verify", "broken"]) == 1
    assert "FAIL  manifest" in capsys.readouterr().out


def test_doctor(default_pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "FAIL" not in shown
    for name in ("versions", "device", "torchvision", "Qt", "packs"):
        assert f"ok    {name}:" in shown
    assert "bfloat16" in shown
    default_pack.write_bytes(b"PK")
    assert main(["doctor"]) == 1
    assert "FAIL  packs" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("MTAA Workbench ")


@pytest.mark.parametrize("named", [True, False])
def test_without_display_the_samples_or_what_is_named_are_attributed(
    named: bool,
    digits: Path,
    default_pack: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(paths, "SAMPLES", tmp_path / "no samples" if named else digits)
    monkeypatch.chdir(tmp_path)
    assert main([str(digits)] if named else []) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("There is no display")
    assert "2 attributed" in shown
    assert (tmp_path / program.REPORT).read_text(encoding="utf-8").count("<article") == 2


def test_files_open_the_window_and_commands_go_before_folders(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[list[str]] = []
    monkeypatch.setattr(window, "run", lambda names: opened.append(names) or 0)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "packs").mkdir()
    (tmp_path / "seizure.mtaacase").touch()
    assert main([str(digits), "./packs", "seizure.mtaacase"]) == 0
    assert opened.pop() == [str(digits), str(tmp_path / "packs"), str(tmp_path / "seizure.mtaacase")]
    assert main(["packs", "list"]) == 0
    assert "mnist" in capsys.readouterr().out
    assert main(["missing.png"]) == 2
    assert not opened


def test_module_runs_and_keeps_torch_out_of_what_needs_none(default_pack: Path) -> None:
    program_text = (
        "import sys; from app.__main__ import main; assert main(['packs', 'show']) == 0;"
        "assert 'torch' not in sys.modules; assert 'PySide6' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program_text], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    run = subprocess.run(
        [sys.executable, "-m", "app", "packs", "list"], check=True, cwd=ROOT, capture_output=True, env=os.environ
    )
    assert b"Tiny pack" in run.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "judged in 6 tiles of 28x28, not resized"),
        (["--fit", "tiles"], "judged in 6 tiles of 28x28, not resized"),
        (["--fit", "crop"], "only the middle 28x28 of 60x50 judged, not resized"),
        (["--fit", "resize"], "resized from 60x50 to 28x28, which changed its proportions"),
    ],
)
def test_the_way_to_fit_images_is_the_packs_or_as_said(
    options: list[str], says: str, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = load_pack(tiny_pack)
    write_pack(tmp_path / "tiles.mtaapack", tiny.manifest.fitting("tiles").model_dump(), tiny.weights)
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (50, 60), dtype=np.uint8)).save(tmp_path / "a.png")
    given = ["attribute", str(tmp_path / "a.png"), "--pack", str(tmp_path / "tiles.mtaapack"), *options, "--json", "-"]
    assert main(given) == 0
    (record,) = json.loads(capsys.readouterr().out)["records"]
    assert record["adjustments"] == [says]
    assert (record["file"]["width"], record["file"]["height"]) == (60, 50)


def test_a_pack_that_resizes_can_be_told_to_leave_the_pixels_alone(
    tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((50, 60), np.uint8)).save(tmp_path / "a.png")
    given = ["attribute", str(tmp_path / "a.png"), "--pack", str(tiny_pack), "--json", "-"]
    adjustments = []
    for options in ([], ["--fit", "tiles"]):
        assert main([*given, *options]) == 0
        adjustments += json.loads(capsys.readouterr().out)["records"][0]["adjustments"]
    assert [said.split()[0] for said in adjustments] == ["resized", "judged"]
    assert main([*given, "--fit", "stretch"]) == 2
    assert "stretch" in capsys.readouterr().err


def test_a_case_keeps_to_one_fit_and_one_coverage(
    tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((50, 60), np.uint8)).save(tmp_path / "a.png")
    given = ["attribute", str(tmp_path / "a.png"), "--pack", str(tiny_pack), "--case", str(tmp_path / "a.mtaacase")]
    assert main([*given, "--fit", "crop", "--coverage", "0.8"]) == 0
    assert main([*given, "--resume", "--fit", "tiles"]) == 2
    assert "--fit crop" in " ".join(capsys.readouterr().err.split())
    assert main([*given, "--resume", "--coverage", "0.9"]) == 2
    assert "coverage of 0.8" in " ".join(capsys.readouterr().err.split())
    Image.fromarray(np.zeros((51, 60), np.uint8)).save(tmp_path / "b.png")
    assert main([*given, str(tmp_path / "b.png"), "--resume", "--json", "-"]) == 0
    first, second = json.loads(capsys.readouterr().out)["records"]
    assert "28x28" in second["adjustments"][0] and second["attack"]["coverage"] == first["attack"]["coverage"] == 0.8


def test_paths_come_from_a_list(
    digits: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(digits / "2.png", digits / "3.png")
    files = sorted(digits.glob("*.png"))

    def judged(*arguments: object) -> list[str]:
        status = main(["attribute", *map(str, arguments), "--pack", str(tiny_pack), "--device", "cpu", "--json", "-"])
        assert status == 0
        return [record["path"] for record in json.loads(capsys.readouterr().out)["records"]]

    listed = tmp_path / "list.txt"
    listed.write_bytes(b"\r\n".join(str(file).encode() for file in files[:2]) + b"\r\n\r\n")
    assert judged("--files-from", listed) == [str(file) for file in files[:2]]
    assert judged(files[2], "--files-from", listed) == [str(files[2]), str(files[0]), str(files[1])]
    odd = tmp_path / "two\nlines.png"
    shutil.copy(files[0], odd)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\0".join([os.fsencode(odd), b""]))))
    assert judged("--files-from", "-") == [str(odd)]
    listed.write_text(f"{files[1]}\n", encoding="utf-16")
    assert judged("--files-from", listed) == [str(files[1])]
    listed.write_text(f"{files[1]}\n", encoding="utf-8-sig")
    assert judged("--files-from", listed) == [str(files[1])]
    listed.write_bytes(b"\n")
    for wrong, why in ((files[0], "no list of paths"), (listed, "names no file")):
        assert main(["attribute", "--files-from", str(wrong)]) == 2 and why in capsys.readouterr().err
    assert main(["attribute", "--files-from", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["attribute"]) == 2 and "--files-from" in capsys.readouterr().err


def test_no_output_takes_the_place_of_evidence(
    digits: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, pack, other = digits / "2.png", tmp_path / "a.mtaapack", tmp_path / "a.out"
    made, case = tmp_path / "a.mtaacase", tmp_path / "case.txt"
    assert main(["attribute", str(image), "--pack", str(tiny_pack), "--case", str(made)]) == 0
    made.rename(case)  # under another name than a case's
    shutil.copy(tiny_pack, pack)
    shutil.copy(tiny_pack, other_pack := tmp_path / "pack.old")
    before = image.read_bytes(), pack.read_bytes(), case.read_bytes(), other_pack.read_bytes()
    for options, why in (
        (("--json", image), "would be lost"),
        (("--csv", pack), "would be lost"),
        (("--json", case), "would be lost"),
        (("--report", other_pack.rename(tmp_path / "pack.html")), "would be lost"),
        (("--json", other, "--csv", other), "two things at once"),
    ):
        assert main(["attribute", str(digits), "--pack", str(tiny_pack), *map(str, options)]) == 2
        assert why in " ".join(capsys.readouterr().err.split())
    after = image.read_bytes(), pack.read_bytes(), case.read_bytes(), (tmp_path / "pack.html").read_bytes()
    assert after == before and not other.exists()
    assert main(["attribute", str(case), "--pack", str(tiny_pack)]) == 1
    assert "mtaa case show" in " ".join(capsys.readouterr().out.split())


def test_the_table_tells_what_an_answer_rests_on(
    finding: Finding, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = finding.attribution
    epsilon = replace(answer.hyperparameter, value=200.0)
    victim = replace(answer.victim, ranking=(RankedLabel("mine", 0.9), *answer.victim.ranking))
    for named, told in ((answer.victim, False), (victim, True)):
        given = replace(answer, victim=named, hyperparameters=(epsilon, *answer.hyperparameters[1:]))
        record = Record("a.png", "c" * 64, "ok", None, replace(finding, attribution=given))
        print_table(Subject([record], load_pack(tiny_pack).manifest, "CPU"), each=True)
        table = " ".join(capsys.readouterr().out.split())
        assert "may be larger" in table and ("handed over" in table) == told


def test_a_file_that_may_not_be_read_stops_no_other(
    digits: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command asks nobody whether it may: who reads the file finds out, and its row says so."""
    closed, readable = digits / "2.png", os.access
    monkeypatch.setattr(
        os, "access", lambda path, *how, **named: Path(path) != closed and readable(path, *how, **named)
    )
    assert main(["attribute", str(closed), str(digits / "10.png"), "--pack", str(tiny_pack)]) == 0
    assert "2 attributed" in capsys.readouterr().out


def test_what_is_no_command_is_told_for_what_it_is(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = str(digits / "2.png")
    for arguments, why in (
        (["no.png"], "There is no file or folder no.png"),
        ([image, "no.png"], "There is no file or folder no.png"),
        ([image, "--json", "-"], f"Perhaps: mtaa attribute {image} --json -"),
        (["atribute", image], "No such command 'atribute'"),
    ):
        assert main(arguments) == 2
        assert why in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_without_a_console_the_window_says_what_is_gone(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a program on Windows is that a file manager starts."""
    opened: list[list[str]] = []
    monkeypatch.setattr("app.__main__._window", lambda paths: opened.append(list(paths)) or 0)
    monkeypatch.setattr("app.__main__.has_display", lambda: True)
    monkeypatch.setattr("sys.stderr", None)
    monkeypatch.setattr("sys.stdout", None)
    arguments = [str(digits / "2.png"), str(digits / "gone.png")]
    assert main(arguments) == 0 and opened == [arguments]
    long = "x" * 5000 + ".png"
    assert main([long]) == 0 and opened[-1] == [long]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mtaa attr", {"attribute"}),
        ("mtaa attribute --pa", {"--pack"}),
        ("mtaa attribute --pack ", {"auto", "mnist", "natural"}),
        ("mtaa packs show na", {"natural"}),
        ("mtaa ", {"attribute", "packs", "case", "run"}),
    ],
)
def test_a_shell_completes_commands_options_and_packs(tmp_path: Path, line: str, found: set[str]) -> None:
    """As the script does that --install-completion installs in bash; no window opens for the question."""
    asked = {"_MTAA_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    run = subprocess.run(
        [sys.executable, "-m", "app"], env={**os.environ, **asked, "XDG_DATA_HOME": str(tmp_path)}, cwd=ROOT,
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    answer = set(run.stdout.split())
    assert found <= answer if line.endswith("mtaa ") else found == answer


def test_attributing_needs_no_home(
    digits: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in the way").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "in the way"))
    assert main(["attribute", str(digits), "--pack", "mnist"]) == 0
    assert main(["packs", "list"]) == 0 and main(["victims", "list"]) == 0
    capsys.readouterr()
    assert main(["packs", "import", str(tiny_pack)]) == 2
    assert "Error: " in capsys.readouterr().err
    assert main(["doctor"]) == 1


def test_what_is_unfamiliar_is_explained_once(
    digits: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attribute", str(digits), "--pack", "mnist"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("An unfamiliar image: if it was compressed") == 1


def test_a_victim_handed_over_is_not_passed_over(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    victim = paths.RESOURCES / "victims" / "resnet18.safetensors"
    assert main(["attribute", str(digits), "--no-ask", "--victim", str(victim), "--pack", "mnist", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["records"]
    assert [record["asked"] for record in found] == 2 * [["ResNet18"]], "and nobody else is asked"
