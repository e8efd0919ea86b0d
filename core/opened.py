"""What this user opened for which case, kept with the user's own data and not in the case.

A case may come from a stranger, and its log then names whatever folders the stranger likes. Only what is remembered
here is looked into unasked. Of the files that it lists those on other computers are left alone likewise: to ask for one
tells that computer who asks, and Windows signs in there.
"""

from __future__ import annotations

import ntpath
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from core.paths import user_data
from core.types import LogEntry

Place = tuple[str, bool]
"""A file or folder by its absolute path, and whether its subfolders were opened with it."""

DEEP, FLAT = "opened", "opened without its subfolders"
"""A case's log's words for what files were looked for in."""

_MOUNTED = ("/net/", "/Network/")
"""Where Unix systems fetch other computers' folders by their names."""


def named_in(log: Iterable[LogEntry]) -> dict[str, bool]:
    """What a case's log says was opened for it, and whether with its subfolders."""
    return {entry.detail: entry.action == DEEP for entry in log if entry.action in (DEEP, FLAT)}


def far(path: str) -> bool:
    """Whether a path names another computer by itself, and not by a drive or folder that somebody set up here."""
    return ntpath.splitdrive(path)[0].startswith(("\\\\", "//")) or path.startswith(_MOUNTED)


def covers(places: Mapping[str, bool], path: str) -> bool:
    """Whether a path is one of the places, or lies in one."""
    path = os.path.normpath(path)
    parent = os.path.dirname(path)  # noqa: PTH120 (paths of any system)
    if path in places or parent in places:
        return True
    while (above := os.path.dirname(parent)) != parent:  # noqa: PTH120
        parent = above
        if places.get(parent):
            return True
    return False


def remember(case: Path, places: Iterable[Place]) -> None:
    """Note what the user opened for the case at this path. What cannot be noted will be asked about."""
    known = _marks(case)
    fresh = [mark for mark in dict.fromkeys(map(_mark, places)) if mark not in known]
    with suppress(OSError):
        path = _file(case)
        path.parent.mkdir(exist_ok=True)
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
