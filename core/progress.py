"""Progress with rate and time left, and cancellation, for every long piece of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Cancelled

PATIENCE = 0.1
"""Seconds between two looks at the cancel token while a slow disk or device is waited for."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is.

    total: 0 where nobody knows it. rate: items a second; seconds_left: None until a rate and the total are known.
    """

    stage: str
    done: int
    total: int
    rate: float
    seconds_left: float | None


ProgressCallback = Callable[[Progress], None]


class CancelToken:
    """Set from any thread; long work asks it between batches, and stands still there while it is paused.

    standing: told True as the work comes to a stand and False as it goes on, in the thread that works, which may do
    something else meanwhile: the time of the pause does not count for the work.
    """

    def __init__(self, standing: Callable[[bool], None] = lambda _: None) -> None:
        self._event = threading.Event()
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._standing = standing
        self.stood = 0.0
        """Seconds that the work stood still in all."""

    def cancel(self) -> None:
        """Stop at the next check, a pause included."""
        self._event.set()
        self._may_go_on.set()

    def pause(self) -> None:
        """Stand still at the next check until :meth:`resume` or :meth:`cancel`."""
        if not self._event.is_set():
            self._may_go_on.clear()

    def resume(self) -> None:
        self._may_go_on.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    @property
    def paused(self) -> bool:
        return not self._may_go_on.is_set()

    def check(self) -> None:
        """Wait while paused. Raise Cancelled once ``cancel`` was called."""
        if self.paused:
            self._stand()
        if self._event.is_set():
            raise Cancelled

    def _stand(self) -> None:
        began = time.monotonic()
        self._standing(True)
        while not self._may_go_on.wait(0.5):  # in slices: on Windows an endless wait is deaf to Ctrl-C
            pass
        self.stood += time.monotonic() - began
        self._standing(False)


class ProgressMeter:
    """Counts finished items of one stage and tells a callback, at most every ``interval`` seconds and at the end.

    Items that an earlier, interrupted run had finished count as done but not for the rate, and neither does the time
    that ``cancel`` made the work stand still.
    """

    def __init__(
        self, stage: str, total: int, tell: ProgressCallback, *, already_done: int = 0, interval: float = 0.5,
        cancel: CancelToken | None = None,
    ) -> None:  # fmt: skip
        self._stage, self._total, self._tell = stage, total, tell
        self._done = self._resumed_at = already_done
        self._started = self._told = time.monotonic()
        self._interval = interval
        self._cancel = cancel
        self._stood_before = self._stood

    @property
    def _stood(self) -> float:
        return self._cancel.stood if self._cancel is not None else 0.0

    def advance(self, items: int) -> None:
        self._done += items
        now = time.monotonic()
        if now - self._told < self._interval and (self._done < self._total or not self._total):
            return
        self._told = now
        elapsed = now - self._started - (self._stood - self._stood_before)
        rate = (self._done - self._resumed_at) / elapsed if elapsed > 0 else 0.0
        left = (self._total - self._done) / rate if rate > 0 and self._total else None
        self._tell(Progress(self._stage, self._done, self._total, rate, left))
