"""An attack or a victim that a pack was not trained on: does its familiarity score tell?

For every attack and every victim of the scenario a pack is trained without it. The score of the left-out test examples
is set against that of the test examples of what is left; the AUROC is the share of pairs in the right order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from training.experiments.cells import pack
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import Subset

WANTED = {"attack": 0.95, "victim": 0.90}


def cells(study: Study, seed: int) -> list[Cell]:
    attacks = tuple(dict.fromkeys(spec.name for spec in study.scenario.attacks))
    victims = tuple(v.label for v in study.scenario.victims)
    made = [_without(study, seed, "attack", name, attacks, None) for name in attacks if len(attacks) > 1]
    return made + [_without(study, seed, "victim", name, None, victims) for name in victims if len(victims) > 1]


def _without(
    study: Study, seed: int, kind: str, name: str, attacks: tuple[str, ...] | None, victims: tuple[str, ...] | None
) -> Cell:
    """The pack trained without one label; its figures with the AUROC added."""
    scenario = study.scenario
    chosen = Subset(
        study.per_cell, scenario.clean.examples.train if scenario.has_clean else 0,
        tuple(n for n in attacks if n != name) if attacks else None,
        tuple(n for n in victims if n != name) if victims else None, paper=False,
    )  # fmt: skip
    trained = pack(study, seed, chosen, f"without-{name}".lower().replace("&", ""))

    def compute(folder: Path) -> Result:
        result = trained.compute(folder)
        labels = scenario.attack_names if kind == "attack" else scenario.victim_names
        strange = result.arrays[f"true_{kind}"] == labels.index(name)
        return Result(result.figures | separation(result.arrays["familiarity"], strange), result.arrays)

    return dataclasses.replace(trained, name=f"without the {kind} {name}", what="unseen", compute=compute)


def separation(score: np.ndarray[Any, Any], strange: np.ndarray[Any, Any]) -> dict[str, Any]:
    """AUROC of a score that should be higher where ``strange``; None where one side is empty."""
    both = bool(strange.any() and not strange.all())
    return {
        "auroc": float(roc_auc_score(strange, score)) if both else None,
        "strange": int(strange.sum()),
        "known": int((~strange).sum()),
    }


def table(found: Found) -> Table:
    rows = [
        [
            name, found.number(name, "auroc", digits=4), f"{WANTED[name.split()[2]]}",
            found.number(name, "strange", digits=0), found.number(name, "known", digits=0),
            found.percent(name, "attack"), found.percent(name, "victim"),
        ]
        for name in found.names
    ]  # fmt: skip
    headings = ["Trained", "AUROC of familiarity", "wanted", "left-out examples", "known examples"]
    return Table([*headings, "attack % of the known", "victim % of the known"], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    bars(figure, {"AUROC": {"ours": {name.split(maxsplit=2)[2]: found.mean(name, "auroc") for name in found.names}}})


ITEM = Item(
    "unseen", "An attack or a victim left out of training: AUROC of the familiarity score", cells, table, draw,
)  # fmt: skip
