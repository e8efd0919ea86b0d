"""The attributor on the pack that ships: what it promises about every answer, on real files."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.answers import at_coverage
from core.attributor import Attributor
from core.devices import choose_device
from core.errors import Cancelled, DeviceError, PackError
from core.folders import find_images
from core.imageio import load_image
from core.judged import Prepared
from core.pack import find_pack, load_pack
from core.passes import Passes
from core.paths import DEFAULT_PACK, SAMPLES
from core.preprocess import prepare
from core.progress import CancelToken, Progress
from core.types import LoadedImage
from tests.core.helpers import records_of


@pytest.fixture(scope="module")
def attributor() -> Attributor:
    return Attributor(load_pack(find_pack(DEFAULT_PACK)), "cpu")


@pytest.fixture(scope="module")
def samples() -> list[LoadedImage]:
    return [load_image(path) for path in find_images([SAMPLES])]


def truth(path: str) -> tuple[str, str]:
    """Attack and victim from a sample's file name."""
    attack, *rest = Path(path).stem.split("-")
    return {"fgsm": "FGSM", "pgd": "PGD", "cw": "C&W"}.get(attack, attack), rest[0]


def test_samples_are_named(attributor: Attributor, samples: list[LoadedImage]) -> None:
    by_name = {Path(s.path).stem: f.attribution for s, f in zip(samples, attributor.attribute(samples), strict=True)}
    assert len(by_name) >= 5
    for name, attribution in by_name.items():
        attack, victim = truth(name)
        if attack == "no":
            assert not attribution.familiarity.familiar
            assert attribution.adjustments
            continue
        assert attribution.attack.label == attack, name
        assert attribution.victim.label.lower() == ("clean" if attack == "clean" else victim), name


def test_every_answer_is_coherent(attributor: Attributor, samples: list[LoadedImage]) -> None:
    for finding in attributor.attribute(samples, heatmaps=True):
        answer = finding.attribution
        for task in (answer.attack, answer.victim):
            probabilities = [c.probability for c in task.ranking]
            assert probabilities == sorted(probabilities, reverse=True)
            assert sum(probabilities) == pytest.approx(1)
            assert 0 <= task.entropy <= math.log2(len(probabilities)) + 1e-9
            assert task.prediction_set[0] == task.label
        assert len(answer.hyperparameters) == len(answer.attack.ranking)
        for value in answer.hyperparameters:
            assert value.minimum <= value.low <= value.value <= value.high <= value.maximum
        assert finding.heatmap is not None
        assert finding.heatmap.strength.min() >= 0
        assert finding.heatmap.strength.max() <= 1


def test_heatmaps_have_the_images_own_size(attributor: Attributor, samples: list[LoadedImage]) -> None:
    for image, finding in zip(samples, attributor.attribute(samples, heatmaps=True), strict=True):
        assert finding.heatmap is not None
        assert finding.heatmap.strength.shape == image.size


def test_an_answer_does_not_depend_on_the_batch(attributor: Attributor, samples: list[LoadedImage]) -> None:
    together = attributor.attribute(samples)
    for image, finding in zip(samples, together, strict=True):
        (alone,) = attributor.attribute([image])
        assert alone.attribution.attack.label == finding.attribution.attack.label
        assert alone.attribution.attack.probability == pytest.approx(finding.attribution.attack.probability, abs=1e-4)
        value = finding.attribution.hyperparameter.value
        assert alone.attribution.hyperparameter.value == pytest.approx(value, abs=1e-2)


def test_more_coverage_never_shrinks_an_answer(attributor: Attributor, samples: list[LoadedImage]) -> None:
    narrow, wide = attributor.attribute(samples, coverage=0.8), attributor.attribute(samples, coverage=0.99)
    for less, more in zip(narrow, wide, strict=True):
        assert set(less.attribution.victim.prediction_set) <= set(more.attribution.victim.prediction_set)
        assert less.attribution.hyperparameter.low >= more.attribution.hyperparameter.low
        assert less.attribution.hyperparameter.high <= more.attribution.hyperparameter.high


@pytest.mark.parametrize("coverage", [0.5, 2, float("nan")])
def test_a_coverage_that_nothing_was_calibrated_for_is_refused(
    attributor: Attributor, samples: list[LoadedImage], coverage: float
) -> None:
    with pytest.raises(PackError, match=r"outside what the pack is calibrated for.*in between"):
        attributor.attribute(samples, coverage=coverage)


def test_a_pack_that_lacks_the_default_coverage_answers_at_its_nearest(samples: list[LoadedImage]) -> None:
    """A heatmap has no coverage of its own, and asks for none."""
    pack = load_pack(find_pack(DEFAULT_PACK))
    wider = pack.manifest.calibration.model_copy(update={"coverages": [0.92, 0.94, 0.96, 0.98, 0.99]})
    attributor = Attributor(replace(pack, manifest=pack.manifest.model_copy(update={"calibration": wider})), "cpu")
    (found,) = attributor.attribute(samples[:1], heatmaps=True)
    assert found.heatmap is not None and found.attribution.attack.coverage == 0.92


def test_coverage_between_two_calibrated_ones_is_interpolated(attributor: Attributor) -> None:
    calibration = attributor.manifest.calibration
    first, second = calibration.coverages[:2]
    quantiles = [1.0, 3.0, *[9.0] * (len(calibration.coverages) - 2)]
    assert at_coverage(calibration, quantiles, (first + second) / 2) == pytest.approx(2)


def test_bad_files_become_records_in_their_place(attributor: Attributor, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "c.jpg")
    told: list[Progress] = []
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.jpg", "missing.png")]
    records = list(records_of(attributor, paths, progress=told.append))
    assert [r.status for r in records] == ["ok", "error", "ok", "error"]
    assert all(r.error for r in records if r.status == "error")
    assert told[-1].done == told[-1].total == 4
    resized = records[2].finding
    assert resized is not None
    assert len(resized.attribution.adjustments) == 2


def test_cancelling_stops_before_the_next_batch(attributor: Attributor, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(records_of(attributor, [tmp_path / "a.png"], cancel=cancel))


@pytest.mark.parametrize("name", ["nonsense", "cuda:99", "meta"])
def test_devices_that_are_not_there_are_refused(name: str) -> None:
    with pytest.raises(DeviceError):
        choose_device(name)


def test_a_pack_whose_answers_are_no_numbers_is_refused(tiny_pack: Path, samples: list[LoadedImage]) -> None:
    """Its weights are finite, each by itself."""
    pack = load_pack(tiny_pack)
    weights = dict(pack.weights)
    weights["attack_head.weight"] = torch.full_like(weights["attack_head.weight"], 3e38)
    attributor = Attributor(replace(pack, weights=weights), "cpu")
    with pytest.raises(PackError, match=r"tiny@\w+ answers is no number"):
        attributor.attribute(samples[:2])


def test_one_thread_computes_and_ends_with_its_attributor(
    tiny_pack: Path, samples: list[LoadedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[threading.Thread] = []
    forward = Passes.forward

    def noted(*how: Any) -> object:
        seen.append(threading.current_thread())
        return forward(*how)

    monkeypatch.setattr(Passes, "forward", noted)
    attributor = Attributor(load_pack(tiny_pack), "cpu")
    attributor.attribute(samples[:1], heatmaps=True)
    assert list(records_of(attributor, find_images([SAMPLES])))
    assert len(seen) > 1 and len(set(seen)) == 1
    assert seen[0] is not threading.current_thread()
    del attributor
    seen[0].join(60)
    assert not seen[0].is_alive()


def test_who_looks_at_an_image_waits_for_a_pass_and_not_for_what_was_submitted(
    tiny_pack: Path, samples: list[LoadedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    attributor = Attributor(load_pack(tiny_pack), "cpu")
    forward, begun, may_go_on, order = attributor.passes.forward, threading.Event(), threading.Event(), []

    def slow(*how: Any) -> Any:
        order.append(len(how[0]))
        begun.set()
        assert may_go_on.wait(60)
        return forward(*how)

    monkeypatch.setattr(attributor.passes, "forward", slow)
    attributor.passes.most = 2
    batch = [Prepared(image.sha256, prepare(image, attributor.manifest.image), image.size) for image in samples[:4]]
    judged = [attributor.thread.submit(attributor.judge, batch) for _ in range(2)]
    assert begun.wait(60)
    looks = ThreadPoolExecutor(1)
    looked = looks.submit(attributor.attribute, samples[:1])
    while attributor.thread._urgent.empty():
        time.sleep(0.01)
    may_go_on.set()
    (finding,) = looked.result(60)
    assert finding.attribution.sha256 == samples[0].sha256
    assert [len(future.result(60)) for future in judged] == [1, 1]
    assert order == [2, 1, 2, 2, 2], "after the pass in hand"
    looks.shutdown()


def test_what_a_look_cannot_be_told_is_told_to_who_looks(tiny_pack: Path, samples: list[LoadedImage]) -> None:
    attributor, cancel = Attributor(load_pack(tiny_pack), "cpu"), CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        attributor.attribute(samples[:1], cancel=cancel)
    assert len(attributor.attribute(samples[:1])) == 1, "its thread lives on"


HELPERS = """
import os, sys
from pathlib import Path
import torch
from core.attribute_files import attribute_files
from core.attributor import Attributor
from core.folders import find_images
from core.pack import load_pack
from core.victim_store import victims_to_ask

pack = load_pack(sys.argv[1])
attributor = Attributor(pack, "cpu", victims_to_ask(pack.manifest, True, []))
assert attributor.asked
records = [record for batch in attribute_files(attributor, find_images([Path(sys.argv[2])])) for record in batch]
assert records and all(record.status == "ok" for record in records)
threads = set(os.listdir("/proc/self/task"))
torch.ones(2**20).add_(1)
assert set(os.listdir("/proc/self/task")) - threads, "this thread had helpers of its own before"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux tells them")
def test_the_thread_that_writes_down_has_no_helpers_of_openmps() -> None:
    """With them those of the thread that computes would doze off between two operations."""
    told = {**os.environ, "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    command = [sys.executable, "-c", HELPERS, str(find_pack(DEFAULT_PACK)), str(SAMPLES)]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
