"""An empty case of a small pack, and that pack's manifest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.case import Case
from core.manifest import Manifest


@pytest.fixture
def manifest(tiny_manifest: dict[str, Any]) -> Manifest:
    return Manifest.model_validate({**tiny_manifest, "weights_sha256": "d" * 64})


@pytest.fixture
def case(tmp_path: Path, manifest: Manifest) -> Iterator[Case]:
    with Case.create(tmp_path / "a.mtaacase", manifest, 0.9) as case:
        yield case
