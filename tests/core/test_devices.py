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


@pytest.mark.parametrize(("capability", "gains"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_a_gpu_is_asked_itself(capability: tuple[int, int], gains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: asked.append(device) or capability)
    assert in_bf16(torch.device("cuda", 1)) == gains and asked == [torch.device("cuda", 1)]
