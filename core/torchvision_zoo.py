"""Any classifier of torchvision by its name, in the shape that a state dict says.

It is imported when the first is built: that takes as long as all of torch, and an answer by the image needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

from core.errors import VictimError
from core.weights import fill

Tensors = Mapping[str, Tensor]
_Network = TypeVar("_Network", bound=nn.Module)

_AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")
"""Heads of GoogLeNet and InceptionV3 that serve training alone."""


def torchvision_names() -> list[str]:
    """Names of torchvision's image classifiers."""
    from torchvision import models  # noqa: PLC0415 (slow to import)

    return models.list_models(module=models)  # type: ignore[no-any-return]


def build_torchvision(name: str, tensors: Tensors) -> nn.Module:
    """The classifier ``name`` holding ``tensors``, with as many input channels and classes as they have.

    Raises VictimError for a name that does not exist, and for tensors that are another network's.
    """
    _check_name(name)
    state = {key: value for key, value in tensors.items() if not key.startswith(_AUXILIARY)}
    narrow, wide = (_shapes(shapes_alone(partial(make, name, classes))) for classes in (7, 11))
    network = shapes_alone(partial(make, name, _classes(name, narrow, wide, state)))
    with torch.device("meta"):
        fit_channels(network, _channels(network, state))
    try:
        fill(network, state)
    except RuntimeError as error:
        raise VictimError(
            f"The weights are not a {name}'s: {_difference(network, state)}.", "Check its name."
        ) from error
    return network.eval()


def new_torchvision(name: str, channels: int, classes: int) -> nn.Module:
    """The classifier ``name``, untrained. Raises VictimError for a name that does not exist."""
    _check_name(name)
    network = make(name, classes)
    fit_channels(network, channels)
    return network


def make(name: str, classes: int) -> nn.Module:
    """The classifier of that name, untrained, for three channels."""
    from torchvision.models import get_model  # noqa: PLC0415 (slow to import)

    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return get_model(name, weights=None, num_classes=classes, **options)  # type: ignore[no-any-return]


def shapes_alone(make: Callable[[], _Network]) -> _Network:
    """What ``make`` makes, without its weights' memory."""
    try:
        with torch.device("meta"):
            return make()
    except NotImplementedError:  # RegNets compute their widths with tensors, which then have no numbers
        return make().to("meta")


def _check_name(name: str) -> None:
    if name not in torchvision_names():
        raise VictimError(
            f"torchvision has no classifier called {name!r}.",
            "Use its own name, for example resnet18, vgg16_bn, inception_v3 or squeezenet1_1.",
        )


def _shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in network.state_dict().items()}


def _classes(name: str, narrow: dict[str, torch.Size], wide: dict[str, torch.Size], state: Tensors) -> int:
    """The first side of the tensors whose shape depends on the number of classes."""
    heads = [key for key, shape in narrow.items() if shape != wide[key]]
    if not heads or any(key not in state or state[key].dim() == 0 for key in heads):
        raise VictimError(f"The weights are not a {name}'s: they lack {', '.join(heads)}.", "Check its name.")
    return int(state[heads[0]].shape[0])


def _first(network: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """The first convolution and its name."""
    return next(((name, m) for name, m in network.named_modules() if isinstance(m, nn.Conv2d)), None)


def _channels(network: nn.Module, state: Tensors) -> int:
    """Channels that the weights take; the network's own where they do not say."""
    first = _first(network)
    weight = state.get(f"{first[0]}.weight") if first is not None else None
    return weight.shape[1] if weight is not None and weight.dim() == 4 else channels_of(network)


def fit_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution where it is to take another number of channels."""
    first = _first(network)
    if first is None or first[1].in_channels == channels:
        return
    old, (parent, _, own) = first[1], first[0].rpartition(".")
    new = nn.Conv2d(channels, old.out_channels, old.kernel_size, old.stride, old.padding, bias=old.bias is not None)  # type: ignore[arg-type]
    setattr(network.get_submodule(parent), own, new)


def channels_of(network: nn.Module) -> int:
    """Channels that the first convolution takes; 3 where there is none."""
    first = _first(network)
    return first[1].in_channels if first is not None else 3


def _difference(network: nn.Module, state: Tensors) -> str:
    own = _shapes(network)
    if missing := sorted(own.keys() - state.keys()):
        return (
            f"{missing[0]} and {len(missing) - 1} others are missing"
            if len(missing) > 1
            else f"{missing[0]} is missing"
        )
    if unknown := sorted(state.keys() - own.keys()):
        return f"{unknown[0]} is not a part of it"
    wrong = next((key for key in own if own[key] != state[key].shape), "a tensor")
    return f"{wrong} has another shape"
