"""The few pictures that several items share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

COLOURS = ("#2463b4", "#c25e00", "#3a8f4d", "#8a4fa3", "#b03a48", "#6b6b6b")


def bars(figure: Figure, panels: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> None:
    """One panel a figure, grouped bars: {panel: {series: {group: value}}}. What was not run has no bar."""
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for at, (title, series) in zip(axes, panels.items(), strict=True):
        groups = list(dict.fromkeys(group for values in series.values() for group in values))
        width = 0.8 / max(1, len(series))
        for index, (name, values) in enumerate(series.items()):
            heights = [values.get(group) for group in groups]
            places = np.arange(len(groups)) + (index - (len(series) - 1) / 2) * width
            shown = [(x, h) for x, h in zip(places, heights, strict=True) if h is not None]
            at.bar([x for x, _ in shown], [h for _, h in shown], width, label=name, color=COLOURS[index % len(COLOURS)])
        crowded = len(groups) > 3
        at.set_xticks(range(len(groups)), groups, rotation=30 if crowded else 0, ha="right" if crowded else "center")
        at.set_title(title)
    if len(next(iter(panels.values()))) > 1:
        axes[0].legend(fontsize=8)


def heat(figure: Figure, matrix: Sequence[Sequence[float | None]], rows: Sequence[str], columns: Sequence[str]) -> None:
    """A matrix as colours with its numbers in it; empty where there is none."""
    values = np.asarray([[np.nan if v is None else v for v in row] for row in matrix], dtype=float)
    at = figure.subplots()
    at.imshow(values, cmap="Blues", aspect="auto")
    at.set_xticks(range(len(columns)), columns)
    at.set_yticks(range(len(rows)), rows)
    middle = np.nanmean(values) if np.isfinite(values).any() else 0.0
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > middle else "black"
            at.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)


def curves(figure: Figure, panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]], x: str) -> None:
    """One panel a figure of merit with a line a series: {panel: {series: (xs, ys)}}."""
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for at, (title, series) in zip(axes, panels.items(), strict=True):
        for index, (name, (xs, ys)) in enumerate(series.items()):
            at.plot(xs, ys, marker="o", markersize=3, label=name, color=COLOURS[index % len(COLOURS)])
        at.set_title(title)
        at.set_xlabel(x)
    if any(len(series) > 1 for series in panels.values()):
        axes[0].legend(fontsize=8)


def gallery(figure: Figure, perturbations: NDArray[np.float32], columns: Sequence[str]) -> None:
    """Perturbations [rows, columns, C, H, W] in a grid, each stretched to its own largest value, so that a faint one is
    seen. The images that they were made for are not drawn: such pictures are handed on, and data sets' images may not.
    """
    axes = figure.subplots(len(perturbations), len(columns), squeeze=False)
    for row, line in enumerate(perturbations):
        for column, perturbation in enumerate(line):
            at = axes[row][column]
            at.set_axis_off()
            if row == 0:
                at.set_title(columns[column], fontsize=8)
            reach = max(float(np.abs(perturbation).max()), 1e-6)
            at.imshow(perturbation.mean(0), cmap="RdBu_r", vmin=-reach, vmax=reach)
