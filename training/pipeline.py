"""The stages of a scenario beside generation: its victims, and its network and pack. Both resume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch

from core.errors import DataError, PackError, ScenarioError, VictimError
from core.files import file_sha256
from core.frozen import how_to_get
from core.manifest import Manifest
from core.pack import Pack, find_pack, read_manifest
from core.progress import CancelToken, ProgressCallback
from core.torchvision_zoo import torchvision_names
from core.victims import ARCHITECTURES, VictimCard, build_victim, read_card, write_victim
from training.attacks import OWN_BACKENDS
from training.checkpoint import check_checkpoint
from training.counts import examples_made
from training.export import as_told, export_pack
from training.grow import check_keep, check_start, take_victim
from training.lasting import still_fools
from training.memory import Smaller
from training.own_victims import origin_of, read_own
from training.plan import attack_labels, check_size, check_victim, image_of, make_attacks, settle_plan
from training.ranks import Ranks
from training.scenario import Scenario, VictimSpec
from training.shards import MADE_BY, fingerprint, read_listing, read_split
from training.sources import SPLITS, CleanImages, Split, marked
from training.train_victim import train_victim
from training.trainer import EpochReport, Trainer, run_of
from training.victim_check import Verdict, check_own

_APART = 7919
"""Between the seeds of victims of one architecture: by the same seed they would be the same network."""


def check_plan(scenario: Scenario, clean: CleanImages, victims: Path) -> None:
    """Raise ScenarioError, DataError or VictimError for what would else be refused hours later.

    That is names that do not exist, victims to train on images without classes or of a size that they cannot take, and
    a pack to start from that the scenario does not go on with. Files of the victims that this pack was made with are
    put into ``victims`` where they are found on this machine.
    """
    make_attacks(scenario)
    if absent := sorted(b for b in {a.backend for a in scenario.attacks} - OWN_BACKENDS if find_spec(b) is None):
        raise ScenarioError(f"The toolbox {absent[0]} is not installed.", how_to_get(absent[0], "bench"))
    trained = [spec for spec in scenario.victims if spec.file is None]
    unknown = {spec.architecture for spec in trained} - ARCHITECTURES.keys() - set(torchvision_names())
    if unknown:
        raise ScenarioError(
            f"No architecture is called {' or '.join(sorted(unknown))}.",
            f"Use one of {', '.join(ARCHITECTURES)}, or torchvision's own name for one.",
        )
    if trained and not clean.classes:
        raise DataError(
            f"The images have no classes for {trained[0].label} to learn.",
            "Sort them into a sub-folder for each class.",
        )
    if trained and not len(clean.rows("train")):
        raise ScenarioError(
            f"There is no training image for {trained[0].label} to learn from.", "Raise clean.pool.train."
        )
    for architecture in sorted({spec.architecture for spec in trained if not (victims / spec.saved_as).exists()}):
        check_size(architecture, clean)
    if scenario.training.start is not None:
        _check_pack(scenario, scenario.training.start, clean, victims)


def check_going_on(scenario: Scenario, clean: CleanImages, victims: Path, examples: Path, training: Path) -> None:
    """Raise DataError where what an earlier run left in these folders is not what the scenario would go on with."""
    settle_plan(scenario, clean, victims, examples, write=False)
    check_checkpoint(training, run_of(scenario, attack_labels(scenario)))


def check_learnable(scenario: Scenario) -> None:
    """Raise ScenarioError where all examples together would leave a network nothing to learn or to be measured on."""
    for what, labels in (("attack", scenario.attack_names), ("victim", scenario.victim_names)):
        if len(labels) < 2:
            raise ScenarioError(
                f"{labels[0]} is the only {what}: there is nothing to tell it from.",
                'Add another, or ask for clean.examples, which make "clean" a label.',
            )
    for split in SPLITS:
        if not examples_made(scenario, split):
            raise ScenarioError(f"{scenario.name} asks for no {split} example.", "Raise the counts of that split.")
        attacked = any(getattr(scenario.cell(v.label, a), split) for v in scenario.victims for a in scenario.attacks)
        if attacked and not getattr(scenario.clean.pool, split):
            raise ScenarioError(
                f"{scenario.name} attacks {split} images, and clean.pool has none.", f"Raise clean.pool.{split}."
            )


def _check_pack(scenario: Scenario, start: str, clean: CleanImages, victims: Path) -> None:
    path = find_pack(start)
    manifest = read_manifest(path)
    image = image_of(clean.shape, scenario)
    check_start(manifest, scenario.network, image, attack_labels(scenario), scenario.victim_names)
    if scenario.training.kept is not None:
        check_keep(manifest, attack_labels(scenario), scenario.victim_names)
    if count := marked(clean, manifest.trained_on):
        raise DataError(
            f"{count} or more of the images that would measure the new pack are among those that {manifest.pack_id} "
            "was trained on.",
            "Give the images that it was made from with the same part for testing, or others that it has not seen.",
        )
    specs = {spec.label: spec for spec in scenario.victims}
    for known in manifest.victims:
        if known.sha256 is None:
            continue
        spec, file = specs[known.name], victims / specs[known.name].saved_as
        if spec.file is None or file.exists():
            take_victim(manifest.pack_id, known.sha256, file, path.parent)
        else:
            with suppress(VictimError):  # an own victim that is not among those of this machine is brought by its file
                take_victim(manifest.pack_id, known.sha256, file, path.parent)
        if spec.file is not None and file.exists() and not _knows(read_card(file), clean):
            raise DataError(
                f"The images' classes are others than those that {manifest.pack_id} was made with, and which of its "
                f"own {known.name} means by them is not known.",
                "Give images of the same classes, in the same order.",
            )


def make_victims(
    scenario: Scenario, clean: CleanImages, folder: Path, device: torch.device, tell: ProgressCallback,
    cancel: CancelToken | None = None, files: Path = Path(), checked: Callable[[Verdict], None] = lambda _: None,
) -> None:  # fmt: skip
    """Bring the scenario's own victims into ``folder`` and train the others, those that are not there yet.

    files: where own victims' files lie if their paths are relative. Raises first what ``check_plan`` does.
    """
    check_plan(scenario, clean, folder)
    bring_victims(scenario, clean, folder, device, tell, cancel, files, checked)
    alike: Counter[str] = Counter()
    for spec in scenario.victims:
        if spec.file is not None:
            continue
        path, seed = folder / spec.saved_as, scenario.seed + _APART * alike[spec.architecture]
        alike[spec.architecture] += 1
        if path.exists():
            check_victim(path, spec, clean)
        train_victim(
            spec.architecture, clean, path, name=spec.label, passes=spec.passes, seed=seed,
            augmentation=spec.augmentation or "shift", device=device, tell=tell, cancel=cancel,
        )  # fmt: skip


def bring_victims(
    scenario: Scenario, clean: CleanImages, folder: Path, device: torch.device, tell: ProgressCallback,
    cancel: CancelToken | None, files: Path, checked: Callable[[Verdict], None], *, advise: bool = False,
) -> None:  # fmt: skip
    """Read, check and keep the scenario's own victims; ``checked`` hears of each before one that is refused raises.

    One that is in ``folder`` already stays, unless its file, what the scenario says of it, or the images' classes have
    changed: which of its own classes are theirs was found for those.
    advise: try what would be better for victims that do well enough, too.
    """
    for spec in scenario.victims:
        if spec.file is None:
            continue
        path, source = folder / spec.saved_as, files / spec.file
        if path.exists() and (not source.exists() or _was_brought(path, spec, source, clean)):
            check_victim(path, spec, clean)
        else:
            bring_victim(spec, source, clean, path, device, tell, cancel, checked, advise=advise)


def _was_brought(path: Path, spec: VictimSpec, source: Path, clean: CleanImages) -> bool:
    """Whether the own victim in ``path`` is the one asked for, for images of these classes."""
    card = read_card(path)
    return card.origin == origin_of(spec, source) and _knows(card, clean)


def _knows(card: VictimCard, clean: CleanImages) -> bool:
    """Whether an own victim was brought for these classes; older files do not say for which."""
    return card.class_names == clean.class_names or (not card.class_names and card.accuracy is not None)


def bring_victim(
    spec: VictimSpec, source: Path, clean: CleanImages, path: Path, device: torch.device, tell: ProgressCallback,
    cancel: CancelToken | None, checked: Callable[[Verdict], None], *, advise: bool,
) -> None:  # fmt: skip
    """Read, check and keep one own victim from the file ``source`` in ``path``.

    Raises VictimError for one that is refused.
    """
    card, tensors = read_own(spec, source, clean)
    verdict = check_own(build_victim(card, tensors).to(device), clean, advise=advise, tell=tell, cancel=cancel)
    checked(verdict)
    verdict.insist()
    write_victim(replace(card, accuracy=verdict.accuracy), tensors, path)


def train_pack(
    scenario: Scenario, victims: Path, data: Path, out: Path, device: torch.device, tell: ProgressCallback,
    report: Callable[[EpochReport], None] = lambda _: None, cancel: CancelToken | None = None,
    smaller: Smaller = lambda _batch, _part: None, ranks: Ranks | None = None,
) -> Manifest:  # fmt: skip
    """Train on the examples in ``data`` and write ``out/NAME.mtaapack``, which a finished run finds as it left it.

    victims: folder of the victims' files, which a scenario asks that has [probes] or shows examples changed. ranks:
    processes that call this together.
    """
    ranks = ranks or Ranks.single()
    check_learnable(scenario)
    _check_same_data(scenario, data)
    if scenario.probes is not None or scenario.training.changed:
        _check_asked(scenario, victims, data)
    needed: tuple[Split, ...] = SPLITS if ranks.first else ("train",)  # the first exports
    splits = {name: read_split(data, scenario, name) for name in needed}
    image = image_of(splits["train"].adversarial.shape[1:], scenario)
    labels = attack_labels(scenario)
    fools = still_fools(scenario, victims, device)
    trainer = Trainer(scenario, labels, image, splits["train"], out / "training", device, ranks, fools)
    _check_victims(trainer.start, data)
    trained: list[EpochReport] = []

    def ended(epoch: EpochReport) -> None:
        trained.append(epoch)
        report(epoch)

    history = trainer.run(tell=tell, report=ended, cancel=cancel, smaller=smaller)
    path = out / f"{scenario.name}.mtaapack"
    if ranks.first and (trained or not _is_of(path, scenario, data, trainer.start)):
        export_pack(
            path, scenario, trainer.network, labels, image, data, splits, history, device, trainer.start,
            victims=victims, fools=fools, tell=tell, cancel=cancel,
        )  # fmt: skip
    ranks.barrier()
    return read_manifest(path)


def _is_of(path: Path, scenario: Scenario, data: Path, start: Pack | None) -> bool:
    """Whether a pack is there already that this scenario and these examples made."""
    try:
        made = read_manifest(path)
    except PackError:
        return False
    return (made.data_fingerprint, made.scenario) == (fingerprint(data), as_told(scenario, start))


def _check_asked(scenario: Scenario, victims: Path, data: Path) -> None:
    """Refuse to ask other victims than those that were attacked."""
    made_against = read_listing(data)["victims"]
    for spec in scenario.victims:
        path = victims / spec.saved_as
        if not path.is_file():
            raise VictimError(f"{path} is not there, and {spec.label} is to be asked.", "Put the victim's file there.")
        if file_sha256(path) != made_against[spec.label]["sha256"]:
            raise VictimError(
                f"{path} is not the victim that the examples were made against.",
                "Put that one's file back, or generate again into a new folder.",
            )


def _check_victims(start: Pack | None, data: Path) -> None:
    """Refuse to grow a pack with examples against other victims of the same names."""
    made_against = read_listing(data)["victims"]
    for victim in start.manifest.victims if start is not None else ():
        if victim.sha256 is not None and made_against[victim.name]["sha256"] != victim.sha256:
            raise DataError(
                f"The victim {victim.name} is not the one that {start.manifest.pack_id if start else ''} knows.",
                "Generate with the victim's file that the pack was made with, or give the new one another name.",
            )


def _check_same_data(scenario: Scenario, data: Path) -> None:
    """Refuse examples that were generated for other victims, attacks or clean images."""
    made_for = read_listing(data)["scenario"]
    wanted = scenario.model_dump()
    different = [key for key in MADE_BY if made_for.get(key) != wanted.get(key)]
    if different:
        raise DataError(
            f"{data} was generated by a scenario with other {', '.join(different)}.",
            "Generate into a new folder, or train with the scenario it was made by.",
        )
