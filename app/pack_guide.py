"""Which pack fits what is opened: looked at before it is judged, taken where nobody chose one, proposed otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.requests import Entry

if TYPE_CHECKING:
    from app.session import Session

translate = QCoreApplication.translate


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another pack at hand fits most of what was opened better than the one in use.

    pack: its name. width, height, grey: the images that it is made for. instead_of: the pack in use.
    """

    pack: str
    width: int
    height: int
    grey: bool
    instead_of: str


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """Entries that wait until it is known which pack fits them, and the pack that was in use when they came."""

    entries: tuple[Entry, ...]
    keys: frozenset[int]
    pack: str


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """better: the pack that fits most of the images, if it is not the one in use. others: how many of the images each
    other pack fits, and that one not. looked_at: how many images that was found out from.
    """

    better: Proposal | None = None
    others: Mapping[Path, int] = field(default_factory=dict)
    looked_at: int = 0


class PackGuide(QObject):
    """The choice of packs of one session. A pack that somebody chose, and that of a case, is never changed unasked."""

    changed = Signal()
    """Another proposal stands, or none."""
    _looked = Signal(object, object)
    """A look, and what was found."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.proposal: Proposal | None = None
        self._declined: set[tuple[str, str]] = set()
        self._looks: list[_Look] = []
        self._looked.connect(self._weigh)
        session.desk.changed.connect(self.withdraw)
        session.images.rowsRemoved.connect(self._forget_proposal_about_nothing)

    def look(self, entries: Sequence[Entry]) -> None:
        """See which pack fits; ``session.judge_waiting`` is called with them when that is settled."""
        look = _Look(tuple(entries), frozenset(entry.key for entry in entries), self.session.setup.pack)
        self._looks.append(look)
        self.session.reader.submit(partial(self._compare, look))

    def is_looking_at(self, entry: Entry) -> bool:
        return any(entry.key in look.keys for look in self._looks)

    @property
    def is_looking(self) -> bool:
        return bool(self._looks)

    def stop(self) -> None:
        """Drop what is being looked at: it is not to be judged."""
        self._looks.clear()

    def accept(self) -> None:
        """Use the proposed pack, for this session."""
        if self.proposal is not None:
            self.session.use_pack(self.proposal.pack)

    def decline(self) -> None:
        """Keep the pack in use, and do not propose the same again in this session."""
        if self.proposal is not None:
            self._declined.add((self.proposal.instead_of, self.proposal.pack))
            self.withdraw()

    def withdraw(self) -> None:
        self._propose(None)

    def _propose(self, proposal: Proposal | None) -> None:
        if proposal != self.proposal:
            self.proposal = proposal
            self.changed.emit()

    def _forget_proposal_about_nothing(self) -> None:
        if not self.session.images.rowCount():
            self.withdraw()

    def _compare(self, look: _Look) -> None:
        """Runs on a thread of the reader's. Whatever goes wrong, the images are judged."""
        found = _Found()
        try:
            found = _better(look)
        finally:
            self._looked.emit(look, found)

    def _weigh(self, look: _Look, found: _Found) -> None:
        if look not in self._looks:  # stopped meanwhile
            return
        self._looks.remove(look)
        session = self.session
        if session.setup.pack != look.pack:  # another is in use by now
            self.look(look.entries)
            return
        better = found.better
        if better is not None and (better.instead_of, better.pack) not in self._declined:
            self._take_or_propose(better)
        if found.others and (better is None or session.setup.pack == better.pack):
            session.message.emit(self._odd(found))
        session.judge_waiting(look.entries)

    def _odd(self, found: _Found) -> str:
        """That some of the images are of another kind than those that the pack in use is made for."""
        text = self.tr(
            "Images of another kind than {pack} is made for, whose answers may tell nothing: {n} of {m} that were "
            "looked at. {others} is made for them: open them by themselves."
        )
        names = ", ".join(path.stem for path in found.others)
        pack, odd = Path(self.session.setup.pack).stem, sum(found.others.values())
        return text.format(n=odd, m=found.looked_at, pack=pack, others=names)

    def _take_or_propose(self, found: Proposal) -> None:
        session = self.session
        if session.desk.case is not None:
            text = self.tr(
                "The pack {pack} is made for such images ({kind}), and {other}, which judges this case, is not. "
                "Close the case to use {pack}."
            )
            session.message.emit(_filled(text, found))
        elif session.may_take_pack:
            session.use_pack(found.pack)
            text = self.tr("The pack {pack} is now in use: it is made for such images ({kind}), and {other} is not.")
            session.message.emit(_filled(text, found))
        else:
            self._propose(found)

    def words(self) -> str:
        """The proposal as a sentence; empty where there is none."""
        if self.proposal is None:
            return ""
        text = self.tr(
            "The pack {pack} is made for such images ({kind}), and {other}, which is in use, is not. "
            "With {pack} everything in the list is judged again."
        )
        return _filled(text, self.proposal)


def _filled(text: str, proposal: Proposal) -> str:
    size = f"{proposal.width}×{proposal.height}"
    colour = translate("PackGuide", "grey") if proposal.grey else translate("PackGuide", "colour")
    return text.format(pack=proposal.pack, kind=f"{size}, {colour}", other=Path(proposal.instead_of).stem)


def _better(look: _Look) -> _Found:
    """Another pack than the one in use, if it fits most of the images looked at better; and for how many one does."""
    from core.errors import PackError  # noqa: PLC0415  (pydantic need not delay the first paint)
    from core.pack import ListedPack, find_pack, list_packs, read_manifest  # noqa: PLC0415
    from core.pack_choice import Source, choose_pack, look_at_some, rather  # noqa: PLC0415

    packs = [pack for pack in list_packs() if pack.manifest is not None]
    try:
        path = find_pack(look.pack)
        packs = [ListedPack(path, read_manifest(path), None), *(pack for pack in packs if pack.path != path)]
    except PackError:  # any other will do
        path = None
    if not packs or [pack.path for pack in packs] == [path]:
        return _Found()
    images = look_at_some([Source(entry.load, entry.header) for entry in look.entries])
    choice = choose_pack(packs, images)
    if choice is None:
        return _Found()
    others = rather(packs, images, choice.path)
    if choice.path == path:
        return _Found(None, others, len(images))
    image = choice.manifest.image
    better = Proposal(choice.path.stem, image.width, image.height, image.channels == 1, look.pack)
    return _Found(better, others, len(images))
