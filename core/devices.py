"""The device that a network runs on: its name and precision, waiting for it, how to tell that its memory is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

from core.errors import DeviceError

_BF16 = 8, 0
"""The least compute capability of a GPU that has it."""

_FULL = ("DefaultCPUAllocator", "out of memory", "STATUS_ALLOC_FAILED")


def choose_device(name: str = "auto") -> torch.device:
    """The device for "auto", "cpu", "cuda" or "cuda:N". Raises DeviceError if that one is not there.

    From then on fp32 convolutions are that on a GPU too: TensorFloat-32, PyTorch's default for them, moves margins by
    up to 0.005 logits, and an example that fools its victim with it may not fool it without.
    """
    torch.backends.cudnn.allow_tf32 = False
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"{name!r} is no device.", "Use auto, cpu, cuda or cuda:N.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"This machine has no device {name}.", "Use auto or cpu.")
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"{name!r} is not supported.", "Use auto, cpu, cuda or cuda:N.")
    return device


def name_of(device: torch.device) -> str:
    """For people: the GPU's own name, or "CPU"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


@cache
def in_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 by itself, so that what allows it gains by it.

    Where a CPU has to do it step by step, convolutions take ten times as long as in float32 (measured with AVX2).
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _BF16
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def wait_for(device: torch.device) -> None:
    """Return once a GPU has done what it was given; a CPU has already."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the machine had no memory left.

    The CPU, CUDA's libraries and programs in TorchScript say so in a plain RuntimeError.
    """
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in _FULL)
    )


@contextmanager
def fitting(what: str, remedy: str) -> Iterator[None]:
    """Raise DeviceError(what, remedy) where the block finds no memory left."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(what, remedy) from error
