"""The viewer: panes, the strip of controls under them, and the line that reads the pixel under the pointer."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFontDatabase, QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from app.colormaps import DIVERGING, SEQUENTIAL
from app.flow import Flow
from app.layers import GAINS, Look, Scene, gain_of, inspect
from app.panes import PaneGrid
from app.widgets import named, slider


class Viewer(QWidget):
    """Shows a scene. ``look_changed`` tells a new opacity, gain or colour map, to be kept."""

    look_changed = Signal(object)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = PaneGrid()
        self.grid.set_look(look)
        self.opacity = self._slider(0, 100, self.tr("Heatmap opacity"))
        self.gain = self._slider(0, len(GAINS) - 1, self.tr("Gain of signed values"))
        self.fits = named(QToolButton(), self.tr("Fit the gain to each picture"), tip=True)
        self.fits.setText(self.tr("Fit"))
        self.fits.setCheckable(True)
        self.fits.setAutoRaise(True)
        self.sequential = self._maps(SEQUENTIAL, self.tr("Colour map of the heatmap"))
        self.diverging = self._maps(DIVERGING, self.tr("Colour map of signed values"))
        self._opacity_text, self._gain_text = QLabel(), QLabel()
        self.pixel = QLabel(wordWrap=True)  # with a second image there is more to tell than has room in a line
        self.pixel.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.pixel.setAccessibleName(self.tr("Pixel under the pointer"))
        self.zoom_text = named(QLabel(), self.tr("Zoom"))
        self._lay_out()
        self.apply_look(look)
        self.opacity.valueChanged.connect(self._change)
        self.gain.valueChanged.connect(self._change)
        self.fits.clicked.connect(self._change)
        self.sequential.activated.connect(self._change)
        self.diverging.activated.connect(self._change)
        self.grid.hovered.connect(self._hover)
        self.grid.zoomed.connect(self._tell_zoom)
        self._tell_zoom()

    @property
    def look(self) -> Look:
        return self.grid.look

    def show_scene(self, scene: Scene) -> None:
        self.grid.show_scene(scene)
        self.pixel.setMinimumHeight(self.pixel.fontMetrics().lineSpacing() * (2 if scene.second else 1))
        self._show_gain()
        self._hover(None)
        self._tell_zoom()

    def apply_look(self, look: Look) -> None:
        """Set the controls and the panes, without telling anybody."""
        blockers = [QSignalBlocker(w) for w in (self.opacity, self.sequential, self.diverging)]
        self.opacity.setValue(round(look.opacity * 100))
        self.sequential.setCurrentText(look.sequential)
        self.diverging.setCurrentText(look.diverging)
        del blockers
        self._show_look(look)
        self._show_gain()

    def _lay_out(self) -> None:
        opacity = self._together(self.tr("Opacity"), self.opacity, self._opacity_text, self.sequential)
        gain = self._together(self.tr("Gain"), self.gain, self._gain_text, self.fits, self.diverging)
        fitted = self.tr("fit")
        widest = self.zoom_text.fontMetrics().horizontalAdvance(f"{fitted} 1000%")
        self.zoom_text.setMinimumWidth(widest)
        self.zoom_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        strip = Flow((opacity, gain), gap=18, right=2)
        strip.setContentsMargins(12, 6, 12, 6)
        reading = QHBoxLayout()
        reading.setContentsMargins(12, 0, 12, 6)
        self.pixel.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.pixel.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.zoom_text.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        reading.addWidget(self.pixel, 1)
        reading.addWidget(self.zoom_text, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.grid, 1)
        layout.addWidget(strip)
        layout.addLayout(reading)

    @staticmethod
    def _together(text: str, control: QSlider, value: QLabel, *more: QWidget) -> QWidget:
        """What belongs to one slider: in the same row however narrow the window."""
        value.setMinimumWidth(value.fontMetrics().horizontalAdvance("×128 "))
        group = QWidget()
        row = QHBoxLayout(group)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in (QLabel(text), control, value, *more):
            row.addWidget(part)
        return group

    @staticmethod
    def _slider(low: int, high: int, name: str) -> QSlider:
        result = slider(low, high, name)
        result.setMaximumWidth(120)
        result.setMinimumWidth(60)
        return result

    @staticmethod
    def _maps(names: tuple[str, ...], name: str) -> QComboBox:
        box = named(QComboBox(), name, tip=True)
        box.addItems(names)
        box.setMinimumContentsLength(max(map(len, names)))
        return box

    def _change(self) -> None:
        look = replace(
            self.look,
            opacity=self.opacity.value() / 100,
            gain=float(GAINS[self.gain.value()]) if self.sender() is self.gain else self.look.gain,
            fits=self.fits.isChecked() and self.sender() is not self.gain,
            sequential=self.sequential.currentText(),
            diverging=self.diverging.currentText(),
        )
        self._show_look(look)
        self.look_changed.emit(look)

    def _show_look(self, look: Look) -> None:
        self._opacity_text.setText(f"{look.opacity:.0%}")
        before = self.look
        self.grid.set_look(look)
        if (before.gain, before.fits) != (look.gain, look.fits):  # of a photograph it takes a while to find out
            self._show_gain()

    def _show_gain(self) -> None:
        """Of the picture, if it has its own."""
        gain = gain_of(self.grid.scene, self.look)
        blockers = [QSignalBlocker(self.gain), QSignalBlocker(self.fits)]
        self.gain.setValue(min(range(len(GAINS)), key=lambda at: abs(GAINS[at] - gain)))
        self.fits.setChecked(self.look.fits)
        del blockers
        self._gain_text.setText(f"×{gain:g}")

    def _hover(self, pixel: QPoint | None) -> None:
        text = "" if pixel is None else inspect(self.grid.scene, pixel.x(), pixel.y())
        rest = self.tr("Point at a pixel to read its values.") if self.grid.scene.image else ""
        self.pixel.setText(text or rest)

    def _tell_zoom(self) -> None:
        if self.grid.scene.image is None:
            self.zoom_text.setText("")
            return
        pane = self.grid.active
        zoom = pane.zoom() * pane.devicePixelRatioF()
        fitted = self.tr("fit") if pane.camera.zoom is None else ""
        self.zoom_text.setText(f"{fitted} {zoom:.0%}".strip())
