"""Fourth page: the network, where it starts, what the pack is called and where the run writes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QSpinBox, QWizard

from app.error_words import in_words
from app.widgets import button, named
from app.wizard.child import EVENTS, SCENARIO, begun_with, under_way
from app.wizard.choices import NETWORKS, Choices, Grown, expanded
from app.wizard.page import Page, explain
from app.wizard.recall import Ungrown, grow, ungrow
from app.wizard.trial import Trial
from core.errors import WorkbenchError
from core.wording import shown
from training.api import Scenario, check_scenario, read_scenario

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class ModelPage(Page):
    """Network, start, epochs, name, folder, device, and a trial of what it will take."""

    grew = Signal()
    """The pack to start from brought victims and attacks, or took them with it."""

    def __init__(self, choices: Choices) -> None:
        super().__init__(
            choices,
            self.tr("Model"),
            self.tr(
                "The network learns from the examples and becomes a model pack. Everything is written below one "
                "folder, and a run that was stopped goes on from there."
            ),
        )
        self._ungrown: Ungrown | None = None
        self._refusal = ""
        """Why the chosen pack cannot be gone on from."""
        self.network, self.start, self.device = QComboBox(), QComboBox(), QComboBox()
        for key, (text, _) in NETWORKS.items():
            self.network.addItem(QCoreApplication.translate("Wizard", text), key)
        self.network.setCurrentIndex(self.network.findData(choices.network))
        self.replay = QSpinBox(minimum=2, maximum=5000, value=choices.replay)
        self.ask = QCheckBox(self.tr("The pack can ask its victims"))
        self.changed = QCheckBox(self.tr("Learn from changed images too"))
        self.changed.setChecked(choices.changed)
        self.epochs = QSpinBox(minimum=1, maximum=1000, value=choices.epochs)
        self.name, self.folder = QLineEdit(choices.name), QLineEdit(choices.folder)
        self.browse = button(self.tr("Choose…"), self._browse)
        self.trial = Trial(choices)
        self._lay_out()
        self._wire()
        self.setCommitPage(True)
        self.setButtonText(QWizard.WizardButton.CommitButton, self.tr("Train"))

    def _lay_out(self) -> None:
        form = self.form()
        form.addRow(self.tr("Network"), self.network)
        form.addRow(self.tr("Start"), self.start)
        explain(form, self.tr(
            "A pack to start from brings its victims, attacks and network. What you chose beside them is added to it, "
            "and of what it knows few examples are enough."))  # fmt: skip
        form.addRow(self.tr("Training examples of each cell it knows"), self.replay)
        form.addRow("", self.ask)
        explain(form, self.tr(
            "Victims at hand then say of every image whether it was aimed at them: they are named more surely, and a "
            "new one is added by handing over its file. It costs four forward passes and three gradients of each "
            "victim for every image."
        ))  # fmt: skip
        form.addRow("", self.changed)
        explain(form, self.tr(
            "Half of the examples are compressed, scaled, cropped, lit otherwise or made noisy each time they are "
            "shown, as far as the attack outlasts it. Attacks are then known in JPEG files and screenshots too; more "
            "images that nobody attacked are called attacked."
        ))  # fmt: skip
        form.addRow(self.tr("Epochs"), self.epochs)
        form.addRow(self.tr("Device"), self.device)
        form.addRow(self.tr("Name of the pack"), self.name)
        folder, row = self.tr("Folder of the run"), QHBoxLayout()
        row.addWidget(named(self.folder, folder), 1)  # the form names what stands alone in its row
        row.addWidget(self.browse)
        form.addRow(folder, row)
        self.foot.addWidget(self.remark)
        self.body.addWidget(self.trial)
        self.body.addStretch(1)

    def _wire(self) -> None:
        self.trial.told.connect(lambda: QTimer.singleShot(0, self.trial, self._show_trial))
        for changed in (self.name.textChanged, self.folder.textChanged, self.network.currentIndexChanged,
                        self.epochs.valueChanged, self.device.currentIndexChanged, self.changed.toggled):  # fmt: skip
            changed.connect(self._changed)
        self.start.currentIndexChanged.connect(self._start_changed)
        self.replay.valueChanged.connect(self._start_changed)
        self.ask.clicked.connect(self._ask)

    def offer(self, packs: Sequence[str], devices: Sequence[tuple[str, str]]) -> None:
        """Packs to start from, and what this machine computes on; what was chosen stays chosen where it is offered."""
        starts = [("", self.tr("From scratch"))]
        starts += [(pack, self.tr("From the pack {pack}").format(pack=pack)) for pack in packs]
        for box, offered, chosen in (
            (self.start, starts, self.choices.start), (self.device, devices, self.choices.device),
        ):  # fmt: skip
            blocker = QSignalBlocker(box)
            box.clear()
            for key, text in offered:
                box.addItem(text, key)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            del blocker
        self._start_changed()

    def _show_trial(self) -> None:
        """Scroll to what was found; its table has its height only once it was laid out."""
        self.area.ensureWidgetVisible(self.trial)

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder of the run"), self.folder.text())
        if path:
            self.folder.setText(path)

    def _ask(self, ask: bool) -> None:
        """What the user wants, which a network that cannot ask does not change."""
        self.choices.ask = ask
        self._changed()

    def _store(self) -> None:
        c = self.choices
        c.network, c.replay = self.network.currentData(), self.replay.value()
        c.changed = self.changed.isChecked()
        c.epochs, c.device = self.epochs.value(), self.device.currentData()
        c.name, c.folder = self.name.text(), self.folder.text().strip()

    def _grow(self) -> str:
        """Take over what the chosen pack brings, and nothing of another; returns why that cannot be."""
        from core.pack import find_pack, read_manifest  # noqa: PLC0415 (torch)

        pack, c, before, refusal = self.start.currentData(), self.choices, self._ungrown, ""
        if before is not None:
            ungrow(c, before)
        c.start, c.grown, self._ungrown = "", None, None
        try:
            if pack:
                self._ungrown = grow(c, pack, read_manifest(find_pack(pack)).scenario)
        except WorkbenchError as error:
            refusal = in_words(str(error))
        if before is not None or self._ungrown is not None:
            self.grew.emit()
        return refusal

    def _start_changed(self) -> None:
        """Another pack to start from, more or less of it, or other choices beside it on the pages before."""
        self._store()
        self._refusal = self._grow()
        self._changed()

    def _changed(self) -> None:
        self._store()
        grown, fixed = self.choices.grown, self._why_ask_is_fixed()
        self.network.setEnabled(grown is None)
        self.replay.setEnabled(grown is not None)
        self.ask.setEnabled(not fixed)
        self.ask.setToolTip(fixed)
        self.ask.setChecked(self.choices.probes is not None)
        self.folder.setPlaceholderText(str(Choices(name=self.name.text() or "my-pack").out))
        if self._refusal:
            self.say(self._refusal, "bad")
        elif not _NAME.fullmatch(self.name.text()):
            self.say(self.tr("The name has small letters, digits, dots and dashes, at most 64."), "bad")
        elif fault := self._why_not_there():
            self.say(fault, "bad")
        elif os.path.exists(self.choices.out / EVENTS):  # noqa: PTH110 (exists() raises where it may not look)
            self.say(self.tr("There is a run in this folder already: the same choices go on with it."), "warn")
        elif grown is not None:
            self._say_what_is_new(grown)
        else:
            self.say("")
        self.trial.clear()
        self.trial.setEnabled(self.isComplete())
        self.completeChanged.emit()

    def _why_ask_is_fixed(self) -> str:
        """Why it is not for the user to say whether the pack asks its victims; empty where it is."""
        grown = self.choices.grown
        if not self.choices.can_ask:
            return self.tr("This network does not estimate the perturbation by pixel, about which victims are asked.")
        if grown is not None and grown.probes is not None:
            return self.tr("The pack to start from asks its victims, and goes on doing so.")
        return ""

    def _say_what_is_new(self, grown: Grown) -> None:
        new = [v.label for v in self.choices.victims if v.label not in grown.victims]
        new += [a.name for a in self.choices.chosen if a.name not in grown.attacks]
        if new:
            self.say(self.tr("New to {pack}: {labels}.").format(pack=self.choices.start, labels=", ".join(new)))
        else:
            self.say(self.tr("Nothing is new to {pack}: go back and add a victim or an attack.").format(
                pack=self.choices.start), "warn")  # fmt: skip

    def isComplete(self) -> bool:  # noqa: N802
        return bool(_NAME.fullmatch(self.name.text())) and not self._refusal and not self._why_not_there()

    def _why_not_there(self) -> str:
        """Why the run cannot write into its folder; empty where it can, or where that is seen only then."""
        out = self.choices.out
        there = next((path for path in (out, *out.parents) if os.path.lexists(path)), out)
        if not os.path.isdir(there):  # noqa: PTH112 (is_dir() raises where it may not look)
            return self.tr("{path} is no folder. Choose another.").format(path=shown(str(there)))
        if not os.access(there, os.W_OK | os.X_OK):
            return self.tr("{path} may not be written to. Choose another folder.").format(path=shown(str(there)))
        return ""

    def initializePage(self) -> None:  # noqa: N802
        self._start_changed()

    def cleanupPage(self) -> None:  # noqa: N802
        """Back keeps what was entered."""

    def validatePage(self) -> bool:  # noqa: N802
        self._store()
        self.trial.clear()  # the run shall have the device for itself
        try:
            asked = check_scenario(self.choices.document())
        except WorkbenchError as error:
            self.say(in_words(str(error)), "bad")
            return False
        if under_way(self.choices.out) and not self._trains(asked):
            self.say(self.tr(
                "Another training, with other choices, is under way in {folder}. Choose another name or folder, or "
                "wait until it has ended."
            ).format(folder=self.choices.out), "bad")  # fmt: skip
            return False
        return True

    def _trains(self, asked: Scenario) -> bool:
        """Whether the process in the folder, whoever began it, does what is asked: then it is followed.

        The command line leaves no note of the images' folder; what downloaded them makes no other run.
        """
        c = self.choices
        begun = {"data": "", "device": c.device, **begun_with(c.out)}
        if (begun["data"], begun["device"]) != (c.data and expanded(c.data), c.device):
            return False
        try:
            return read_scenario(c.out / SCENARIO) == asked
        except WorkbenchError:
            return False
