"""The strip above everything that says which known clean images answers are told beside, and forgets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QWidget

from app.question_bar import Strip
from app.widgets import named, plain_tip
from core.wording import at_most

if TYPE_CHECKING:
    from app.session import Session


class ReferenceBar(Strip):
    """Shown while there are any. take, forget: the actions, which a case turns off, for it keeps to its own."""

    def __init__(self, session: Session, take: QAction, forget: QAction, home: QWidget, parent: QWidget) -> None:
        self.forget = QPushButton()
        super().__init__((self.forget,), home, parent, edge=4)
        named(self, self.tr("Known clean images"))
        self.forget.setText(self.tr("F&orget"))
        self.forget.clicked.connect(forget.trigger)
        self._session = session
        self._tips = {action: action.toolTip() for action in (take, forget)}
        session.known_clean.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        reference, fixed = self._session.known_clean.reference, self._session.desk.case is not None
        kept = self.tr(
            "A case keeps to the known clean images that it began with, or to none. Close it to change them."
        )
        why = kept if fixed else ""
        for action, tip in self._tips.items():
            action.setToolTip("\n".join(filter(None, (tip, why))))
        self.forget.setEnabled(not fixed)
        self.forget.setToolTip(plain_tip(why))
        if reference is None:
            self.withdraw()
            return
        self.setToolTip(plain_tip(self._about(reference.images)))
        words = self._told(reference.images, reference.suspect)
        if self.isHidden() or words != self.words.text():  # else it was said before
            self.say(words)

    def _told(self, images: int, suspect: int) -> str:
        if images == 1:
            one = self.tr("Told beside 1 known clean image, which looks attacked to the pack.")
            return one if suspect else self.tr("Told beside 1 known clean image, which looks clean to the pack.")
        if not suspect:
            text = self.tr("Told beside {n} known clean images: none of them looks attacked to the pack.")
        elif suspect == 1:
            text = self.tr("Told beside {n} known clean images: 1 of them looks attacked to the pack.")
        else:
            text = self.tr("Told beside {n} known clean images: {k} of them look attacked to the pack.")
        return text.format(n=f"{images:,}", k=f"{suspect:,}")

    def _about(self, images: int) -> str:
        text = self.tr(
            "Clean images of another camera, scanner or program may look attacked to the pack. So it is counted how "
            "many of those that are known look at least as attacked as an image; what the pack says of it stays as it "
            "is. Beside {n} of them no share under {least} can be told: 19 are needed for 5 %, 99 for 1 %. Choose them "
            "whatever the pack says of them, or the share is not true."
        )
        return text.format(n=f"{images:,}", least=at_most(1 / (images + 1)))
