"""Decoded images that are held somewhere, so that whoever wants one as well need not decode it again.

A file that was just opened is wanted by the viewer, its thumbnail, the choice of a pack and the worker at nearly the
same time, and a photograph in floats is large enough once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock
from weakref import WeakValueDictionary

from core.types import LoadedImage


class Decoded:
    """Keeps no image itself. Used from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._images: WeakValueDictionary[Hashable, LoadedImage] = WeakValueDictionary()
        self._turns: WeakValueDictionary[Hashable, _Turn] = WeakValueDictionary()

    def image(self, key: Hashable, decode: Callable[[], LoadedImage]) -> LoadedImage:
        """The image that somebody holds, or what ``decode`` gives: of several who ask, one decodes and others wait."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
        with turn.lock:
            with self._lock:
                image = self._images.get(key)
            if image is None:
                image = decode()
                with self._lock:
                    self._images[key] = image
            return image


class _Turn:
    """Lives for as long as somebody waits for its key."""

    def __init__(self) -> None:
        self.lock = Lock()


def file_key(path: str) -> Hashable:
    """Another one once the file is another or was written to; of its own where the file's state is not told."""
    with suppress(OSError, ValueError):  # ValueError: a null byte in the name
        state = os.stat(path)  # noqa: PTH116
        return path, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
    return object()
