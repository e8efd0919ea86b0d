"""Victims that the user brings: from a file and what the scenario says of it to a victim's file of this program.

No file is ever unpickled freely: weights are read as safetensors or with ``weights_only``, and programs as
``core.programs`` says.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from core.errors import VictimError
from core.programs import load_program, program_form
from core.torchvision_zoo import build_torchvision, channels_of
from core.victims import PROGRAM, Tensors, VictimCard, read_victim
from core.weights import fault_of
from training.scenario import VictimSpec
from training.sources import CleanImages

_NESTS = ("state_dict", "model_state_dict", "model", "net", "weights")
"""Where training scripts put the weights in a checkpoint."""
_PREFIXES = ("module.", "model.", "_orig_mod.")
"""What wrappers put before every name."""
_LARGEST = 4 * 2**30
_TORCHSCRIPT = "Traceback of TorchScript"
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
"""What a pickle would have called."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def origin_of(spec: VictimSpec, path: Path) -> str:
    """sha256 over the file and what is said of it: whether a victim that was brought is still the one asked for."""
    said = json.dumps(spec.model_dump(exclude={"file", "passes"}), sort_keys=True).encode()
    return hashlib.sha256(_bytes(path) + said).hexdigest()


def read_own(spec: VictimSpec, path: Path, clean: CleanImages) -> tuple[VictimCard, Tensors]:
    """The card of the victim that ``spec`` describes, its accuracy not measured yet, and what its file is to hold.

    Raises VictimError for a file that is refused, damaged, or not what the scenario says.
    """
    data = _bytes(path)
    if known := _of_this_program(spec, path, data):
        card, tensors = known
    else:
        card, tensors = _foreign(spec, path, data, clean)
    given: dict[str, Any] = {"bgr": spec.bgr, "mean": _in_unit(spec, spec.mean), "std": _in_unit(spec, spec.std)}
    if spec.scaling == "0-255" and spec.std is None:
        given["std"] = (1 / 255,)
    try:
        card = replace(
            card, name=spec.label, accuracy=None, dataset=clean.name, origin=origin_of(spec, path),
            class_names=clean.class_names,
            **{key: value for key, value in given.items() if value is not None},
        )  # fmt: skip
        return replace(card, class_map=_class_map(spec, card, clean)), tensors
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
        raise VictimError(f"{spec.label} cannot be such a victim: {faults}.", "Mend these entries.") from error


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise VictimError(f"{path} is larger than {_LARGEST >> 30} GiB.", "Use a smaller victim.")
        return path.read_bytes()
    except OSError as error:
        raise VictimError(f"{path} cannot be read: {error.strerror}.", "Check the victim's file.") from error


def _of_this_program(spec: VictimSpec, path: Path, data: bytes) -> tuple[VictimCard, Tensors] | None:
    """What a victim's file of this program holds; None for any other file."""
    if data[8:9] != b"{" or b'"card"' not in data[8 : 8 + int.from_bytes(data[:8], "little")]:
        return None
    card, tensors = read_victim(path)
    if spec.architecture and spec.architecture != card.architecture:
        raise VictimError(f"{path} holds a {card.architecture}, not a {spec.architecture}.", "Leave architecture out.")
    return card, tensors


def _foreign(spec: VictimSpec, path: Path, data: bytes, clean: CleanImages) -> tuple[VictimCard, Tensors]:
    """A program is taken for what it is; weights need torchvision's name of their architecture."""
    form = program_form(data, path.name)
    channels, height, width = clean.shape
    if form is None:
        tensors = read_state(path, data)  # first: a whole pickled model is refused for what it is
        if not spec.architecture:
            raise VictimError(
                f"{path} holds weights alone, and they do not say of which network.",
                "Give torchvision's name as architecture, for example resnet18, or bring a program (.pt2, .onnx).",
            )
        network = build_torchvision(spec.architecture, tensors)
        takes_channels, classes = channels_of(network), _outputs(network, spec, clean)
    else:
        tensors = {PROGRAM: torch.frombuffer(bytearray(data), dtype=torch.uint8)}
        network = load_program(form, data, path.name)
        takes_channels, classes = _probe(network, spec, clean)
    side = (spec.size, spec.size) if spec.size else (height, width)
    takes = (takes_channels, *side)
    return VictimCard(
        name=spec.label, architecture=spec.architecture or (form or ""), dataset=clean.name, classes=classes,
        channels=channels, height=height, width=width, mean=0.0, std=1.0, accuracy=None, seed=0,
        form=form or "torchvision", takes=takes if takes != clean.shape else None,
    ), tensors  # fmt: skip


def read_state(path: Path, data: bytes) -> Tensors:
    """The tensors of a safetensors file or a torch.save'd state dict, without wrappers' prefixes.

    Raises VictimError: a file that would need classes or functions to be unpickled is refused, and none of it runs.
    """
    try:
        if data[8:9] == b"{":
            found: Any = load_safetensors(data)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on old formats
                found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # what damaged archives and pickles make PyTorch raise is of many kinds
        named = _GLOBAL.search(str(error))
        if named:
            what = f"it holds more than weights, and would run {named[1]}"
        else:
            what = "it is damaged, or no file of weights"  # PyTorch's own words advise to load it unsafely
        raise VictimError(
            f"{path} is refused: {what}.",
            "Save the model's state dict alone: torch.save(model.state_dict(), ...) or safetensors.",
        ) from error
    for nest in _NESTS:
        if isinstance(found, Mapping) and isinstance(found.get(nest), Mapping):
            found = found[nest]
    if not isinstance(found, Mapping) or not found or not all(isinstance(v, Tensor) for v in found.values()):
        raise VictimError(f"{path} holds no state dict.", "Save model.state_dict() alone.")
    state = {str(key): value.detach() for key, value in found.items()}
    if fault := fault_of(state):
        raise VictimError(f"{path} is refused: {fault}.", "Save the weights of a network in float32 that was trained.")
    if sum(value.nbytes for value in state.values()) > _LARGEST:  # parts of one tensor may be more than its file
        raise VictimError(f"{path} holds more than {_LARGEST >> 30} GiB of weights.", "Use a smaller victim.")
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    # clones: safetensors keeps no shared memory
    return {key: value.clone(memory_format=torch.contiguous_format) for key, value in state.items()}


def _reason(text: str) -> str:
    """What a library says went wrong, on one line and without a terminal's colours."""
    if _TORCHSCRIPT in text:  # what went wrong comes after where it did
        text = text.strip().splitlines()[-1]
    return " ".join(_COLOURS.sub("", text).split())[:200]


def _outputs(network: torch.nn.Module, spec: VictimSpec, clean: CleanImages) -> int:
    return _probe(network, spec, clean, (channels_of(network),))[1]


@torch.no_grad()
def _probe(
    network: torch.nn.Module, spec: VictimSpec, clean: CleanImages, channels: tuple[int, ...] = ()
) -> tuple[int, int]:
    """(channels, classes) of a network, found by giving it grey images of each number of channels it may take.

    Two and then three at once: a program that was exported for batches of one size takes no other.
    """
    own, height, width = clean.shape
    side = (spec.size, spec.size) if spec.size else (height, width)
    reasons = []
    for tried in channels or (own, *({1, 3} - {own})):
        try:
            answers = [network.eval()(torch.full((count, tried, *side), 0.5)) for count in (2, 3)]
        except Exception as error:  # whatever a network that takes something else may raise
            reasons.append(_reason(str(error)))
            continue
        logits = answers[0]
        if isinstance(logits, Tensor) and logits.dim() == 2 and len(logits) == 2 and logits.shape[1] >= 2:
            return tried, int(logits.shape[1])
        shape = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        reasons.append(f"it answers two images with {shape}, not with logits [2, classes]")
    raise VictimError(
        f"{spec.label} cannot be run on images of {side[1]}x{side[0]}: {reasons[0]}.",
        "Give the size that it takes, and export it for batches of any number.",
    )


def _in_unit(spec: VictimSpec, values: list[float] | None) -> tuple[float, ...] | None:
    """A mean or standard deviation on the scale of images in [0, 1]."""
    if values is None:
        return None
    return tuple(value / 255 if spec.scaling == "0-255" else value for value in values)


def _class_map(spec: VictimSpec, card: VictimCard, clean: CleanImages) -> tuple[int, ...] | None:
    """The victim's number of each class of the images; None where they are the same, or where nobody knows.

    Without a word in the scenario equal numbers of classes are taken for the same classes in the same order.
    """
    if not clean.classes:
        return None
    if spec.classes is None:
        if card.data_classes == clean.classes:
            return card.class_map
        if card.classes < clean.classes:
            raise VictimError(
                f"{spec.label} tells {card.classes} classes apart, the images have {clean.classes}.",
                "Use fewer classes.",
            )
        return ()  # to be found out
    numbers = [n for n in spec.classes if isinstance(n, int)] or _looked_up(spec, card, clean)
    if len(numbers) != clean.classes or len(set(numbers)) != len(numbers) or max(numbers) >= card.classes:
        raise VictimError(
            f"classes of {spec.label} must be {clean.classes} different numbers from 0 to {card.classes - 1}, "
            f"one for each of {_some(clean.class_names)}.",
            "Mend classes.",
        )
    return tuple(numbers)


def _looked_up(spec: VictimSpec, card: VictimCard, clean: CleanImages) -> list[int]:
    names = [str(name).strip().lower() for name in spec.classes or ()]
    if len(names) != card.classes:
        raise VictimError(
            f"{spec.label} has {card.classes} classes, and {len(names)} names are given.", "Name them all."
        )
    if missing := [name for name in clean.class_names if name.lower() not in names]:
        raise VictimError(f"{missing[0]} is not among the names of {spec.label}'s classes.", "Give numbers instead.")
    return [names.index(name.lower()) for name in clean.class_names]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:3])} and {len(names) - 3} others"
