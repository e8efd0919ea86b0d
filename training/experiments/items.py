"""Every item by name, in the paper's order and then beyond it."""

from __future__ import annotations

from core.errors import WorkbenchError
from training.experiments import (
    coverage,
    default_model,
    evidence,
    figure2,
    figure3,
    figure4,
    figure6,
    figure7,
    fits,
    float_images,
    growth,
    heatmaps,
    learning_curve,
    retrained,
    robustness,
    sources,
    table2,
    table3,
    table4,
    table5,
    table7,
    table8,
    table9,
    table10,
    table11,
    table12,
    table13,
    table14,
    together,
    toolboxes,
    unseen,
)
from training.experiments.item import Item

ITEMS: dict[str, Item] = {
    module.ITEM.name: module.ITEM
    for module in (
        table2, table3, table4, table5, table7, table8, table9, table10, table11, table12, table13, table14,
        figure2, figure3, figure4, figure6, figure7,
        default_model, learning_curve, growth, toolboxes, retrained, robustness, sources, fits, unseen, coverage,
        evidence, together, heatmaps, float_images,
    )
}  # fmt: skip


def find_item(name: str) -> Item:
    """The item of that name. Raises WorkbenchError with all names."""
    if name not in ITEMS:
        raise WorkbenchError(f"There is nothing called {name!r} to reproduce.", f"Use one of {', '.join(ITEMS)}.")
    return ITEMS[name]
