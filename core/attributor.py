"""Images in, calibrated answers out: the one place where a pack's network runs for a user."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from core.adjustments import Adjustment, Kind
from core.device_thread import DeviceThread
from core.devices import choose_device, name_of
from core.errors import Cancelled, PackError, VictimError
from core.findings import findings
from core.judged import Judged, Prepared, batches, mean_over_tiles
from core.manifest import Manifest
from core.model.network import Outputs
from core.pack import Pack
from core.panel import Panel
from core.passes import Passes
from core.preprocess import prepare
from core.progress import CancelToken
from core.stitching import cut, stitched
from core.types import DEFAULT_COVERAGE, Basis, Finding, LoadedImage, Reference, Testimony
from core.victim_store import Held

_LARGEST = 2**19
"""Pixels of an image that victims are asked about at its own size: a gradient keeps all that layers made of it."""

_Asking = Literal["not", "tile", "larger"]
_Look = Literal["as it is", "scaled"]
"""How an image that is larger than the pack's is shown to victims."""


class Attributor:
    """A pack's network on a device, ready to answer, with the victims that it asks beside the image.

    asked: victims at hand (:mod:`core.victim_store`); without any, or where the pack holds no scorer, the image alone
    is judged. closed: whether one of them is known to be the victim of every attack. reference: known clean images,
    beside which its answers are told. Raises PackError, VictimError or DeviceError when it cannot be.

    PyTorch works for it in a thread of its own (:mod:`core.device_thread`), or in ``thread``.
    """

    def __init__(
        self, pack: Pack, device: str = "auto", asked: Sequence[Held] = (), *, closed: bool = False,
        reference: Reference | None = None, thread: DeviceThread | None = None,
    ) -> None:  # fmt: skip
        self.manifest: Manifest = pack.manifest
        self.device = choose_device(device)
        self.thread = DeviceThread() if thread is None else thread
        self.passes = self.thread.submit(Passes, pack, self.device, asked, closed, self.thread).result()
        self.batch = self.passes.most
        """Tiles that are judged together, of which most images have one."""
        self.reference: Reference | None = None
        if reference is not None:
            self.refer_to(reference)

    @property
    def device_name(self) -> str:
        return name_of(self.device)

    @property
    def panel(self) -> Panel | None:
        """The victims that it asks, if any."""
        return self.passes.panel

    @property
    def asked(self) -> tuple[Held, ...]:
        """The victims that are asked about every image that they can be shown as they were attacked."""
        return self.panel.held if self.panel is not None else ()

    @property
    def basis(self) -> Basis:
        """What its answers rest on besides the pack and the image."""
        asked = {victim.sha256: victim.name for victim in self.asked}
        return Basis(asked, self.panel is not None and self.panel.closed, self.reference)

    def refer_to(self, reference: Reference | None) -> None:
        """Tell answers beside these known clean images from now on. Raises PackError for those of another pack or of
        other victims than it asks.
        """
        if reference is not None:
            asked = set(reference.asked) if reference.probes else self.basis.asked.keys()
            if reference.pack_id != self.manifest.pack_id or asked != self.basis.asked.keys():
                raise PackError(
                    "The known clean images were judged by another pack, or with other victims.", "Give them again."
                )
        self.reference = reference

    @property
    def victims(self) -> list[str]:
        """The victim labels of its answers, where victims are asked."""
        return self.panel.labels if self.panel is not None else [victim.name for victim in self.manifest.victims]

    def attribute(
        self,
        images: Sequence[LoadedImage],
        *,
        coverage: float | None = None,
        heatmaps: bool = False,
        cancel: CancelToken | None = None,
    ) -> list[Finding]:
        """One finding an image, in order, before what other threads have submitted. Images may have any size and number
        of channels.

        coverage: of prediction sets and intervals; None for the default, or the nearest that the pack has. Raises
        PackError for one outside its calibrated range, DeviceError when the device runs out of memory for a single
        tile or fails, and Cancelled between two passes.
        """
        calibration = self.manifest.calibration
        coverage = calibration.nearest(DEFAULT_COVERAGE) if coverage is None else coverage
        calibration.check(coverage)
        cancel = cancel or CancelToken()
        return self.thread.first(partial(self._attribute, images, coverage, heatmaps, cancel), cancel)

    def _attribute(
        self, images: Sequence[LoadedImage], coverage: float, heatmaps: bool, cancel: CancelToken
    ) -> list[Finding]:
        found: list[Finding] = []
        prepared = (Prepared(image.sha256, prepare(image, self.manifest.image), image.size) for image in images)
        for batch in batches(prepared, self.batch):
            judged = self.judge(batch, heatmaps=heatmaps, cancel=cancel)
            found += findings(judged, self.manifest, self.panel, coverage, self.reference)
        return found

    def judge(
        self, prepared: Sequence[Prepared], *, heatmaps: bool = False, cancel: CancelToken | None = None
    ) -> list[Judged]:
        """What the network says of a batch, in parts: neighbours of one tile size that victims are asked about, or not.

        To be done by its thread.
        A larger image that victims are asked about, beyond its tiles, is a part of its own.
        heatmaps: keep what they are made of. Raises DeviceError, and Cancelled between two passes.
        """
        parts = groupby(prepared, key=lambda item: (*self._asking(item), item.fitted.tiles.shape[2:]))
        found: list[Judged] = []
        for asking, remark, _, part in ((*key, list(part)) for key, part in parts):
            if asking == "larger":
                found += [self._judge_larger(item, heatmaps, cancel) for item in part]
            elif asking == "tile":
                found += self._judge_asking(part, heatmaps, cancel)
            else:
                found.append(replace(self._judge_alike(part, False, heatmaps, cancel), remark=remark))
        return found

    def _judge_asking(self, prepared: Sequence[Prepared], heatmaps: bool, cancel: CancelToken | None) -> list[Judged]:
        """Victims are asked about all but those to which one has no answer, which are looked for by halves.

        A victim that standardises each image divides by nothing where all pixels are alike.
        """
        try:
            return [self._judge_alike(prepared, True, heatmaps, cancel)]
        except VictimError:
            if len(prepared) == 1:
                remark = Adjustment(Kind.NO_NUMBER)
                return [replace(self._judge_alike(prepared, False, heatmaps, cancel), remark=remark)]
        half = len(prepared) // 2
        return [
            judged
            for part in (prepared[:half], prepared[half:])
            for judged in self._judge_asking(part, heatmaps, cancel)
        ]

    def _asking(self, item: Prepared) -> tuple[_Asking, Adjustment | None]:
        """Whether victims can see the image as it was attacked, and what is to be said where they cannot."""
        spec = self.manifest.image
        if self.panel is None:
            return "not", None
        if item.fitted.frame == spec.shape[1:]:
            return "tile", None
        if self._looks(item):
            return "larger", None
        return "not", self._why_not(item)

    def _why_not(self, item: Prepared) -> Adjustment:
        if math.prod(item.size) > _LARGEST and self._any_size:
            return Adjustment(Kind.TOO_LARGE)
        return Adjustment(Kind.OTHER_SIZE, (self.manifest.image.size,))

    def _looks(self, item: Prepared) -> list[_Look]:
        """How victims can be shown an image that is larger than the pack's."""
        looks: list[_Look] = []
        (high, wide), (height, width) = item.size, self.manifest.image.shape[1:]
        if item.size != item.fitted.frame or high < height or wide < width or not item.fitted.complete:
            return looks
        if high * wide <= _LARGEST and self._any_size:
            looks.append("as it is")
        if round(high * width / wide) == height:  # an image of the pack's size may have been enlarged to it
            looks.append("scaled")
        return looks

    @property
    def _any_size(self) -> bool:
        """Whether victims take larger images, as far as the memory that is free lets it be tried."""
        panel = self.panel
        return panel is not None and bool(self.passes.guarded(lambda: panel.any_size))

    def _judge_larger(self, item: Prepared, heatmaps: bool, cancel: CancelToken | None) -> Judged:
        """The network looks at a larger image's tiles, and victims at all of it, as they would if it were put to them.

        It was attacked as large as it is, or enlarged afterwards, as on a screen, and a victim knows its attack only at
        the size that it was made at. So that look counts at which one of them knows it better; if none does, the one at
        the image as it is. Where the device's memory does not hold a look, or a victim has no answer, it is left out.
        """
        alone = best = replace(self._judge_alike([item], False, True, cancel), remark=self._why_not(item))
        for look in self._looks(item):
            if cancel is not None and cancel.cancelled:
                raise Cancelled
            why = Kind.NO_MEMORY
            try:
                heard = self.passes.guarded(partial(self._hear_larger, alone, look, heatmaps))
            except VictimError:
                heard, why = None, Kind.NO_NUMBER
            if heard is not None and (look == "as it is" or _known(heard) > _known(best)):
                best = heard
            elif not best.asked:
                unknown = Adjustment(Kind.UNKNOWN_SCALED, (self.manifest.image.size,))
                best = replace(best, remark=Adjustment(why) if heard is None else unknown)
        return best if heatmaps else replace(best, estimates=None)

    def _hear_larger(self, alone: Judged, look: _Look, heatmaps: bool) -> Judged:
        assert alone.estimates is not None
        fitted, estimates = alone.prepared[0].fitted, alone.estimates
        image = stitched(torch.from_numpy(fitted.tiles), fitted)[None].to(self.device)
        if look == "scaled":
            image = F.interpolate(image, self.manifest.image.shape[1:], mode="bilinear", antialias=True)
            with torch.no_grad():
                estimate = self.passes.network(image).perturbation.estimate
            heard = self.passes.answered(image, alone.outputs, estimate, drawn=False)
        else:
            estimate = stitched(estimates[0].cpu(), fitted)[None].to(self.device)
            heard = self.passes.answered(image, alone.outputs, estimate, drawn=heatmaps)
            assert heard.estimates is not None
            estimates = [cut(heard.estimates[0], fitted)]
        remark = Adjustment(Kind.SCALED, (self.manifest.image.size,)) if look == "scaled" else None
        return replace(
            alone, asked=True, scaled=look == "scaled", outputs=heard.outputs, testimonies=heard.testimonies,
            estimates=estimates, remark=remark,
        )  # fmt: skip

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
        scores: list[Tensor] = []
        for answered in self.passes.over(tiles, ask, heatmaps, cancel):
            if heatmaps and answered.estimates is not None:
                estimates.append(answered.estimates)
            outputs.append(answered.outputs)
            scores.append(answered.familiarity)
            testimonies += answered.testimonies
        counts = [item.tiles for item in prepared]
        mean, several = mean_over_tiles(outputs, counts), max(counts) > 1
        self._check(mean)
        # As the victims' word was weighed by it.
        familiarity = self.passes.scores(mean) if several else torch.cat(scores)
        return Judged(
            prepared,
            ask,
            mean,
            familiarity.tolist(),
            testimonies if ask else [()] * len(prepared),
            torch.split(torch.cat(estimates), counts) if estimates else None,
        )

    def _check(self, outputs: Outputs) -> None:
        """Raise PackError where the network's answers are no numbers: weights may be finite and yet far too large."""
        told = (outputs.attack, outputs.victim, outputs.hyperparameter, outputs.features)
        if not torch.cat([part.flatten() for part in told]).isfinite().all():
            raise PackError(
                f"What the pack {self.manifest.pack_id} answers is no number.", "Take it from where it was made again."
            )


def _known(judged: Judged) -> float:
    """The odds of the victim of one image that knows the attack for its own best; 0 where none does, or was asked."""
    return max([0.0, *(said.odds for said in judged.testimonies[0])])
