"""A victim of one's own: its file, how it takes its images, and a check that it does its work on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.question import asked
from app.screen import fit
from app.scrolling import Scrolled
from app.victims_view import KINDS
from app.widgets import Toned
from app.wizard.choices import OTHERS, Choices, VictimChoice, expanded
from app.wizard.victim_check import CheckPanel, joined
from training.api import classes_in, name_from, numbers_in

COMMON = ("resnet18", "resnet50", "vgg16", "vgg16_bn", "vgg19", "inception_v3", *OTHERS, "vit_b_16")
"""A few of torchvision's names; any other may be typed."""

_IMAGENET = ("0.485, 0.456, 0.406", "0.229, 0.224, 0.225")


class OwnVictimDialog(QDialog):
    """Asks for one own victim. It can be accepted once a check in a child process has found that it works."""

    def __init__(
        self, choices: Choices, victim: VictimChoice | None, parent: QWidget | None, folder: Path
    ) -> None:  # fmt: skip
        """folder: where checks write."""
        super().__init__(parent)
        self.setWindowTitle(self.tr("A victim of your own"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.choices = choices
        self._known = victim.checked if victim is not None else ""
        content, body = QWidget(), QVBoxLayout(self)
        fields = QVBoxLayout(content)
        fields.setContentsMargins(0, 0, 8, 0)
        fields.addWidget(Toned(self.tr(
            "A state dict of one of torchvision's networks, TorchScript, torch.export (.pt2), ONNX, or a victim that "
            "was trained here. Files that would run code of their own are refused. What you leave open is read from "
            "the file, and a check on the clean images says what may be wrong."
        )))  # fmt: skip
        self.form = QFormLayout()
        self.form.setVerticalSpacing(8)
        fields.addLayout(self.form)
        fields.addStretch(1)
        body.addWidget(Scrolled(content), 1)
        self._add_fields(victim or VictimChoice("", file=""))
        self.panel = CheckPanel(choices, victim, folder)
        body.addWidget(self.panel)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        body.addWidget(buttons)
        self.panel.asked.connect(self._check)
        self.panel.advised.connect(self._take_advice)
        self.panel.over.connect(self._changed)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.finished.connect(self.panel.stop)
        fit(self, 640, 600)
        self._changed()

    def reject(self) -> None:
        """Closed by Escape, Cancel or the window's own button: a check may have taken minutes."""
        if self.ok.isEnabled() and self.panel.checked != self._known:
            text = self.tr("This victim was checked and does its work, and is not taken yet.")
            if not asked(self, text, self.tr("Leave it out")):
                return
        super().reject()

    def _add_fields(self, victim: VictimChoice) -> None:
        entries = victim.entries
        self.file = QLineEdit(victim.file)
        self.browse = QPushButton(self.tr("Choose…"))
        self._row(self.tr("File"), self.file, self.browse)
        self.architecture = QComboBox(editable=True)
        self.architecture.addItems(["", *COMMON])
        self.architecture.setCurrentText(victim.architecture)
        self._row(self.tr("torchvision's name"), self.architecture)
        self.architecture.setToolTip(self.tr("Only for a state dict. Programs and victims trained here need none."))
        self.name = QLineEdit(victim.name)
        self._row(self.tr("Name"), self.name)
        self.side = QSpinBox(minimum=0, maximum=1024, value=entries.get("size", 0), suffix=" px")
        self.side.setSpecialValueText(self.tr("as the images"))
        self._row(self.tr("Input size"), self.side)
        self.scaling = QComboBox()
        for text, key in (("0–1", "0-1"), ("0–255", "0-255")):
            self.scaling.addItem(text, key)
        self.scaling.setCurrentIndex(self.scaling.findData(entries.get("scaling", "0-1")))
        self.bgr = QCheckBox(self.tr("BGR channels"))
        self.bgr.setChecked(entries.get("bgr", False))
        self._row(self.tr("Scaling of the values"), self.scaling, self.bgr)
        self.mean, self.std = (QLineEdit(joined(entries.get(key, []))) for key in ("mean", "std"))
        for field in (self.mean, self.std):
            field.setPlaceholderText(self.tr("none"))
        self.imagenet = QPushButton(self.tr("ImageNet's"))
        self._row(self.tr("Mean"), self.mean, self.imagenet)
        self._row(self.tr("Standard deviation"), self.std)
        self.classes = QLineEdit(joined(entries.get("classes", [])))
        self.classes.setPlaceholderText(self.tr("the images' own, in their order"))
        self.classes.setToolTip(self.tr(
            "The victim's number (from 0) of each class of the images, or the names of all of its classes in order."
        ))  # fmt: skip
        self.names = QPushButton(self.tr("Names from a file…"))
        self._row(self.tr("Classes"), self.classes, self.names)
        self.browse.clicked.connect(self._browse)
        self.names.clicked.connect(self._browse_names)
        self.imagenet.clicked.connect(self._use_imagenet)
        for line in (self.file, self.name, self.mean, self.std, self.classes):
            line.textChanged.connect(self._changed)
        self.architecture.currentTextChanged.connect(self._changed)
        self.scaling.currentIndexChanged.connect(self._changed)
        self.side.valueChanged.connect(self._changed)
        self.bgr.toggled.connect(self._changed)

    def row(self, text: str, widget: QWidget, *beside: QWidget) -> QHBoxLayout:
        """One line of the form, not added yet."""
        widget.setAccessibleName(text)
        row = QHBoxLayout()
        row.addWidget(widget, 1)
        for other in beside:
            row.addWidget(other)
            if isinstance(other, QPushButton):
                other.setAutoDefault(False)
        return row

    def _row(self, text: str, widget: QWidget, *beside: QWidget) -> None:
        self.form.addRow(text, self.row(text, widget, *beside))

    # What was entered.

    def victim(self) -> VictimChoice:
        """Raises ValueError where a mean or a standard deviation is not numbers."""
        entries: dict[str, Any] = {}
        if self.side.value():
            entries["size"] = self.side.value()
        if self.scaling.currentData() != "0-1":
            entries["scaling"] = self.scaling.currentData()
        entries |= {
            key: numbers_in(line.text()) for key, line in (("mean", self.mean), ("std", self.std)) if line.text()
        }
        if self.bgr.isChecked():
            entries["bgr"] = True
        if self.classes.text().strip():
            entries["classes"] = classes_in(self.classes.text())
        file, name = self._file(), self.name.text().strip()
        return VictimChoice(
            self.architecture.currentText().strip(), name or name_from(Path(file)), file=file, entries=entries,
            accuracy=self.panel.accuracy, checked=self.panel.checked,
        )  # fmt: skip

    def _file(self) -> str:
        """Its full path where it was typed from here or from the home folder: the run works in another folder."""
        typed = self.file.text().strip()
        path = expanded(typed)
        there = os.path.isfile(path)  # noqa: PTH113 (is_file() raises where it may not look)
        return path if typed and there else typed

    def _browse(self) -> None:
        kinds = self.tr("Victims ({pattern});;All files (*)").format(pattern=" ".join(f"*{kind}" for kind in KINDS))
        path, _ = QFileDialog.getOpenFileName(self, self.tr("The victim's file"), self.file.text(), kinds)
        if path:
            self.file.setText(path)

    def _browse_names(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.tr("One class name on each line, in the victim's order"))
        if not path:
            return
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            self.panel.say(self.tr("{path} cannot be read: {reason}").format(path=path, reason=error), "bad")
            return
        self.classes.setText(", ".join(line.replace(",", " ").strip() for line in lines if line.strip()))

    def _use_imagenet(self) -> None:
        self.scaling.setCurrentIndex(self.scaling.findData("0-1"))
        self.mean.setText(_IMAGENET[0])
        self.std.setText(_IMAGENET[1])

    def _changed(self) -> None:
        """Another entry asks for another check."""
        try:
            self.ok.setEnabled(self.panel.passed(self.victim()))
        except ValueError:
            self.ok.setEnabled(False)
        self.panel.check.setEnabled(self.can_check())

    def can_check(self) -> bool:
        """Whether enough was entered for a check."""
        return bool(self.file.text().strip())

    def _take_advice(self, changes: Mapping[str, Any]) -> None:
        """Enter what the check found to be better; it is checked again, on all test images."""
        if "bgr" in changes:
            self.bgr.setChecked(changes["bgr"])
        if "mean" in changes:
            self.scaling.setCurrentIndex(self.scaling.findData(changes["scaling"]))
            self.mean.setText(joined(changes["mean"]))
            self.std.setText(joined(changes["std"]))
        if "classes" in changes:
            self.classes.setText(joined(changes["classes"]))
        self._check()

    def _check(self) -> None:
        try:
            self.panel.begin(self.victim())
        except ValueError as error:
            self.panel.say(self.tr("Mean and standard deviation are numbers: {reason}").format(reason=error), "bad")
