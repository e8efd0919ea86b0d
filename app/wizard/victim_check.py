"""The check of an own victim on the wizard's clean images: a child process, its verdict and its advice."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.error_words import in_words
from app.widgets import Toned, button, named
from app.wizard.child import EVENTS, LOG, SCENARIO, Child
from app.wizard.choices import Choices, VictimChoice
from core.errors import WorkbenchError
from core.paths import user_data
from training.api import write_scenario

_DAY = 86_400
"""Seconds after which nobody comes back to a check."""


def check_folder() -> Path:
    """A new one, for the checks of one window alone; the clean images stay there from one check to the next.

    It is made by the first check, and goes with the window. What a killed one left a day ago goes now.
    """
    runs = user_data() / "runs"
    for left in (*runs.glob(".check*"), *runs.glob(".bring-*")):  # the latter as older versions called some
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left, ignore_errors=True)
    return runs / f".check-{secrets.token_hex(4)}"


class CheckPanel(QWidget):
    """A button that checks, progress, and in words what was found."""

    asked = Signal()
    """Check was pressed; :meth:`begin` is to be called with what there is to check."""
    advised = Signal(object)
    """The advice was taken: entries to change."""
    over = Signal()
    """A check ended, one way or the other."""

    def __init__(self, choices: Choices, victim: VictimChoice | None, folder: Path) -> None:
        """folder: where the check writes, and leaves the victim's file in its sub-folder ``victims``."""
        super().__init__()
        self.folder = folder
        self.accuracy = victim.accuracy if victim is not None else None
        self.checked = victim.checked if victim is not None else ""
        self._choices = choices
        self._child: Child | None = None
        self._pending = ""
        self._refused = False
        self.advice: dict[str, Any] = {}
        self.check = button(self.tr("Check"), self._pressed)
        self.take = button(self.tr("Use what is advised"), lambda: self.advised.emit(dict(self.advice)))
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.bar.setAccessibleName(self.tr("Progress of the check"))
        self.verdict = named(Toned(), self.tr("Result of the check"))
        row = QHBoxLayout()
        row.addWidget(self.check)
        row.addWidget(self.take)
        row.addWidget(self.bar, 1)
        row.addStretch(1)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addLayout(row)
        body.addWidget(self.verdict)
        self._show_buttons()

    def passed(self, victim: VictimChoice) -> bool:
        """Whether this very victim was checked and found to do its work."""
        if self._child is not None:  # it has told what it found, and may still be writing the victim's file
            return False
        fits = bool(self.checked) and self._choices.key_of(victim) == self.checked
        if self.checked and not fits:
            self.say(self.tr("Something was changed since the last check."))
        return fits

    def begin(self, victim: VictimChoice) -> None:
        self.advice, self.checked, self.accuracy = {}, "", None
        folder = self.folder
        try:
            shutil.rmtree(folder / "victims", ignore_errors=True)
            for name in (EVENTS, LOG):
                (folder / name).unlink(missing_ok=True)
            write_scenario(folder / SCENARIO, self._choices.check_document(victim))
            child = Child(folder, self)
            child.told.connect(self._told)
            child.ended.connect(self._ended)
            child.start(self._choices.data, self._choices.download, self._choices.device, ("victims", "check"))
        except (WorkbenchError, OSError) as error:
            self.say(in_words(str(error)), "bad")
            return
        self._child, self._pending, self._refused = child, self._choices.key_of(victim), False
        self.say(self.tr("Reading the images and the victim…"))
        self.bar.setValue(0)
        self._show_buttons()
        self.over.emit()

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None

    def say(self, text: str, tone: str = "muted") -> None:
        self.verdict.say(text, tone)

    def _pressed(self) -> None:
        if self._child is None:
            self.asked.emit()
        else:
            self._child.say("cancel")

    def _show_buttons(self) -> None:
        running = self._child is not None
        self.bar.setVisible(running)
        self.check.setText(self.tr("Stop") if running else self.tr("Check"))
        self.take.setVisible(bool(self.advice) and not running)

    def _told(self, kind: str, v: Mapping[str, Any]) -> None:
        if kind == "progress":
            self.bar.setValue(round(1000 * v["done"] / max(v["total"], 1)))
        elif kind == "checked":
            self.advice = (v["advice"] or {}).get("changes", {})
            self._refused = bool(v["refused"])
            if not self._refused:
                self.accuracy, self.checked = v["accuracy"], self._pending
            self.say(self._in_words(v), "bad" if self._refused else "warn" if self.advice else "good")
        elif kind == "error" and not self._refused:  # a refusal was told in the window's own words
            self.checked, self.accuracy = "", None
            self.say(f"{v['what']} {v['remedy']}", "bad")
        elif kind == "cancelled":
            self.say(self.tr("The check was stopped."), "warn")

    def _ended(self, _: bool) -> None:
        child, self._child = self._child, None
        if child is not None:
            if reason := child.failure():
                self.say(in_words(reason), "bad")
            child.deleteLater()
        self._show_buttons()
        self.over.emit()

    def _in_words(self, v: Mapping[str, Any]) -> str:
        if not v["labelled"]:
            return self.tr(
                "The images have no classes: what the victim calls a clean image counts as right. "
                "It named {kinds} different classes on {n} images."
            ).format(kinds=v["kinds"], n=v["images"])
        if v["accuracy"] is None:
            text = self.tr("It is not known which of the victim's {n} classes the images are of.")
            text = text.format(n=v["outputs"])
        else:
            text = self.tr(
                "It names {share} of {n} clean test images right among its {outputs} classes, {among} if only the "
                "images' own count; at least {needed} is asked for."
            ).format(
                share=f"{v['accuracy']:.1%}", n=v["images"], outputs=v["outputs"], among=f"{v['among']:.1%}",
                needed=f"{v['needed']:.1%}",
            )  # fmt: skip
        if v["advice"]:
            advice = self.tr("With {changes} it would name {share} right.").format(
                changes=self._changes_in_words(v["advice"]["changes"]), share=f"{v['advice']['accuracy']:.0%}"
            )
            return f"{text} {advice}"
        if not v["refused"]:
            return text
        if v["few"]:
            few = self.tr("Of {n} test images nothing that would help can be found: more clean images are needed.")
            return f"{text} {few.format(n=v['images'])}"
        return text + " " + self.tr("None of the usual causes that were tried does better.")

    def _changes_in_words(self, changes: Mapping[str, Any]) -> str:
        told = []
        if "bgr" in changes:
            told.append(self.tr("BGR channels") if changes["bgr"] else self.tr("RGB channels"))
        if "mean" in changes:
            values = self.tr("values of {range}, mean {mean} and standard deviation {std}").format(
                range=changes["scaling"].replace("-", "–"), mean=joined(changes["mean"]), std=joined(changes["std"])
            )
            told.append(values)
        if "classes" in changes:
            told.append(self.tr("the classes {numbers}").format(numbers=joined(changes["classes"])))
        return "; ".join(told)


def joined(values: Sequence[Any]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
