"""What is opened is decoded once and judged once, whoever wants it: a photograph takes seconds and hundreds of MiB."""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app import reader
from app.decoded import Decoded, file_key
from app.judging import make_attributor
from app.reader import THUMBNAIL, thumbnail_of, to_qimage
from app.requests import Entry, Setup
from core import imageio
from core.attributor import Attributor
from core.errors import ImageError
from core.imageio import from_array
from core.types import FloatArray, LoadedImage
from tests.app.conftest import Opener
from tests.app.helpers import drop, wait_judged

Counted = list[str]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Names of the images that were decoded, in order."""
    names: Counted = []
    decode = imageio.decode_image

    def counting(data: bytes, name: str, sha256: str | None = None) -> LoadedImage:
        names.append(Path(name).name)
        return decode(data, name, sha256)

    monkeypatch.setattr(imageio, "decode_image", counting)
    return names


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Of every image that was judged its name, and whether with its heatmap."""
    seen: list[tuple[str, bool]] = []
    attribute = Attributor.attribute

    def counting(self: Attributor, images: list[LoadedImage], **options: bool) -> object:
        seen.extend((Path(image.path).name, options.get("heatmaps", False)) for image in images)
        return attribute(self, images, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Attributor, "attribute", counting)
    return seen


def test_a_file_that_is_opened_is_decoded_once_and_judged_once(
    open_program: Opener, qtbot: QtBot, decoded: Counted, judged: list[tuple[str, bool]], pictures: Path
) -> None:
    """Although the viewer, its thumbnail, the choice of a pack and the worker all want it."""
    window = open_program(make_attributor).window
    session = window.session
    drop(window, pictures / "a.png")
    wait_judged(qtbot, window, 1)
    qtbot.waitUntil(lambda: session.viewing.scene.heatmap is not None)
    key = session.images.rows[0].entry.key
    qtbot.waitUntil(lambda: key in session.images._thumbnails)
    assert judged == [("a.png", True)]
    assert set(decoded) == {"a.png"} and len(decoded) <= 2, "twice if a small one was let go before all had it"
    window.answer.slider.setValue(80)
    row = session.images.rows[0]
    qtbot.waitUntil(lambda: row.attribution is not None and row.attribution.attack.coverage == 0.8)
    assert judged == [("a.png", True)], "another coverage is another way to tell the same answer"
    session.judge_again([key])
    qtbot.waitUntil(lambda: len(judged) > 1)
    wait_judged(qtbot, window, 1)


def test_an_image_is_judged_while_it_is_made_ready_to_paint(
    open_program: Opener, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, judged: list[tuple[str, bool]], pictures: Path
) -> None:
    may_paint = threading.Event()

    def slow(pixels: FloatArray) -> QImage:
        assert may_paint.wait(60)
        return to_qimage(pixels)

    window = open_program(make_attributor).window
    viewing = window.session.viewing
    monkeypatch.setattr(reader, "to_qimage", slow)
    drop(window, pictures / "a.png")
    qtbot.waitUntil(lambda: window.answer.has_answer)
    assert viewing.scene.image is None and judged == [("a.png", True)]
    may_paint.set()
    qtbot.waitUntil(lambda: viewing.scene.heatmap is not None)
    assert viewing.is_shown and judged == [("a.png", True)]


def test_a_heatmap_of_another_setup_is_not_drawn_later(
    open_program: Opener, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, judged: list[tuple[str, bool]], pictures: Path
) -> None:
    """The image was judged before it was ready to paint, and then it was said that no victim is to be asked."""
    may_paint = threading.Event()
    window = open_program(make_attributor).window
    session = window.session
    monkeypatch.setattr(reader, "to_qimage", lambda pixels: may_paint.wait(60) and to_qimage(pixels))
    drop(window, pictures / "a.png")
    qtbot.waitUntil(lambda: window.answer.has_answer)
    session.set_setup(Setup(session.setup.pack, session.setup.device, ask=False))
    assert session.viewing._answer is None
    may_paint.set()
    qtbot.waitUntil(lambda: session.viewing.scene.heatmap is not None)
    assert judged[0] == judged[-1] == ("a.png", True) and len(judged) == 2
    answer = session.viewing.row.attribution if session.viewing.row is not None else None
    assert answer is not None and answer.evidence == "image"


def test_several_who_want_an_image_get_the_same() -> None:
    kept, calls, begun, may_end = Decoded(), [], threading.Event(), threading.Event()

    def decode() -> LoadedImage:
        calls.append(1)
        begun.set()
        assert may_end.wait(30)
        return from_array(np.zeros((3, 3), np.uint8))

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(kept.image, "key", decode)
        assert begun.wait(30)
        others = [pool.submit(kept.image, "key", decode) for _ in range(3)]
        other = kept.image("another", lambda: from_array(np.ones((3, 3), np.uint8)))
        may_end.set()
        images = [each.result() for each in (first, *others)]
    assert len(calls) == 1 and all(image is images[0] for image in images) and other is not images[0]
    del images, first, others
    gc.collect()
    kept.image("key", decode)
    assert len(calls) == 2, "nobody held it any more"
    assert not kept._turns


def test_whoever_waits_for_an_image_that_is_none_hears_why() -> None:
    kept = Decoded()

    def none() -> LoadedImage:
        raise ImageError("It is none.", "Take another.")

    for _ in range(2):
        with pytest.raises(ImageError, match="It is none"):
            kept.image("key", none)


def test_a_file_that_was_written_to_is_decoded_again(pictures: Path) -> None:
    file, entry = pictures / "a.png", Entry(1, str(pictures / "a.png"))
    before, key = entry.load(), file_key(str(file))
    assert entry.load() is before
    state = file.stat()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # of the same length, and dated back
    assert file_key(str(file)) != key and entry.load().sha256 != before.sha256
    assert file_key("no\0name") != file_key("no\0name")


def test_pasted_images_are_told_apart_by_their_names(pictures: Path) -> None:
    data = (pictures / "a.png").read_bytes()
    one, other = Entry(1, "Pasted 1", data), Entry(2, "Pasted 2", data)
    held = one.load()
    assert one.load() is held and other.load().path == "Pasted 2"


@pytest.mark.parametrize("shape", [(28, 28), (3, 700, 900), (1, 1, 5000), (3, 4000, 2)])
def test_the_thumbnail_of_any_shape_fits_its_square(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    picture = thumbnail_of(from_array(random.integers(0, 256, shape, dtype=np.uint8)))
    assert max(picture.width(), picture.height()) == THUMBNAIL


def test_an_image_that_is_made_ready_in_parts_is_the_whole(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (900, 700, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "large.png")
    picture = to_qimage(imageio.load_image(tmp_path / "large.png").pixels)
    picture.save(str(tmp_path / "again.png"))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "again.png").convert("RGB")), values)
