"""What a program that started this one says on standard input: ``pause``, ``resume`` and ``cancel``, one a line."""

from __future__ import annotations

import io
import os
import sys
import threading

from core.progress import CancelToken


def listen_for_commands(token: CancelToken) -> None:
    """Obey the commands on standard input from now on; unknown lines are left alone.

    Works with pipes on every system, which signals do not. A parent that goes away leaves the run going; one that goes
    while the run is paused leaves nobody to resume it, so it stops as if cancelled and can be gone on with.
    """
    try:
        number = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError, io.UnsupportedOperation):  # none, closed, or a stand-in
        return
    threading.Thread(target=_obey, args=(number, token), name="commands", daemon=True).start()


def _obey(number: int, token: CancelToken) -> None:
    """Reads the descriptor itself: a thread that waits in ``sys.stdin`` holds a lock that Python wants as it ends."""
    commands = {b"pause": token.pause, b"resume": token.resume, b"cancel": token.cancel}
    rest = b""
    while read := _read(number):
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            if command := commands.get(line.strip()):
                command()
    if token.paused:
        token.cancel()


def _read(number: int) -> bytes:
    try:
        return os.read(number, 4096)
    except OSError:
        return b""
