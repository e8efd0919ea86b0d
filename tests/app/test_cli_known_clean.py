"""``mtaa attribute --clean``: answers told beside images that are known to be clean."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.__main__ import main
from core.case import Case

MNIST = ["--pack", "mnist", "--no-ask", "--device", "cpu"]


def draw(folder: Path, count: int, start: int = 0) -> Path:
    """Strokes under noise, which the pack has not seen."""
    folder.mkdir()
    for seed in range(start, start + count):
        rng, image = np.random.default_rng(seed), np.zeros((28, 28))
        image[5:23, 8 + seed % 6 : 11 + seed % 6] = 230
        noisy = (image + rng.normal(0, 25, image.shape)).round().clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return draw(tmp_path / "clean", 24)


@pytest.fixture
def suspect(tmp_path: Path) -> Path:
    return draw(tmp_path / "suspect", 3, 100)


def records(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["records"]
    return found


def test_answers_are_told_beside_them_everywhere(
    clean: Path, suspect: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = [tmp_path / name for name in ("a.json", "a.csv", "a.html")]
    json_, csv_, html = map(str, outs)
    told = [*("--json", json_), *("--csv", csv_), *("--report", html)]
    assert main(["attribute", str(suspect), *MNIST, "--clean", str(clean), *told]) == 0
    said = capsys.readouterr()
    assert "Told beside 24 known clean images" in said.err
    words = " ".join(said.out.split())
    assert "of 24 known clean images" in words
    assert "(beside 24 known clean images attacked ones can be counted where they are at least 80% of all)" in words
    found = records(outs[0])
    assert all(0 < one["false_alarm"] <= 1 and one["reference"]["images"] == 24 for one in found)
    assert all((one["false_alarm"] * 25) % 1 == pytest.approx(0, abs=1e-9) for one in found)
    with outs[1].open(newline="", encoding="utf-8") as file:
        assert [row["reference.images"] for row in csv.DictReader(file)] == ["24"] * 3
    page = outs[2].read_text("utf-8")
    assert "at least 80% of all" in page and "Known clean images" in page and "of 24 known clean images" in page
    plain = tmp_path / "b.json"
    assert main(["attribute", str(suspect), *MNIST, "--json", str(plain)]) == 0
    for one, other in zip(found, records(plain), strict=True):
        assert other["reference"] is None and one["attack"] == other["attack"], "what is named stays"


def test_a_case_keeps_to_its_own(
    clean: Path, suspect: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "a.mtaacase"
    into = [*MNIST, "--case", str(case), "--resume"]
    assert main(["attribute", str(suspect / "100.png"), *into, "--clean", str(clean)]) == 0
    assert main(["attribute", str(suspect), *into]) == 0, "those of the case are taken without being asked for"
    with Case(case) as kept:
        told = [record.finding.attribution.beside for record in kept.records() if record.finding]
        assert len(told) == 3 and len(set(told)) == 1 and told[0] is not None and told[0].images == 24
    capsys.readouterr()
    assert main(["attribute", str(suspect), *into, "--clean", str(clean)]) == 0, "the same command goes on"
    assert "Told beside 24 known clean images" in capsys.readouterr().err
    asking = [*("--pack", "mnist", "--device", "cpu"), *("--case", str(case), "--resume")]
    assert main(["attribute", str(suspect), *asking]) == 2
    assert "Ask the same victims" in capsys.readouterr().err
    other = [*MNIST, "--case", str(tmp_path / "b.mtaacase"), "--resume"]
    assert main(["attribute", str(suspect / "100.png"), *other]) == 0
    assert main(["attribute", str(suspect), *other, "--clean", str(clean)]) == 2
    assert "Leave --clean out" in capsys.readouterr().err
    assert main(["case", "show", str(case)]) == 0
    assert "Known clean images" in capsys.readouterr().out


def test_what_cannot_be_known_is_told(suspect: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["attribute", str(suspect), *MNIST, "--clean", str(tmp_path / "empty")]) == 2
    assert "There is no image in" in capsys.readouterr().err
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    assert main(["attribute", str(suspect), *MNIST, "--clean", str(broken)]) == 2
    said = capsys.readouterr().err
    assert "1 could not be judged" in said and "None of the clean images could be judged" in said
