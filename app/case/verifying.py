"""Whether the files of the open case are still those that were judged: read again beside all other work."""

from __future__ import annotations

from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.progress import CancelToken, ProgressCallback

if TYPE_CHECKING:
    from app.session import Session
    from core.report.subject import Subject
    from core.verify import Verified

_LOOK = 0.2
"""Seconds between two looks at whether somebody has stopped it."""


class Verifying(QObject):
    """Verifies a session's case, keeps in its log what was found, and tells of it."""

    verified = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session

    def begin(self) -> None:
        """Of the open case, whatever is opened meanwhile."""
        case = self._session.desk.case
        if case is not None:
            what = self.tr("Verifying {name}").format(name=case.path.name)
            self._session.chores.run(what, partial(self._verify, case.path), partial(self._end, case.path))

    def _verify(self, case: Path, tell: ProgressCallback, cancel: CancelToken) -> Verified:
        from core.verify import verify  # noqa: PLC0415  (pydantic)

        gathered: Future[Subject] = Future()
        self._session.desk.file.gather(case, None, gathered.set_result, gathered.set_exception)
        while wait([gathered], _LOOK).not_done:  # its thread may be reading another case
            cancel.check()
        return verify(gathered.result(), tell, cancel)

    def _end(self, case: Path, found: Verified) -> None:
        self._session.desk.file.note(case, "verified", found.in_words())
        self.verified.emit(found)
