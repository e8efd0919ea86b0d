"""The status bar: what runs on which device, how much waits, and a way to stop it."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import NamedTuple

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from app.chore_bar import ChoreBar
from app.durations import duration
from app.memory import resident_bytes
from app.session import Status
from app.widgets import named

_LEAST, _A_LETTER = 6000, 80
"""Milliseconds that a message stands: as long as it takes to read."""

_KEPT = 500
"""Messages."""


class Said(NamedTuple):
    """What was said, and when by the clock on the wall."""

    time: datetime
    text: str


class StatusBar(QStatusBar):
    """Shows a Status. ``stop_wanted`` when the analyst presses Stop.

    said: its latest messages, which go away by themselves.
    """

    stop_wanted = Signal()
    pause_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.said: deque[Said] = deque(maxlen=_KEPT)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(4, 0, 8, 0)
        self.chores = ChoreBar()
        self.queue = named(QLabel(), self.tr("Waiting images"))
        self.bar = named(QProgressBar(), self.tr("Progress"))
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(120, 8)
        self.pause = QToolButton()
        self.pause.setText(self.tr("Pause"))
        self.pause.setAutoRaise(True)
        self.pause.setCheckable(True)
        self.pause.setToolTip(self.tr("Stand still after the images in hand; pressed again it goes on"))
        self.pause.clicked.connect(self.pause_wanted)
        self.stop = QToolButton()
        self.stop.setText(self.tr("Stop"))
        self.stop.setAutoRaise(True)
        self.stop.setToolTip(self.tr("Stop attributing; what is judged stays"))
        self.stop.clicked.connect(self.stop_wanted)
        self.pack = named(QLabel(), self.tr("Model pack"))
        self.device = named(QLabel(), self.tr("Device"))
        self.memory = named(QLabel(), self.tr("Memory in use"))
        for widget in (self.chores, self.queue, self.bar, self.pause, self.stop, self.pack, self.device, self.memory):
            self.addPermanentWidget(widget)
        for label in (self.pack, self.device, self.memory):
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            label.setContentsMargins(8, 0, 8, 0)
        self._clock = QTimer(self, interval=2000)
        self._clock.timeout.connect(self._tell_memory)
        self._clock.start()
        self._tell_memory()
        self.show_status(Status(), "")

    def say(self, text: str) -> None:
        self.said.append(Said(datetime.now().astimezone(), text))
        self.showMessage(text, max(_LEAST, _A_LETTER * len(text)))

    def show_status(self, status: Status, pack: str) -> None:
        busy = status.waiting > 0 or status.phase == "loading"
        self.bar.setVisible(busy)
        for button in (self.pause, self.stop):
            button.setVisible(status.waiting > 0)
        self.pause.setChecked(status.paused)
        self.queue.setText(self._queue_text(status))
        if status.progress is not None and status.progress.total:
            self.bar.setRange(0, status.progress.total)
            self.bar.setValue(status.progress.done)
        else:
            self.bar.setRange(0, 0 if busy else 1)
        self.pack.setText(self.tr("Pack {name}").format(name=pack) if pack else "")
        self.device.setText(self._device_text(status))

    def _queue_text(self, status: Status) -> str:
        if not status.waiting:
            return ""
        text = self.tr("{n} waiting").format(n=f"{status.waiting:,}")
        progress = status.progress
        if status.paused:
            return text + " · " + self.tr("paused")
        if progress is None or not progress.rate:
            return text
        rate = self.tr("{n} a second").format(n=f"{progress.rate:.3g}")
        left = self.tr("{time} left").format(time=duration(status.waiting / progress.rate))
        return f"{text} · {rate} · {left}"

    def _device_text(self, status: Status) -> str:
        texts = {
            "starting": self.tr("Starting"),
            "loading": self.tr("Loading the pack"),
            "ready": status.device,
            "failed": self.tr("No pack in use"),
        }
        return texts[status.phase]

    def _tell_memory(self) -> None:
        self.memory.setText(self.tr("{n} MB").format(n=resident_bytes() >> 20))
