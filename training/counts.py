"""How many examples a scenario asks for. Torch-free."""

from __future__ import annotations

from core.calibration import COPIES
from training.scenario import Scenario
from training.sources import SPLITS, Split

DRAWS = COPIES - 1
"""How often each calibration example is changed to tell how sure answers about unfamiliar images are."""


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


def examples_changed(scenario: Scenario) -> int:
    """Changed examples of calibration and test that a pack is calibrated and measured on, if it is shown such ones."""
    calibration, test = (examples_made(scenario, split) for split in SPLITS[1:])
    return DRAWS * calibration + test if scenario.training.changed else 0


def examples_asked_about(scenario: Scenario) -> int:
    """Examples that every victim is asked about: as many of training as [probes] says, and all others.

    Victims are asked about changed ones as well, as far as they are unfamiliar: as a rule a half or less of
    :func:`examples_changed`.
    """
    if scenario.probes is None:
        return 0
    train, *others = (examples_made(scenario, split) for split in SPLITS)
    return min(scenario.probes.examples, train) + sum(others)
