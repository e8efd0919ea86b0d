"""One to four panes side by side, zoomed and panned together."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QImage, QPalette
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.layers import Layer, Look, Scene
from app.pane import Camera, Pane
from app.widgets import Elided, plain_tip
from core.wording import shown

START = (Layer.HEATMAP, Layer.IMAGE, Layer.PERTURBATION, Layer.DIFFERENCE)
"""What the first, second, third and fourth pane show at first."""


class Frame(QFrame):
    """A pane under a line that names, and changes, what it shows, and names the second image of a difference."""

    def __init__(self, layer: Layer, names: dict[Layer, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = Pane(layer)
        self.choice = QComboBox()
        self.choice.setFrame(False)
        for value in Layer:
            self.choice.addItem(names[value], value)
        self.choice.currentTextChanged.connect(self.choice.setToolTip)  # of four panes in a small window it is cut
        self.choice.setCurrentIndex(list(Layer).index(layer))
        self.choice.setToolTip(self.choice.currentText())
        self.second = Elided()
        head = QHBoxLayout()
        head.setContentsMargins(8, 4, 8, 4)
        head.setSpacing(8)
        head.addWidget(self.choice)
        head.addWidget(self.second, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.pane, 1)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Window)

    @property
    def chosen(self) -> Layer:
        return Layer(self.choice.currentData())

    def show_scene(self, scene: Scene, look: Look) -> None:
        path = scene.second.path if scene.second is not None and self.chosen is Layer.DIFFERENCE else ""
        self.second.setText(shown(Path(path).name))
        self.second.setToolTip(plain_tip(shown(path)))
        self.pane.show_scene(scene, look, self.chosen)


class PaneGrid(QWidget):
    """Owns the scene, the look and the cameras of its panes."""

    hovered = Signal(object)
    zoomed = Signal()
    chosen = Signal(str)
    """What each pane shows is now something else: the layers' names, as ``choose`` takes them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene = Scene()
        self.look = Look()
        self.linked = True
        self.frames: list[Frame] = []
        self._size: tuple[int, int] | None = None  # of the image shown last
        self._active = 0
        self._blinking = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        for number, layer in enumerate(START):
            self._add_frame(number, layer)
        self.set_count(1)

    def _add_frame(self, number: int, layer: Layer) -> None:
        frame = Frame(layer, self._layer_names())
        frame.choice.setAccessibleName(self.tr("What pane {n} shows").format(n=number + 1))
        frame.pane.setAccessibleName(self.tr("Pane {n}").format(n=number + 1))
        frame.choice.currentIndexChanged.connect(self._choose)
        frame.pane.camera_wanted.connect(lambda camera, pane=frame.pane: self._move(camera, pane))
        frame.pane.hovered.connect(self._hover)
        frame.pane.activated.connect(lambda: self._activate(number))
        frame.pane.resized.connect(self.zoomed)
        self.frames.append(frame)
        self._grid.addWidget(frame, 0, number)

    def _layer_names(self) -> dict[Layer, str]:
        return {
            Layer.IMAGE: self.tr("Image"),
            Layer.HEATMAP: self.tr("Heatmap"),
            Layer.PERTURBATION: self.tr("Estimated perturbation"),
            Layer.DIFFERENCE: self.tr("Difference to second image"),
        }

    @property
    def panes(self) -> list[Pane]:
        """The panes on screen."""
        return [frame.pane for frame in self.frames if not frame.isHidden()]

    @property
    def active(self) -> Pane:
        return self.panes[min(self._active, len(self.panes) - 1)]

    def choose(self, layers: str) -> None:
        """What each pane shows, as ``chosen`` told it; panes that it names no layer for stay as they are."""
        blockers = [QSignalBlocker(frame.choice) for frame in self.frames]
        for frame, name in zip(self.frames, layers.split(), strict=False):
            if (at := frame.choice.findData(name)) >= 0:
                frame.choice.setCurrentIndex(at)
        del blockers
        self._refresh()

    def set_count(self, count: int) -> None:
        """1, 2 and 3 panes stand in a row, 4 in a square."""
        self._blinking = 0
        for number, frame in enumerate(self.frames):
            frame.setVisible(number < count)
            row, column = divmod(number, 2) if count == 4 else (0, number)
            self._grid.addWidget(frame, row, column)
        for line in range(4):
            self._grid.setColumnStretch(line, int(line < (2 if count == 4 else count)))
            self._grid.setRowStretch(line, int(line < (2 if count == 4 else 1)))
        self._refresh()

    def show_scene(self, scene: Scene) -> None:
        """A new image keeps the zoom when it has the size of the last one, even if it took a while to load."""
        self.scene = scene
        size = self._size if scene.image is None else scene.image.size
        if size != self._size:
            self._size = size
            self.move_all(Camera())
        self._refresh()

    def set_look(self, look: Look) -> None:
        self.look = look
        self._refresh()

    def set_linked(self, linked: bool) -> None:
        self.linked = linked
        if linked:
            self.move_all(self.active.camera)

    def move_all(self, camera: Camera) -> None:
        for frame in self.frames:
            frame.pane.look_through(camera)
        self.zoomed.emit()

    def fit(self) -> None:
        self._move(Camera(), self.active)

    def actual_size(self) -> None:
        """One image pixel on one screen pixel."""
        self._move(Camera(1.0, self.active.camera.x, self.active.camera.y), self.active)

    def zoom_by(self, factor: float) -> None:
        self._move(self.active.zoomed(factor), self.active)

    def pan(self, dx: float, dy: float) -> None:
        """Shift by a share of the image, for the keyboard."""
        pane = self.active
        camera = pane.camera
        if camera.zoom is not None:
            x, y = max(0.0, min(1.0, camera.x + dx)), max(0.0, min(1.0, camera.y + dy))
            self._move(Camera(camera.zoom, x, y), pane)

    def blink(self) -> None:
        """The active pane shows, in turn, what each pane shows; a single pane alternates with the bare image."""
        turns = [frame.chosen for frame in self.frames if not frame.isHidden()]
        own = turns[min(self._active, len(turns) - 1)]
        if len(turns) == 1:
            turns.append(Layer.HEATMAP if own is Layer.IMAGE else Layer.IMAGE)
        first = turns.index(own)
        cycle = list(dict.fromkeys(turns[first:] + turns[:first]))
        self._blinking = (self._blinking + 1) % len(cycle)
        self.active.show_scene(self.scene, self.look, cycle[self._blinking])

    def snapshot(self) -> QImage:
        """The panes as they are on screen, without their headings."""
        panes = self.panes
        ratio = self.devicePixelRatioF()
        columns = 2 if len(panes) == 4 else len(panes)
        width, height = panes[0].width(), panes[0].height()
        rows = -(-len(panes) // columns)
        picture = QImage(
            round(width * columns * ratio), round(height * rows * ratio), QImage.Format.Format_ARGB32_Premultiplied
        )
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        for number, pane in enumerate(panes):
            row, column = divmod(number, columns)
            pane.render(picture, QPoint(column * width, row * height))
        return picture

    def _refresh(self) -> None:
        self._blinking = 0
        for frame in self.frames:
            if not frame.isHidden():
                frame.show_scene(self.scene, self.look)

    def _choose(self) -> None:
        self._refresh()
        self.chosen.emit(" ".join(frame.chosen for frame in self.frames))

    def _activate(self, number: int) -> None:
        if number != self._active:
            self._active = number
            self._refresh()
            self.zoomed.emit()

    def _move(self, camera: Camera, pane: Pane) -> None:
        if self.linked:
            self.move_all(camera)
        else:
            pane.look_through(camera)
            self.zoomed.emit()

    def _hover(self, pixel: QPoint | None) -> None:
        for pane in self.panes:
            pane.mark(pixel)
        self.hovered.emit(pixel)
