"""The child process that a training runs in, and the file through which it is followed.

Its events go to ``events.jsonl`` in the run's folder, so that following a run that is under way, coming back to one,
and looking at a finished one are the same thing: reading that file. What is said to a run goes to ``commands.txt``
beside it, whoever says it. A run outlives the program that started it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.files import in_use, make_folder, write_file
from core.frozen import is_frozen

EVENTS, LOG, SCENARIO, START, COMMANDS = "events.jsonl", "log.txt", "scenario.toml", "run.json", "commands.txt"
_LOOK = 250
"""Milliseconds between two looks at the events."""
_DIES = 5
"""Seconds within which a killed process is gone."""
_OBEYS = 60_000
"""Milliseconds within which a run ends that was told to."""

_left: dict[Path, subprocess.Popen[bytes]] = {}
"""Processes of ours that go on without their windows, by their folders."""


def program() -> list[str]:
    """How this program's command line is started: from a checkout, an installed wheel or a frozen build."""
    if is_frozen():
        console = Path(sys.executable).with_name("mtaa" + Path(sys.executable).suffix)
        return [str(console if console.exists() else sys.executable)]
    return [sys.executable, "-m", "app"]


def under_way(out: Path) -> bool:
    """Whether a process works in this folder: one that we left there, or anybody's."""
    if (ours := _left.get(out)) is not None:
        if ours.poll() is None:  # it may have not yet come to lock its folder
            return True
        del _left[out]
    return in_use(out)


def begun_with(out: Path) -> dict[str, Any]:
    """How the run in ``out`` was begun: its ``data``, ``download`` and ``device``; empty if that is not known."""
    try:
        found: dict[str, Any] = json.loads((out / START).read_text("utf-8"))
        kinds = (("data", str), ("download", bool), ("device", str))
        return {name: kind(found[name]) for name, kind in kinds if name in found}
    except (OSError, ValueError, TypeError):
        return {}


def _whole(path: Path) -> bool:
    """Whether the last line of a file that is there has its end."""
    with path.open("rb") as file:
        return file.seek(0, 2) == 0 or (file.seek(-1, 2) >= 0 and file.read() == b"\n")


class Child(QObject):
    """One run's process, if this program started it, and its events, whoever did."""

    told = Signal(str, object)
    """An event's kind and values (training.api.Event), in the order in which they came."""
    ended = Signal(bool)
    """The process is gone; whether it made its pack."""

    def __init__(self, out: Path, parent: QObject | None = None, works_in: Path | None = None) -> None:
        """out: where its events are. works_in: the run's folder, if that is another."""
        super().__init__(parent)
        self.out = out
        self._works_in = works_in or out
        self.finished = False
        self.last = ""
        """The kind of the event that came last."""
        self._status: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._offset = 0
        self._rest = b""
        self._over = True
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK)
        self._timer.timeout.connect(self.look)

    @property
    def running(self) -> bool:
        return not self._over

    def start(self, data: str, download: bool, device: str, work: Sequence[str] = ("run",)) -> None:
        """Begin the scenario in the run's folder, or go on with it. Raises WorkbenchError where nothing can be written.

        work: the command of ``mtaa`` that takes the scenario. Earlier events stay in the file: an epoch that was
        trained is still to be drawn.
        """
        make_folder(self.out)
        write_file(self.out / COMMANDS, b"")
        command = [*program(), *work, str(self.out / SCENARIO), "--out", str(self._works_in), "--device", device]
        command += ["--events", "--commands", str(self.out / COMMANDS)]
        data = str(Path(data).absolute()) if data else ""  # the process works in another folder
        command += ["--data", data] if data else []
        command += ["--download"] if download else []
        self.follow(from_now=True)
        quiet: dict[str, Any] = {"start_new_session": True}  # Ctrl+C in a terminal is meant for the window alone
        if sys.platform == "win32":
            quiet = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        with (self.out / EVENTS).open("ab") as events, (self.out / LOG).open("wb") as log:
            events.write(b"" if _whole(self.out / EVENTS) else b"\n")  # a killed process's last line stays alone
            events.write(b'{"event": "begun"}\n')  # whatever becomes of it, what was told before is of an earlier one
            events.flush()
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=events, stderr=log, cwd=Path(__file__).parents[2], **quiet
            )
        write_file(self.out / START, json.dumps({"data": data, "download": download, "device": device}).encode())
        self._over, self.last, self._status = False, "", None

    def follow(self, *, from_now: bool = False) -> None:
        """Tell the events in the file from its beginning, and those to come while a process adds to it."""
        path = self.out / EVENTS
        self._offset = path.stat().st_size if from_now and path.exists() else 0
        self._rest = b""
        self.finished = False
        self._over = self._process is None and not under_way(self._works_in)
        self._timer.start()

    def say(self, word: str) -> None:
        """``pause``, ``resume`` or ``cancel``, obeyed between two batches."""
        try:
            with (self.out / COMMANDS).open("ab") as file:
                file.write(f"{word}\n".encode())
        except OSError:  # the folder is gone, and the run with it
            self.look()

    def leave(self) -> None:
        """Look no more; the process goes on without us, and does so if it was paused."""
        if self.running:
            self.say("resume")
        self._timer.stop()
        if self._process is not None:
            _left[self._works_in] = self._process
            self._process = None

    def stop(self) -> None:
        """Cancel, and look no more. What is ours and does not obey is killed, for a run goes on from any moment."""
        self.say("cancel")
        if (process := self._process) is not None:
            QTimer.singleShot(_OBEYS, process.kill)  # which does nothing to one that has ended
        self.leave()

    def kill(self) -> None:
        """End what is ours at once, and wait for that: what it has done is not needed."""
        if self._process is not None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # one that waits for a disk ends when that answers
                self._process.wait(_DIES)
        self._timer.stop()
        self._process = None

    def look(self) -> None:
        """Read what is new in the file, then see whether the process is gone."""
        gone = self._gone()  # asked first: what it wrote before it went is read below
        path = self.out / EVENTS
        if path.exists():
            with path.open("rb") as file:
                file.seek(self._offset)
                read = file.read()
            self._offset += len(read)
            *lines, self._rest = (self._rest + read).split(b"\n")
            self._tell([event for line in lines if (event := _event(line)) is not None])
        if gone:
            self._timer.stop()
            if self._process is not None:
                self._status, self._process = self._process.returncode, None
            if not self._over:
                self._over = True
                self.ended.emit(self.finished)

    def failure(self) -> str:
        """Why the process ended, where its events do not say so: a fault of the program, or an end from outside."""
        if self.last in ("error", "cancelled") or self.finished or self._status == 0:
            return ""
        if self._status is not None and self._status < 0:  # a signal leaves nothing in the log
            return self.tr("It was ended from outside ({n}).").format(n=self._status)
        path = self.out / LOG
        said = path.read_text("utf-8", errors="replace").strip().splitlines() if path.exists() else []
        if said:
            return said[-1]
        return "" if self._status is None else self.tr("It was ended from outside ({n}).").format(n=self._status)

    def _tell(self, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Tell these in turn, of a step's progress the last only: after hours that nobody looked on there are many."""
        for (kind, values), (then, following) in zip(events, [*events[1:], ("", {})], strict=False):
            if kind == then == "progress" and values.get("stage") == following.get("stage"):
                continue
            self.last = kind
            self.finished = kind == "pack"  # which comes last; after it another run was begun here
            self.told.emit(kind, values)

    def _gone(self) -> bool:
        if self._process is None:
            return not under_way(self._works_in)
        return self._process.poll() is not None


def _event(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """What a line tells; None for one that a killed process did not finish."""
    try:
        values = json.loads(line)
        return values.pop("event"), values
    except (ValueError, KeyError, AttributeError):
        return None
