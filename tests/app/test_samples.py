"""The window as a new user meets it: the shipped pack on the shipped samples."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.images.row import kind_of
from app.window import Program
from core.paths import RESOURCES, SAMPLES
from tests.app.conftest import Opener
from tests.app.helpers import wait_judged

SHIPPED = RESOURCES / "packs" / "mnist.mtaapack"


def plain(label: str) -> str:
    """A label as file names have it."""
    return label.lower().replace("&", "")


@pytest.fixture
def shipped(open_program: Opener) -> Program:
    program = open_program()
    program.settings["attribution/pack"] = str(SHIPPED)
    return program


def test_the_samples_are_attributed_to_their_makers(shipped: Program, qtbot: QtBot) -> None:
    shipped.window.actions_["open_samples"].trigger()
    wait_judged(qtbot, shipped.window, len(list(SAMPLES.glob("*.png"))))
    for row in shipped.session.images.rows:
        answer = row.attribution
        assert answer is not None
        parts = row.entry.name.split("-")
        if parts[0] == "no":
            assert kind_of(row) == "unfamiliar"
        else:
            assert plain(answer.attack.label) == parts[0], row.entry.name
        if len(parts) == 4:
            assert parts[1] in map(plain, answer.victim.prediction_set), row.entry.name
            said = answer.heard[0]
            assert said.before == parts[3].removesuffix(".png") != said.label, "the digit that it was is in its name"
    qtbot.waitUntil(lambda: shipped.session.viewing.scene.heatmap is not None)
