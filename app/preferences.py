"""The preferences dialog, made from the settings table. Changes apply at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QSignalBlocker, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.settings import TABLE, Setting, Settings, Value

translate = QCoreApplication.translate


class Preferences(QDialog):
    """One row a setting that has a label, under the headings of their groups."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Preferences"))
        self.settings = settings
        self.editors: dict[str, QWidget] = {}
        self._refresh: dict[str, Callable[[Value], None]] = {}
        form = QFormLayout()
        form.setHorizontalSpacing(24)
        form.setVerticalSpacing(8)
        group = ""
        for setting in TABLE:
            if not setting.label:
                continue
            if setting.group != group:
                form.addRow(self._heading(setting.group, first=not group))
                group = setting.group
            self._add(form, setting)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Close | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        buttons.rejected.connect(self.close)
        buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults).clicked.connect(self._restore)
        for button in buttons.findChildren(QPushButton):
            button.setAutoDefault(False)  # or Enter in a field would press one
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(buttons)
        settings.changed.connect(self._changed)
        self.setMinimumWidth(460)

    def _heading(self, group: str, *, first: bool) -> QLabel:
        label = QLabel(translate("Settings", group))
        font = QFont(label.font())
        label.setFont(theme.scaled(font, 1.0, bold=True))
        label.setContentsMargins(0, 0 if first else 10, 0, 0)
        return label

    def _add(self, form: QFormLayout, setting: Setting) -> None:
        label = translate("Settings", setting.label)
        editor = self._editor(setting, label)
        editor.setAccessibleName(label)
        if setting.help:
            editor.setToolTip(translate("Settings", setting.help))
        self.editors[setting.key] = editor
        if isinstance(editor, QCheckBox):
            form.addRow(editor)
        else:
            form.addRow(label, editor)
        self._changed(setting.key)

    def _editor(self, setting: Setting, label: str) -> QWidget:
        key = setting.key
        if setting.choices:
            box = QComboBox()
            for value, text in setting.choices:
                box.addItem(translate("Settings", text), value)
            box.activated.connect(lambda: self._set(key, box.currentData()))
            self._refresh[key] = lambda value: box.setCurrentIndex(box.findData(value))
            return box
        if isinstance(setting.default, bool):
            check = QCheckBox(label)
            check.toggled.connect(lambda on: self._set(key, on))
            self._refresh[key] = lambda value: check.setChecked(bool(value))
            return check
        if isinstance(setting.default, int):
            spin = QSpinBox(minimum=int(setting.low), maximum=int(setting.high))
            self._keep_whole(spin, key)
            self._refresh[key] = lambda value: spin.setValue(int(value))
            return spin
        share = setting.high <= 1  # in %, as beside the sliders
        times = 100 if share else 1
        number = QDoubleSpinBox(
            minimum=times * setting.low, maximum=times * setting.high, decimals=1, singleStep=5 if share else 1,
            prefix="" if share else "×", suffix="%" if share else "",
        )  # fmt: skip
        self._keep_whole(number, key, times)
        self._refresh[key] = lambda value: number.setValue(times * float(value))
        return number

    def _keep_whole(self, box: QSpinBox | QDoubleSpinBox, key: str, times: int = 1) -> None:
        """Set what the box holds once it is whole: of "80" the "8" alone would be set, and written over the rest."""
        box.setKeyboardTracking(False)
        box.valueChanged.connect(lambda value: self._set(key, value / times if times > 1 else value))

    def _restore(self) -> None:
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        text = self.tr("Set everything in this dialog back to its default?")
        if QMessageBox.question(self, self.tr("Restore defaults"), text, yes | no, no) == yes:
            self.settings.reset()

    def _set(self, key: str, value: Value) -> None:
        self.settings[key] = value

    def _changed(self, key: str) -> None:
        if key in self._refresh:
            blocker = QSignalBlocker(self.editors[key])
            self._refresh[key](self.settings[key])
            del blocker
