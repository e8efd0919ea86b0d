"""Shared work under ``torchrun``: which rank does what, and waiting for the others."""

from __future__ import annotations

import os

import torch.distributed as dist


class Ranks:
    """The processes of one run. Without ``torchrun`` there is one and everything here is free."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.index = int(os.environ.get("RANK", "0"))
        if self.count > 1 and not dist.is_initialized():
            dist.init_process_group("gloo")

    @property
    def alone(self) -> bool:
        return self.count == 1

    @property
    def first(self) -> bool:
        return self.index == 0

    def owns(self, item: int) -> bool:
        """Whether this rank computes the item with this number."""
        return item % self.count == self.index

    def barrier(self) -> None:
        """Wait until every rank has come here."""
        if not self.alone:
            dist.barrier()
