"""Python's garbage collected by the event loop of the GUI thread, and nowhere else."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer

_EVERY = 500
"""Milliseconds between two looks at how much there is."""

_LONG = 0.1
"""Seconds that the window may stand still for a collection."""


class Garbage(QObject):
    """Collects as often as Python would, but between events.

    Left alone, Python collects whenever any thread allocates: in the worker's, or in an event handler while Qt walks
    through all widgets to give them another style. Widgets that only a cycle of references kept are destroyed then,
    under Qt's feet, and the program ends with a segmentation fault.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def spare(self) -> None:
        """Look no more through what there is by now, such as all of torch: a full collection would take long."""
        gc.freeze()

    def stop(self) -> None:
        """Give it back to Python."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()

    def _collect(self) -> None:
        due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if any(due):
            begun = time.monotonic()
            gc.collect(max(generation for generation, over in enumerate(due) if over))
            if time.monotonic() - begun > _LONG:  # answers by the thousand, say, which hold no cycles
                self.spare()
