"""The victims dialog: which of the pack's victims are at hand, and which others are asked as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QBrush, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.error_words import in_words
from app.requests import Setup
from app.screen import fit
from app.session import Session
from app.widgets import button, named, plain_tip
from core.errors import WorkbenchError

if TYPE_CHECKING:
    from app.wizard.bring_victim import BringVictimDialog
    from core.manifest import ImageSpec
    from core.victim_store import Offered

KINDS = (".safetensors", ".pt", ".pth", ".pt2", ".onnx", ".bin")
"""Of files that may hold a victim of this program, or another model."""


class _Looks(QObject):
    """Lives as long as the reader: a look may end after the dialog that asked for it is gone."""

    listed = Signal(object, object, object)
    """Setup, the victims that are offered for it, and what images its pack takes; None for one that cannot ask."""
    refused = Signal(object, str)
    """Setup, and why its victims cannot be told."""


class VictimsDialog(QDialog):
    """What is changed here applies at once, and the images are judged again."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.offered: list[Offered] = []
        self.bringing: BringVictimDialog | None = None
        self._image: ImageSpec | None = None
        """What the pack takes, once it was looked at; None for one that asks nobody."""
        self._unbringable = self.tr("The pack is being looked at.")
        """Why no model can become a victim for the pack; empty where one can."""
        self._left = ""
        """What was handed over last and is not taken, in words."""
        self._pending: list[str] = []
        """Dropped on the window before it is known what the pack takes."""
        self.setWindowTitle(self.tr("Victims to ask"))
        self.setAcceptDrops(True)
        about = QLabel(wordWrap=True)
        about.setText(
            self.tr(
                "A victim at hand is asked about every image: where its decision turns, and whether its gradient "
                "matches the perturbation. That says more than the image alone. All of it happens on this machine."
            )
        )
        self.ask = QCheckBox(self.tr("Ask the pack's own victims that are found"))
        self.ask.toggled.connect(self._ask)
        self.closed = QCheckBox(self.tr("Closed set: any attack was on one of those that are asked"))
        self.closed.setToolTip(
            plain_tip(
                self.tr(
                    "If you hold every model that can have been attacked: “none of these” is then no answer, and the "
                    "right one is named at least as often. If you are not sure, leave it open."
                )
            )
        )
        self.closed.toggled.connect(self._close_set)
        self.table = named(QTreeWidget(), self.tr("Victims"))
        self.table.setRootIsDecorated(False)
        self.table.setHeaderLabels([self.tr("Victim"), self.tr("Asked"), self.tr("File")])
        self.remark = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.remark.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hand_over = button(self.tr("Hand over a victim…"), self._choose)
        self.bring = button(self.tr("Bring a model of your own…"), self._bring)
        self.take_back = button(self.tr("Take back"), self._take_back)
        self.close_ = button(self.tr("Close"), self.close)
        self._lay_out(about)
        self.table.currentItemChanged.connect(self._enable)
        self._looks = _Looks(session.reader)
        self._looks.listed.connect(self._show)
        self._looks.refused.connect(self._refuse)
        fit(self, 720, 420)

    def _lay_out(self, about: QLabel) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.hand_over)
        buttons.addWidget(self.bring)
        buttons.addWidget(self.take_back)
        buttons.addStretch(1)
        buttons.addWidget(self.close_)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        for part in (about, self.ask):
            layout.addWidget(part)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.closed)
        layout.addWidget(self.remark)
        layout.addLayout(buttons)

    def refresh(self) -> None:
        """Look again for files, with nothing told yet; the table follows when they are found."""
        self._left = ""
        self._look_again()

    def _look_again(self) -> None:
        setup, looks = self.session.setup, self._looks
        for box, checked in ((self.ask, setup.ask), (self.closed, bool(setup.closed))):
            blocker = QSignalBlocker(box)
            box.setChecked(checked)
            del blocker
        self._enable()
        self.session.reader.submit(lambda: self._look(setup, looks))

    @staticmethod
    def _look(setup: Setup, looks: _Looks) -> None:
        from core.pack import find_pack, read_manifest  # noqa: PLC0415  (imports torch)
        from core.victim_store import offered  # noqa: PLC0415

        try:
            pack = find_pack(setup.pack)
            ask = setup.ask or setup.only is not None  # a case looks for its own
            handed = [Path(file) for file in setup.victims]
            manifest = read_manifest(pack)
            image = manifest.image if manifest.probes is not None else None
            looks.listed.emit(setup, offered(manifest, handed, ask=ask, pack=pack), image)
        except WorkbenchError as error:
            looks.refused.emit(setup, in_words(str(error)))

    def _show(self, setup: Setup, found: list[Offered], image: ImageSpec | None) -> None:
        if setup != self.session.setup:
            return  # another look is under way
        self.offered, self._image = found, image
        alone = self.tr("This pack judges by the image alone: its scenario had no [probes].")
        uneven = self.tr("A model is checked on clean images that are cut square, and this pack's images are not.")
        square = image is not None and image.height == image.width
        self._unbringable = alone if image is None else "" if square else uneven
        self.table.clear()
        for one in found:
            asked = self.tr("yes") if setup.asks(one.held) else self.tr("no")
            where = str(one.held.path) if one.held is not None else in_words(str(one.error))
            item = QTreeWidgetItem([one.name, asked, where])
            item.setToolTip(2, plain_tip(where))
            if one.held is None:
                tones = theme.tones()
                item.setForeground(2, QBrush(theme.color(tones.muted if one.known else tones.warn)))
            self.table.addTopLevelItem(item)
        for column in (0, 1):
            self.table.resizeColumnToContents(column)
        if not found:
            self._left = alone
        self._enable()
        self._hand_pending()

    def _refuse(self, setup: Setup, why: str) -> None:
        if setup == self.session.setup:
            self.table.clear()
            self._image, self._unbringable, self.offered, self._left = None, why, [], why
            self._enable()
            self._hand_pending()

    def _hand_pending(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self.hand(pending)

    def _enable(self) -> None:
        fixed = self.session.desk.case is not None
        self.ask.setEnabled(not fixed)
        self.closed.setEnabled(not fixed and bool(self.session.setup.closed or self._asked))
        self.hand_over.setEnabled(not fixed)
        why = self._why_none_is_brought()
        self.bring.setEnabled(not why)
        self.bring.setToolTip(plain_tip(why))
        self.take_back.setEnabled(not fixed and self._chosen is not None)
        told = (self._kept() if fixed else self._left, self._told_of_closed())
        self.remark.setText("\n".join(filter(None, told)))

    @property
    def _asked(self) -> list[Offered]:
        return [one for one in self.offered if self.session.setup.asks(one.held)]

    def _told_of_closed(self) -> str:
        """Whom a closed set rules out of the pack's own."""
        names = [one.name for one in self.offered if one.known and one not in self._asked]
        if not (self.session.setup.closed and names):
            return ""
        return self.tr("Ruled out in the closed set: {names}.").format(names=", ".join(names))

    def _kept(self) -> str:
        return self.tr("A case keeps to the victims that it began with.")

    def _why_none_is_brought(self) -> str:
        return self._unbringable if self.session.desk.case is None else self._kept()

    @property
    def _chosen(self) -> str | None:
        """The handed-over file of the current row."""
        at = self.table.currentIndex().row()
        if not 0 <= at < len(self.offered):
            return None
        path = self.offered[at].path
        return str(path) if path is not None and str(path) in self.session.setup.victims else None

    def _ask(self, ask: bool) -> None:
        setup = self.session.setup  # whoever is asked no longer may be the one
        self._apply(replace(setup, ask=ask, closed=setup.closed if ask else ()))

    def _close_set(self, closed: bool) -> None:
        asked = tuple(one.held.sha256 for one in self._asked if one.held is not None)
        self._apply(replace(self.session.setup, closed=asked if closed else ()))

    def _choose(self) -> None:
        kinds = self.tr("Victims ({pattern})").format(pattern=" ".join(f"*{kind}" for kind in KINDS))
        paths, _ = QFileDialog.getOpenFileNames(self, self.tr("Hand over a victim"), str(Path.home()), kinds)
        self.hand(paths)

    def hand_when_looked(self, paths: Sequence[str]) -> None:
        """Look again, then :meth:`hand`; but for a case, whose victims are settled: what the dialog shows says so."""
        self._pending = list(paths) if self.session.desk.case is None else []
        self.refresh()

    def hand(self, paths: Sequence[str]) -> None:
        """Ask the victims in these files as well. Of other models one is brought, if there is no victim among them."""
        from core.victim_store import is_victim  # noqa: PLC0415  (pydantic)

        victims = [path for path in paths if is_victim(Path(path))]
        others = [path for path in paths if path not in victims]
        why = self._why_none_is_brought()
        brought = [] if victims or why else others[:1]
        self._tell_left([Path(path).name for path in others if path not in brought], why)
        if victims:
            self.take(victims)
        for path in brought:
            self.bring_model(path)

    def _tell_left(self, names: Sequence[str], why: str) -> None:
        """These models, which were handed over and are no victims, are not brought now."""
        text = why or self.tr("Bring models of your own one at a time, and without victims beside them.")
        self._left = self.tr("Not taken: {names}. {why}").format(names=", ".join(names), why=text) if names else ""
        self._enable()

    def take(self, paths: list[str]) -> None:
        """Ask the victims in these files as well."""
        setup = self.session.setup
        files = dict.fromkeys([*setup.victims, *(str(Path(path).absolute()) for path in paths)])
        self._apply(replace(setup, victims=tuple(files)))

    def _bring(self) -> None:
        self.bring_model("")

    def bring_model(self, file: str) -> None:
        """Ask for a model that is no victim's file yet, check it, and ask it as well."""
        from app.wizard.bring_victim import BringVictimDialog  # noqa: PLC0415  (not needed for the first paint)

        if self._image is None or self._why_none_is_brought():
            return
        images = self.session.settings.text("attribution/clean-images")
        self.bringing = dialog = BringVictimDialog(self._image, self, self.session.reader, file, images)
        dialog.kept.connect(lambda path: self.take([path]))
        dialog.accepted.connect(lambda: self._remember(dialog.images.text()))
        dialog.open()

    def _remember(self, images: str) -> None:
        self.session.settings["attribution/clean-images"] = images

    def _take_back(self) -> None:
        setup, file = self.session.setup, self._chosen
        self._apply(replace(setup, victims=tuple(one for one in setup.victims if one != file), closed=()))

    def _apply(self, setup: Setup) -> None:
        self.session.set_setup(setup)
        self._look_again()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if self.hand_over.isEnabled() and _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        self.hand(_dropped(event))
        event.acceptProposedAction()


def _dropped(event: QDropEvent) -> list[str]:
    return [url.toLocalFile() for url in event.mimeData().urls() if url.toLocalFile().lower().endswith(KINDS)]
