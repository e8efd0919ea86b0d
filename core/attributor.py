"""Images in, calibrated answers out: the one place where a pack's network runs for a user."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.answers import Answers
from core.errors import Cancelled, DeviceError
from core.heatmap import make_heatmap
from core.manifest import Manifest
from core.model.network import Outputs
from core.pack import Pack, build_network
from core.panel import Panel
from core.preprocess import prepare
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.reading import PATIENCE, FittedFile, read_ahead
from core.types import Attribution, Familiarity, Finding, FloatArray, Heatmap, LoadedImage, Record, Testimony
from core.victim_store import Held

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


@dataclass(frozen=True, slots=True)
class Answered:
    """What is said of the images of one pass: raw answers, familiarity scores, and testimonies where any were asked."""

    outputs: Outputs
    familiarity: list[float]
    testimonies: Sequence[tuple[Testimony, ...]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A part of a batch with what is said of it."""

    prepared: Sequence[Prepared]
    answered: Answered


class Attributor:
    """A pack's network on a device, ready to answer, with the victims that it asks beside the image.

    asked: victims at hand (:mod:`core.victim_store`); without any, or where the pack holds no scorer, the image alone
    is judged. Raises PackError, VictimError or DeviceError when it cannot be.
    """

    def __init__(self, pack: Pack, device: str = "auto", asked: Sequence[Held] = ()) -> None:
        self.manifest: Manifest = pack.manifest
        self.device = choose_device(device)
        network = build_network(pack).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = network.eval().requires_grad_(False)
        self._panel: Panel | None = None
        self._calibration = pack.manifest.calibration
        if asked and network.scorer is not None and pack.manifest.probes is not None:
            self._panel = Panel(asked, pack.manifest, network.scorer, self.device)
            self._calibration = pack.manifest.probes.calibration
        image = self.manifest.image
        limit = _CPU_PIXELS // (image.height * image.width) if self.device.type == "cpu" else BATCH
        self.batch = min(BATCH, max(1, limit))
        """Images a forward pass."""
        self._fits = self.batch  # halved for good whenever the device runs out of memory

    @property
    def device_name(self) -> str:
        """For people: the GPU's own name, or "CPU"."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"

    @property
    def asked(self) -> tuple[Held, ...]:
        """The victims that are asked about every image."""
        return self._panel.held if self._panel is not None else ()

    @property
    def victims(self) -> list[str]:
        """The victim labels of its answers."""
        return self._panel.labels if self._panel is not None else [victim.name for victim in self.manifest.victims]

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
            findings += self.findings(self.judge(prepared), coverage, heatmaps)
        return findings

    def judge(self, prepared: Sequence[Prepared]) -> list[Judged]:
        """What the network says of a batch, in as many parts as the device's memory asks for. Raises DeviceError."""
        judged: list[Judged] = []
        start = 0
        while start < len(prepared):
            part = prepared[start : start + self._fits]
            answered = self.forward(np.stack([item.pixels for item in part]))
            if answered is not None:
                judged.append(Judged(part, answered))
                start += len(part)
            elif len(part) > 1:
                self._fits = len(part) // 2
            else:
                raise DeviceError(
                    f"{self.device_name} has not enough free memory for one image.",
                    "Close other programs that use it, or choose another device.",
                )
        return judged

    def forward(self, pixels: FloatArray) -> Answered | None:
        """What is said of [B, C, H, W], or None where the device's memory does not hold the work."""
        try:
            batch = torch.from_numpy(pixels).to(self.device).contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(self._panel is None):  # through whose tensors no gradient of a victim could pass
                outputs: Outputs = self._network(batch)
                familiarity: list[float] = self._network.familiarity(outputs.features).tolist()
            if self._panel is None:
                return Answered(outputs, familiarity, [()] * len(pixels))
            heard = self._panel.hear(batch, outputs)
            return Answered(heard.outputs, familiarity, self._panel.testimonies(heard))
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # outside the handler, whose traceback still held the tensors
        return None

    def findings(self, judged: Sequence[Judged], coverage: float, heatmaps: bool) -> Iterator[Finding]:
        """Findings in order, each made when it is asked for: a heatmap is as large as its image."""
        threshold = self._calibration.familiarity_threshold
        asked = {victim.name for victim in self.asked}
        told = self.manifest.probes.halfwidths if self.manifest.probes is not None else None
        for part in judged:
            answered = part.answered
            answers = Answers(
                answered.outputs, self.manifest.attacks, self.victims, self._calibration, coverage, asked, told
            )
            for row, item in enumerate(part.prepared):
                attribution = Attribution(
                    sha256=item.sha256,
                    pack_id=self.manifest.pack_id,
                    attack=answers.attack(row),
                    victim=answers.victim(row),
                    hyperparameters=answers.hyperparameters(row),
                    familiarity=Familiarity(answered.familiarity[row], threshold),
                    adjustments=item.adjustments,
                    testimonies=answered.testimonies[row],
                )
                yield Finding(attribution, self._heatmap(answered.outputs, row, item.size) if heatmaps else None)

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
    paths there are. The same bytes under two names in a batch or the next are judged once, others by ``known``.
    known: findings by hash that need not be made again. It may grow between records, and is asked which hashes it
    contains from several threads.
    Raises Cancelled within a moment of ``cancel``: the batch in hand is then given up.
    """
    cancel = cancel or CancelToken()
    known = {} if known is None else known
    cancel.check()
    meter = ProgressMeter("attributing", len(paths), progress, cancel=cancel)
    files = read_ahead(paths, attributor.manifest.image, 2 * attributor.batch, known, cancel)
    device = ThreadPoolExecutor(1, thread_name_prefix="device")
    carried: dict[str, Finding] = {}
    ahead: _Batch | None = None
    try:
        for start in range(0, len(paths) + attributor.batch, attributor.batch):
            chunk = [next(files) for _ in paths[start : start + attributor.batch]]
            batch, ahead = ahead, _begin(attributor, chunk, known, ahead, device)
            if batch is not None:
                found = attributor.findings(_judged(batch, cancel), coverage, heatmaps)
                carried = yield from _records(batch, found, known, carried, ahead)
                meter.advance(len(batch.files))
            cancel.check()
    finally:
        device.shutdown(wait=False, cancel_futures=True)
        files.close()


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch on the device: while the network has it, the answers of the batch before are written down.

    fresh: what is judged, by hash; the other files are broken, known, or copies.
    """

    files: list[FittedFile]
    fresh: dict[str, Prepared]
    judged: Future[list[Judged]]


def _begin(
    attributor: Attributor,
    files: list[FittedFile],
    known: Container[str],
    before: _Batch | None,
    device: ThreadPoolExecutor,
) -> _Batch:
    fresh: dict[str, Prepared] = {}
    for file in files:
        sha256 = file.sha256
        if sha256 is None or file.pixels is None or sha256 in known or (before and sha256 in before.fresh):
            continue
        fresh.setdefault(sha256, _as_prepared(file))
    return _Batch(files, fresh, device.submit(attributor.judge, list(fresh.values())))


def _judged(batch: _Batch, cancel: CancelToken) -> list[Judged]:
    """The batch's answers. A pause waits for them, a cancel does not: a slow device takes seconds for a batch."""
    while True:
        try:
            return batch.judged.result(PATIENCE)
        except TimeoutError:
            if cancel.cancelled:
                raise Cancelled from None


def _records(
    batch: _Batch,
    findings: Iterator[Finding],
    known: Mapping[str, Finding],
    carried: dict[str, Finding],
    ahead: _Batch,
) -> Generator[Record, None, dict[str, Finding]]:
    """The batch's records; returns the findings that the batch ahead needs too, and no more, for heatmaps are large."""
    copies = Counter(file.sha256 for file in (*batch.files, *ahead.files))
    shared = dict(carried)
    for file in batch.files:
        path = os.fspath(file.path)
        if file.error is not None or file.sha256 is None:
            yield Record(path, file.sha256, "error", file.error, None, file.facts)
            continue
        finding = shared.get(file.sha256) or (next(findings) if file.sha256 in batch.fresh else known[file.sha256])
        if copies[file.sha256] > 1:
            shared[file.sha256] = finding
        yield Record(path, file.sha256, "ok", None, finding, file.facts)
    needed = {file.sha256 for file in ahead.files}
    return {sha256: finding for sha256, finding in shared.items() if sha256 in needed}


def _as_prepared(file: FittedFile) -> Prepared:
    assert file.sha256 is not None and file.pixels is not None and file.facts is not None
    assert file.facts.height is not None and file.facts.width is not None
    return Prepared(file.sha256, file.pixels, file.adjustments, (file.facts.height, file.facts.width))
