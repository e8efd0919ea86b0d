"""The strip above everything that proposes another pack."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.pack_guide import PackGuide
from app.question_bar import QuestionBar
from app.widgets import named


class ProposalBar(QuestionBar):
    """Shown while a proposal stands."""

    def __init__(self, guide: PackGuide, home: QWidget, parent: QWidget) -> None:
        super().__init__(guide.accept, guide.decline, home, parent)
        named(self, self.tr("Proposal of another pack"))
        self._guide = guide
        guide.changed.connect(self._show_proposal)
        self._show_proposal()

    def _show_proposal(self) -> None:
        proposal = self._guide.proposal
        if proposal is None:
            self.withdraw()
            return
        use = _button(self.tr("&Use {pack}"), proposal.pack)
        keep = _button(self.tr("&Keep {pack}"), Path(proposal.instead_of).stem)
        self.ask(self._guide.words(), use, keep)


def _button(text: str, pack: str) -> str:
    return text.format(pack=pack.replace("&", "&&"))
