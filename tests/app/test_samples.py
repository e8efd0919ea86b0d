"""The window as a new user meets it: the shipped pack on the shipped samples."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.images.row import kind_of
from app.window import Program
from core.paths import RESOURCES, SAMPLES
from tests.app.conftest import Opener
from tests.app.helpers import wait_case, wait_judged

SAMPLE_FILES = len(list(SAMPLES.glob("*.png")))
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
    wait_judged(qtbot, shipped.window, SAMPLE_FILES)
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


def test_a_case_counts_what_images_were_and_what_they_are_taken_for(
    shipped: Program, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, case = shipped.window, tmp_path / "samples.mtaacase"
    window.actions_["open_samples"].trigger()
    wait_judged(qtbot, window, SAMPLE_FILES)
    monkeypatch.setattr("app.case.commands.QFileDialog.getSaveFileName", lambda *_, **__: (str(case), ""))
    window.actions_["new_case_of_images"].trigger()
    wait_case(qtbot, window, "samples")
    wait_judged(qtbot, window, SAMPLE_FILES)
    (board,) = window.case.dashboard.boards
    seen, before = (chart for chart in board.charts if chart.facet.key in ("label", "before"))
    qtbot.waitUntil(lambda: sum(seen.counts) == 4, timeout=20_000)
    assert seen.isVisibleTo(board) and before.isVisibleTo(board)
    only_one_fooled = {"0", "4", "7", "unconfirmed"}  # what was a 2 fools the other victim as well
    assert {name for name, n in zip(before.facet.labels, before.counts, strict=True) if n} == only_one_fooled
    before.picked.emit(before.facet.labels.index("4"))
    qtbot.waitUntil(lambda: window.list.view.model().rowCount() == 1)
