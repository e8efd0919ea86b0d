"""What is said to a run: ``pause``, ``resume`` and ``cancel``, a line each, on its standard input or in a file."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from pathlib import Path

from core.progress import CancelToken

_LOOK = 0.2
"""Seconds between two looks at the file."""


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


def follow_commands(token: CancelToken, path: Path) -> None:
    """Obey the lines of a file, those that are added from now on too: whoever can write there may speak, at any time.

    Nobody's going away ends a pause, since anybody may come to resume it.
    """
    threading.Thread(target=_follow, args=(path, token), name="commands", daemon=True).start()


def _obey(number: int, token: CancelToken) -> None:
    """Reads the descriptor itself: a thread that waits in ``sys.stdin`` holds a lock that Python wants as it ends."""
    rest = b""
    while read := _read(number):
        rest = _say(rest + read, token)
    if token.paused:
        token.cancel()


def _follow(path: Path, token: CancelToken) -> None:
    offset, rest = 0, b""
    while not token.cancelled:
        try:
            with path.open("rb") as file:
                file.seek(offset)
                read = file.read()
        except OSError:  # not written yet
            read = b""
        offset += len(read)
        rest = _say(rest + read, token)
        time.sleep(_LOOK)


def _say(text: bytes, token: CancelToken) -> bytes:
    """Tell the token what the whole lines say; returns what follows the last of them."""
    commands = {b"pause": token.pause, b"resume": token.resume, b"cancel": token.cancel}
    *lines, rest = text.split(b"\n")
    for line in lines:
        if command := commands.get(line.strip()):
            command()
    return rest


def _read(number: int) -> bytes:
    try:
        return os.read(number, 4096)
    except OSError:
        return b""
