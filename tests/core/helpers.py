"""What several tests of the core need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.attribute_files import attribute_files
from core.attributor import Attributor
from core.listed import FileFacts, Record
from core.types import Finding


def records_of(attributor: Attributor, paths: Sequence[Path], **how: Any) -> Iterator[Record]:
    """The records of all batches."""
    for batch in attribute_files(attributor, paths, **how):
        yield from batch


def made(finding: Finding, path: str, sha256: str) -> Record:
    """The record of another file with the same answers."""
    attribution = replace(finding.attribution, sha256=sha256)
    return Record(path, sha256, "ok", None, Finding(attribution, None), FileFacts(5, 6, 7, "PNG", 28, 29, 8, False))
