"""How a report's text is set: in which typefaces, with what spelled out, and broken into which lines.

Names come from everywhere, and DejaVu Sans, which comes with matplotlib, lacks Chinese, Japanese and Korean. What the
system has for them is used where it has any.
"""

from __future__ import annotations

import logging
import textwrap
import unicodedata
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from core.wording import spelled_out

_OWN = "DejaVu Sans"
_SYSTEMS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Droid Sans Fallback", "Microsoft YaHei", "SimSun", "Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans GB",
    "Hiragino Sans", "Apple SD Gothic Neo", "Arial Unicode MS",
)  # fmt: skip
"""That Linux, Windows and macOS come with, and their widest first where one system has several."""

_FILLER, _NO_BREAK = "\u200b", "\u00a0"
"""While lines are measured: behind each character that is two wide, and before "%". A text's own are spelled out."""


@cache
def families() -> list[str]:
    """For matplotlib's ``font.family``: each stands in for the characters that those before it lack."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it warns where one of them has no bold
    installed = {font.name for font in fontManager.ttflist}
    return [_OWN, *(name for name in _SYSTEMS if name in installed)]


@cache
def _drawn() -> frozenset[int]:
    """The characters that there is a glyph for, in bold too."""

    def of(family: str, weight: str) -> set[int]:
        return set(get_font(findfont(FontProperties(family=family, weight=weight))).get_charmap())

    return frozenset().union(*(of(family, "normal") & of(family, "bold") for family in families()))


def drawable(text: str) -> str:
    """Characters that no typeface has, and those that steer, spelled out: \\u6570 is better than an empty box."""
    return spelled_out(text, lambda c: c.isprintable() and ord(c) in _drawn())


def wrapped(text: str, width: int) -> list[str]:
    """Lines of so many characters at most, of which Chinese ones count twice; those after the first are indented."""
    kept = _measured(drawable(text)).replace(" %", f"{_NO_BREAK}%")
    lines = textwrap.wrap(kept, width, subsequent_indent="    ")
    return [line.replace(_FILLER, "").replace(_NO_BREAK, " ") for line in lines] or [""]


def ending(path: str, width: int) -> str:
    """As much of a path as fits, from its end, where its name is."""
    text = _measured(drawable(path))
    return (text if len(text) <= width else f"…{text[1 - width :]}").replace(_FILLER, "")


def _measured(text: str) -> str:
    """As long as it is wide."""
    return "".join(c + _FILLER if unicodedata.east_asian_width(c) in "WF" else c for c in text)
