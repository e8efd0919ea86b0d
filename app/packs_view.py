"""The packs dialog: which packs there are, what each says of itself, and which one judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile, QSignalBlocker, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.pack_page import pack_page
from app.pack_shelf import PackShelf
from app.question import asked
from app.save_dialog import ask_target
from app.screen import fit
from app.session import Session
from app.widgets import button, named, plain_tip
from core.folders import PACK_SUFFIX
from core.paths import is_own_pack

if TYPE_CHECKING:
    from core.pack import Check, ListedPack


def _as_pack(path: Path, _kind: str) -> Path:
    return path if path.suffix.lower() == PACK_SUFFIX else path.with_name(f"{path.name}{PACK_SUFFIX}")


class PacksDialog(QDialog):
    """Lists packs on the left and shows the chosen one on the right."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.shelf = PackShelf(session.reader)
        self.packs: list[ListedPack] = []
        self.setWindowTitle(self.tr("Model packs"))
        self.setAcceptDrops(True)
        self.list = named(QListWidget(), self.tr("Model packs"))
        self.list.setFixedWidth(220)
        self.page = named(QTextBrowser(), self.tr("About the chosen pack"))
        self.page.setFrameShape(QFrame.Shape.NoFrame)
        self.page.setAcceptDrops(False)
        self.page.document().setDocumentMargin(12)
        self.remark = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.remark.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use = button(self.tr("Use this pack"), self._use)
        self.verify = button(self.tr("Verify"), self._verify)
        self.import_ = button(self.tr("Import…"), self._import)
        self.export = button(self.tr("Export…"), self._export)
        self.remove = button(self.tr("Remove"), self._remove)
        self.close_ = button(self.tr("Close"), self.close)
        self._lay_out()
        self.list.currentRowChanged.connect(self._choose)
        self.shelf.listed.connect(self._listed)
        self.shelf.verified.connect(self._verified)
        self.shelf.imported.connect(self._imported)
        self.shelf.done.connect(self._done)
        self.shelf.failed.connect(self._tell)
        fit(self, 860, 560)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Packs may have come, and another may be in use, since it was last open."""
        super().showEvent(event)
        self.shelf.refresh()

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.addWidget(self.list)
        middle.addWidget(self.page, 1)
        buttons = QHBoxLayout()
        for one in (self.import_, self.export, self.remove, self.verify):
            buttons.addWidget(one)
        buttons.addStretch(1)
        buttons.addWidget(self.use)
        buttons.addWidget(self.close_)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addLayout(middle, 1)
        layout.addWidget(self.remark)
        layout.addLayout(buttons)

    @property
    def chosen(self) -> ListedPack | None:
        at = self.list.currentRow()
        return self.packs[at] if 0 <= at < len(self.packs) else None

    def _active(self, pack: ListedPack) -> bool:
        return self.session.setup.pack in (pack.path.stem, str(pack.path))

    def _listed(self, packs: list[ListedPack]) -> None:
        keep = self.chosen.path if self.chosen else None
        self.packs = packs
        blocker = QSignalBlocker(self.list)  # nobody chose anything
        self.list.clear()
        for pack in packs:
            mark = "●  " if self._active(pack) else "     "
            item = QListWidgetItem(mark + pack.path.stem)
            item.setToolTip(plain_tip(pack.error or (pack.manifest.title if pack.manifest else "")))
            self.list.addItem(item)
        wanted = next((n for n, pack in enumerate(packs) if pack.path == keep), None)
        active = next((n for n, pack in enumerate(packs) if self._active(pack)), 0)
        self.list.setCurrentRow(active if wanted is None else wanted)
        del blocker
        self._show()

    def _choose(self) -> None:
        """What was said of another pack is not said of this one."""
        self.remark.clear()
        self._show()

    def _tell(self, text: str) -> None:
        """Below what was told since something was last asked for: of packs taken together, each is told of."""
        self.remark.setText("\n".join(filter(None, (self.remark.text(), text))))

    def _show(self) -> None:
        pack = self.chosen
        usable = pack is not None and pack.manifest is not None
        fixed = self.session.desk.case is not None
        self.use.setEnabled(usable and not fixed and pack is not None and not self._active(pack))
        self.use.setToolTip(self.tr("A case keeps to its pack. Close it to use another.") if fixed else "")
        self.verify.setEnabled(pack is not None)
        self.export.setEnabled(usable)
        self.remove.setEnabled(pack is not None and is_own_pack(pack.path) and not self._active(pack))
        if pack is None:
            self.page.setPlainText(self.tr("There is no pack. Import one, or drop a pack file here."))
        elif pack.manifest is None:
            self.page.setPlainText(pack.error or "")
        else:
            self.page.setHtml(pack_page(pack.manifest, pack.path))

    def _use(self) -> None:
        if self.chosen is not None:
            self.session.set_setup(replace(self.session.setup, pack=self.chosen.path.stem))
            self.shelf.refresh()

    def _verify(self) -> None:
        if self.chosen is not None:
            self.remark.setText(self.tr("Verifying…"))
            self.shelf.verify(self.chosen.path)

    def _verified(self, path: Path, checks: list[Check]) -> None:
        lines = [f"{'✓' if check.ok else '✗'}  {check.name}: {check.detail}" for check in checks]
        self.remark.setText("\n".join([path.name, *lines]))

    def _import(self) -> None:
        kinds = self.tr("Model packs ({pattern})").format(pattern=f"*{PACK_SUFFIX}")
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Import pack"), str(Path.home()), kinds)
        if path:
            self.take([Path(path)])

    def take(self, paths: Sequence[Path]) -> None:
        """Import packs; what becomes of each is told."""
        self.remark.clear()
        self.shelf.import_packs(paths)

    def _imported(self, path: Path) -> None:
        self._tell(self.tr("{name} was verified and imported.").format(name=path.stem))

    def _export(self) -> None:
        pack = self.chosen
        if pack is None:
            return
        start = str(Path.home() / pack.path.name)
        target = ask_target(self, self.tr("Export pack"), start, f"*{PACK_SUFFIX}", _as_pack)
        if target is not None:
            self.remark.clear()
            self.shelf.export(pack.path, target)

    def _remove(self) -> None:
        """Into the trash: a pack may be a day of training. Where it cannot go there, for good, once that was asked."""
        pack = self.chosen
        if pack is None or self._active(pack):
            return
        self.remark.clear()
        if QFile(str(pack.path)).moveToTrash():
            self._done("trash")
            self.shelf.refresh()
            return
        text = self.tr("{name} cannot be moved to the trash. Deleted, it is gone for good.")
        if asked(self, text.format(name=pack.path.stem), self.tr("Delete it")):
            self.shelf.remove(pack.path)

    def _done(self, what: str) -> None:
        texts = {
            "export": self.tr("The pack was exported."),
            "remove": self.tr("The pack was removed."),
            "trash": self.tr("The pack was moved to the trash."),
        }
        self.remark.setText(texts[what])

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if any(url.toLocalFile().lower().endswith(PACK_SUFFIX) for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        files = [url.toLocalFile() for url in event.mimeData().urls()]
        self.take([Path(file) for file in files if file.lower().endswith(PACK_SUFFIX)])
        event.acceptProposedAction()
