from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from app import i18n, sentence
from core import types
from core.adjustments import Adjustment, Kind

KINDS = set(Kind) - {Kind.OTHER, Kind.NOT_HEARD}
"""All but those that this version never makes."""


@pytest.fixture(params=["en", "zh_CN"])
def language(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[str]:
    translators = i18n.install(qapp, request.param)
    yield request.param
    i18n.remove(qapp, translators)


def test_every_kind_of_adjustment_has_its_words(language: str) -> None:
    for kind in KINDS:
        values = tuple(f"VALUE{at}" for at, _ in enumerate(kind.fields))
        told = Adjustment(kind, values)
        text = sentence.adjustment_text(told)
        assert all(value in text for value in values) and "{" not in text, kind
        assert text.casefold() != f"{told}.".casefold() or kind is Kind.NOT_TURNED, kind
        assert text.isascii() == (language == "en"), kind


def test_what_another_version_tells_is_shown_as_it_is(language: str) -> None:
    assert sentence.adjustment_text(Adjustment(Kind.OTHER, ("turned {upside} down",))) == "Turned {upside} down."


SAID = {True: ("what it was before", "原来的类别"), False: ("what it can have been before", "可能的原来类别")}


@pytest.mark.parametrize("changes", [True, False])
def test_what_others_see_is_told_of_each_victim(language: str, changes: bool) -> None:
    said = types.Testimony("vgg", "0" * 64, changes, 3.2, 0.5, 4.0, others=7, others_before=5, others_alike=2)
    text = sentence.testimony_text(said)
    words = SAID[changes][language != "en"]
    assert text.count("vgg") == 2 and words in text
    assert text.index("7") < text.index("5") < text.index(words) < text.index("2", text.index(words))
    assert words not in sentence.testimony_text(types.Testimony("vgg", "0" * 64, changes, 3.2, 0.5, 4.0))
