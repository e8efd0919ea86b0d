"""Cancel and pause: what long work does between two batches."""

from __future__ import annotations

import threading

import pytest

from core.errors import Cancelled
from core.progress import CancelToken, Progress, ProgressMeter


def paused_work(token: CancelToken) -> tuple[threading.Thread, list[str]]:
    """A thread that checks a paused token once; what it came to, when it has ended."""
    ended: list[str] = []

    def work() -> None:
        try:
            token.check()
            ended.append("went on")
        except Cancelled:
            ended.append("stopped")

    thread = threading.Thread(target=work)
    thread.start()
    return thread, ended


@pytest.mark.parametrize(("command", "outcome"), [("resume", "went on"), ("cancel", "stopped")])
def test_paused_work_stands_still_until_it_is_told(command: str, outcome: str) -> None:
    stands = threading.Event()
    states: list[bool] = []

    def standing(still: bool) -> None:
        states.append(still)
        stands.set()

    token = CancelToken(standing)
    token.pause()
    thread, ended = paused_work(token)
    assert stands.wait(10)
    assert token.paused and not ended
    getattr(token, command)()
    thread.join(10)
    assert ended == [outcome]
    assert states == [True, False]
    assert token.stood > 0


def test_what_is_cancelled_cannot_be_paused() -> None:
    token = CancelToken()
    token.cancel()
    token.pause()
    assert not token.paused
    with pytest.raises(Cancelled):
        token.check()


def test_the_rate_leaves_out_the_time_that_the_work_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    told: list[Progress] = []
    token = CancelToken()
    token.stood = 5.0  # in an earlier stage
    meter = ProgressMeter("work", 20, told.append, cancel=token)
    now[0], token.stood = 110.0, 105.0
    meter.advance(10)
    assert (told[-1].rate, told[-1].seconds_left) == (1.0, 10.0)


def test_work_of_unknown_length_is_told_of_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    told: list[Progress] = []
    meter = ProgressMeter("work", 0, told.append)
    for _ in range(5):
        now[0] += 0.2
        meter.advance(1)
    assert [(one.done, one.total, one.seconds_left) for one in told] == [(3, 0, None)]
