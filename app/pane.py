"""One pane of the viewer: draws a layer of the scene under a camera, and turns mouse and wheel into new cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app import legend, theme
from app.layers import Layer, Look, Picture, Scene, render

MAX_ZOOM = 64.0
MIN_ZOOM = 1 / 32
GRID_FROM = 16.0
"""Zoom from which pixel borders are drawn."""


@dataclass(frozen=True, slots=True)
class Camera:
    """zoom: screen pixels an image pixel, or None to fit. x, y: the image point at the pane's centre, 0 to 1."""

    zoom: float | None = None
    x: float = 0.5
    y: float = 0.5


class Pane(QWidget):
    """Emits cameras instead of applying them, so that whoever owns several panes can move them together."""

    camera_wanted = Signal(object)
    hovered = Signal(object)
    """The image pixel under the pointer as QPoint, or None."""
    activated = Signal()
    resized = Signal()
    """A fitted image has another zoom now."""

    def __init__(self, layer: Layer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layer = layer
        self.scene = Scene()
        self.look = Look()
        self.camera = Camera()
        self.marked: QPoint | None = None
        self._picture = Picture()
        self._drag: QPointF | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(80, 80)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_scene(self, scene: Scene, look: Look, layer: Layer | None = None) -> None:
        """Draw another scene, look or layer."""
        previous = (self.scene, self.look, self.layer)
        self.scene, self.look, self.layer = scene, look, layer or self.layer
        only_opacity = previous == (self.scene, replace(look, opacity=previous[1].opacity), self.layer)
        if not only_opacity or self._picture.base is None:
            self._picture = render(self.layer, scene, look)
        self.update()

    def look_through(self, camera: Camera) -> None:
        self.camera = camera
        self.update()

    def mark(self, pixel: QPoint | None) -> None:
        """Outline one image pixel, as pointed at in any of the linked panes."""
        if pixel != self.marked:
            self.marked = pixel
            self.update()

    # Geometry, in logical pixels.

    def stage(self) -> QRect:
        """Where the image may be: above the foot, which every layer leaves free so that all lie alike."""
        return self.rect().adjusted(0, 0, 0, -legend.height(self.fontMetrics()))

    def zoom(self) -> float:
        """Screen pixels an image pixel, with fit worked out."""
        if self.camera.zoom is not None:
            return self.camera.zoom / self.devicePixelRatioF()
        if self.scene.image is None:
            return 1.0
        height, width = self.scene.image.size
        room = self.stage().adjusted(12, 12, -12, -12)
        fit = min(room.width() / width, room.height() / height)
        return max(MIN_ZOOM, min(MAX_ZOOM / self.devicePixelRatioF(), fit))

    def target(self) -> QRectF:
        """Where the whole image lies in the pane."""
        if self.scene.image is None:
            return QRectF()
        height, width = self.scene.image.size
        zoom = self.zoom()
        x, y = (0.5, 0.5) if self.camera.zoom is None else (self.camera.x, self.camera.y)
        stage = self.stage()
        left = stage.width() / 2 - x * width * zoom
        top = stage.height() / 2 - y * height * zoom
        return QRectF(round(left), round(top), width * zoom, height * zoom)

    def pixel_at(self, place: QPointF) -> QPoint | None:
        area = self.target()
        if not (area.contains(place) and self.stage().contains(place.toPoint())):
            return None
        zoom = self.zoom()
        return QPoint(int((place.x() - area.left()) / zoom), int((place.y() - area.top()) / zoom))

    def zoomed(self, factor: float, anchor: QPointF | None = None) -> Camera:
        """The camera after zooming by ``factor`` with the image point under ``anchor`` held still."""
        area, old = self.target(), self.zoom()
        if area.isEmpty():
            return self.camera
        ratio = self.devicePixelRatioF()
        wanted = max(MIN_ZOOM, min(MAX_ZOOM, old * factor * ratio))
        new = wanted / ratio
        middle = QPointF(self.stage().width() / 2, self.stage().height() / 2)
        spot = anchor or middle
        image_x, image_y = (spot.x() - area.left()) / old, (spot.y() - area.top()) / old
        centre_x = image_x + (middle.x() - spot.x()) / new
        centre_y = image_y + (middle.y() - spot.y()) / new
        return Camera(wanted, *self._kept(centre_x / area.width() * old, centre_y / area.height() * old))

    @staticmethod
    def _kept(x: float, y: float) -> tuple[float, float]:
        """The centre of the pane never leaves the image."""
        return max(0.0, min(1.0, x)), max(0.0, min(1.0, y))

    # Events.

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps = event.angleDelta().y() / 120
        if steps:
            self.camera_wanted.emit(self.zoomed(1.25**steps, event.position()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        area = self.target()
        if self._drag is not None and not area.isEmpty():
            step = event.position() - self._drag
            self._drag = event.position()
            zoom = self.camera.zoom or self.zoom() * self.devicePixelRatioF()
            x, y = (0.5, 0.5) if self.camera.zoom is None else (self.camera.x, self.camera.y)
            moved = self._kept(x - step.x() / area.width(), y - step.y() / area.height())
            self.camera_wanted.emit(Camera(zoom, *moved))
        self.hovered.emit(self.pixel_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._drag = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.camera_wanted.emit(Camera())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        self.activated.emit()

    def leaveEvent(self, event: object) -> None:  # noqa: N802
        self.hovered.emit(None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.update()
        self.resized.emit()

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        t = theme.tones()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.canvas))
        area = self.target()
        if self._picture.base is not None and not area.isEmpty():
            painter.setClipRect(self.stage())
            self._paint_image(painter, area)
            self._paint_grid(painter, area)
            self._paint_mark(painter, area)
            painter.setClipping(False)
        if self._picture.legend is not None:
            foot = self.rect().adjusted(0, self.stage().height(), 0, 0)
            legend.paint(painter, foot, self._picture.legend)
        if self._picture.hint:
            self._paint_hint(painter, t, below=self._picture.base is not None)
        if self.hasFocus():
            painter.setPen(QPen(QColor(t.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _paint_image(self, painter: QPainter, area: QRectF) -> None:
        """At least one pixel thick, however many times longer it is than wide; smooth only where pixels are lost."""
        drawn = QRectF(area.topLeft(), area.size().expandedTo(QSizeF(1, 1)))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom() * self.devicePixelRatioF() < 1.0)
        for picture, opacity in ((self._picture.base, 1.0), (self._picture.overlay, self.look.opacity)):
            if picture is not None:
                painter.setOpacity(opacity)
                painter.drawImage(drawn, picture)
        painter.setOpacity(1.0)

    def _paint_grid(self, painter: QPainter, area: QRectF) -> None:
        zoom = self.zoom()
        if zoom * self.devicePixelRatioF() < GRID_FROM:
            return
        painter.setPen(QPen(QColor(128, 128, 128, 50), 1))
        seen = area.intersected(QRectF(self.rect()))
        for column in range(int((seen.left() - area.left()) / zoom), int((seen.right() - area.left()) / zoom) + 1):
            x = area.left() + column * zoom
            painter.drawLine(QPointF(x, seen.top()), QPointF(x, seen.bottom()))
        for line in range(int((seen.top() - area.top()) / zoom), int((seen.bottom() - area.top()) / zoom) + 1):
            y = area.top() + line * zoom
            painter.drawLine(QPointF(seen.left(), y), QPointF(seen.right(), y))

    def _paint_mark(self, painter: QPainter, area: QRectF) -> None:
        zoom = self.zoom()
        if self.marked is None or zoom < 4.0:
            return
        spot = QRectF(area.left() + self.marked.x() * zoom, area.top() + self.marked.y() * zoom, zoom, zoom)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor("black"), 3))
        painter.drawRect(spot)
        painter.setPen(QPen(QColor("white"), 1))
        painter.drawRect(spot)

    def _paint_hint(self, painter: QPainter, t: theme.Tones, *, below: bool) -> None:
        """In the middle of an empty pane, or in a strip as high as it needs over the foot of the image."""
        option = QTextOption(Qt.AlignmentFlag.AlignCenter)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)  # paths are long words
        place = QRectF(self.rect().adjusted(24, 24, -24, -24))
        if below:
            room = QRectF(self.rect().adjusted(8, 0, -8, 0))
            high = painter.boundingRect(room, self._picture.hint, option).height() + 12
            place = QRectF(room.left(), self.height() - high, room.width(), high)
            painter.fillRect(place.adjusted(-8, 0, 8, 0), theme.color(t.window, 225))
        painter.setPen(QColor(t.muted))
        painter.drawText(place, self._picture.hint, option)
