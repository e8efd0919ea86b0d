"""Second page: the victims that are trained here and then attacked."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
)

from app.wizard.choices import ARCHITECTURES, Choices, VictimChoice
from app.wizard.page import Page

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)?")


class VictimsPage(Page):
    """A table of victims: architecture, name, passes."""

    def __init__(self, choices: Choices) -> None:
        super().__init__(
            choices,
            self.tr("Victims"),
            self.tr(
                "The pack will tell these models apart by the adversarial images made against them. Each is trained "
                "here on the clean images; two of one architecture need names."
            ),
        )
        self.table = QTableWidget(0, 3)
        self.table.setAccessibleName(self.tr("Victims"))
        self.table.setHorizontalHeaderLabels([self.tr("Architecture"), self.tr("Name"), self.tr("Passes")])
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.body.addWidget(self.table, 1)
        self.add, self.remove = QPushButton(self.tr("Add")), QPushButton(self.tr("Remove"))
        self.all = QPushButton(self.tr("Table 1's five"))
        row = QHBoxLayout()
        for button in (self.add, self.remove, self.all):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(self.remark)
        self.add.clicked.connect(self._add_next)
        self.remove.clicked.connect(self._remove)
        self.all.clicked.connect(lambda: self.show_victims([VictimChoice(name) for name in ARCHITECTURES]))
        self.show_victims(choices.victims)

    def show_victims(self, victims: list[VictimChoice]) -> None:
        self.table.setRowCount(0)
        for victim in victims:
            self._append(victim)
        self._changed()

    def victims(self) -> list[VictimChoice]:
        """The table's rows."""
        return [
            VictimChoice(self._architecture(row).currentText(), self._name(row).text(), self._passes(row).value())
            for row in range(self.table.rowCount())
        ]

    def _append(self, victim: VictimChoice) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        architecture = QComboBox()
        architecture.addItems(ARCHITECTURES)
        architecture.setCurrentText(victim.architecture)
        name = QLineEdit(victim.name)
        name.setPlaceholderText(self.tr("as the architecture"))
        passes = QDoubleSpinBox(minimum=0.1, maximum=500, decimals=1, value=victim.passes)
        for column, widget in enumerate((architecture, name, passes)):
            heading = self.table.horizontalHeaderItem(column)
            widget.setAccessibleName(heading.text() if heading else "")
            self.table.setCellWidget(row, column, widget)
        architecture.currentTextChanged.connect(self._changed)
        name.textChanged.connect(self._changed)
        self.table.setRowHeight(row, max(widget.sizeHint().height() for widget in (architecture, name, passes)) + 6)

    def _add_next(self) -> None:
        used = {victim.architecture for victim in self.victims()}
        free = [name for name in ARCHITECTURES if name not in used] or [ARCHITECTURES[0]]
        self._append(VictimChoice(free[0], "" if free[0] not in used else f"{free[0]}-{self.table.rowCount() + 1}"))
        self.table.selectRow(self.table.rowCount() - 1)
        self._changed()

    def _remove(self) -> None:
        rows = {index.row() for index in self.table.selectionModel().selectedRows()} or {self.table.rowCount() - 1}
        for row in sorted(rows, reverse=True):
            self.table.removeRow(row)
        self._changed()

    def _architecture(self, row: int) -> QComboBox:
        widget = self.table.cellWidget(row, 0)
        assert isinstance(widget, QComboBox)
        return widget

    def _name(self, row: int) -> QLineEdit:
        widget = self.table.cellWidget(row, 1)
        assert isinstance(widget, QLineEdit)
        return widget

    def _passes(self, row: int) -> QDoubleSpinBox:
        widget = self.table.cellWidget(row, 2)
        assert isinstance(widget, QDoubleSpinBox)
        return widget

    def _complaint(self) -> str:
        victims = self.victims()
        labels = [victim.label.lower() for victim in victims]
        if not victims:
            return self.tr("At least one victim is needed.")
        if wrong := [victim.name for victim in victims if not _NAME.fullmatch(victim.name)]:
            return self.tr("{name}: names have letters, digits, dots and dashes.").format(name=wrong[0])
        if len(set(labels)) != len(labels):
            return self.tr("Two victims have the same name.")
        if "clean" in labels:
            return self.tr('"clean" is the name of images that nobody attacked.')
        return ""

    def _changed(self) -> None:
        complaint = self._complaint()
        alone = self.tr('With a single victim the pack has nobody to tell apart; the class "clean" is then needed.')
        self.say(complaint or (alone if self.table.rowCount() == 1 else ""), "bad" if complaint else "muted")
        self.remove.setEnabled(self.table.rowCount() > 0)
        self.completeChanged.emit()

    def isComplete(self) -> bool:  # noqa: N802
        return not self._complaint() and (self.table.rowCount() > 1 or self.choices.clean > 0)

    def initializePage(self) -> None:  # noqa: N802
        self._changed()
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def cleanupPage(self) -> None:  # noqa: N802
        """Back keeps what was entered."""

    def validatePage(self) -> bool:  # noqa: N802
        self.choices.victims = self.victims()
        return True
