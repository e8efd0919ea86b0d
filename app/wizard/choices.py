"""What the wizard's pages ask for, and the scenario that follows from it. Free of Qt and of torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.i18n import QT_TRANSLATE_NOOP
from core.paths import user_data

ARCHITECTURES = ("ResNet18", "ResNet50", "VGG16", "VGG19", "InceptionV3")
"""Table 1's victims, the quickest to train first."""

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "forensic": (QT_TRANSLATE_NOOP("Wizard", "Default: full resolution, made for 8-bit images"), {}),
    "forensic-small": (QT_TRANSLATE_NOOP("Wizard", "Small: the default at half the width, for a first try"),
                       {"width": 16}),
    "paper-resnet50": (QT_TRANSLATE_NOOP("Wizard", "The paper's, on ResNet50"),
                       {"backbone": "resnet50", "perturbation_extractor": "features", "hyperparameter_head": "shared"}),
    "paper-resnet18": (QT_TRANSLATE_NOOP("Wizard", "The paper's, on ResNet18"),
                       {"backbone": "resnet18", "perturbation_extractor": "features", "hyperparameter_head": "shared"}),
}  # fmt: skip
"""Networks to choose from: what they are, and how they differ from the default's configuration."""


@dataclass
class VictimChoice:
    """A victim to train, or one in a file. passes: over the clean training images.

    file: the own victim's; entries: what the scenario says of it beside that (training.scenario.VictimSpec).
    accuracy: on the clean test images as last checked, None where nobody labelled them. checked: what was checked.
    """

    architecture: str
    name: str = ""
    passes: float = 4.0
    file: str = ""
    entries: dict[str, Any] = field(default_factory=dict)
    accuracy: float | None = None
    checked: str = ""

    @property
    def label(self) -> str:
        return self.name or self.architecture

    def document(self) -> dict[str, Any]:
        """Its entry in the scenario."""
        if not self.file:
            return {"architecture": self.architecture, "name": self.name, "passes": self.passes}
        return {"architecture": self.architecture, "name": self.name, "file": self.file, **self.entries}


def victim_choice(entry: Mapping[str, Any]) -> VictimChoice:
    """The other way round: what the wizard shows of a scenario's entry."""
    known = {name: entry[name] for name in ("architecture", "name", "passes", "file") if name in entry}
    return VictimChoice(**known, entries={name: value for name, value in entry.items() if name not in known})


@dataclass
class AttackChoice:
    """One attack's grid, in label units: epsilon x 255, or kappa in logits."""

    name: str
    kappa: bool
    on: bool
    first: float
    last: float
    count: int
    parameters: dict[str, Any] = field(default_factory=dict)


def table1() -> list[AttackChoice]:
    """The paper's grids, but for kappa: what a small victim's logits reach (`mtaa victims reach` tells)."""
    return [
        AttackChoice("FGSM", False, True, 10, 200, 20),
        AttackChoice("PGD", False, True, 10, 200, 20, {"steps": 20, "precision": "bf16"}),
        AttackChoice("C&W", True, True, 1, 20, 20, {"search_steps": 2, "steps": 30, "precision": "bf16"}),
        AttackChoice("BIM", False, False, 10, 200, 20),
        AttackChoice("MI-FGSM", False, False, 10, 200, 20),
        AttackChoice("APGD-CE", False, False, 10, 200, 20),
    ]


def small_eps() -> list[AttackChoice]:
    """1/255 to 16/255: what photographs are attacked with."""
    attacks = table1()
    for attack in attacks:
        if not attack.kappa:
            attack.first, attack.last, attack.count = 1, 16, 16
    return attacks


@dataclass
class Choices:
    """The pages' answers. Defaults make a small pack from digits that need no download.

    cell: training examples of each (attack, victim, grid value); calibration and test get a quarter of it each.
    clean: training examples of the class "clean"; 0 leaves the class out.
    start: a pack to go on from, by name or path.
    size, channels, per_class: of a folder's images, as training.scenario.CleanSpec has them; 0 takes all of a class.
    labelled: whether the images have classes.
    """

    source: str = "digits"
    data: str = ""
    download: bool = False
    size: int = 64
    channels: int = 3
    per_class: int = 0
    labelled: bool = True
    victims: list[VictimChoice] = field(default_factory=lambda: [VictimChoice("ResNet18"), VictimChoice("ResNet50")])
    attacks: list[AttackChoice] = field(default_factory=table1)
    cell: int = 20
    clean: int = 200
    network: str = "forensic"
    epochs: int = 12
    start: str = ""
    name: str = "my-pack"
    title: str = ""
    seed: int = 0
    device: str = "auto"
    folder: str = ""

    @property
    def out(self) -> Path:
        """Where the run writes, and is found again."""
        return Path(self.folder) if self.folder else user_data() / "runs" / self.name

    @property
    def chosen(self) -> list[AttackChoice]:
        return [attack for attack in self.attacks if attack.on]

    @property
    def held_out(self) -> int:
        """Calibration, and test, examples of a cell."""
        return max(2, self.cell // 4)

    @property
    def examples(self) -> int:
        """Adversarial examples to be made, of all splits."""
        cells = sum(attack.count for attack in self.chosen) * len(self.victims)
        return cells * (self.cell + 2 * self.held_out)

    def document(self) -> dict[str, Any]:
        """The scenario as its TOML file has it; ``training.api.check_scenario`` says whether it is one."""
        held = self.held_out
        clean_held = max(self.clean // 4, 20)
        training: dict[str, Any] = {
            "epochs": self.epochs, "learning_rate": 2e-3, "weight_decay": 0.02, "decoupled_decay": True,
        }  # fmt: skip
        if self.start:
            training |= {"start": self.start, "learning_rate": 5e-4}
        attacks = ", ".join(attack.name for attack in self.chosen)
        victims = ", ".join(victim.label for victim in self.victims)
        clean = self.clean_document()
        if self.clean:
            clean["examples"] = {"train": self.clean, "calibration": clean_held, "test": clean_held}
        return {
            "name": self.name,
            "title": self.title or f"{attacks} against {victims}",
            "description": f"Made in the wizard from {self.source}, 8-bit images.",
            "seed": self.seed,
            "clean": clean,
            "victims": [v.document() for v in self.victims],
            "attacks": [
                {
                    "name": a.name,
                    "grid": {"first": a.first, "last": a.last, "count": a.count},
                    "cell": {"train": self.cell, "calibration": held, "test": held},
                    "parameters": a.parameters,
                }
                for a in self.chosen
            ],
            "network": NETWORKS[self.network][1],
            "training": training,
        }  # fmt: skip

    def clean_document(self) -> dict[str, Any]:
        """Where the clean images come from, and how many to choose from: enough for small epsilons, which fool a
        victim on few of them. A folder's are often large: what a few cells need is enough of them."""
        a_few = (max(200, 8 * self.cell), *2 * (max(60, 8 * self.held_out),))
        pool = {"digits": (1400, 200, 200), "mnist": (8000, 3000, 3000), "folder": a_few}[self.source]
        clean: dict[str, Any] = {
            "source": self.source, "pool": dict(zip(("train", "calibration", "test"), pool, strict=True))
        }  # fmt: skip
        if self.source == "folder":
            clean |= {"size": self.size, "channels": self.channels}
            clean |= {"per_class": self.per_class} if self.per_class else {}
        return clean

    def check_document(self, victim: VictimChoice) -> dict[str, Any]:
        """A scenario of this victim alone, for `mtaa victims check`."""
        return {**self.document(), "name": "check", "victims": [victim.document()]}

    def key_of(self, victim: VictimChoice) -> str:
        """What a check of this victim is of: itself and the images."""
        clean = self.clean_document()
        return json.dumps([victim.document(), clean["source"], clean.get("size"), clean.get("channels"), self.data])


def restore(choices: Choices, document: Mapping[str, Any], folder: str) -> None:
    """Put a scenario that the wizard wrote back into ``choices``. Raises KeyError for one that it did not write."""
    choices.source = document["clean"]["source"]
    choices.clean = document["clean"].get("examples", {"train": 0})["train"]
    choices.size = document["clean"].get("size", choices.size)
    choices.channels = document["clean"].get("channels", choices.channels)
    choices.per_class = document["clean"].get("per_class", 0)
    choices.victims = [victim_choice(v) for v in document["victims"]]
    known = {attack.name: attack for attack in table1()}
    chosen = []
    for entry in document["attacks"]:
        grid = entry["grid"]
        chosen.append(
            AttackChoice(
                entry["name"], known[entry["name"]].kappa, True, grid["first"], grid["last"], grid["count"],
                entry["parameters"],
            )
        )  # fmt: skip
        choices.cell = entry["cell"]["train"]
    names = {attack.name for attack in chosen}
    choices.attacks = chosen + [AttackChoice(**{**vars(a), "on": False}) for a in known.values() if a.name not in names]
    choices.network = next(name for name, (_, config) in NETWORKS.items() if config == document["network"])
    choices.epochs = document["training"]["epochs"]
    choices.start = document["training"].get("start", "")
    choices.name, choices.title, choices.seed = document["name"], document["title"], document["seed"]
    choices.folder = folder
