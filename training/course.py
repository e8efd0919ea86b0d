"""The steps of a run in their order, under the names that their progress is told by. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from training.counts import DRAWS, examples_made
from training.scenario import Scenario
from training.sources import SPLITS

Part = Literal["images", "victims", "examples", "network", "results"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is counted from nothing to its total by one progress.

    name: of the progress. stage: kind and name of the estimate's stage that it belongs to; None for one that is short,
    or that not every run has. size: its part of that stage, beside the sizes of the stage's other steps.
    """

    part: Part
    name: str
    stage: tuple[str, str] | None = None
    size: float = 0.0


def steps_of(scenario: Scenario) -> list[Step]:
    """All steps that a run may have; those whose work is there already, or is not called for, are passed over."""
    steps = [Step("images", "reading images")] if scenario.clean.source == "folder" else []
    return [*steps, *_of_victims(scenario), *_of_examples(scenario), *_of_network(scenario), *_of_results(scenario)]


def _of_victims(scenario: Scenario) -> Iterator[Step]:
    for spec in scenario.victims:  # own victims come first
        if spec.file is not None:
            yield Step("victims", f"checking {spec.label}")
            yield Step("victims", f"trying {spec.label} otherwise")
    for spec in scenario.victims:
        if spec.file is None:
            yield Step("victims", f"training {spec.label}", ("victim", spec.label), 1.0)


def _of_examples(scenario: Scenario) -> Iterator[Step]:
    for victim in scenario.victims:
        yield Step("examples", f"asking {victim.label}")  # where nobody labelled the images
        for attack in scenario.attacks:
            for split in SPLITS:
                wanted = getattr(scenario.cell(victim.label, attack), split) * attack.grid.count
                yield Step("examples", f"{victim.label} {attack.title} {split}", ("attack", attack.title), wanted)


def _of_network(scenario: Scenario) -> Iterator[Step]:
    if scenario.training.extractor_epochs:
        yield Step("network", "training the auto-encoder", ("network", ""), scenario.training.extractor_epochs)
    yield Step("network", "training", ("network", ""), scenario.training.epochs)


def _of_results(scenario: Scenario) -> Iterator[Step]:
    yield Step("results", "measuring", ("results", ""), 1.0)
    if scenario.probes is None:
        return
    train, *_ = made = [examples_made(scenario, split) for split in SPLITS]
    unfamiliar = [DRAWS * made[1] / 2, made[2] / 2] if scenario.training.changed else []  # as many as a rule
    for count in (min(train, scenario.probes.examples), *made[1:], *unfamiliar):
        yield Step("results", "measuring")
        for spec in scenario.victims:
            yield Step("results", f"asking {spec.label}", ("asking", ""), count)
    yield Step("results", "weighing the answers", ("weighing", ""), 1.0)
