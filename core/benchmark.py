"""How fast attribution is from disk to case, beside what the device and the decoder alone would allow.

The rates of one repeat are measured one after the other and compared with each other, so that whatever else the
machine does weighs on all of them.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from core.batch import fill_case
from core.case import Case
from core.imageio import load_image
from core.preprocess import prepare
from core.progress import CancelToken
from core.reading import THREADS, read_ahead
from core.types import DEFAULT_COVERAGE
from core.versions import versions

if TYPE_CHECKING:
    from core.attributor import Attributor

_ALONE = 200
"""Images of the loop that takes one at a time; more would take minutes and say the same."""

_TASK = 16


def measure_attribution(
    attributor: Attributor, images: int, side: int, repeats: int, tell: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Rates in images a second on ``images`` PNG files of ``side`` x ``side`` pixels, and their ratios.

    forward: the network and the victims that it asks, alone on a ready batch in memory, with its way to the device and
        the answers' way back.
    decoder: Pillow alone, files to pixels, in as many threads as attribution uses.
    reader:  files read, hashed, decoded and fitted, without a network.
    whole:   from the files to a case file.
    alone:   read, then attribute, one image after the other, without a case.
    tell: called with the number of repeats done.
    """
    with tempfile.TemporaryDirectory(prefix="mtaa-benchmark-") as name:
        folder = Path(name)
        files = make_images(folder, images, side, attributor.manifest.image.channels)
        _warm_up(attributor, files[: 2 * attributor.batch])
        found = []
        for repeat in range(repeats):
            found.append(_repeat(attributor, files, folder / f"{repeat}.mtaacase"))
            tell(repeat + 1)
    names = list(found[0])
    return {
        "benchmark": "attribute",
        "pack": attributor.manifest.pack_id,
        "asked": [victim.name for victim in attributor.asked],
        "device": attributor.device_name,
        "versions": versions(),
        "images": images,
        "side": side,
        "batch": attributor.batch,
        "threads": THREADS,
        "repeats": found,
        "median": {name: median(repeat[name] for repeat in found) for name in names},
        "ratio_to_limit": median(r["whole"] / min(r["forward"], r["decoder"]) for r in found),
        "ratio_to_alone": median(r["whole"] / r["alone"] for r in found),
        "peak_memory_mib": _peak_memory(),
    }


def measure_memory(attributor: Attributor, few: int, many: int, side: int) -> dict[str, Any]:
    """The most memory held while ``few`` files went into a case, and while ``many`` did, in MiB.

    Nothing but the images and their number differs, so that the growth is what each further file costs.
    """
    with tempfile.TemporaryDirectory(prefix="mtaa-benchmark-") as name:
        folder = Path(name)
        files = make_images(folder, many, side, attributor.manifest.image.channels)
        _warm_up(attributor, files[: 2 * attributor.batch])
        rates, peaks = [], []
        for number in (few, many):
            rates.append(_whole(attributor, files[:number], folder / f"{number}.mtaacase"))
            peaks.append(_peak_memory())
    return {
        "benchmark": "memory",
        "pack": attributor.manifest.pack_id,
        "device": attributor.device_name,
        "versions": versions(),
        "side": side,
        "images": [few, many],
        "images_per_s": rates,
        "peak_memory_mib": peaks,
        "growth_mib": None if peaks[0] is None or peaks[1] is None else peaks[1] - peaks[0],
    }


def make_images(folder: Path, number: int, side: int, channels: int) -> list[Path]:
    """Different PNG files, always the same: a bright shape on black under faint noise, as attacked digits have it."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    files = [folder / f"{at}.png" for at in range(number)]
    for file in files:
        u, v, size = random.uniform((-0.5, -0.5, 0.05), (0.5, 0.5, 0.3))
        shape = 255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / size)[..., None]
        pixels = (shape + random.normal(0, 12, (side, side, channels))).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(file, compress_level=6)
    return files


def _warm_up(attributor: Attributor, files: Sequence[Path]) -> None:
    attributor.attribute([load_image(file) for file in files])


def _repeat(attributor: Attributor, files: Sequence[Path], case: Path) -> dict[str, float]:
    return {
        "forward": attributor.thread.submit(_forward, attributor, files).result(),
        "decoder": _decoder(files),
        "reader": _reader(attributor, files),
        "whole": _whole(attributor, files, case),
        "alone": _alone(attributor, files[:_ALONE]),
    }


def _forward(attributor: Attributor, files: Sequence[Path]) -> float:
    spec = attributor.manifest.image
    images = [prepare(load_image(file), spec).tiles for file in files[: attributor.batch]]
    tiles = np.concatenate(images)[: attributor.batch]
    passes = max(1, len(files) // len(images))
    started = time.perf_counter()
    for _ in range(passes):
        attributor.passes.forward(tiles, bool(attributor.asked))
    return passes * len(tiles) / len(images[0]) / (time.perf_counter() - started)


def _decoder(files: Sequence[Path]) -> float:
    def task(chunk: Sequence[Path]) -> None:
        for file in chunk:
            with Image.open(io.BytesIO(file.read_bytes())) as image:
                np.asarray(image)

    chunks = [files[start : start + _TASK] for start in range(0, len(files), _TASK)]
    with ThreadPoolExecutor(THREADS) as pool:
        started = time.perf_counter()
        list(pool.map(task, chunks))
        return len(files) / (time.perf_counter() - started)


def _reader(attributor: Attributor, files: Sequence[Path]) -> float:
    started = time.perf_counter()
    for _ in read_ahead(files, attributor.manifest.image, 2 * attributor.batch, (), CancelToken()):
        pass
    return len(files) / (time.perf_counter() - started)


def _whole(attributor: Attributor, files: Sequence[Path], path: Path) -> float:
    started = time.perf_counter()
    with Case.create(path, attributor.manifest, DEFAULT_COVERAGE) as case:
        fill_case(case, attributor, files)
    return len(files) / (time.perf_counter() - started)


def _alone(attributor: Attributor, files: Sequence[Path]) -> float:
    started = time.perf_counter()
    for file in files:
        attributor.attribute([load_image(file)])
    return len(files) / (time.perf_counter() - started)


def _peak_memory() -> float | None:
    """The most memory this process ever held, in MiB; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 (not on Windows)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
