"""Answers told anew, at another coverage or beside other clean images, without judging anything again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.judging import Telling
from app.requests import CoverRequest
from core.listed import Record

if TYPE_CHECKING:
    from app.session import Session

_SETTLE = 200
"""Milliseconds for which a slider may go on moving before all rows follow it."""


class Retelling(QObject):
    """Keeps the answers of one session's rows as they are to be told. A case tells all of its own alike."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._settling = QTimer(self, singleShot=True, interval=_SETTLE)
        self._settling.timeout.connect(self.now)
        session.worker.covered.connect(self._covered)

    @property
    def telling(self) -> Telling:
        return Telling(self._session.coverage, self._session.setup.reference)

    def soon(self) -> None:
        """In a moment, for a slider may go on moving; whoever asks meanwhile is served with the same."""
        if not self._settling.isActive():
            self._settling.start()

    def now(self) -> None:
        session, telling = self._session, self.telling
        rows = [(row.entry, row.record) for row in session.images.rows if row.record is not None]
        stale = tuple((entry, record) for entry, record in rows if not telling.holds(record))
        if stale and session.desk.case is None:
            session.worker.cover(CoverRequest(session.setup, stale, session.coverage))

    def _covered(self, request: CoverRequest, records: Sequence[Record]) -> None:
        session = self._session
        if (request.setup, request.coverage) != (session.setup, session.coverage):
            return
        fresh = []
        for (entry, old), new in zip(request.records, records, strict=True):
            row = session.images.row_of(entry.key)
            if row is not None and row.record is old is not new:  # it was not judged again meanwhile
                fresh.append((entry.key, new))
        session.keep(fresh)
