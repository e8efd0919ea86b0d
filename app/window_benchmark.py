"""How soon the window paints and answers, and whether it stays awake under a batch.

The window runs in a process of its own, so that starting the interpreter counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.window import Program
from app.wizard.child import program

BEAT = 20
"""Milliseconds between two beats of the heart that a busy GUI thread would miss."""


class Heart(QObject):
    """A timer on the GUI thread that notes how late each beat comes."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=BEAT)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - BEAT))
        self._last = now

    def stop(self) -> None:
        self._timer.stop()


def measure(images: int = 2000) -> dict[str, float]:
    """Milliseconds to first paint and to the first answer, the batch's rate, and the latest beats in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        random = np.random.default_rng(0)
        for number in range(images):
            pixels = random.integers(0, 256, (28, 28), dtype=np.uint8)
            Image.fromarray(pixels).save(Path(folder, f"{number}.png"))
        out = Path(folder, "figures.json")
        command = [*program(), "benchmark", "watched-window", folder, str(out), repr(time.time())]
        subprocess.run(command, check=True, cwd=Path(__file__).parents[1])
        figures: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    return figures


def watch(folder: str, out: str, started: float) -> None:
    """The window on ``folder``; closes itself when everything is judged, or nothing can be."""
    app = QApplication(sys.argv[:1])
    shown = Program(app)
    session, heart = shown.session, Heart()
    figures: dict[str, float] = {}
    since_beat: list[int] = []

    def since(name: str) -> None:
        figures.setdefault(name, round((time.time() - started) * 1000))

    def painted() -> None:
        since("first_paint_ms")
        session.start()
        session.opening.paths([folder], remember=False)

    def told() -> None:
        if session.status.phase == "failed":
            shown.window.close()
        if session.viewing.row is not None and session.viewing.row.attribution is not None:
            since("first_answer_ms")
            since_beat.append(len(heart.late))
        rows = session.images.rows
        ready = session.status.phase == "ready" and not session.packs.is_looking
        if rows and ready and not session.status.waiting:
            since("all_answers_ms")
            shown.window.close()

    shown.window.when_painted(painted)
    session.viewing.row_changed.connect(told)
    session.status_changed.connect(told)
    shown.window.show()
    app.exec()
    heart.stop()
    shown.stop()
    if session.status.phase == "failed":
        raise SystemExit(session.status.reason)
    start, batch = np.split(np.array(heart.late), [since_beat[0]])
    span = (figures["all_answers_ms"] - figures["first_answer_ms"]) / 1000
    figures["images_per_s"] = round(session.images.rowCount() / span, 1)
    figures["start_beat_latest_ms"] = round(float(start.max()), 1)
    figures["batch_beat_latest_ms"] = round(float(batch.max()), 1)
    figures["batch_beat_p99_ms"] = round(float(np.percentile(batch, 99)), 1)
    Path(out).write_text(json.dumps(figures), encoding="utf-8")
