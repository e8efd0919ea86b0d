"""What this user opened for which case, kept with the user's own data and not in the case.

A case may come from a stranger, and its log then names whatever folders the stranger likes. Only what is remembered
here is looked into unasked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from core.paths import user_data

Place = tuple[str, bool]
"""A file or folder by its absolute path, and whether its subfolders were opened with it."""


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
