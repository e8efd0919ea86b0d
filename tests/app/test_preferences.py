"""The preferences dialog: made from the table, typed in, put back, and seen in the dark."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QDoubleSpinBox,
    QLineEdit,
    QMessageBox,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.main_window import MainWindow
from app.preferences import Preferences
from app.settings import TABLE
from tests.app.helpers import dialog


@pytest.fixture
def preferences(window: MainWindow) -> Preferences:
    window.actions_["show_preferences"].trigger()
    found = dialog(Preferences)
    assert isinstance(found, Preferences)
    return found


def typed(qtbot: QtBot, preferences: Preferences, key: str, text: str) -> QDoubleSpinBox | QSpinBox:
    """Text in the place of what a field holds, not yet confirmed."""
    field = preferences.editors[key]
    assert isinstance(field, (QDoubleSpinBox, QSpinBox))
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)
    assert field.cleanText() == text, "what is typed is left alone"
    return field


def test_preferences_come_from_the_table_and_apply_at_once(window: MainWindow, preferences: Preferences) -> None:
    assert set(preferences.editors) == {setting.key for setting in TABLE if setting.label}
    assert all(editor.accessibleName() for editor in preferences.editors.values())
    box = preferences.editors["appearance/theme"]
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData("dark"))
    box.activated.emit(box.currentIndex())
    assert theme.is_dark()
    window.session.settings["training/last"] = "/runs/digits"
    window.session.settings.reset()
    assert not theme.is_dark() and box.currentData() == "system"
    assert window.session.settings["training/last"] == "/runs/digits", "what the dialog does not show stays"
    preferences.close()


def test_numbers_are_typed_and_enter_sets_nothing_else(
    window: MainWindow, preferences: Preferences, qtbot: QtBot
) -> None:
    settings = window.session.settings
    settings["viewer/linked"] = False
    for key, text, value, told in (
        ("viewer/opacity", "80", 0.8, "80.0%"), ("attribution/coverage", "82.5", 0.825, "82.5%"),
        ("viewer/gain", "12.5", 12.5, "×12.5"), ("viewer/panes", "3", 3, "3"),
    ):  # fmt: skip
        field = typed(qtbot, preferences, key, text)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert settings[key] == value and field.text() == told
    assert window.viewer.look.opacity == 0.8 and window.viewer.look.gain == 12.5
    assert settings["viewer/linked"] is False and preferences.isVisible()
    typed(qtbot, preferences, "files/recent_limit", "7")
    preferences.close()
    assert settings["files/recent_limit"] == 7, "what was typed last counts without Enter"


def test_defaults_come_back_only_when_asked(
    window: MainWindow, preferences: Preferences, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = window.session.settings
    settings["viewer/opacity"] = 0.3
    box = preferences.findChild(QDialogButtonBox)
    assert box is not None
    button = box.button(QDialogButtonBox.StandardButton.RestoreDefaults)
    for answer, opacity in ((QMessageBox.StandardButton.No, 0.3), (QMessageBox.StandardButton.Yes, 0.6)):
        monkeypatch.setattr(QMessageBox, "question", lambda *_, answer=answer: answer)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert settings["viewer/opacity"] == opacity
    preferences.close()


def luminance(colour: QColor) -> float:
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_can_be_ticked_or_typed_in_has_an_outline_that_is_seen(
    mode: str, qtbot: QtBot, window: MainWindow
) -> None:
    """WCAG 2.1, 1.4.11: at least 3 to 1 against what is around it."""
    window.session.settings["appearance/theme"] = mode
    kinds = (QCheckBox, QRadioButton, QSpinBox, QDoubleSpinBox, QLineEdit, QComboBox)
    sheet = QWidget()
    qtbot.addWidget(sheet)
    layout = QVBoxLayout(sheet)
    parts = [kind() for kind in kinds]
    for part in parts:
        layout.addWidget(part)
    with qtbot.waitExposed(sheet):
        sheet.show()
    QApplication.processEvents()
    picture = sheet.grab().toImage()
    around = picture.pixelColor(1, 1)
    assert around == QColor(theme.tones().window) and theme.is_dark() is (mode == "dark")
    for part in parts:
        left = part.mapTo(sheet, QPoint(0, part.height() // 2))
        edge = [picture.pixelColor(left.x() + step, left.y()) for step in range(-2, 6)]
        assert max(contrast(colour, around) for colour in edge) >= 3, type(part).__name__
