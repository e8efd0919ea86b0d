"""The stages of a scenario beside generation: its victims, and its network and pack. Both resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from core.errors import DataError, ScenarioError
from core.manifest import AttackLabel, ImageSpec, Manifest
from core.pack import Pack, find_pack
from core.pack import read_manifest as read_pack_manifest
from core.progress import CancelToken, ProgressCallback
from core.victims import ARCHITECTURES
from training.export import export_pack
from training.grow import check_start, take_victim
from training.memory import Smaller
from training.plan import check_victim, image_of, make_attacks
from training.ranks import Ranks
from training.scenario import Scenario
from training.shards import MADE_BY, read_manifest, read_split
from training.sources import SPLITS, CleanImages
from training.train_victim import train_victim
from training.trainer import EpochReport, Trainer, attack_labels


def check_plan(scenario: Scenario, clean: CleanImages, victims: Path) -> None:
    """Raise ScenarioError or VictimError for what would else be refused hours later.

    That is names that do not exist, and a pack to start from that the scenario does not go on with. Files of the
    victims that this pack was made with are put into ``victims`` where they are found on this machine.
    """
    make_attacks(scenario)
    unknown = {spec.architecture for spec in scenario.victims} - ARCHITECTURES.keys()
    if unknown:
        raise ScenarioError(
            f"No architecture is called {' or '.join(sorted(unknown))}.", f"Use one of {', '.join(ARCHITECTURES)}."
        )
    if scenario.training.start is None:
        return
    path = find_pack(scenario.training.start)
    manifest = read_pack_manifest(path)
    check_start(manifest, scenario.network, image_of(clean), labels_of(scenario), scenario.victim_labels)
    files = {spec.label: spec.file for spec in scenario.victims}
    for victim in manifest.victims:
        if victim.sha256 is not None:
            take_victim(manifest.pack_id, victim.sha256, victims / files[victim.name], path.parent)


def labels_of(scenario: Scenario) -> list[AttackLabel]:
    """The pack's attack labels, with the ranges of the scenario's grids."""
    return attack_labels(scenario, {attack.name: attack.hyperparameter for attack in make_attacks(scenario)})


def make_victims(
    scenario: Scenario, clean: CleanImages, folder: Path, device: torch.device, tell: ProgressCallback,
    cancel: CancelToken | None = None,
) -> None:  # fmt: skip
    """Train the scenario's victims that are not in ``folder`` yet. Raises first what ``check_plan`` does."""
    check_plan(scenario, clean, folder)
    for spec in scenario.victims:
        path = folder / spec.file
        if path.exists():
            check_victim(path, spec, clean)
        else:
            train_victim(
                spec.architecture, clean, path, name=spec.label, passes=spec.passes, seed=scenario.seed,
                device=device, tell=tell, cancel=cancel,
            )  # fmt: skip


def train_pack(
    scenario: Scenario, data: Path, out: Path, device: torch.device, tell: ProgressCallback,
    report: Callable[[EpochReport], None] = lambda _: None, cancel: CancelToken | None = None,
    smaller: Smaller = lambda _batch, _part: None, ranks: Ranks | None = None,
) -> Manifest:  # fmt: skip
    """Train on the examples in ``data`` and write ``out/NAME.mtaapack``. ranks: processes that call this together."""
    ranks = ranks or Ranks.single()
    _check_same_data(scenario, data)
    splits = {name: read_split(data, scenario, name) for name in SPLITS}
    _, channels, height, width = splits["train"].adversarial.shape
    image = ImageSpec.model_validate({"channels": channels, "height": height, "width": width})
    labels = labels_of(scenario)
    trainer = Trainer(scenario, labels, image, splits["train"], out / "training", device, ranks)
    _check_victims(trainer.start, data)
    history = trainer.run(tell=tell, report=report, cancel=cancel, smaller=smaller)
    path = out / f"{scenario.name}.mtaapack"
    if ranks.first:
        export_pack(path, scenario, trainer.network, labels, image, data, splits, history, device, trainer.start)
    ranks.barrier()
    return read_pack_manifest(path)


def _check_victims(start: Pack | None, data: Path) -> None:
    """Refuse to grow a pack with examples against other victims of the same names."""
    made_against = read_manifest(data)["victims"]
    for victim in start.manifest.victims if start is not None else ():
        if victim.sha256 is not None and made_against[victim.name]["sha256"] != victim.sha256:
            raise DataError(
                f"The victim {victim.name} is not the one that {start.manifest.pack_id if start else ''} knows.",
                "Generate with the victim's file that the pack was made with, or give the new one another name.",
            )


def _check_same_data(scenario: Scenario, data: Path) -> None:
    """Refuse examples that were generated for other victims, attacks or clean images."""
    made_for = read_manifest(data)["scenario"]
    wanted = scenario.model_dump()
    different = [key for key in MADE_BY if made_for.get(key) != wanted.get(key)]
    if different:
        raise DataError(
            f"{data} was generated by a scenario with other {', '.join(different)}.",
            "Generate into a new folder, or train with the scenario it was made by.",
        )
