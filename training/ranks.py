"""Generation's batches shared under ``torchrun``."""

from __future__ import annotations

from core import ranks


class Ranks(ranks.Ranks):
    """The processes of one run, dealing out numbered items."""

    @property
    def alone(self) -> bool:
        return self.count == 1

    def owns(self, item: int) -> bool:
        """Whether this rank computes the item with this number."""
        return item % self.count == self.index
