"""Do the pack's sets and intervals hold the truth as often as they promise, on test examples, and how wide are they?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from core.manifest import Manifest
from training.calibrate import COVERAGES
from training.experiments.draw import curves
from training.experiments.item import Found, Item, Table
from training.experiments.judge import Truth, Verdicts, attributor_of, judge, pack_truth
from training.experiments.study import Arrays, Cell, Result, Study
from training.metrics import expected_calibration_error


def cells(study: Study, seed: int) -> list[Cell]:
    manifest = study.pack.manifest
    lowest, highest = manifest.calibration.coverages[0], manifest.calibration.coverages[-1]

    def cell(asked: float) -> Cell:
        def compute(_: Path) -> Result:
            images, truth, _rows = pack_truth(study)
            verdicts = judge(attributor_of(study), images, study.tell, asked)
            arrays = verdicts.arrays() | {
                "true_attack": truth.attack, "true_victim": truth.victim, "true_hyperparameter": truth.value,
            }  # fmt: skip
            return Result(held(verdicts, truth, manifest), arrays)

        settings = {"pack": manifest.pack_id, "data": study.fingerprint, "coverage": asked}
        outside = not lowest <= asked <= highest
        return Cell(
            f"{asked:.0%}", "coverage", settings, compute, "the pack is not calibrated for it" if outside else ""
        )

    return [cell(asked) for asked in COVERAGES]


def held(verdicts: Verdicts, truth: Truth, manifest: Manifest) -> dict[str, Any]:
    """Coverage and mean size of both tasks' sets; coverage and mean width of the intervals.

    An interval is one under the named attack, so it is judged where the attack is named right and has a hyperparameter.
    """
    rows = np.arange(len(truth.attack))
    width = np.asarray([a.width for a in manifest.attacks])
    told = (verdicts.attack == truth.attack) & (width[truth.attack] > 0)
    slack = 1e-4  # a target is float32, an interval's end float64
    inside = (verdicts.low - slack <= truth.value) & (truth.value <= verdicts.high + slack)
    return {
        "examples": len(rows),
        "attack": float(verdicts.attack_set[rows, truth.attack].mean()),
        "attack_size": float(verdicts.attack_set.sum(1).mean()),
        "victim": float(verdicts.victim_set[rows, truth.victim].mean()),
        "victim_size": float(verdicts.victim_set.sum(1).mean()),
        "hyperparameter": float(inside[told].mean()) if told.any() else None,
        "hyperparameter_width": float(((verdicts.high - verdicts.low)[told] / width[truth.attack][told]).mean())
        if told.any()
        else None,
        "attack_ece": expected_calibration_error(verdicts.confidence[:, 0], verdicts.attack == truth.attack),
        "victim_ece": expected_calibration_error(verdicts.confidence[:, 1], verdicts.victim == truth.victim),
    }


def _name(asked: float) -> str:
    return f"{asked:.0%}"


def table(found: Found) -> Table:
    rows = [
        [
            name, found.percent(name, "attack"), found.number(name, "attack_size"), found.percent(name, "victim"),
            found.number(name, "victim_size"), found.percent(name, "hyperparameter"),
            found.percent(name, "hyperparameter_width"), found.percent(name, "attack_ece"),
            found.percent(name, "victim_ece"),
        ]
        for name in map(_name, COVERAGES)
    ]  # fmt: skip
    headings = ["Promised", "attack held %", "labels", "victim held %", "labels", "value held %"]
    return Table([*headings, "interval, % of the range", "ECE attack %", "ECE victim %"], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    lines: dict[str, tuple[list[float], list[float]]] = {"promised": (list(COVERAGES), list(COVERAGES))}
    for task in ("attack", "victim", "hyperparameter"):
        points = [(asked, found.mean(_name(asked), task)) for asked in COVERAGES]
        own = [(x, y) for x, y in points if y is not None]
        lines[task] = ([x for x, _ in own], [y for _, y in own])
    curves(figure, {"share of sets and intervals that hold the truth": lines}, "promised coverage")


ITEM = Item(
    "coverage", "Sets and intervals on test: promised and held", cells, table, draw, of_pack=True,
    choices=("An interval is judged where the attack is named right: it is one under the named attack.",),
)  # fmt: skip
