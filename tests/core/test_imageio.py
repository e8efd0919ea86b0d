from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core import imageio
from core.errors import ImageError
from core.folders import find_images, search
from core.imageio import decode_image, from_array, load_image

RANDOM = np.random.default_rng(7)
GREY = RANDOM.integers(0, 256, (28, 20), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (28, 20, 3), dtype=np.uint8)


def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """A PNG file by hand, for what Pillow does not write."""

    def chunk(tag: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]
)
def test_eight_bit_files_come_back_bit_exact(kind: str, options: dict[str, str]) -> None:
    grey, colour = decode_image(encode(GREY, kind, **options), "g"), decode_image(encode(COLOUR, kind, **options), "c")
    assert grey.pixels.dtype == np.float32
    assert grey.pixels.shape == (1, 28, 20)
    assert grey.size == (28, 20)
    assert np.array_equal(grey.pixels[0], GREY.astype(np.float32) / np.float32(255))
    assert np.array_equal((colour.pixels * 255).round().astype(np.uint8), COLOUR.transpose(2, 0, 1))
    assert (grey.format, grey.bits, grey.lossy) == (kind, 8, False)


@pytest.mark.parametrize(
    ("kind", "options", "lossy"),
    [
        ("JPEG", {}, True),
        ("WEBP", {"lossless": True}, False),
        ("WEBP", {"quality": 80}, True),
        ("TIFF", {"compression": "jpeg"}, True),
    ],
)
def test_loss_is_told(kind: str, options: dict[str, object], lossy: bool) -> None:
    image = decode_image(encode(COLOUR, kind, **options), "x")
    assert image.lossy is lossy
    assert image.format == kind
    exact = np.array_equal((image.pixels * 255).round(), COLOUR.transpose(2, 0, 1))
    assert exact is not lossy


@pytest.mark.parametrize("lossless", [True, False])
def test_animated_webp_gives_its_first_picture(lossless: bool) -> None:
    first, second = Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)
    image = decode_image(encode(first, "WEBP", save_all=True, append_images=[second], lossless=lossless), "x")
    assert image.lossy is not lossless
    assert np.abs(image.pixels * 255 - COLOUR.transpose(2, 0, 1)).mean() < 60


def test_sixteen_bit_grey_keeps_all_bits() -> None:
    values = np.arange(0, 65536, 117, dtype=np.uint16)[:560].reshape(28, 20)
    for kind in ("PNG", "TIFF"):
        image = decode_image(encode(values, kind), "x")
        assert image.bits == 16
        assert np.array_equal((image.pixels[0].astype(np.float64) * 65535).round().astype(np.uint16), values)


@pytest.mark.parametrize(("bits", "white_is_zero"), [(12, False), (16, True), (16, False), (8, True)])
def test_grey_tiff_is_as_light_as_it_says(bits: int, white_is_zero: bool) -> None:
    pixels = (b"\0" if white_is_zero else b"\xff") * (64 * bits // 8)
    image = decode_image(grey_tiff(bits, 0 if white_is_zero else 1, pixels), "x")
    assert image.bits == bits and image.pixels.shape == (1, 8, 8)
    assert image.pixels.min() == image.pixels.max() == 1


def grey_tiff(bits: int, photometric: int, pixels: bytes) -> bytes:
    """8x8, uncompressed, little endian."""
    start = 8 + 2 + 12 * 9 + 4
    tags = {256: 8, 257: 8, 258: bits, 259: 1, 262: photometric, 273: start, 277: 1, 278: 8, 279: len(pixels)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + pixels


def test_sixteen_bit_colour_keeps_the_high_byte() -> None:
    rows = b"".join(b"\0" + struct.pack(">6H", 0, 257, 65535, 0x1234, 514, 0) for _ in range(2))
    image = decode_image(png(2, 2, 16, 2, rows), "x")
    assert image.bits == 16
    assert (image.pixels[:, 0, :] * 255).round().T.tolist() == [[0, 1, 255], [0x12, 2, 0]]


def test_palette_alpha_cmyk_and_bilevel() -> None:
    palette = Image.fromarray(COLOUR).quantize(16)
    assert np.array_equal(
        decode_image(encode(palette), "p").pixels * 255, np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    )
    palette.info["transparency"] = bytes([0, 128] + [255] * 14)
    assert decode_image(encode(palette, transparency=palette.info["transparency"]), "p").pixels.shape[0] == 3

    alpha = np.dstack([COLOUR, np.zeros((28, 20), np.uint8)])
    kept = decode_image(encode(alpha), "a").pixels
    assert np.array_equal(kept, decode_image(encode(COLOUR), "c").pixels), "colour under alpha is what a victim sees"
    grey_alpha = Image.merge("LA", [Image.fromarray(GREY), Image.new("L", (20, 28))])
    assert np.array_equal(decode_image(encode(grey_alpha), "la").pixels, decode_image(encode(GREY), "g").pixels)

    assert decode_image(encode(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), "k").pixels.shape == (3, 28, 20)
    bilevel = decode_image(encode(Image.fromarray(GREY > 127)), "1")
    assert (bilevel.bits, set(np.unique(bilevel.pixels))) == (1, {0.0, 1.0})


def test_orientation_tag_leaves_pixels_as_stored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate a quarter turn to view
    assert np.array_equal(decode_image(encode(COLOUR, exif=exif), "x").pixels, decode_image(encode(COLOUR), "y").pixels)


def _alpha(level: int) -> Image.Image:
    return Image.merge("RGBA", [*Image.fromarray(COLOUR).split(), Image.new("L", (20, 28), level)])


def notes_of(data: bytes) -> tuple[str, ...]:
    return tuple(map(str, decode_image(data, "x").notes))


SEE_THROUGH = "transparency ignored, the colours under it judged"


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (encode(COLOUR), ()),
        (encode(_alpha(255)), ()),
        (encode(_alpha(254)), (SEE_THROUGH,)),
        (encode(_alpha(0), "WEBP"), (SEE_THROUGH,)),
        (encode(_alpha(0).convert("LA")), (SEE_THROUGH,)),
        (encode(Image.fromarray(COLOUR).quantize(16), transparency=3), (SEE_THROUGH,)),
        (encode(Image.fromarray(COLOUR).quantize(16), transparency=bytes([255] * 16)), ()),
        (encode(Image.fromarray(GREY), transparency=int(GREY[3, 4])), (SEE_THROUGH,)),
        (encode(np.zeros((4, 4), np.uint8), transparency=9), ()),
        (encode(Image.fromarray(COLOUR), transparency=tuple(map(int, COLOUR[3, 4]))), (SEE_THROUGH,)),
        (encode(GREY > 127, transparency=1), (SEE_THROUGH,)),
        (encode(GREY.astype(np.uint16) * 256, transparency=int(GREY[3, 4]) * 256), (SEE_THROUGH,)),
    ],
)
def test_transparency_that_hides_something_is_told(data: bytes, notes: tuple[str, ...]) -> None:
    assert notes_of(data) == notes


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("WEBP", {}), ("TIFF", {}), ("TIFF", {"big_tiff": True}), ("MPO", {})]
)
def test_pictures_after_the_first_are_told(kind: str, options: dict[str, object]) -> None:
    others = [Image.fromarray(255 - COLOUR), Image.fromarray(COLOUR // 2)]
    data = encode(Image.fromarray(COLOUR), kind, save_all=True, append_images=others, **options)
    assert notes_of(data) == ("first of 3 pictures judged",)


def test_pages_that_lead_back_or_beyond_the_end_are_no_more() -> None:
    alone = grey_tiff(8, 1, b"\0" * 64)
    after = 8 + 2 + 12 * 9
    for leads_to in (8, 2**31):
        data = alone[:after] + struct.pack("<I", leads_to) + alone[after + 4 :]
        assert notes_of(data) == ()


@pytest.mark.parametrize(("model", "kind"), [("CMYK", "TIFF"), ("CMYK", "JPEG"), ("LAB", "TIFF")])
def test_another_colour_model_is_told(model: str, kind: str) -> None:
    data = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 4 if model == "CMYK" else 3), np.uint8), model).save(data, kind)
    assert f"colours converted from {model} to RGB" in notes_of(data.getvalue())


def test_a_turn_and_bits_that_are_not_read_are_told() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "JPEG", "WEBP"):
        assert notes_of(encode(COLOUR, kind, exif=exif)) == ("judged as stored, not turned as its EXIF says",)
    assert notes_of(encode(COLOUR, "TIFF", exif=exif)) == (), "Pillow turns it"
    exif[0x0112] = 1
    assert notes_of(encode(COLOUR, exif=exif)) == ()
    assert notes_of(encode(COLOUR, exif=b"Exif\0\0damaged")) == ()
    rows = (b"\0" + bytes(12)) * 2
    assert notes_of(png(2, 2, 16, 2, rows)) == ("16 bits a channel reduced to 8",)
    assert notes_of(encode(GREY.astype(np.uint16))) == (), "grey is read in full"


@pytest.mark.parametrize("shape", [(28, 20), (1, 28, 20), (28, 20, 1), (3, 28, 20), (28, 20, 3)])
def test_npy_layouts(shape: tuple[int, ...]) -> None:
    values = RANDOM.random(shape, dtype=np.float32)
    image = decode_image(npy(np.asfortranarray(values)), "x.npy")
    expected = values if shape[0] in (1, 3) else (values[None] if values.ndim == 2 else values.transpose(2, 0, 1))
    assert np.array_equal(image.pixels, expected)
    assert (image.format, image.bits, image.lossy) == ("NPY", 32, False)


def test_npy_uint8_equals_png_of_the_same_values() -> None:
    assert np.array_equal(decode_image(npy(GREY), "x").pixels, decode_image(encode(GREY), "y").pixels)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.full((4, 4), np.nan, np.float32), "not numbers"),
        (np.full((4, 4), np.inf), "not numbers"),
        (np.full((4, 4), 255.0), "from 255 to 255"),
        (np.full((4, 4), -0.1), "from -0.1"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4), np.complex64), "complex64"),
        (np.zeros((2, 3, 4, 4)), "2x3x4x4"),
        (np.zeros((5, 4, 4)), "5x4x4"),
        (np.zeros((0, 4)), "shape"),
        (np.float32(0.5), "single number"),
        (np.array([["a", "b"]]), "<U1"),
        (np.array([[object()]]), "object"),
    ],
)
def test_npy_refusals(array: np.ndarray, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        decode_image(npy(array) if array.dtype != object else _pickled_npy(), "x.npy")


def _pickled_npy() -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"
    padded = header.ljust(118 - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded + pickle.dumps([print])


def test_npy_header_that_promises_more_than_the_file_holds() -> None:
    data = npy(np.zeros((4, 4), np.float32)).replace(b"(4, 4)", b"(9999999, 9999999)")
    with pytest.raises(ImageError, match="damaged"):
        decode_image(data, "x.npy")
    with pytest.raises(ImageError, match="damaged"):
        decode_image(npy(np.zeros((4, 4), np.float32))[:40], "x.npy")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_truncated_files_are_errors(kind: str) -> None:
    data = encode(RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8), kind)
    for keep in (3, 20, len(data) // 2):
        with pytest.raises(ImageError, match=r"x\.png"):
            decode_image(data[:keep], "x.png")


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"RIFF"]))
def test_arbitrary_bytes_never_escape_as_another_error(body: bytes, start: bytes) -> None:
    try:
        decode_image(start + body, "x")
    except ImageError as error:
        assert error.remedy


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match=r"too many"):
        decode_image(png(60000, 60000, 8, 0, b"\0" * 100), "bomb.png")
    monkeypatch.setattr(imageio, "MAX_PIXELS", 100)
    with pytest.raises(ImageError, match=r"20x28 pixels"):
        decode_image(encode(GREY), "x")
    with pytest.raises(ImageError, match=r"20x28 pixels"):
        decode_image(npy(GREY), "x")
    monkeypatch.setattr(imageio, "MAX_FILE_BYTES", 10)
    with pytest.raises(ImageError, match="larger"):
        decode_image(encode(GREY), "x")


def test_load_image_hashes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    path.write_bytes(encode(GREY))
    image = load_image(path)
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert image.path == str(path)


def test_load_image_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")  # reading it would wait for ever
    cases = {
        "empty.png": "empty",
        "text.png": "not an image",
        ".": "folder",
        "none.png": "not exist",
        "pipe.png": "not a regular file" if hasattr(os, "mkfifo") else "not exist",
    }
    for name, says in cases.items():
        with pytest.raises(ImageError, match=says) as caught:
            load_image(tmp_path / name)
        assert caught.value.remedy
    with pytest.raises(ImageError, match="cannot be read"):
        load_image("nul\0l.png")


def test_an_image_in_a_folder_is_found_under_any_name(tmp_path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    for at, kind in enumerate(("PNG", "JPEG", "BMP", "TIFF", "WEBP")):
        Image.fromarray(random).save(tmp_path / f"{at:064x}", kind)
    np.save(tmp_path / "5.npy", random)
    (tmp_path / "5.npy").rename(tmp_path / "5.dat")
    for name, content in (("text", b"BMW and MM* and II*"), ("sound", b"RIFF\0\0\0\0WAVE"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
    found = search([tmp_path])
    assert [path.name for path in found.files] == [*(f"{at:064x}" for at in range(5)), "5.dat"]
    assert found.left_out == {"": 3}
    assert all(load_image(path).size == (8, 8) for path in found.files)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert search([tmp_path]).left_out == {"": 1}


def test_find_images(tmp_path: Path) -> None:
    for name in ("b/10.png", "b/2.PNG", "b/c/1.npy", "b/.hidden.png", "b/.git/x.png", "b/notes.txt", "named.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b/c/loop").symlink_to(tmp_path / "b")
    named = [tmp_path / "named.txt", tmp_path / "b", tmp_path / "gone.png", tmp_path / "b/10.png"]
    expected = ["named.txt", "b/2.PNG", "b/10.png", "b/c/1.npy", "gone.png"]
    assert find_images(named) == [tmp_path / name for name in expected]
    assert find_images([tmp_path / "b"], recursive=False) == [tmp_path / "b/2.PNG", tmp_path / "b/10.png"]


def test_what_is_hidden_or_linked_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    for name in ("a.png", ".b.png", ".c", ".secret/d.png", "e/.f.png", "e/._a.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\0\5\x16\7" if "._" in name else encode(Image.new("L", (4, 4))))
    (folder / "elsewhere").symlink_to(tmp_path)
    found = search([folder])
    assert found.files == [folder / "a.png"]
    assert found.left_out == {"hidden": 3, "hidden folder": 1, "linked folder": 1}, "but what macOS keeps of a.png"
    assert search([folder], recursive=False).left_out == {"hidden": 2}


def test_files_of_folders_that_are_no_images_are_counted(tmp_path: Path) -> None:
    names = "a.png b.svg c/d.SVG c/e.txt README .hidden.txt x.mtaacase x.mtaacase-journal Thumbs.db out.csv n.txt"
    for name in [*names.split(), "Dr. who it may concern"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    counts = {".svg": 2, ".txt": 1, "": 2}
    named = [tmp_path / "n.txt", tmp_path, tmp_path / "c"]
    found = search(named, apart=[tmp_path / "out.csv"])
    assert (found.files, found.left_out) == ([tmp_path / "n.txt", tmp_path / "a.png"], counts), "each once"
    assert search([tmp_path], recursive=False).left_out == {".svg": 1, ".txt": 1, "": 2, ".csv": 1}


def test_an_array_is_read_as_if_it_had_been_saved(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    levels = random.integers(0, 65536, (5, 7), np.uint16)
    for array in (
        random.integers(0, 256, (5, 7), np.uint8),
        random.random((3, 5, 7)),
        random.random((5, 7, 3)),
        levels,
    ):
        np.save(tmp_path / "a.npy", array)
        saved, held = load_image(tmp_path / "a.npy"), from_array(array, "a")
        assert held.path == "a" and held.sha256 == saved.sha256 and held.format == "NPY"
        assert np.array_equal(held.pixels, saved.pixels) and held.pixels.shape[1:] == (5, 7)
    assert np.array_equal((from_array(levels).pixels[0].astype(np.float64) * 65535).round(), levels)
    unfit = np.full((4, 4), 1.5), np.full((4, 4), np.nan)
    for wrong in (np.array([object()]), np.arange(6), np.zeros((4, 4), int), *unfit):
        with pytest.raises(ImageError, match=r"^a holds|^a has"):
            from_array(wrong, "a")


@pytest.mark.parametrize(("kind", "lossy"), [("AVIF", True), ("GIF", True)])
def test_avif_and_gif_are_read_and_said_to_have_lost_something(kind: str, lossy: bool) -> None:
    image = decode_image(encode(Image.fromarray(COLOUR), kind), "x")
    assert (image.format, image.lossy, image.bits) == (kind, lossy, 8)
    assert image.pixels.shape == (3, 28, 20)
    grey = decode_image(encode(Image.fromarray(GREY), "GIF"), "x")
    assert not grey.lossy and np.array_equal((grey.pixels[0] * 255).round(), GREY), "256 greys are all there are"


def test_what_a_gif_holds_besides_is_told() -> None:
    frames = [Image.fromarray(255 - COLOUR), Image.fromarray(COLOUR // 2)]
    data = encode(Image.fromarray(COLOUR), "GIF", save_all=True, append_images=frames)
    assert "first of 3 pictures judged" in notes_of(data)
    clear = Image.fromarray(COLOUR).quantize(16)
    assert notes_of(encode(clear, "GIF", transparency=3)) == (SEE_THROUGH,)


def test_a_phones_photograph_that_cannot_be_read_is_called_what_it_is() -> None:
    with pytest.raises(ImageError, match=r"photo is a HEIC file or of its kind, which is not read. Export it as PNG"):
        decode_image(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "photo")


def test_avif_and_gif_are_found_whatever_they_are_called(tmp_path: Path) -> None:
    for kind in ("AVIF", "GIF"):
        (tmp_path / kind).write_bytes(encode(Image.fromarray(COLOUR), kind))
        (tmp_path / f"x.{kind.lower()}").write_bytes(b"damaged")
    assert [path.name for path in find_images([tmp_path])] == ["AVIF", "GIF", "x.avif", "x.gif"]
