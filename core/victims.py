"""The victims: Table 1's five architectures behind one call, ``logits = victim(x)``, x in [0, 1].

Normalisation and resizing live inside the wrapper, so that an attack's gradient passes through them as it
would through a deployed model. Weights are kept as float16, and the rounded weights *are* the victim that
is attacked, so a shipped file reproduces the attacked model exactly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import torchvision
from pydantic import ConfigDict, Field, FiniteFloat, NonNegativeInt, ValidationError
from pydantic.dataclasses import dataclass
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import VictimError
from core.files import make_folder, write_file

SMALLEST = {"InceptionV3": 75}
"""The smallest side an architecture's stages can halve; smaller images are enlarged to it inside the wrapper."""
_SMALLEST_OTHERS = 28


def _resnet(build: Callable[..., nn.Module], channels: int, classes: int, size: int) -> nn.Module:
    net = build(num_classes=classes)
    if channels != 3:
        net.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    return net


def _vgg(build: Callable[..., nn.Module], channels: int, classes: int, size: int) -> nn.Module:
    """VGG's convolutions with batch norm, averaged into one linear layer.

    The three dense layers of the original hold 120 M weights for 224x224 images and would be most of the model here.
    Images under 32 pixels leave nothing for the fifth pooling, so it is left out for them.
    """
    net = build(num_classes=1)
    features: nn.Sequential = net.features  # type: ignore[assignment]
    if channels != 3:
        features[0] = nn.Conv2d(channels, 64, 3, padding=1)
    layers = features[:-1] if size < 32 else features
    return nn.Sequential(layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def _inception(build: Callable[..., nn.Module], channels: int, classes: int, size: int) -> nn.Module:
    net = build(num_classes=classes, aux_logits=False, init_weights=False)
    if channels != 3:
        net.Conv2d_1a_3x3.conv = nn.Conv2d(channels, 32, 3, stride=2, bias=False)  # type: ignore[union-attr]
    return net


_Builder = Callable[[int, int, int], nn.Module]
_models = torchvision.models
ARCHITECTURES: dict[str, _Builder] = {
    "InceptionV3": lambda c, k, s: _inception(_models.inception_v3, c, k, s),
    "ResNet18": lambda c, k, s: _resnet(_models.resnet18, c, k, s),
    "ResNet50": lambda c, k, s: _resnet(_models.resnet50, c, k, s),
    "VGG16": lambda c, k, s: _vgg(_models.vgg16_bn, c, k, s),
    "VGG19": lambda c, k, s: _vgg(_models.vgg19_bn, c, k, s),
}
"""Table 1's victims by name: (channels, classes, image side) -> untrained network."""


_Side = Annotated[int, Field(ge=1, le=4096)]


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class VictimCard:
    """What a victim's file says of it, checked: a file may come from anywhere.

    accuracy: of the float16 weights, on the clean test split.
    """

    name: str
    architecture: str
    dataset: str
    classes: Annotated[int, Field(ge=2, le=100_000)]
    channels: Annotated[int, Field(ge=1, le=64)]
    height: _Side
    width: _Side
    mean: FiniteFloat
    std: Annotated[FiniteFloat, Field(gt=0)]
    accuracy: Annotated[float, Field(ge=0, le=1)]
    seed: NonNegativeInt


class Victim(nn.Module):
    """logits [B, classes] = victim(x), x float [B, C, H, W] in [0, 1] at the data set's own size."""

    def __init__(self, card: VictimCard) -> None:
        super().__init__()
        if card.architecture not in ARCHITECTURES:
            raise VictimError(
                f"No architecture is called {card.architecture!r}.", f"Use one of {', '.join(ARCHITECTURES)}."
            )
        self.card = card
        smallest = SMALLEST.get(card.architecture, _SMALLEST_OTHERS)
        scale = max(1.0, smallest / min(card.height, card.width))
        self._resize = (round(card.height * scale), round(card.width * scale)) if scale > 1 else None
        side = max(smallest, min(card.height, card.width))
        self.network = ARCHITECTURES[card.architecture](card.channels, card.classes, side)

    @property
    def name(self) -> str:
        return self.card.name

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.card.mean) / self.card.std
        if self._resize is not None:
            x = F.interpolate(x, self._resize, mode="bilinear", align_corners=False)
        logits: Tensor = self.network(x)
        return logits

    def frozen(self) -> Victim:
        """Evaluation mode without parameter gradients: what attacks take."""
        return self.eval().requires_grad_(False)


def save_victim(victim: Victim, path: Path) -> str:
    """Write the weights as safetensors with the card in the header; returns the file's sha256.

    Kernels become float16; biases and batch norm statistics are few, and a variance can leave float16's range.
    """
    tensors = {
        key: value.detach().to("cpu", torch.float16 if value.dim() > 1 else value.dtype).contiguous()
        for key, value in victim.network.state_dict().items()
    }
    data = save(tensors, {"card": json.dumps(asdict(victim.card))})
    make_folder(path.parent)
    write_file(path, data)
    return hashlib.sha256(data).hexdigest()


def _faults(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def read_card(path: Path) -> VictimCard:
    """What a victim's file says of it. Raises VictimError if the file is missing, damaged or not a victim."""
    return _read(path, weights=False)[0]


def _read(path: Path, *, weights: bool) -> tuple[VictimCard, dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            card = VictimCard(**json.loads((file.metadata() or {})["card"]))
            return card, {key: file.get_tensor(key) for key in file.keys()} if weights else {}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = _faults(error) if isinstance(error, ValidationError) else error
        raise VictimError(f"{path} is not a victim file: {reason}.", "Train it with `mtaa victims train`.") from error


def load_victim(path: Path) -> tuple[Victim, str]:
    """The frozen victim in ``path`` (float32 in memory, with the file's float16 values) and the file's sha256.

    Raises VictimError if the file is missing, damaged or not a victim of this program.
    """
    card, tensors = _read(path, weights=True)
    if not all(bool(value.isfinite().all()) for value in tensors.values()):
        raise VictimError(f"{path} holds weights that are NaN or infinite.", "Train it again.")
    try:
        victim = Victim(card)
        victim.network.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, strict=True
        )
    except VictimError as error:
        raise VictimError(f"{path}: {error.what}", error.remedy) from error
    except RuntimeError as error:
        raise VictimError(f"The weights in {path} are not a {card.architecture}'s.", "Train it again.") from error
    return victim.frozen(), hashlib.sha256(path.read_bytes()).hexdigest()
