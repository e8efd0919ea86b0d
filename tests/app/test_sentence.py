from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from app import i18n
from app.sentence import adjustment_text
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
        text = adjustment_text(told)
        assert all(value in text for value in values) and "{" not in text, kind
        assert text.casefold() != f"{told}.".casefold() or kind is Kind.NOT_TURNED, kind
        assert text.isascii() == (language == "en"), kind


def test_what_another_version_tells_is_shown_as_it_is(language: str) -> None:
    assert adjustment_text(Adjustment(Kind.OTHER, ("turned {upside} down",))) == "Turned {upside} down."
