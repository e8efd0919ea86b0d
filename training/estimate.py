"""How long a scenario's run takes on this device and what it takes on disk, from a trial of a few batches of each kind.

Victims that are trained here are tried untrained: their passes take what they will take. Attacks are tried on images of
all grid values; how many of them fool a trained victim is known only of victims that are there already. Others are
counted as if every image did, and beside that the most, with all attempts that the scenario allows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.devices import wait_for
from core.labels import CLEAN
from core.manifest import AttackLabel
from core.probes import PROBES, ask
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim, load_folded
from training.attacks import Attack
from training.attacks.base import Oracle, cross_entropy
from training.budget import Room, answers_bytes, example_bytes, room, victim_bytes
from training.counts import examples_asked_about, examples_changed, examples_made
from training.export import images_measured
from training.figures import FEATURE_POINTS, feature_map
from training.fit_scorer import STEPS, fit_scorer
from training.gradients import batch_sizes
from training.memory import Pieces, at_once
from training.naming import batch_of, named_by
from training.plan import attack_labels, image_of, make_attacks
from training.probe import Asked
from training.scenario import AttackSpec, Scenario, VictimSpec
from training.screening import look_through
from training.shards import Examples
from training.sources import SPLITS, CleanImages
from training.train_victim import BATCH, VictimTraining, step_count
from training.trainer import Trainer, answer

_IMAGES = 16
"""Images of one trial on the CPU; a GPU is only busy with a whole batch."""

_STEPS = 3
_POINTS = 250
"""Points of the trial t-SNE."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the run. kind: "victim", "attack", "network", "results", "asking" or "weighing". name: of the victim or
    the attack.

    number: images that a victim learns from, examples to be made, to be learnt from, to be measured on, and answers
    that the victims give and that are then learned from.
    seconds: expected; most: where an attack needs all its attempts. bytes: on disk.
    """

    kind: str
    name: str
    number: int
    seconds: float
    most: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    stages: list[Stage]
    room: Room

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)

    @property
    def most(self) -> float:
        return sum(stage.most for stage in self.stages)


@dataclass(frozen=True, slots=True)
class _Tried:
    """Seconds of a training step, of looking at a clean image, of an answer where the victim is asked, and of attacking
    an image by the entry's key, with the share of images that fooled the victim, None where that is not trained yet."""

    step: float
    look: float
    answer: float
    attacks: dict[str, tuple[float, float | None]]


_Kind = Path | tuple[str, str | None]


def estimate(
    scenario: Scenario, clean: CleanImages, victims: Path, device: torch.device,
    tell: ProgressCallback = lambda _: None, cancel: CancelToken | None = None,
) -> Estimate:  # fmt: skip
    """Try everything once. victims: folder that may hold some of the scenario's victims.

    Raises Cancelled between two trials, and what the run itself would raise for an entry that cannot work.
    """
    attacks, labels = make_attacks(scenario), attack_labels(scenario)
    kinds: dict[_Kind, VictimSpec] = {_kind(spec, victims): spec for spec in scenario.victims}
    asking = int(scenario.probes is not None)
    meter = ProgressMeter("trial", len(kinds) * (2 + asking + len(attacks)) + 2 + asking, tell, cancel=cancel)

    def done() -> None:
        meter.advance(1)
        if cancel is not None:
            cancel.check()

    tried = {
        kind: _try_victim(scenario, spec, attacks, clean, victims / spec.saved_as, device, done)
        for kind, spec in kinds.items()
    }
    of_victims = [(spec, tried[_kind(spec, victims)]) for spec in scenario.victims]
    stages = [_training_of(spec, found, clean) for spec, found in of_victims if not (victims / spec.saved_as).exists()]
    stages += [_attacks_of(scenario, entry, of_victims, clean) for entry in scenario.attacks]
    needed = room(scenario, labels, clean, victims)
    stages += _try_network(scenario, labels, of_victims, clean, device, needed.network, done)
    return Estimate(stages, needed)


def _kind(spec: VictimSpec, victims: Path) -> _Kind:
    """What takes as long as another: victims of one architecture that are trained alike, else each file by itself."""
    path = victims / spec.saved_as
    return path if path.exists() else (spec.architecture, spec.augmentation)


def _try_victim(
    scenario: Scenario, spec: VictimSpec, attacks: list[Attack], clean: CleanImages, path: Path, device: torch.device,
    done: Callable[[], None],
) -> _Tried:  # fmt: skip
    if path.exists():
        victim, step = load_folded(path)[0].to(device), 0.0
    else:
        augmentation = spec.augmentation or "shift"
        least = (2 + _STEPS) * BATCH[augmentation] / len(clean.rows("train"))
        longer = max(spec.passes + 1, least)  # the trial's steps must not end its cycle of the learning rate
        training = VictimTraining(
            spec.architecture, clean, name=spec.label, passes=longer, seed=0, device=device, augmentation=augmentation,
        )  # fmt: skip
        training.step()
        step = _seconds(training.step, device, _STEPS)
        victim = training.victim.to(memory_format=torch.contiguous_format).frozen()
    done()
    clean = named_by(victim, _few(clean, scenario.batch if device.type == "cuda" else _IMAGES))
    rows = clean.rows("train")
    look_through(victim, clean, rows[:2])
    look = _seconds(lambda: look_through(victim, clean, rows), device) / len(rows)
    done()
    answering = 0.0
    if scenario.probes is not None:
        answering = _answering(victim, clean, rows, device)
        done()
    found = {}
    for precision in {attack.precision for attack in attacks}:  # what is made ready once does not count
        images, labels = batch_of(clean, rows[:2], device)
        Oracle(victim, precision).gradient(images, cross_entropy(labels))
    for entry, attack in zip(scenario.attacks, attacks, strict=True):
        begun = time.perf_counter()
        share = _attack(victim, clean, entry, attack, rows, device)
        found[entry.key] = ((time.perf_counter() - begun) / len(rows), share if path.exists() else None)
        done()
    return _Tried(step, look, answering, found)


def _answering(victim: Victim, clean: CleanImages, rows: NDArray[np.int64], device: torch.device) -> float:
    """Seconds of asking about one image, in company."""
    images, _ = batch_of(clean, rows, device)
    pair, still = [victim, victim], torch.zeros_like(images)
    ask(pair, images[:2], still[:2])  # what is made ready once does not count
    pieces = Pieces(len(rows), device)

    def ask_all() -> None:
        pieces.of(len(rows), lambda part: ask(pair, images[part], still[part]))

    return _seconds(ask_all, device) / len(rows) / len(pair)


def _few(clean: CleanImages, count: int) -> CleanImages:
    """So many training images by themselves."""
    rows = clean.rows("train")[:count]
    return replace(clean, images=clean.images[rows], labels=clean.labels[rows], split=clean.split[rows])


def _attack(
    victim: Victim, clean: CleanImages, entry: AttackSpec, attack: Attack, rows: NDArray[np.int64],
    device: torch.device,
) -> float:  # fmt: skip
    """Attack the images with values from all over the grid; returns the share that fooled the victim."""
    grid = np.asarray(entry.grid.values, np.float32)
    values = attack.own_units(grid[np.linspace(0, len(grid) - 1, len(rows)).round().astype(int)])
    generator = torch.Generator().manual_seed(0)

    def fooled(part: slice) -> Tensor:
        images, labels = batch_of(clean, rows[part], device)
        return attack(victim, images, labels, values[part], eight_bit=True, generator=generator).success

    pieces = Pieces(at_once(victim, clean.images.shape[2:], len(rows)), device)
    return float(torch.cat(pieces.of(len(rows), fooled)).float().mean())


def _training_of(spec: VictimSpec, found: _Tried, clean: CleanImages) -> Stage:
    images = len(clean.rows("train"))
    seconds = step_count(images, spec.passes, BATCH[spec.augmentation or "shift"]) * found.step
    return Stage("victim", spec.label, round(images * spec.passes), seconds, seconds, victim_bytes(spec, clean))


def _attacks_of(
    scenario: Scenario, entry: AttackSpec, victims: list[tuple[VictimSpec, _Tried]], clean: CleanImages
) -> Stage:
    """One entry's examples against all victims; the look at the clean images beforehand is shared by the entries."""
    number, seconds, most = 0, 0.0, 0.0
    for spec, found in victims:
        counts = scenario.cell(spec.label, entry).model_dump()
        wanted = sum(counts.values()) * entry.grid.count
        pools = {split: min(len(clean.rows(split)), getattr(scenario.clean.pool, split)) for split in SPLITS}
        looking = sum(pools[split] for split in SPLITS if counts[split]) * found.look / len(scenario.attacks)
        each, share = found.attacks[entry.key]
        tries = 1.0 if share is None else min(1 / max(share, 1 / entry.attempts), entry.attempts)
        number += wanted
        seconds += looking + wanted * tries * each
        most += looking + wanted * entry.attempts * each
    return Stage("attack", entry.title, number, seconds, most, number * example_bytes(clean.shape))


def _try_network(
    scenario: Scenario, labels: list[AttackLabel], victims: list[tuple[VictimSpec, _Tried]], clean: CleanImages,
    device: torch.device, network_bytes: int, done: Callable[[], None],
) -> list[Stage]:  # fmt: skip
    batch = scenario.training.batch
    fresh = scenario.model_copy(update={"training": scenario.training.model_copy(update={"start": None})})
    examples = _stand_ins(clean, labels, len(scenario.victim_names), batch * (1 + _STEPS))
    trainer = Trainer(fresh, labels, image_of(clean.shape, fresh), examples, Path(), device)
    steps = trainer.steps(0)
    next(steps)
    step = _seconds(lambda: next(steps), device, _STEPS)
    alone = _extractor_step(trainer, device) if scenario.training.extractor_epochs else 0.0
    done()
    made = {split: examples_made(scenario, split) for split in SPLITS}
    epochs, extractor_epochs = scenario.training.epochs, scenario.training.extractor_epochs or 0
    learning = len(batch_sizes(made["train"], batch)) * (epochs * step + extractor_epochs * alone)
    changed = (scenario.training.changed or 0) * made["train"] * (epochs + extractor_epochs)
    learning += changed * 2 * sum(found.look for _, found in victims) / len(victims)  # at an image and its clean one
    images = torch.from_numpy(examples.adversarial[:batch])
    each = _seconds(lambda: answer(trainer.network, images, device), device) / batch
    points = min(FEATURE_POINTS, made["test"])
    few = np.random.default_rng(0).normal(size=(min(points, _POINTS), 256)).astype(np.float32)
    drawing = _seconds(lambda: feature_map(few, np.zeros(len(few), int), np.zeros(len(few), int)), device)
    looked_at = images_measured(*(made[split] for split in SPLITS), changed=bool(scenario.training.changed))
    at_pairs = 2 * examples_changed(scenario) * sum(found.look for _, found in victims) / len(victims)
    measured = looked_at * each + at_pairs + drawing * points / max(len(few), 1)
    done()
    stages = [
        Stage("network", "", made["train"] * epochs, learning, learning, network_bytes),
        Stage("results", "", made["test"], measured, measured, 0),
    ]
    if scenario.probes is not None:
        stages += _asking_of(scenario, labels, victims, each, clean.classes)
        done()
    return stages


def _extractor_step(trainer: Trainer, device: torch.device) -> float:
    training = trainer.extractor()
    rows = training.left()
    training.step(next(rows))
    return _seconds(lambda: training.step(next(rows)), device)


def _asking_of(
    scenario: Scenario,
    labels: list[AttackLabel],
    victims: list[tuple[VictimSpec, _Tried]],
    look: float,
    classes: int,
) -> list[Stage]:
    """Asking all victims about what the network saw first, and fitting the scorer to their answers."""
    rows = examples_asked_about(scenario) + examples_changed(scenario) // 2
    answers = _stand_in_answers(labels, len(victims))
    given = rows * len(victims)
    asking = rows * (look + sum(found.answer for _, found in victims))
    weighing = STEPS * _seconds(lambda: fit_scorer(labels, answers, 0, _STEPS), torch.device("cpu")) / _STEPS
    return [
        Stage("asking", "", given, asking, asking, answers_bytes(scenario, classes)),
        Stage("weighing", "", given, weighing, weighing, 0),
    ]


def _stand_in_answers(labels: list[AttackLabel], victims: int) -> Asked:
    """Noise in the place of answers: a scorer takes as long to learn from it."""
    rows = torch.arange(64)
    attacks = torch.tensor([at for at, label in enumerate(labels) if label.name != CLEAN])
    return Asked(
        probes=torch.randn(len(rows), victims, len(PROBES)), attack_logits=torch.zeros(len(rows), len(labels)),
        victim_logits=torch.zeros(len(rows), victims), image_value=torch.zeros(len(rows), len(labels)),
        attack=attacks[rows % len(attacks)], victim=rows % victims, value=torch.zeros(len(rows)),
        as_made=torch.ones(len(rows), dtype=torch.bool), strange=torch.zeros(len(rows), dtype=torch.bool),
        at=tuple(range(victims)), clean=None,
    )  # fmt: skip


def _stand_ins(clean: CleanImages, labels: list[AttackLabel], victims: int, count: int) -> Examples:
    """Clean images in the place of examples: they take as long to learn from."""
    random = np.random.default_rng(0)
    rows = random.choice(clean.rows("train"), count)
    attack = random.integers(0, len(labels), count)
    middle = np.asarray([(label.minimum + label.maximum) / 2 for label in labels], np.float32)
    images = clean.images[rows]
    return Examples(images, images, attack, random.integers(0, victims, count), middle[attack], attack, rows)


def _seconds(work: Callable[[], object], device: torch.device, times: int = 1) -> float:
    """Of one call, once the device is done with it."""
    begun = time.perf_counter()
    for _ in range(times):
        work()
    wait_for(device)
    return (time.perf_counter() - begun) / times
