"""A short trial on this device: what the run will take of time and disk, asked for before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.durations import duration, span
from app.error_words import in_words
from app.widgets import Toned, button, named
from app.wizard.child import SCENARIO, Child
from app.wizard.choices import Choices
from app.wizard.course import TRIAL
from core.errors import WorkbenchError, size_text
from training.api import write_scenario


class Trial(QWidget):
    """A button that starts the trial and stops it, and a table of what it found."""

    told = Signal()
    """There is an estimate, or it went away."""

    def __init__(self, choices: Choices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choices = choices
        self.child: Child | None = None
        self.button = button("", self._clicked)
        self.words = named(Toned(), self.tr("Estimate"))
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.words, 1)
        self.table = QTableWidget(0, 4)
        self.table.setAccessibleName(self.tr("Estimate by stage"))
        self.table.setHorizontalHeaderLabels(
            [self.tr("Stage"), self.tr("Images"), self.tr("Time"), self.tr("Disk")]
        )  # fmt: skip
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addLayout(row)
        body.addWidget(self.table, 1)
        self.clear()

    @property
    def running(self) -> bool:
        return self.child is not None

    def clear(self) -> None:
        """Stop a trial, and forget what one found: the choices are others now."""
        if self.child is not None:
            self.child.kill()  # there is nothing to lose
            self.child.deleteLater()
            self.child = None
        self.table.setRowCount(0)
        self.table.hide()
        self.button.setText(self.tr("Estimate time and disk"))
        self.words.say(self.tr("Tries a few batches of everything on this device."))

    def _clicked(self) -> None:
        if self.running:
            self.clear()
            return
        self.clear()
        try:
            folder = self.choices.out / TRIAL
            write_scenario(folder / SCENARIO, self.choices.document())
            self.child = Child(folder, self, works_in=self.choices.out)
            self.child.told.connect(self._told)
            self.child.ended.connect(self._ended)
            self.child.start(self.choices.data, self.choices.download, self.choices.device, ("estimate",))
        except (WorkbenchError, OSError) as error:
            self.clear()
            self.words.say(in_words(str(error)), "bad")
            return
        self.button.setText(self.tr("Cancel the trial"))
        self.words.say(self.tr("Starting…"))

    def _told(self, kind: str, v: Mapping[str, Any]) -> None:
        match kind:
            case "progress":
                self.words.say(self.tr("Trying: {done} of {total}").format(done=v["done"], total=v["total"]))
            case "error":
                self.words.say(f"{v['what']} {v['remedy']}", "bad")
            case "estimate":
                self.show_estimate(v)

    def show_estimate(self, v: Mapping[str, Any]) -> None:
        """Show an "estimate" event (training.api.Event)."""
        kinds = {"victim": self.tr("Victim {name}"), "attack": self.tr("Examples of {name}"),
                 "network": self.tr("Network"), "results": self.tr("Results"),
                 "asking": self.tr("Asking the victims"),
                 "weighing": self.tr("Learning from their answers")}  # fmt: skip
        self.table.setRowCount(len(v["stages"]))
        for row, stage in enumerate(v["stages"]):
            disk = size_text(stage["bytes"]) if stage["bytes"] else ""
            cells = (kinds[stage["kind"]].format(name=stage["name"]), f"{stage['number']:,}",
                     span(stage["seconds"], stage["most"]), disk)  # fmt: skip
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        self.table.show()
        time, needed = span(v["seconds"], v["most"]), size_text(v["bytes"])
        free = self.tr("an unknown amount") if v["free"] is None else size_text(v["free"])
        if v["free"] is not None and v["bytes"] > v["free"]:
            text = self.tr("Too little disk: the run takes {needed}, and {free} are free. About {span}.")
            self.words.say(text.format(needed=needed, free=free, span=time), "bad")
        else:
            text = self.tr("About {span}; {needed} of the disk, where {free} are free.")
            if time != duration(v["seconds"]):
                text += " " + self.tr("The longer time holds where images resist an attack.")
            self.words.say(text.format(span=time, needed=needed, free=free), "good")
        self.told.emit()

    def _ended(self, _: bool) -> None:
        child, self.child = self.child, None
        self.button.setText(self.tr("Estimate time and disk"))
        if child is not None:
            if reason := child.failure():
                self.words.say(in_words(reason), "bad")
            child.leave()
            child.deleteLater()
