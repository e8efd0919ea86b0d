"""First page: which clean images, or a training to come back to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
)

from app.wizard.choices import Choices
from app.wizard.page import Page, muted

_MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def missing_mnist(folder: str) -> list[str]:
    """Those of MNIST's four files that are not in ``folder`` or below it, packed or not."""
    if not folder or not Path(folder).is_dir():
        return list(_MNIST)
    return [name for name in _MNIST if not any(next(Path(folder).rglob(n), None) for n in (name, f"{name}.gz"))]


class ImagesPage(Page):
    """Sources of clean images; Next opens once what is chosen is there."""

    come_back = Signal(str)
    """The folder of a training that shall be gone on with."""

    def __init__(self, choices: Choices, last_run: str = "") -> None:
        super().__init__(
            choices,
            self.tr("Clean images"),
            self.tr(
                "Attacks start from clean images, and the victims learn from them. The same images never serve both "
                "training and measuring."
            ),
        )
        self.digits = QRadioButton(self.tr("scikit-learn's digits"))
        self.mnist = QRadioButton(self.tr("MNIST"))
        group = QButtonGroup(self)
        for button, about in (
            (self.digits, self.tr("1,797 grey images of 8×8 pixels, 10 classes. No download: good for a try.")),
            (self.mnist, self.tr("70,000 grey images of 28×28 pixels, 10 classes, from their four files.")),
        ):  # fmt: skip
            group.addButton(button)
            self.body.addWidget(button)
            note = muted(about)
            note.setContentsMargins(24, 0, 0, 4)
            self.body.addWidget(note)
        self.folder = QLineEdit(choices.data)
        self.folder.setPlaceholderText(self.tr("Folder with MNIST's files"))
        self.folder.setAccessibleName(self.tr("Folder with MNIST's files"))
        self.browse = QPushButton(self.tr("Choose…"))
        self.browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.setContentsMargins(24, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        self.body.addLayout(row)
        self.download = QCheckBox(self.tr("Download MNIST into this folder"))
        self.download.setContentsMargins(24, 0, 0, 0)
        self.download.setChecked(choices.download)
        self.body.addWidget(self.download)
        self.clean = QSpinBox(minimum=0, maximum=20000, singleStep=100, value=choices.clean)
        form = self.form()
        form.addRow(self.tr('Examples of the class "clean"'), self.clean)
        form.addRow("", muted(self.tr("0 leaves the class out: every image then counts as attacked.")))
        self.body.addWidget(self.remark)
        self.body.addStretch(1)
        self._offer(last_run)
        (self.mnist if choices.source == "mnist" else self.digits).setChecked(True)
        self.digits.toggled.connect(self._changed)
        self.download.toggled.connect(self._changed)
        self.folder.textChanged.connect(self._changed)
        self._changed()

    def _offer(self, last_run: str) -> None:
        """A button back to a training that this program knows of."""
        self.back = QPushButton(self.tr("Come back to it"))
        self.back.setVisible(bool(last_run))
        if not last_run:
            return
        row = QHBoxLayout()
        row.addWidget(QLabel(self.tr("There is a training in {folder}.").format(folder=last_run)), 1)
        row.addWidget(self.back)
        self.body.addLayout(row)
        self.back.clicked.connect(lambda: self.come_back.emit(last_run))

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder with MNIST's files"), self.folder.text())
        if path:
            self.folder.setText(path)

    def _changed(self) -> None:
        mnist = self.mnist.isChecked()
        for widget in (self.folder, self.browse, self.download):
            widget.setEnabled(mnist)
        missing = missing_mnist(self.folder.text()) if mnist else []
        if mnist and not self.folder.text():
            self.say(self.tr("Choose the folder."))
        elif missing and not self.download.isChecked():
            self.say(self.tr("Not in this folder: {files}.").format(files=", ".join(missing)), "bad")
        else:
            self.say("")
        self.completeChanged.emit()

    def isComplete(self) -> bool:  # noqa: N802
        if not self.mnist.isChecked():
            return True
        folder = self.folder.text()
        return bool(folder) and (self.download.isChecked() or not missing_mnist(folder))

    def validatePage(self) -> bool:  # noqa: N802
        c = self.choices
        c.source = "mnist" if self.mnist.isChecked() else "digits"
        c.data = self.folder.text() if self.mnist.isChecked() else ""
        c.download = self.mnist.isChecked() and self.download.isChecked()
        c.clean = self.clean.value()
        return True
