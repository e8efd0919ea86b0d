"""Train the MTAA network on generated examples: eq. 4 for the auto-encoder, eq. 14 for the three tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.calibration import Task
from core.devices import in_bf16
from core.errors import Cancelled, ScenarioError
from core.manifest import AttackLabel, ImageSpec
from core.model.network import MTAA, Outputs
from core.pack import find_pack, load_pack
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from training.checkpoint import Keeper, load_checkpoint
from training.extractor import ExtractorTraining
from training.gradients import Batches, Gradients, batch_sizes, piece_of, to_float
from training.grow import check_keep, check_start, copy_of, keep, start_from
from training.lasting import StillFools
from training.losses import Losses, UncertaintyWeighted
from training.memory import Pieces, Smaller
from training.objective import Objective, Tally
from training.optimizer import cosine_schedule, optimizer_of
from training.ranks import Ranks
from training.scenario import Scenario
from training.shards import Examples


@dataclass(frozen=True, slots=True)
class EpochReport:
    """Means over one epoch of the losses and accuracies on the training examples, and the sigmas at its end.

    rmse: by attack, in its label's unit, under the true attack; of attacks with a hyperparameter. All are measured as
    the weights move, and no example is held out for them: the calibration split stays unseen until its fit, the test
    split until the finished pack, and nothing is chosen by a curve.
    """

    epoch: int
    losses: dict[str, float]
    attack_accuracy: float
    victim_accuracy: float
    sigma: dict[Task, float]
    rmse: dict[str, float] = field(default_factory=dict)


def run_of(scenario: Scenario, labels: list[AttackLabel]) -> dict[str, Any]:
    """What a scenario says of the run that a checkpoint is of."""
    return {
        "settings": scenario.training.model_dump(exclude={"kept"}),  # which matters once training has ended
        "network": scenario.network.model_dump(), "seed": scenario.seed,
        "labels": [label.model_dump(exclude_defaults=True) for label in labels], "victims": scenario.victim_names,
    }  # fmt: skip


class Trainer:
    """One training run. ``run`` goes on from the checkpoint in ``folder`` if there is one.

    ranks: processes that train together, each on its part of every batch; without it this process is alone. Batch norm
    spans all parts, so that the result is a single process's up to rounding. All see the same ``folder``; the first
    writes there. fools: what tells which examples may be shown changed, where the scenario asks for that; without it
    all may.
    """

    def __init__(
        self, scenario: Scenario, labels: list[AttackLabel], image: ImageSpec, train: Examples, folder: Path,
        device: torch.device, ranks: Ranks | None = None, fools: StillFools | None = None,
    ) -> None:  # fmt: skip
        torch.manual_seed(scenario.seed)
        self._scenario, self._labels, self._folder, self._device = scenario, labels, folder, device
        self._spec, self._ranks = scenario.training, ranks or Ranks.single()
        self.network = MTAA(scenario.network, image, labels, len(scenario.victim_names))
        self.weighting = UncertaintyWeighted(weighted=scenario.network.uncertainty_weighted)
        self._run = run_of(scenario, labels) | {"examples": train.digest()}
        self.start = load_pack(find_pack(self._spec.start)) if self._spec.start else None
        if self.start is not None:
            check_start(self.start.manifest, scenario.network, image, labels, scenario.victim_names)
            if self._spec.kept is not None:
                check_keep(self.start.manifest, labels, scenario.victim_names)
            start_from(self.start, self.network, self.weighting, labels, scenario.victim_names)
            self._run["start"] = self.start.manifest.weights_sha256
        self._before = None if self._spec.kept is None else copy_of(self.network)
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weighting.to(device)
        self._objective = objective = Objective(self.network, self.weighting, labels).to(device)
        self._sizes = batch_sizes(len(train), self._spec.batch, 2 * self._ranks.count)
        if min(self._sizes) < 2 * self._ranks.count and not self._ranks.alone:
            raise ScenarioError(
                f"A batch of {min(self._sizes)} is too small for {self._ranks.count} processes.",
                "Raise training.batch to twice their number, or start fewer.",
            )
        self._steps = len(self._sizes)
        self._examples = len(train)
        self._tally = Tally(len(labels), max(self._sizes), device)
        self._batches = Batches(train, device, scenario.network.crop, self._spec.changed or 0, fools)
        bf16 = self._spec.precision == "bf16" and in_bf16(device)
        self._gradients = Gradients(objective, self._batches, self._tally, self._ranks, device, bf16=bf16)
        sigmas = self.weighting.parameters() if self.weighting.weighted else ()
        self.optimizer = optimizer_of(self._spec, self.network.parameters(), free=sigmas)
        self.schedule = cosine_schedule(self.optimizer, self._spec.epochs, self._steps)

    def run(
        self,
        *,
        tell: ProgressCallback = lambda _: None,
        report: Callable[[EpochReport], None] = lambda _: None,
        cancel: CancelToken | None = None,
        smaller: Smaller = lambda _batch, _part: None,
    ) -> list[EpochReport]:
        """Train to the last epoch; returns the report of every epoch, resumed ones included.

        report: told each epoch as it ends. smaller: told the batch and how many of its examples go through the network
        at once from now on, where the memory did not hold more. Raises Cancelled between two batches, after which
        another run goes on from there, ScenarioError where the settings make the loss diverge, DeviceError where not
        even the fewest examples fit, DataError for a checkpoint of another run, DiskFullError.
        """
        if self._spec.extractor_epochs:
            self.extractor().run(tell, cancel)
        state = {
            "network": self.network,
            "weighting": self.weighting,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "tally": self._tally,
        }
        history: list[dict[str, Any]] = load_checkpoint(self._folder, state, self._run, optional=("tally",))
        self._ranks.barrier()  # nobody writes before all have read
        keeper = Keeper(self._folder, state, self._run, writes=self._ranks.first)
        done = len(history) * self._steps + self._tally.step
        meter = ProgressMeter("training", self._steps * self._spec.epochs, tell, already_done=done, cancel=cancel)
        for epoch in range(len(history), self._spec.epochs):
            try:
                for _ in self.steps(epoch, cancel, smaller):
                    meter.advance(1)
                    standing = cancel is not None and cancel.paused
                    if (keeper.due or standing) and self._amid_epoch:
                        keeper.save(history)
            except Cancelled:
                if self._amid_epoch:
                    keeper.save(history)
                raise
            history.append(self._report(epoch))
            self._tally.clear()
            keeper.save(history)
            report(EpochReport(**history[-1]))
        if self._before is not None and self._spec.kept is not None:
            keep(self._before, self.network, self._spec.kept)
        return [EpochReport(**past) for past in history]

    def extractor(self) -> ExtractorTraining:
        """The training of the perturbation extractor that comes first."""
        return ExtractorTraining(
            self._objective, self._batches, self._sizes, self._spec, self._scenario.seed, self._folder / "extractor",
            self._device, self._ranks, self._run,
        )  # fmt: skip

    def steps(
        self, epoch: int, cancel: CancelToken | None = None, smaller: Smaller = lambda _batch, _part: None
    ) -> Iterator[None]:
        """The steps that an epoch has left, one at a time."""
        self.network.train()
        generator = torch.Generator().manual_seed((self._scenario.seed << 16) + epoch)
        order = torch.randperm(self._examples, generator=generator)
        self._batches.draw(generator)
        left = torch.split(order, self._sizes)[self._tally.step :]
        for at, rows in enumerate(left):
            if cancel is not None:
                cancel.check()
            for coming in left[at + 1 : at + 2]:
                self._batches.begin(self._ranks.part(coming))
            self.optimizer.zero_grad(set_to_none=True)
            found = self._gradients.of(rows, smaller)
            self.optimizer.step()
            self.schedule.step()
            self._ranks.add_up(*found)
            self._tally.add(*found)
            yield

    @property
    def _amid_epoch(self) -> bool:
        """Whether there is something to save that the last epoch's checkpoint lacks, and worth going on with."""
        return 0 < self._tally.step < self._steps and bool(self._tally.sums.isfinite().all())

    def _report(self, epoch: int) -> dict[str, Any]:
        means = (self._tally.sums / self._examples).tolist()
        if not all(map(math.isfinite, means)):
            raise ScenarioError(
                f"The loss diverged in epoch {epoch + 1}.",
                f"Lower training.learning_rate or set training.precision to fp32, and delete {self._folder}.",
            )
        return {
            "epoch": epoch,
            "losses": dict(zip(Losses._fields, means, strict=False)),
            "attack_accuracy": means[-2],
            "victim_accuracy": means[-1],
            "sigma": self.weighting.sigma,
            "rmse": self._tally.rmse(self._labels),
        }


@dataclass(frozen=True, slots=True)
class RawAnswers:
    """Uncalibrated answers over N examples, on the CPU in float32."""

    attack: Tensor
    victim: Tensor
    hyperparameter: Tensor
    features: Tensor

    def at(self, rows: Tensor) -> RawAnswers:
        """Those to some of the examples."""
        return RawAnswers(self.attack[rows], self.victim[rows], self.hyperparameter[rows], self.features[rows])

    @classmethod
    def joined(cls, parts: Sequence[RawAnswers]) -> RawAnswers:
        """One part after the other."""
        columns = zip(*((p.attack, p.victim, p.hyperparameter, p.features) for p in parts), strict=True)
        attack, victim, hyperparameter, features = map(torch.cat, columns)
        return cls(attack, victim, hyperparameter, features)


@torch.inference_mode()
def answer(
    network: nn.Module, images: Tensor, device: torch.device, *, advance: Callable[[int], None] = lambda _: None,
    estimated: Callable[[Tensor], None] = lambda _: None,
) -> RawAnswers:  # fmt: skip
    """Run a network in float32 over uint8 images [N, C, H, W]; fewer at once where the device does not hold a piece.

    advance: told how many images each piece had. estimated: given the estimate of each piece's perturbations, float32
    [n, F, h, w] on the CPU, one after the other, where the network makes one: of all of them at once it would be four
    times the images.
    """
    network.eval()
    columns: tuple[list[Tensor], ...] = ([], [], [], [])

    def of(part: slice) -> None:
        outputs: Outputs = network(to_float(images[part].to(device)))
        wanted = outputs.attack, outputs.victim, outputs.hyperparameter, outputs.features
        told = [value.cpu() for value in wanted]
        estimate = None if outputs.perturbation is None else outputs.perturbation.estimate.cpu()
        for column, value in zip(columns, told, strict=True):
            column.append(value)
        if estimate is not None:
            estimated(estimate)
        advance(len(told[0]))

    Pieces(piece_of(images), device).of(len(images), of)
    attack, victim, hyperparameter, features = map(torch.cat, columns)
    return RawAnswers(attack, victim, hyperparameter, features)
