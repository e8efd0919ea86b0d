"""What the wizard's pages ask for, and the scenario that follows from it. Free of Qt and of torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from app.i18n import QT_TRANSLATE_NOOP
from core.paths import user_data

ARCHITECTURES = ("ResNet18", "ResNet50", "VGG16", "VGG19", "InceptionV3")
"""Table 1's victims, the quickest to train first."""

OTHERS = {
    "shufflenet_v2_x0_5": 8, "shufflenet_v2_x1_0": 8, "squeezenet1_1": 17, "mobilenet_v3_small": 8, "mobilenet_v2": 8,
    "mobilenet_v3_large": 8, "mnasnet1_0": 8, "regnet_y_400mf": 8, "efficientnet_b0": 8, "googlenet": 15,
    "densenet121": 29, "resnet34": 8, "resnext50_32x4d": 8, "efficientnet_v2_s": 8, "swin_t": 8, "convnext_tiny": 32,
    "resnet101": 8,
}  # fmt: skip
"""Further victims to train, by torchvision's own names, the small ones first: the least side of their images. A
scenario for `mtaa run` may name any of torchvision's."""

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
            return {"architecture": self.architecture, "name": self.name, "passes": self.passes, **self.entries}
        return {"architecture": self.architecture, "name": self.name, "file": self.file, **self.entries}


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
        AttackChoice("EAD", True, False, 1, 20, 20, {"search_steps": 3, "steps": 60, "precision": "bf16"}),
    ]


def small_eps() -> list[AttackChoice]:
    """1/255 to 16/255: what photographs are attacked with."""
    attacks = table1()
    for attack in attacks:
        if not attack.kappa:
            attack.first, attack.last, attack.count = 1, 16, 16
    return attacks


_ASKED_ABOUT = 2000
"""Training examples that the victims are asked about, if there are as many."""


_CHANGED = 0.5
"""Share of the examples that are changed each epoch, if any are."""


@dataclass(frozen=True)
class Grown:
    """What a pack that is gone on with knows: the labels of its victims and attacks, and its network.

    probes: its scenario's [probes], None for one that cannot ask its victims. fit, histories: as its scenario has them,
    None where it does not.
    """

    victims: list[str]
    attacks: list[str]
    network: dict[str, Any]
    probes: dict[str, Any] | None = None
    fit: str | None = None
    histories: bool | None = None


@dataclass
class Choices:
    """The pages' answers. Defaults make a small pack from digits that need no download.

    cell: training examples of each (attack, victim, grid value); calibration and test get a quarter of it each.
    clean: training examples of the class "clean"; 0 leaves the class out.
    ask: whether the pack can ask its victims, where its network allows it.
    changed: whether it learns from changed images too (training.scenario.TrainingSpec).
    start: a pack to go on from, by name or path; grown: what it knows; replay: training examples of each cell of it.
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
    ask: bool = True
    changed: bool = False
    epochs: int = 12
    start: str = ""
    grown: Grown | None = None
    replay: int = 10
    name: str = "my-pack"
    title: str = ""
    seed: int = 0
    device: str = "auto"
    folder: str = ""

    @property
    def out(self) -> Path:
        """Where the run writes, and is found again."""
        return Path(expanded(self.folder)).absolute() if self.folder else user_data() / "runs" / self.name

    @property
    def side(self) -> int:
        """Of the clean images, in pixels."""
        return {"digits": 8, "mnist": 28}.get(self.source, self.size)

    @property
    def chosen(self) -> list[AttackChoice]:
        return [attack for attack in self.attacks if attack.on]

    @property
    def network_config(self) -> dict[str, Any]:
        """How the network differs from the default's: as chosen, or as the pack has it that is gone on with."""
        return self.grown.network if self.grown else NETWORKS[self.network][1]

    @property
    def can_ask(self) -> bool:
        """Whether the network estimates the perturbations that victims are asked about."""
        return bool(self.network_config.get("perturbation_extractor", "pixel") == "pixel")

    @property
    def probes(self) -> dict[str, Any] | None:
        """The scenario's [probes]. A pack that asks its victims goes on doing so."""
        if self.grown is not None and self.grown.probes is not None:
            return self.grown.probes
        return {"examples": _ASKED_ABOUT} if self.ask and self.can_ask else None

    @property
    def held_out(self) -> int:
        """Calibration, and test, examples of a cell."""
        return _held_out(self.cell)

    @property
    def examples(self) -> int:
        """Adversarial examples to be made, of all splits."""
        old = self.grown or Grown([], [], {})
        total = 0
        for victim, attack in product(self.victims, self.chosen):
            cell = self.replay if victim.label in old.victims and attack.name in old.attacks else self.cell
            total += attack.count * (cell + 2 * _held_out(cell))
        return total

    def document(self) -> dict[str, Any]:
        """The scenario as its TOML file has it; ``training.api.check_scenario`` says whether it is one."""
        held = self.held_out
        clean_held = max(self.clean // 4, 20)
        training: dict[str, Any] = {
            "epochs": self.epochs, "learning_rate": 2e-3, "weight_decay": 0.02, "decoupled_decay": True,
        }  # fmt: skip
        if self.start:
            training["start"] = self.start
        if self.changed:
            training["changed"] = _CHANGED
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
            "network": self.network_config,
            "training": training,
        } | ({"probes": self.probes} if self.probes else {}) | self._replay()  # fmt: skip

    def _replay(self) -> dict[str, Any]:
        """Of what a pack knows few examples are enough for it not to forget."""
        if self.grown is None or not (self.grown.victims and self.grown.attacks):
            return {}
        held = _held_out(self.replay)
        cell = {"train": self.replay, "calibration": held, "test": held}
        fit = {"fit": self.grown.fit} if self.grown.fit else {}
        return {"replay": {"victims": self.grown.victims, "attacks": self.grown.attacks, "cell": cell}, **fit}

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
            clean |= {"histories": True} if self.grown is not None and self.grown.histories else {}
        return clean

    def check_document(self, victim: VictimChoice) -> dict[str, Any]:
        """A scenario of this victim alone, for `mtaa victims check`. It attacks nothing: all images are tests."""
        pool = {"pool": {"train": 0, "calibration": 0, "test": 0}}
        clean = self.clean_document() | pool
        return {**self.document(), "name": "check", "clean": clean, "victims": [victim.document()]}

    def key_of(self, victim: VictimChoice) -> str:
        """What a check of this victim is of: itself and the images."""
        clean = self.clean_document()
        return json.dumps([victim.document(), clean["source"], clean.get("size"), clean.get("channels"), self.data])


def expanded(typed: str) -> str:
    """The full path of what was typed, from here or from a home folder; as it is where there is no such home."""
    try:
        return str(Path(typed).expanduser().absolute())
    except RuntimeError:
        return typed


def _held_out(cell: int) -> int:
    return max(2, cell // 4)
