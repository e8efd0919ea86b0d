"""Clean images: IDX files good and bad, and splits that belong to an image's content."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import DataError, MissingFilesError
from training.sources import (
    SPLITS,
    content_of,
    holds_mnist,
    load_digits_images,
    load_mnist,
    load_source,
    read_idx,
    split_by_content,
)

FILES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip


def idx(array: NDArray[np.uint8]) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def pictures(count: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """A folder as MNIST's, of 200 + 30 pictures of noise; one file is not gzipped."""
    for name, array in zip(
        FILES,
        (pictures(200, 0), np.arange(200, dtype=np.uint8) % 10, pictures(30, 1), np.arange(30, dtype=np.uint8) % 10),
        strict=True,
    ):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    (tmp_path / FILES[3]).write_bytes(gzip.decompress((tmp_path / f"{FILES[3]}.gz").read_bytes()))
    (tmp_path / f"{FILES[3]}.gz").unlink()
    return tmp_path


@pytest.mark.parametrize("shape", [(3,), (2, 4, 5), (0, 28, 28)])
def test_an_idx_file_is_read_as_its_header_says(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("plain", "packed.gz"):
        found = read_idx(tmp_path / name)
        assert found.shape == shape
        assert (found == array).all()


GOOD = idx(np.arange(20, dtype=np.uint8).reshape(4, 5))
DAMAGED = {
    "empty": b"",
    "cut in the magic number": GOOD[:3],
    "cut in the header": GOOD[:9],
    "cut in the pixels": GOOD[:-1],
    "longer than its header says": GOOD + b"\0",
    "floats": GOOD[:2] + b"\x0d" + GOOD[3:],
    "a picture": b"\x89PNG\r\n\x1a\n" + GOOD,
    # The sizes multiply to 2^64 + 0, which is 0 in 64 bits.
    "sizes that overflow": b"\0\0\x08\x04" + struct.pack(">4I", 65536, 65536, 65536, 65536),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_idx_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels"
    path.write_bytes(content)
    with pytest.raises(DataError, match="labels"):
        read_idx(path)


def test_a_damaged_gzip_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    good = gzip.compress(idx(pictures(3, 0)))
    for content in (b"no gzip", good[: len(good) // 2], good[:40] + b"\xff" * 40 + good[80:], good[:-4] + b"\0\0\0\0"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"labels\.gz cannot be read"):
            read_idx(path)


def test_mnist_is_found_below_the_folder_with_its_own_test_split(mnist: Path) -> None:
    (mnist / "MNIST").mkdir()
    for name in FILES[:2]:
        (mnist / f"{name}.gz").rename(mnist / "MNIST" / f"{name}.gz")
    clean = load_mnist(mnist)
    assert clean.images.shape == (230, 1, 28, 28)
    assert clean.shape == (1, 28, 28)
    assert (clean.images[:200, 0] == pictures(200, 0)).all()
    assert clean.rows("test").tolist() == list(range(200, 230))
    assert sorted([*clean.rows("train"), *clean.rows("calibration")]) == list(range(200))
    assert 5 <= len(clean.rows("calibration")) <= 40  # of 200, each with probability 0.1
    assert clean.labels.dtype == np.int64
    assert clean.classes == 10


def test_mnist_is_told_from_data_sets_whose_files_are_called_alike(mnist: Path) -> None:
    places = [mnist / name / "raw" for name in ("FashionMNIST", "MNIST")]
    for place, seed in zip(places, (7, 0), strict=True):
        place.mkdir(parents=True)
        for path in mnist.glob("*-ubyte*"):
            (place / path.name).write_bytes(path.read_bytes())
        (place / f"{FILES[0]}.gz").write_bytes(gzip.compress(idx(pictures(200, seed))))
    for path in mnist.glob("*-ubyte*"):
        path.unlink()
    assert (load_mnist(mnist).images[:200, 0] == pictures(200, 0)).all()
    assert (load_mnist(places[0]).images[:200, 0] == pictures(200, 7)).all(), "as it was named"
    places[1].parent.rename(mnist / "KMNIST")
    with pytest.raises(DataError, match=r"more than one such data set: .*FashionMNIST.*KMNIST"):
        load_mnist(mnist)


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_mnist_file_is_named(mnist: Path, missing: str) -> None:
    next(mnist.glob(f"{missing}*")).unlink()
    (mnist / f"{missing}.gz.part").write_bytes(b"half a download")
    with pytest.raises(DataError, match=missing) as caught:
        load_mnist(mnist)
    assert "--download" in caught.value.remedy


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        load_mnist(tmp_path / "nowhere")


def test_mnist_is_looked_for_a_few_levels_below_the_folder(tmp_path: Path) -> None:
    """In one way, whoever asks: a path that is being typed may be a whole disk for a moment."""

    def lacking() -> int:
        with pytest.raises(MissingFilesError) as caught:
            load_mnist(tmp_path)
        return len(caught.value.files)

    deep = tmp_path / "MNIST" / "raw"
    (deep / "deeper").mkdir(parents=True)
    (deep / "deeper" / FILES[3]).touch()
    assert lacking() == 4 and not holds_mnist(tmp_path) and not holds_mnist(Path("nul\0"))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / f"{FILES[0]}.gz").touch()
    (deep / FILES[1]).touch()
    assert lacking() == 2 and holds_mnist(tmp_path), "it is for MNIST's reader to say what is missing"
    (tmp_path / "notes.tar").touch()
    assert not holds_mnist(tmp_path / "notes.tar")


def test_mnist_files_that_do_not_belong_together_are_refused(mnist: Path) -> None:
    labels = mnist / FILES[3]
    for wrong in (np.zeros(29, np.uint8), np.zeros((30, 1), np.uint8), np.full(30, 11, np.uint8)):
        labels.write_bytes(idx(wrong))
        with pytest.raises(DataError, match=FILES[3]):
            load_mnist(mnist)
    labels.write_bytes(idx(np.zeros(30, np.uint8)))
    (mnist / f"{FILES[2]}.gz").write_bytes(gzip.compress(idx(np.zeros((30, 32, 32), np.uint8))))
    with pytest.raises(DataError, match="differ in size"):
        load_mnist(mnist)


def test_a_training_picture_that_is_a_test_picture_too_is_only_that(mnist: Path) -> None:
    both = pictures(200, 0)
    both[17] = pictures(30, 1)[4]
    (mnist / f"{FILES[0]}.gz").write_bytes(gzip.compress(idx(both)))
    clean = load_mnist(mnist)
    assert 17 in clean.rows("test")
    assert 17 not in clean.rows("train")
    assert 17 not in clean.rows("calibration")


def test_splits_follow_the_content_and_not_the_order() -> None:
    images = pictures(500, 2)
    order = np.random.default_rng(3).permutation(500)
    split = split_by_content(content_of(images))
    assert (split_by_content(content_of(images[order])) == split[order]).all()
    assert (split_by_content(content_of(images[:7])) == split[:7]).all()


def test_the_same_picture_twice_lands_in_one_split() -> None:
    images = pictures(300, 4)
    split = split_by_content(content_of(np.concatenate([images, images[::-1].copy()])))
    assert (split[:300] == split[300:][::-1]).all()


@pytest.mark.parametrize(("calibration", "test"), [(0.1, 0.1), (0.3, 0.0), (0.0, 0.5)])
def test_splits_have_the_sizes_asked_for(calibration: float, test: float) -> None:
    images = np.arange(4000, dtype=">u4").view(np.uint8).reshape(4000, 1, 2, 2)
    shares = np.bincount(split_by_content(content_of(images), calibration=calibration, test=test), minlength=3) / 4000
    wanted = {"train": 1 - calibration - test, "calibration": calibration, "test": test}
    for share, name in zip(shares, SPLITS, strict=True):
        assert abs(share - wanted[name]) <= 4 * np.sqrt(wanted[name] * (1 - wanted[name]) / 4000)


def test_a_larger_test_share_only_takes_from_the_others() -> None:
    images = pictures(400, 5)
    small, large = (
        split_by_content(content_of(images), calibration=0.1, test=t) == SPLITS.index("test") for t in (0.1, 0.3)
    )
    assert (large | ~small).all()
    assert large.sum() > small.sum()


def test_digits_fill_the_range_and_every_split() -> None:
    clean = load_digits_images()
    assert clean.images.shape == (1797, 1, 8, 8)
    assert (clean.images.min(), clean.images.max()) == (0, 255)
    assert sum(len(clean.rows(split)) for split in SPLITS) == 1797
    assert all(len(clean.rows(split)) > 100 for split in SPLITS)


def test_sources_are_known_by_name(mnist: Path) -> None:
    assert load_source("mnist", mnist).name == "mnist"
    assert load_source("digits", None).name == "digits"
    with pytest.raises(DataError, match="--data"):
        load_source("mnist", None)
    with pytest.raises(DataError, match="cifar"):
        load_source("cifar", mnist)
