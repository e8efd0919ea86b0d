"""The plots of a report, drawn by matplotlib without any window system.

Imports matplotlib, which takes a while: only reports import this module.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from core.report.facets import Facet
from core.report.lettering import drawable, families
from core.report.summary import Summary

WIDTH = 6.5
"""Inches of a plot's width."""

Bars = tuple[Facet, list[int]]

_SLANT = 30
"""Degrees by which names below a column are turned: level ones of five victims run into each other."""
_LETTER = 0.045
"""Inches of height that a letter of such a name takes."""
_LONG = 32
"""Letters of a name from which its middle is left out; the counts beside the plots have it whole."""

BLUE, ORANGE = "#2463b4", "#c25e00"  # told apart in grey and by colour-blind eyes


@dataclass(frozen=True, slots=True)
class Plot:
    """title: what it shows. height: inches at a width of WIDTH. draw: puts it into a figure or a part of one."""

    title: str
    height: float
    draw: Callable[[FigureBase], None]


def plots(summary: Summary) -> list[Plot]:
    """The plots in the order they are shown; none where nothing was attributed."""
    if not summary.attributed:
        return []
    rows, names = len(summary.bars["cells"][0].rows), max(map(len, _columns(summary)))
    height = 1.2 + 0.45 * rows + _LETTER * names
    cells = Plot("Files by attack and victim", height, lambda f: _cells(f, summary))
    shown = [summary.bars[key] for key in summary.estimated]
    values = Plot(
        "Estimated hyperparameters by attack", 2.2 * -(-len(shown) // 2), lambda f: _hyperparameters(f, shown)
    )
    doubt = Plot(
        "Doubt: probability of the named label, and size of the candidate set", 2.6, lambda f: _doubt(f, summary)
    )
    return [cells, values, doubt] if shown else [cells, doubt]


def svg_uri(plot: Plot) -> str:
    """An SVG data URI, text as outlines so that it looks the same everywhere."""
    buffer = io.BytesIO()
    with mpl.rc_context({"font.family": families(), "svg.fonttype": "path", "svg.hashsalt": "mtaa"}):
        figure = Figure(figsize=(WIDTH, plot.height), layout="constrained")
        plot.draw(figure)
        # Named here and not by format: a packager sees imports alone, and a frozen program has nothing else.
        FigureCanvasSVG(figure).print_figure(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _cells(figure: FigureBase, summary: Summary) -> None:
    facet, flat = summary.bars["cells"]
    attacks, victims = facet.rows, _columns(summary)
    counts = np.array(flat).reshape(len(attacks), len(victims))
    axes = figure.subplots()
    axes.imshow(np.sqrt(counts), cmap="Blues", vmin=0, aspect="auto")  # the root keeps rare cells visible
    axes.set_xticks(range(len(victims)), victims, parse_math=False, rotation=_SLANT, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(attacks)), [drawable(name) for name in attacks], parse_math=False)
    axes.set(xlabel="Victim", ylabel="Attack")
    dark = counts.max() / 2  # seven tenths of the colour range under the root
    for row, column in np.ndindex(*counts.shape):
        number = int(counts[row, column])
        axes.text(column, row, f"{number:,}", ha="center", va="center", color="white" if number > dark else "black")


def _columns(summary: Summary) -> list[str]:
    """The victims as the plot names them."""
    names = [drawable(name) for name in summary.bars["victim"][0].labels]
    half = _LONG // 2
    return [name if len(name) <= _LONG else f"{name[:half]}…{name[1 - half :]}" for name in names]


def _hyperparameters(figure: FigureBase, shown: Sequence[Bars]) -> None:
    grid: list[Axes] = [*figure.subplots(-(-len(shown) // 2), 2, squeeze=False).flat]
    for axes, (facet, counts) in zip(grid, shown, strict=False):
        assert facet.attack is not None
        axes.stairs(counts, _edges(facet), fill=True, color=BLUE)
        axes.set_title(drawable(f"{facet.attack.name} ({sum(counts):,})"), fontsize="medium", parse_math=False)
        axes.set_xlabel(drawable(f"{facet.attack.hyperparameter} ({facet.attack.unit})"), parse_math=False)
        axes.set_ylabel("Files")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    for axes in grid[len(shown) :]:
        axes.set_axis_off()


def _doubt(figure: FigureBase, summary: Summary) -> None:
    left, right = figure.subplots(1, 2)
    for at, (name, colour, line) in enumerate((("attack", BLUE, "solid"), ("victim", ORANGE, "dashed"))):
        facet, counts = summary.bars[f"{name} probability"]
        left.stairs(counts, _edges(facet), color=colour, linestyle=line, label=name)
        sizes = summary.bars[f"{name} candidates"][1]
        places = [size + 1 + 0.4 * (at - 0.5) for size in range(len(sizes))]
        right.bar(places, sizes, 0.4, color=colour, label=name)
    left.set(xlabel="Probability of the named label", ylabel="Files")
    left.legend(loc="upper left", frameon=False)
    right.set(xlabel="Labels in the candidate set", ylabel="Files")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(frameon=False)


def _edges(facet: Facet) -> NDArray[np.float64]:
    assert facet.ends is not None
    return np.linspace(*facet.ends, len(facet.labels) + 1)
