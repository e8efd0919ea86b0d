"""kill -9 at random moments of a whole run: it goes on from any, and ends with the bytes of an undisturbed one.

MTAA_KILLS says how often (3), MTAA_KILLED_VICTIM against which architecture (a small one of this test's own).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from torch import nn

from core.pack import read_manifest
from training import checkpoint

KILLS = int(os.environ.get("MTAA_KILLS", "3"))
VICTIM = os.environ.get("MTAA_KILLED_VICTIM", "Forgetful")
SCENARIO = f"""
name = "digits"
title = "Digits"
description = "scikit-learn's digits, for a test"
batch = 8
[clean]
source = "digits"
examples = {{ train = 60, calibration = 20, test = 20 }}
pool = {{ train = 200, calibration = 80, test = 80 }}
[[victims]]
architecture = "{VICTIM}"
passes = {12 if VICTIM == "Forgetful" else 1}
[[attacks]]
name = "FGSM"
grid = {{ first = 60, last = 180, count = 2 }}
cell = {{ train = 40, calibration = 8, test = 8 }}
[[attacks]]
name = "PGD"
grid = {{ first = 60, last = 180, count = 2 }}
cell = {{ train = 40, calibration = 8, test = 8 }}
[network]
width = 4
[training]
epochs = 3
batch = 8
precision = "fp32"
"""


def forgetful(channels: int, classes: int, side: int) -> nn.Module:
    """A victim of milliseconds that draws from the global generator as it learns."""
    network = nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(),
        nn.LazyLinear(classes),
    )  # fmt: skip
    network(torch.zeros(2, channels, side, side))  # tells the last layer its width
    return network


def work(folder: Path) -> None:
    """``mtaa run`` in a process of its own, with checkpoints as often as a short run needs them."""
    from app.__main__ import main  # noqa: PLC0415
    from core.victims import ARCHITECTURES  # noqa: PLC0415

    torch.set_num_threads(1)
    checkpoint.EVERY, checkpoint._SHARE = 0.1, 1
    ARCHITECTURES["Forgetful"] = forgetful
    with (folder / "events.jsonl").open("a") as sys.stdout:
        status = main(["run", str(folder / "digits.toml"), "--out", str(folder / "out"), "--device", "cpu", "--events"])
    os._exit(status)


def start(folder: Path) -> BaseProcess:
    """The process, once it has begun to work; forked where that is possible, from one that has loaded torch."""
    folder.mkdir(exist_ok=True)
    (folder / "digits.toml").write_text(SCENARIO)
    context = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
    if sys.platform != "win32":
        context.set_forkserver_preload([__name__, "app.cli", "training.pipeline", "sklearn.manifold"])
    process = context.Process(target=work, args=(folder,))
    before = size(folder / "events.jsonl")
    process.start()
    while size(folder / "events.jsonl") == before and process.is_alive():
        time.sleep(0.01)
    return process


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def stage(folder: Path) -> str:
    """What the run was last heard to do."""
    *_, last = [line for line in (folder / "events.jsonl").read_text().split("\n") if line.endswith("}")]
    event = json.loads(last)
    return f"{event.get('stage', event['event'])} {event.get('done', '')}".strip()


def results(folder: Path) -> dict[str, object]:
    """The victim's bytes, every example's, and the network's weights."""
    out = folder / "out"
    files = [*sorted(out.rglob("*.safetensors")), out / "data" / "manifest.json"]
    contents: dict[str, object] = {path.relative_to(out).as_posix(): path.read_bytes() for path in files}
    return contents | {"weights": read_manifest(out / "digits.mtaapack").weights_sha256}


def test_killed_at_random_moments_a_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = start(tmp_path / "whole")
    begun = time.monotonic()
    whole.join()
    assert whole.exitcode == 0
    seconds, expected = time.monotonic() - begun, results(tmp_path / "whole")
    assert len(expected) > 20
    moment, killed, rounds = random.Random(0), [], 0
    while len(killed) < KILLS:  # a run that ends before its turn is compared as it is, and another begun
        rounds += 1
        folder = tmp_path / f"round-{rounds}"
        while True:
            process = start(folder)
            process.join(moment.uniform(0, 1.6 * seconds / KILLS) if len(killed) < KILLS else None)
            if not process.is_alive():
                break
            process.kill()
            process.join()
            killed.append(stage(folder))
        assert process.exitcode == 0
        assert results(folder) == expected, killed
    print(f"{seconds:.1f} s undisturbed; killed at", "; ".join(killed))
