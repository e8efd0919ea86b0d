"""Several images of one maker judged together, by how many: named right, and as sure as told? Two makers told apart?

A maker is one cell: an attack, a victim and a value. Its images are the pack's test examples, drawn as they come: some
are called clean or unfamiliar, and say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.together import FEWEST, Maker, Together, Word, together, word_of
from core.victim_store import Held
from training.experiments.draw import curves
from training.experiments.item import Found, Item, Table
from training.experiments.judge import NOBODY, Truth, answers, attributor_of, held_by, pack_truth
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import evenly
from training.metrics import expected_calibration_error, share_of, table1_factor

IMAGES = 6000
"""Test examples at scale 1, of whole cells evenly taken."""
SIZES = (1, 2, 3, 5, 10)
DRAWS = 20
"""Groups of each size of each maker; as many of two makers."""
ALONE, ASKED = "by the image", "victims asked"

Rows = list[int]


def cells(study: Study, seed: int) -> list[Cell]:
    manifest, held = study.pack.manifest, held_by(study)

    def cell(name: str, asked: Sequence[Held], absent: str = "") -> Cell:
        settings = {
            "pack": manifest.pack_id, "data": study.fingerprint, "seed": seed, "images": study.images(IMAGES),
            "asked": [one.name for one in asked],
        }  # fmt: skip
        return Cell(name, "together", settings, lambda _: Result(_measured(study, seed, asked)), absent)

    return [cell(ALONE, ()), cell(ASKED, held, "" if held else NOBODY)]


def _measured(study: Study, seed: int, held: Sequence[Held]) -> dict[str, Any]:
    images, truth, rows = pack_truth(study)
    makers = _makers(study, truth, study.examples("test").entry[rows])
    judged = np.concatenate(makers)
    found = answers(attributor_of(study, held), images[judged], study.tell)
    words = {int(row): word_of(answer) for row, answer in zip(judged, found, strict=True)}
    rng = np.random.default_rng(seed)
    return {
        "images": len(judged), "makers": len(makers),
        "of": {str(size): _of_size(study, size, makers, words, truth, rng) for size in SIZES},
    }  # fmt: skip


def _makers(study: Study, truth: Truth, entry: NDArray[np.int64]) -> list[Rows]:
    """The rows of each of the chosen cells that has more than one example."""
    cells_: dict[tuple[int, int, float], Rows] = {}
    for row in np.flatnonzero(entry >= 0).tolist():  # attacked
        cells_.setdefault((int(entry[row]), int(truth.victim[row]), float(truth.value[row])), []).append(row)
    several = [rows for rows in cells_.values() if len(rows) >= FEWEST]
    most = max(1, round(study.images(IMAGES) / np.mean([len(rows) for rows in several])))
    return [several[at] for at in evenly(len(several), most)]


def _of_size(
    study: Study, size: int, makers: list[Rows], words: Mapping[int, Word | None], truth: Truth,
    rng: np.random.Generator,
) -> dict[str, Any]:  # fmt: skip
    """Figures over groups of so many images of one maker, and of as many of two."""
    verdicts: list[Together | None] = []
    whose: Rows = []
    apart: list[bool] = []
    large = [rows for rows in makers if len(rows) >= size]
    for rows, _ in product(large, range(DRAWS)):
        drawn = rng.choice(rows, size, replace=False)
        verdicts.append(_said(words, drawn))
        whose.append(rows[0])
        other, half = large[rng.integers(len(large))], size // 2
        if half and (truth.attack[other[0]], truth.victim[other[0]]) != (truth.attack[rows[0]], truth.victim[rows[0]]):
            mixed = _said(words, [*drawn[half:], *rng.choice(other, half, replace=False)])
            apart += [] if mixed is None else [len(mixed.makers) > 1]
    spoke = [(verdict, row) for verdict, row in zip(verdicts, whose, strict=True) if verdict is not None]
    told, at = [verdict for verdict, _ in spoke], np.asarray([row for _, row in spoke], dtype=int)
    counts = {"groups": len(verdicts), "silent": len(verdicts) - len(told)}
    return counts | (_figures(study, told, truth.at(at)) if told else {}) | {
        "two_makers": len(apart), "apart": share_of(np.asarray(apart)),
    }  # fmt: skip


def _said(words: Mapping[int, Word | None], rows: Iterable[int]) -> Together | None:
    """What these images say together; one image says what it says alone."""
    spoken = [word for row in rows if (word := words[int(row)]) is not None]
    if len(spoken) != 1:
        return together(spoken)
    own = spoken[0].answer
    return Together(1, (Maker(1, own.attack.ranking[0], own.victim.ranking[0], own.hyperparameter),))


def _figures(study: Study, told: Sequence[Together], truth: Truth) -> dict[str, Any]:
    manifest = study.pack.manifest
    names = {"attack": [a.name for a in manifest.attacks], "victim": [v.name for v in manifest.victims]}
    first = [verdict.makers[0] for verdict in told]
    figures: dict[str, Any] = {}
    for task, true in (("attack", truth.attack), ("victim", truth.victim)):
        labels = [getattr(maker, task) for maker in first]
        right = np.asarray([label.label == names[task][at] for label, at in zip(labels, true, strict=True)])
        confidence = np.asarray([label.probability for label in labels])
        figures |= {task: share_of(right), f"{task}_ece": expected_calibration_error(confidence, right)}
    value = np.asarray([0.0 if m.hyperparameter is None else m.hyperparameter.value for m in first])
    error = (value - truth.value) * table1_factor(manifest.attacks)[truth.attack]
    split = share_of(np.asarray([len(verdict.makers) > 1 for verdict in told]))
    return figures | {"hyperparameter": float(np.sqrt(np.square(error).mean())), "split": split}


def table(found: Found) -> Table:
    rows = []
    for way, size in product((ALONE, ASKED), map(str, SIZES)):
        at = ("of", size)
        counts = [found.number(way, *at, name, digits=0) for name in ("groups", "silent")]
        named = [found.percent(way, *at, name) for name in ("attack", "victim", "attack_ece", "victim_ece")]
        several = ["", ""] if size == "1" else [found.percent(way, *at, name) for name in ("split", "apart")]
        rows.append([way, size, *counts, *named, found.number(way, *at, "hyperparameter"), *several])
    headings = ["Evidence", "images", "groups", "of these silent", "attack %", "victim %", "ECE attack %"]
    return Table([*headings, "ECE victim %", "RMSE", "one maker told as several %", "two makers told apart %"], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    panels: dict[str, Any] = {}
    for task in ("attack", "victim", "hyperparameter"):
        panels[task] = {}
        for way in found.names:
            points = [(size, found.mean(way, "of", str(size), task)) for size in SIZES]
            own = [(size, value) for size, value in points if value is not None]
            panels[task][way] = ([size for size, _ in own], [value for _, value in own])
    curves(figure, panels, "images of one maker")


ITEM = Item(
    "together", "Images of one maker judged together, by how many there are", cells, table, draw, of_pack=True,
    choices=(
        "A maker is an attack, a victim and a value; its images are drawn from the test examples as they come.",
        "Images that are called clean or unfamiliar say nothing; of fewer than two that speak nothing is told.",
        "Named is whoever has most of the images, of one image what it says alone.",
        "RMSE on Table 1's scale, of the median of the values.",
        "Two makers: half of the images each, of another attack or victim, an odd one of the first; told apart where "
        "several makers are told.",
        "Draws of which nothing speaks are counted and left out.",
        "The two constants of core/together.py were chosen on the calibration splits of the shipped packs.",
    ),
)  # fmt: skip
