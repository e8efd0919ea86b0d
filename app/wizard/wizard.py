"""The training wizard: from clean images to a pack in use, without a line of code."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget, QWizard

from app.pack_shelf import PackShelf
from app.screen import fit
from app.wizard.attacks_page import AttacksPage
from app.wizard.child import SCENARIO, begun_with
from app.wizard.choices import Choices
from app.wizard.images_page import ImagesPage
from app.wizard.model_page import ModelPage
from app.wizard.recall import restore
from app.wizard.results_page import ResultsPage
from app.wizard.run_page import RunPage
from app.wizard.victims_page import VictimsPage
from core.errors import WorkbenchError

if TYPE_CHECKING:
    from app.session import Session

IMAGES, VICTIMS, ATTACKS, MODEL, RUN, RESULTS = range(6)


class TrainingWizard(QWizard):
    """Six pages over one :class:`Choices`; closed while a run is under way, it asks what shall become of that."""

    def __init__(self, session: Session, parent: QWidget | None = None, choices: Choices | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Train a model"))
        self.setWizardStyle(QWizard.WizardStyle.ModernStyle)
        self.setOption(QWizard.WizardOption.NoBackButtonOnStartPage)
        fit(self, 860, 720)
        self.session = session
        self.choices = choices or Choices(device=session.settings.text("attribution/device"))
        self.shelf = PackShelf(session.reader)
        self.shelf.imported.connect(self._saved)
        self.shelf.failed.connect(self._not_saved)
        last = session.settings.text("training/last")
        there = bool(last) and os.path.exists(Path(last, SCENARIO))  # noqa: PTH110 (exists() raises for a lost network)
        self.images = ImagesPage(self.choices, session.reader, last if there else "")
        self.victims = VictimsPage(self.choices)
        self.attacks = AttacksPage(self.choices)
        self.model = ModelPage(self.choices)
        self.model.offer(_packs(), self._devices())
        self.run = RunPage(self.choices)
        self.results = ResultsPage(self.choices)
        pages = (self.images, self.victims, self.attacks, self.model, self.run, self.results)
        for number, page in enumerate(pages):
            self.setPage(number, page)
        self.images.come_back.connect(self.come_back)
        self.model.grew.connect(self._show_grown)
        self.run.done.connect(self.results.show_results)
        self.currentIdChanged.connect(self._page_changed)
        self.setButtonText(QWizard.WizardButton.FinishButton, self.tr("Save"))

    @property
    def is_done_with(self) -> bool:
        """Whether it is closed and holds nothing that is kept nowhere else."""
        return self.result() == self.DialogCode.Accepted or self.run.child is not None

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        if not event.spontaneous():  # packs may have come since, and what torch tells of GPUs
            self.model.offer(_packs(), self._devices())
        super().showEvent(event)

    def come_back(self, folder: str) -> None:
        """Show the run in ``folder``: under way, stopped or finished."""
        try:
            document = tomllib.loads((Path(folder) / SCENARIO).read_text("utf-8"))
            restore(self.choices, document, folder)
            for name, value in begun_with(Path(folder)).items():
                setattr(self.choices, name, value)
        except (OSError, ValueError, WorkbenchError) as error:
            self.images.say(self.tr("This training cannot be read: {reason}").format(reason=error), "bad")
            return
        self.run.follow()
        self.setStartId(RUN)
        self.restart()

    def _show_grown(self) -> None:
        self.victims.show_victims(self.choices.victims)
        self.attacks.show_attacks(self.choices.attacks)

    def _page_changed(self, number: int) -> None:
        if number == RUN:
            self.session.settings["training/last"] = str(self.choices.out)

    def _devices(self) -> list[tuple[str, str]]:
        """What this machine computes on: ("cuda:0", its name)."""
        fixed = [("auto", self.tr("The best there is")), ("cpu", self.tr("Processor"))]
        return [*fixed, *self.session.gpus]

    def accept(self) -> None:
        """Copy the pack to the user's folder; the wizard closes once it is there."""
        if self.results.path is not None:
            self.results.say(self.tr("Saving…"))
            self.button(QWizard.WizardButton.FinishButton).setEnabled(False)
            self.shelf.import_packs([self.results.path])

    def _saved(self, path: Path) -> None:
        if self.results.use.isChecked():
            self.session.prefer_pack(path.stem)
        self._end(stop=False)
        super().accept()

    def _not_saved(self, reason: str) -> None:
        self.results.say(reason, "bad")
        self.button(QWizard.WizardButton.FinishButton).setEnabled(True)

    def reject(self) -> None:
        """Closed by Escape, Cancel or the window's own button."""
        child = self.run.child
        if child is None or not child.running:
            self._end(stop=False)
            super().reject()
            return
        answer = self._ask()
        if answer != "stay":
            self._end(stop=answer == "stop")
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.reject()
        if self.isVisible():
            event.ignore()

    def _ask(self) -> str:
        """What shall become of a run under way: "stop", "leave" (it goes on) or "stay"."""
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(self.tr("The training is under way"))
        box.setText(self.tr("Shall the training go on without this window?"))
        box.setInformativeText(self.tr("Either way you can come back to it, and nothing that is finished is lost."))
        buttons: dict[QAbstractButton, str] = {
            box.addButton(self.tr("Let it go on"), QMessageBox.ButtonRole.AcceptRole): "leave",
            box.addButton(self.tr("Stop it"), QMessageBox.ButtonRole.DestructiveRole): "stop",
            box.addButton(QMessageBox.StandardButton.Cancel): "stay",
        }
        box.exec()
        return buttons.get(box.clickedButton(), "stay")

    def _end(self, *, stop: bool) -> None:
        self.model.trial.clear()
        self.victims.forget_checks()
        if (child := self.run.child) is not None:
            if stop:
                child.stop()
            else:
                child.leave()


def _packs() -> list[str]:
    """Names of the packs that training may begin with."""
    from core.pack import list_packs  # noqa: PLC0415

    return [listed.path.stem for listed in list_packs() if listed.manifest is not None]
