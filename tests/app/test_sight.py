"""What is on screen is what it says: no picture of another file, a scale for every colour, whole sentences."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import legend, theme
from app.layers import Layer, Scene
from app.main_window import MainWindow
from app.pane import Camera
from app.requests import Entry
from core.types import Heatmap, LoadedImage
from core.wording import quantity
from tests.app.helpers import PATIENCE, drop, shown, wait_judged


def key_of(window: MainWindow, name: str) -> int:
    return next(row.entry.key for row in window.session.images.rows if row.entry.name == name)


@pytest.fixture
def slow_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Files called slow.png or broken.png are read once the event is set."""
    may_go_on, real = threading.Event(), Entry.load

    def load(entry: Entry) -> LoadedImage:
        if entry.name in ("slow.png", "broken.png"):
            may_go_on.wait(60)
        return real(entry)

    monkeypatch.setattr(Entry, "load", load)
    yield may_go_on
    may_go_on.set()


def test_no_old_picture_stands_beside_a_file_that_takes_long_to_read(
    window: MainWindow, qtbot: QtBot, pictures: Path, slow_file: threading.Event
) -> None:
    shutil.copy(pictures / "b.png", pictures / "slow.png")
    shown(window, qtbot, pictures / "a.png")
    viewing, grid = window.session.viewing, window.viewer.grid
    grid.zoom_by(3)
    zoomed = grid.active.camera
    drop(window, pictures / "slow.png")
    qtbot.waitUntil(lambda: viewing.scene.image is None)
    assert viewing.row is not None and viewing.row.entry.name == "slow.png"
    assert [pane._picture.hint for pane in grid.panes] == ["Loading…"] and grid.active._picture.base is None
    assert window.viewer.zoom_text.text() == "" and window.viewer.pixel.text() == ""
    slow_file.set()
    qtbot.waitUntil(lambda: viewing.scene.image is not None)
    assert viewing.scene.image.path.endswith("slow.png") and viewing.scene.reason == ""
    assert zoomed != Camera() and grid.active.camera == zoomed, "an image of the same size keeps the zoom"


def test_a_file_that_is_read_at_once_does_not_flicker(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png", pictures / "b.png")
    viewing = window.session.viewing
    viewing._late.setInterval(PATIENCE)  # however busy this machine is
    scenes: list[Scene] = []
    viewing.scene_changed.connect(scenes.append)
    window.list.select(key_of(window, "b.png"))
    qtbot.waitUntil(lambda: bool(scenes) and scenes[-1].image.path.endswith("b.png"))
    assert all(scene.image is not None for scene in scenes) and not viewing._late.isActive()


def test_no_old_picture_stands_beside_a_broken_file(
    window: MainWindow, qtbot: QtBot, pictures: Path, slow_file: threading.Event
) -> None:
    slow_file.set()
    shown(window, qtbot, pictures / "a.png")
    drop(window, pictures)
    wait_judged(qtbot, window, 7)
    slow_file.clear()  # as if others were being read
    viewing = window.session.viewing
    window.list.select(key_of(window, "broken.png"))
    assert viewing.scene.image is None and "damaged" in viewing.scene.reason
    assert "damaged" in window.viewer.grid.active._picture.hint and "damaged" in window.answer.hint.text()
    slow_file.set()
    window.session.reader._eye.waitForDone()
    QApplication.processEvents()
    assert viewing.scene.image is None and "damaged" in viewing.scene.reason


def test_every_colour_has_its_scale_in_the_window_and_in_pictures_of_it(
    window: MainWindow, qtbot: QtBot, pictures: Path
) -> None:
    shown(window, qtbot, pictures / "a.png")
    window.session.settings["viewer/panes"] = 3
    window.session.settings["viewer/gain_fits"] = False
    window.session.viewing.compare_with(Entry(0, str(pictures / "b.png")))
    grid = window.viewer.grid
    grid.frames[1].choice.setCurrentIndex(list(Layer).index(Layer.DIFFERENCE))
    qtbot.waitUntil(lambda: grid.panes[1]._picture.legend is not None)
    heat, difference, perturbation = (pane._picture.legend for pane in grid.panes)
    estimate = window.session.viewing.scene.heatmap.perturbation
    strongest = quantity(255 * float(np.abs(estimate).max()), "/255")
    assert heat is not None and (heat.low, heat.high) == ("0", f"strongest place {strongest}")
    assert difference == perturbation and (perturbation.low, perturbation.high) == ("−63.8/255", "+63.8/255")
    window.actions_["more_gain"].trigger()
    assert grid.panes[2]._picture.legend.high == "+31.9/255"
    grid.zoom_by(50)
    window.actions_["copy_view"].trigger()
    QApplication.processEvents()
    for picture in (QGuiApplication.clipboard().image(), grid.grab().toImage()):
        assert seen(picture, heat.colours[-1]) and seen(picture, perturbation.colours[0])
    QGuiApplication.clipboard().clear()


def test_a_scale_that_has_little_room_keeps_its_number(window: MainWindow) -> None:
    strength = np.ones((4, 4), np.float32)
    heat = legend.of_heatmap(Heatmap(strength, strength[None] / 255, "pixels", 26 / 255), "inferno")
    signed = legend.of_signed(4.0, "inferno")
    assert heat is not None
    metrics = window.fontMetrics()
    wide = [metrics.horizontalAdvance(one.low + one.high) + 100 for one in (heat, signed)]
    assert [legend.fitting(one, metrics, room)[0] for one, room in zip((heat, signed), wide, strict=True)] == [
        ("0", "strongest place 26/255"), ("−63.8/255", "+63.8/255"),
    ]  # fmt: skip
    narrow = metrics.horizontalAdvance("strongest place")
    assert legend.fitting(heat, metrics, narrow)[0] == ("", "26/255")
    assert legend.fitting(signed, metrics, narrow)[0] == ("", "±63.8/255")


def seen(picture: QImage, colour: int) -> bool:
    """Whether a colour is in the last lines of a picture, below the image."""
    rows = range(picture.height() - 14, picture.height() - 8)
    wanted = QColor.fromRgb(colour)
    return any(picture.pixelColor(x, y) == wanted for y in rows for x in range(picture.width()))


def test_a_faint_heatmap_is_said_to_be_faint_and_one_without_unit_to_be_relative() -> None:
    strength = np.zeros((4, 4), np.float32)
    assert legend.of_heatmap(Heatmap(strength, None, "features of one pixel"), "inferno") is None
    strength[1, 2] = 1
    relative = legend.of_heatmap(Heatmap(strength, None, "features"), "inferno")
    assert relative is not None and (relative.low, relative.high) == ("", "relative to the strongest place")
    assert len(relative.colours) == 256
    faint = legend.of_heatmap(Heatmap(strength * 0.7, strength[None] * 1.4 / 255, "pixels", 2 / 255), "inferno")
    assert faint is not None and faint.high == "strongest place 1.4/255"
    assert faint.colours == relative.colours[: len(faint.colours)] and len(faint.colours) == 179


def test_the_zoom_that_is_told_is_that_of_the_pane(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    told = []
    for change in (lambda: window.resize(1500, 900), window.actions_["four_panes"].trigger, lambda: None):
        change()
        QApplication.processEvents()
        pane = window.viewer.grid.active
        assert window.viewer.zoom_text.text() == f"fit {pane.zoom() * pane.devicePixelRatioF():.0%}"
        told.append(window.viewer.zoom_text.text())
    assert told[0] != told[1]
    window.actions_["link_panes"].trigger()
    window.viewer.grid.zoom_by(2)
    last = window.viewer.grid.panes[3]
    assert last.zoom() < window.viewer.grid.active.zoom() / 1.9
    qtbot.mouseClick(last, Qt.MouseButton.LeftButton)
    assert window.viewer.grid.active is last
    assert window.viewer.zoom_text.text() == f"fit {last.zoom() * last.devicePixelRatioF():.0%}"


def test_a_difference_names_its_second_image(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    second = pictures / f"original-{'of-many-' * 8}<b>.png"
    shutil.copy(pictures / "b.png", second)
    shown(window, qtbot, pictures / "a.png")
    window.actions_["four_panes"].trigger()
    window.session.viewing.compare_with(Entry(0, str(second)))
    frames = window.viewer.grid.frames
    qtbot.waitUntil(lambda: bool(frames[3].second.text()))
    QApplication.processEvents()
    assert frames[3].second.text() == second.name and [f.second.text() for f in frames[:3]] == [""] * 3
    assert frames[3].second.cut().startswith("orig") and frames[3].second.cut().endswith(".png")
    assert "…" in frames[3].second.cut() and "&lt;b&gt;.png" in frames[3].second.toolTip()
    widths = [frame.pane.width() for frame in frames]
    assert max(widths) - min(widths) <= 1, "a long name takes no room from another pane"
    frames[0].choice.setCurrentIndex(list(Layer).index(Layer.DIFFERENCE))
    assert frames[0].second.text() == second.name
    window.actions_["compare_with_none"].trigger()
    assert frames[3].second.text() == frames[3].second.toolTip() == ""


def test_what_is_said_below_an_image_is_wrapped(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    window.actions_["four_panes"].trigger()
    window.viewer.show_scene(replace(window.session.viewing.scene, heatmap=None, judged=False))
    QApplication.processEvents()
    pane = window.viewer.grid.active

    def strip(hint: str) -> int:
        pane._picture = replace(pane._picture, hint=hint)
        picture, canvas = pane.grab().toImage(), QColor(theme.tones().canvas)
        return sum(picture.pixelColor(1, y) != canvas for y in range(picture.height()))

    assert "once the image has been judged" in pane._picture.hint
    assert strip(pane._picture.hint) - strip("Short") >= pane.fontMetrics().height(), "it takes two lines"


def test_another_image_is_read_from_the_top_and_the_same_one_where_it_was(
    window: MainWindow, qtbot: QtBot, pictures: Path
) -> None:
    window.resize(1100, 480)
    shown(window, qtbot, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    bar = window.answer.page.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 100)
    bar.setValue(100)
    window.answer.slider.setValue(80)
    qtbot.waitUntil(lambda: window.session.viewing.row.attribution.attack.coverage == 0.8)
    assert "80%" in window.answer.attack.doubt.text() and bar.value() == 100
    window.actions_["next_image"].trigger()
    assert bar.value() == 0


def test_copying_the_sentence_is_told(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    for copy in (window.answer.copy.click, window.actions_["copy_sentence"].trigger):
        window.status.clearMessage()
        copy()
        assert window.status.currentMessage() == "Sentence copied."
        assert QGuiApplication.clipboard().text() == window.answer.sentence.toPlainText() != ""
        QGuiApplication.clipboard().clear()


def test_a_single_pixel_and_a_very_thin_image_are_seen(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    sizes = {"one.png": (1, 1), "wide.png": (3000, 2), "high.png": (2, 3000)}
    for name, size in sizes.items():
        Image.new("RGB", size, "red").save(tmp_path / name)
    drop(window, *(tmp_path / name for name in sizes))
    wait_judged(qtbot, window, len(sizes))
    pane, images = window.viewer.grid.active, window.session.images
    window.viewer.grid.frames[0].choice.setCurrentIndex(list(Layer).index(Layer.IMAGE))
    for row in images.rows:
        window.list.select(row.entry.key)
        qtbot.waitUntil(lambda row=row: row.entry.key in images._thumbnails)
        qtbot.waitUntil(
            lambda row=row: (
                window.session.viewing.scene.image is not None
                and window.session.viewing.scene.image.path == row.entry.path
            )
        )
        assert not images._thumbnails[row.entry.key].isNull()
        assert reds(pane.grab().toImage()), row.entry.name
        assert reds(window.list.view.viewport().grab(window.list.view.visualRect(window.list.view.currentIndex()))
                    .toImage()), row.entry.name  # fmt: skip


def reds(picture: QImage) -> bool:
    colours = (picture.pixelColor(x, y) for y in range(picture.height()) for x in range(picture.width()))
    return any(colour.red() > 200 and colour.green() < 60 for colour in colours)


def test_what_takes_long_does_not_hold_up_what_is_looked_at(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png", pictures / "b.png")
    reader, may_end = window.session.reader, threading.Event()
    for _ in range(3):  # searched folders, packs that are verified
        reader.submit(lambda: may_end.wait(60))
    try:
        window.list.select(key_of(window, "b.png"))
        viewing = window.session.viewing
        qtbot.waitUntil(lambda: viewing.scene.image is not None and viewing.scene.image.path.endswith("b.png"))
    finally:
        may_end.set()
