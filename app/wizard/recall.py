"""The way back from a scenario to the wizard's choices: a pack that is gone on from, a run that is come back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.wizard.choices import NETWORKS, AttackChoice, Choices, Grown, VictimChoice, table1
from core.errors import ScenarioError
from training.api import Scenario, check_scenario

_Choice = TypeVar("_Choice")


@dataclass(frozen=True)
class Ungrown:
    """What was chosen before a pack brought its own. brought: the number of clean examples that came with it."""

    victims: list[VictimChoice]
    attacks: list[AttackChoice]
    clean: int
    brought: int


def grow(choices: Choices, pack: str, scenario: Mapping[str, Any]) -> Ungrown:
    """Go on from the pack that this scenario made: what it knows comes first, and what was chosen beside it is new.

    Returns what was chosen before. Raises ScenarioError for a pack of other images, or one that the wizard cannot ask
    for: anybody may have written what it says of itself.
    """
    try:
        made = check_scenario(scenario, "What it says of itself")
        attacks = _attacks(made)
    except ScenarioError as error:
        what = error.what.rstrip(".")
        raise ScenarioError(
            f"{pack} was not made as the wizard makes packs ({what}).", "Write a scenario for `mtaa run`."
        ) from error
    clean, own_clean = made.clean, choices.clean_document()
    channels = (clean.channels or 3) if clean.source == "folder" else None
    made_from = {"source": clean.source, "size": clean.size, "channels": channels}
    if different := [f"{key} {value}" for key, value in made_from.items() if value != own_clean.get(key)]:
        words = ", ".join(different)
        raise ScenarioError(f"{pack} was made from other images: {words}.", "Choose these on the first page.")
    victims, names = _victims(made), [attack.name for attack in attacks]
    known = {victim.label.lower() for victim in victims}
    before = choices.victims, choices.attacks, choices.clean
    choices.victims = victims + [v for v in choices.victims if v.label.lower() not in known]
    choices.attacks = attacks + [a for a in choices.attacks if a.name not in names]
    choices.clean = (choices.clean or Choices.clean) if made.has_clean else 0
    choices.start = pack
    choices.grown = _grown(made, [v.label for v in victims], names)
    return Ungrown(*before, choices.clean)


def ungrow(choices: Choices, before: Ungrown) -> None:
    """Take back what a pack brought. What was added beside it, or removed, stays so."""
    grown = choices.grown or Grown([], [], {})
    known = {label.lower() for label in grown.victims}
    choices.victims = _own(before.victims, choices.victims, known, lambda victim: victim.label.lower())
    choices.attacks = _own(before.attacks, choices.attacks, set(grown.attacks), lambda attack: attack.name)
    if choices.clean == before.brought:
        choices.clean = before.clean


def _own(before: list[_Choice], now: list[_Choice], brought: set[str], key: Callable[[_Choice], str]) -> list[_Choice]:
    """Those chosen now without the brought ones, and in their places those that these had taken the places of."""
    beside = {key(choice): choice for choice in now if key(choice) not in brought}
    kept = [beside.pop(key(old), old) for old in before if key(old) in brought or key(old) in beside]
    return [*kept, *beside.values()]


def restore(choices: Choices, document: Mapping[str, Any], folder: str) -> None:
    """Put a scenario that the wizard wrote back into ``choices``. Raises ScenarioError for another."""
    from core.model.config import NetworkConfig  # noqa: PLC0415 (pydantic)

    made = check_scenario(document)
    chosen = _attacks(made)
    names = {attack.name for attack in chosen}
    choices.attacks = chosen + [AttackChoice(**{**vars(a), "on": False}) for a in table1() if a.name not in names]
    choices.cell = made.attacks[-1].cell.train
    choices.source, choices.clean = made.clean.source, made.clean.examples.train
    choices.size = made.clean.size or choices.size
    choices.channels = made.clean.channels or choices.channels
    choices.per_class = made.clean.per_class or 0
    choices.victims = _victims(made)
    configured = [name for name, (_, config) in NETWORKS.items() if NetworkConfig(**config) == made.network]
    choices.network = configured[0] if configured else choices.network
    choices.ask, choices.changed = made.probes is not None, made.training.changed is not None
    choices.grown = None
    if made.replay is not None:
        choices.grown = _grown(made, made.replay.victims, made.replay.attacks)
        choices.replay = made.replay.cell.train
    choices.epochs, choices.start = made.training.epochs, made.training.start or ""
    choices.name, choices.title, choices.seed = made.name, made.title, made.seed
    choices.folder = folder


def _grown(made: Scenario, victims: list[str], attacks: list[str]) -> Grown:
    """What a pack knows that was made so, or that the scenario goes on from: these victims and attacks."""
    network = made.network.model_dump(exclude_unset=True, exclude_none=True)  # TOML has no nothing: no entry means it
    probes = made.probes.model_dump() if made.probes is not None else None
    return Grown(victims, attacks, network, probes, made.fit, made.clean.histories)


def _victims(made: Scenario) -> list[VictimChoice]:
    """What the wizard shows of a scenario's victims."""
    shown = {"architecture", "name", "passes", "file"}
    return [
        VictimChoice(v.architecture, v.name, v.passes, v.file or "", v.model_dump(exclude=shown)) for v in made.victims
    ]


def _attacks(made: Scenario) -> list[AttackChoice]:
    """What the wizard shows of a scenario's attacks. Raises ScenarioError for what it can neither show nor write."""
    own = {spec.name: spec for spec in reversed(made.attacks) if spec.backend == "mtaa"}
    kappa = {attack.name: attack.kappa for attack in table1()}
    chosen = []
    for name in dict.fromkeys(spec.name for spec in made.attacks):
        if name not in own or name not in kappa:
            raise ScenarioError(f"The attack {name} is not among the wizard's.")
        spec = own[name]
        for key, value in spec.parameters.items():
            if not isinstance(value, (str, int, float)) or not f"{key}{value}".isascii():
                raise ScenarioError(f"A parameter of {name} is no number and no word.")
        grid = spec.grid
        chosen.append(AttackChoice(name, kappa[name], True, grid.first, grid.last, grid.count, dict(spec.parameters)))
    return chosen
