"""Third page: the attacks, their grids, and how many examples of each cell."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDoubleSpinBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
)

from app.wizard.choices import AttackChoice, Choices, small_eps, table1
from app.wizard.page import TABLE_HEIGHT, Page

_COLUMNS = 5


class AttacksPage(Page):
    """A table of attacks: used or not, first value, last value, number of values."""

    def __init__(self, choices: Choices) -> None:
        super().__init__(
            choices,
            self.tr("Attacks"),
            self.tr(
                "Every victim is attacked by every attack at every value of its grid, and each such cell gets the "
                "same number of examples. Only images that fool their victim as 8-bit files are kept."
            ),
        )
        self._attacks: list[AttackChoice] = []
        self.table = QTableWidget(0, _COLUMNS)
        self.table.setAccessibleName(self.tr("Attacks"))
        self.table.setHorizontalHeaderLabels(
            [self.tr("Attack"), self.tr("Hyperparameter"), self.tr("First"), self.tr("Last"), self.tr("Values")]
        )
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(TABLE_HEIGHT)
        self.table.setTabKeyNavigation(False)  # Tab leads on to the buttons
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.body.addWidget(self.table, 1)
        self.paper, self.small = QPushButton(self.tr("Table 1's grids")), QPushButton(self.tr("Small ε, 1–16/255"))
        row = QHBoxLayout()
        for button in (self.paper, self.small):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)
        self.cell = QSpinBox(minimum=2, maximum=5000, value=choices.cell)
        self.form().addRow(self.tr("Training examples of each cell"), self.cell)
        self.foot.addWidget(self.remark)
        self.paper.clicked.connect(lambda: self._take_grids(table1()))
        self.small.clicked.connect(lambda: self._take_grids([a for a in small_eps() if not a.kappa]))
        self.cell.valueChanged.connect(self._changed)
        self.table.itemChanged.connect(self._changed)
        self.show_attacks(choices.attacks)

    def show_attacks(self, attacks: list[AttackChoice]) -> None:
        blocker = QSignalBlocker(self.table)
        self.table.setRowCount(0)
        self._attacks = attacks
        for row, attack in enumerate(attacks):
            self.table.insertRow(row)
            name = QTableWidgetItem(attack.name)
            name.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
            name.setCheckState(Qt.CheckState.Checked if attack.on else Qt.CheckState.Unchecked)
            self.table.setItem(row, 0, name)
            unit = QTableWidgetItem(self.tr("κ, in logits") if attack.kappa else self.tr("ε, in 1/255"))
            unit.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.table.setItem(row, 1, unit)
            largest = 500 if attack.kappa else 255
            low = QDoubleSpinBox(minimum=0 if attack.kappa else 1, maximum=largest, decimals=0, value=attack.first)
            high = QDoubleSpinBox(minimum=0 if attack.kappa else 1, maximum=largest, decimals=0, value=attack.last)
            count = QSpinBox(minimum=1, maximum=255, value=attack.count)
            high.setEnabled(attack.count > 1)  # a grid of one value has no other end
            count.valueChanged.connect(lambda values, last=high: last.setEnabled(values > 1))
            cells: tuple[QDoubleSpinBox | QSpinBox, ...] = (low, high, count)
            for column, widget in enumerate(cells, start=2):
                heading = self.table.horizontalHeaderItem(column)
                widget.setAccessibleName(f"{attack.name}: {heading.text() if heading else ''}")
                widget.valueChanged.connect(self._changed)
                self.table.setCellWidget(row, column, widget)
            self.area.guard(*cells)
            self.table.setRowHeight(row, low.sizeHint().height() + 6)
        del blocker
        self._changed()

    def _take_grids(self, grids: list[AttackChoice]) -> None:
        """Of the attacks of these names; which ones are chosen stays."""
        new = {grid.name: grid for grid in grids}
        self.show_attacks(
            [
                replace(old, first=new[old.name].first, last=new[old.name].last, count=new[old.name].count)
                if old.name in new
                else old
                for old in self.attacks()
            ]
        )

    def attacks(self) -> list[AttackChoice]:
        """The table's rows."""
        found = []
        for row, attack in enumerate(self._attacks):
            item = self.table.item(row, 0)
            first, last, count = (self._number(row, column) for column in (2, 3, 4))
            on = item is not None and item.checkState() == Qt.CheckState.Checked
            end = last if count > 1 else first
            found.append(AttackChoice(attack.name, attack.kappa, on, first, end, int(count), attack.parameters))
        return found

    def _number(self, row: int, column: int) -> float:
        widget = self.table.cellWidget(row, column)
        assert isinstance(widget, (QSpinBox, QDoubleSpinBox))
        return float(widget.value())

    def _complaint(self) -> str:
        chosen = [attack for attack in self.attacks() if attack.on]
        if not chosen:
            return self.tr("At least one attack is needed.")
        if len(chosen) == 1 and not self.choices.clean:
            return self.tr('One attack alone needs the class "clean" to be told from.')
        for attack in chosen:
            if attack.count > 1 and attack.last <= attack.first:
                return self.tr("{attack}: the grid must end above its first value.").format(attack=attack.name)
            if not attack.kappa and attack.count > 1 and (attack.last - attack.first) % (attack.count - 1):
                return self.tr("{attack}: every ε must be a whole number of 1/255.").format(attack=attack.name)
        return ""

    def _changed(self) -> None:
        complaint = self._complaint()
        if complaint:
            self.say(complaint, "bad")
        else:
            self.choices.attacks, self.choices.cell = self.attacks(), self.cell.value()
            self.say(
                self.tr("{n} adversarial examples in all, a third of them to calibrate and to measure with.").format(
                    n=f"{self.choices.examples:,}"
                )
            )
        self.completeChanged.emit()

    def initializePage(self) -> None:  # noqa: N802
        self._changed()

    def cleanupPage(self) -> None:  # noqa: N802
        """Back keeps what was entered."""

    def isComplete(self) -> bool:  # noqa: N802
        return not self._complaint()
