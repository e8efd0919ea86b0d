"""Which precision a device gains by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from core.devices import in_bf16


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    in_bf16.cache_clear()
    yield
    in_bf16.cache_clear()


@pytest.mark.parametrize(("capability", "gains"), [("DEFAULT", False), ("AVX2", False), ("AVX512", True)])
def test_a_processor_that_makes_bfloat16_up_does_not_gain_by_it(
    capability: str, gains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert in_bf16(torch.device("cpu")) == gains


def test_neither_does_such_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def supported(including_emulation: bool = True) -> bool:
        asked.append(including_emulation)
        return False

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert not in_bf16(torch.device("cuda")) and asked == [False]
