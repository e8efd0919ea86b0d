"""Shared work under ``torchrun``: which process does what, on which device, and waiting for the others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

LONGEST = timedelta(days=30)
"""How long one process waits for the slowest; the library's default of half an hour is less than a big folder takes."""


class Ranks:
    """The processes of one run. Without ``torchrun`` there is one, and everything here is free."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.index = int(os.environ.get("RANK", "0"))
        if self.count > 1:
            import torch.distributed as dist  # noqa: PLC0415 (slow to import, and needed by nobody who is alone)

            if not dist.is_initialized():
                dist.init_process_group("gloo", timeout=LONGEST)

    @property
    def first(self) -> bool:
        return self.index == 0

    def share(self, paths: Sequence[Path], batch: int) -> list[Path]:
        """This process's part: whole batches, cut where a single process would cut them, dealt out in turn."""
        starts = range(self.index * batch, len(paths), self.count * batch)
        return [path for start in starts for path in paths[start : start + batch]]

    def device(self, name: str) -> str:
        """The device for ``name``; for "auto" and "cuda" each process of a machine takes a GPU of its own."""
        if name not in ("auto", "cuda") or self.count == 1:
            return name
        import torch  # noqa: PLC0415

        gpus = torch.cuda.device_count()
        if not gpus:
            return "cpu" if name == "auto" else name
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % gpus}"

    def agreed(self, value: T) -> T:
        """The first process's ``value``, for all of them."""
        if self.count == 1:
            return value
        import torch.distributed as dist  # noqa: PLC0415

        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def barrier(self) -> None:
        """Wait until every process has come here."""
        if self.count > 1:
            import torch.distributed as dist  # noqa: PLC0415

            dist.barrier()
