"""The menus whose entries change while the program runs: recent files and devices."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from app.actions import FILE, TOOLS
from core.wording import shown

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Submenus(QObject):
    """Fills "Open recent" and "Device" of one window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.session = window.session
        file, tools = window.menus[FILE], window.menus[TOOLS]
        self.recent = QMenu(self.tr("Open recent"), file)
        file.insertMenu(window.actions_["open_samples"], self.recent)
        self.device = QMenu(self.tr("Device"), tools)
        tools.insertMenu(window.actions_["show_preferences"], self.device)
        self._devices = QActionGroup(self)
        self.session.devices_found.connect(self.fill_devices)
        self.fill_recent()
        self.fill_devices()

    def fill_recent(self) -> None:
        self.recent.clear()
        paths = self.session.settings.recent()
        for path in paths:
            self.recent.addAction(shown(path), partial(self.window.commands.open_anything, [path]))
        if paths:
            self.recent.addSeparator()
            self.recent.addAction(self.tr("Clear list"), lambda: self.session.settings.set_recent([]))
        self.recent.setEnabled(bool(paths))

    def fill_devices(self) -> None:
        """Auto, the CPU and each GPU; the chosen one is ticked."""
        self.device.clear()
        chosen = self.session.setup.device
        known = (("auto", self.tr("Automatic")), ("cpu", "CPU"), *self.session.gpus)
        for device, name in known:
            action = self.device.addAction(name, partial(self._choose, device))
            action.setCheckable(True)
            action.setChecked(device == chosen)
            action.setData(device)
            self._devices.addAction(action)

    def _choose(self, device: str) -> None:
        self.session.set_setup(replace(self.session.setup, device=device))
