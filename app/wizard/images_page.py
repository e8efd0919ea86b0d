"""First page: which clean images, or a training to come back to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QWidget,
)

from app.reader import Reader
from app.widgets import Toned
from app.wizard.choices import Choices, expanded
from app.wizard.page import Page, explain
from app.wizard.survey import Samples, Surveyor

if TYPE_CHECKING:
    from training.api import Survey


class ImagesPage(Page):
    """Sources of clean images; Next opens once what is chosen is there."""

    come_back = Signal(str)
    """The folder of a training that shall be gone on with."""

    def __init__(self, choices: Choices, reader: Reader, last_run: str = "") -> None:
        super().__init__(
            choices,
            self.tr("Clean images"),
            self.tr(
                "Attacks start from clean images, and the victims learn from them. The same images never serve both "
                "training and measuring."
            ),
        )
        self.survey: Survey | None = None
        self._missing: Sequence[str] = ()
        self.surveyor = Surveyor(reader, self)
        self.digits = QRadioButton(self.tr("scikit-learn's digits"))
        self.mnist = QRadioButton(self.tr("MNIST"))
        self.pictures = QRadioButton(self.tr("A folder of images"))
        group = QButtonGroup(self)
        for button, about in (
            (self.digits, self.tr("Small grey images of handwriting. No download: good for a try.")),
            (self.mnist, self.tr("The paper's images of handwriting, from their four files.")),
            (self.pictures, self.tr("Sub-folders are the classes, as in Imagenette; tar files of such folders will do. "
                                    "Without sub-folders a victim's own answers count as right.")),
        ):  # fmt: skip
            group.addButton(button)
            self.body.addWidget(button)
            note = Toned(about)
            note.setContentsMargins(24, 0, 0, 4)
            self.body.addWidget(note)
        self._add_folder()
        self.clean = QSpinBox(minimum=0, maximum=20000, singleStep=100, value=choices.clean)
        form = self.form()
        form.addRow(self.tr('Examples of the class "clean"'), self.clean)
        explain(form, self.tr("0 leaves the class out: every image then counts as attacked."))
        self.body.addStretch(1)
        self.foot.addWidget(self.remark)
        self._offer(last_run)
        {"mnist": self.mnist, "folder": self.pictures}.get(choices.source, self.digits).setChecked(True)
        for button in (self.digits, self.mnist, self.pictures):
            button.toggled.connect(self._changed)
        self.download.toggled.connect(self._tell)
        self.folder.textChanged.connect(self._changed)
        for spin in (self.side, self.per_class):
            spin.valueChanged.connect(self._tell)
        self.channels.currentIndexChanged.connect(self._tell)
        self.surveyor.found.connect(self._found)
        self.surveyor.failed.connect(self._not_found)
        self.surveyor.lacking.connect(self._lacking)
        self._changed()

    def _add_folder(self) -> None:
        """Path, and what becomes of a folder's images."""
        choices = self.choices
        self.folder = QLineEdit(choices.data)
        self.folder.setAccessibleName(self.tr("Folder of the images"))
        self.browse = QPushButton(self.tr("Choose…"))
        self.browse.setAutoDefault(False)
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
        self.side = QSpinBox(minimum=8, maximum=1024, value=choices.size, suffix=" px")
        self.channels = QComboBox()
        self.channels.addItem(self.tr("Colour"), 3)
        self.channels.addItem(self.tr("Grey"), 1)
        self.channels.setCurrentIndex(self.channels.findData(choices.channels))
        self.per_class = QSpinBox(minimum=0, maximum=1_000_000, value=choices.per_class)
        self.per_class.setSpecialValueText(self.tr("all"))
        self.options = QWidget()
        line = QHBoxLayout(self.options)
        line.setContentsMargins(24, 0, 0, 0)
        for text, widget in (
            (self.tr("Size"), self.side), (self.tr("Channels"), self.channels),
            (self.tr("Images of each class"), self.per_class),
        ):  # fmt: skip
            label = QLabel(text)
            label.setBuddy(widget)
            widget.setAccessibleName(text)
            line.addWidget(label)
            line.addWidget(widget)
        line.addStretch(1)
        self.side.setToolTip(self.tr("The largest centred square of each image is scaled to this side."))
        self.body.addWidget(self.options)
        self.samples = Samples()
        self.body.addWidget(self.samples)

    def _offer(self, last_run: str) -> None:
        """A button back to a training that this program knows of."""
        self.back = QPushButton(self.tr("Come back to it"))
        self.back.setVisible(bool(last_run))
        if not last_run:
            return
        row = QHBoxLayout()
        row.addWidget(QLabel(self.tr("There is a training in {folder}.").format(folder=last_run), wordWrap=True), 1)
        row.addWidget(self.back)
        self.body.addLayout(row)
        self.back.clicked.connect(lambda: self.come_back.emit(last_run))

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder of the images"), self.path)
        if path:
            self.folder.setText(path)

    @property
    def path(self) -> str:
        typed = self.folder.text().strip()
        return expanded(typed) if typed else ""

    @property
    def source(self) -> str:
        return "mnist" if self.mnist.isChecked() else "folder" if self.pictures.isChecked() else "digits"

    def _changed(self) -> None:
        """Another source or another path: what was seen of the old one no longer counts."""
        source = self.source
        self.folder.setPlaceholderText(
            self.tr("Folder with MNIST's files") if source == "mnist" else self.tr("Folder of images, or a tar file")
        )
        for widget in (self.folder, self.browse):
            widget.setEnabled(source != "digits")
        self.download.setVisible(source != "folder")
        self.download.setEnabled(source == "mnist")
        self.options.setVisible(source == "folder")
        self.survey, self._reason, self._missing = None, "", ()
        self.samples.show_samples(None)
        self.surveyor.stop()
        if source == "digits" or self.path:
            self.surveyor.ask(source, "" if source == "digits" else self.path)
        self._tell()

    def _found(self, survey: Survey) -> None:
        self.survey = survey
        self.samples.show_samples(survey)
        if self.source == "folder" and self.path != self.choices.data:  # seen for the first time
            self.side.setValue(min(224, max(8, min(survey.size))))
            self.channels.setCurrentIndex(self.channels.findData(1 if survey.grey else 3))
        self._tell()

    def _not_found(self, reason: str) -> None:
        self._reason = reason
        self._tell()

    def _lacking(self, files: Sequence[str]) -> None:
        self._missing = files
        self._tell()

    def _tell(self) -> None:
        folder = self.path
        if self.source != "digits" and not folder:
            self.say(self.tr("Choose the folder."))
        elif self._missing and not self.download.isChecked():
            self.say(self.tr("Not in this folder: {files}.").format(files=", ".join(self._missing)), "bad")
        elif self._reason:
            self.say(self._reason, "bad")
        elif self.survey is not None:
            self.say(self._in_words(self.survey))
        else:
            self.say(self.tr("Looking at the images…") if not self._missing else "")
        self.completeChanged.emit()

    def _in_words(self, survey: Survey) -> str:
        """Counts, sizes, and what taking a folder's in costs."""
        width, height = survey.size
        classes = self.tr("{n} classes").format(n=len(survey.classes)) if survey.classes else self.tr("no classes")
        text = self.tr(
            "{images} images, {held_out} of them held out for testing; {classes}; most are {width}×{height}."
        ).format(
            images=f"{survey.images:,}", held_out=f"{survey.held_out:,}", classes=classes, width=width, height=height
        )
        return text if self.source != "folder" else f"{text} {self._taken_in(survey)}"

    def _taken_in(self, survey: Survey) -> str:
        taken = survey.images
        if self.per_class.value():  # of each class, and of both parts where there are two
            parts = 1 if survey.held_out in (0, survey.images) else 2
            taken = min(taken, self.per_class.value() * parts * max(len(survey.classes), 1))
        size = taken * self.channels.currentData() * self.side.value() ** 2 / 2**20
        text = self.tr("Taken in: {taken} images, {size} MiB on disk.").format(taken=f"{taken:,}", size=f"{size:,.0f}")
        if survey.unreadable:
            text += " " + self.tr("Of {n} looked at, {lost} cannot be read and are left out: {reason}").format(
                n=len(survey.samples) + len(survey.unreadable), lost=len(survey.unreadable),
                reason=survey.unreadable[0])  # fmt: skip
        return text

    def isComplete(self) -> bool:  # noqa: N802
        if self.source == "digits" or self.survey is not None:
            return True
        to_fetch = self.source == "mnist" and self.download.isChecked() and bool(self.path)
        return to_fetch and bool(self._missing)

    def cleanupPage(self) -> None:  # noqa: N802
        """Back keeps what was entered."""

    def validatePage(self) -> bool:  # noqa: N802
        c = self.choices
        c.source = self.source
        c.data = "" if self.source == "digits" else self.path
        c.download = self.mnist.isChecked() and self.download.isChecked()
        c.size, c.channels = self.side.value(), self.channels.currentData()
        c.per_class = self.per_class.value()
        c.labelled = self.survey is None or bool(self.survey.classes)
        c.clean = self.clean.value()
        return True
