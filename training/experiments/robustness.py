"""The pack under test on images that were saved as JPEG, resized, cropped or made noisy: right, or flagged?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from core.pictures import Pixels, plus, resized, through_jpeg
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.judge import (
    NOBODY,
    Truth,
    Verdicts,
    attributor_of,
    counted,
    held_by,
    judge,
    pack_truth,
)
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import evenly, unit
from training.lasting import StillFools
from training.metrics import share_of

IMAGES = 6000
"""Test examples at scale 1, evenly taken."""


_AT_ONCE = 128

Change = Callable[[Pixels, np.random.Generator], Pixels]
"""The generator is the same for an adversarial image and its clean one."""


def jpeg(quality: int) -> Change:
    return lambda image, _: through_jpeg(image, quality)


def noise(level: float) -> Change:
    """Gaussian, of every pixel's own; level: its standard deviation in grey levels."""
    return lambda image, rng: plus(image, rng.normal(0, level, image.shape))


def there_and_back(image: Pixels, _: np.random.Generator) -> Pixels:
    """Twice as large and back, both with Pillow's bicubic filter, rounded to 8 bits in between and after."""
    height, width = image.shape[1:]
    return resized(resized(image, 2 * height, 2 * width), height, width)


def cropped(image: Pixels, _: np.random.Generator) -> Pixels:
    """Seven eighths of both sides, off the centre and off any grid of the image."""
    height, width = (round(side * 7 / 8) for side in image.shape[1:])
    top, left = ((side - kept) // 11 + 1 for side, kept in zip(image.shape[1:], (height, width), strict=True))
    return image[:, top : top + height, left : left + width]


def screenshot(image: Pixels, _: np.random.Generator) -> Pixels:
    """As a viewer at 125 % shows it: enlarged with a triangle filter and rounded to 8 bits."""
    height, width = (round(side * 5 / 4) for side in image.shape[1:])
    return resized(image, height, width, Image.Resampling.BILINEAR)


def darker(image: Pixels, _: np.random.Generator) -> Pixels:
    """Every level times 0.9, rounded."""
    return (image * 0.9).round().astype(np.uint8)


CHANGES: dict[str, Change] = {
    "as it was": lambda image, _: image,
    "JPEG 95": jpeg(95),
    "JPEG 90": jpeg(90),
    "JPEG 75": jpeg(75),
    "resized to twice the size and back": there_and_back,
    "cropped to seven eighths": cropped,
    "screenshot at 125 %": screenshot,
    "darker by a tenth": darker,
    "noise of 5 levels": noise(5),
    "noise of 20 levels": noise(20),
}


def _generator(row: int) -> np.random.Generator:
    return np.random.default_rng(int(row))


def lasting(
    study: Study, verdicts: Verdicts, truth: Truth, rows: NDArray[np.int64], change: Change
) -> dict[str, float | None]:
    """How many attacks outlast a change, how often those are named, or missed without a warning, and clean images.

    Of those that do also how probable the named victim is told to be, how often the 90% sets hold attack and victim,
    and how many victims are in a set.

    rows: of the test examples that were judged. An attack lasts if its victim, which is shown images at their own size,
    sees something else in the image than in its clean one after the same change.
    """
    test, size = study.examples("test"), study.examples("test").clean.shape[-2:]
    fools = StillFools.of(study.scenario, study.victims, study.device)

    def lasting_at(some: NDArray[np.int64]) -> NDArray[np.bool_]:
        pairs = [
            [resized(change(images[row], _generator(row)), *size) for images in (test.adversarial, test.clean)]
            for row in some
        ]
        victim = torch.from_numpy(test.victim[some])
        found: NDArray[np.bool_] = fools(torch.from_numpy(np.asarray(pairs)), victim).numpy()
        return found

    lasts = np.concatenate([lasting_at(some) for some in np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE))])
    attacked = test.entry[rows] >= 0
    outlast, every = lasts & attacked, np.arange(len(rows))
    held = verdicts.attack_set[every, truth.attack], verdicts.victim_set[every, truth.victim]
    right = {"attack": verdicts.attack == truth.attack, "victim": verdicts.victim == truth.victim}
    both = right["attack"] & right["victim"]
    return {
        "lasting": share_of(lasts[attacked]),
        **{f"{task}_where_lasting": share_of(named[outlast]) for task, named in right.items()},
        "silent_where_lasting": share_of((~both & verdicts.familiar)[outlast]),
        "told_where_lasting": float(verdicts.confidence[outlast, 1].mean()) if outlast.any() else None,
        **{f"{task}_held_where_lasting": share_of(own[outlast]) for task, own in zip(right, held, strict=True)},
        "victims_where_lasting": float(verdicts.victim_set[outlast].sum(1).mean()) if outlast.any() else None,
        "clean": share_of(both[~attacked]),
    }


_ASKED = ", victims asked"
"""At the end of a cell's name."""


def cells(study: Study, seed: int) -> list[Cell]:
    held = held_by(study)

    names = [one.name for one in held]
    judges = all((study.victims / spec.saved_as).is_file() for spec in study.scenario.victims)

    def cell(name: str, change: Change, *, asked: bool) -> Cell:
        def compute(_: Path) -> Result:
            images, truth, known = pack_truth(study)
            rows = evenly(len(images), study.images(IMAGES))
            before: Pixels = (images[rows] * 255).round().astype(np.uint8)
            drawn = map(_generator, known[rows])
            after = unit(np.stack([change(*one) for one in zip(before, drawn, strict=True)]))
            verdicts = judge(attributor_of(study, held if asked else ()), after, study.tell)
            own = truth.at(rows)
            figures = counted(verdicts, own, study.pack.manifest) | ({"asked": names} if asked else {})
            if judges:
                figures |= lasting(study, verdicts, own, known[rows], change)
            arrays = verdicts.arrays() | {
                "true_attack": own.attack, "true_victim": own.victim, "true_hyperparameter": own.value,
            }  # fmt: skip
            return Result(figures, arrays)

        settings = {
            "pack": study.pack.manifest.pack_id, "data": study.fingerprint, "images": study.images(IMAGES),
            "change": name, "judges": judges, "figures": 2,
        }  # fmt: skip
        if not asked:
            return Cell(name, "robustness", settings, compute)
        return Cell(f"{name}{_ASKED}", "robustness", settings | {"asked": names}, compute, "" if held else NOBODY)

    return [cell(name, change, asked=asked) for asked in (False, True) for name, change in CHANGES.items()]


_LASTING = {
    "lasting": "still fools its victim %",
    "attack_where_lasting": "attack % of these",
    "victim_where_lasting": "victim % of these",
    "silent_where_lasting": "wrong, not flagged % of these",
    "told_where_lasting": "victim's probability told %",
    "attack_held_where_lasting": "attack in its 90% set %",
    "victim_held_where_lasting": "victim in its 90% set %",
    "clean": "clean %",
}


def _ways(found: Found) -> list[str]:
    """Ends of the names of the cells that there are."""
    return [way for way in ("", _ASKED) if not way or any(found.get(f"{change}{way}") for change in CHANGES)]


def table(found: Found) -> Table:
    def share(name: str, key: str, show: Callable[..., str] = found.percent) -> str:
        return show(name, key) if found.get(name, key) or not found.get(name) else "-"

    rows = [
        [
            name, share(name, "attack"), share(name, "victim"), found.number(name, "hyperparameter"),
            found.number(name, "wrong", digits=0),
            *(share(name, f"unfamiliar{where}") for where in ("", "_where_wrong", "_where_right")),
            *(share(name, key) for key in _LASTING), share(name, "victims_where_lasting", found.number),
        ]
        for change in CHANGES for name in (f"{change}{way}" for way in _ways(found))
    ]  # fmt: skip
    flagged = ["unfamiliar %", "unfamiliar % where wrong", "unfamiliar % where right"]
    lasting_ones = [*_LASTING.values(), "victims in a set"]
    return Table(["Change", "attack %", "victim %", "RMSE", "attack or victim wrong", *flagged, *lasting_ones], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    shown = {"attack": "attack", "victim": "victim", "unfamiliar where wrong": "unfamiliar_where_wrong"}
    bars(
        figure,
        {
            "victims asked" if way else "by the image": {
                name: {c: found.mean(f"{c}{way}", key) for c in CHANGES} for name, key in shown.items()
            }
            for way in _ways(found)
        },
    )


ITEM = Item(
    "robustness", "After JPEG, resizing, cropping and noise: right, or flagged as unfamiliar", cells, table, draw,
    of_pack=True,
    choices=(
        "RMSE on Table 1's scale.",
        "Wrong is a wrong attack or a wrong victim, an attack that the change undid and that is called clean included.",
        "An image still fools its victim if that sees something else in it than in its clean one after that change.",
        "Asked are those of the pack's victims whose files are in DIR/victims.",
        "What a pack knows of changes it learned from training examples: JPEG at qualities 60 to 97, scaling there and "
        "back, enlarged parts, noise, light, colour, sharpening. A screenshot is such an enlargement.",
    ),
)  # fmt: skip
