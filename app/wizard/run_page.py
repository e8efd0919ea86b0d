"""Fifth page: the run, with its curves, its examples, the rate and the time left; pause and stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPlainTextEdit, QPushButton

from app.error_words import in_words
from app.wizard.charts import Chart, Series
from app.wizard.child import SCENARIO, START, Child
from app.wizard.choices import Choices
from app.wizard.examples import ExampleStrip
from app.wizard.page import Page, task_names
from app.wizard.progress import RunProgress
from core.errors import WorkbenchError
from core.files import write_file
from training.api import write_scenario


class RunPage(Page):
    """Starts the child process, or follows one, and shows what it tells."""

    done = Signal(str, object)
    """The pack's path and its measured results."""

    def __init__(self, choices: Choices) -> None:
        super().__init__(
            choices,
            self.tr("Training"),
            self.tr(
                "Victims, examples and network are made one after the other. You may pause, stop and come back: what "
                "is finished is not done again."
            ),
        )
        self.child: Child | None = None
        self.paused = False
        self._epochs: list[Mapping[str, Any]] = []
        self._taken: Mapping[str, Any] = {}
        self._made: tuple[str, Mapping[str, Any]] = "", {}
        self._replaced: dict[Path, bytes] = {}
        """What an earlier run in the folder had noted of itself, until the new one is found to go on with it."""
        self.progress = RunProgress()
        self.head.addWidget(self.progress)
        self.losses = Chart(self.tr("Losses"), x=self.tr("epoch"))
        self.sigmas = Chart(self.tr("Learned σ"), x=self.tr("epoch"))
        self.accuracies = Chart(self.tr("Accuracy while training"), x=self.tr("epoch"))
        self.errors = Chart(self.tr("RMSE by attack, own units"), x=self.tr("epoch"))
        grid = QGridLayout()
        grid.setSpacing(14)
        for at, chart in enumerate((self.losses, self.accuracies, self.sigmas, self.errors)):
            grid.addWidget(chart, at // 2, at % 2)
        self.body.addLayout(grid, 1)
        self.examples = ExampleStrip()
        self.body.addWidget(self.examples)
        self.words = QPlainTextEdit(readOnly=True)
        self.words.setAccessibleName(self.tr("What happened"))
        self.words.setMaximumHeight(70)
        self.body.addWidget(self.words)
        self.pause, self.stop = QPushButton(self.tr("Pause")), QPushButton(self.tr("Stop"))
        self.again = QPushButton(self.tr("Go on"))
        row = QHBoxLayout()
        row.addWidget(self.remark, 1)
        for button in (self.pause, self.stop, self.again):
            button.setAutoDefault(False)
            row.addWidget(button)
        self.foot.addLayout(row)
        self.pause.clicked.connect(self._pause)
        self.stop.clicked.connect(self._stop)
        self.again.clicked.connect(self.begin)

    def begin(self) -> None:
        """Write the scenario and start the child, or go on with what an earlier one left."""
        try:
            child = self._attach()
            child.follow()
            child.look()  # what an earlier run told is drawn first
            if not child.running:
                self.paused = False  # whatever became of the earlier one
                notes = (self.choices.out / name for name in (SCENARIO, START))
                self._replaced = {note: note.read_bytes() for note in notes if note.exists()}
                write_scenario(self.choices.out / SCENARIO, self.choices.document())
                child.start(self.choices.data, self.choices.download, self.choices.device)
        except (WorkbenchError, OSError) as error:
            self._failed(in_words(str(error)))
            return
        self.say("")
        self._buttons()

    def follow(self) -> None:
        """Show a run that was begun earlier, under way or not."""
        child = self._attach()
        child.follow()
        child.look()
        if child.running:
            self.say("")  # an earlier failure is gone on from
        elif child.finished:
            self._finished()
        else:
            self.progress.halt()
            self.say(self.tr("This run was stopped. It can go on."), "warn")
        self._buttons()

    def _attach(self) -> Child:
        if self.child is not None:
            self.child.leave()
            self.child.deleteLater()
        self.child = Child(self.choices.out, self)
        self.child.told.connect(self.show_event)
        self.child.ended.connect(self._ended)
        self._epochs, self._taken, self._replaced = [], {}, {}
        self.paused = False
        self.progress.begin(self.choices.out)
        self.examples.watch(self.choices.out / "data")
        return self.child

    def show_event(self, kind: str, v: Mapping[str, Any]) -> None:
        """Show one event of the run; kinds are those of training.api.Event."""
        match kind:
            case "begun":
                self.progress.begin(self.choices.out)
            case "accepted":
                self._replaced = {}
            case "progress":
                self.progress.show_progress(v)
                self.examples.look()
            case "images" if v != self._taken:  # several stages of one run take the same in
                self._images(v)
            case "victim":
                self.progress.end_part("victims")
                self._victim(v["name"], v["accuracy"], guesses=v["guesses"])
            case "generated":
                self._generated(v)
            case "epoch":
                self._epoch(v)
            case "smaller":
                self._note(self.tr("The memory holds {n} images at once; batches go through in parts.").format(
                    n=v["part"]))  # fmt: skip
            case "paused" | "resumed":
                self.paused = kind == "paused"
                self.progress.pause(self.paused)
                self._buttons()
            case "error":
                self._failed(f"{v['what']} {v['remedy']}")
            case "pack":
                self._made = v["path"], v["results"]

    def _images(self, v: Mapping[str, Any]) -> None:
        self._taken = v
        self.progress.end_part("images")
        self._note(self.tr("{n} images were taken in.").format(n=f"{v['count']:,}"))
        if v["skipped"]:
            self._note(self.tr("{n} cannot be read and are left out: {reason}").format(
                n=len(v["skipped"]), reason=v["skipped"][0]))  # fmt: skip

    def _generated(self, v: Mapping[str, Any]) -> None:
        self.progress.end_part("examples")
        self.examples.look()
        self._note(self.tr("{n} adversarial examples were made.").format(n=f"{v['examples']:,}"))
        if v["unfilled"]:
            cells = ", ".join(f"{u['cell']} ({u['filled']}/{u['wanted']})" for u in v["unfilled"][:8])
            self._note(self.tr("{n} cells are not full: {cells}").format(n=len(v["unfilled"]), cells=cells))

    def _epoch(self, v: Mapping[str, Any]) -> None:
        self._epochs = [*(e for e in self._epochs if e["epoch"] < v["epoch"]), v]  # an epoch done again counts once
        at = [e["epoch"] + 1 for e in self._epochs]
        names = task_names()
        for chart, key in ((self.losses, "losses"), (self.sigmas, "sigma")):
            chart.show_series([Series(name, at, [e[key][task] for e in self._epochs]) for task, name in names.items()])
        told = ("attack", "victim")
        accuracies = [Series(names[task], at, [e[f"{task}_accuracy"] for e in self._epochs]) for task in told]
        self.accuracies.show_series(accuracies, (min(min(s.y) for s in accuracies) - 0.02, 1.0))
        if attacks := [name for name in v.get("rmse", {}) if name != "clean"]:
            found = [[e.get("rmse", {}).get(name, float("nan")) for e in self._epochs] for name in attacks]
            self.errors.show_series([Series(name, at, y) for name, y in zip(attacks, found, strict=True)])

    def _note(self, text: str) -> None:
        self.words.appendPlainText(text)

    def _victim(self, name: str, accuracy: float | None, *, guesses: bool) -> None:
        text = self.tr("{name}: what it calls a clean image counts as right.")
        if accuracy is not None:
            text = self.tr("{name} names {share} of the clean test images.")
        self._note(text.format(name=name, share=f"{accuracy or 0:.1%}"))
        if guesses:
            text = self.tr("{name} is little better than guessing: attacks on it are hardly attacks. Stop, and begin "
                           "again in another folder with more passes for it.")  # fmt: skip
            self._note(text.format(name=name))
            self.say(text.format(name=name), "warn")

    def _failed(self, text: str) -> None:
        self.progress.halt()
        self.say(text, "bad")
        self._note(text)
        self._buttons()

    def _pause(self) -> None:
        if self.child is not None:
            self.child.say("resume" if self.paused else "pause")

    def _stop(self) -> None:
        if self.child is not None:
            self.child.say("cancel")
            self.say(self.tr("Stopping after the batch in hand…"))

    def _ended(self, made: bool) -> None:
        self.progress.halt()
        self._put_back()
        if made:
            self._finished()
        elif self.child is not None and (reason := self.child.failure()):
            self._failed(reason)
        elif self.child is None or self.child.last != "error":
            self.say(self.tr("Stopped. It goes on from here whenever you like."), "warn")
        self._buttons()
        self.completeChanged.emit()

    def _put_back(self) -> None:
        """A run that was refused leaves the folder's earlier one as it was, to be gone on with."""
        replaced, self._replaced = self._replaced, {}
        try:
            for note, content in replaced.items():
                write_file(note, content)
        except WorkbenchError as error:
            self._note(in_words(str(error)))

    def _finished(self) -> None:
        self.progress.finish()
        self.say(self.tr("Finished."), "good")
        self.done.emit(*self._made)

    def _buttons(self) -> None:
        child = self.child
        running = child is not None and child.running
        self.pause.setVisible(running)
        self.pause.setText(self.tr("Resume") if self.paused else self.tr("Pause"))
        self.stop.setVisible(running)
        self.again.setVisible(not running and not (child is not None and child.finished))
        self.completeChanged.emit()

    def initializePage(self) -> None:  # noqa: N802
        if self.child is None:
            self.begin()

    def isComplete(self) -> bool:  # noqa: N802
        return self.child is not None and self.child.finished and not self.child.running
