"""Panes: layers, linked zoom, blink, the pixel under the pointer, what is copied and saved."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QMessageBox, QSlider
from pytestqt.qtbot import QtBot

from app import legend
from app.flow import Flow
from app.layers import GAINS, Layer, Look, Scene, inspect, render, signed
from app.main_window import MainWindow
from app.pane import MAX_ZOOM, Camera, Pane
from app.reader import to_qimage
from app.requests import Entry
from core.types import Heatmap, LoadedImage
from tests.app.helpers import drop, shown, wait_judged


def loaded(pixels: np.ndarray, path: str = "x.png") -> LoadedImage:
    return LoadedImage(path, "0" * 64, pixels.astype(np.float32), "PNG", 8, False)


@pytest.fixture
def scene() -> Scene:
    random = np.random.default_rng(0)
    image = loaded(random.integers(0, 256, (1, 28, 28)) / 255)
    perturbation = random.uniform(-0.1, 0.1, (1, 28, 28)).astype(np.float32)
    heat = Heatmap(np.abs(perturbation[0]) / np.abs(perturbation).max(), perturbation, "test")
    return Scene(image, to_qimage(image.pixels), heat, loaded(np.zeros((1, 28, 28))))


def wheel(pane: Pane, place: QPointF, steps: int) -> None:
    angle = QPoint(0, 120 * steps)
    none = Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    screen = QPointF(pane.mapToGlobal(place.toPoint()))
    QApplication.sendEvent(
        pane, QWheelEvent(place, screen, QPoint(), angle, Qt.MouseButton.NoButton, none, phase, False)
    )


def image_point(pane: Pane, place: QPointF) -> tuple[float, float]:
    """The point of the image, in image pixels, that is drawn at ``place``."""
    area = pane.target()
    return (place.x() - area.left()) / pane.zoom(), (place.y() - area.top()) / pane.zoom()


def test_pixels_reach_the_screen_unchanged() -> None:
    values = np.arange(256, dtype=np.float32).reshape(1, 16, 16) / 255
    picture = to_qimage(values)
    assert [picture.pixelColor(x, y).red() for y in range(16) for x in range(16)] == list(range(256))
    colour = np.stack([values[0], values[0] * 0, values[0] * 0 + 1])
    assert to_qimage(colour).pixelColor(15, 15).getRgb() == (255, 0, 255, 255)


def test_layers(scene: Scene) -> None:
    look = Look(opacity=0.5, gain=4, sequential="viridis", diverging="RdBu_r")
    for layer in Layer:
        assert render(layer, scene, look).base is not None, layer
    assert render(Layer.HEATMAP, scene, look).overlay is not None
    assert render(Layer.DIFFERENCE, Scene(scene.image, scene.base), look).hint
    small = Scene(scene.image, scene.base, None, loaded(np.zeros((1, 14, 14))))
    assert "14×14×1" in render(Layer.DIFFERENCE, small, look).hint
    flat = Heatmap(scene.heatmap.strength, None, "features only")
    assert render(Layer.PERTURBATION, Scene(scene.image, scene.base, flat), look).hint
    without = Scene(scene.image, scene.base)
    assert "once the image has been judged" in render(Layer.HEATMAP, without, look).hint
    assert render(Layer.HEATMAP, replace(without, judged=True), look).hint == "The heatmap is being made."


def test_signed_values_are_symmetric_and_scaled_by_the_gain() -> None:
    values = np.array([[[-0.25, 0.0, 0.25]]], dtype=np.float32)
    middle = signed(np.zeros_like(values), Look(gain=4, diverging="gray")).base.pixelColor(0, 0).red()
    picture = signed(values, Look(gain=2, diverging="gray")).base
    levels = [picture.pixelColor(x, 0).red() for x in range(3)]
    assert levels[1] == middle and abs((levels[2] - middle) - (middle - levels[0])) <= 1
    strong = signed(values, Look(gain=4, diverging="gray")).base
    assert strong.pixelColor(0, 0).red() == 0 and strong.pixelColor(2, 0).red() == 255


def test_inspector_reads_values_on_the_8_bit_scale(scene: Scene) -> None:
    text = inspect(scene, 3, 2)
    level = round(float(scene.image.pixels[0, 2, 3]) * 255)
    assert f"value {level}/255" in text
    assert f"perturbation {scene.heatmap.perturbation[0, 2, 3] * 255:+.1f}/255" in text
    assert f"difference {level:+.1f}/255" in text
    assert inspect(scene, 28, 0) == ""
    levels = Scene(loaded(np.arange(256).reshape(1, 16, 16) / 255))
    assert all(f"value {level}/255" in inspect(levels, level % 16, level // 16) for level in range(256))
    finer = Scene(loaded(np.full((1, 1, 1), 12345 / 65535)))
    assert "value 48.035/255" in inspect(finer, 0, 0)


def test_zoom_keeps_the_pixel_under_the_pointer_and_is_linked(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    window.actions_["four_panes"].trigger()
    QApplication.processEvents()
    panes = window.viewer.grid.panes
    assert len(panes) == 4
    spot = QPointF(panes[1].rect().center()) + QPointF(20, 10)
    before = image_point(panes[1], spot)
    wheel(panes[1], spot, 3)
    assert image_point(panes[1], spot) == pytest.approx(before, abs=1 / panes[1].zoom())
    assert panes[1].camera.zoom > 0 and len({pane.camera for pane in panes}) == 1
    window.actions_["link_panes"].trigger()
    wheel(panes[1], spot, 2)
    assert len({pane.camera for pane in panes}) == 2
    window.actions_["link_panes"].trigger()
    for _ in range(40):
        window.actions_["zoom_in"].trigger()
    assert window.viewer.grid.active.camera.zoom == MAX_ZOOM
    window.actions_["actual_size"].trigger()
    assert {pane.camera.zoom for pane in panes} == {1.0}
    window.actions_["fit"].trigger()
    assert {pane.camera for pane in panes} == {Camera()}


def test_drag_pans_but_never_out_of_the_image(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    pane = window.viewer.grid.active
    window.viewer.grid.zoom_by(3)
    middle = pane.rect().center()
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(pane, middle + QPoint(40, 0))
    assert pane.camera.x < 0.5
    qtbot.mouseMove(pane, middle + QPoint(9000, 9000))
    qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=middle)
    assert (pane.camera.x, pane.camera.y) == (0.0, 0.0)
    for name in ("pan_right", "pan_down"):
        window.actions_[name].trigger()
    assert (pane.camera.x, pane.camera.y) == pytest.approx((0.1, 0.1))
    for name in ("pan_left", "pan_up"):
        window.actions_[name].trigger()
    assert (pane.camera.x, pane.camera.y) == pytest.approx((0.0, 0.0))


def test_pointing_marks_the_pixel_in_every_pane(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    window.actions_["two_panes"].trigger()
    QApplication.processEvents()
    first, second = window.viewer.grid.panes
    qtbot.mouseMove(first, first.rect().center())
    assert second.marked is not None and second.marked == first.marked
    assert "value" in window.viewer.pixel.text()


def test_blink_turns_through_the_panes_and_back(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    pane = window.viewer.grid.active
    assert pane.layer is Layer.HEATMAP
    qtbot.keyClick(window.list.view, Qt.Key.Key_B)
    assert pane.layer is Layer.IMAGE
    window.actions_["blink"].trigger()
    assert pane.layer is Layer.HEATMAP
    window.actions_["three_panes"].trigger()
    seen = []
    for _ in range(4):
        window.actions_["blink"].trigger()
        seen.append(pane.layer)
    assert seen == [Layer.IMAGE, Layer.PERTURBATION, Layer.HEATMAP, Layer.IMAGE]


def test_an_image_that_was_judged_is_not_said_to_wait_for_that(
    window: MainWindow, qtbot: QtBot, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heatmaps of later come when the worker has time for them."""
    monkeypatch.setattr(window.session.worker, "view", lambda _: None)
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    viewing = window.session.viewing
    qtbot.waitUntil(lambda: viewing.scene.image is not None)
    assert viewing.scene.judged, "it was judged while it was on screen"
    viewing.show(window.session.images.rows[1].entry.key)
    qtbot.waitUntil(lambda: viewing.scene.image is not None and viewing.scene.image.path.endswith("b.png"))
    assert viewing.scene.judged
    window.session.images.set_records([(viewing.current, None)])
    viewing.withdraw()
    assert not viewing.scene.judged


def test_controls_take_more_rows_in_a_narrow_window_and_none_is_cut(window: MainWindow) -> None:
    strip = window.viewer.findChild(Flow)
    heights = []
    for wide in (1280, 900):
        window.resize(wide, 700)
        QApplication.processEvents()
        heights.append(strip.height())
        assert strip.height() == strip.heightForWidth(strip.width())
        kinds = (QLabel, QSlider, QComboBox)
        parts = [part for kind in kinds for part in strip.findChildren(kind) if part.isVisible()]
        places = [QRect(part.mapTo(strip, QPoint()), part.size()) for part in parts]
        assert len(parts) == 8 and all(map(strip.rect().contains, places))
        assert all(part.width() >= part.minimumSizeHint().width() for part in parts)
        assert not any(one.intersects(other) for one, other in combinations(places, 2))
    assert heights[0] < heights[1]


def test_second_image_by_file_by_row_and_none(
    window: MainWindow, qtbot: QtBot, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(window, qtbot, pictures / "a.png")
    monkeypatch.setattr("app.commands.QFileDialog.getOpenFileName", lambda *_: (str(pictures / "b.png"), ""))
    window.actions_["compare_with_file"].trigger()
    qtbot.waitUntil(lambda: window.session.viewing.scene.second is not None)
    assert window.session.viewing.scene.second.path.endswith("b.png")
    window.actions_["compare_with_current"].trigger()
    qtbot.waitUntil(lambda: window.session.viewing.scene.second.path.endswith("a.png"))
    window.actions_["compare_with_none"].trigger()
    assert window.session.viewing.scene.second is None
    monkeypatch.setattr("app.commands.QFileDialog.getOpenFileName", lambda *_: (str(pictures / "notes.txt"), ""))
    window.actions_["compare_with_file"].trigger()
    qtbot.waitUntil(lambda: "not an image" in window.status.currentMessage())


def test_a_second_image_that_is_read_late_takes_no_other_ones_place(
    window: MainWindow, qtbot: QtBot, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(window, qtbot, pictures / "a.png")
    session, real, may_go_on = window.session, Entry.load, threading.Event()

    def slow(entry: Entry) -> LoadedImage:
        if entry.name == "b.png":
            may_go_on.wait(60)
        return real(entry)

    def finish() -> None:
        may_go_on.set()
        session.reader._eye.waitForDone()
        QApplication.processEvents()
        may_go_on.clear()

    monkeypatch.setattr(Entry, "load", slow)
    session.viewing.compare_with(Entry(0, str(pictures / "b.png")))
    session.viewing.compare_with(Entry(0, str(pictures / "c.png")))
    qtbot.waitUntil(lambda: session.viewing.scene.second is not None)
    finish()
    assert session.viewing.scene.second is not None and session.viewing.scene.second.path.endswith("c.png")
    session.viewing.compare_with(Entry(0, str(pictures / "b.png")))
    window.actions_["compare_with_none"].trigger()
    finish()
    assert session.viewing.scene.second is None


def test_controls_change_the_look_and_are_kept(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    opacity, gain = window.viewer.look.opacity, GAINS[window.viewer.gain.value()]
    for name in ("more_opacity", "more_gain"):
        window.actions_[name].trigger()
    assert window.viewer.look.opacity == pytest.approx(opacity + 0.1) and window.viewer.look.gain == gain * 2
    for name in ("less_opacity", "less_gain"):
        window.actions_[name].trigger()
    window.viewer.sequential.setCurrentText("viridis")
    window.viewer.sequential.activated.emit(0)
    assert window.session.viewing.look == Look(opacity, gain, False, "viridis")


def test_view_is_copied_and_saved_as_shown(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(window, qtbot, pictures / "a.png")
    window.actions_["copy_view"].trigger()
    copied: QImage = QGuiApplication.clipboard().image()
    target = tmp_path / "out" / "view"
    target.parent.mkdir()
    monkeypatch.setattr("app.commands.QFileDialog.getSaveFileName", lambda *_: (str(target), ""))
    window.actions_["save_view"].trigger()
    with Image.open(target.with_suffix(".png")) as saved:
        assert saved.size == (copied.width(), copied.height())
        assert len(np.unique(np.asarray(saved.convert("RGB")))) > 100
    assert [path.name for path in target.parent.iterdir()] == ["view.png"]
    QGuiApplication.clipboard().clear()


@pytest.mark.parametrize("answer", [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
def test_a_view_takes_the_place_of_a_file_only_when_asked(
    window: MainWindow,
    qtbot: QtBot,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: QMessageBox.StandardButton,
) -> None:
    """The file dialog itself asks about the name that was typed, without its suffix."""
    shown(window, qtbot, pictures / "a.png")
    old = tmp_path / "shot.png"
    old.write_text("precious", encoding="utf-8")
    monkeypatch.setattr("app.commands.QFileDialog.getSaveFileName", lambda *_: (str(tmp_path / "shot"), ""))
    asked: list[str] = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *said: asked.append(said[2]) or answer)
    window.actions_["save_view"].trigger()
    assert len(asked) == 1 and "shot.png already exists" in asked[0]
    assert (old.read_bytes() == b"precious") is (answer == QMessageBox.StandardButton.No)


def test_the_gain_fits_each_picture_until_another_is_set(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    scene, viewer = window.session.viewing.scene, window.viewer
    assert viewer.look.fits and viewer.fits.isChecked()
    heatmap = scene.heatmap
    assert heatmap is not None and heatmap.perturbation is not None
    for strongest, gain in ((0.9, 1), (0.4, 2), (4 / 255, 32), (0.0, 128)):
        faint = replace(heatmap, perturbation=np.full_like(heatmap.perturbation, strongest))
        viewer.show_scene(replace(scene, heatmap=faint))
        assert GAINS[viewer.gain.value()] == gain and viewer._gain_text.text() == f"×{gain}"
        picture = render(Layer.PERTURBATION, viewer.grid.scene, viewer.look)
        assert picture.legend is not None and picture.legend.high == legend.of_signed(gain, "coolwarm").high
    window.actions_["less_gain"].trigger()
    assert not viewer.look.fits and viewer.look.gain == 64 and not viewer.fits.isChecked()
    assert window.session.settings.flag("viewer/gain_fits") is False
    viewer.show_scene(scene)
    assert viewer.look.gain == 64
    viewer.fits.click()
    assert viewer.look.fits and window.session.settings.flag("viewer/gain_fits")


def test_all_that_is_known_of_a_pixel_has_room(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    shown(window, qtbot, pictures / "a.png")
    scene = window.session.viewing.scene
    assert scene.image is not None
    window.viewer.show_scene(replace(scene, second=scene.image))
    reading = window.viewer.pixel
    assert reading.wordWrap() and reading.minimumHeight() >= 2 * reading.fontMetrics().lineSpacing()
    window.viewer._hover(QPoint(3, 4))
    assert "difference" in reading.text()


def test_a_long_name_widens_nothing(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    """Evidence is often named by its hash."""
    named = pictures / f"{'0123456789abcdef' * 8}.png"
    shutil.copy(pictures / "a.png", named)
    shown(window, qtbot, named)
    page = window.answer.page
    assert page.widget().width() <= page.viewport().width()
    assert window.answer.name.toPlainText() == named.name
    assert window.answer.name.document().size().width() <= page.viewport().width()


def test_an_answer_outlives_its_file(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    """As when a stick is pulled out: what was found stays, and the picture comes back with the file."""
    shown(window, qtbot, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    pictures.rename(pictures.with_name("away"))
    rows, viewing = window.session.images.rows, window.session.viewing
    before = [row.record for row in rows]
    for row in reversed(rows):  # the first one is on screen
        window.list.select(row.entry.key)
        qtbot.waitUntil(lambda: viewing.scene.image is None and "does not exist" in viewing.scene.reason)
    assert [row.record for row in rows] == before and window.answer.has_answer
    pictures.with_name("away").rename(pictures)
    window.list.select(rows[1].entry.key)
    qtbot.waitUntil(lambda: viewing.scene.heatmap is not None)
