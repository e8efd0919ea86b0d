"""Figure 4: the same digits under PGD against each victim, and how alike the perturbations are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from training.experiments.draw import gallery
from training.experiments.figure3 import sizes
from training.experiments.item import Found, Item, Table
from training.experiments.perturbations import attack_digits, known_digits, load, middle
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import Subset, narrow
from training.likeness import correlation

IMAGES, SHOWN = 200, 4


def cells(study: Study, seed: int) -> list[Cell]:
    scenario = narrow(study.scenario, Subset(1))
    spec = next((a for a in scenario.attacks if a.name == "PGD"), scenario.attacks[0])

    def compute(_: Path) -> Result:
        victims = {v.label: load(study, v) for v in scenario.victims}
        images, labels = known_digits(study, list(victims.values()), study.images(IMAGES))
        values = np.full(len(images), middle(spec))
        done = {
            name: attack_digits(study, victim, spec, images, own, values, seed=seed)
            for (name, victim), own in zip(victims.items(), labels, strict=True)
        }
        made = {name: torch.from_numpy(one.perturbation) for name, one in done.items()}
        figures = {
            "attack": spec.name, "value": middle(spec), "images": len(images),
            "victims": {n: {"success": float(m.success.mean()), **sizes(m.perturbation)} for n, m in done.items()},
            "correlation": {a: {b: float(correlation(made[a], made[b]).mean()) for b in made} for a in made},
        }  # fmt: skip
        columns = np.stack([made.perturbation for made in done.values()], axis=1)
        return Result(figures, {"perturbations": columns[:SHOWN]})

    settings = {
        "seed": seed, "data": study.fingerprint, "attack": spec.model_dump(), "images": study.images(IMAGES),
        "shown": SHOWN,
    }  # fmt: skip
    return [Cell("perturbations", "perturbations-by-victim", settings, compute)]


def table(found: Found) -> Table:
    names = list(next(iter(found.get("perturbations", "victims")), {}))
    rows = [
        [
            name, found.percent("perturbations", "victims", name, "success"),
            found.number("perturbations", "victims", name, "l2"),
            *(found.number("perturbations", "correlation", name, other) for other in names),
        ]
        for name in names
    ]  # fmt: skip
    return Table(["Victim", "success %", "L2, levels", *(f"correlation with {name}" for name in names)], rows)


def draw(figure: Figure, found: Found, arrays: Mapping[str, Arrays]) -> None:
    names = list(next(iter(found.get("perturbations", "victims")), {}))
    gallery(figure, arrays["perturbations"]["perturbations"], names)


ITEM = Item(
    "figure4", "Figure 4: perturbations of PGD against each victim", cells, table, draw,
    choices=("The paper shows ImageNet, and gives no figures.",),
)  # fmt: skip
