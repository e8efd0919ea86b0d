"""Figure 2: t-SNE of the logits of the 15-label classifier on the test examples (the paper's is on ImageNet)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from training.experiments.cells import subset
from training.experiments.draw import COLOURS
from training.experiments.item import Found, Item, Table
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import evenly, narrow
from training.experiments.table2 import ITEM as TABLE2
from training.experiments.table3 import ITEM as TABLE3

MOST = 2000
"""Points at scale 1 and below; more are a blot."""
MARKERS = "osD^v<>Px*"


def cells(study: Study, seed: int) -> list[Cell]:
    """The classifier of Table 2, or of Table 3, then its logits on the plane."""
    (classifier,) = (TABLE3 if study.photographs else TABLE2).cells(study, seed)

    def compute(_: Path) -> Result:
        arrays = study.arrays(classifier)
        rows = evenly(len(arrays["logits"]), MOST)
        logits = arrays["logits"][rows].astype(np.float64)
        attack, victim = arrays["true_attack"][rows], arrays["true_victim"][rows]
        perplexity = min(30.0, (len(rows) - 1) / 3)
        plane = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(logits)
        scenario = narrow(study.scenario, subset(study))
        figures = {
            "points": len(rows),
            "silhouette": {
                "attacks": _silhouette(logits, attack),
                "victims within an attack": {
                    name: _silhouette(logits[attack == index], victim[attack == index])
                    for index, name in enumerate(scenario.attack_names)
                },
            },
            "attacks": scenario.attack_names,
            "victims": scenario.victim_names,
        }
        return Result(figures, {"plane": plane.astype(np.float32), "attack": attack, "victim": victim})

    return [classifier, Cell("t-SNE", "t-sne", {**classifier.settings, "of": classifier.key}, compute)]


def _silhouette(points: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """How apart the groups are in the logits, from -1 to 1; None where there is nothing to tell apart."""
    groups = len(set(labels.tolist()))
    return float(silhouette_score(points, labels)) if 2 <= groups < len(points) else None


def table(found: Found) -> Table:
    names = [str(name) for name in next(iter(found.get("t-SNE", "attacks")), [])]
    rows = [["attacks", found.number("t-SNE", "silhouette", "attacks")]]
    within = ("t-SNE", "silhouette", "victims within an attack")
    rows += [[f"victims under {name}", found.number(*within, name)] for name in names]
    return Table(["Groups of logits", "silhouette (1: apart, 0: mixed)"], rows)


def draw(figure: Figure, found: Found, arrays: Mapping[str, Any]) -> None:
    at = figure.subplots()
    own: Arrays | None = arrays.get("t-SNE")
    if own is None:
        return
    attacks, victims = found.get("t-SNE", "attacks")[0], found.get("t-SNE", "victims")[0]
    for a, attack in enumerate(attacks):
        for v, victim in enumerate(victims):
            rows = (own["attack"] == a) & (own["victim"] == v)
            x, y = own["plane"][rows].T
            label = f"{attack} + {victim}"
            at.scatter(x, y, s=8, marker=MARKERS[a % len(MARKERS)], color=COLOURS[v % len(COLOURS)], label=label)
    at.set_axis_off()
    figure.legend(loc="outside right upper", fontsize=6)


ITEM = Item(
    "figure2", "Figure 2: t-SNE of the 15-label classifier's logits on test examples", cells, table, draw,
    choices=("ResNet50 for digits here; the paper shows ImageNet and ResNet101, and gives no figures.",),
)  # fmt: skip
