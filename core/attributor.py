"""Images in, calibrated answers out: the one place where a pack's network runs for a user."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.answers import Answers
from core.errors import DeviceError
from core.heatmap import make_heatmap
from core.manifest import Manifest
from core.model.network import Outputs
from core.pack import Pack, build_network
from core.preprocess import prepare
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.reading import FittedFile, read_ahead
from core.types import Attribution, Familiarity, Finding, FloatArray, Heatmap, LoadedImage, Record

BATCH = 128
"""Images a forward pass, where they are small."""

_CPU_PIXELS = 2**20
"""Network pixels a forward pass on the CPU: a batch of larger images would keep a cancel waiting for seconds."""


def choose_device(name: str = "auto") -> torch.device:
    """The device for "auto", "cpu", "cuda" or "cuda:N". Raises DeviceError if that one is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"{name!r} is no device.", "Use auto, cpu, cuda or cuda:N.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"This machine has no device {name}.", "Use auto or cpu.")
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"{name!r} is not supported.", "Use auto, cpu, cuda or cuda:N.")
    return device


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image as the network takes it, [C, H, W]; ``size`` is the image's own (height, width)."""

    sha256: str
    pixels: FloatArray
    adjustments: tuple[str, ...]
    size: tuple[int, int]


class Attributor:
    """A pack's network on a device, ready to answer. Raises PackError or DeviceError when it cannot be."""

    def __init__(self, pack: Pack, device: str = "auto") -> None:
        self.manifest: Manifest = pack.manifest
        self.device = choose_device(device)
        network = build_network(pack).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = network.eval().requires_grad_(False)
        image = self.manifest.image
        limit = _CPU_PIXELS // (image.height * image.width) if self.device.type == "cpu" else BATCH
        self.batch = min(BATCH, max(1, limit))
        """Images a forward pass."""
        self._fits = self.batch  # halved for good whenever the device runs out of memory

    @property
    def device_name(self) -> str:
        """For people: the GPU's own name, or "CPU"."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"

    def attribute(
        self, images: Sequence[LoadedImage], *, coverage: float = 0.9, heatmaps: bool = False
    ) -> list[Finding]:
        """One finding an image, in order. Images may have any size and number of channels.

        coverage: of prediction sets and intervals, within the pack's calibrated range. Raises DeviceError when the
        device runs out of memory for a single image or fails.
        """
        findings: list[Finding] = []
        for start in range(0, len(images), self.batch):
            prepared = [
                Prepared(image.sha256, *prepare(image, self.manifest.image), image.size)
                for image in images[start : start + self.batch]
            ]
            findings += self.judge(prepared, coverage, heatmaps)
        return findings

    def judge(self, prepared: Sequence[Prepared], coverage: float, heatmaps: bool) -> Iterator[Finding]:
        """Findings in order, each made when it is asked for: a heatmap is as large as its image."""
        start = 0
        while start < len(prepared):
            part = prepared[start : start + self._fits]
            answered = self.forward(np.stack([item.pixels for item in part]))
            if answered is not None:
                yield from self._findings(part, *answered, coverage, heatmaps)
                start += len(part)
            elif len(part) > 1:
                self._fits = len(part) // 2
            else:
                raise DeviceError(
                    f"{self.device_name} has not enough free memory for one image.",
                    "Close other programs that use it, or choose another device.",
                )

    def forward(self, pixels: FloatArray) -> tuple[Outputs, list[float]] | None:
        """Outputs and familiarity scores of [B, C, H, W], or None where the device's memory does not hold them."""
        try:
            batch = torch.from_numpy(pixels).to(self.device).contiguous(memory_format=torch.channels_last)
            with torch.inference_mode():
                outputs: Outputs = self._network(batch)
                return outputs, self._network.familiarity(outputs.features).tolist()
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # outside the handler, whose traceback still held the tensors
        return None

    def _findings(
        self, part: Sequence[Prepared], outputs: Outputs, familiarity: list[float], coverage: float, heatmaps: bool
    ) -> Iterator[Finding]:
        answers = Answers(outputs, self.manifest, coverage)
        threshold = self.manifest.calibration.familiarity_threshold
        for row, item in enumerate(part):
            attribution = Attribution(
                sha256=item.sha256,
                pack_id=self.manifest.pack_id,
                attack=answers.attack(row),
                victim=answers.victim(row),
                hyperparameters=answers.hyperparameters(row),
                familiarity=Familiarity(familiarity[row], threshold),
                adjustments=item.adjustments,
            )
            yield Finding(attribution, self._heatmap(outputs, row, item.size) if heatmaps else None)

    def _heatmap(self, outputs: Outputs, row: int, size: tuple[int, int]) -> Heatmap | None:
        if outputs.perturbation is None:
            return None
        return make_heatmap(outputs.perturbation.estimate[row], self.manifest.network, size)


def _out_of_memory(error: Exception) -> bool:
    """On the CPU torch has no type of its own for it."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def attribute_files(
    attributor: Attributor,
    paths: Sequence[Path],
    *,
    coverage: float = 0.9,
    heatmaps: bool = False,
    progress: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
    known: Mapping[str, Finding] | None = None,
) -> Iterator[Record]:
    """One record a path, in order; a file that is no image becomes a record that says why.

    Files are read ahead in threads; memory holds a few decoded images and a few batches of fitted ones, however many
    paths there are. The same bytes under two names of one batch are judged once.
    known: findings by hash that need not be made again. It may grow between records, and is asked which hashes it
    contains from several threads.
    Raises Cancelled within a moment of ``cancel`` or after the batch in hand.
    """
    cancel = cancel or CancelToken()
    known = {} if known is None else known
    cancel.check()
    meter = ProgressMeter("attributing", len(paths), progress)
    files = read_ahead(paths, attributor.manifest.image, 2 * attributor.batch, known, cancel)
    try:
        for start in range(0, len(paths), attributor.batch):
            chunk = [next(files) for _ in paths[start : start + attributor.batch]]
            yield from _records(attributor, chunk, known, coverage, heatmaps)
            cancel.check()
            meter.advance(len(chunk))
    finally:
        files.close()


def _records(
    attributor: Attributor, chunk: Sequence[FittedFile], known: Mapping[str, Finding], coverage: float, heatmaps: bool
) -> Iterator[Record]:
    fresh = {file.sha256: _as_prepared(file) for file in chunk if file.pixels is not None and file.sha256 not in known}
    findings = attributor.judge([*fresh.values()], coverage, heatmaps)
    copies = Counter(file.sha256 for file in chunk)
    shared: dict[str, Finding] = {}  # only what comes again, for heatmaps are large
    for file in chunk:
        path = os.fspath(file.path)
        if file.error is not None or file.sha256 is None:
            yield Record(path, file.sha256, "error", file.error, None, file.facts)
            continue
        finding = shared.get(file.sha256) or (next(findings) if file.sha256 in fresh else known[file.sha256])
        if copies[file.sha256] > 1:
            shared[file.sha256] = finding
        yield Record(path, file.sha256, "ok", None, finding, file.facts)


def _as_prepared(file: FittedFile) -> Prepared:
    assert file.sha256 is not None and file.pixels is not None and file.facts is not None
    assert file.facts.height is not None and file.facts.width is not None
    return Prepared(file.sha256, file.pixels, file.adjustments, (file.facts.height, file.facts.width))
