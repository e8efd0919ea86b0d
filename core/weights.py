"""The tensors of a file from a stranger: whether they are weights that a network can hold, and a network of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_KINDS = frozenset(
    {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool}
)

_AT_ONCE = 2**14
"""Values: more would give the thread that loads helpers of OpenMP's (:mod:`core.device_thread`)."""


def fault_of(tensors: Mapping[str, Tensor]) -> str | None:
    """Why not, in words without a full stop; None where they are."""
    for name, tensor in tensors.items():
        if tensor.dtype not in _KINDS:
            return f"the weights {name} are {str(tensor.dtype).removeprefix('torch.')}, which is not read"
        if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_meta:
            return f"the weights {name} are not written out value by value"
        if tensor.nbytes > tensor.untyped_storage().nbytes():
            return f"the weights {name} claim more values than there are"
        if not all(bool(some.isfinite().all()) for some in torch.split(tensor.flatten(), _AT_ONCE)):
            return f"the weights {name} hold values that are NaN or infinite"
    return None


def fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a network that was made on torch's device "meta", without memory, these weights, in the kinds it has.

    They are copied, for what was read of a file may be the file itself, mapped, which somebody may write over.
    Raises RuntimeError for tensors of other names or shapes.
    """
    kinds = {name: own.dtype for name, own in network.state_dict().items()}
    own = {name: tensor.to(kinds.get(name, tensor.dtype), copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(own, assign=True)
