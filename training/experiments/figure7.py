"""Figure 7: how the three tasks are learnt over the epochs, on training and test examples, by the paper's network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from training.experiments.cells import TASKS, mtaa, paper_network, subset
from training.experiments.draw import curves
from training.experiments.item import Found, Item, Table, rounded
from training.experiments.study import Arrays, Cell, Study

SHARE = 0.99
"""An accuracy this high on test counts as converged."""


def cells(study: Study, seed: int) -> list[Cell]:
    """The network of the last row of Table 13, or of Table 14."""
    return [mtaa(study, seed, paper_network(study), subset(study))]


def series(found: Found, split: str, task: str) -> tuple[list[float], list[float]]:
    """Epochs and the first seed's figures; epochs that a kill left without a test figure are left out."""
    history: list[dict[str, Any]] = next(iter(found.get("mtaa", "history")), [])
    points = [(float(epoch["epoch"]), epoch[split][task]) for epoch in history if epoch[split][task] is not None]
    return [x for x, _ in points], [y for _, y in points]


def first_epoch(found: Found, task: str) -> str:
    """The first epoch, by seed, at which the accuracy on test reaches SHARE of its best."""
    epochs = []
    for history in found.get("mtaa", "history"):
        points = [(epoch["epoch"], epoch["test"][task]) for epoch in history if epoch["test"][task] is not None]
        best = max((value for _, value in points), default=0.0)
        epochs += [next(at for at, value in points if value >= SHARE * best)] if points else []
    return rounded(epochs, 1)


def table(found: Found) -> Table:
    rows = []
    for task in TASKS:
        last = [f"{ys[-1]:.4f}" if (ys := series(found, split, task)[1]) else "" for split in ("train", "test")]
        reached = first_epoch(found, task) if task != "hyperparameter" else ""
        rows.append(["RMSE of the hyperparameter" if task == "hyperparameter" else f"{task} accuracy", *last, reached])
    return Table(["Figure (first seed)", "last epoch, train", "last epoch, test", "epoch of 99 % of the best"], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    curves(figure, {t: {s: series(found, s, t) for s in ("train", "test")} for t in TASKS}, "epoch")


ITEM = Item(
    "figure7", "Figure 7: the training of MTAA over the epochs", cells, table, draw,
    {"trend": "attack converges before victim and hyperparameter (Section 4.2, on Figure 7: ImageNet)"},
    ("ResNet50 for digits here; the paper shows ImageNet and ResNet101.",),
)  # fmt: skip
