"""A victim of the same architecture trained anew with another seed: does the pack name the one it knows, another, or
call the images unfamiliar? Whoever trains a network of their own is not the victim that the pack was taught.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from core.victims import load_victim
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.judge import Verdicts, attributor_of, check_victims, judge
from training.experiments.perturbations import attack_digits, known_digits
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import Subset, narrow
from training.scenario import VictimSpec
from training.train_victim import train_victim

IMAGES = 200
"""Of each attack at scale 1."""

SEED_APART = 1000
"""Added to the victims' seed."""

KINDS = ("named", "confused", "unfamiliar")


def cells(study: Study, seed: int) -> list[Cell]:
    check_victims(study)
    return [_cell(study, seed, spec) for spec in study.scenario.victims if spec.file is None]


def _cell(study: Study, seed: int, spec: VictimSpec) -> Cell:
    manifest = study.pack.manifest
    known = [a.name for a in manifest.attacks]
    attacks = [a for a in narrow(study.scenario, Subset(1)).attacks if a.name in known]
    other_seed = study.scenario.seed + SEED_APART + seed

    def compute(_: Path) -> Result:
        victim = load_victim(trained_anew(study, spec, other_seed))[0].to(study.device)
        images, (labels,) = known_digits(study, [victim], study.images(IMAGES))
        attributor = attributor_of(study)
        index = [v.name for v in manifest.victims].index(spec.label)
        figures: dict[str, Any] = {"accuracy_on_clean": victim.card.accuracy, "by_attack": {}}
        arrays: Arrays = {}
        every = []
        for attack in attacks:
            grid = np.asarray(attack.grid.values)
            values = grid[np.arange(len(images)) % len(grid)]
            made = attack_digits(study, victim, attack, images, labels, values, seed=seed)
            if not made.success.any():
                figures["by_attack"][attack.name] = {"examples": 0}
                continue
            verdicts = judge(attributor, made.adversarial[made.success], study.tell)
            figures["by_attack"][attack.name] = shares(verdicts, index, known.index(attack.name))
            arrays |= {f"{attack.name} {name}": column for name, column in verdicts.arrays().items()}
            every.append(figures["by_attack"][attack.name])
        total = sum(part["examples"] for part in every)
        for kind in (*KINDS, "attack"):
            figures[kind] = sum(part[kind] * part["examples"] for part in every) / total if total else None
        return Result(figures, arrays)

    settings = {
        "seed": seed, "pack": manifest.pack_id, "clean": study.clean.digest, "victim": spec.model_dump(),
        "trained_with": other_seed, "images": study.images(IMAGES), "attacks": [a.model_dump() for a in attacks],
    }  # fmt: skip
    return Cell(spec.label, "retrained", settings, compute)


def trained_anew(study: Study, spec: VictimSpec, seed: int) -> Path:
    """The file of the victim trained anew with another seed."""
    path = study.out / "retrained" / f"{spec.label.lower()}-seed{seed}.safetensors"
    train_victim(
        spec.architecture, study.clean, path, name=spec.label, passes=spec.passes, seed=seed,
        augmentation=spec.augmentation or "shift", device=study.device, tell=study.tell,
    )  # fmt: skip
    return path


def shares(verdicts: Verdicts, victim: int, attack: int) -> dict[str, Any]:
    """Of the images: flagged unfamiliar; of the others, named as the known one of that architecture or another."""
    own = verdicts.victim == victim
    return {
        "examples": len(own),
        "named": float((own & verdicts.familiar).mean()),
        "confused": float((~own & verdicts.familiar).mean()),
        "unfamiliar": float((~verdicts.familiar).mean()),
        "attack": float((verdicts.attack == attack).mean()),
        "named_flag_or_not": float(own.mean()),
    }


def table(found: Found) -> Table:
    rows = []
    for name in found.names:
        rows.append([name, "all", *(found.percent(name, kind) for kind in (*KINDS, "attack"))])
        for attack in next(iter(found.get(name, "by_attack")), {}):
            rows.append(
                [name, attack, *(found.percent(name, "by_attack", attack, kind) for kind in (*KINDS, "attack"))]
            )
    headings = [
        "Retrained victim",
        "Attack",
        "named as the known one %",
        "as another %",
        "unfamiliar %",
        "attack named %",
    ]
    return Table(headings, rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    bars(figure, {"share of images": {kind: {name: found.mean(name, kind) for name in found.names} for kind in KINDS}})


ITEM = Item(
    "retrained", "Victims trained anew with another seed: named, confused, or unfamiliar", cells, table, draw,
    of_pack=True, choices=("The attacks are the scenario's own; values go evenly over its grids.",),
)  # fmt: skip
