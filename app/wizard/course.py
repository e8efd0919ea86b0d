"""How far a run is: its place among the run's steps, and what the estimate says is still to come. Free of Qt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.wizard.child import EVENTS, SCENARIO, begun_with
from core.errors import WorkbenchError
from training.api import Part, Step, read_scenario

TRIAL = "estimate"
"""The folder, in the run's own, in which a trial before it writes."""

Estimate = Mapping[str, Any]


def estimate_of(out: Path) -> Estimate | None:
    """What a trial found of the very run in ``out``, on the device that it computes on."""
    trial = out / TRIAL
    try:
        if read_scenario(trial / SCENARIO) != read_scenario(out / SCENARIO) or begun_with(trial) != begun_with(out):
            return None
        told = [json.loads(line) for line in (trial / EVENTS).read_text("utf-8").splitlines()]
    except (WorkbenchError, OSError, ValueError):
        return None
    return next((event for event in reversed(told) if event.get("event") == "estimate"), None)


class Course:
    """Steps that are gone through one after the other; ``take`` follows a run by what its progress tells.

    estimate: an "estimate" event (training.api.Event), by whose seconds the steps then count.
    """

    def __init__(self, steps: Sequence[Step], estimate: Estimate | None = None) -> None:
        self._steps = steps
        self._at, self._done, self._total = -1, 0, 0
        self.parts: list[Part] = list(dict.fromkeys(step.part for step in steps))
        self._estimated = estimate is not None
        stages = {(s["kind"], s["name"]): (s["seconds"], s["most"]) for s in (estimate or {}).get("stages", ())}
        sizes: dict[tuple[str, str] | None, float] = {}
        for step in steps:
            sizes[step.stage] = sizes.get(step.stage, 0.0) + step.size
        unknown = (0.0, 0.0) if self._estimated else (1.0, 1.0)
        shares = [step.size / sizes[step.stage] if step.size else 0.0 for step in steps]
        times = [stages.get(step.stage, unknown) if step.stage else (0.0, 0.0) for step in steps]
        self._seconds = [share * seconds for share, (seconds, _) in zip(shares, times, strict=True)]
        self._most = [share * most for share, (_, most) in zip(shares, times, strict=True)]

    @property
    def step(self) -> Step | None:
        """The one in hand, or that ended last; None before the first."""
        return self._steps[self._at] if self._at >= 0 else None

    @property
    def following(self) -> Step | None:
        """The step of some length that comes next."""
        return next((step for step in self._steps[self._at + 1 :] if step.size), None)

    @property
    def is_between(self) -> bool:
        """Whether a step has ended and the next one has not told of itself."""
        return self._done >= self._total

    @property
    def has_left_part(self) -> bool:
        """Whether all of the part of the step that ended last was told to be done."""
        return self._total == 0

    @property
    def share(self) -> float:
        """Of the part in hand, how much is done."""
        if self.step is None:
            return 0.0
        own = [at for at, step in enumerate(self._steps) if step.part == self.step.part]
        whole = sum(self._seconds[at] for at in own)
        done = sum(self._seconds[at] for at in own if at < self._at) + self._seconds[self._at] * self._within
        return done / whole if whole else self._within

    @property
    def _within(self) -> float:
        return self._done / self._total if self._total else 1.0

    def take(self, name: str, done: int, total: int) -> None:
        """A progress event. One of a name that the run was not thought to have leaves its place as it is."""
        goes_on = self.step is not None and self.step.name == name and not self.is_between and done >= self._done
        if not goes_on:
            later = (at for at, step in enumerate(self._steps) if at > self._at and step.name == name)
            self._at = next(later, self._at)
        self._done, self._total = done, total

    def end(self, part: Part) -> None:
        """All of a part is done, whatever its steps have told."""
        last = max((at for at, step in enumerate(self._steps) if step.part == part), default=-1)
        if last >= self._at:
            self._at, self._done, self._total = last, 0, 0

    def left(self, of_step: float | None) -> tuple[float, float] | None:
        """Seconds to the end of the run, expected and at most; None where nothing was estimated.

        of_step: what the step itself tells, which knows better.
        """
        if not self._estimated:
            return None
        now = (of_step, of_step) if of_step is not None else self._rest_of_step()
        seconds, most = sum(self._seconds[self._at + 1 :]), sum(self._most[self._at + 1 :])
        return now[0] + seconds, now[1] + most

    def _rest_of_step(self) -> tuple[float, float]:
        if self._at < 0:
            return 0.0, 0.0
        rest = 1 - self._within
        return self._seconds[self._at] * rest, self._most[self._at] * rest
