"""Generation's batches and training's gradients shared under ``torchrun``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from core import ranks

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Ranks(ranks.Ranks):
    """The processes of one run, dealing out numbered items and parts of batches."""

    @classmethod
    def single(cls) -> Ranks:
        """One process by itself, whatever ``torchrun`` started."""
        own = cls.__new__(cls)
        own.count, own.index = 1, 0
        return own

    @property
    def alone(self) -> bool:
        return self.count == 1

    def owns(self, item: int) -> bool:
        """Whether this rank computes the item with this number."""
        return item % self.count == self.index

    def part(self, rows: Tensor) -> Tensor:
        """This rank's part of a batch; parts differ by one example at most."""
        return rows if self.alone else rows.tensor_split(self.count)[self.index]

    def add_up(self, *tensors: Tensor) -> None:
        """Replace each tensor by its sum over the ranks."""
        if not self.alone:
            import torch  # noqa: PLC0415
            import torch.distributed as dist  # noqa: PLC0415

            together = torch.cat([tensor.reshape(-1) for tensor in tensors])  # one wait instead of one each
            dist.all_reduce(together)
            totals = torch.split(together, [tensor.numel() for tensor in tensors])
            for tensor, total in zip(tensors, totals, strict=True):
                tensor.copy_(total.view_as(tensor))

    def replicate(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module with gradients averaged over the ranks and batch norm over the whole batch, alone as it is."""
        if self.alone:
            return module
        import torch.distributed as dist  # noqa: PLC0415
        from torch.nn.parallel import DistributedDataParallel  # noqa: PLC0415

        from training.synced import sync_batch_norms  # noqa: PLC0415

        group = None
        gpus = device.type == "cuda" and int(os.environ.get("LOCAL_WORLD_SIZE", "1")) <= _visible_gpus()
        if gpus and dist.is_nccl_available():  # NCCL wants a GPU for every process
            group = dist.new_group(backend="nccl", timeout=ranks.LONGEST)
        sync_batch_norms(module, group)
        # Buffers are the same everywhere: the statistics are the whole batch's.
        return DistributedDataParallel(module, process_group=group, broadcast_buffers=False)


def _visible_gpus() -> int:
    import torch  # noqa: PLC0415

    return torch.cuda.device_count()
