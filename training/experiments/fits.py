"""Photographs larger than the pack's images, attacked at their own size: which way of fitting them loses least?

The study's folder of clean images is a folder of such photographs here. What is judged in tiles is put to the
victims as well, which then see it as they were attacked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from core.errors import DataError
from core.files import file_sha256
from core.folders import find_images
from core.imageio import load_image
from core.labels import CLEAN
from core.manifest import Fit
from core.pictures import to_picture, to_pixels
from core.types import FloatArray
from core.victim_store import Held
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.judge import Truth, attributor_of, check_victims, counted, held_by, judge
from training.experiments.perturbations import attack_digits, load, middle
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import evenly, unit
from training.scenario import VictimSpec

IMAGES = 100
"""Photographs at scale 1, evenly taken."""

LONGEST = 640
"""Pixels of a photograph's longer side; a larger one is reduced to it before it is attacked."""

Figures = dict[str, Any]

FITS: tuple[Fit, ...] = get_args(Fit)
ASKED = "tiles, victims asked"
"""Beside the ways of fitting by the image alone."""


def cells(study: Study, seed: int) -> list[Cell]:
    check_victims(study)
    if study.source is None:
        raise DataError("There are no photographs to attack.", "Name their folder with --data.")
    photographs = [[path.name, file_sha256(path)] for path in find_images([study.source])]
    asked = [one.name for one in held_by(study)]

    def cell(name: str, compute: Callable[[], Figures]) -> Cell:
        settings = {
            "pack": study.pack.manifest.pack_id, "seed": seed, "photographs": photographs,
            "data": study.fingerprint, "images": study.images(IMAGES), "cell": name, "asked": asked,
        }  # fmt: skip
        return Cell(name, "fits", settings, lambda _: Result(compute()))

    clean = [cell(CLEAN, lambda: _judged(study, larger_photographs(study), CLEAN, CLEAN, 0.0))]
    return [
        *(clean if study.pack.manifest.clean else []),
        *(cell(spec.label, lambda spec=spec: _attacked(study, spec, seed)) for spec in study.scenario.victims),  # type: ignore[misc]
    ]


def larger_photographs(study: Study) -> list[FloatArray]:
    """8-bit photographs [C, h, w] in [0, 1] of the folder that exceed the pack's height and width.

    Raises DataError where there are none, and ImageError for a file that is no image.
    """
    spec, found = study.pack.manifest.image, []
    assert study.source is not None
    for path in find_images([study.source]):
        pixels = (load_image(path).pixels * 255).round().astype(np.uint8)
        picture = to_picture(pixels).convert("RGB" if spec.channels == 3 else "L")
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        if picture.height > spec.height and picture.width > spec.width:
            found.append(unit(to_pixels(picture)))
    if not found:
        raise DataError(f"{study.source} has no photograph larger than {spec.size} pixels.", "Name another folder.")
    rows = evenly(len(found), study.images(IMAGES))
    return [found[row] for row in rows]


def _attacked(study: Study, spec: VictimSpec, seed: int) -> Figures:
    """Every attack of the scenario at the middle of its grid, against the class that the victim sees."""
    victim, figures = load(study, spec), {}
    taught = {label.name for label in study.pack.manifest.attacks}
    for entry in (attack for attack in study.scenario.attacks if attack.name in taught):
        images = []
        for photograph in larger_photographs(study):
            with torch.inference_mode():
                label = victim(torch.from_numpy(photograph)[None].to(study.device)).argmax(1).cpu().numpy()
            made = attack_digits(study, victim, entry, photograph[None], label, np.full(1, middle(entry)), seed=seed)
            if made.success[0]:
                images.append(made.adversarial[0])
        figures[entry.key] = _judged(study, images, entry.name, spec.label, middle(entry))
    return figures


def _judged(study: Study, images: list[FloatArray], attack: str, victim: str, value: float) -> Figures:
    """Counts for each way of fitting."""
    manifest, count = study.pack.manifest, len(images)
    at = [a.name for a in manifest.attacks].index(attack), [v.name for v in manifest.victims].index(victim)
    truth = Truth(np.full(count, at[0]), np.full(count, at[1]), np.full(count, value))
    if not images:
        return {"examples": 0}
    held = held_by(study)
    ways: list[tuple[str, Fit, Sequence[Held]]] = [(fit, fit, ()) for fit in FITS]
    found: Figures = {}
    if held:
        ways.append((ASKED, "tiles", held))
    for way, fit, asked in ways:
        fitting = dataclasses.replace(study.pack, manifest=manifest.fitting(fit))
        verdicts = judge(attributor_of(study, asked, fitting), images, study.tell)
        found[way] = counted(verdicts, truth, manifest)
    return found


def _ways(found: Found) -> list[str]:
    """The ways of judging that were run."""
    asked = any(ASKED in str(figures) for cells_ in found.runs.values() for figures in cells_.values())
    return [*FITS, *([ASKED] if asked else [])]


def _totals(found: Found, fit: str, attack: str | None) -> dict[str, float | None]:
    """Share of the attacked photographs named right, over all victims (and seeds); attack: one, or all together."""
    sums = {"examples": 0.0, "attack": 0.0, "victim": 0.0}
    victims = [figures for cells_ in found.runs.values() for name, figures in cells_.items() if name != CLEAN]
    for made_by, by_fit in (pair for figures in victims for pair in figures.items()):
        counts = by_fit.get(fit) if isinstance(by_fit, Mapping) and attack in (None, made_by) else None
        if counts:
            shares = counts | {"examples": 1}
            sums = {key: total + counts["examples"] * shares[key] for key, total in sums.items()}
    count = sums["examples"]
    return {"examples": count} | {key: sums[key] / count if count else None for key in ("attack", "victim")}


def table(found: Found) -> Table:
    attacks = list(
        dict.fromkeys(
            made_by
            for cells_ in found.runs.values()
            for name, figures in cells_.items() if name != CLEAN
            for made_by, value in figures.items() if isinstance(value, Mapping)
        )
    )  # fmt: skip
    rows = []
    for fit in _ways(found):
        for attack in (None, *attacks):
            total = _totals(found, fit, attack)
            shares = ["-" if (v := total[key]) is None else f"{100 * v:.2f}" for key in ("attack", "victim")]
            rows.append([f"{fit}: {attack or 'all attacks'}", f"{total['examples']:.0f}", *shares])
        clean = found.percent(CLEAN, fit, "attack")
        rows.append([f"{fit}: {CLEAN}", found.number(CLEAN, fit, "examples", digits=0), clean, clean])
    return Table(["Fit", "photographs", "attack %", "victim %"], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    shares: dict[str, dict[str, float | None]] = {
        name: {fit: _totals(found, fit, None)[name] for fit in _ways(found)} for name in ("attack", "victim")
    }
    shares["clean called clean"] = {fit: found.mean(CLEAN, fit, "attack") for fit in _ways(found)}
    bars(figure, {"named right": shares})


ITEM = Item(
    "fits", "Larger photographs, attacked at their own size: in tiles, cropped, or resized", cells, table, draw,
    of_pack=True,
    choices=(
        f"Photographs whose longer side exceeds {LONGEST} pixels are reduced to that before they are attacked.",
        "Each attack at the middle of its grid, against the class that the victim sees; 8-bit images that fool it.",
        "By the image alone, unless it says that victims were asked: those whose files are in DIR/victims.",
    ),
)  # fmt: skip
