"""Two palettes for the Fusion style, and the few tones that QPalette has no role for."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory


@dataclass(frozen=True, slots=True)
class Tones:
    """Colours as #rrggbb. ``muted`` text keeps a contrast of 4.5:1 on ``window`` and on ``base``.

    edge: the outline of what can be ticked or typed in, at 3:1.
    """

    window: str
    base: str
    raised: str
    text: str
    muted: str
    line: str
    edge: str
    accent: str
    on_accent: str
    track: str
    canvas: str
    good: str
    warn: str
    bad: str
    warn_back: str
    bad_back: str
    info_back: str


LIGHT = Tones(
    window="#f5f6f8", base="#ffffff", raised="#fcfcfd", text="#1b2027", muted="#5c6673", line="#d9dee5", edge="#757d89",
    accent="#2563c9", on_accent="#ffffff", track="#e6e9ee", canvas="#e9ecf0",
    good="#1d7a46", warn="#8a5a00", bad="#b3261e", warn_back="#fdf1d7", bad_back="#fce4e2", info_back="#e3edfb",
)  # fmt: skip
DARK = Tones(
    window="#1d2025", base="#16191d", raised="#262a31", text="#e3e7ed", muted="#9aa4b2", line="#353b45", edge="#7b8594",
    accent="#6ea4f7", on_accent="#0d1420", track="#30363f", canvas="#121418",
    good="#6cc795", warn="#e5b454", bad="#f08a83", warn_back="#3a301a", bad_back="#40211f", info_back="#1f2d44",
)  # fmt: skip

_OUTLINED = ("QCheckBox", "QRadioButton", "QAbstractSpinBox", "QLineEdit", "QComboBox", "QTableWidget")
_DARKENED = 140
"""What Fusion passes to QColor.darker."""


def is_dark(palette: QPalette | None = None) -> bool:
    shades = palette or QGuiApplication.palette()
    return shades.color(QPalette.ColorRole.Window).lightness() < shades.color(QPalette.ColorRole.WindowText).lightness()


def tones() -> Tones:
    """The tones that go with the palette in use."""
    return DARK if is_dark() else LIGHT


def color(tone: str, alpha: int = 255) -> QColor:
    result = QColor(tone)
    result.setAlpha(alpha)
    return result


def apply(mode: str) -> None:
    """``mode`` is "system", "light" or "dark". Platforms that do not tell their scheme count as light."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    hints = QGuiApplication.styleHints()
    scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(mode, Qt.ColorScheme.Unknown)
    hints.setColorScheme(scheme)  # also colours the title bar where the platform draws it
    dark = mode == "dark" or (mode == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
    if app.style().name() != "fusion":
        app.setStyle(QStyleFactory.create("Fusion"))
    t = DARK if dark else LIGHT
    palette = _palette(t)
    if palette != app.palette():
        app.setPalette(palette)
        for name in _OUTLINED:
            app.setPalette(_outlined(palette, t), name)  # type: ignore[arg-type]  # it takes str, not bytes
        app.setStyleSheet(_sheet(t))


def _palette(t: Tones) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for which, tone in {
        role.Window: t.window, role.WindowText: t.text, role.Base: t.base, role.AlternateBase: t.raised,
        role.Text: t.text, role.Button: t.raised, role.ButtonText: t.text, role.BrightText: t.bad,
        role.ToolTipBase: t.raised, role.ToolTipText: t.text, role.PlaceholderText: t.muted,
        role.Highlight: t.accent, role.HighlightedText: t.on_accent, role.Link: t.accent, role.LinkVisited: t.accent,
        role.Light: t.raised, role.Midlight: t.line, role.Mid: t.line, role.Dark: t.muted, role.Accent: t.accent,
    }.items():  # fmt: skip
        palette.setColor(which, QColor(tone))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, color(t.muted, 140))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(t.track))
    return palette


def _outlined(palette: QPalette, t: Tones) -> QPalette:
    """Fusion draws outlines in the colour of the window, darkened: in a dark window they cannot be seen."""
    result = QPalette(palette)
    result.setColor(QPalette.ColorRole.Window, QColor(t.edge).lighter(_DARKENED))
    return result


def _sheet(t: Tones) -> str:
    """Only what Fusion cannot be told through its palette: hairlines in place of bevels, slim scroll bars."""
    return f"""
    QMainWindow::separator, QSplitter::handle {{ background: {t.line}; }}
    QToolBar {{ border: none; border-bottom: 1px solid {t.line}; padding: 4px 8px; spacing: 2px;
                background: {t.window}; }}
    QStatusBar {{ border-top: 1px solid {t.line}; }}
    QStatusBar::item {{ border: none; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QScrollBar {{ background: transparent; border: none; margin: 0; }}
    QScrollBar:vertical {{ width: 10px; }}
    QScrollBar:horizontal {{ height: 10px; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 3px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 28px; }}
    QScrollBar::handle:horizontal {{ min-width: 28px; }}
    QScrollBar::handle:hover {{ background: {t.muted}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QTableWidget::corner {{ background: transparent; border: none; }}
    QToolTip {{ border: 1px solid {t.line}; padding: 4px; background: {t.raised}; color: {t.text}; }}
    """


def scaled(font: QFont, factor: float, *, bold: bool = False) -> QFont:
    """The same font at ``factor`` times its size."""
    result = QFont(font)
    if font.pointSizeF() > 0:
        result.setPointSizeF(font.pointSizeF() * factor)
    else:
        result.setPixelSize(round(font.pixelSize() * factor))
    if bold:
        result.setWeight(QFont.Weight.DemiBold)
    return result
