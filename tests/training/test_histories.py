"""The lives of clean photographs: different, the same again, and never the attack that they are told from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from core.errors import ScenarioError
from training.folders import take_in
from training.histories import Pixels, with_history
from training.scenario import CleanSpec, Counts, check_scenario


@pytest.fixture(scope="module")
def flower() -> Pixels:
    return np.ascontiguousarray(load_sample_image("flower.jpg")[100:164, 200:280].transpose(2, 0, 1))


def test_histories_differ_come_again_and_leave_the_picture_to_be_seen(flower: Pixels) -> None:
    lived = [with_history(flower, seed) for seed in range(60)]
    assert all(image.shape == flower.shape and image.dtype == np.uint8 for image in lived)
    assert all(np.array_equal(image, with_history(flower, seed)) for seed, image in enumerate(lived[:5]))
    assert len({image.tobytes() for image in lived}) > 45
    assert 1 < sum(np.array_equal(image, flower) for image in lived) < 15  # some have none
    apart = [np.abs(image.mean((1, 2)) - flower.mean((1, 2))).max() for image in lived]
    assert np.median(apart) < 5


def test_a_sensor_leaves_noise_that_neighbours_share() -> None:
    """What a pixel's filter lets not through is taken from those beside it."""
    grey = np.full((3, 64, 80), 128, np.uint8)
    noise = [with_history(grey, seed).astype(float) - 128 for seed in range(60)]
    assert max(n.std() for n in noise) > 2
    assert min(n.std() for n in noise) == 0
    strongest = max(noise, key=lambda n: float(n[0].std()))[0]
    beside = np.corrcoef(strongest[:, 1:].ravel(), strongest[:, :-1].ravel())[0, 1]
    assert 0.2 < beside < 0.9


def test_some_are_reduced_grained_and_grey(flower: Pixels) -> None:
    lived = [with_history(flower, seed) for seed in range(300)]
    rows = [image.astype(int) for image in lived]
    mirrored = [
        at for at, image in enumerate(rows)
        if any(np.array_equal(image[:, y - 4 : y], image[:, y : y + 4][:, ::-1]) for y in range(4, flower.shape[1] - 4))
    ]  # fmt: skip
    assert len(mirrored) > 20, "what is reduced is filled up with its mirror images"
    grey = sum(np.array_equal(image[0], image[1]) and np.array_equal(image[1], image[2]) for image in rows)
    assert 2 <= grey <= 25
    flat = np.full((3, 64, 80), 128, np.uint8)
    noise = [with_history(flat, seed)[0].astype(float) - 128 for seed in range(200)]
    beside = [np.corrcoef(n[:, 1:].ravel(), n[:, :-1].ravel())[0, 1] for n in noise if n.std() > 1]
    assert min(beside) < 0.05, "grain is every pixel's own"


def test_taken_in_with_histories_whatever_the_folder_is_called(flower: Pixels, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        for at in range(40):
            path = tmp_path / folder / str(at % 2) / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(flower.transpose(1, 2, 0)[:, at : at + 32]).save(path)
    counts = Counts(train=1, calibration=0, test=0)
    plain = CleanSpec(source="folder", pool=counts, size=32)
    lived = plain.model_copy(update={"histories": True})
    first = take_in(tmp_path / "one", lived, tmp_path / "keep")
    assert np.array_equal(first.images, take_in(tmp_path / "two", lived, tmp_path / "other").images)
    before = take_in(tmp_path / "one", plain, tmp_path / "keep")  # the same folder keeps them: told apart
    assert np.array_equal(first.split, before.split)
    assert 0.5 < np.mean([not np.array_equal(a, b) for a, b in zip(first.images, before.images, strict=True)]) < 1


@pytest.mark.parametrize(("entries", "said"), [({"source": "digits"}, "as it is"), ({"channels": 1}, "colour")])
def test_histories_are_of_colour_images_in_folders(entries: dict[str, object], said: str) -> None:
    clean = {"source": "folder", "size": 32, "pool": {"train": 1, "calibration": 1, "test": 1}, "histories": True}
    if entries.get("source") == "digits":
        del clean["size"]
    attack = {"name": "FGSM", "grid": {"first": 1, "last": 2, "count": 2}, "cell": clean["pool"]}
    document = {"name": "x", "title": "", "description": "", "clean": clean | entries, "attacks": [attack]}
    with pytest.raises(ScenarioError, match=said):
        check_scenario(document | {"victims": [{"architecture": "ResNet18"}]})
