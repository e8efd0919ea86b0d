"""Images in, calibrated answers out: the one place where a pack's network runs for a user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from core.answers import Answers
from core.devices import choose_device, is_out_of_memory
from core.errors import Cancelled, DeviceError
from core.heatmap import make_heatmap
from core.manifest import Manifest
from core.model.network import Outputs
from core.pack import Pack, build_network
from core.panel import Panel
from core.perturbation import ONE_STEP, stepped
from core.preprocess import Fitted, prepare
from core.progress import CancelToken
from core.reading import FittedFile
from core.types import DEFAULT_COVERAGE, Attribution, Familiarity, Finding, FloatArray, Heatmap, LoadedImage, Testimony
from core.victim_store import Held

BATCH = 128
"""Tiles a forward pass, where they are small."""

_CPU_PIXELS = 2**19
"""Network pixels a forward pass on the CPU: a batch of larger images would keep a cancel waiting for seconds."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image as the network takes it; ``size`` is the image's own (height, width)."""

    sha256: str
    fitted: Fitted
    size: tuple[int, int]

    @property
    def tiles(self) -> int:
        return len(self.fitted.tiles)


_Tiled = TypeVar("_Tiled", Prepared, FittedFile)


@dataclass(frozen=True, slots=True)
class Answered:
    """What is said of the tiles of one pass: raw answers, and testimonies of victims where any were asked."""

    outputs: Outputs
    testimonies: Sequence[tuple[Testimony, ...]]


@dataclass(frozen=True, slots=True)
class Judged:
    """Images of a batch that were judged alike, with what is said of each of them.

    asked: whether victims were. outputs: a row for each image. estimates: of the perturbations of its tiles, each
    [N, F, h, w]; None where they were not wanted or are not made.
    """

    prepared: Sequence[Prepared]
    asked: bool
    outputs: Outputs
    familiarity: list[float]
    testimonies: Sequence[tuple[Testimony, ...]]
    estimates: Sequence[Tensor] | None


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
        if asked and network.scorer is not None and pack.manifest.probes is not None:
            self._panel = Panel(asked, pack.manifest, network.scorer, self.device)
        image = self.manifest.image
        limit = _CPU_PIXELS // (image.height * image.width) if self.device.type == "cpu" else BATCH
        self.batch = min(BATCH, max(1, limit))
        """Tiles a forward pass, of which most images have one."""
        self._fits = self.batch  # halved for good whenever the device runs out of memory

    @property
    def device_name(self) -> str:
        """For people: the GPU's own name, or "CPU"."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"

    @property
    def asked(self) -> tuple[Held, ...]:
        """The victims that are asked about every image that has the pack's size or is resized to it."""
        return self._panel.held if self._panel is not None else ()

    @property
    def victims(self) -> list[str]:
        """The victim labels of its answers, where victims are asked."""
        return self._panel.labels if self._panel is not None else [victim.name for victim in self.manifest.victims]

    def attribute(
        self,
        images: Sequence[LoadedImage],
        *,
        coverage: float = DEFAULT_COVERAGE,
        heatmaps: bool = False,
        cancel: CancelToken | None = None,
    ) -> list[Finding]:
        """One finding an image, in order. Images may have any size and number of channels.

        coverage: of prediction sets and intervals, within the pack's calibrated range. Raises DeviceError when the
        device runs out of memory for a single tile or fails, and Cancelled between two passes.
        """
        findings: list[Finding] = []
        prepared = (Prepared(image.sha256, prepare(image, self.manifest.image), image.size) for image in images)
        for batch in batches(prepared, self.batch):
            findings += self.findings(self.judge(batch, heatmaps=heatmaps, cancel=cancel), coverage)
        return findings

    def judge(
        self, prepared: Sequence[Prepared], *, heatmaps: bool = False, cancel: CancelToken | None = None
    ) -> list[Judged]:
        """What the network says of a batch, in parts: neighbours of one tile size that victims are asked about, or not.

        heatmaps: keep what they are made of. Raises DeviceError, and Cancelled between two passes.
        """
        parts = groupby(prepared, key=lambda item: (self._asks_about(item.fitted), item.fitted.tiles.shape[2:]))
        return [self._judge_alike(list(part), ask, heatmaps, cancel) for (ask, _), part in parts]

    def _asks_about(self, fitted: Fitted) -> bool:
        """Whether victims see what the network sees: they take images of the pack's size, and were attacked at it."""
        return self._panel is not None and fitted.frame == self.manifest.image.shape[1:]

    def _judge_alike(
        self, prepared: Sequence[Prepared], ask: bool, heatmaps: bool, cancel: CancelToken | None
    ) -> Judged:
        """Passes over all tiles, and their answers put together.

        An image's logits and hyperparameters are the means over its tiles, its familiarity is that of its mean
        features. Since the heads are linear, this is what they say of the mean features, as if one pooling had gone
        over all tiles. Logits are not summed: tiles of one image err together, and a temperature fitted on single
        images would make their sum far too sure. The mean keeps to the scale that it was fitted on. It is steadier
        than a single image's answer, so that calibrated doubt should be too large rather than too small; but no
        coverage was measured for it, which the adjustments say by telling of the tiles.
        """
        tiles = [tile for item in prepared for tile in item.fitted.tiles]
        outputs: list[Outputs] = []
        estimates: list[Tensor] = []
        testimonies: list[tuple[Testimony, ...]] = []
        for answered in self._passes(tiles, ask, heatmaps, cancel):
            found = answered.outputs.perturbation
            if heatmaps and found is not None:
                estimates.append(found.estimate)
            outputs.append(answered.outputs._replace(perturbation=None))
            testimonies += answered.testimonies
        counts = [item.tiles for item in prepared]
        mean = _mean(outputs, counts)
        return Judged(
            prepared,
            ask,
            mean,
            self._network.familiarity(mean.features).tolist(),
            testimonies if ask else [()] * len(prepared),
            torch.split(torch.cat(estimates), counts) if estimates else None,
        )

    def _passes(
        self, tiles: Sequence[FloatArray], ask: bool, heatmaps: bool, cancel: CancelToken | None
    ) -> Iterator[Answered]:
        """As many passes as the device's memory asks for."""
        start = 0
        while start < len(tiles):
            if cancel is not None and cancel.cancelled:
                raise Cancelled
            part = tiles[start : start + self._fits]
            answered = self.forward(np.stack(part), ask, heatmaps)
            if answered is not None:
                yield answered
                start += len(part)
            elif len(part) > 1:
                self._fits = len(part) // 2
            else:
                raise DeviceError(
                    f"{self.device_name} has not enough free memory for one image.",
                    "Close other programs that use it, or choose another device.",
                )

    def forward(self, tiles: FloatArray, ask: bool, heatmaps: bool = False) -> Answered | None:
        """What is said of [B, C, h, w], or None where the device's memory does not hold the work.

        heatmaps: let the victims say what they can of where perturbations lie.
        """
        panel = self._panel if ask else None
        try:
            batch = torch.from_numpy(tiles).to(self.device).contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(panel is None):  # through whose tensors no gradient of a victim could pass
                outputs: Outputs = self._network(batch)
            if panel is None:
                return Answered(outputs, [()] * len(tiles))
            heard = panel.hear(batch, outputs)
            found = outputs.perturbation
            if heatmaps and found is not None:
                found = found._replace(estimate=panel.drawn(batch, found.estimate, heard))
            return Answered(heard.outputs._replace(perturbation=found), panel.testimonies(heard))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # outside the handler, whose traceback still held the tensors
        return None

    def findings(self, judged: Sequence[Judged], coverage: float) -> Iterator[Finding]:
        """Findings in order, each made when it is asked for: a heatmap is as large as its image."""
        for part in judged:
            answers, threshold = self._answers(part, coverage)
            for row, item in enumerate(part.prepared):
                attribution = Attribution(
                    sha256=item.sha256,
                    pack_id=self.manifest.pack_id,
                    attack=answers.attack(row),
                    victim=answers.victim(row),
                    hyperparameters=answers.hyperparameters(row),
                    familiarity=Familiarity(part.familiarity[row], threshold),
                    adjustments=item.fitted.adjustments + self._not_asked(part),
                    testimonies=part.testimonies[row],
                )
                yield Finding(attribution, self._heatmap(part, row))

    def _answers(self, part: Judged, coverage: float) -> tuple[Answers, float]:
        """A part's answers, and the familiarity that they hold to, by the calibration of what they rest on."""
        manifest = self.manifest
        if part.asked and manifest.probes is not None:
            fit, asked = manifest.probes, {victim.name for victim in self.asked}
            answers = Answers(
                part.outputs, manifest.attacks, self.victims, fit.calibration, coverage, asked, fit.halfwidths
            )
            return answers, fit.calibration.familiarity_threshold
        victims = [victim.name for victim in manifest.victims]
        answers = Answers(part.outputs, manifest.attacks, victims, manifest.calibration, coverage)
        return answers, manifest.calibration.familiarity_threshold

    def _not_asked(self, part: Judged) -> tuple[str, ...]:
        """Said where victims are at hand and could not be asked."""
        if part.asked or self._panel is None:
            return ()
        return (f"victims were not asked: they take {self.manifest.image.width}x{self.manifest.image.height}",)

    def _heatmap(self, part: Judged, row: int) -> Heatmap | None:
        """Of one image; one attack is named for all its tiles, so that the map is made of one piece."""
        if part.estimates is None:
            return None
        item, estimates, how = part.prepared[row], part.estimates[row].cpu(), ""
        told = part.outputs.attack, part.outputs.victim, part.outputs.hyperparameter
        attack, victim, values = (each[row : row + 1].cpu() for each in told)
        network, attacks = self.manifest.network, self.manifest.attacks
        if part.asked and self._panel is not None and (place := int(self._panel.turning(attack, victim))) >= 0:
            how = f"turned by a third towards the gradient of {self.asked[place].name}"
        elif network.perturbation_extractor == "pixel" and attacks[int(attack.argmax())].name == ONE_STEP:
            tiles = torch.from_numpy(item.fitted.tiles)
            each = zip(torch.split(tiles, 1), torch.split(estimates, 1), strict=True)  # all would take ten times more
            estimates = torch.cat([stepped(tile, one, attack, values, attacks) for tile, one in each])
            how = "by epsilon where a change was seen"
        return make_heatmap(estimates, item.fitted, network, item.size, how)


def _mean(outputs: Sequence[Outputs], counts: list[int]) -> Outputs:
    """Answers about tiles, pass by pass, as answers about images that have so many tiles each."""

    def over(tiles: Sequence[Tensor]) -> Tensor:
        every = torch.cat(tuple(tiles))
        return every if len(every) == len(counts) else torch.stack([own.mean(0) for own in torch.split(every, counts)])

    attack, victim, hyperparameter, _, features = zip(*outputs, strict=True)
    return Outputs(over(attack), over(victim), over(hyperparameter), None, over(features))


def batches(items: Iterable[_Tiled], size: int) -> Iterator[list[_Tiled]]:
    """Consecutive images, cut where so many of them, or of their tiles, are together."""
    batch: list[_Tiled] = []
    tiles = 0
    for item in items:
        batch.append(item)
        tiles += item.tiles
        if max(len(batch), tiles) >= size:
            yield batch
            batch, tiles = [], 0
    if batch:
        yield batch
