"""Names that come from everywhere stay legible in a report, and on its lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.font_manager import findfont, get_font

from core.listed import Record
from core.manifest import Manifest
from core.report import lettering, write_report
from core.report.lettering import drawable, ending, families, wrapped
from core.report.subject import Subject


@pytest.fixture
def systems(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Lets a test say what the system has, which is otherwise found once."""
    for found in (families, lettering._drawn):
        found.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    for found in (families, lettering._drawn):
        found.cache_clear()


def foreign() -> str:
    """A letter that DejaVu Sans lacks and STIX, which comes with matplotlib too, has."""
    names = "DejaVu Sans", "STIXGeneral", "STIXGeneral:bold"
    own, other, bold = (set(get_font(findfont(name)).get_charmap()) for name in names)
    return chr(min(c for c in (other & bold) - own if unicodedata.category(chr(c)).startswith("L")))


def test_what_the_system_lacks_is_spelled_out(systems: pytest.MonkeyPatch) -> None:
    systems.setattr(lettering, "_SYSTEMS", ("No Such Typeface",))
    assert families() == ["DejaVu Sans"]
    assert drawable("数据 é\u202e.png") == "\\u6570\\u636e é\\u202e.png"


def test_the_systems_typefaces_stand_in(
    systems: pytest.MonkeyPatch, tiny_manifest: dict[str, Any], tmp_path: Path
) -> None:
    letter = foreign()
    manifest = Manifest.model_validate({**tiny_manifest, "weights_sha256": "d" * 64})
    systems.setattr(lettering, "_SYSTEMS", ("No Such Typeface",))
    subject = Subject([Record(f"{letter}.png", None, "error", f"{letter}.png: it is damaged.", None)], manifest, "CPU")
    write_report(tmp_path / "without.pdf", subject)
    assert drawable(letter) != letter
    families.cache_clear()
    lettering._drawn.cache_clear()
    systems.setattr(lettering, "_SYSTEMS", ("No Such Typeface", "STIXGeneral"))
    assert families() == ["DejaVu Sans", "STIXGeneral"] and drawable(letter) == letter
    write_report(tmp_path / "with.pdf", subject)
    assert [b"STIX" in (tmp_path / f"{name}.pdf").read_bytes() for name in ("without", "with")] == [False, True]


def test_a_number_keeps_its_percent_sign() -> None:
    assert wrapped("ResNet18 99.6 %, VGG 0.4 %", 14) == ["ResNet18", "    99.6 %,", "    VGG 0.4 %"]


def test_wide_characters_count_twice(systems: pytest.MonkeyPatch) -> None:
    systems.setattr(lettering, "_drawn", lambda: frozenset(range(0x20, 0x10000)))
    lines = wrapped("数据" * 30 + " and the rest", 20)
    assert "".join(line.strip() for line in lines).replace(" ", "") == "数据" * 30 + "andtherest"
    assert len(lines[0]) == 10 and all(len(line) <= 4 + 8 for line in lines[1:5])
    kept = ending("/图片/" + "照片" * 40 + ".png", 30)
    assert kept.startswith("…") and kept.endswith("照片.png") and len(kept) in (17, 18)
    assert ending("short.png", 108) == "short.png" and wrapped("", 20) == [""]
