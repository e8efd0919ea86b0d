"""Progress with rate and time left, and cancellation, for every long piece of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is. rate: items a second; seconds_left: None until a rate is known."""

    stage: str
    done: int
    total: int
    rate: float
    seconds_left: float | None


ProgressCallback = Callable[[Progress], None]


class CancelToken:
    """Set from any thread; long work asks it between batches."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled once ``cancel`` was called."""
        if self._event.is_set():
            raise Cancelled


class ProgressMeter:
    """Counts finished items of one stage and tells a callback, at most every ``interval`` seconds and at the end.

    Items that an earlier, interrupted run had finished count as done but not for the rate.
    """

    def __init__(
        self, stage: str, total: int, tell: ProgressCallback, *, already_done: int = 0, interval: float = 0.5
    ) -> None:
        self._stage, self._total, self._tell = stage, total, tell
        self._done = self._resumed_at = already_done
        self._started = self._told = time.monotonic()
        self._interval = interval

    def advance(self, items: int) -> None:
        self._done += items
        now = time.monotonic()
        if now - self._told < self._interval and self._done < self._total:
            return
        self._told = now
        elapsed = now - self._started
        rate = (self._done - self._resumed_at) / elapsed if elapsed > 0 else 0.0
        left = (self._total - self._done) / rate if rate > 0 else None
        self._tell(Progress(self._stage, self._done, self._total, rate, left))
