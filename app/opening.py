"""How files, folders and pasted images come into a session's list."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.case.file import Opened
from app.images.row import Row
from app.requests import Entry
from core.folders import Searched, search
from core.progress import CancelToken, ProgressCallback
from core.wording import kinds

if TYPE_CHECKING:
    from app.session import Session


class Opening(QObject):
    """Looks through folders in the background, and puts what it finds into the list or the open case."""

    opened = Signal(object)
    """Keys of the rows that were opened, whether new or already there."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session

    def paths(self, paths: Sequence[str], *, subfolders: bool | None = None, remember: bool = True) -> None:
        """Files and folders, found in the background; ``opened`` tells when they are in the list."""
        if not paths:
            return
        session, case = self._session, self._session.desk.case
        paths = list(map(os.path.abspath, paths))  # as a case names them: absolute() would leave ".."
        if remember:
            session.settings.add_recent(*paths)
        deep = session.settings.flag("files/subfolders") if subfolders is None else subfolders
        if session.desk.takes(paths, deep):
            return

        def look(tell: ProgressCallback, cancel: CancelToken) -> Searched:
            return search(paths, deep, cancel=cancel, tell=tell)

        session.chores.run(self.tr("Looking for images"), look, lambda found: self._found(found, case))

    def pasted(self, name: str, data: bytes) -> None:
        """An image without a file, such as a pasted one."""
        if self._session.desk.case is not None:
            text = self.tr("A case holds files only. Save the image first, and open it.")
            self._session.message.emit(text)
            return
        self._add([Entry(next(self._session.new_keys), name, data)])

    def _found(self, found: Searched, case: Opened | None) -> None:
        """What was looked for while this case was open, or none."""
        session, paths = self._session, list(map(str, found.files))
        if case is not session.desk.case:  # they belong in no other case's evidence
            text = self.tr("{n} files were found for what was open before, and are not opened here. Open them again.")
            session.message.emit(text.format(n=f"{len(paths):,}"))
            return
        known = session.images.keys_by_path()
        fresh = [Entry(next(session.new_keys), path) for path in paths if path not in known]
        again = [known[path] for path in paths if path in known]
        self._add(fresh, again)
        if case is not None and again:  # they may have been changed since
            session.judge_again(again)
        if found.left_out:
            self._tell_left_out(found.left_out, case)

    def _tell_left_out(self, counts: Mapping[str, int], case: Opened | None) -> None:
        """That files in the folders that were opened are no images."""
        if case is not None:
            self._session.desk.file.note_left_out(case.path, counts)
        text = self.tr("Left out, hidden, linked or of no image type that is read: {kinds}")
        named = kinds(counts, self.tr("without a suffix"), self.tr("of other kinds"))
        self._session.message.emit(text.format(kinds=named))

    def _add(self, entries: Sequence[Entry], again: Sequence[int] = ()) -> None:
        session = self._session
        session.images.append([Row(entry) for entry in entries])
        if session.desk.case is not None:  # whose pack is settled
            session.judge(entries)
        if entries:
            session.packs.look(entries)
        self.opened.emit([*(entry.key for entry in entries), *again])
