"""Images in, calibrated answers out: the one place where a pack's network runs for a user."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from core.answers import Answers
from core.devices import choose_device, fitting, is_out_of_memory
from core.errors import Cancelled, DeviceError, VictimError
from core.heatmap import make_heatmap
from core.judged import Answered, Judged, Prepared, batches, mean_over_tiles
from core.manifest import Manifest
from core.model.network import Outputs
from core.pack import Pack, build_network
from core.panel import Panel
from core.perturbation import ONE_STEP, stepped
from core.preprocess import prepare
from core.progress import CancelToken
from core.stitching import cut, stitched
from core.types import DEFAULT_COVERAGE, Attribution, Familiarity, Finding, FloatArray, Heatmap, LoadedImage, Testimony
from core.victim_store import Held

BATCH = 128
"""Tiles a forward pass, where they are small."""

_CPU_PIXELS = 2**19
"""Network pixels a forward pass on the CPU: a batch of larger images would keep a cancel waiting for seconds."""

_LARGEST = 2**19
"""Pixels of an image that victims are asked about at its own size: a gradient keeps all that layers made of it."""

_Asking = Literal["not", "tile", "whole"]
_Made = TypeVar("_Made")

_NO_MEMORY = "victims were not asked: the memory does not hold it"
_NO_NUMBER = "victims were not asked: what one says of it is no number"


class Attributor:
    """A pack's network on a device, ready to answer, with the victims that it asks beside the image.

    asked: victims at hand (:mod:`core.victim_store`); without any, or where the pack holds no scorer, the image alone
    is judged. Raises PackError, VictimError or DeviceError when it cannot be.
    """

    def __init__(self, pack: Pack, device: str = "auto", asked: Sequence[Held] = ()) -> None:
        self.manifest: Manifest = pack.manifest
        self.device = choose_device(device)
        self._network = build_network(pack).requires_grad_(False)
        self._panel: Panel | None = None
        several = f" and the {len(asked)} victims to ask" if asked else ""
        beside = " and the victim to ask" if len(asked) == 1 else several
        with fitting(
            f"{self.device_name} has not enough free memory for the pack{beside}.",
            "Close other programs that use it, ask fewer victims, or choose another device.",
        ):
            self._network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            if asked and self._network.scorer is not None and pack.manifest.probes is not None:
                self._panel = Panel(asked, pack.manifest, self._network.scorer, self.device)
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
        """The victims that are asked about every image that they can be shown as they were attacked."""
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

        An image that victims are asked about as a whole, beyond its tiles, is a part of its own.
        heatmaps: keep what they are made of. Raises DeviceError, and Cancelled between two passes.
        """
        parts = groupby(prepared, key=lambda item: (self._asking(item), item.fitted.tiles.shape[2:]))
        found: list[Judged] = []
        for (asking, _), part in parts:
            if asking == "whole":
                found += [self._judge_whole(item, heatmaps, cancel) for item in part]
            elif asking == "tile":
                found += self._judge_asking(list(part), heatmaps, cancel)
            else:
                found.append(self._judge_alike(list(part), False, heatmaps, cancel))
        return found

    def _judge_asking(self, prepared: Sequence[Prepared], heatmaps: bool, cancel: CancelToken | None) -> list[Judged]:
        """Victims are asked about all; where one has no answer to some image, about each by itself, and not about that.

        A victim that standardises each image divides by nothing where all pixels are alike.
        """
        try:
            return [self._judge_alike(prepared, True, heatmaps, cancel)]
        except VictimError:
            if len(prepared) == 1:
                return [replace(self._judge_alike(prepared, False, heatmaps, cancel), unasked=_NO_NUMBER)]
        return [judged for item in prepared for judged in self._judge_asking([item], heatmaps, cancel)]

    def _asking(self, item: Prepared) -> _Asking:
        """Whether victims see the image as they were attacked: at the pack's size, or at its own where they take it."""
        fitted, size = item.fitted, self.manifest.image.shape[1:]
        if self._panel is None:
            return "not"
        if fitted.frame == size:
            return "tile"
        larger = item.size == fitted.frame and min(a - b for a, b in zip(item.size, size, strict=True)) >= 0
        fits = fitted.complete and math.prod(item.size) <= _LARGEST
        return "whole" if larger and fits and self._any_size else "not"

    @property
    def _any_size(self) -> bool:
        """Whether victims take larger images, as far as the memory that is free lets it be tried."""
        panel = self._panel
        return panel is not None and bool(self._guarded(lambda: panel.any_size))

    def _judge_whole(self, item: Prepared, heatmaps: bool, cancel: CancelToken | None) -> Judged:
        """The network looks at an image's tiles, and victims at all of it, as they would if it were put to them.

        Where the device's memory does not hold that, or one of them has no answer, they are not asked.
        """
        alone = self._judge_alike([item], False, True, cancel)
        if cancel is not None and cancel.cancelled:
            raise Cancelled
        answered, unasked = None, _NO_MEMORY
        try:
            answered = self._guarded(lambda: self._hear_whole(alone))
        except VictimError:
            unasked = _NO_NUMBER
        if answered is None:
            return replace(alone, unasked=unasked, estimates=alone.estimates if heatmaps else None)
        estimates = None
        if heatmaps and answered.estimates is not None:
            estimates = [cut(answered.estimates[0], item.fitted)]
        return Judged([item], True, answered.outputs, alone.familiarity, answered.testimonies, estimates)

    def _hear_whole(self, alone: Judged) -> Answered:
        assert self._panel is not None and alone.estimates is not None
        fitted = alone.prepared[0].fitted
        image = stitched(torch.from_numpy(fitted.tiles), fitted)[None].to(self.device)
        estimate = stitched(alone.estimates[0].cpu(), fitted)[None].to(self.device)
        return self._answered(image, alone.outputs, estimate, drawn=True)

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
            if heatmaps and answered.estimates is not None:
                estimates.append(answered.estimates)
            outputs.append(answered.outputs)
            testimonies += answered.testimonies
        counts = [item.tiles for item in prepared]
        mean = mean_over_tiles(outputs, counts)
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

        def work() -> Answered:
            batch = torch.from_numpy(tiles).to(self.device).contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(not ask or self._panel is None):  # no gradient passes through its tensors
                outputs: Outputs = self._network(batch)
            estimates = None if outputs.perturbation is None else outputs.perturbation.estimate
            said = outputs._replace(perturbation=None)
            if not ask or estimates is None:
                return Answered(said, [()] * len(tiles), estimates)
            return self._answered(batch, said, estimates, drawn=heatmaps)

        return self._guarded(work)

    def _answered(self, images: Tensor, outputs: Outputs, estimates: Tensor, *, drawn: bool) -> Answered:
        """What is said of images [B, C, H, W] and the estimates of their perturbations once victims were asked.

        drawn: whether the victims are to say what they can of where perturbations lie.
        """
        assert self._panel is not None
        sharp = stepped(images, estimates, outputs.attack, outputs.hyperparameter, self.manifest.attacks)
        heard = self._panel.hear(images, outputs, sharp)
        if drawn:
            estimates = self._panel.drawn(images, estimates, heard)
        return Answered(heard.outputs, self._panel.testimonies(heard), estimates)

    def _guarded(self, work: Callable[[], _Made]) -> _Made | None:
        """What ``work`` gives, or None where the device's memory does not hold it."""
        try:
            return work()
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
                    adjustments=item.fitted.adjustments + self._not_asked(part, item),
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

    def _not_asked(self, part: Judged, item: Prepared) -> tuple[str, ...]:
        """Said where victims are at hand and could not be asked."""
        if part.asked or self._panel is None:
            return ()
        if part.unasked:
            return (part.unasked,)
        if math.prod(item.size) > _LARGEST and self._any_size:
            return ("victims were not asked: more than half a megapixel",)
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
