"""Files and folders that somebody names -> the files to attribute, and what of the folders is left out."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.progress import CancelToken, ProgressCallback, ProgressMeter

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".gif", ".npy"})
"""Suffixes, in lower case, of the files that are picked from a folder whatever they begin with."""

_BEGINNINGS = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|BM....\0\0\0\0|II\*\0|MM\0\*|RIFF....WEBP|....ftypavi[fs]|GIF8[79]a|\x93NUMPY",
    re.DOTALL,
)
"""Of files of these types: evidence is often named by its hash, and whoever hides an image renames it."""

_KEPT = (b"SQLite format 3\0", b"PK\x03\x04")
"""How cases and packs begin, whatever they are called, and other databases and archives, which are to stay as well."""

_LONGEST = 10
"""Characters of a suffix; what is longer is the end of a sentence with a full stop in it."""

CASE_SUFFIX, PACK_SUFFIX = ".mtaacase", ".mtaapack"
_OWN = re.compile(rf"({re.escape(CASE_SUFFIX)}|{re.escape(PACK_SUFFIX)})\b", re.IGNORECASE)
"""In the names of this program's own files, and of those that it keeps beside them."""

_FURNITURE = frozenset({"thumbs.db", "desktop.ini"})
"""What Windows puts into folders, hidden there and nowhere else."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What lies under files and folders.

    files: to attribute. left_out: how many files of the folders are of no image type that is read, by their suffix, and
    how many images and folders are hidden or links; what begins as an image is one under any name.
    """

    files: list[Path]
    left_out: Counter[str]


def as_case(path: str) -> Path:
    """The file of a case that somebody named, who may have left its suffix out."""
    return Path(path if path.lower().endswith(CASE_SUFFIX) else path + CASE_SUFFIX)


def find_images(paths: Iterable[str | Path], recursive: bool = True, cancel: CancelToken | None = None) -> list[Path]:
    """The files to attribute, as :func:`search` finds them."""
    return search(paths, recursive, cancel=cancel).files


def search(
    paths: Iterable[str | Path],
    recursive: bool = True,
    apart: Iterable[Path] = (),
    cancel: CancelToken | None = None,
    tell: ProgressCallback = lambda _: None,
) -> Searched:
    """The files to attribute: those named, as they are, and the image files of the folders named.

    A file that was named stays even when it is no image or does not exist, so that it shows up with the reason.
    Files in folders come in natural order ("2.png" before "10.png"). No path comes twice. Hidden images and folders are
    left out, and links to folders, the program's own files and those ``apart`` without a word. tell: how many images
    there are so far.
    Raises Cancelled at the next folder after ``cancel``.
    """
    found: dict[Path, None] = {}
    others: dict[Path, str] = {}
    cancel = cancel or CancelToken()
    meter = ProgressMeter("search", 0, tell)
    for path in map(Path, paths):
        if not _is_folder(path):
            found[path] = None
            continue
        for file, kind in _walk(path, recursive, cancel):
            if kind is None:
                found[file] = None
                meter.advance(1)
            else:
                others[file] = kind
    known = set(map(os.path.abspath, apart))
    return Searched(
        list(found),
        Counter(kind for file, kind in others.items() if file not in found and os.path.abspath(file) not in known),  # noqa: PTH100
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a parent that may not be entered, a null byte
        return False


def _walk(folder: Path, recursive: bool, cancel: CancelToken) -> Iterator[tuple[Path, str | None]]:
    """Each file that is looked at, and what is left out is counted as; None for what is taken for an image."""
    closed: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        cancel.check()
        if recursive:
            yield from ((Path(parent, name), kind) for name in folders if (kind := _unvisited(parent, name)))
        folders[:] = sorted((name for name in folders if recursive and not name.startswith(".")), key=_natural)
        for file in sorted(files, key=_natural):
            path = Path(parent, file)
            if file.startswith("."):
                if _begins_as_image(path):
                    yield path, "hidden"
            elif not (file.lower() in _FURNITURE or _OWN.search(file)):
                yield path, None if path.suffix.lower() in SUFFIXES or _begins_as_image(path) else _suffix(path)
    yield from ((path, None) for path in closed)  # each becomes a row that says why


def _unvisited(parent: str, folder: str) -> str:
    """As what a folder is counted that is not looked into; empty for one that is."""
    if folder.startswith("."):
        return "hidden folder"
    return "linked folder" if Path(parent, folder).is_symlink() else ""


def is_evidence(file: Path) -> bool:
    """Whether there is an image, a case or a pack at this path, which nothing else is to take the place of."""
    if not os.path.lexists(file):
        return False
    beginning = _beginning(file)
    return _OWN.search(file.name) is not None or bool(_BEGINNINGS.match(beginning)) or beginning.startswith(_KEPT)


def _begins_as_image(file: Path) -> bool:
    return _BEGINNINGS.match(_beginning(file)) is not None


def _beginning(file: Path) -> bytes:
    try:
        if not file.is_file():  # a pipe would be waited for
            return b""
        with file.open("rb") as opened:
            return opened.read(16)
    except OSError:
        return b""


def _suffix(file: Path) -> str:
    return file.suffix.lower() if len(file.suffix) <= _LONGEST else ""


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"([0-9]+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
