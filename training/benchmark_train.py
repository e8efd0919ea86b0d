"""How fast the network is trained, beside the bare loop over batches that lie on the device already.

Both train the same network on the same examples. The trainer takes them as bytes from its examples, counts, reports,
can be cancelled and keeps checkpoints; the bare loop does none of it. They take turns, so that whatever else the
machine does weighs on both, and each repeat's two rates are compared with each other.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from core.devices import in_bf16, name_of, wait_for
from core.manifest import AttackLabel, ImageSpec
from core.versions import versions
from training.gradients import Batches
from training.objective import Batch, Objective
from training.scenario import Scenario
from training.shards import Examples
from training.trainer import Trainer

_VICTIMS = 6


def measure_training(
    device: torch.device, *, steps: int = 40, batch: int = 64, side: int = 28, channels: int = 1, width: int = 32,
    repeats: int = 3, tell: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """Rates in steps a second over epochs of so many steps on random images of ``side`` x ``side``, and their ratio.

    trainer: an epoch of ``Trainer.run``, with its report and the checkpoint at its end. bare: forward, backward, step.
    tell: called with the number of repeats done.
    """
    labels = [
        AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
        AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
        AttackLabel(name="PGD", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
        AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=1, maximum=20),
    ]
    image = ImageSpec.model_validate({"channels": channels, "height": side, "width": side})
    scenario, examples = _scenario(batch, width), _examples(steps * batch, image, labels)
    ready = [Batches(examples, device).take(rows) for rows in torch.split(torch.arange(len(examples)), batch)]
    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="mtaa-benchmark-") as name:
        for repeat in range(-1, repeats):  # the first warms up and does not count
            trainer, bare = (
                Trainer(scenario, labels, image, examples, Path(name, f"{repeat}-{kind}"), device)
                for kind in ("trainer", "bare")
            )
            loop = partial(_bare, Objective(bare.network, bare.weighting, labels).to(device), bare, ready, device)
            rates = {
                "trainer": _rate(steps, device, trainer.run),
                "bare": _rate(steps, device, loop),
            }
            if repeat >= 0:
                found.append(rates)
                tell(repeat + 1)
    return {
        "benchmark": "train",
        "device": name_of(device),
        "versions": versions(),
        "network": scenario.network.model_dump(),
        "shape": [channels, side, side],
        "batch": batch,
        "steps": steps,
        "precision": scenario.training.precision if in_bf16(device) else "fp32",
        "threads": torch.get_num_threads(),
        "repeats": found,
        "median": {name: median(rates[name] for rates in found) for name in found[0]},
        "ratio_to_bare": median(rates["trainer"] / rates["bare"] for rates in found),
    }


def _bare(objective: Objective, trainer: Trainer, batches: list[Batch], device: torch.device) -> None:
    """An epoch with the trainer's own optimiser and schedule, and nothing beside them."""
    objective.train()
    for batch in batches:
        trainer.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=in_bf16(device)):
            losses, _ = objective(batch)
        losses.total.backward()
        trainer.optimizer.step()
        trainer.schedule.step()


def _rate(steps: int, device: torch.device, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    wait_for(device)
    return steps / (time.perf_counter() - begun)


def _scenario(batch: int, width: int) -> Scenario:
    counts = {"train": 1, "calibration": 1, "test": 1}
    grid = {"first": 10, "last": 200, "count": 2}
    attacks = [{"name": name, "grid": grid, "cell": counts} for name in ("FGSM", "PGD", "C&W")]
    return Scenario.model_validate(
        {
            "name": "benchmark", "title": "", "description": "", "attacks": attacks,
            "clean": {"source": "digits", "examples": counts, "pool": counts},
            "victims": [{"architecture": "ResNet18", "name": f"victim-{n}"} for n in range(1, _VICTIMS)],
            "network": {"width": width}, "training": {"epochs": 1, "batch": batch},
        }
    )  # fmt: skip


def _examples(count: int, image: ImageSpec, labels: list[AttackLabel]) -> Examples:
    random = np.random.default_rng(0)
    shape = (count, image.channels, image.height, image.width)
    adversarial, clean = (random.integers(0, 256, shape, np.uint8) for _ in range(2))
    attack, victim = random.integers(0, len(labels), count), random.integers(0, _VICTIMS, count)
    value = np.asarray([label.minimum for label in labels], np.float32)[attack]
    return Examples(adversarial, clean, attack, victim, value, attack, attack)
