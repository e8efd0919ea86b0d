"""The plots of a report, drawn by matplotlib without any window system.

Imports matplotlib, which takes a while: only reports import this module.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator

from core.manifest import AttackLabel, Manifest
from core.report.summary import Summary

WIDTH = 6.5
"""Inches of a plot's width."""

BLUE, ORANGE = "#2463b4", "#c25e00"  # told apart in grey and by colour-blind eyes


@dataclass(frozen=True, slots=True)
class Plot:
    """title: what it shows. height: inches at a width of WIDTH. draw: puts it into a figure or a part of one."""

    title: str
    height: float
    draw: Callable[[FigureBase], None]


def plots(summary: Summary, manifest: Manifest) -> list[Plot]:
    """The plots in the order they are shown; none where nothing was attributed."""
    if not summary.attributed:
        return []
    cells = Plot(
        "Files by attack and victim", 1.2 + 0.45 * len(manifest.attacks), lambda f: _cells(f, summary, manifest)
    )
    shown = [attack for attack in manifest.attacks if summary.values.get(attack.name)]
    values = Plot(
        "Estimated hyperparameters by attack", 2.2 * -(-len(shown) // 2), lambda f: _hyperparameters(f, summary, shown)
    )
    doubt = Plot(
        "Doubt: probability of the named label, and size of the candidate set", 2.6, lambda f: _doubt(f, summary)
    )
    return [cells, values, doubt] if shown else [cells, doubt]


def svg_uri(plot: Plot) -> str:
    """An SVG data URI, text as outlines so that it looks the same everywhere."""
    buffer = io.BytesIO()
    with mpl.rc_context({"font.family": ["DejaVu Sans"], "svg.fonttype": "path", "svg.hashsalt": "mtaa"}):
        figure = Figure(figsize=(WIDTH, plot.height), layout="constrained")
        plot.draw(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def drawable(text: str) -> str:
    """Characters that the font lacks, and those that steer, spelled out: \\u6570 is better than an empty box."""
    have = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(
        c if c.isprintable() and ord(c) in have else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


def _cells(figure: FigureBase, summary: Summary, manifest: Manifest) -> None:
    attacks, victims = [a.name for a in manifest.attacks], [v.name for v in manifest.victims]
    counts = np.array([[summary.cells[attack, victim] for victim in victims] for attack in attacks])
    axes = figure.subplots()
    axes.imshow(np.sqrt(counts), cmap="Blues", vmin=0, aspect="auto")  # the root keeps rare cells visible
    axes.set_xticks(range(len(victims)), [drawable(name) for name in victims], parse_math=False)
    axes.set_yticks(range(len(attacks)), [drawable(name) for name in attacks], parse_math=False)
    axes.set(xlabel="Victim", ylabel="Attack")
    dark = counts.max() / 2  # seven tenths of the colour range under the root
    for row, column in np.ndindex(*counts.shape):
        number = int(counts[row, column])
        axes.text(column, row, f"{number:,}", ha="center", va="center", color="white" if number > dark else "black")


def _hyperparameters(figure: FigureBase, summary: Summary, shown: list[AttackLabel]) -> None:
    grid: list[Axes] = [*figure.subplots(-(-len(shown) // 2), 2, squeeze=False).flat]
    for axes, attack in zip(grid, shown, strict=False):
        values = summary.values[attack.name]
        axes.hist(values, bins=20, range=(attack.minimum, max(attack.maximum, attack.minimum + 1e-9)), color=BLUE)
        axes.set_title(drawable(f"{attack.name} ({len(values):,})"), fontsize="medium", parse_math=False)
        axes.set_xlabel(drawable(f"{attack.hyperparameter} ({attack.unit})"), parse_math=False)
        axes.set_ylabel("Files")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    for axes in grid[len(shown) :]:
        axes.set_axis_off()


def _doubt(figure: FigureBase, summary: Summary) -> None:
    left, right = figure.subplots(1, 2)
    tasks = (
        ("attack", BLUE, "solid", summary.attack_probabilities, summary.attack_sets),
        ("victim", ORANGE, "dashed", summary.victim_probabilities, summary.victim_sets),
    )
    sizes = range(1, max([*summary.attack_sets, *summary.victim_sets]) + 1)
    for at, (name, colour, line, probabilities, sets) in enumerate(tasks):
        left.hist(probabilities, bins=20, range=(0, 1), histtype="step", color=colour, linestyle=line, label=name)
        right.bar([s + 0.4 * (at - 0.5) for s in sizes], [sets[s] for s in sizes], 0.4, color=colour, label=name)
    left.set(xlabel="Probability of the named label", ylabel="Files")
    left.legend(loc="upper left", frameon=False)
    right.set(xlabel="Labels in the candidate set", ylabel="Files")
    right.set_xticks(list(sizes))
    right.legend(frameon=False)
