"""The shipped line icons, drawn in the palette's own text colour at any scale."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from core.paths import RESOURCES

FOLDER = RESOURCES / "icons"


def icon(name: str) -> QIcon:
    """A line icon by its file's name. Raises FileNotFoundError for one that is not shipped."""
    shape = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    result = QIcon()
    for mode, group in (
        (QIcon.Mode.Normal, QPalette.ColorGroup.Active),
        (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled),
    ):
        colour = QGuiApplication.palette().color(group, QPalette.ColorRole.WindowText)
        painted = shape.replace('"currentColor"', f'"{colour.name()}" stroke-opacity="{colour.alphaF():.2f}"')
        for size in (20, 40, 60):
            result.addPixmap(_draw(painted, size), mode)
    return result


def app_icon() -> QIcon:
    """The program's own mark."""
    shape = (FOLDER / "mtaa-workbench.svg").read_text(encoding="utf-8")
    result = QIcon()
    for size in (16, 32, 64, 128, 256):
        result.addPixmap(_draw(shape, size))
    return result


def _draw(svg: str, size: int) -> QPixmap:
    pixmap = QPixmap(QSize(size, size))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter)
    painter.end()
    return pixmap
