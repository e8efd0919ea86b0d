"""How like the true perturbation is the pack's estimate: the auto-encoder's own, and what the window draws of it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from core.attributor import Attributor
from core.labels import CLEAN
from core.pack import build_network
from core.pictures import Pixels
from core.progress import ProgressMeter
from core.types import LoadedImage
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.judge import NOBODY, attributor_of, check_victims, held_by
from training.experiments.study import Arrays, Cell, Result, Study
from training.experiments.subset import evenly, unit
from training.likeness import correlation, cosine
from training.metrics import Ints
from training.shards import Examples
from training.trainer import answer

IMAGES = 6000
"""Adversarial test examples at scale 1, evenly taken."""

Estimated = Callable[[Pixels], Tensor]
"""Images uint8 [B, C, H, W] -> estimates of their perturbations, the same shape."""

_CHUNK = 64
_WAYS = {
    "auto-encoder": "auto-encoder, as it is",
    "image": "as drawn, by the image alone",
    "asked": "as drawn, victims asked",
}


def cells(study: Study, seed: int) -> list[Cell]:
    held = held_by(study)

    def cell(way: str) -> Cell:
        def compute(_: Path) -> Result:
            check_victims(study)
            test = study.examples("test")
            rows = np.flatnonzero(test.attack != _clean_attack(study))
            rows = rows[evenly(len(rows), study.images(IMAGES))]
            estimated = _raw(study) if way == "auto-encoder" else _drawn(attributor_of(study, asked))
            figures = {"images": len(rows), "asked": names, "attacks": _compare(study, test, rows, estimated)}
            return Result(figures)

        asked = held if way == "asked" else []
        names = [one.name for one in asked]
        settings = {
            "pack": study.pack.manifest.pack_id, "data": study.fingerprint, "images": study.images(IMAGES), "way": way,
            "asked": names,
        }  # fmt: skip
        absent = "" if study.pack.manifest.network.perturbation_extractor == "pixel" else "it estimates no pixels"
        if way == "asked" and not held:
            absent = NOBODY
        return Cell(way, "heatmaps", settings, compute, absent)

    return [cell(way) for way in _WAYS]


def _clean_attack(study: Study) -> int:
    names = list(study.scenario.attack_names)
    return names.index(CLEAN) if CLEAN in names else -1


def _compare(study: Study, test: Examples, rows: Ints, estimated: Estimated) -> dict[str, dict[str, float]]:
    """By attack: the correlation of the perturbations' sizes, and the cosine of the perturbations themselves."""
    parts = []
    meter = ProgressMeter("comparing", len(rows), study.tell)
    for some in np.split(rows, range(_CHUNK, len(rows), _CHUNK)):
        estimate = estimated(test.adversarial[some])
        true = torch.from_numpy(test.adversarial[some].astype(np.float32) - test.clean[some])
        parts.append(torch.stack([correlation(estimate.abs(), true.abs()), cosine(estimate, true)]))
        meter.advance(len(some))
    found, attack = torch.cat(parts, 1).numpy(), test.attack[rows]
    means = {at: found[:, attack == at].mean(1).tolist() for at in sorted(set(attack.tolist()))}
    return {
        study.scenario.attack_names[at]: {
            "examples": int((attack == at).sum()),
            "correlation": sizes,
            "cosine": signed,
        }
        for at, (sizes, signed) in means.items()
    }


def _raw(study: Study) -> Estimated:
    network = build_network(study.pack).requires_grad_(False).to(study.device)

    def estimated(images: Pixels) -> Tensor:
        found: list[Tensor] = []
        answer(network, torch.from_numpy(images), study.device, estimated=found.append)
        return torch.cat(found)

    return estimated


def _drawn(attributor: Attributor) -> Estimated:
    def estimated(images: Pixels) -> Tensor:
        loaded = [LoadedImage("", str(at), image, "PNG", 8, False) for at, image in enumerate(unit(images))]
        maps = [finding.heatmap for finding in attributor.attribute(loaded, heatmaps=True)]
        drawn = [one.perturbation for one in maps if one is not None and one.perturbation is not None]
        return torch.from_numpy(np.stack(drawn))

    return estimated


def _attacks(found: Found) -> list[str]:
    return list(dict.fromkeys(name for way in _WAYS for attacks in found.get(way, "attacks") for name in attacks))


def table(found: Found) -> Table:
    attacks = _attacks(found)
    rows = [
        [
            words, *(found.number(way, "attacks", name, "correlation") for name in attacks),
            *(found.number(way, "attacks", name, "cosine") for name in attacks),
        ]
        for way, words in _WAYS.items()
    ]  # fmt: skip
    return Table(["Estimate", *(f"{n}, sizes" for n in attacks), *(f"{n}, signed" for n in attacks)], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    attacks = _attacks(found)
    bars(
        figure,
        {
            name: {words: {n: found.mean(way, "attacks", n, key) for n in attacks} for way, words in _WAYS.items()}
            for name, key in (("correlation of sizes", "correlation"), ("cosine, signed", "cosine"))
        },
    )


ITEM = Item(
    "heatmaps", "How like the true perturbation the estimate is that the window draws", cells, table, draw,
    of_pack=True,
    choices=(
        "Sizes: Pearson correlation of |estimate| and |perturbation| over an image, the mean over images.",
        "Signed: cosine of the two, the mean over images.",
        "As drawn: under the attack that is named. FGSM's estimate moves a pixel by epsilon where it was seen to move; "
        "C&W's is turned by a third towards the margin gradient of the victim that is named, where that one was asked.",
        "Under FGSM pixels differ in size only where black or white cut a step off, which in photographs are few.",
        "Asked are those of the pack's victims whose files are in DIR/victims.",
    ),
)  # fmt: skip
