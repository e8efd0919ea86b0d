"""Batch norm over the examples of all ranks, on any device.

torch's own SyncBatchNorm takes GPU tensors alone, and is taken where they are. The one for other devices is made of a
differentiable all-reduce, so that processes on CPUs train the network that a single process trains, and a run can be
checked without GPUs.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _Sum(torch.autograd.Function):
    """Sum over the ranks; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.detach().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def _sum(x: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(x)
    return total


class SyncedBatchNorm(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` with its mean and variance taken over all ranks' examples while it trains."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(input)
        x = input.float()
        axes, shape = (0, 2, 3), (1, -1, 1, 1)
        own = x.new_tensor([float(x.numel() // x.shape[1])])
        sums = _sum(torch.cat([x.sum(axes), own]))  # one wait for the others instead of two
        count = sums[-1]
        mean = sums[:-1] / count
        centered = x - mean.view(shape)
        variance = _sum(centered.square().sum(axes)) / count
        with torch.no_grad():
            momentum = self.momentum if self.momentum is not None else 0.0
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance * count / (count - 1), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        normed = centered * (variance + self.eps).rsqrt().view(shape)
        return (normed * self.weight.view(shape) + self.bias.view(shape)).to(input.dtype)


def sync_batch_norms(module: nn.Module, gpus: Any) -> None:
    """Make every ``nn.BatchNorm2d`` within ``module`` a synced one, in place, parameters and buffers its own.

    gpus: the NCCL group of processes with a GPU each, None on other devices.
    """
    if gpus is not None:
        nn.SyncBatchNorm.convert_sync_batchnorm(module, gpus)  # type: ignore[no-untyped-call]
        return
    for part in module.modules():
        if type(part) is nn.BatchNorm2d:
            part.__class__ = SyncedBatchNorm
