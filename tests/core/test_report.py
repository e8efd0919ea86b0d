from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.manifest import Manifest
from core.report import write_report
from core.report.html import render
from core.report.pictures import MAX_SIDE, heat_colours, heatmap_uri, picture_uri
from core.types import Finding, Record

EVIL = "<script>alert(1)</script>\"'&.png"


@pytest.fixture
def manifest(tiny_manifest: dict[str, Any]) -> Manifest:
    return Manifest.model_validate({**tiny_manifest, "title": "A <b>bold</b> pack", "weights_sha256": "d" * 64})


class Tags(HTMLParser):
    """Collects what a browser would see: every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def decode(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


def test_report_shows_everything_and_escapes_it(finding: Finding, manifest: Manifest, tmp_path: Path) -> None:
    records = [Record(EVIL, "c" * 64, "ok", None, finding), Record("bad.png", None, "error", "No <i>image</i>.", None)]
    pixels = np.random.default_rng(0).integers(0, 256, (1, 28, 28)).astype(np.float32) / 255
    path = tmp_path / "report.html"
    write_report(path, records, {EVIL: pixels}, manifest, "CPU <x>")
    text = path.read_text(encoding="utf-8")
    tags = Tags(text)

    assert not tags.named("script")
    assert not tags.named("b")
    assert not tags.named("i")
    assert tags.named("html")[0]["lang"] == "en"
    for expected in ("fgsm", "70.0 %", "&gt; 99.9 %", "ε = 30.4/255", "24/255 to 37.2/255", "may also be cw"):
        assert expected in text
    for expected in ("Unfamiliar: unlike", "File is JPEG: x.", "c" * 64, manifest.pack_id, "No &lt;i&gt;image"):
        assert expected in text

    pictures = tags.named("img")
    assert len(pictures) == 2
    assert all(picture["alt"] for picture in pictures)
    shown = np.asarray(decode(pictures[0]["src"] or ""))
    assert np.array_equal(shown, (pixels[0] * 255).round().astype(np.uint8)), "the picture is the evidence, bit for bit"


def test_report_is_self_contained(finding: Finding, manifest: Manifest) -> None:
    text = render(
        [Record("a", "c" * 64, "ok", None, finding)], {"a": np.zeros((3, 28, 28), np.float32)}, manifest, "CPU"
    )
    for _, attributes in Tags(text).found:
        for name in ("src", "href", "action", "data"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not re.search(r"https?://|url\(|@import", text)
    assert "prefers-color-scheme: dark" in text


def test_counts(finding: Finding, manifest: Manifest) -> None:
    records = [Record(str(i), "c" * 64, "ok", None, finding) for i in range(3)] + [
        Record("x", None, "error", "e", None)
    ]
    text = re.sub(r"<[^>]*>", " ", render(records, {}, manifest, "CPU"))
    words = " ".join(text.split())
    assert "attributed 3 unfamiliar among them 3 could not be read 1" in words
    assert "Attack fgsm 3" in words


def test_an_empty_report_is_still_one(manifest: Manifest) -> None:
    assert "attributed" in render([], {}, manifest, "CPU")


def test_contrast_of_text_in_both_schemes(manifest: Manifest) -> None:
    """WCAG 2.1, 1.4.3: at least 4.5 to 1 for text."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    schemes = re.findall(r":root \{(.*?)\}", render([], {}, manifest, "CPU"), re.DOTALL)[:2]
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", scheme))
        for ink, paper in (("ink", "page"), ("ink", "card"), ("soft", "card"), ("soft", "page")):
            light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)
        for name in ("warn", "bad"):
            light, dark = sorted((luminance(colours[f"{name}-ink"]), luminance(colours[name])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name
    assert len(schemes) == 2


def test_pictures() -> None:
    wide = np.zeros((3, 10, 2 * MAX_SIDE), np.float32)
    assert decode(picture_uri(wide)).size == (MAX_SIDE, 5)
    strength = np.array([[0.0, 0.5, 1.0]], np.float32)
    colours = heat_colours(strength)
    assert colours.shape == (1, 3, 4)
    assert colours[0, 0, 3] == 0, "nothing covers a place without perturbation"
    brightness = colours[0, :, :3].sum(axis=1).tolist()
    assert brightness == sorted(brightness)
    plain = np.full((1, 1, 3), 0.25, np.float32)
    overlaid = np.asarray(decode(heatmap_uri(plain, strength)))
    assert overlaid[0, 0].tolist() == [64, 64, 64]
    assert overlaid[0, 2].sum() > 3 * 150
