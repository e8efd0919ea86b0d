"""What can be undone: rows taken from the list, tags and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from core.listed import Remark

if TYPE_CHECKING:
    from app.case.desk import CaseDesk
    from app.images.row import Row
    from app.requests import Setup
    from app.session import Session


class RemoveRows(QUndoCommand):
    """Takes rows from the list; undo puts them back where they were, to be judged if a run was on its way to them.

    So they are where their answers are another pack's by then, or rest on other victims.
    """

    def __init__(self, session: Session, keys: Sequence[int], text: str) -> None:
        super().__init__(text)
        self._session, self._keys = session, tuple(keys)
        self._taken: list[tuple[int, Row]] = []
        self._running = False
        self._judged_by: Setup | None = None
        self._current: int | None = None

    def redo(self) -> None:
        self._current = self._session.viewing.current
        self._judged_by = replace(self._session.setup, device="", reference=None)
        self._running = self._session.status.waiting > 0 or self._session.packs.is_looking
        self._taken = self._session.images.take(self._keys)

    def undo(self) -> None:
        stale = replace(self._session.setup, device="", reference=None) != self._judged_by
        known = self._session.images.keys_by_path()
        back, again = [], 0
        for at, row in self._taken:
            if row.entry.data is None and row.entry.path in known:  # opened again meanwhile
                again += 1
            else:
                back.append((at - again, row))
        for _, row in back if stale else ():
            row.become(None)
        self._session.images.insert(back)
        if self._running or stale:
            self._session.judge_missing()
        else:
            self._session.retelling.soon()
        if self._current in self._keys and self._session.images.row_of(self._current) is not None:
            self._session.came_back.emit(self._current)


class SetRemarks(QUndoCommand):
    """Gives rows tags and notes, in the case at once; undo gives them back what they had. new: by row key.

    Of tag and note only what was edited is touched, where it still is as it was: it may have become another since.
    """

    def __init__(self, desk: CaseDesk, new: Mapping[int, Remark], text: str) -> None:
        super().__init__(text)
        rows = {key: desk.session.images.row_of(key) for key in new}
        self._desk, self._new = desk, dict(new)
        self._old = {key: row.remark for key, row in rows.items() if row is not None}

    def redo(self) -> None:
        self._edit(self._old, self._new)

    def undo(self) -> None:
        self._edit(self._new, self._old)

    def _edit(self, before: Mapping[int, Remark], after: Mapping[int, Remark]) -> None:
        rows = {key: self._desk.session.images.row_of(key) for key in self._old}
        self._desk.write_remarks(
            {key: _edited(row.remark, before[key], after[key]) for key, row in rows.items() if row is not None}
        )


def _edited(now: Remark, before: Remark, after: Remark) -> Remark:
    """What stands there by now and is not what was set before, somebody else wrote."""
    return Remark(after.tag if now.tag == before.tag else now.tag, after.note if now.note == before.note else now.note)
