"""The steps of a run, beside what a run tells."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from core.pack import read_manifest
from core.progress import Progress
from training import calibrate, fit_scorer, fit_unfamiliar
from training.api import Event, Run, run_all
from training.course import steps_of
from training.scenario import Scenario
from training.sources import SPLITS

Build = Callable[..., Scenario]


def told_in_order(asked: Scenario, out: Path) -> list[Progress]:
    """What a whole run tells, once it was found to go through the scenario's steps in their order, to the last."""
    told: list[Progress] = []

    def listen(event: Event) -> None:
        if event.kind == "progress":
            told.append(Progress(**event.values))

    run_all(Run(asked, out, device="cpu"), listen)
    steps = steps_of(asked)
    in_order = iter(step.name for step in steps)
    assert all(name in in_order for name, _ in groupby(progress.stage for progress in told))
    assert told[-1].stage == steps[-1].name and told[-1].done == told[-1].total
    return told


def test_a_run_goes_through_its_steps_in_order(
    scenario: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_scorer, "STEPS", 5)
    two = [{"architecture": "Nearest", "name": name, "passes": 3} for name in ("first", "second")]
    training = {"epochs": 1, "batch": 16, "precision": "fp32", "extractor_epochs": 1}
    asked = scenario(victims=two, training=training, probes={"examples": 20})
    told, steps = told_in_order(asked, tmp_path), steps_of(asked)
    assert {progress.stage for progress in told} >= {step.name for step in steps if step.part in ("victims", "results")}
    assert [step.part for step in steps] == sorted((s.part for s in steps), key=["victims", "examples", "network",
                                                                                "results"].index)  # fmt: skip
    asking = [step.size for step in steps if step.stage == ("asking", "")]
    assert asking == [20, 20, *[6 + 2 * (2 * 4 + 3 * 3)] * 4]


def test_a_run_that_shows_changed_examples_asks_about_unfamiliar_ones_before_it_weighs(
    scenario: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in ((fit_scorer, "STEPS", 5), (fit_unfamiliar, "ENOUGH", 1)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(calibrate, "FAMILIAR_SHARE", 0.5)
    training = {"epochs": 1, "batch": 16, "precision": "fp32", "changed": 0.5}
    network = {"width": 4, "backbone": "forensic", "perturbation_extractor": "pixel"}
    asked = scenario(training=training, network=network, probes={"examples": 20})
    told = told_in_order(asked, tmp_path)
    assert [name for name, _ in groupby(p.stage for p in told)].count("asking first") == len(SPLITS) + 2
    measuring = [progress for progress in told if progress.stage == "measuring"]
    first = measuring[: 1 + next(n for n, p in enumerate(measuring) if p.done == p.total)]
    assert [p.done for p in first] == sorted(p.done for p in first)
    manifest = read_manifest(next(tmp_path.glob("*.mtaapack")))
    held = manifest.results["unfamiliar"]
    assert manifest.unfamiliar is not None and held["calibration_examples"] > 0
    assert 0 < held["image"]["examples"] == held["both"]["examples"]
    assert {"attack_accuracy", "victim_ece", "coverage"} <= held["image"].keys()
    assert {"attack_accuracy", "victim_set_coverage", "interval_coverage"} <= held["both"].keys()


def test_own_victims_are_checked_before_others_are_trained(scenario: Build) -> None:
    own = {"name": "own", "file": "own.pt"}
    steps = steps_of(scenario(victims=[{"architecture": "Nearest", "name": "first"}, own]))
    victims = [step for step in steps if step.part == "victims"]
    assert [step.name for step in victims] == ["checking own", "trying own otherwise", "training first"]
    assert [step.stage for step in victims] == [None, None, ("victim", "first")]
    assert all(step.part != "images" for step in steps), "they are read from the disk at once"
