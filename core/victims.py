"""The victims: networks behind one call, ``logits = victim(x)``, x in [0, 1], each in one file with its card.

Normalisation and resizing live inside the wrapper, so that an attack's gradient passes through them as it
would through a deployed model. Table 1's five architectures are trained here; their weights are kept as float16, and
the rounded weights *are* the victim that is attacked, so a shipped file reproduces the attacked model exactly. A victim
that was brought along keeps its weights, or its whole program, as they came.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import MISSING, asdict, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import ConfigDict, Field, FiniteFloat, NonNegativeInt, ValidationError
from pydantic.dataclasses import dataclass
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import VictimError
from core.files import file_sha256, make_folder, write_file
from core.folding import fold_batch_norms
from core.manifest import ClassNames
from core.pictures import LUMA
from core.programs import PROGRAMS, ProgramForm, load_program
from core.torchvision_zoo import build_torchvision, new_torchvision
from core.weights import fault_of, fill

Form = Literal["network", "torchvision"] | ProgramForm

SMALLEST = {"InceptionV3": 75}
"""The smallest side an architecture's stages can halve; smaller images are enlarged to it inside the wrapper."""
_SMALLEST_OTHERS = 28


def _as_it_is(name: str, channels: int, classes: int, side: int) -> nn.Module:
    return new_torchvision(name, channels, classes)


def _vgg(name: str, channels: int, classes: int, side: int) -> nn.Module:
    """VGG's convolutions with batch norm, averaged into one linear layer.

    The three dense layers of the original hold 120 M weights for 224x224 images and would be most of the model here.
    Images under 32 pixels leave nothing for the fifth pooling, so it is left out for them.
    """
    features: nn.Sequential = new_torchvision(name, channels, classes=1).features  # type: ignore[assignment]
    layers = features[:-1] if side < 32 else features
    return nn.Sequential(layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


ARCHITECTURES: dict[str, Callable[[int, int, int], nn.Module]] = {
    "InceptionV3": partial(_as_it_is, "inception_v3"),
    "ResNet18": partial(_as_it_is, "resnet18"),
    "ResNet50": partial(_as_it_is, "resnet50"),
    "VGG16": partial(_vgg, "vgg16_bn"),
    "VGG19": partial(_vgg, "vgg19_bn"),
}
"""Table 1's victims by name: (channels, classes, image side) -> untrained network."""


_Side = Annotated[int, Field(ge=1, le=4096)]
_TakenSide = Annotated[int, Field(ge=1, le=1024)]
"""A network's layers make many times as much of what it takes; a card from a stranger is not to ask for all memory."""
_Channels = Annotated[int, Field(ge=1, le=64)]
_Positive = Annotated[FiniteFloat, Field(gt=0)]
Tensors = dict[str, Tensor]

PROGRAM = "program"
"""The tensor that holds a program's bytes, uint8 [N]."""


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class VictimCard:
    """What a victim's file says of it, checked: a file may come from anywhere.

    channels, height, width: of the data set. classes: the victim's own, the number of its logits.
    mean, std: of [0, 1] values, one for all channels or one for each of the network's, in its own order.
    accuracy: of the weights as kept, on clean test images; None where their classes are not known.
    form: what the file's tensors are. "network": weights of an architecture here; "torchvision": of torchvision's.
    takes: (channels, height, width) of the network's own input where it is not the data set's.
    bgr: the network takes blue, green, red. class_map: the victim's number of each class of the data set.
    origin: sha256 over the file it came from and what was said of it.
    class_names: what the classes of a data set of the user's are called, in their order; a pack names its own.
    """

    name: str
    architecture: str
    dataset: str
    classes: Annotated[int, Field(ge=2, le=100_000)]
    channels: _Channels
    height: _Side
    width: _Side
    mean: FiniteFloat | tuple[FiniteFloat, ...]
    std: _Positive | tuple[_Positive, ...]
    accuracy: Annotated[float, Field(ge=0, le=1)] | None
    seed: NonNegativeInt
    form: Form = "network"
    takes: tuple[_Channels, _TakenSide, _TakenSide] | None = None
    bgr: bool = False
    class_map: tuple[NonNegativeInt, ...] | None = None
    origin: str = ""
    class_names: ClassNames = ()

    @property
    def data_classes(self) -> int:
        """Classes of the data set that the victim names."""
        return self.classes if self.class_map is None else len(self.class_map)

    def to_json(self) -> str:
        """Entries added later are left out where they say nothing, so that older victims' files keep their bytes."""
        later = {field.name: field.default for field in fields(self) if field.default is not MISSING}
        entries = asdict(self)
        return json.dumps({k: v for k, v in entries.items() if k not in later or v != later[k]})


class Victim(nn.Module):
    """logits [B, classes] = victim(x), x float [B, C, H, W] in [0, 1] at the data set's own size.

    network: what computes the logits; built untrained by the card's architecture where it is not given.
    Raises VictimError for a card that no network here fits.
    """

    _mean: Tensor
    _std: Tensor

    def __init__(self, card: VictimCard, network: nn.Module | None = None) -> None:
        super().__init__()
        network = untrained(card) if network is None else network
        self.card = card
        scale = max(1.0, _smallest(card) / min(card.height, card.width))
        channels, *side = card.takes or (card.channels, round(card.height * scale), round(card.width * scale))
        self._channels = channels
        self._resize = None if side == [card.height, card.width] else (side[0], side[1])
        self._shrinks = min(side[0] / card.height, side[1] / card.width) < 1
        if {card.channels, channels} not in ({1, 3}, {channels}):
            raise VictimError(
                f"{card.name} takes {channels} channels, the images have {card.channels}.", "Use another."
            )
        for name, values in (("_mean", card.mean), ("_std", card.std)):
            if isinstance(values, tuple) and len(values) not in (1, channels):
                raise VictimError(
                    f"{card.name} has {len(values)} means or standard deviations for {channels} channels.",
                    "Give one for each channel.",
                )
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)
        self.network = network

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def channels(self) -> int:
        """Of what the network takes."""
        return self._channels

    @property
    def device(self) -> torch.device:
        return self._mean.device

    def pixels(self, size: Sequence[int]) -> int:
        """Of what the network sees of an image of that height and width."""
        return math.prod(self._resize or size)

    def forward(self, x: Tensor) -> Tensor:
        if self._channels > x.shape[1]:
            x = x.expand(-1, self._channels, -1, -1)
        elif self._channels < x.shape[1]:
            x = (x * x.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
        if self.card.bgr:
            x = x.flip(1)
        x = (x - self._mean) / self._std
        if self._resize is not None:
            x = F.interpolate(x, self._resize, mode="bilinear", align_corners=False, antialias=self._shrinks)
        if self.card.form in PROGRAMS:
            x = x.contiguous()  # a program may view its layers' outputs, which other memory formats do not allow
        logits: Tensor = self.network(x)
        return logits

    def frozen(self) -> Victim:
        """Evaluation mode without parameter gradients: what attacks take."""
        return self.eval().requires_grad_(False)


def untrained(card: VictimCard) -> nn.Module:
    """The network that a card names, its weights drawn at random. Raises VictimError for one that is not here."""
    if card.form == "torchvision":
        return new_torchvision(card.architecture, card.channels, card.classes)
    if card.architecture not in ARCHITECTURES:
        raise VictimError(
            f"No architecture is called {card.architecture!r}.", f"Use one of {', '.join(ARCHITECTURES)}."
        )
    side = max(_smallest(card), min(card.height, card.width))
    return ARCHITECTURES[card.architecture](card.channels, card.classes, side)


def _smallest(card: VictimCard) -> int:
    """The smallest side that the network takes."""
    return SMALLEST.get(card.architecture, _SMALLEST_OTHERS) if card.form == "network" else 1


def build_victim(card: VictimCard, tensors: Tensors) -> Victim:
    """The frozen victim of a card and what its file holds, float32 in memory. Raises VictimError."""
    if card.form == "network":
        with torch.device("meta"):  # to draw weights that are then replaced takes longer than all the rest
            network = untrained(card)
        try:
            fill(network, tensors)
        except RuntimeError as error:
            raise VictimError(f"The weights are not a {card.architecture}'s.", "Train it again.") from error
        victim = Victim(card, network)
    elif card.form == "torchvision":
        victim = Victim(card, build_torchvision(card.architecture, tensors))
    else:
        if tensors.keys() != {PROGRAM} or tensors[PROGRAM].dtype != torch.uint8 or tensors[PROGRAM].dim() != 1:
            raise VictimError("The file does not hold the program that its card speaks of.", "Bring the victim again.")
        victim = Victim(card, load_program(card.form, tensors[PROGRAM].numpy().tobytes(), card.name))
    return victim.frozen()


def save_victim(victim: Victim, path: Path) -> str:
    """Write a victim that was trained here as safetensors; returns the file's sha256.

    Kernels become float16; biases and batch norm statistics are few, and a variance can leave float16's range.
    """
    tensors = {
        key: value.detach().to("cpu", torch.float16 if value.dim() > 1 else value.dtype).contiguous()
        for key, value in victim.network.state_dict().items()
    }
    return write_victim(victim.card, tensors, path)


def write_victim(card: VictimCard, tensors: Tensors, path: Path) -> str:
    """Write a victim's tensors as they are, with the card in the header; returns the file's sha256."""
    data = save(tensors, {"card": card.to_json()})
    make_folder(path.parent)
    write_file(path, data)
    return hashlib.sha256(data).hexdigest()


def _faults(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def _reason(error: Exception) -> str:
    match error:
        case ValidationError():
            return _faults(error)
        case SafetensorError():
            return f"it is damaged, or no safetensors file ({error})"
        case KeyError():
            return "its header has no card"
    return str(error)


def read_card(path: Path) -> VictimCard:
    """What a victim's file says of it. Raises VictimError if the file is missing, damaged or not a victim."""
    return read_victim(path, weights=False)[0]


def read_victim(path: Path, *, weights: bool = True) -> tuple[VictimCard, Tensors]:
    """A victim file's card and tensors. Raises VictimError if the file is missing, damaged or not a victim."""
    try:
        with safe_open(path, "pt") as file:
            card = VictimCard(**json.loads((file.metadata() or {})["card"]))
            return card, {key: file.get_tensor(key) for key in file.keys()} if weights else {}  # noqa: SIM118
    except FileNotFoundError as error:
        raise VictimError(
            f"There is no victim {path}.", "Train it with `mtaa victims train` into this folder, or name another."
        ) from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise VictimError(
            f"{path} is not a victim file: {_reason(error)}.",
            "Train it with `mtaa victims train`, or make it of a model of your own (TorchScript, torch.export, ONNX, a "
            "state dict) with `mtaa victims import`.",
        ) from error


def load_victim(path: Path) -> tuple[Victim, str]:
    """The frozen victim in ``path`` (float32 in memory, with the file's own values) and the file's sha256.

    Raises VictimError if the file is missing, damaged or not a victim of this program, or if another took its place
    meanwhile: the hash would be of that one.
    """
    before = _digest(path)
    card, tensors = read_victim(path)
    if fault := fault_of(tensors):
        raise VictimError(f"{path}: {fault}.", "Train it again.")
    try:
        victim = build_victim(card, tensors)
    except VictimError as error:
        raise VictimError(f"{path}: {error.what}", error.remedy) from error
    if before is None or before != _digest(path):
        raise VictimError(f"{path} was changed while the program ran.", "Do the same again.")
    return victim, before


def load_folded(path: Path) -> tuple[Victim, str]:
    """As :func:`load_victim`, with its batch norms folded: for who asks it many times an image and never saves it."""
    victim, digest = load_victim(path)
    if victim.card.form not in PROGRAMS:
        fold_batch_norms(victim.network)
    return victim, digest


def _digest(path: Path) -> str | None:
    """The sha256 of a file; None for one that cannot be read, which :func:`read_victim` tells."""
    try:
        return file_sha256(path)
    except OSError:
        return None
