"""The same attacks as float images and as the 8-bit images that a file can hold, judged by the pack under test.

The paper's images are float. Rounding destroys part of the evidence, so every other figure here is on 8 bits; these are
the float ones beside them. The pack was trained on 8-bit images, so this is what it says, not what it could learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.judge import Truth, attributor_of, check_victims, counted, judge
from training.experiments.perturbations import attack_digits, known_digits, load
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import Subset, narrow
from training.scenario import VictimSpec

IMAGES = 200
"""Of each attack and victim at scale 1."""

KINDS = ("8-bit", "float")


def cells(study: Study, seed: int) -> list[Cell]:
    check_victims(study)
    return [_cell(study, seed, spec) for spec in study.scenario.victims]


def _cell(study: Study, seed: int, victim_spec: VictimSpec) -> Cell:
    manifest = study.pack.manifest
    known = [a.name for a in manifest.attacks]
    attacks = [a for a in narrow(study.scenario, Subset(1)).attacks if a.name in known]
    victim_index = [v.name for v in manifest.victims].index(victim_spec.label)

    def compute(_: Path) -> Result:
        victim = load(study, victim_spec)
        attributor = attributor_of(study)
        images, (labels,) = known_digits(study, [victim], study.images(IMAGES))
        figures: dict[str, Any] = {}
        arrays: Arrays = {}
        for attack in attacks:
            grid = np.asarray(attack.grid.values)
            values = grid[np.arange(len(images)) % len(grid)]
            made = {
                kind: attack_digits(study, victim, attack, images, labels, values, eight_bit=kind == "8-bit", seed=seed)
                for kind in KINDS
            }
            both = made["8-bit"].success & made["float"].success
            figures[attack.name] = {}
            for kind, done in made.items():
                if not both.any():
                    figures[attack.name][kind] = {"examples": 0}
                    continue
                verdicts = judge(attributor, done.adversarial[both], study.tell)
                count = int(both.sum())
                truth = Truth(np.full(count, known.index(attack.name)), np.full(count, victim_index), values[both])
                figures[attack.name][kind] = counted(verdicts, truth, manifest)
                arrays |= {f"{attack.name} {kind} {name}": c for name, c in verdicts.arrays().items()}
        return Result({"by_attack": figures}, arrays)

    settings = {
        "seed": seed, "pack": manifest.pack_id, "data": study.fingerprint, "victim": victim_spec.label,
        "images": study.images(IMAGES), "attacks": [a.model_dump() for a in attacks],
    }  # fmt: skip
    return Cell(victim_spec.label, "float", settings, compute)


def table(found: Found) -> Table:
    rows = []
    for name in found.names:
        for attack in next(iter(found.get(name, "by_attack")), {}):
            for kind in KINDS:
                at = (name, "by_attack", attack, kind)
                rows.append(
                    [name, attack, kind, found.number(*at, "examples", digits=0), found.percent(*at, "attack"),
                     found.percent(*at, "victim"), found.number(*at, "hyperparameter"),
                     found.percent(*at, "unfamiliar")]
                )  # fmt: skip
    return Table(["Victim", "Attack", "Images", "examples", "attack %", "victim %", "RMSE", "unfamiliar %"], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    names = found.names
    attacks = list(dict.fromkeys(a for name in names for by in found.get(name, "by_attack") for a in by))
    panels: dict[str, dict[str, dict[str, float | None]]] = {}
    for task in ("attack", "victim"):
        panels[task] = {kind: {} for kind in KINDS}
        for kind in KINDS:
            for attack in attacks:
                means = [m for n in names if (m := found.mean(n, "by_attack", attack, kind, task)) is not None]
                panels[task][kind][attack] = float(np.mean(means)) if means else None
    bars(figure, panels)


ITEM = Item(
    "float", "Float images beside 8-bit ones, judged by a pack that was trained on 8 bits", cells, table, draw,
    of_pack=True, choices=("Only images that fool their victim in both forms; RMSE on Table 1's scale.",),
)  # fmt: skip
