from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from app import window_benchmark
from app.__main__ import main
from core.attributor import Attributor
from core.benchmark import make_images, measure_attribution
from core.imageio import load_image
from core.pack import load_pack


def test_images_are_different_and_always_the_same(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, second = ([load_image(path).sha256 for path in make_images(folder, 5, 20, 3)] for folder in folders)
    assert first == second
    assert len(set(first)) == 5
    assert load_image(folders[0] / "0.png").pixels.shape == (3, 20, 20)


def test_every_rate_is_measured_in_every_repeat(tiny_pack: Path) -> None:
    attributor = Attributor(load_pack(tiny_pack), "cpu")
    attributor.batch = 4
    told: list[int] = []
    result = measure_attribution(attributor, images=10, side=12, repeats=3, tell=told.append)
    assert told == [1, 2, 3]
    assert len(result["repeats"]) == 3
    for repeat in result["repeats"]:
        assert set(repeat) == {"forward", "decoder", "reader", "whole", "alone"}
        assert all(rate > 0 for rate in repeat.values())
    ratios = sorted(r["whole"] / min(r["forward"], r["decoder"]) for r in result["repeats"])
    assert result["ratio_to_limit"] == ratios[1]


def test_on_the_command_line(tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    arguments = ["--pack", str(tiny_pack), "--images", "6", "--repeats", "1", "--device", "cpu", "--json", str(out)]
    assert main(["benchmark", "attribute", *arguments]) == 0
    shown = capsys.readouterr().out
    assert "files to case:" in shown
    assert "6 PNG files of 28x28" in shown
    assert json.loads(out.read_bytes())["images"] == 6


def test_memory_of_few_and_of_many(tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    arguments = ["--pack", str(tiny_pack), "--few", "3", "--many", "9", "--device", "cpu", "--json", str(out)]
    assert main(["benchmark", "memory", *arguments]) == 0
    result = json.loads(out.read_bytes())
    few, many = result["peak_memory_mib"]
    assert 0 < few <= many and result["growth_mib"] == many - few
    assert f"9 files: {many:,.0f} MiB" in capsys.readouterr().out


def test_the_window_is_a_program_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a frozen one there is no Python that could be told a module."""
    watched: list[tuple[str, str, float]] = []

    def watch(folder: str, out: str, started: float) -> None:
        watched.append((folder, out, started))
        assert len(list(Path(folder).glob("*.png"))) == 3
        Path(out).write_text(json.dumps({"first_paint_ms": 7}), encoding="utf-8")

    def start(command: list[str], **_: object) -> None:
        assert command[0] == str(tmp_path / "mtaa")
        assert main(command[1:]) == 0

    (tmp_path / "mtaa").touch()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "MTAA Workbench"))
    monkeypatch.setattr(window_benchmark, "watch", watch)
    monkeypatch.setattr(window_benchmark.subprocess, "run", start)
    assert main(["benchmark", "window", "--images", "3"]) == 0
    assert "first paint ms: 7.0" in capsys.readouterr().out
    assert len(watched) == 1 and watched[0][2] > 0
    assert main(["benchmark", "--help"]) == 0
    assert "watched-window" not in capsys.readouterr().out


def test_training_beside_the_bare_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    arguments = ["--steps", "3", "--batch", "4", "--side", "12", "--width", "4", "--repeats", "3", "--device", "cpu"]
    assert main(["benchmark", "train", *arguments, "--json", str(out)]) == 0
    assert "of the bare loop's" in capsys.readouterr().out
    result = json.loads(out.read_bytes())
    ratios = sorted(repeat["trainer"] / repeat["bare"] for repeat in result["repeats"])
    assert len(ratios) == 3 and result["ratio_to_bare"] == pytest.approx(ratios[1])
    assert all(rate > 0 for repeat in result["repeats"] for rate in repeat.values())
    assert main(["benchmark", "train", *arguments, "--colour", "--repeats", "1", "--json", str(out)]) == 0
    assert json.loads(out.read_bytes())["shape"] == [3, 12, 12]
    gone = tmp_path / "none/out.json"
    assert main(["benchmark", "train", *arguments, "--json", str(gone)]) == 2
    said = capsys.readouterr()
    assert (
        "there is no folder" in " ".join(said.err.split())
        and "bare loop" not in said.out.split("of the bare loop's")[-1]
    )
