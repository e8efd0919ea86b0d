"""Second page: the victims that are attacked, trained here or brought along."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
)

from app.widgets import plain_tip
from app.wizard.choices import ARCHITECTURES, OTHERS, Choices, VictimChoice
from app.wizard.own_victim import OwnVictimDialog
from app.wizard.page import TABLE_HEIGHT, Page
from app.wizard.victim_check import check_folder

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})?")


class VictimsPage(Page):
    """A table of victims: architecture, name, passes; of one's own: file, name, accuracy."""

    def __init__(self, choices: Choices) -> None:
        super().__init__(
            choices,
            self.tr("Victims"),
            self.tr(
                "The pack will tell these models apart by the adversarial images made against them. They are trained "
                "here on the clean images, or brought along as they are in use; two of one architecture need names."
            ),
        )
        self._rows: list[VictimChoice] = []
        self._checks: Path | None = None
        self.table = QTableWidget(0, 3)
        self.table.setAccessibleName(self.tr("Victims"))
        self.table.setHorizontalHeaderLabels(
            [self.tr("Architecture or file"), self.tr("Name"), self.tr("Passes, or accuracy")]
        )
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(TABLE_HEIGHT)
        self.table.setTabKeyNavigation(False)  # Tab leads on to the buttons
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.body.addWidget(self.table, 1)
        self.add, self.remove = QPushButton(self.tr("Add")), QPushButton(self.tr("Remove"))
        self.own, self.edit = QPushButton(self.tr("Bring your own…")), QPushButton(self.tr("Edit…"))
        self.all = QPushButton(self.tr("Table 1's five"))
        row = QHBoxLayout()
        for button in (self.add, self.own, self.edit, self.remove, self.all):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)
        self.foot.addWidget(self.remark)
        self.add.clicked.connect(self._add_next)
        self.own.clicked.connect(lambda: self.ask(None))
        self.edit.clicked.connect(lambda: self.ask(self._selected_own()))
        self.remove.clicked.connect(self._remove)
        self.all.clicked.connect(self._take_table1)
        self.table.itemSelectionChanged.connect(self._selected)
        self.table.cellDoubleClicked.connect(lambda row, _: self.ask(row if self._rows[row].file else None))
        self.show_victims(choices.victims)

    def show_victims(self, victims: list[VictimChoice]) -> None:
        self.table.setRowCount(0)
        self._rows = []
        for victim in victims:
            self._append(victim)
        self._changed()

    def victims(self) -> list[VictimChoice]:
        """The table's rows."""
        return [victim if victim.file else self._entered(row, victim) for row, victim in enumerate(self._rows)]

    def _entered(self, row: int, victim: VictimChoice) -> VictimChoice:
        architecture, name = self._architecture(row).currentText(), self._name(row).text()
        return replace(victim, architecture=architecture, name=name, passes=self._passes(row).value())

    def ask(self, row: int | None) -> None:
        """Show the dialog for the own victim in ``row``, or for a new one."""
        self._checks = self._checks or check_folder()
        self.dialog = OwnVictimDialog(self.choices, self._rows[row] if row is not None else None, self, self._checks)
        self.dialog.accepted.connect(lambda: self._take(row, self.dialog.victim()))
        self.dialog.open()

    def forget_checks(self) -> None:
        """Remove what this window's checks have left."""
        if self._checks is not None:
            shutil.rmtree(self._checks, ignore_errors=True)
            self._checks = None

    def _take(self, row: int | None, victim: VictimChoice) -> None:
        victims = self.victims()
        if row is None:
            victims.append(victim)
        else:
            victims[row] = victim
        self.show_victims(victims)

    def _append(self, victim: VictimChoice) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        self._rows.append(victim)
        widgets = self._own_cells(victim) if victim.file else self._trained_cells(victim)
        for column, widget in enumerate(widgets):
            heading = self.table.horizontalHeaderItem(column)
            widget.setAccessibleName(heading.text() if heading else "")
            self.table.setCellWidget(row, column, widget)
        self.area.guard(*widgets)
        self.table.setRowHeight(row, max(widget.sizeHint().height() for widget in widgets) + 6)

    def _own_cells(self, victim: VictimChoice) -> tuple[QLabel, QLabel, QLabel]:
        told = self.tr("not measured") if victim.accuracy is None else f"{victim.accuracy:.1%}"
        cells = QLabel(Path(victim.file).name), QLabel(victim.label), QLabel(told)
        for cell in cells:
            cell.setTextFormat(Qt.TextFormat.PlainText)
            cell.setContentsMargins(6, 2, 6, 2)
            cell.setToolTip(plain_tip(victim.file))
        return cells

    def _trained_cells(self, victim: VictimChoice) -> tuple[QComboBox, QLineEdit, QDoubleSpinBox]:
        architecture = QComboBox(maxVisibleItems=len(ARCHITECTURES) + len(OTHERS) + 1)
        architecture.addItems(ARCHITECTURES)
        architecture.insertSeparator(len(ARCHITECTURES))
        architecture.addItems(list(OTHERS))
        if architecture.findText(victim.architecture) < 0:  # a scenario may name any of torchvision's
            architecture.addItem(victim.architecture)
        architecture.setCurrentText(victim.architecture)
        architecture.setToolTip(self.tr("The paper's five, then others of torchvision's, the small ones first."))
        name = QLineEdit(victim.name)
        name.setPlaceholderText(self.tr("as the architecture"))
        passes = QDoubleSpinBox(minimum=0.1, maximum=500, decimals=1, value=victim.passes)
        architecture.currentTextChanged.connect(self._changed)
        name.textChanged.connect(self._changed)
        return architecture, name, passes

    def _add_next(self) -> None:
        used = {victim.architecture for victim in self.victims()}
        others = [name for name, least in OTHERS.items() if least <= self.choices.side]
        free = [name for name in (*ARCHITECTURES, *others) if name not in used] or [ARCHITECTURES[0]]
        self._append(VictimChoice(free[0], "" if free[0] not in used else f"{free[0]}-{self.table.rowCount() + 1}"))
        self.table.selectRow(self.table.rowCount() - 1)
        self._changed()

    def _take_table1(self) -> None:
        """In place of those to train; own ones, which may have taken minutes to check, stay."""
        own = [victim for victim in self.victims() if victim.file]
        self.show_victims([*(VictimChoice(name) for name in ARCHITECTURES), *own])

    def _remove(self) -> None:
        rows = {index.row() for index in self.table.selectionModel().selectedRows()}
        for row in sorted(rows, reverse=True):
            self.table.removeRow(row)
            del self._rows[row]
        self._changed()

    def _selected_own(self) -> int | None:
        rows = [index.row() for index in self.table.selectionModel().selectedRows()]
        return rows[0] if len(rows) == 1 and self._rows[rows[0]].file else None

    def _selected(self) -> None:
        self.edit.setEnabled(self._selected_own() is not None)
        self.remove.setEnabled(self.table.selectionModel().hasSelection())

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
            return self.tr("{name}: names have letters, digits, dots and dashes, at most 64.").format(name=wrong[0])
        if len(set(labels)) != len(labels):
            return self.tr("Two victims have the same name.")
        if "clean" in labels:
            return self.tr('"clean" is the name of images that nobody attacked.')
        return self._misfit(victims)

    def _misfit(self, victims: list[VictimChoice]) -> str:
        """Victims that do not go with the images of the page before."""
        if not self.choices.labelled and any(not victim.file for victim in victims):
            return self.tr("The images have no classes to train a victim with: remove those that are not your own.")
        trained = [victim.architecture for victim in victims if not victim.file]
        if large := [name for name in trained if OTHERS.get(name, 0) > self.choices.side]:
            text = self.tr("{name} cannot be trained on images of {side} pixels: it takes {least} or more.")
            return text.format(name=large[0], side=self.choices.side, least=OTHERS[large[0]])
        known = self.choices.grown.victims if self.choices.grown is not None else []  # the pack was made with them
        own = [victim for victim in victims if victim.file and victim.label not in known]
        if stale := [v.label for v in own if v.checked != self.choices.key_of(v)]:
            return self.tr("{name} was not checked on these images yet: edit it.").format(name=stale[0])
        return ""

    def _changed(self) -> None:
        complaint = self._complaint()
        alone = self.tr('With a single victim the pack has nobody to tell apart; the class "clean" is then needed.')
        self.say(complaint or (alone if self.table.rowCount() == 1 else ""), "bad" if complaint else "muted")
        self._selected()
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
