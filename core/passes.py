"""A pack's network on its device, and the victims that are asked beside it: answers about tiles, a pass at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from core.device_thread import DeviceThread
from core.devices import fitting, is_out_of_memory, name_of
from core.errors import Cancelled, DeviceError
from core.folding import fold_batch_norms
from core.judged import Answered
from core.model.network import Outputs
from core.pack import Pack, build_network
from core.panel import Panel
from core.perturbation import stepped
from core.progress import CancelToken
from core.types import FloatArray
from core.victim_store import Held

_Made = TypeVar("_Made")


BATCH = 128
"""Tiles a pass, where they are small."""

_CPU_PIXELS = 2**18
"""Network pixels a pass on the CPU, whose rate is no higher with more: a batch of larger images would keep a cancel or
a look waiting for seconds, and its layers' maps would fill the memory."""

_ASKED = 64
"""Tiles a pass on the CPU where victims are asked, which takes longer."""


class Passes:
    """Everything that the device computes for an attributor; made and used in ``thread``.

    panel: the victims, if any are asked. most: tiles a pass, halved for good whenever the device runs out of memory.
    Raises PackError, VictimError or DeviceError where the pack or a victim cannot be used there.
    """

    def __init__(
        self, pack: Pack, device: torch.device, asked: Sequence[Held], closed: bool, thread: DeviceThread
    ) -> None:  # fmt: skip
        self.device, self.network = device, build_network(pack).requires_grad_(False)
        fold_batch_norms(self.network)
        self.panel: Panel | None = None
        self._manifest, self._thread = pack.manifest, thread
        several = f" and the {len(asked)} victims to ask" if asked else ""
        beside = " and the victim to ask" if len(asked) == 1 else several
        with fitting(
            f"{name_of(device)} has not enough free memory for the pack{beside}.",
            "Close other programs that use it, ask fewer victims, or choose another device.",
        ):
            self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            if asked and self.network.scorer is not None and pack.manifest.probes is not None:
                self.panel = Panel(asked, pack.manifest, self.network.scorer, device, closed)
        self.most = BATCH
        if device.type == "cpu":
            image, most = pack.manifest.image, BATCH if self.panel is None else _ASKED
            self.most = max(1, min(most, _CPU_PIXELS // (image.height * image.width)))

    def over(
        self, tiles: Sequence[FloatArray], ask: bool, heatmaps: bool, cancel: CancelToken | None
    ) -> Iterator[Answered]:
        """As many passes as the device's memory asks for."""
        start = 0
        while start < len(tiles):
            if cancel is not None and cancel.cancelled:
                raise Cancelled
            self._thread.attend()
            part = tiles[start : start + self.most]
            answered = self.forward(np.stack(part), ask, heatmaps)
            if answered is not None:
                yield answered
                start += len(part)
            elif len(part) > 1:
                self.most = len(part) // 2
            else:
                raise DeviceError(
                    f"{name_of(self.device)} has not enough free memory for one image.",
                    "Close other programs that use it, or choose another device.",
                )

    def forward(self, tiles: FloatArray, ask: bool, heatmaps: bool = False) -> Answered | None:
        """What is said of [B, C, h, w], or None where the device's memory does not hold the work.

        heatmaps: let the victims say what they can of where perturbations lie.
        """

        def work() -> Answered:
            batch = torch.from_numpy(tiles).to(self.device).contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(not ask or self.panel is None):  # no gradient passes through its tensors
                outputs: Outputs = self.network(batch)
            estimates = None if outputs.perturbation is None else outputs.perturbation.estimate
            said = outputs._replace(perturbation=None)
            if not ask or estimates is None:
                return Answered(said, self.scores(said), [()] * len(tiles), estimates)
            return self.answered(batch, said, estimates, drawn=heatmaps)

        return self.guarded(work)

    def answered(self, images: Tensor, outputs: Outputs, estimates: Tensor, *, drawn: bool) -> Answered:
        """What is said of images [B, C, H, W] and the estimates of their perturbations once victims were asked.

        drawn: whether the victims are to say what they can of where perturbations lie.
        """
        assert self.panel is not None
        sharp = stepped(images, estimates, outputs.attack, outputs.hyperparameter, self._manifest.attacks)
        scores = self.scores(outputs)
        heard = self.panel.hear(images, outputs, sharp, scores <= self._manifest.calibration.familiarity_threshold)
        if drawn:
            estimates = self.panel.drawn(images, estimates, heard)
        return Answered(heard.outputs, scores, self.panel.testimonies(heard), estimates)

    @torch.no_grad()
    def scores(self, outputs: Outputs) -> Tensor:
        scores: Tensor = self.network.familiarity(outputs.features)
        return scores

    def guarded(self, work: Callable[[], _Made]) -> _Made | None:
        """What ``work`` gives, or None where the device's memory does not hold it."""
        try:
            return work()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # outside the handler, whose traceback still held the tensors
        return None
