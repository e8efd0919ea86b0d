"""Work on pack files, off the GUI thread: list, verify, import, export, remove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.reader import Reader
from core.errors import WorkbenchError

if TYPE_CHECKING:
    from core.pack import ListedPack


class PackShelf(QObject):
    """Each method returns at once and answers through one of the signals.

    It lives as long as the reader: work may end after the window that asked for it is gone.
    """

    listed = Signal(object)
    """list of ListedPack."""
    verified = Signal(object, object)
    """Path and list of Check."""
    imported = Signal(object)
    """Path of the pack in the user's folder."""
    done = Signal(str)
    """What was done, by the method's name."""
    failed = Signal(str)

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._reader = reader

    def refresh(self) -> None:
        self._run(self._list)

    def verify(self, path: Path) -> None:
        def work() -> None:
            from core.pack import verify_pack  # noqa: PLC0415  (imports torch)

            self.verified.emit(path, verify_pack(path))

        self._run(work)

    def import_packs(self, paths: Sequence[Path]) -> None:
        """Verify packs and copy them to the user's folder under the names that they give themselves, one by one."""

        def take(path: Path) -> None:
            from core.pack_store import import_pack  # noqa: PLC0415  (imports torch)

            self.imported.emit(import_pack(path))

        def work() -> None:
            for path in paths:
                self._tell(partial(take, path))
            self._list()

        self._run(work)

    def export(self, path: Path, target: Path) -> None:
        def work() -> None:
            from core.pack_store import copy_pack  # noqa: PLC0415  (pydantic)

            copy_pack(path, target)
            self.done.emit("export")

        self._run(work)

    def remove(self, path: Path) -> None:
        """Delete one of the user's own packs."""

        def work() -> None:
            from core.pack_store import remove_pack  # noqa: PLC0415  (pydantic)

            remove_pack(path)
            self.done.emit("remove")
            self._list()

        self._run(work)

    def _list(self) -> None:
        from core.pack import list_packs  # noqa: PLC0415  (pydantic need not delay the first paint)

        found: list[ListedPack] = list_packs()
        self.listed.emit(found)

    def _run(self, work: Callable[[], None]) -> None:
        self._reader.submit(lambda: self._tell(work))

    def _tell(self, work: Callable[[], None]) -> None:
        """Do it; what goes wrong is told."""
        try:
            work()
        except WorkbenchError as error:
            self.failed.emit(str(error))
        except OSError as error:
            self.failed.emit(f"{error.filename}: {error.strerror}")
