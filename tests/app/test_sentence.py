from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import i18n, labels, sentence
from app.bars import CandidateBars
from app.images.row import Row, summary
from app.requests import Entry
from core import types
from core.adjustments import Adjustment, Kind
from core.labels import CLEAN, NONE_OF_THESE
from core.listed import Record

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


SAID = {
    True: (
        " 5 of 7 other victims see in the image what it was before, 2 see what vgg sees. ",
        "被询问的其他模型（7 个）中，5 个在图像中看到的是它原来的类别，2 个看到的与 vgg 相同。",
    ),
    False: (
        " 5 of 7 other victims see in the image what it can have been before, 2 see what vgg sees. ",
        "被询问的其他模型（7 个）中，5 个在图像中看到的是它可能的原来类别，2 个看到的与 vgg 相同。",
    ),
}


@pytest.mark.parametrize("changes", [True, False])
def test_what_others_see_is_told_of_each_victim(language: str, changes: bool) -> None:
    said = types.Testimony("vgg", "0" * 64, changes, 3.2, 0.5, 4.0, others=7, others_before=5, others_alike=2)
    words = SAID[changes][language != "en"]
    assert words in sentence.testimony_text(said)
    assert words not in sentence.testimony_text(types.Testimony("vgg", "0" * 64, changes, 3.2, 0.5, 4.0))


@pytest.mark.parametrize("changes", [True, False])
def test_what_the_victim_sees_is_told_by_name(language: str, changes: bool) -> None:
    said = types.Testimony("vgg", "0" * 64, changes, 3.2, 0.5, 4.0, label="chain saw", before="church")
    told = sentence.testimony_text(said)
    assert "“chain saw”" in told and "“church”" in told and "{" not in told
    among = sentence.testimony_text(dataclasses.replace(said, others=2))
    assert ("as far as can be told" in among) == (language == "en") and ("据所能判断" in among) == (language != "en")
    assert ("by its own word alone" in told) == (language == "en") and ("仅凭它自己" in told) == (language != "en")
    older = sentence.testimony_text(dataclasses.replace(said, label="", before=""))
    assert "“" not in older and "{" not in older and (older[3:].isascii() == (language == "en"))


def test_what_the_named_victim_was_made_to_see_is_told_in_brief(language: str, finding: types.Finding) -> None:
    answer = finding.attribution
    said = types.Testimony(answer.victim.label, "0" * 64, True, 3.2, 0.5, 4.0, "chain saw", "church", 3, 2)

    def told(**changes: Any) -> str:
        return sentence.seen_text(dataclasses.replace(answer, testimonies=(dataclasses.replace(said, **changes),)))

    assert "“chain saw”" in told() and "“church”" in told() and "{" not in told()
    assert "“chain saw”" in told(others_before=1) and "“church”" not in told(others_before=1)
    assert told(label="") == told(victim="another") == ""
    clean = types.ClassAnswer((types.RankedLabel(CLEAN, 1.0),), 0, 0.5, (CLEAN,), 0.9)
    assert sentence.seen_text(dataclasses.replace(answer, attack=clean, victim=clean, testimonies=(said,))) == ""


def test_what_every_pack_calls_alike_is_in_the_windows_words(language: str) -> None:
    own = [labels.label_text(label) for label in (CLEAN, NONE_OF_THESE)]
    assert own == ([CLEAN, NONE_OF_THESE] if language == "en" else ["干净", "都不是"])
    assert labels.label_text("ResNet18") == "ResNet18", "a pack's own name"


def test_an_answer_is_shown_in_the_windows_words(language: str, finding: types.Finding, qtbot: QtBot) -> None:
    answer, told = finding.attribution, labels.label_text(CLEAN)
    second = answer.attack.ranking[1]
    ranking = (types.RankedLabel(CLEAN, 0.9), second, types.RankedLabel("third", 0.0))
    clean = dataclasses.replace(answer.attack, ranking=ranking, prediction_set=(CLEAN, second.label))
    bars = CandidateBars()
    qtbot.addWidget(bars)
    bars.show_answer(clean)
    assert bars.accessibleDescription().startswith(f"{told} 90")
    assert f"{told}, {second.label}" in sentence.doubt_text(clean)
    found = dataclasses.replace(finding, attribution=dataclasses.replace(answer, attack=clean))
    row = Row(Entry(0, "a.png"), Record("a.png", "0" * 64, "ok", None, found))
    assert summary(row).startswith(told) and told in row.text
