"""Clean images before the attack: looked at again whenever what was found no longer holds, never too many at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.victims import Victim, build_victim
from tests.colours import Colour, colours, program
from training.memory import at_once
from training.own_victims import read_own
from training.ranks import Ranks
from training.scenario import VictimSpec
from training.screening import screen


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    path = program(Colour(), tmp_path / "own.pt")
    return build_victim(*read_own(VictimSpec.model_validate({"name": "own", "file": str(path)}), path, colours()))


def test_images_under_other_labels_are_screened_again(victim: Victim, tmp_path: Path) -> None:
    clean = colours()
    found = screen(victim, "a" * 64, clean, "train", 30, tmp_path, Ranks.single())
    assert found.right.sum() == 30
    moved = dataclasses.replace(clean, labels=(clean.labels + 1) % 4)
    assert screen(victim, "a" * 64, moved, "train", 30, tmp_path, Ranks.single()).right.sum() == 0
    assert np.isfinite(screen(victim, "a" * 64, clean, "train", 20, tmp_path, Ranks.single()).epsilon).sum() == 20


def test_what_was_found_goes_with_the_images_where_others_come_before_them(victim: Victim, tmp_path: Path) -> None:
    clean = colours()
    rows = clean.rows("train")[:30]
    wrong = np.arange(len(rows)) % 3 == 0
    labels = clean.labels.copy()
    labels[rows[wrong]] = (labels[rows[wrong]] + 1) % 4
    clean = dataclasses.replace(clean, labels=labels)
    before = screen(victim, "a" * 64, clean, "train", 30, tmp_path, Ranks.single())
    test = clean.rows("test")[:1]
    longer = dataclasses.replace(
        clean, **{name: np.concatenate([part[test], part]) for name, part in vars(clean).items()
                  if isinstance(part, np.ndarray)},
    )  # fmt: skip
    after = screen(victim, "a" * 64, longer, "train", 30, tmp_path, Ranks.single())
    assert (before.right[rows] == ~wrong).all() and (after.right[rows + 1] == ~wrong).all()
    assert (after.epsilon[rows + 1] == before.epsilon[rows]).all()


def test_as_many_large_images_as_a_gradient_has_room_for(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    assert at_once(victim, (28, 28), 250) == 250
    assert at_once(victim, (224, 224), 250) == 20
    assert at_once(victim, (4000, 3000), 250) == 1
    monkeypatch.setattr(Victim, "device", torch.device("cuda"))
    assert at_once(victim, (224, 224), 250) == 250, "a GPU says so where that is too much"
