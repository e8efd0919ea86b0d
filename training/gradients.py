"""Batches of examples on the device, and the gradients of one batch: whole, in parts, or shared by ranks."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from core.devices import is_out_of_memory
from core.errors import DeviceError
from training.changes import changed_alike
from training.lasting import StillFools
from training.memory import Smaller, in_parts
from training.objective import Batch, Objective, Tally
from training.ranks import Ranks
from training.shards import Examples

_PIXELS = 2**20


def batch_sizes(examples: int, batch: int, smallest: int = 2) -> list[int]:
    """Sizes of an epoch's batches. Fewer than ``smallest`` left over join the batch before them: batch norm takes no
    fewer than two where the maps have shrunk to one pixel."""
    sizes = [batch] * (examples // batch)
    rest = examples % batch
    if 0 < rest < smallest and sizes:
        sizes[-1] += rest
    elif rest:
        sizes.append(rest)
    return sizes


class Batches:
    """Examples held as uint8 on the CPU, turned into float batches on the device.

    crop: side of the part that is taken of every image, where ``draw`` has put it; None for whole images. changed:
    share of the examples for which ``draw`` chooses a change. fools: what tells which attacks outlast theirs, the
    others are taken as they were made; without it all are changed.
    """

    def __init__(
        self, examples: Examples, device: torch.device, crop: int | None = None, changed: float = 0,
        fools: StillFools | None = None,
    ) -> None:  # fmt: skip
        self._device = device
        height, width = examples.adversarial.shape[-2:]
        self._crop = (height if crop is None else min(crop, height), width if crop is None else min(crop, width))
        self._corners = torch.zeros(len(examples), 2, dtype=torch.long)
        self._changed, self._fools = changed, fools
        self._changes: dict[int, int] = {}  # by row, what its change follows from
        self._coming: dict[int, Future[Tensor]] = {}
        # Beside a GPU. Without one, the network needs the cores more.
        self._pool = ThreadPoolExecutor(os.cpu_count()) if changed and device.type == "cuda" else None
        self._images = torch.from_numpy(examples.adversarial), torch.from_numpy(examples.clean)
        self._labels = (
            torch.from_numpy(examples.attack),
            torch.from_numpy(examples.victim),
            torch.from_numpy(examples.hyperparameter),
        )

    def __len__(self) -> int:
        return len(self._labels[0])

    def draw(self, generator: torch.Generator) -> None:
        """Put every image's part somewhere else, and change others."""
        self._coming.clear()
        room = torch.tensor(self._images[0].shape[-2:]) - torch.tensor(self._crop)
        self._corners = (torch.rand(len(self), 2, generator=generator) * (room + 1)).long()
        if self._changed:
            rows = torch.nonzero(torch.rand(len(self), generator=generator) < self._changed).squeeze(1)
            seeds = torch.randint(2**62, (len(rows),), generator=generator)
            self._changes = dict(zip(rows.tolist(), seeds.tolist(), strict=True))

    def begin(self, rows: Tensor) -> None:
        """Have the examples at ``rows`` changed while others are learnt from: a GPU would wait for the JPEGs."""
        if self._pool is not None:
            changing = (row for row in rows.tolist() if row in self._changes)
            self._coming |= {row: self._pool.submit(self._change, row) for row in changing}

    def _change(self, row: int) -> Tensor:
        """uint8 [2, C, H, W]: an adversarial image and its clean one after the change that was drawn for them."""
        return torch.from_numpy(changed_alike((images[row].numpy() for images in self._images), self._changes[row]))

    def _pairs(self, rows: Tensor) -> dict[int, Tensor]:
        """By row, what :meth:`_change` made of it, where the attack outlasts that.

        It is the same change of both images, so that their difference is what was left of the perturbation.
        """
        begun = {row: self._coming.pop(row, None) for row in rows.tolist() if row in self._changes}
        found = {row: self._change(row) if change is None else change.result() for row, change in begun.items()}
        if self._fools is None or not found:
            return found
        lasts = self._fools(torch.stack(list(found.values())), self._labels[1][list(found)])
        return {row: pair for (row, pair), holds in zip(found.items(), lasts.tolist(), strict=True) if holds}

    def _parts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The parts of some adversarial images and of their clean ones, uint8 [B, C, h, w] both.

        Images were changed as a whole: a part of a JPEG shows its grid anywhere.
        """
        adversarial, clean = self._images
        height, width = self._crop
        if adversarial.shape[-2:] == self._crop and not self._changes:
            return adversarial[rows], clean[rows]
        pairs, parts = self._pairs(rows), []
        for row, (top, left) in zip(rows.tolist(), self._corners[rows].tolist(), strict=True):
            pair = pairs[row] if row in pairs else (adversarial[row], clean[row])
            parts.append([image[:, top : top + height, left : left + width] for image in pair])
        return torch.stack([pair[0] for pair in parts]), torch.stack([pair[1] for pair in parts])

    def take(self, rows: Tensor) -> Batch:
        images = [to_float(part.to(self._device)) for part in self._parts(rows)]
        return Batch(*images, *(label[rows].to(self._device) for label in self._labels))


def piece_of(images: Tensor) -> int:
    """How many of [N, C, H, W] a forward pass takes well on any machine."""
    return max(1, min(256, _PIXELS // (images.shape[-2] * images.shape[-1])))


def pieces(images: Tensor) -> tuple[Tensor, ...]:
    """[N, C, H, W] in such parts."""
    return torch.split(images, piece_of(images))


def to_float(images: Tensor) -> Tensor:
    """uint8 [B, C, H, W] -> float32 in [0, 1], channels last."""
    return (images.float() / 255).contiguous(memory_format=torch.channels_last)


class Gradients:
    """Leaves the gradients of a batch's mean losses in the parameters."""

    def __init__(
        self, objective: Objective, batches: Batches, tally: Tally, ranks: Ranks, device: torch.device, *, bf16: bool
    ) -> None:
        self._network, self._objective = objective.network, ranks.replicate(objective, device)
        self._batches, self._tally, self._ranks = batches, tally, ranks
        self._device, self._bf16 = device, bf16

    def of(self, rows: Tensor, smaller: Smaller) -> tuple[Tensor, Tensor]:
        """Of the examples at ``rows``, in as few parts as the memory holds; there are to be no gradients before.

        Returns what the tally adds, of this rank's part. Raises DeviceError where not even the smallest parts fit.
        """
        while True:
            try:
                return self._accumulate(rows)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._halve(len(rows))  # not while the error holds on to what did not fit
            smaller(len(rows), self._tally.micro)

    def _accumulate(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        own = self._ranks.part(rows)
        size = self._tally.micro if self._ranks.alone else len(rows)  # ranks take as many parts as each other: one
        parts = torch.split(own, batch_sizes(len(own), size))
        found: list[tuple[Tensor, Tensor]] = []
        with in_parts(self._network, len(parts)):
            for part in parts:
                batch = self._batches.take(part)
                with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
                    losses, outputs = self._objective(batch)
                share = len(part) * self._ranks.count / len(rows)  # ranks are averaged, parts are added
                total = losses.total if share == 1 else losses.total * share
                total.backward()
                found.append(self._tally.of(batch, losses, outputs))
        sums, squares = zip(*found, strict=True)
        return torch.stack(sums).sum(0), torch.stack(squares).sum(0)

    def _halve(self, batch: int) -> None:
        """Half as many examples at once. A forward pass that failed has moved batch norm's running means a little."""
        size = min(batch, self._tally.micro)
        if size < 4 or not self._ranks.alone:
            raise DeviceError(
                f"{size} images do not fit into {self._device}'s memory.",
                "Close what else uses it, or lower training.batch or the network's width.",
            )
        self._tally.micro = size // 2
        self._objective.zero_grad(set_to_none=True)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
