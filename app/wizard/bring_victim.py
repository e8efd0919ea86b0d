"""A model of one's own made into a victim that is asked about images, once it was seen to know clean ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QWidget

from app.error_words import in_words
from app.reader import Reader
from app.wizard.choices import Choices, VictimChoice, expanded
from app.wizard.looks import Looks
from app.wizard.own_victim import OwnVictimDialog
from app.wizard.victim_check import check_folder
from core.errors import WorkbenchError
from core.victim_store import keep_victim
from training.api import IMPORT_PER_CLASS, are_mnist

if TYPE_CHECKING:
    from core.manifest import ImageSpec


class BringVictimDialog(OwnVictimDialog):
    """The wizard's dialog with clean images of its own: it can be accepted once the victim was checked on them."""

    kept = Signal(str)
    """The victim's new file, in the user's own folder of victims."""

    def __init__(self, image: ImageSpec, parent: QWidget, reader: Reader, file: str = "", images: str = "") -> None:
        """image: what the pack takes that is to ask it. file, images: entered at first."""
        self._image, self._looked_at = image, ""
        choices = Choices(
            source="folder", size=image.height, channels=image.channels, per_class=IMPORT_PER_CLASS, name="bring"
        )
        super().__init__(choices, VictimChoice("", file=file), parent, check_folder())
        self.images = QLineEdit(images)
        self.images.setToolTip(self.tr(
            "A folder with a sub-folder for each class, a tar file of one, or MNIST's four files. Without classes, "
            "what the victim calls an image counts as right."
        ))  # fmt: skip
        browse = QPushButton(self.tr("Choose…"))
        browse.clicked.connect(self._browse_images)
        text = self.tr("Clean images")
        self.form.insertRow(1, text, self.row(text, self.images, browse))
        self.images.textChanged.connect(self._take_images)
        self.finished.connect(self._forget)
        self._looks = Looks(reader, self)
        self._looks.told.connect(self._begin)
        self._take_images()

    def can_check(self) -> bool:
        return super().can_check() and bool(self.choices.data)

    def _take_images(self) -> None:
        typed = self.images.text().strip()
        self.choices.data, self._looked_at = expanded(typed) if typed else "", ""
        self._changed()

    def _check(self) -> None:
        """First see, away from the GUI thread, what the images are: there may be thousands of folders."""
        data, image = self.choices.data, self._image
        self._looked_at = data
        self.panel.check.setEnabled(False)
        self._looks.look(data, lambda: are_mnist(Path(data), image))

    def _begin(self, data: str, mnist: bool) -> None:
        if data != self._looked_at:  # it was begun, or others were entered meanwhile
            return
        self._looked_at, self.choices.source = "", "mnist" if mnist else "folder"
        super()._check()
        self._changed()

    def _forget(self) -> None:
        self._looked_at = ""
        shutil.rmtree(self.panel.folder, ignore_errors=True)

    def _browse_images(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder of the images"), self.images.text())
        if path:
            self.images.setText(path)

    def accept(self) -> None:
        """Keep what the last check, which was of what stands here, has left."""
        try:
            kept = keep_victim(self.panel.folder / "victims" / f"{self.victim().label.lower()}.safetensors")
        except WorkbenchError as error:
            self.panel.say(in_words(str(error)), "bad")
            return
        super().accept()
        self.kept.emit(str(kept))
