"""What several tests of the core need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.attribute_files import attribute_files
from core.attributor import Attributor
from core.listed import Record


def records_of(attributor: Attributor, paths: Sequence[Path], **how: Any) -> Iterator[Record]:
    """The records of all batches."""
    for batch in attribute_files(attributor, paths, **how):
        yield from batch
