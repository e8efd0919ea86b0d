"""What a run takes on disk, worked out from its scenario's counts and shapes before anything is made.

It is what a run takes at the most at once: a checkpoint counts twice, since the new one is whole before the old one
goes, and a cell's last batch may hold more examples than are wanted, which nobody knows beforehand and does not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from core.errors import NoRoomError
from core.files import free_space
from core.manifest import AttackLabel
from core.model.network import MTAA
from core.probes import OWN
from core.votes import OTHERS
from training.counts import examples_asked_about, examples_changed, examples_made, examples_wanted
from training.plan import image_of, shapes_of
from training.scenario import Scenario, VictimSpec
from training.shards import BESIDE_IMAGES
from training.sources import SPLITS, CleanImages

_BLOCK = 4096
"""Bytes that a part takes beyond its examples: its header, and the block that its end does not fill."""

_CHECKPOINT = 3 * 4
"""Bytes a parameter: itself and Adam's two moments."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes. victims: the files of those that are trained here, and a checkpoint. network: its checkpoints and pack.

    answers: what the victims say when they are asked.
    """

    victims: int
    examples: int
    network: int
    answers: int

    @property
    def total(self) -> int:
        return self.victims + self.examples + self.network + self.answers


def room(
    scenario: Scenario, labels: list[AttackLabel], clean: CleanImages, victims: Path, files: Path = Path()
) -> Room:
    """What a run takes that finds in ``victims`` some of its victims, and nothing else.

    files: where own victims' files lie if their paths are relative.
    """
    missing = [spec for spec in scenario.victims if not (victims / spec.saved_as).exists()]
    trained = [spec for spec in missing if spec.file is None]
    brought = [files / spec.file for spec in missing if spec.file is not None]
    with torch.device("meta"):  # shapes without the weights' memory
        network = MTAA(scenario.network, image_of(clean.shape, scenario), labels, len(scenario.victim_names))
    largest = max((_size(shapes_of(spec.architecture, clean)) for spec in trained), default=0)
    return Room(
        victims=sum(victim_bytes(spec, clean) for spec in trained)
        + sum(path.stat().st_size for path in brought if path.is_file())
        + 2 * _CHECKPOINT * largest,
        examples=examples_bytes(scenario, clean.shape),
        network=(2 * _CHECKPOINT + 4) * _size(network),
        answers=answers_bytes(scenario, clean.classes),
    )


def victim_bytes(spec: VictimSpec, clean: CleanImages) -> int:
    """Of a victim's file: kernels in float16, the rest in float32."""
    return sum(p.numel() * (2 if p.dim() > 1 else 4) for p in shapes_of(spec.architecture, clean).parameters())


def lacking(needed: Room, data: Path, checkpoints: Path) -> int:
    """Bytes that a run still takes beyond the examples and the checkpoint that an earlier one left."""
    return needed.total - min(used(data), needed.examples) - min(used(checkpoints), needed.network)


def check_room(lacking: int, out: Path) -> None:
    """Raise NoRoomError where ``out``'s disk has less than that."""
    free = free_space(out)
    if free is not None and lacking > free:
        raise NoRoomError(out, lacking, free)


def used(folder: Path) -> int:
    """Bytes of the files in a folder and below it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def answers_bytes(scenario: Scenario, classes: int) -> int:
    """Of a file for each victim and split."""
    if scenario.probes is None:
        return 0
    examples = examples_asked_about(scenario) + examples_changed(scenario)
    of_each = 2 * OWN + 2 * classes + OTHERS + 2  # by itself and in company, its votes, and its label
    of_one = 4 * of_each * examples + (len(SPLITS) + 2) * _BLOCK  # two of them for unfamiliar ones
    return len(scenario.victims) * of_one


def examples_bytes(scenario: Scenario, shape: tuple[int, int, int]) -> int:
    """Of the parts of all splits, for clean images [C, H, W]."""
    count = sum(examples_made(scenario, split) for split in SPLITS)
    parts = len(SPLITS) * (1 + len(scenario.victims) * len(scenario.attacks))
    parts += sum(examples_wanted(scenario, split) // scenario.batch for split in SPLITS)
    return count * example_bytes(shape) + parts * _BLOCK


def example_bytes(shape: tuple[int, int, int]) -> int:
    """Of one example: the adversarial image, the clean one, and what stands beside them."""
    return 2 * math.prod(shape) + BESIDE_IMAGES


def _size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
