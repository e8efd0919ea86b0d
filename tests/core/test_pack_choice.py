"""Which pack fits which image, over a table of both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import ImageError
from core.imageio import header_of, load_image
from core.manifest import ImageSpec, Manifest
from core.pack import ListedPack
from core.pack_choice import LOOKED_AT, Look, Match, Source, choose_pack, look_at, look_at_some, match_of, rather
from core.types import LoadedImage

ROOT = Path(__file__).parents[2]
SPECS = {
    "digits": ImageSpec(channels=1, height=28, width=28),
    "thumbs": ImageSpec(channels=3, height=32, width=32),
    "photos": ImageSpec(channels=3, height=224, width=224),
}


@pytest.fixture
def packs(tiny_manifest: dict[str, Any]) -> dict[str, ListedPack]:
    def listed(name: str, spec: ImageSpec) -> ListedPack:
        entries = {**tiny_manifest, "name": name, "image": spec.model_dump(), "weights_sha256": "0" * 64}
        return ListedPack(Path(f"{name}.mtaapack"), Manifest.model_validate(entries), None)

    return {name: listed(name, spec) for name, spec in SPECS.items()}


def noise(height: int, width: int, channels: int = 3, times: int = 1) -> LoadedImage:
    """Noise of a size, each of its pixels repeated ``times`` each way."""
    pixels = np.random.default_rng(0).random((channels, height, width), dtype=np.float32)
    return LoadedImage("x", "0" * 64, pixels.repeat(times, 1).repeat(times, 2), "PNG", 8, False)


def grey_as_colour(height: int, width: int) -> LoadedImage:
    grey = noise(height, width, 1)
    return LoadedImage("x", "0" * 64, grey.pixels.repeat(3, 0), "PNG", 8, False)


@pytest.mark.parametrize(
    ("image", "fits", "chosen"),
    [
        (noise(28, 28, 1), {"digits": Match.SAME}, "digits"),
        (grey_as_colour(28, 28), {"digits": Match.SAME}, "digits"),
        (noise(28, 28), {}, None),
        (noise(28, 28, 1, times=10), {"digits": Match.SAME, "thumbs": Match.LARGER, "photos": Match.LARGER}, "digits"),
        (noise(28, 28, 1, times=8), {"digits": Match.SAME, "thumbs": Match.LARGER, "photos": Match.SIZE}, "digits"),
        (noise(280, 280, 1), {"digits": Match.WHOLE, "thumbs": Match.LARGER, "photos": Match.LARGER}, "digits"),
        (noise(56, 28, 1), {"thumbs": Match.LARGER}, "thumbs"),
        (noise(29, 29, 1), {}, None),
        (noise(14, 14, 1), {}, None),
        (noise(32, 32), {"thumbs": Match.SAME}, "thumbs"),
        (grey_as_colour(32, 32), {"thumbs": Match.SIZE}, "thumbs"),
        (noise(31, 31), {}, None),
        (noise(32, 32, times=10), {"thumbs": Match.SAME, "photos": Match.LARGER}, "thumbs"),
        (noise(224, 224), {"thumbs": Match.LARGER, "photos": Match.SAME}, "photos"),
        (noise(224, 224, 1), {"digits": Match.WHOLE, "thumbs": Match.LARGER, "photos": Match.SIZE}, "photos"),
        (noise(448, 448), {"thumbs": Match.LARGER, "photos": Match.LARGER}, "photos"),
        (noise(375, 500), {"thumbs": Match.LARGER, "photos": Match.LARGER}, "photos"),
        (noise(375, 500, 1), {"thumbs": Match.LARGER, "photos": Match.LARGER}, "photos"),
        (noise(160, 160), {"thumbs": Match.LARGER}, "thumbs"),
    ],
)
def test_what_fits_an_image(
    image: LoadedImage, fits: dict[str, Match], chosen: str | None, packs: dict[str, ListedPack]
) -> None:
    look = look_at(image)
    assert {name: how for name, spec in SPECS.items() if (how := match_of(spec, look))} == fits
    for order in (list(packs.values()), list(packs.values())[::-1]):
        choice = choose_pack(order, [look])
        assert (choice.path.stem if choice else None) == chosen
        assert choice is None or choice.fitting == 1


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (noise(6, 4, times=5), Look(30, 20, False, 5)),
        (noise(7, 5), Look(7, 5, False, 1)),
        (grey_as_colour(8, 8), Look(8, 8, True, 1)),
        (LoadedImage("x", "0" * 64, np.zeros((1, 12, 18), np.float32), "PNG", 8, False), Look(12, 18, True, 6)),
        (LoadedImage("x", "0" * 64, np.eye(4, dtype=np.float32)[None], "PNG", 8, False), Look(4, 4, True, 1)),
    ],
    ids=["enlarged", "noise", "grey as colour", "one colour", "diagonal"],
)
def test_facts_of_an_image(image: LoadedImage, expected: Look) -> None:
    assert look_at(image) == expected


def test_an_enlargement_that_was_touched_in_one_pixel_is_none() -> None:
    image = noise(28, 28, times=2)
    image.pixels[2, 33, 17] += 1 / 255
    assert look_at(image).repeats == 1


def test_most_images_decide_and_the_rest_is_counted(packs: dict[str, ListedPack]) -> None:
    digit, photo, neither = look_at(noise(28, 28, 1)), look_at(noise(300, 300)), look_at(noise(9, 9))
    choice = choose_pack(list(packs.values()), [digit, photo, photo, neither])
    assert choice is not None and (choice.path.stem, choice.fitting) == ("photos", 2)
    assert choose_pack(list(packs.values()), [neither, neither]) is None
    assert choose_pack(list(packs.values()), []) is None and choose_pack([], [digit]) is None


def test_the_earlier_pack_wins_a_draw(packs: dict[str, ListedPack]) -> None:
    digits = packs["digits"]
    other = ListedPack(Path("another.mtaapack"), digits.manifest, None)
    digit, photo = look_at(noise(28, 28, 1)), look_at(noise(300, 300))
    assert choose_pack([digits, other], [digit]).path == digits.path  # type: ignore[union-attr]
    assert choose_pack([other, digits], [digit]).path == other.path  # type: ignore[union-attr]
    assert choose_pack([digits, packs["photos"]], [photo, digit]).path == digits.path  # type: ignore[union-attr]


def test_broken_packs_are_ignored(packs: dict[str, ListedPack]) -> None:
    broken = ListedPack(Path("broken.mtaapack"), None, "cut short")
    look = look_at(noise(28, 28, 1))
    assert choose_pack([broken, packs["digits"]], [look]).path == packs["digits"].path  # type: ignore[union-attr]
    assert choose_pack([broken], [look]) is None


def test_what_is_no_image_is_passed_over_and_a_few_of_all_files_are_enough() -> None:
    asked: list[int] = []

    def loader(at: int) -> Callable[[], LoadedImage]:
        def load() -> LoadedImage:
            asked.append(at)
            if at in (1, 12):
                raise ImageError("no image")
            return noise(28, 28, 1)

        return load

    looks = look_at_some([Source(loader(at), lambda: None) for at in range(100)])
    assert asked == [0, 12, 25, 37, 50, 62, 75, 87] and len(looks) == LOOKED_AT - 1
    assert len(look_at_some([Source(loader(at), lambda: None) for at in range(3)])) == 2 and asked[8:] == [0, 1, 2]
    assert look_at_some([]) == []


def test_a_pack_that_judges_images_as_they_are_takes_smaller_ones_as_well() -> None:
    tiles, digits = SPECS["photos"].model_copy(update={"fit": "tiles"}), SPECS["digits"]
    for image in (noise(200, 200), noise(64, 300), noise(64, 64, 1)):
        assert match_of(tiles, look_at(image)) is Match.SMALLER and not match_of(digits, look_at(image))
    assert match_of(tiles, look_at(noise(63, 300))) is Match.NONE, "of which it would see too little"


def source(path: Path) -> Source:
    return Source(partial(load_image, path), partial(header_of, path))


def test_a_photograph_that_comes_first_does_not_decide_for_the_others(
    packs: dict[str, ListedPack], tmp_path: Path
) -> None:
    """A camera's photographs are looked at as well, without being decoded."""
    large, small = tmp_path / "a.jpg", tmp_path / "b.png"
    Image.new("RGB", (6000, 4000)).save(large)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)).save(small)
    files = [large, *[small] * 12]
    looks = look_at_some([source(path) for path in files])
    assert looks[0] == Look(4000, 6000, False) and len(looks) == LOOKED_AT
    assert choose_pack(list(packs.values()), looks).path.stem == "digits"  # type: ignore[union-attr]

    def decoded() -> LoadedImage:
        raise AssertionError("not decoded")

    assert len(look_at_some([Source(decoded, partial(header_of, large))] * LOOKED_AT)) == LOOKED_AT


def test_headers_say_what_can_be_known_without_decoding(tmp_path: Path) -> None:
    for mode in ("L", "RGB", "CMYK"):
        Image.new(mode, (30, 20)).save(tmp_path / "x.jpg")
        assert header_of(tmp_path / "x.jpg") == (20, 30, mode == "L"), mode
        assert header_of((tmp_path / "x.jpg").read_bytes()) == (20, 30, mode == "L")
    Image.new("L", (30, 20)).save(tmp_path / "x.png")  # which may be an enlarged one: its pixels tell
    np.save(tmp_path / "x.npy", np.zeros((20, 30), np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("x.png", "x.npy", "broken.jpg", "absent.jpg", "pipe.jpg", ""):
        assert header_of(tmp_path / name) is None, name


def test_grey_is_found_in_files(tmp_path: Path) -> None:
    grey = Image.fromarray(np.random.default_rng(2).integers(0, 256, (28, 28), dtype=np.uint8))
    for name in ("a.png", "a.jpg", "a.webp"):
        grey.convert("RGB").save(tmp_path / name, lossless=True)
        assert look_at(load_image(tmp_path / name)).grey, name


def test_choosing_needs_no_torch() -> None:
    code = "import sys, core.pack_choice; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_images_that_another_pack_is_made_for_are_counted(packs: dict[str, ListedPack]) -> None:
    looks = [look_at(image) for image in (noise(28, 28, 1), noise(224, 224), noise(300, 500), noise(5, 5))]
    listed = list(packs.values())
    assert rather(listed, looks, packs["photos"].path) == {packs["digits"].path: 1}
    assert rather(listed, looks, packs["digits"].path) == {packs["photos"].path: 1, packs["thumbs"].path: 1}
    assert rather(listed, looks[1:3], packs["photos"].path) == {}
