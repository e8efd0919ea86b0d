"""Perturbations of the same digits by several attacks or against several victims (Figures 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import DataError
from core.types import FloatArray
from core.victims import Victim, load_folded
from training.attacks import make_attack
from training.experiments.study import Study
from training.experiments.subset import unit
from training.naming import named_by
from training.scenario import AttackSpec, VictimSpec

_BATCH = 250


@dataclass(frozen=True, slots=True)
class Attacked:
    """The same digits attacked in one way. adversarial, perturbation: float32 [N, C, H, W]; success: bool [N]."""

    adversarial: FloatArray
    perturbation: FloatArray
    success: NDArray[np.bool_]


def load(study: Study, spec: VictimSpec) -> Victim:
    """A victim of the scenario, on the study's device."""
    return load_folded(study.victims / spec.saved_as)[0].to(study.device)


def known_digits(study: Study, victims: Sequence[Victim], count: int) -> tuple[FloatArray, list[NDArray[np.int64]]]:
    """The first ``count`` test images that all victims name right, float32 [N, C, H, W] in [0, 1], and their labels.

    Those are an array [N] for each victim, in its own class numbers. Raises DataError where there are fewer than two.
    """
    rows = study.clean.rows("test")
    labels = [named_by(victim, study.clean, rows).labels for victim in victims]
    known: list[NDArray[np.int64]] = []
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        images = torch.from_numpy(unit(study.clean.images[part])).to(study.device)
        right = np.ones(len(part), np.bool_)
        with torch.inference_mode():
            for victim, own in zip(victims, labels, strict=True):
                right &= victim(images).argmax(1).cpu().numpy() == own[part]
        known.append(part[right])
        if sum(map(len, known)) >= count:
            break
    chosen = np.concatenate(known)[:count]
    if len(chosen) < 2:
        raise DataError("There are not two test images that the victims name right.", "Train the victims for longer.")
    return unit(study.clean.images[chosen]), [own[chosen] for own in labels]


def attack_digits(
    study: Study, victim: Victim, spec: AttackSpec, images: FloatArray, labels: NDArray[np.int64],
    values: NDArray[np.float64], *, eight_bit: bool = True, seed: int = 0,
) -> Attacked:  # fmt: skip
    """Attack images at ``values`` [N], in label units."""
    attack = make_attack(spec.config)
    own = attack.own_units(values)
    made, success = [], []
    for start in range(0, len(images), 64):
        part = slice(start, start + 64)
        result = attack(
            victim, torch.from_numpy(images[part]).to(study.device), torch.from_numpy(labels[part]).to(study.device),
            own[part], eight_bit=eight_bit,
            generator=torch.Generator().manual_seed(seed + start),
        )  # fmt: skip
        made.append(result.adversarial.cpu().numpy())
        success.append(result.success.cpu().numpy())
    adversarial = np.concatenate(made)
    return Attacked(adversarial, adversarial - images, np.concatenate(success))


def middle(spec: AttackSpec) -> float:
    """The grid's middle value, in label units."""
    return spec.grid.values[len(spec.grid.values) // 2]
