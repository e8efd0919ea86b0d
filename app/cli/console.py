"""How every command prints: plain text that file names cannot tamper with, and progress for people who watch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from core.errors import WorkbenchError
from core.progress import Progress, ProgressCallback
from core.wording import shown

EXIT_USAGE = 2
"""Of a command that could not do what it was told to."""

_BETWEEN = 60.0
"""Seconds between two lines of progress where no terminal shows bars."""

_PIPED_WIDTH = 100_000
"""Columns where no terminal sets a limit: tables take what they need, one line a file."""


def output() -> Console:
    """Standard output: as wide as the terminal, or without folding for whoever reads the pipe."""
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(width=_PIPED_WIDTH, highlight=False, markup=False, emoji=False)


@contextmanager
def writing_output(remedy: str) -> Iterator[None]:
    """Raises WorkbenchError where standard output takes no more; who reads a pipe may have enough of it."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkbenchError(f"Standard output cannot be written: {reason}.", remedy) from error


def notify(message: str, style: str = "") -> None:
    """One message on standard error."""
    Console(stderr=True, highlight=False).print(plain(message, style), soft_wrap=True)


def plain(text: str, style: str = "") -> Text:
    """Text on one line, legible to its end: a file's name is neither to drive the terminal nor to add a row."""
    return Text(shown(text), style=style)


def plain_lines(text: str) -> Text:
    """The same of what this program says in several lines."""
    return Text("\n").join(map(plain, text.split("\n")))


@contextmanager
def progress_bars() -> Iterator[ProgressCallback]:
    """A callback that draws one bar a stage with the time left on standard error; in a log, it says so now and then."""
    if not sys.stderr.isatty():
        yield _now_and_then()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        stages: dict[str, TaskID] = {}

        def tell(progress: Progress) -> None:
            if progress.stage not in stages:
                stages[progress.stage] = bars.add_task(progress.stage, total=progress.total, rate="", left="")
            bars.update(
                stages[progress.stage],
                completed=progress.done,
                total=progress.total,
                rate=f"{progress.rate:.1f}/s",
                left=time_left(progress.seconds_left),
            )

        yield tell


def _now_and_then() -> ProgressCallback:
    """Lines for a log: none of short work, one every ``_BETWEEN`` seconds of long work."""
    said = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal said
        if (now := time.monotonic()) - said >= _BETWEEN:
            said = now
            left = f", {time_left(progress.seconds_left)}" if progress.seconds_left is not None else ""
            notify(f"{progress.stage}: {progress.done:,} of {progress.total:,}, {progress.rate:.1f}/s{left}")

    return tell


def time_left(seconds: float | None) -> str:
    """ "0:01:30 left", or nothing while it is unknown."""
    return "" if seconds is None else f"{timedelta(seconds=round(seconds))} left"
