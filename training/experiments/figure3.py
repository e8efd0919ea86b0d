"""Figure 3: the same digits under each attack, against ResNet18 (or the first victim), at the middle of each grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from core.types import FloatArray
from training.experiments.draw import gallery
from training.experiments.item import Found, Item, Table
from training.experiments.perturbations import attack_digits, known_digits, load, middle
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import Subset, narrow

IMAGES, SHOWN = 200, 4


def cells(study: Study, seed: int) -> list[Cell]:
    scenario = narrow(study.scenario, Subset(1))
    victim_spec = next((v for v in scenario.victims if v.architecture == "ResNet18"), scenario.victims[0])

    def compute(_: Path) -> Result:
        victim = load(study, victim_spec)
        images, (labels,) = known_digits(study, [victim], study.images(IMAGES))
        figures: dict[str, object] = {"victim": victim_spec.label, "images": len(images), "attacks": {}}
        columns = []
        for spec in scenario.attacks:
            values = np.full(len(images), middle(spec))
            done = attack_digits(study, victim, spec, images, labels, values, seed=seed)
            columns.append(done.perturbation)
            figures["attacks"][spec.name] = {"value": middle(spec), "success": float(done.success.mean())} | sizes(  # type: ignore[index]
                done.perturbation
            )
        return Result(figures, {"perturbations": np.stack(columns, axis=1)[:SHOWN]})

    settings = {
        "seed": seed,
        "data": study.fingerprint,
        "victim": victim_spec.label,
        "images": study.images(IMAGES),
        "shown": SHOWN,
    }
    return [Cell("perturbations", "perturbations-by-attack", settings, compute)]


def sizes(perturbation: FloatArray) -> dict[str, float]:
    """Mean L2 and largest absolute change in grey levels of [N, C, H, W], and the share of pixels that changed."""
    flat = perturbation.reshape(len(perturbation), -1).astype(np.float64) * 255
    return {
        "l2": float(np.sqrt(np.square(flat).sum(1)).mean()),
        "linf": float(np.abs(flat).max(1).mean()),
        "changed": float((np.abs(flat) > 0.5).mean()),
    }


def table(found: Found) -> Table:
    rows = []
    for name in next(iter(found.get("perturbations", "attacks")), {}):
        at = ("perturbations", "attacks", name)
        rows.append(
            [name, found.number(*at, "value"), found.percent(*at, "success"), found.number(*at, "l2"),
             found.number(*at, "linf"), found.percent(*at, "changed")]
        )  # fmt: skip
    return Table(["Attack", "epsilon x 255 or kappa", "success %", "L2, levels", "Linf, levels", "changed %"], rows)


def draw(figure: Figure, found: Found, arrays: Mapping[str, Arrays]) -> None:
    names = list(next(iter(found.get("perturbations", "attacks")), {}))
    gallery(figure, arrays["perturbations"]["perturbations"], names)


ITEM = Item(
    "figure3", "Figure 3: perturbations of three attacks against one victim", cells, table, draw,
    choices=("The paper shows ImageNet, gives no figures and does not say at which strength.",),
)  # fmt: skip
