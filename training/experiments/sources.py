"""Clean images of another source than the pack's, without and beside known clean ones of that source.

Every image is changed before it is attacked, as another camera, scanner or program would have made it. Some clean ones
are known to be clean, the others and those that were attacked are judged, by the pack alone and beside the known ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.attributor import Attributor
from core.labels import CLEAN
from core.pictures import Pixels, plus, sharpened, through_jpeg
from core.reference import beside, reference_of
from core.types import Attribution, FloatArray
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.judge import NOBODY, answers, attributor_of, held_by, taught_victims
from training.experiments.perturbations import attack_digits, load
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import Subset, evenly, narrow, unit
from training.metrics import share_of

IMAGES = 800
"""Clean test images of a source at scale 1, half of them known, and so many attacked over all attacks and victims."""

COUNTS = (20, 100)
"""Of known clean images, beside all there are."""

_DRAWS = 20
"""Of the known ones, where not all are taken."""

Source = Callable[[Pixels, np.random.Generator], Pixels]

SOURCES: dict[str, Source] = {
    "as the pack's own": lambda image, _: image,
    "noise of 2 levels": lambda image, rng: plus(image, rng.normal(0, 2, image.shape)),
    "noise of 5 levels": lambda image, rng: plus(image, rng.normal(0, 5, image.shape)),
    "sharpened": lambda image, _: sharpened(image, 1.0, 150),
    "JPEG 75": lambda image, _: through_jpeg(image, 75),
}

_ASKED = ", victims asked"
"""At the end of a cell's name."""


def cells(study: Study, seed: int) -> list[Cell]:
    victims = taught_victims(study)
    held = held_by(study)

    @cache
    def made(name: str) -> tuple[FloatArray, list[tuple[FloatArray, str]]]:
        images = _of_source(study, SOURCES[name])
        return images, _attacked(study, images, seed)

    def cell(name: str, *, asked: bool) -> Cell:
        def compute(_: Path) -> Result:
            return Result(_told(attributor_of(study, held if asked else ()), *made(name), study))

        settings = {
            "pack": study.pack.manifest.pack_id, "clean": study.clean.digest, "victims": victims, "source": name,
            "images": study.images(IMAGES), "seed": seed, "asked": [one.name for one in held] if asked else [],
        }  # fmt: skip
        absent = NOBODY if asked and not held else ""
        return Cell(f"{name}{_ASKED if asked else ''}", "sources", settings, compute, absent)

    return [cell(name, asked=asked) for name in SOURCES for asked in (False, True)]


def _of_source(study: Study, source: Source) -> FloatArray:
    """Clean test images as that source has them, float32 [N, C, H, W] in [0, 1]."""
    rows = study.clean.rows("test")
    rows = rows[evenly(len(rows), study.images(IMAGES))]
    made = [source(study.clean.images[row], np.random.default_rng(int(row))) for row in rows]
    return unit(np.stack(made))


def _known(count: int) -> NDArray[np.bool_]:
    """Which of so many clean images are known: every other one."""
    known: NDArray[np.bool_] = np.arange(count) % 2 == 0
    return known


def _attacked(study: Study, images: FloatArray, seed: int) -> list[tuple[FloatArray, str]]:
    """Of the unknown ones, evenly over attacks and victims, with the attack; 8-bit images that fool their victim."""
    taught = {label.name for label in study.pack.manifest.attacks}
    specs = [spec for spec in narrow(study.scenario, Subset(1)).attacks if spec.name in taught]
    pairs = [(spec, victim) for victim in study.scenario.victims for spec in specs]
    unknown = images[~_known(len(images))]
    each = max(1, round(study.images(IMAGES) / len(pairs)))
    found: list[tuple[FloatArray, str]] = []
    for at, (spec, own) in enumerate(pairs):
        victim = load(study, own)
        rng = np.random.default_rng((seed, at))
        chosen = unknown[np.sort(rng.permutation(len(unknown))[:each])]
        with torch.no_grad():
            label = victim(torch.from_numpy(chosen).to(study.device)).argmax(1).cpu().numpy()
        values = rng.choice(np.asarray(spec.grid.values), len(chosen))
        made = attack_digits(study, victim, spec, chosen, label, values, seed=seed)
        found += [(image, spec.name) for image in made.adversarial[made.success]]
    return found


def _told(
    attributor: Attributor, images: FloatArray, attacked: Sequence[tuple[FloatArray, str]], study: Study
) -> dict[str, Any]:
    """Shares of the unknown clean ones and of the attacked ones, by the pack alone and beside so many known ones."""
    own = list(answers(attributor, images, study.tell))
    known, unknown = (
        [one for one, is_known in zip(own, _known(len(own)), strict=True) if is_known == k] for k in (1, 0)
    )
    against = list(answers(attributor, [image for image, _ in attacked], study.tell))
    attacks = [attack for _, attack in attacked]
    figures: dict[str, Any] = {"clean": len(unknown), "attacked": len(against), "known": len(known)}
    figures["0"] = _shares(unknown, against, attacks)
    for count in sorted({min(count, len(known)) for count in (*COUNTS, len(known))}):
        draws = []
        for draw in range(_DRAWS if count < len(known) else 1):
            some = np.random.default_rng((draw, count)).permutation(len(known))[:count]
            reference = reference_of(known[at] for at in some)
            clean, hit = (
                [beside(one, attributor.manifest, reference) for one in group] for group in (unknown, against)
            )
            draws.append(_shares(clean, hit, attacks))
        figures[str(count)] = {key: float(np.mean([one[key] for one in draws])) for key in draws[0]}
    return figures


def _shares(clean: Sequence[Attribution], attacked: Sequence[Attribution], attacks: Sequence[str]) -> dict[str, float]:
    """told_5: share of those that at most 5 % of clean images look as attacked as."""
    right = [one.attack.label == attack for one, attack in zip(attacked, attacks, strict=True)]
    told = [
        np.asarray([one.false_alarm is not None and one.false_alarm <= 0.05 for one in group])
        for group in (clean, attacked)
    ]
    named = np.asarray([one.attack.label == CLEAN for one in clean])
    return {
        "called_clean": share_of(named) or 0.0, "clean_told_5": share_of(told[0]) or 0.0,
        "attack": share_of(np.asarray(right)) or 0.0, "attacked_told_5": share_of(told[1]) or 0.0,
    }  # fmt: skip


_SHARES = {
    "called_clean": "clean called clean %",
    "attack": "attack named %",
    "clean_told_5": "clean told to look as 5 % do %",
    "attacked_told_5": "attacked told to look as 5 % do %",
}


def _numbers(found: Found, name: str) -> list[str]:
    """Of known clean images, as they were counted: "0" is the pack alone."""
    figures: list[Mapping[str, Any]] = found.get(name)
    return [key for key in figures[0] if key.isdigit()] if figures else ["0"]


def table(found: Found) -> Table:
    rows = []
    for name in (f"{source}{way}" for way in ("", _ASKED) for source in SOURCES):
        for count in _numbers(found, name):
            sizes = [found.number(name, of, digits=0) for of in ("clean", "attacked")]
            rows.append([name, count, *sizes, *(found.percent(name, count, key) for key in _SHARES)])
    return Table(["Source", "known clean images", "clean", "attacked", *_SHARES.values()], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    """Who is told to look as 5 % of clean images do, of the clean ones and of the attacked ones."""

    def shares(way: str) -> dict[str, dict[str, float | None]]:
        names = {source: f"{source}{way}" for source in SOURCES}
        return {
            f"{which}, {by}": {
                source: found.mean(name, _numbers(found, name)[at], f"{which}_told_5") for source, name in names.items()
            }
            for which in ("clean", "attacked") for by, at in (("the pack alone", 0), ("beside all known", -1))
        }  # fmt: skip

    bars(figure, {way.strip(", ") or "by the image": shares(way) for way in ("", _ASKED)})


ITEM = Item(
    "sources", "Clean images of another source, by the pack alone and beside known clean ones of that source", cells,
    table, draw, of_pack=True, examples=False,
    choices=(
        "Every image is changed before it is attacked; each attack at values drawn from its grid, against the class "
        "that the victim sees.",
        "Half of the clean images are known; where fewer are taken, the mean over 20 draws.",
        "What is named is the same beside known clean images.",
        "Told to look as 5 % do: at most one in twenty clean images, of the pack's calibration or of the known ones, "
        "looks at least as attacked. Of fewer than 19 known ones that cannot be told.",
        "Asked are those of the pack's victims whose files are in DIR/victims.",
    ),
)  # fmt: skip
