"""Windows on a small screen: nothing opens beyond it, and every button can be reached."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QDialog, QWidget, QWizard
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.window import Program
from app.wizard.own_victim import OwnVictimDialog
from app.wizard.page import Page
from app.wizard.wizard import MODEL, TrainingWizard
from tests.app.helpers import dialog

SCREEN = QSize(900, 600)


@pytest.fixture(autouse=True)
def small_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.screen.available", lambda _: SCREEN)


@pytest.fixture
def wizard(window: MainWindow) -> TrainingWizard:
    window.actions_["train"].trigger()
    return window.commands.training_wizard()


def on_screen(window: QWidget) -> bool:
    """With room for a frame, as it is and as small as it can be made."""
    return all(
        size.width() < SCREEN.width() and size.height() < SCREEN.height() - 20
        for size in (window.size(), window.minimumSize(), window.minimumSizeHint())
    )


def in_sight(page: Page, field: QWidget) -> bool:
    """Whether all of a field is where its page can be seen."""
    top = field.mapTo(page.area.viewport(), QPoint(0, 0)).y()
    return top >= 0 and top + field.height() <= page.area.viewport().height()


def test_the_window_opens_with_its_status_bar_on_the_screen(program: Program) -> None:
    window = MainWindow(program.session)
    assert on_screen(window)
    window.deleteLater()


@pytest.mark.parametrize("name", ["packs", "victims", "preferences", "help", "log", "about"])
def test_dialogs_fit(window: MainWindow, name: str) -> None:
    window.actions_[f"show_{name}"].trigger()
    opened = dialog(QDialog)
    assert on_screen(opened)
    opened.close()


def test_every_page_of_the_wizard_leaves_its_buttons_in_sight(wizard: TrainingWizard, qtbot: QtBot) -> None:
    for number in range(MODEL + 1):
        assert wizard.currentId() == number and on_screen(wizard)
        for kind in (QWizard.WizardButton.NextButton, QWizard.WizardButton.CommitButton,
                     QWizard.WizardButton.CancelButton):  # fmt: skip
            button = wizard.button(kind)
            if button.isVisible():
                assert wizard.rect().contains(button.mapTo(wizard, button.rect().bottomRight()))
        if number < MODEL:
            wizard.next()
    page = wizard.model
    bar = page.area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    assert not in_sight(page, page.trial.button)
    wizard.activateWindow()
    page.folder.setFocus()
    for _ in range(2):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is page.trial.button and in_sight(page, page.trial.button)
    stages = [{"kind": "network", "name": "", "number": 9, "seconds": 1.0, "most": 1.0, "bytes": 0}] * 9
    bar.setValue(0)
    page.trial.show_estimate({"stages": stages, "seconds": 9.0, "most": 9.0, "bytes": 0, "free": None})
    qtbot.waitUntil(lambda: in_sight(page, page.trial.table))


def test_the_wheel_turns_the_page_and_not_what_it_passes(wizard: TrainingWizard, qtbot: QtBot) -> None:
    for _ in range(MODEL):
        wizard.next()
    page = wizard.model
    bar = page.area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    page.name.setFocus()
    bar.setValue(0)
    before = page.network.currentIndex(), page.epochs.value()
    for field in (page.network, page.epochs):
        assert not turn(field), "which hands it on to the page"
    assert (page.network.currentIndex(), page.epochs.value()) == before and bar.value() == 0
    assert turn(page.area.viewport()) and bar.value() > 0
    wizard.activateWindow()
    page.epochs.setFocus()
    assert turn(page.epochs) and page.epochs.value() == before[1] - 1


def turn(field: QWidget) -> bool:
    """One notch of the wheel towards the user, over a field; whether that took it."""
    at = QPointF(field.rect().center())
    notch = QPoint(0, -120)
    event = QWheelEvent(
        at, field.mapToGlobal(at), notch, notch, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(field, event)
    return event.isAccepted()


def test_an_own_victims_dialog_scrolls(wizard: TrainingWizard) -> None:
    wizard.next()
    wizard.victims.own.click()
    found = wizard.victims.dialog
    assert isinstance(found, OwnVictimDialog) and on_screen(found)
    found.reject()
