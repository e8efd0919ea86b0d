"""Clean images from folders and tar files: what is taken in, what is left out and said, and what is refused."""

from __future__ import annotations

import errno
import io
import json
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import Cancelled, DataError, DiskFullError
from core.progress import CancelToken
from training import folders
from training.folders import INDEX, PIXELS, take_in
from training.scenario import CleanSpec
from training.sources import SPLITS, CleanImages
from training.survey import survey, survey_folder

COLOURS = {"cat": (200, 30, 30), "dog": (30, 200, 30), "emu": (30, 30, 200)}


def spec(**changes: Any) -> CleanSpec:
    pool = {"train": 9, "calibration": 9, "test": 9}
    return CleanSpec.model_validate({"source": "folder", "size": 16, "pool": pool, **changes})


def picture(label: str, number: int, size: tuple[int, int] = (16, 16)) -> Image.Image:
    """A class's colour with noise, so that every image is another one."""
    noise = np.random.default_rng([number, *map(ord, label)]).integers(0, 40, (*size[::-1], 3))
    return Image.fromarray((np.asarray(COLOURS[label]) + noise).clip(0, 255).astype(np.uint8))


def fill(folder: Path, each: int, start: int = 0, suffix: str = "png") -> None:
    for label in COLOURS:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(start, start + each):
            picture(label, number).save(folder / label / f"{number}.{suffix}")


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Class folders, 30 images each."""
    fill(tmp_path / "data", 30)
    return tmp_path / "data"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """As Imagenette has them: train/ and val/."""
    fill(tmp_path / "data/train", 24)
    fill(tmp_path / "data/val", 8, start=24)
    return tmp_path / "data"


def contents(clean: CleanImages, split: str) -> set[bytes]:
    return {clean.images[row].tobytes() for row in clean.rows(split)}  # type: ignore[arg-type]


def test_class_folders_become_classes_and_splits_by_content(classes: Path, tmp_path: Path) -> None:
    clean = take_in(classes, spec(), tmp_path / "kept")
    assert clean.images.shape == (90, 3, 16, 16) and clean.images.dtype == np.uint8
    assert clean.class_names == ("cat", "dog", "emu") and clean.classes == 3 and not clean.skipped
    assert np.bincount(clean.labels).tolist() == [30, 30, 30]
    for row, label in enumerate(clean.labels):  # 8-bit images of the right size come through bit for bit
        assert clean.images[row].mean((1, 2)).argmax() == label
    expected = np.asarray(picture("dog", 7)).transpose(2, 0, 1)
    assert any((image == expected).all() for image in clean.images)
    assert set(clean.labels[:20].tolist()) == {0, 1, 2}  # mixed, so that the first of a split are of all classes
    assert sum(len(clean.rows(split)) for split in SPLITS) == 90


def test_the_held_out_part_is_the_test_split(parts: Path, tmp_path: Path) -> None:
    twin = parts / "train/cat/twin.png"
    picture("cat", 25).save(twin)  # a test image that lies among the training images too
    clean = take_in(parts, spec(), tmp_path / "kept")
    test = contents(clean, "test")
    held = [picture(label, number) for label in COLOURS for number in range(24, 32)]
    assert test == {np.asarray(image).transpose(2, 0, 1).tobytes() for image in held}
    assert not test & (contents(clean, "train") | contents(clean, "calibration"))
    assert len(clean.rows("test")) == 25


def packed(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        tar.add(folder, arcname=folder.name)
    return path


def test_tar_files_are_taken_as_what_they_hold(parts: Path, tmp_path: Path) -> None:
    loose = take_in(parts, spec(), tmp_path / "loose")
    tars = tmp_path / "tars"
    tars.mkdir()
    for part in ("train", "val"):
        packed(parts / part, tars / f"{part}.tar")
    clean = take_in(tars, spec(), tmp_path / "kept")
    assert (clean.images == loose.images).all()
    assert (clean.labels == loose.labels).all() and (clean.split == loose.split).all()
    one = take_in(tars / "train.tar", spec(), tmp_path / "one")
    assert len(one.images) == 72 and len(one.rows("test")) > 0


def test_a_tar_file_writes_nothing_and_links_lead_nowhere(classes: Path, tmp_path: Path) -> None:
    data = io.BytesIO()
    picture("cat", 99).save(data, "PNG")
    path = packed(classes, tmp_path / "evil.tar")
    with tarfile.open(path, "a") as tar:
        outside = tarfile.TarInfo("../../dog/escaped.png")
        outside.size = len(data.getvalue())
        tar.addfile(outside, io.BytesIO(data.getvalue()))
        link = tarfile.TarInfo("data/cat/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    before = {p for p in tmp_path.rglob("*") if "kept" not in p.parts}
    clean = take_in(path, spec(), tmp_path / "kept")
    assert len(clean.images) == 91
    assert {p for p in tmp_path.rglob("*") if "kept" not in p.parts} == before


def test_damaged_files_are_counted_and_named(classes: Path, tmp_path: Path) -> None:
    whole = (classes / "cat/3.png").read_bytes()
    (classes / "cat/3.png").write_bytes(whole[: len(whole) // 2])
    (classes / "dog/4.png").write_bytes(b"")
    (classes / "emu/notes.txt").write_text("not an image")
    clean = take_in(classes, spec(), tmp_path / "kept")
    assert len(clean.images) == 88
    assert len(clean.skipped) == 2
    assert any("cat/3.png" in line for line in clean.skipped) and any("dog/4.png" in line for line in clean.skipped)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_all_kinds_become_squares_of_one_size(channels: int, tmp_path: Path) -> None:
    fill(tmp_path / "data", 20)
    wide = Image.new("RGB", (60, 30), (0, 0, 0))
    wide.paste((255, 255, 255), (15, 0, 45, 30))  # the centred square is white, all around it black
    wide.save(tmp_path / "data/cat/wide.png")
    picture("dog", 50).convert("L").save(tmp_path / "data/dog/grey.jpg")
    np.save(tmp_path / "data/emu/array.npy", np.full((3, 20, 20), 0.5, np.float32))
    clean = take_in(tmp_path / "data", spec(channels=channels), tmp_path / "kept")
    assert clean.images.shape == (63, channels, 16, 16)
    assert sum(bool((image == 255).all()) for image in clean.images) == 1
    assert sum(bool((image == 128).all()) for image in clean.images) == 1


def test_a_few_of_each_class_are_the_same_few_wherever_they_lie(parts: Path, tmp_path: Path) -> None:
    few = take_in(parts, spec(per_class=12), tmp_path / "kept")
    assert np.bincount(few.labels).tolist() == [20, 20, 20]  # 12 to train and calibrate with, all 8 held out
    tar = tmp_path / "all.tar"
    with tarfile.open(tar, "w") as file:
        for part in ("val", "train"):
            file.add(parts / part, arcname=part)
    assert (take_in(tar, spec(per_class=12), tmp_path / "other").images == few.images).all()
    assert len(few.rows("test")) == 24


def test_images_without_classes_have_no_labels(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(40):
        picture("cat", number).save(tmp_path / f"data/{number}.png")
    clean = take_in(tmp_path / "data", spec(), tmp_path / "kept")
    assert clean.classes == 0 and clean.class_names == () and set(clean.labels.tolist()) == {-1}


def test_what_was_taken_in_is_not_read_again(classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = take_in(classes, spec(), tmp_path / "kept")
    expected = np.array(first.images)
    monkeypatch.setattr(folders, "square", lambda *_: pytest.fail("read again"))
    again = take_in(classes, spec(), tmp_path / "kept")
    assert isinstance(again.images, np.memmap)
    assert (again.images == expected).all() and (again.split == first.split).all()
    monkeypatch.undo()
    os.utime(classes / "cat/1.png", ns=(1, 1))
    picture("cat", 77).save(classes / "cat/1.png")
    assert not (take_in(classes, spec(), tmp_path / "kept").images == expected).all()
    assert take_in(classes, spec(size=8), tmp_path / "kept").shape == (3, 8, 8)


def test_images_are_split_anew_for_another_pool(classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that only tests was here before: of its images none would be left to train."""
    nothing = take_in(classes, spec(pool={"train": 0, "calibration": 0, "test": 0}), tmp_path / "kept")
    assert len(nothing.rows("test")) == 90
    monkeypatch.setattr(folders, "square", lambda *_: pytest.fail("read again"))
    again = take_in(classes, spec(), tmp_path / "kept")
    monkeypatch.undo()
    assert (again.split == take_in(classes, spec(), tmp_path / "other").split).all()


def test_a_run_that_was_stopped_while_reading_leaves_nothing_half(classes: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        take_in(classes, spec(), tmp_path / "kept", cancel=cancel)
    assert not list((tmp_path / "kept").iterdir())
    (tmp_path / "kept" / PIXELS).write_bytes(b"cut short")
    assert len(take_in(classes, spec(), tmp_path / "kept").images) == 90
    (tmp_path / "kept" / INDEX).write_text("{")
    assert len(take_in(classes, spec(), tmp_path / "kept").images) == 90


def test_a_disk_without_room_is_found_out_before_anything_is_written(
    classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    with pytest.raises(DiskFullError, match=PIXELS):
        take_in(classes, spec(), tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_classes_can_be_called_otherwise_than_their_folders(classes: Path, tmp_path: Path) -> None:
    called = take_in(classes, spec(names={"dog": "a good dog"}), tmp_path / "kept")
    assert called.class_names == ("cat", "a good dog", "emu")
    plain = take_in(classes, spec(), tmp_path / "kept")  # what was taken in stays as it is
    assert plain.class_names == ("cat", "dog", "emu") and plain.digest == called.digest
    with pytest.raises(DataError, match="No class has a folder wolf"):
        take_in(classes, spec(names={"wolf": "a wolf"}), tmp_path / "kept")


def test_folders_that_are_no_data_set_are_refused(classes: Path, tmp_path: Path) -> None:
    def refused(data: Path, named: str, **changes: Any) -> None:
        with pytest.raises(DataError, match=named) as caught:
            take_in(data, spec(**changes), tmp_path / "kept")
        assert caught.value.remedy

    refused(tmp_path / "nowhere", "nowhere")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "no image")
    refused(classes / "cat" / "..", "leave none", per_class=1)
    (tmp_path / "text.tar").write_text("no tar file")
    refused(tmp_path / "text.tar", r"text\.tar")
    cut = packed(classes, tmp_path / "cut.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(cut[:3000])
    refused(tmp_path / "cut.tar", r"cut\.tar")
    picture("cat", 1).save(classes / "stray.png")
    refused(classes, r"stray\.png")
    (classes / "stray.png").unlink()
    for label in ("dog", "emu"):
        (classes / label).rename(tmp_path / label)
    refused(classes, "single class, cat")


def test_a_class_folder_that_cannot_be_opened_is_not_left_out(
    classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def locked(path: Any) -> Any:
        if Path(path).name == "cat":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(DataError, match="cat cannot be opened"):
        take_in(classes, spec(), tmp_path / "kept")


def test_a_survey_tells_what_is_there(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (parts / "val/emu/broken.png").write_bytes(b"\x89PNG")
    monkeypatch.setattr("training.survey._LOOK_AT", 200)
    seen = survey_folder(parts)
    assert (seen.images, seen.held_out) == (97, 25)
    assert seen.classes == ("cat", "dog", "emu") and seen.size == (16, 16) and not seen.grey
    assert len(seen.samples) == 96 and seen.samples[0].shape == (3, 64, 64)
    assert len(seen.unreadable) == 1 and "broken.png" in seen.unreadable[0]


def test_a_survey_of_a_data_set_tells_the_same() -> None:
    seen = survey("digits", None)
    assert (seen.images, seen.size, seen.grey) == (1797, (8, 8), True)
    assert seen.classes == tuple("0123456789") and 100 < seen.held_out < 260
    assert len(seen.samples) == 24 and all(sample.shape == (1, 8, 8) for sample in seen.samples)
    with pytest.raises(DataError, match="is not in"):
        survey("mnist", Path(__file__).parent)


def test_a_tar_file_that_was_made_again_is_read_again(classes: Path, tmp_path: Path) -> None:
    """Even where every file keeps its size and place in it."""
    tar = tmp_path / "data.tar"
    packed(classes, tar)
    take_in(tar, spec(), tmp_path / "kept")
    index = tmp_path / "kept" / INDEX
    first = json.loads(index.read_text())["fingerprint"]
    for path in classes.rglob("*.png"):
        os.utime(path, (7, 7))
    packed(classes, tar)
    take_in(tar, spec(), tmp_path / "kept")
    assert json.loads(index.read_text())["fingerprint"] != first


def test_a_disk_that_fills_up_meanwhile_is_told(classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(folders, "content_of", full)
    with pytest.raises(DiskFullError, match=PIXELS):
        take_in(classes, spec(), tmp_path / "kept")
