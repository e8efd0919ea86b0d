"""How many examples a scenario asks for. Torch-free."""

from __future__ import annotations

from training.scenario import Scenario
from training.sources import SPLITS, Split


def examples_wanted(scenario: Scenario, split: Split) -> int:
    """Adversarial examples of a split, of all cells."""
    return sum(
        int(getattr(scenario.cell(victim.label, attack), split)) * attack.grid.count
        for victim in scenario.victims
        for attack in scenario.attacks
    )


def examples_made(scenario: Scenario, split: Split) -> int:
    """Examples of a split, clean ones included."""
    return examples_wanted(scenario, split) + int(getattr(scenario.clean.examples, split))


def examples_asked_about(scenario: Scenario) -> int:
    """Examples that every victim is asked about: as many of training as [probes] says, and all others.

    Where training shows changed ones, also about unfamiliar ones, which are about as many as those of calibration.
    """
    if scenario.probes is None:
        return 0
    train, calibration, test = (examples_made(scenario, split) for split in SPLITS)
    return min(scenario.probes.examples, train) + calibration * (2 if scenario.training.changed else 1) + test
