"""The way back from a scenario to the wizard's choices: a pack that is gone on from, a run that is come back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.wizard.choices import NETWORKS, AttackChoice, Choices, Grown, VictimChoice, table1
from core.errors import ScenarioError

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
    for.
    """
    try:
        clean = scenario["clean"]
        # TOML has no nothing; without a crop the network sees whole images, which is what no entry means.
        network = {key: value for key, value in scenario["network"].items() if (key, value) != ("crop", None)}
        victims = [_victim_choice(v) for v in scenario["victims"]]
        has_clean = clean["examples"]["train"] > 0
        own = {a["name"]: a for a in reversed(scenario["attacks"]) if a["backend"] == "mtaa"}
        names = list(dict.fromkeys(a["name"] for a in scenario["attacks"]))
        attacks = [_attack_choice(own[name]) for name in names]
    except (KeyError, TypeError) as error:
        raise ScenarioError(
            f"{pack} was not made as the wizard makes packs ({error}).", "Write a scenario for `mtaa run`."
        ) from error
    own_clean = choices.clean_document()
    made_from = dict(clean)
    if made_from.get("source") == "folder":
        made_from["channels"] = made_from.get("channels") or 3
    if different := [key for key in ("source", "size", "channels") if made_from.get(key) != own_clean.get(key)]:
        words = ", ".join(f"{key} {made_from.get(key)}" for key in different)
        raise ScenarioError(f"{pack} was made from other images: {words}.", "Choose these on the first page.")
    known = {victim.label.lower() for victim in victims}
    before = choices.victims, choices.attacks, choices.clean
    choices.victims = victims + [v for v in choices.victims if v.label.lower() not in known]
    choices.attacks = attacks + [a for a in choices.attacks if a.name not in names]
    choices.clean = (choices.clean or Choices.clean) if has_clean else 0
    choices.start = pack
    kept = scenario.get("probes"), scenario.get("fit"), clean.get("histories")
    choices.grown = Grown([v.label for v in victims], names, network, *kept)
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
    """Put a scenario that the wizard wrote back into ``choices``. Raises KeyError for one that it did not write."""
    choices.source = document["clean"]["source"]
    choices.clean = document["clean"].get("examples", {"train": 0})["train"]
    choices.size = document["clean"].get("size", choices.size)
    choices.channels = document["clean"].get("channels", choices.channels)
    choices.per_class = document["clean"].get("per_class", 0)
    choices.victims = [_victim_choice(v) for v in document["victims"]]
    chosen = [_attack_choice(entry) for entry in document["attacks"]]
    choices.cell = document["attacks"][-1]["cell"]["train"]
    names = {attack.name for attack in chosen}
    choices.attacks = chosen + [AttackChoice(**{**vars(a), "on": False}) for a in table1() if a.name not in names]
    configured = [name for name, (_, config) in NETWORKS.items() if config == document["network"]]
    choices.network = configured[0] if configured else choices.network
    choices.ask = "probes" in document
    choices.changed = "changed" in document["training"]
    choices.grown = None
    if replay := document.get("replay"):
        kept = document.get("probes"), document.get("fit"), document["clean"].get("histories")
        choices.grown = Grown(replay["victims"], replay["attacks"], document["network"], *kept)
        choices.replay = replay["cell"]["train"]
    choices.epochs = document["training"]["epochs"]
    choices.start = document["training"].get("start", "")
    choices.name, choices.title, choices.seed = document["name"], document["title"], document["seed"]
    choices.folder = folder


def _victim_choice(entry: Mapping[str, Any]) -> VictimChoice:
    """What the wizard shows of a scenario's entry."""
    known = {name: entry[name] for name in ("architecture", "name", "passes", "file") if name in entry}
    return VictimChoice(**known, entries={name: value for name, value in entry.items() if name not in known})


def _attack_choice(entry: Mapping[str, Any]) -> AttackChoice:
    """What the wizard shows of a scenario's entry. Raises KeyError for an attack that it does not offer."""
    kappa = {attack.name: attack.kappa for attack in table1()}[entry["name"]]
    grid = entry["grid"]
    return AttackChoice(
        entry["name"], kappa, True, grid["first"], grid["last"], grid["count"], dict(entry["parameters"])
    )  # fmt: skip
