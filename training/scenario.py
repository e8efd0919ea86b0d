"""A scenario: the TOML file that says which clean images, victims, attacks and network make a pack.

Everything is checked before anything is allocated, and unknown keys are refused. This module is torch-free.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

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
from core.labels import CLEAN
from core.manifest import LONGEST_NAME, Fit
from core.model.config import NetworkConfig
from core.paths import RESOURCES

Augmentation = Literal["shift", "photo"]

_Kind = TypeVar("_Kind", bound=BaseModel)

_OF_TRAINED = {"architecture", "name", "passes", "augmentation"}
"""Entries of a victim that is trained here."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Grown(_Strict):
    """Optional entries are left out of the dump where they are not given: what was begun before there were such
    entries goes on, for runs compare the dumps."""

    @model_serializer(mode="wrap")
    def _given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = dump(self)
        return {name: value for name, value in found.items() if value is not None}


class Counts(_Strict):
    """Examples wanted in each split: of every cell for an attack, in all for clean images."""

    train: NonNegativeInt
    calibration: NonNegativeInt
    test: NonNegativeInt


class CleanSpec(_Grown):
    """Clean images: where they come from, how many go in as the class "clean", how many each attack draws from.

    source: "folder" is any folder of images, in sub-folders by class or not, or tar files of such folders.
    pool: clean images of each split that attacks choose from; a victim's margins are measured on all of them.
    size, channels: of a folder's images once they are taken in: the largest centred square, scaled to size x size.
    per_class: at most this many of a class are taken in, and of each of ``train`` and ``val`` where there are such.
    histories: give every image of a folder a history of its own (:mod:`training.histories`); colour images only.
    names: what classes are called whose folders are called otherwise, by the folders' names.
    """

    source: Literal["mnist", "digits", "folder"]
    examples: Counts = Counts(train=0, calibration=0, test=0)
    pool: Counts
    size: Annotated[int, Field(ge=8, le=1024)] | None = None
    channels: Literal[1, 3] | None = None
    per_class: PositiveInt | None = None
    histories: bool | None = None
    names: dict[str, Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]] | None = None

    @model_validator(mode="after")
    def _learnt(self) -> CleanSpec:
        if not self.examples.train and (self.examples.calibration or self.examples.test):
            raise ValueError('"clean" is a class only if examples.train is above 0')
        return self

    @model_validator(mode="after")
    def _sized(self) -> CleanSpec:
        if self.source == "folder" and self.size is None:
            raise ValueError("a folder's images need size, in pixels")
        of_folders = self.size or self.channels or self.per_class or self.histories or self.names
        if self.source != "folder" and of_folders:
            entries = "size, channels, per_class, histories and names"
            raise ValueError(f"{self.source} is as it is: {entries} are a folder's")
        if self.histories and self.channels == 1:
            raise ValueError("histories are of colour images")
        return self


_FILE_NAME = r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$"
"""Of what files and folders are named by, which may be 255 bytes long in all."""


class VictimSpec(_Grown):
    """A victim: trained here on the clean train split, or brought along in a file.

    architecture: one of Table 1's or torchvision's to train; beside a file, torchvision's name for whose weights it
        holds. Programs (TorchScript, torch.export, ONNX) and victims' files of this program need none.
    passes: over the train split.
    augmentation: how images are varied in training (:mod:`training.augment`); "shift" where it is not given.
    file: the own victim's. The entries below go with one:
    size: side in pixels of what the network takes, where that is not the images' own.
    scaling: range of the values that the network's mean and std are subtracted from and divided by.
    mean, std: one for all channels, or one for each in the network's order. bgr: that order is blue, green, red.
    classes: the victim's number (from 0) of each class of the images, in their order; or the names of all the victim's
        classes, in its order, among which those of the images are looked up.
    """

    architecture: str = Field(default="", pattern=_FILE_NAME)
    name: str = Field(default="", pattern=_FILE_NAME)
    passes: PositiveFloat = 1.0
    augmentation: Augmentation | None = None
    file: str | None = Field(default=None, min_length=1)
    size: Annotated[int, Field(ge=1, le=1024)] | None = None
    scaling: Literal["0-1", "0-255"] | None = None
    mean: list[float] | None = Field(default=None, min_length=1, max_length=4)
    std: list[PositiveFloat] | None = Field(default=None, min_length=1, max_length=4)
    bgr: bool | None = None
    classes: list[NonNegativeInt] | list[str] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> VictimSpec:
        if not self.label:
            raise ValueError("a victim needs a name or an architecture")
        if self.label.lower() == CLEAN:
            raise ValueError(f"{CLEAN!r} is the label of images that nobody attacked")
        if self.file is not None and (self.passes != 1.0 or self.augmentation is not None):
            raise ValueError("passes and augmentation are for victims trained here, file is for those that are not")
        if self.file is None and (given := sorted(self.model_fields_set - _OF_TRAINED)):
            raise ValueError(f"{', '.join(given)}: only beside file")
        if self.file is None and not self.architecture:
            raise ValueError("a victim that is trained here needs an architecture")
        return self

    @property
    def label(self) -> str:
        return self.name or self.architecture

    @property
    def saved_as(self) -> str:
        """The victim's file in the run's own folder of victims."""
        return f"{self.label.lower()}.safetensors"


def numbers_in(text: str) -> list[float]:
    """Numbers as people write them, separated by commas or blanks, in brackets or not. Raises ValueError."""
    return [float(part) for part in text.strip(" []").replace(",", " ").split()]


def classes_in(text: str) -> list[int] | list[str]:
    """Class numbers if all are whole numbers, else names; separated by commas or lines, in brackets or not."""
    parts = [part.strip() for part in text.strip(" []").replace("\n", ",").split(",") if part.strip()]
    return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else parts


def name_from(file: Path) -> str:
    """A victim's name that its file's own suggests."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in file.stem).strip("._-")[:64]


class Grid(_Strict):
    """Evenly spaced hyperparameter values in label units: epsilon x 255, kappa in logits, or overshoot in percent."""

    first: float = Field(ge=0)
    last: float = Field(ge=0)
    count: int = Field(ge=1, le=1000)

    @model_validator(mode="after")
    def _of_different_values(self) -> Grid:
        if self.first == self.last and self.count > 1:
            raise ValueError(f"{self.count} values from {self.first:g} to {self.last:g} are one and the same")
        if self.first > self.last:
            raise ValueError(f"it goes from {self.first:g} down to {self.last:g}: begin with the smaller one")
        return self

    @property
    def values(self) -> list[float]:
        step = (self.last - self.first) / max(self.count - 1, 1)
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


class TrainingSpec(_Grown):
    """How the attribution network is trained: Adam with a cosine schedule, as in Section 4.1.

    decoupled_decay: AdamW's weight decay instead of the L2 penalty that the paper's Adam has.
    start: a pack, by name or path, whose weights training begins with; the scenario holds its labels in its order.
    kept: share of that pack's weights in the mean with the trained ones that becomes the pack: less of what it knew is
        forgotten (Wortsman et al. 2022, arXiv:2109.01903). Only where both know the same labels.
    precision: of the network's passes; bf16 only on devices that compute in it by themselves, float32 on others.
    extractor_epochs: for which the perturbation extractor is trained by itself, first (:mod:`training.extractor`).
    changed: share of the examples that an epoch shows as they are after a change (:mod:`training.changes`), each time
        another one, so that the pack knows attacks from compressed, scaled, cropped or noisy images too. An attack that
        does not outlast it (:mod:`training.lasting`) is shown unchanged.
    """

    epochs: PositiveInt = 20
    batch: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-3
    weight_decay: float = Field(default=1e-3, ge=0)
    decoupled_decay: bool = False
    precision: Literal["fp32", "bf16"] = "bf16"
    start: str | None = Field(default=None, min_length=1)
    kept: Annotated[float, Field(gt=0, lt=1)] | None = None
    extractor_epochs: PositiveInt | None = None
    changed: Annotated[float, Field(gt=0, le=1)] | None = None


class ProbesSpec(_Strict):
    """A pack that can ask its victims (:mod:`core.probes`). examples: training examples that its scorer learns from."""

    examples: PositiveInt = 4000


class Scenario(_Grown):
    """The whole file.

    fit: how the pack fits users' images of another size (:mod:`core.preprocess`); resized where it is not given.
        Tiles want clean images that look as those do: as finely sampled, with what a camera leaves in them.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    title: str
    description: str
    seed: int = Field(default=0, ge=0, lt=2**32)
    batch: PositiveInt = 256
    clean: CleanSpec
    victims: list[VictimSpec] = Field(min_length=1)
    attacks: list[AttackSpec] = Field(min_length=1)
    network: NetworkConfig = NetworkConfig()
    training: TrainingSpec = TrainingSpec()
    probes: ProbesSpec | None = None
    replay: Replay | None = None
    fit: Fit | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        labels = [v.label for v in self.victims]
        if len({label.lower() for label in labels}) != len(labels):
            raise ValueError(f"two victims share a name: {labels}")
        keys = [a.key for a in self.attacks]
        if len(set(keys)) != len(keys):
            raise ValueError(f"two attack entries share name and backend: {keys}")
        if CLEAN in {attack.name.lower() for attack in self.attacks}:
            raise ValueError(f"{CLEAN!r} is the label of images that nobody attacked")
        if self.training.kept and not self.training.start:
            raise ValueError("training.kept is of a pack's weights, and needs training.start")
        if self.training.extractor_epochs and self.network.perturbation_extractor is None:
            raise ValueError("training.extractor_epochs needs a network with a perturbation extractor")
        if self.probes is not None and self.network.perturbation_extractor != "pixel":
            raise ValueError("[probes] needs a network that estimates perturbations by pixel")
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
    def attack_names(self) -> list[str]:
        """Attack labels in the network's order: clean first if it is a class, then as they first appear."""
        named = list(dict.fromkeys(a.name for a in self.attacks))
        return [CLEAN, *named] if self.has_clean else named

    @property
    def victim_names(self) -> list[str]:
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
        name, remedy = path.name, "Check the path."
        if isinstance(error, FileNotFoundError) and (RESOURCES / "scenarios" / f"{name}.toml").exists():
            remedy = f"Write out the one that comes with the program: mtaa scenario show {name} > {name}.toml"
        raise ScenarioError(f"{path} cannot be read: {error.strerror}.", remedy) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is not TOML: it is not text in UTF-8.", "Choose a scenario file.") from error
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path} is not TOML: {error}.", "Mend the line it names.") from error
    return check_scenario(document, str(path))


def check_scenario(document: Mapping[str, Any], what: str = "This") -> Scenario:
    """The scenario that a TOML document holds. Raises ScenarioError, which calls the document ``what``."""
    more = "; `mtaa scenario keys` tells all that there are"
    return _checked(Scenario, document, "scenario", f"{what} is not a scenario", more)


def check_victim_entries(entries: Mapping[str, Any]) -> VictimSpec:
    """One victim of a scenario by itself. Raises ScenarioError."""
    return _checked(VictimSpec, entries, "victim", "No victim is said to be so")


_FAULTS = {"missing": "it is missing", "extra_forbidden": "there is no such key"}
"""What pydantic says otherwise of a class's fields."""


def _checked(kind: type[_Kind], document: Mapping[str, Any], whole: str, fault: str, more: str = "") -> _Kind:
    """whole: what the document is called where no entry of it is at fault. more: where what it can hold is told."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or whole}: {_FAULTS.get(e['type'], e['msg'])}" for e in error.errors()]
        raise ScenarioError(f"{fault}: {'; '.join(lines)}.", f"Mend these entries{more}.") from error


def write_scenario(path: Path, document: Mapping[str, Any]) -> Scenario:
    """Check a document and write it to ``path``. Raises ScenarioError; WorkbenchError if it cannot."""
    scenario = check_scenario(document)
    make_folder(path.parent)
    write_file(path, tomli_w.dumps(document).encode())
    return scenario
