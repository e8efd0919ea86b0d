"""Images that the analyst knows to be clean, of the source of those in question: answers are told beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.error_words import in_words
from app.requests import Setup
from core.errors import PackError
from core.types import Reference

if TYPE_CHECKING:
    from app.session import Session

_KEY = "attribution/reference"


class KnownClean(QObject):
    """The known clean images of one session, as a pack and victims judged them; those of a case are its own."""

    changed = Signal()
    """Others are in use, or none; or it is a case now that keeps to them."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._read: tuple[str, list[object], Reference | None] = "", [], None
        session.desk.changed.connect(self.changed)

    @property
    def reference(self) -> Reference | None:
        """What answers are told beside now."""
        return self._session.setup.reference

    def judged_by(self, pack: str, ask: bool, victims: Sequence[str]) -> Reference | None:
        """What the settings hold, if this pack judged them, and such victims were asked."""
        text = self._session.settings.text(_KEY)
        if text != self._read[0]:
            self._read = text, *_told(text)
        _, judges, reference = self._read
        return reference if judges == [pack, ask, list(victims)] else None

    def take(self, keys: Sequence[int]) -> None:
        """These rows are known to be clean, whatever is said of them; they take the place of others."""
        from core.reference import reference_of  # noqa: PLC0415  (torch)

        session = self._session
        rows = [row for key in keys if (row := session.images.row_of(key)) is not None]
        answers = [row.attribution for row in rows if row.attribution is not None]
        if not answers and any(row.record is None for row in rows):
            session.message.emit(self.tr("None of the selected images has been judged yet."))
            return
        try:
            reference = reference_of(answers)
        except PackError as error:
            session.message.emit(in_words(str(error)))
            return
        session.set_setup(replace(session.setup, reference=reference))
        if left := len(rows) - len(answers):
            text = self.tr("Not among the known clean images, for they have no answer: {n}")
            session.message.emit(text.format(n=f"{left:,}"))

    def forget(self) -> None:
        self._session.set_setup(replace(self._session.setup, reference=None))

    def keep(self, old: Setup, new: Setup) -> None:
        """In the settings, as one setup follows another. Until others are taken those judged otherwise stay there."""
        if _judges(old) == _judges(new) and new.reference != old.reference:
            self._session.settings[_KEY] = _kept(new, new.reference)
        self.follow(old)

    def follow(self, old: Setup) -> None:
        """Say so where other ones judge now, beside whose answers those of the ones before do not belong."""
        if old.reference is not None and self.reference is None and self._session.settings.text(_KEY):
            text = self.tr("The known clean images are left out while another pack or other victims judge.")
            self._session.message.emit(text)


def _judges(setup: Setup) -> list[object]:
    """Who said what a reference is made of. A closed set does not tell whether there was an attack."""
    return [setup.pack, setup.ask, list(setup.victims)]


def _kept(setup: Setup, reference: Reference | None) -> str:
    from core.records import reference_to_json  # noqa: PLC0415  (pydantic)

    return "" if reference is None else json.dumps([*_judges(setup), reference_to_json(reference)])


def _told(text: str) -> tuple[list[object], Reference | None]:
    """What :func:`_kept` wrote; nothing where somebody else wrote there."""
    if not text:
        return [], None
    from core.records import reference_from_json  # noqa: PLC0415  (pydantic, for whoever has any)

    try:
        *judges, told = json.loads(text)
        return judges, reference_from_json(told)
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        return [], None
