"""A victim's twin for cheap gradients: channels-last, with the weights of its heavy layers in bfloat16.

Autocast alone would cast frozen weights again at every pass, since it remembers casts of trainable weights only.
"""

from __future__ import annotations

import copy
from weakref import WeakKeyDictionary

import torch
from torch import nn

_HEAVY = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_twins: WeakKeyDictionary[nn.Module, tuple[tuple[tuple[int, int], ...], nn.Module]] = WeakKeyDictionary()


def reduced_twin(victim: nn.Module) -> nn.Module:
    """The twin of ``victim``, to be called under bfloat16 autocast; made once and again when the weights change."""
    state = tuple((tensor.data_ptr(), tensor._version) for tensor in (*victim.parameters(), *victim.buffers()))
    known = _twins.get(victim)
    if known is not None and known[0] == state:
        return known[1]
    twin = copy.deepcopy(victim).to(memory_format=torch.channels_last)
    for module in twin.modules():
        if isinstance(module, _HEAVY):
            module.to(torch.bfloat16)
    _twins[victim] = (state, twin)
    return twin
