"""What a run does now: which stage of how many, how far it is, and the time left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QWidget

from app import theme
from app.durations import duration, span
from app.wizard.child import SCENARIO
from app.wizard.course import Course, estimate_of
from core.errors import WorkbenchError
from training.api import Part, Step, read_scenario, steps_of

_PAUSE = 700
"""Milliseconds after a step's end before it is said what goes on where nothing is counted."""


class RunProgress(QWidget):
    """Stage and time left in all; a bar of the stage; the step in hand with its rate and its own time left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.course = Course([])
        self.stage, self.left, self.step, self.rate = (QLabel() for _ in range(4))
        self.stage.setFont(theme.scaled(self.font(), 1.0, bold=True))
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.bar.setAccessibleName(self.tr("Progress of this stage"))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        for row, labels in ((0, (self.stage, self.left)), (2, (self.step, self.rate))):
            for column, label in enumerate(labels):
                label.setAlignment(Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft)
                grid.addWidget(label, row, column)
        grid.addWidget(self.bar, 1, 0, 1, 2)
        self._quiet = QTimer(self, singleShot=True, interval=_PAUSE)
        self._quiet.timeout.connect(self._say_what_goes_on)

    def begin(self, out: Path) -> None:
        """Follow the run in ``out`` from its start, which takes a while to tell of itself."""
        try:
            self.course = Course(steps_of(read_scenario(out / SCENARIO)), estimate_of(out))
        except WorkbenchError:  # it will tell so itself
            self.course = Course([])
        self.stage.setText(self.tr("Starting…"))
        self.step.clear()
        self._show_time(None)
        self.bar.setRange(0, 0)

    def show_progress(self, v: Mapping[str, Any]) -> None:
        """Show a "progress" event (training.api.Event)."""
        self.course.take(v["stage"], v["done"], v["total"])
        self.step.setText(f"{self._in_words(v['stage'])}: {v['done']:,} / {v['total']:,}")
        self.rate.setText("" if self.course.is_between else self._pace(v["rate"], v["seconds_left"]))
        self._show_stage(None if self.course.is_between else v["seconds_left"])

    def end_part(self, part: Part) -> None:
        """All of a part was told to be done, whatever its steps counted."""
        self.course.end(part)
        self.rate.clear()
        was_quiet = not self.bar.maximum()
        self._show_stage(None)
        if was_quiet:
            self._say_what_goes_on()

    def pause(self, paused: bool) -> None:
        """Nothing is going on while the run stands still."""
        if paused:
            self.halt()
            self.rate.setText(self.tr("paused"))
        else:
            self._show_stage(None)

    def halt(self) -> None:
        """The run ended or stands still."""
        self._quiet.stop()
        self.bar.setRange(0, 1000)
        self.rate.clear()
        if self.course.step is None:
            self.stage.clear()

    def finish(self) -> None:
        self.halt()
        self.bar.setValue(1000)
        self.stage.setText(self.tr("All stages are done."))
        self.step.clear()
        self.left.clear()

    def _show_stage(self, of_step: float | None) -> None:
        course = self.course
        if course.step is not None:
            text = self.tr("Stage {n} of {count}: {what}")
            at, count = course.parts.index(course.step.part) + 1, len(course.parts)
            self.stage.setText(text.format(n=at, count=count, what=self._of_part(course.step.part)))
        self._show_time(of_step)
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * course.share))
        if course.is_between:
            self._quiet.start()
        else:
            self._quiet.stop()

    def _show_time(self, of_step: float | None) -> None:
        left = self.course.left(of_step)
        self.left.setText("" if left is None else self.tr("About {span} left in all").format(span=span(*left)))

    def _pace(self, rate: float, left: float | None) -> str:
        if left is None:  # nothing was done yet
            return ""
        pace = self.tr("{n} a second").format(n=f"{rate:.3g}")
        return pace + " · " + self.tr("{time} left of this step").format(time=duration(left))

    def _say_what_goes_on(self) -> None:
        self.step.setText(self._between())
        self.rate.clear()
        self.bar.setRange(0, 0)

    def _between(self) -> str:
        """What is done where nothing is counted: within a part after one of its steps, or after all of the part."""
        step = self.course.step
        look, seek = self.tr("Looking through the images…"), self.tr("Looking for clean images that can be attacked…")
        ready = self.tr("Getting ready to measure the network…")
        texts: dict[Part, tuple[str, str]] = {
            "images": (look, look),
            "victims": (self.tr("Measuring the victim on the clean test images…"), seek),
            "examples": (seek, self.tr("Reading the examples…")),
            "network": (ready, ready),
        }
        if step is None or step.part != "results":
            return texts[step.part if step is not None else "images"][self.course.has_left_part]
        if self.course.following is None:
            return self.tr("Calibrating and writing the pack…")
        return self.tr("Drawing up the results…") if step.stage else self.tr("Asking the victims…")

    def _of_part(self, part: Part) -> str:
        texts: dict[Part, str] = {
            "images": self.tr("taking the images in"), "victims": self.tr("victims"), "examples": self.tr("examples"),
            "network": self.tr("training"), "results": self.tr("results"),
        }  # fmt: skip
        return texts[part]

    def _in_words(self, name: str) -> str:
        """A step as the run calls it; a name that is not known here stays as it is."""
        fixed = {"training": self.tr("Training the network"), "measuring": self.tr("Measuring the pack"),
                 "training the auto-encoder": self.tr("Training the auto-encoder"),
                 "reading images": self.tr("Reading images"),
                 "weighing the answers": self.tr("Learning from the victims' answers")}  # fmt: skip
        if name in fixed:
            return fixed[name]
        if self.course.step is not None and self.course.step.part == "examples" and self.course.step.size:
            return self._of_examples(self.course.step)
        what, _, victim = name.partition(" ")
        texts = {"asking": self.tr("Asking {name}"), "training": self.tr("Training {name}"),
                 "checking": self.tr("Checking {name}")}  # fmt: skip
        return texts.get(what, name).format(name=victim)

    def _of_examples(self, step: Step) -> str:
        """Examples of one attack against one victim, for one of three uses."""
        uses = {"train": self.tr("to train with"), "calibration": self.tr("to calibrate with"),
                "test": self.tr("to measure with")}  # fmt: skip
        attack = step.stage[1] if step.stage is not None else ""
        victim, split = step.name.split(f" {attack} ")
        return self.tr("{attack} against {victim}, {use}").format(attack=attack, victim=victim, use=uses[split])
