"""What a run is said to take before it begins: everything is tried, nothing is kept, and too little disk is told."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from app.__main__ import main
from core import files
from core.errors import Cancelled, NoRoomError, size_text
from core.probes import PROBES
from core.progress import CancelToken, Progress
from core.victims import Victim
from training import fit_scorer
from training.api import Run, run_all
from training.budget import (
    answers_bytes,
    check_room,
    lacking,
    room,
    used,
    victim_bytes,
)
from training.counts import examples_asked_about
from training.estimate import estimate
from training.pipeline import train_pack
from training.plan import attack_labels
from training.scenario import Scenario
from training.sources import CleanImages
from training.train_victim import train_victim

Build = Callable[..., Scenario]
CPU = torch.device("cpu")


class Usage(NamedTuple):
    free: int


def test_every_stage_is_tried_and_counted(scenario: Build, digits: CleanImages, victims: Path, tmp_path: Path) -> None:
    shutil.copy(victims / "first.safetensors", tmp_path)
    two = [{"architecture": "Nearest", "name": "first"}, {"architecture": "Nearest", "name": "second", "passes": 2}]
    told: list[Progress] = []
    asked = scenario(victims=two)
    found = estimate(asked, digits, tmp_path, CPU, told.append)
    stages = {(stage.kind, stage.name): stage for stage in found.stages}
    # the first victim is there already
    expected = [("victim", "second"), ("attack", "FGSM"), ("attack", "PGD"), ("network", ""), ("results", "")]
    assert list(stages) == expected
    assert stages["victim", "second"].number == 2 * len(digits.rows("train"))
    assert stages["attack", "FGSM"].number == 2 * 2 * (9 + 4 + 4)
    assert stages["network", ""].number == 3 * (12 + 2 * (2 * 9 + 3 * 6))
    assert all(stage.seconds > 0 and stage.most >= stage.seconds for stage in found.stages)
    assert stages["attack", "PGD"].most > stages["attack", "PGD"].seconds
    assert found.seconds == pytest.approx(sum(stage.seconds for stage in found.stages))
    assert told[-1].done == told[-1].total
    assert [path.name for path in tmp_path.iterdir()] == ["first.safetensors"]


def test_few_images_and_few_passes_are_tried_too(scenario: Build, digits: CleanImages, tmp_path: Path) -> None:
    """The trial takes more steps than the training will."""
    few = dataclasses.replace(
        digits, images=digits.images[:90], labels=digits.labels[:90], split=digits.split[:90]
    )  # fmt: skip
    chosen = scenario(victims=[{"architecture": "Nearest", "name": "first", "passes": 0.3}])
    assert estimate(chosen, few, tmp_path, CPU).stages[0].kind == "victim"


def test_the_auto_encoders_own_epochs_count(
    scenario: Build, digits: CleanImages, victims: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.estimate._seconds", lambda work, *_: (work(), 1.0)[1])
    seconds = []
    for own in ({}, {"extractor_epochs": 5}):
        asked = scenario(
            victims=[{"architecture": "Nearest", "name": "first"}], training={"epochs": 3, "batch": 8} | own
        )
        stages = {stage.kind: stage for stage in estimate(asked, digits, victims, CPU).stages}
        seconds.append(stages["network"].seconds)
    batches = -(-(12 + 2 * 9 + 3 * 6) // 8)
    assert seconds == [3 * batches, 8 * batches]


def test_asking_is_tried_and_counted(scenario: Build, digits: CleanImages, victims: Path, tmp_path: Path) -> None:
    two = [{"architecture": "Nearest", "name": name} for name in ("first", "second")]
    mute = scenario(victims=two)
    stages, needed = {}, {}
    for examples in (20, 10**6):
        told: list[Progress] = []
        asked = scenario(victims=two, probes={"examples": examples})
        found = estimate(asked, digits, victims, CPU, told.append)
        assert told[-1].done == told[-1].total
        stages[examples], needed[examples] = found.stages[-2], found.room
        assert found.stages[-1].kind == "weighing" and found.stages[-1].seconds > 0
    held_out = 2 * (6 + 2 * (2 * 4 + 3 * 3))
    train = 12 + 2 * (2 * 9 + 3 * 6)
    assert [stage.kind for stage in stages.values()] == ["asking", "asking"]
    assert stages[20].number == 2 * (20 + held_out) and stages[10**6].number == 2 * (train + held_out)
    assert 0 < stages[20].seconds == stages[20].most
    silent = room(mute, attack_labels(mute), digits, victims)
    assert silent.answers == 0 and needed[20].total == silent.total + stages[20].bytes


def test_answers_take_what_is_said_on_disk(
    scenario: Build, digits: CleanImages, victims: Path, make: Callable[..., Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(fit_scorer, "STEPS", 5)
    asked = scenario(probes={"examples": 20})
    make(asked, tmp_path / "data")
    train_pack(asked, victims, tmp_path / "data", tmp_path, CPU, lambda _: None)
    written = used(tmp_path / "probes")
    assert 4 * len(PROBES) * examples_asked_about(asked) < written < answers_bytes(asked, 10)


def test_an_estimate_can_be_cancelled(scenario: Build, digits: CleanImages, victims: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        estimate(scenario(), digits, victims, CPU, cancel=cancel)


def test_the_disk_is_what_the_files_take(
    scenario: Build, digits: CleanImages, make: Callable[..., Any], tmp_path: Path
) -> None:
    asked = scenario(attacks=[{"name": "FGSM", "grid": {"first": 200, "last": 250, "count": 2},
                               "cell": {"train": 30, "calibration": 8, "test": 8}}])  # fmt: skip
    needed = room(asked, attack_labels(asked), digits, tmp_path)
    make(asked, tmp_path / "data")
    parts = sum(path.stat().st_size for path in (tmp_path / "data").rglob("*.safetensors"))
    count = 12 + 6 + 6 + 2 * (30 + 8 + 8)
    assert count * (2 * 64 + 20) < parts < needed.examples < parts + 16 * 4096
    train_victim("Nearest", digits, tmp_path / "first.safetensors", passes=0.1, seed=0, device=CPU)
    written = (tmp_path / "first.safetensors").stat().st_size
    assert victim_bytes(asked.victims[0], digits) < written < victim_bytes(asked.victims[0], digits) + 1000
    assert room(asked, attack_labels(asked), digits, tmp_path).victims == 0  # it is there
    rest = lacking(needed, tmp_path / "data", tmp_path / "none")
    assert rest == needed.total - min(used(tmp_path / "data"), needed.examples)


def test_too_little_disk_is_told_before_anything_is_made(
    scenario: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: Usage(5000))
    with pytest.raises(NoRoomError, match=r"This run takes about .* where 5,000 bytes are free") as caught:
        run_all(Run(scenario(), tmp_path / "out", device="cpu"), lambda _: None)
    assert caught.value.free == 5000 < caught.value.needed
    assert not (tmp_path / "out").exists()
    check_room(5000, tmp_path / "not" / "there")


def test_sizes_are_read_at_a_glance() -> None:
    assert [size_text(n) for n in (5, 2**20, 3 * 2**30)] == ["5 bytes", "1.0 MiB", "3.0 GiB"]


def test_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "digits.toml").write_text(
        """
name = "digits"
title = "Digits"
description = "For a test"
[clean]
source = "digits"
examples = { train = 20, calibration = 5, test = 5 }
pool = { train = 50, calibration = 20, test = 20 }
[[victims]]
architecture = "Nearest"
[[attacks]]
name = "FGSM"
grid = { first = 120, last = 160, count = 2 }
cell = { train = 10, calibration = 5, test = 5 }
[network]
width = 4
[training]
epochs = 2
[probes]
examples = 10
""",
        encoding="utf-8",
    )
    arguments = ["estimate", str(tmp_path / "digits.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[:-1]] == ["victim Nearest", "examples FGSM", "network", "results",
                                                           "asking the victims", "weighing their answers"]  # fmt: skip
    assert lines[-1].startswith("in all 0:") and lines[-1].endswith("are free")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["in-use.lock"]
    monkeypatch.setattr(fit_scorer, "STEPS", 5)
    assert main(["run", *arguments[1:]]) == 0
    assert "with its victims asked attack " in " ".join(capsys.readouterr().out.split())
    assert main(arguments) == 0
    assert "what is there already is not made again" in capsys.readouterr().out


def test_what_the_memory_does_not_hold_is_tried_in_parts(
    scenario: Build, digits: CleanImages, victims: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the run itself goes on in parts."""
    forward = Victim.forward

    def limited(self: Victim, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, x)

    monkeypatch.setattr(Victim, "forward", limited)
    found = estimate(scenario(probes={"examples": 60}), digits, victims, CPU)
    assert {"attack", "asking"} <= {stage.kind for stage in found.stages}
