"""Train the perturbation extractor by itself, before the rest of the network, by eq. 4.

No other loss shapes its auto-encoder, and it is the slowest to learn: a perturbation is faint beside a photograph's
texture. A step of it alone costs a part of one of the whole network, whose heads then begin with what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.devices import fitting, in_bf16
from core.errors import Cancelled, ScenarioError
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from training.checkpoint import Keeper, load_checkpoint
from training.gradients import Batches
from training.losses import reconstruction_loss
from training.objective import Batch, Objective
from training.optimizer import cosine_schedule, optimizer_of
from training.ranks import Ranks
from training.scenario import TrainingSpec


class _Steps:
    """How many were taken; kept by checkpoints."""

    def __init__(self) -> None:
        self.done = 0

    def state_dict(self) -> dict[str, int]:
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.done = state["done"]


class ExtractorTraining:
    """``spec.extractor_epochs`` epochs of ``objective``'s perturbation extractor alone.

    sizes: of an epoch's batches. folder: of its checkpoint. run: what run that is of.
    """

    def __init__(
        self, objective: Objective, batches: Batches, sizes: list[int], spec: TrainingSpec, seed: int, folder: Path,
        device: torch.device, ranks: Ranks, run: dict[str, Any],
    ) -> None:  # fmt: skip
        extractor = objective.network.perturbation_extractor
        assert extractor is not None  # a scenario without one asks for no extractor_epochs
        self._extractor: nn.Module = extractor
        self._objective, self._batches, self._sizes, self._seed = objective, batches, sizes, seed
        self._device, self._ranks = device, ranks
        self._bf16 = spec.precision == "bf16" and in_bf16(device)
        self._total = (spec.extractor_epochs or 0) * len(sizes)
        self._optimizer = optimizer_of(spec, extractor.parameters())
        self._schedule = cosine_schedule(self._optimizer, spec.extractor_epochs or 1, len(sizes))
        self._steps = _Steps()
        self._folder, self._run = folder, run
        self._state = {
            "extractor": extractor, "optimizer": self._optimizer, "schedule": self._schedule, "steps": self._steps
        }  # fmt: skip

    def run(self, tell: ProgressCallback, cancel: CancelToken | None) -> None:
        """Train to the last epoch, from where the checkpoint stands.

        Raises Cancelled between two batches, ScenarioError where the loss diverges, DeviceError where a batch does not
        fit, DataError for a checkpoint of another run, DiskFullError.
        """
        load_checkpoint(self._folder, self._state, self._run)
        self._ranks.barrier()  # nobody writes before all have read
        keeper = Keeper(self._folder, self._state, self._run, writes=self._ranks.first)
        meter = ProgressMeter(
            "training the auto-encoder", self._total, tell, already_done=self._steps.done, cancel=cancel
        )
        self._extractor.train()
        begun = self._steps.done
        try:
            for rows in self.left():
                if cancel is not None:
                    cancel.check()
                self.step(rows)
                meter.advance(1)
                if keeper.due or (cancel is not None and cancel.paused):
                    keeper.save([])
        except Cancelled:
            if self._steps.done > begun:
                keeper.save([])
            raise
        if self._steps.done > begun:
            keeper.save([])

    def left(self) -> Iterator[Tensor]:
        """The rows of the batches that are left."""
        per_epoch = len(self._sizes)
        while self._steps.done < self._total:
            epoch, step = divmod(self._steps.done, per_epoch)
            generator = torch.Generator().manual_seed((self._seed << 16) + (1 << 15) + epoch)
            order = torch.randperm(len(self._batches), generator=generator)
            self._batches.draw(generator)
            batches = torch.split(order, self._sizes)[step:]
            for at, rows in enumerate(batches):
                for coming in batches[at + 1 : at + 2]:
                    self._batches.begin(self._ranks.part(coming))
                yield rows

    def step(self, rows: Tensor) -> None:
        """One batch, of which this rank takes its part."""
        own, count = self._ranks.part(rows), len(rows)
        self._optimizer.zero_grad(set_to_none=True)
        with fitting(
            f"{count} images do not fit into {self._device}'s memory.",
            "Close what else uses it, or lower training.batch or the network's width.",
        ):
            loss = self._loss(self._batches.take(own)) * (len(own) / count)
            loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self._extractor.parameters() if p.grad is not None]
        self._ranks.add_up(*gradients)
        if not torch.stack([g.isfinite().all() for g in gradients]).all():  # on every rank alike
            raise ScenarioError(
                "The auto-encoder's loss diverged.", f"Lower training.learning_rate, and delete {self._folder}."
            )
        self._optimizer.step()
        self._schedule.step()
        self._steps.done += 1

    def _loss(self, batch: Batch) -> Tensor:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            found = self._extractor(batch.adversarial)
            clean = self._objective.clean_map(batch.clean)  # rounded alike, or the difference is of roundings
        return reconstruction_loss(found.estimate, found.feature_map, clean)
