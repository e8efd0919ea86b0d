"""The benchmark's figures agree with each other and with the attacks that they are of."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from core.errors import AttackError, VictimError
from training import benchmark_attacks
from training.attacks import make_attack
from training.benchmark_attacks import Settings, benchmark, contenders, run, table
from training.sources import CleanImages, content_of

QUICK = Settings(attacks=("FGSM", "C&W"), peers=("cleverhans",), kappa=0.1, search_steps=2, cw_steps=30, repeats=2)


CPU = torch.device("cpu")


@pytest.fixture
def victim() -> nn.Module:
    random = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval().requires_grad_(False)
    net[1].weight.copy_(torch.randn(3, 16, generator=random) * 2)
    return net


@pytest.fixture
def clean(victim: nn.Module) -> CleanImages:
    images = np.random.default_rng(0).integers(0, 256, (64, 1, 4, 4), np.uint8)
    labels = victim(torch.from_numpy(images).float() / 255).argmax(1).numpy()
    return CleanImages("made", images, labels, np.full(64, 2, np.uint8), content_of(images), 3)


def rows_of(report: dict[str, Any], attack: str) -> dict[str, dict[str, Any]]:
    return {row["contender"]: row for row in report["rows"] if row["attack"] == attack}


@pytest.mark.usefixtures("in_bf16")
def test_figures_are_those_of_the_attacks(victim: nn.Module, clean: CleanImages) -> None:
    images, labels = torch.from_numpy(clean.images).float() / 255, torch.from_numpy(clean.labels)
    report = run(victim, images, labels, QUICK)
    fgsm = rows_of(report, "FGSM")
    assert set(fgsm) == {"mtaa fp32", "mtaa bf16", "cleverhans"}
    expected = make_attack({"name": "FGSM"})(victim, images, labels, torch.full((64,), 0.1))
    assert fgsm["mtaa fp32"]["success"] == fgsm["cleverhans"]["success"] == expected.success.float().mean().item()
    assert fgsm["cleverhans"]["l2_to_ours"] == pytest.approx(1)
    cw = rows_of(report, "C&W")
    assert set(cw) == {"mtaa fp32", "mtaa bf16", "mtaa bf16, 2 x 30", "cleverhans"}
    for row in (*fgsm.values(), *cw.values()):
        assert len(row["seconds"]) == 2
        assert row["examples_per_second"] == pytest.approx(64 / np.median(row["seconds"]))
        assert row["share_of_floor"] > 0
    assert cw["mtaa fp32"]["ours_faster_by"] == cw["mtaa fp32"]["l2_to_ours"] == 1


@pytest.mark.usefixtures("in_bf16")
def test_the_floor_is_held_against_each_repeat(
    victim: nn.Module, clean: CleanImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, calls = 0.0, 0

    class Slowing(nn.Module):
        """Takes one second a forward pass, and five after the first repeat."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            nonlocal now, calls
            calls += 1
            now += 1.0 if calls <= first_repeat else 5.0
            logits: torch.Tensor = victim(x)
            return logits

    monkeypatch.setattr(benchmark_attacks.time, "perf_counter", lambda: now)
    images, labels = torch.from_numpy(clean.images).float() / 255, torch.from_numpy(clean.labels)
    attack, settings = "PGD", Settings(attacks=("PGD",), peers=(), pgd_steps=8, repeats=2)
    # fp32: 8 steps, the check of one image and the verdict. bf16: the same, 8 of them by the twin, which is a copy.
    first_repeat = 10 + 8 + 8 + 10
    report = run(Slowing().eval(), images, labels, settings)
    assert rows_of(report, attack)["mtaa fp32"]["seconds"] == [10, 50]
    assert rows_of(report, attack)["mtaa fp32"]["share_of_floor"] == pytest.approx(8 / 10)
    assert report["gradient_passes_per_second"][attack]["fp32"] == pytest.approx(64 / 3)


def test_a_contender_that_fails_stays_in_the_table_with_its_reason(
    victim: nn.Module, clean: CleanImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "foolbox", None)
    images, labels = torch.from_numpy(clean.images).float() / 255, torch.from_numpy(clean.labels)
    report = run(victim, images, labels, Settings(attacks=("FGSM",), peers=("foolbox",), repeats=1))
    row = rows_of(report, "FGSM")["foolbox"]
    assert "not installed" in row["failure"]
    assert "examples_per_second" not in row
    console = Console(record=True, width=100, file=StringIO())
    console.print(table(report))
    assert "not installed" in " ".join(console.export_text().split())


def test_patience_ends_repeats(victim: nn.Module, clean: CleanImages) -> None:
    images, labels = torch.from_numpy(clean.images).float() / 255, torch.from_numpy(clean.labels)
    report = run(victim, images, labels, Settings(attacks=("FGSM",), peers=(), repeats=3, patience=0))
    assert all(len(row["seconds"]) == 1 for row in report["rows"])


def test_an_attack_without_a_benchmark_is_refused() -> None:
    with pytest.raises(AttackError, match="No benchmark"):
        contenders("BIM", Settings(), ["fp32"])


def test_benchmark_attacks_what_the_victim_understands_and_writes_json(
    victim: nn.Module,
    clean: CleanImages,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Loaded(nn.Sequential):
        def frozen(self) -> Loaded:
            return self.eval()

    monkeypatch.setattr(benchmark_attacks, "load_folded", lambda path: (Loaded(*victim), "0" * 64))
    monkeypatch.setattr(benchmark_attacks, "load_source", lambda name, data: clean)
    settings = Settings(attacks=("FGSM",), peers=("cleverhans",), repeats=1)
    report = benchmark(
        tmp_path, tmp_path / "victim", tmp_path / "out.json", examples=16, device=torch.device("cpu"), settings=settings
    )
    assert json.loads((tmp_path / "out.json").read_text())["rows"] == report["rows"]
    assert report["images"] == 16
    assert "cleverhans" in capsys.readouterr().out
    clean.labels[:] = (clean.labels + 1) % 3
    with pytest.raises(VictimError, match="0 of 64"):
        benchmark(tmp_path, tmp_path / "victim", examples=16, device=CPU, settings=settings)
