"""What this user opened for which case, kept with the user's own data and not in the case.

A case may come from a stranger, and its log then names whatever folders the stranger likes. Only what is remembered
here is looked into unasked. Of the files that it lists those on other computers are left alone likewise: to ask for one
tells that computer who asks, and Windows signs in there.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from core.listed import LogEntry
from core.paths import user_data

Place = tuple[str, bool]
"""A file or folder by its absolute path, and whether its subfolders were opened with it."""

DEEP, FLAT = "opened", "opened without its subfolders"
"""A case's log's words for what files were looked for in."""

_MOUNTED = ("/net/", "/network/", "/proc/")
"""Where Unix systems fetch other computers' folders by their names, or reach all places a second time."""


class Ground:
    """What a user opened for a case. It grows as more is opened."""

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self._deep: dict[str, bool] = {}
        for path, subfolders in places:
            self.add(path, subfolders)

    def add(self, path: str, subfolders: bool) -> None:
        key = _bare(path)
        self._deep[key] = self._deep.get(key, False) or subfolders

    def allows(self, path: str) -> bool:
        """Whether a file that the case lists may be looked at."""
        return not far(path) or self.covers(path)

    def covers(self, path: str) -> bool:
        """Whether a path was opened, or lies in a folder that was."""
        path = _bare(path)
        parent = _above(path)
        if path in self._deep or parent in self._deep:
            return True
        while (above := _above(parent)) != parent:
            parent = above
            if self._deep.get(parent):
                return True
        return False


def _bare(path: str) -> str:
    """Without a separator at its end, which the root of a Windows share may have or not."""
    path = os.path.normpath(path)
    return path.rstrip("\\/") or path


def _above(path: str) -> str:
    return _bare(os.path.dirname(path))  # noqa: PTH120 (a string, as all of these)


def far(path: str) -> bool:
    """Whether a path names another computer by itself, and not by a drive or folder that somebody set up here.

    However it is written: Windows takes both separators, in any mixture.
    """
    if ntpath.normpath(path).startswith(("\\\\", "\\??\\")):
        return True
    return posixpath.normpath(path).lower().startswith(_MOUNTED)


def places_in(log: Iterable[LogEntry]) -> list[Place]:
    """What a case's log says was opened for it, each once."""
    return list(dict.fromkeys((entry.detail, entry.action == DEEP) for entry in log if entry.action in (DEEP, FLAT)))


def ground_of(case: Path, log: Iterable[LogEntry]) -> Ground:
    """Of what the log says, what this user opened for the case at this path."""
    return Ground(remembered(case, places_in(log)))


def remember(case: Path, places: Iterable[Place]) -> None:
    """Note what the user opened for the case at this path. What cannot be noted will be asked about."""
    known = _marks(case)
    fresh = [mark for mark in dict.fromkeys(map(_mark, places)) if mark not in known]
    with suppress(OSError):
        path = _file(case)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"".join(b"\n" + mark for mark in fresh))  # a line that was torn spoils no other


def remembered(case: Path, places: Iterable[Place]) -> list[Place]:
    """Those of the places that the user opened for the case at this path, in their order."""
    known = _marks(case)
    return [place for place in places if _mark(place) in known]


def _marks(case: Path) -> frozenset[bytes]:
    try:
        return frozenset(_file(case).read_bytes().split())
    except OSError:
        return frozenset()


def _file(case: Path) -> Path:
    name = os.fsencode(os.path.normcase(os.path.realpath(case)))
    return user_data() / "opened" / sha256(name).hexdigest()


def _mark(place: Place) -> bytes:
    """As a case's log spells it, for it holds no lone surrogates."""
    path, subfolders = place
    return sha256(f"{subfolders} {path}".encode("utf-8", "backslashreplace")).hexdigest().encode()
