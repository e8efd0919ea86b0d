"""A scenario: the TOML file that says which clean images, victims, attacks and network make a pack.

Everything is checked before anything is allocated, and unknown keys are refused. This module is torch-free.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from core.errors import ScenarioError
from core.files import make_folder, write_file
from core.manifest import CLEAN
from core.model.config import NetworkConfig


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Counts(_Strict):
    """Examples wanted in each split: of every cell for an attack, in all for clean images."""

    train: NonNegativeInt
    calibration: NonNegativeInt
    test: NonNegativeInt


class CleanSpec(_Strict):
    """Clean images: where they come from, how many go in as the class "clean", how many each attack draws from.

    pool: clean images of each split that attacks choose from; a victim's margins are measured on all of them.
    """

    source: Literal["mnist", "digits"]
    examples: Counts = Counts(train=0, calibration=0, test=0)
    pool: Counts

    @model_validator(mode="after")
    def _learnt(self) -> CleanSpec:
        if not self.examples.train and (self.examples.calibration or self.examples.test):
            raise ValueError('"clean" is a class only if examples.train is above 0')
        return self


class VictimSpec(_Strict):
    """A victim trained on the clean train split. passes: over that split."""

    architecture: str
    name: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$")  # names files and folders
    passes: PositiveFloat = 1.0

    @property
    def label(self) -> str:
        return self.name or self.architecture

    @property
    def file(self) -> str:
        return f"{self.label.lower()}.safetensors"


class Grid(_Strict):
    """Evenly spaced hyperparameter values in label units: epsilon x 255, kappa in logits, or overshoot in percent."""

    first: float = Field(ge=0)
    last: float = Field(ge=0)
    count: PositiveInt

    @property
    def values(self) -> list[float]:
        if self.count == 1:
            return [self.first]
        step = (self.last - self.first) / (self.count - 1)
        return [self.first + step * i for i in range(self.count)]


class AttackSpec(_Strict):
    """One way of making one attack's examples. Several entries of one ``name`` share that label.

    backend: whose implementation ("mtaa" is this program's); parameters: that implementation's own fields.
    cell: examples wanted for each (victim, grid value).
    attempts: clean images tried for each example wanted before a cell is reported as not filled.
    """

    name: str
    backend: str = "mtaa"
    grid: Grid
    cell: Counts
    attempts: PositiveInt = 4
    parameters: dict[str, Any] = {}

    @model_validator(mode="after")
    def _own(self) -> AttackSpec:
        taken = {"name", "backend"} & set(self.parameters)
        if taken:
            raise ValueError(f"parameters cannot hold {sorted(taken)}: they say whose label this is")
        return self

    @property
    def config(self) -> dict[str, Any]:
        """What ``training.attacks.make_attack`` takes."""
        return {"name": self.name, "backend": self.backend, **self.parameters}

    @property
    def title(self) -> str:
        """For people: the attack, and whose implementation where that is not this program's."""
        return self.name if self.backend == "mtaa" else f"{self.name} ({self.backend})"

    @property
    def key(self) -> str:
        return f"{self.name}-{self.backend}".lower().replace("&", "")


class Replay(_Strict):
    """What a pack that is grown knows already and is only to remember.

    Cells of these victims under these attacks, by their labels, have these counts instead of their attack's own.
    """

    victims: list[str] = Field(min_length=1)
    attacks: list[str] = Field(min_length=1)
    cell: Counts


class TrainingSpec(_Strict):
    """How the attribution network is trained: Adam with a cosine schedule, as in Section 4.1.

    decoupled_decay: AdamW's weight decay instead of the L2 penalty that the paper's Adam has.
    start: a pack, by name or path, whose weights training begins with; the scenario holds its labels in its order.
    """

    epochs: PositiveInt = 20
    batch: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-3
    weight_decay: float = Field(default=1e-3, ge=0)
    decoupled_decay: bool = False
    precision: Literal["fp32", "bf16"] = "bf16"
    start: str | None = Field(default=None, min_length=1)

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without ``start`` where there is none, so that what was begun before there was such an entry goes on."""
        found: dict[str, Any] = dump(self)
        return {name: value for name, value in found.items() if name != "start" or value is not None}


class Scenario(_Strict):
    """The whole file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    description: str
    seed: NonNegativeInt = 0
    batch: PositiveInt = 256
    clean: CleanSpec
    victims: list[VictimSpec] = Field(min_length=1)
    attacks: list[AttackSpec] = Field(min_length=1)
    network: NetworkConfig = NetworkConfig()
    training: TrainingSpec = TrainingSpec()
    replay: Replay | None = None

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without ``replay`` where there is none, as scenarios were before there was such an entry."""
        found: dict[str, Any] = dump(self)
        return {name: value for name, value in found.items() if name != "replay" or value is not None}

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        labels = [v.label for v in self.victims]
        if len({label.lower() for label in labels}) != len(labels):
            raise ValueError(f"two victims share a name: {labels}")
        keys = [a.key for a in self.attacks]
        if len(set(keys)) != len(keys):
            raise ValueError(f"two attack entries share name and backend: {keys}")
        if CLEAN in {name.lower() for name in (*labels, *(a.name for a in self.attacks))}:
            raise ValueError(f"{CLEAN!r} is the label of images that nobody attacked")
        if self.replay is not None:
            replayed = {*self.replay.victims, *self.replay.attacks}
            if unknown := sorted(replayed - {*labels, *(a.name for a in self.attacks)}):
                raise ValueError(f"replay names {', '.join(unknown)}, which the scenario has not")
        return self

    def cell(self, victim: str, attack: AttackSpec) -> Counts:
        """Examples wanted of each value of the attack's grid against the victim of that label."""
        if self.replay is not None and victim in self.replay.victims and attack.name in self.replay.attacks:
            return self.replay.cell
        return attack.cell

    @property
    def attack_labels(self) -> list[str]:
        """Attack labels in the network's order: clean first if it is a class, then as they first appear."""
        named = list(dict.fromkeys(a.name for a in self.attacks))
        return [CLEAN, *named] if self.has_clean else named

    @property
    def victim_labels(self) -> list[str]:
        named = [v.label for v in self.victims]
        return [CLEAN, *named] if self.has_clean else named

    @property
    def has_clean(self) -> bool:
        return self.clean.examples.train > 0


def read_scenario(path: Path) -> Scenario:
    """Read and check a scenario file. Raises ScenarioError with every complaint and where it is."""
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path} is not TOML: {error}.", "Mend the line it names.") from error
    return check_scenario(document, str(path))


def check_scenario(document: Mapping[str, Any], what: str = "This") -> Scenario:
    """The scenario that a TOML document holds. Raises ScenarioError, which calls the document ``what``."""
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'scenario'}: {e['msg']}" for e in error.errors()]
        raise ScenarioError(f"{what} is not a scenario: {'; '.join(lines)}.", "Mend these entries.") from error


def write_scenario(path: Path, document: Mapping[str, Any]) -> Scenario:
    """Check a document and write it to ``path``. Raises ScenarioError; WorkbenchError if it cannot."""
    scenario = check_scenario(document)
    make_folder(path.parent)
    write_file(path, tomli_w.dumps(document).encode())
    return scenario
