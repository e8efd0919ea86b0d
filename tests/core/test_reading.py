"""Files on their way to the device: order, memory, cancelling and running out of it."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core import reading
from core.attributor import Attributor
from core.errors import Cancelled, DeviceError
from core.imageio import load_image
from core.listed import FileFacts
from core.manifest import ImageSpec
from core.pack import load_pack
from core.passes import BATCH
from core.preprocess import Fitted
from core.progress import CancelToken
from core.types import Finding, LoadedImage
from tests.core.helpers import records_of


@pytest.fixture
def attributor(tiny_pack: Path) -> Attributor:
    return Attributor(load_pack(tiny_pack), "cpu")


@pytest.fixture
def folder(tmp_path: Path) -> list[Path]:
    """More than two batches of different images; every 50th is none."""
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.png" for i in range(2 * BATCH + 10)]
    for i, path in enumerate(paths):
        if i % 50 == 7:
            path.write_bytes(b"not an image")
        else:
            Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(path)
    return paths


def test_records_come_in_order_with_the_answers_of_their_own_file(attributor: Attributor, folder: list[Path]) -> None:
    records = list(records_of(attributor, folder))
    assert [record.path for record in records] == [str(path) for path in folder]
    assert [i for i, r in enumerate(records) if r.status == "error"] == list(range(7, len(folder), 50))
    for index in (0, 1, BATCH - 1, BATCH, len(folder) - 1):
        image = load_image(folder[index])
        finding, facts = records[index].finding, records[index].facts
        assert finding is not None
        assert finding.attribution.sha256 == records[index].sha256 == image.sha256
        (alone,) = attributor.attribute([image])
        assert finding.attribution.victim.probability == pytest.approx(alone.attribution.victim.probability, abs=1e-5)
        state = folder[index].stat()
        assert facts == FileFacts(
            state.st_size, state.st_mtime_ns, facts.read_ns if facts else 0, "PNG", 28, 28, 8, False
        )
    unreadable = records[7]
    assert unreadable.sha256 is not None, "what cannot be decoded was still read, and has a hash"
    assert unreadable.facts is not None
    assert unreadable.facts.bytes == 12
    assert unreadable.facts.width is None


def test_only_a_few_files_are_read_ahead(
    attributor: Attributor, folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    attributor.batch = 8
    read: list[Path] = []
    real = reading._fit

    def counting(path: Path, *rest: object) -> reading.FittedFile:
        read.append(path)
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_fit", counting)
    records = records_of(attributor, folder)
    next(records)
    time.sleep(0.2)
    assert len(read) <= 2 * 8 + 2 * 8 + 2 * 8 * reading.THREADS
    records.close()  # type: ignore[attr-defined]


def test_same_bytes_are_judged_once(attributor: Attributor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(np.full((28, 28), 9 * (name == "c.png"), np.uint8)).save(tmp_path / name)
    sizes: list[int] = []
    forward = attributor.passes.forward
    monkeypatch.setattr(
        attributor.passes,
        "forward",
        lambda tiles, ask, heatmaps: (sizes.append(len(tiles)), forward(tiles, ask, heatmaps))[1],
    )
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png", "a.png")]
    first, again, other, third = (record.finding for record in records_of(attributor, paths))
    assert sizes == [2]
    assert first is again is third
    assert first is not other
    assert first is not None
    known: dict[str, Finding] = {first.attribution.sha256: first}
    records = list(records_of(attributor, paths, known=known))
    assert sizes == [2, 1]
    assert records[0].finding is first
    assert records[0].facts is not None
    assert records[0].facts.width is None, "what is known is not decoded"


def test_bytes_that_come_again_in_every_batch_shift_no_answer(attributor: Attributor, folder: list[Path]) -> None:
    attributor.batch = 8
    again = folder[0].read_bytes()
    for at in (9, 18, 20, 33, 41, 80):
        folder[at].write_bytes(again)
    records = list(records_of(attributor, folder[:96]))
    assert [record.path for record in records] == [str(path) for path in folder[:96]]
    assert [r.finding.attribution.sha256 for r in records if r.finding] == [r.sha256 for r in records if r.finding]
    assert records[41].finding is not None and records[41].sha256 == records[0].sha256
    assert [r.finding is None for r in records] == [at in (7, 57) for at in range(96)]


def test_cancel_does_not_wait_for_a_slow_disk(
    attributor: Attributor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, cancel = threading.Event(), CancelToken()

    def stuck(path: Path, *_: object) -> reading.FittedFile:
        cancel.cancel()
        release.wait(30)
        return reading.FittedFile(path, None, None, None, "late")

    monkeypatch.setattr(reading, "_fit", stuck)
    try:
        with pytest.raises(Cancelled):
            list(records_of(attributor, [tmp_path / "a.png"], cancel=cancel))
        assert not release.is_set()
    finally:
        release.set()


class Scarce:
    """Runs out of memory for more than ``room`` images."""

    def __init__(self, attributor: Attributor, room: int, error: Exception) -> None:
        self.network, self.room, self.error = attributor.passes.network, room, error
        self.familiarity = self.network.familiarity
        self.sizes: list[int] = []

    def __call__(self, batch: torch.Tensor) -> object:
        self.sizes.append(len(batch))
        if len(batch) > self.room:
            raise self.error
        return self.network(batch)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: not enough memory"),
        MemoryError(),
    ],
)
def test_out_of_memory_halves_the_batch_and_goes_on(
    attributor: Attributor, folder: list[Path], error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [record.finding for record in records_of(attributor, folder)]
    scarce = Scarce(attributor, 40, error)
    monkeypatch.setattr(attributor.passes, "network", scarce)
    found = [record.finding for record in records_of(attributor, folder)]
    assert scarce.sizes[:3] == [125, 62, 31]
    assert max(scarce.sizes[3:]) == 31, "it is not tried again"
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.attribution.sha256 == other.attribution.sha256
            assert one.attribution.attack.probability == pytest.approx(other.attribution.attack.probability, abs=1e-5)


def test_no_memory_for_one_image_is_said(
    attributor: Attributor, folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attributor.passes, "network", Scarce(attributor, 0, torch.OutOfMemoryError("x")))
    with pytest.raises(DeviceError, match="one image"):
        list(records_of(attributor, folder[:3]))
    monkeypatch.setattr(attributor.passes, "network", Scarce(attributor, 0, RuntimeError("a defect")))
    with pytest.raises(RuntimeError, match="a defect"):
        list(records_of(attributor, folder[:3]))


@pytest.fixture
def remarkable(tmp_path: Path) -> Iterator[list[Path]]:
    """Images on whose palette transparency Pillow remarks when they are converted."""
    paths = [tmp_path / f"{i}.png" for i in range(64)]
    for i, path in enumerate(paths):
        image = Image.new("P", (28, 28), i)
        image.putpalette(list(range(256)) * 3)
        image.save(path, transparency=bytes(range(256)))
    yield paths


def test_threads_leave_the_warning_filters_as_they_were(attributor: Attributor, remarkable: list[Path]) -> None:
    before = list(warnings.filters)
    assert all(record.status == "ok" for record in records_of(attributor, remarkable))
    assert warnings.filters == before


def test_an_image_that_the_memory_does_not_hold_fails_alone(
    attributor: Attributor, folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at again another time: nothing was found out about the file."""
    prepare, large = reading.prepare, str(folder[3])

    def short(image: LoadedImage, spec: ImageSpec) -> Fitted:
        if image.path == large:
            raise MemoryError
        return prepare(image, spec)

    monkeypatch.setattr(reading, "prepare", short)
    records = list(records_of(attributor, folder[:6]))
    assert [record.status for record in records] == ["ok", "ok", "ok", "error", "ok", "ok"]
    assert records[3].error == f"There is not enough memory for {large}. Close other programs, or crop it."
    assert records[3].facts is None


def test_a_copy_of_what_the_memory_did_not_hold_is_judged(
    attributor: Attributor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the next batch, where its hash is known from the one that failed."""
    random = np.random.default_rng(5)
    files = [tmp_path / f"{at}.png" for at in range(8)]
    for file in files[:4]:
        Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(file)
    for file, other in zip(files[4:], files[:4], strict=True):
        file.write_bytes(other.read_bytes())
    attributor.batch = 4
    prepare = reading.prepare

    def short(image: LoadedImage, spec: ImageSpec) -> Fitted:
        if image.path == str(files[2]):
            raise MemoryError
        return prepare(image, spec)

    monkeypatch.setattr(reading, "prepare", short)
    records = list(records_of(attributor, files))
    assert [record.status for record in records] == ["ok", "ok", "error", *["ok"] * 5]
    findings = [record.finding for record in records]
    assert findings[6] is not None and findings[6].attribution.sha256 == records[2].sha256
    assert findings[4] is findings[0] and findings[5] is findings[1]
