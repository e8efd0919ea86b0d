"""The analyst's tag and note beside an image, saved in the case as soon as the field is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QKeyCombination, QObject, QSignalBlocker, QStringListModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QCompleter, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.case.desk import CaseDesk
from app.images.row import Row
from app.widgets import named

_EXPORT = QKeyCombination(Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_E)


class NoteEdit(QPlainTextEdit):
    """Tab leaves it; leaving it is the end of an edit."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setTabChangesFocus(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.left.emit()


class RemarkPanel(QWidget):
    """The tag goes to every selected image, the note to the current one. Escape takes back what was typed."""

    def __init__(self, desk: CaseDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._rows: list[Row] = []
        self._current: Row | None = None
        self.tag = named(QLineEdit(clearButtonEnabled=True), self.tr("Tag"))
        self.note = named(NoteEdit(), self.tr("Note"))
        self.note.setFixedHeight(self.note.fontMetrics().height() * 3 + 14)
        self.note.setPlaceholderText(self.tr("Note on this image"))
        self._about = QLabel()
        self._about.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.tag.setCompleter(completer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 10)
        layout.setSpacing(6)
        for part in (self._about, self.tag, self.note):
            layout.addWidget(part)
        self._tag_edited = False  # QLineEdit's own flag does not know of what was taken from the list of known tags
        self.tag.textChanged.connect(self._edit_tag)
        self.tag.editingFinished.connect(self.save_tag)
        self.note.left.connect(self.save_note)
        desk.leaving.connect(self.finish)
        for part in (self.tag, self.note):
            part.setAcceptDrops(False)  # images dropped on them are for the window
            part.installEventFilter(self)
        self.show_rows(None, ())

    def show_rows(self, current: Row | None, selected: Sequence[Row]) -> None:
        """Show the remarks of what is selected now. What was typed about other rows before is saved first."""
        rows = [row for row in selected if row.record is not None]
        known = current if current is not None and current.record is not None else None
        if known is not self._current or {id(row) for row in rows} != {id(row) for row in self._rows}:
            self.finish()
        self._current, self._rows = known, rows
        tags = {row.remark.tag for row in self._rows}
        self._fill(tags.pop() if len(tags) == 1 else "", self._current.remark.note if self._current else "")
        self.tag.setEnabled(bool(self._rows))
        self.note.setEnabled(self._current is not None)
        several = len(self._rows) > 1
        self.tag.setPlaceholderText(self.tr("Different tags") if tags else self.tr("Tag"))
        self._about.setText(
            self.tr("Tag of the {n} selected images").format(n=len(self._rows)) if several else self.tr("Tag and note")
        )

    def _fill(self, tag: str, note: str) -> None:
        """But for a field that somebody is typing in."""
        blockers = [QSignalBlocker(self.tag), QSignalBlocker(self.note)]
        if tag != self.tag.text() and not self._tag_edited:
            self.tag.setText(tag)
        if note != self.note.toPlainText() and not self.note.document().isModified():
            self.note.setPlainText(note)
        del blockers

    def finish(self) -> None:
        """Save what is typed in a field that still has the focus."""
        self.save_tag()
        self.save_note()
        self._tag_edited = False  # where there was nothing that it could be saved to
        self.note.document().setModified(False)

    def _edit_tag(self) -> None:
        self._tag_edited = True

    def save_tag(self) -> None:
        if self._tag_edited and self._rows:
            self._tag_edited = False
            tag = self.tag.text().strip()
            self._desk.remark({row.entry.key: replace(row.remark, tag=tag) for row in self._rows})

    def save_note(self) -> None:
        if self.note.document().isModified() and self._current is not None:
            self.note.document().setModified(False)
            note = self.note.toPlainText().strip()
            self._desk.remark({self._current.entry.key: replace(self._current.remark, note=note)})

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if watched is self.tag and event.type() == QEvent.Type.FocusIn:
            rows = self._desk.session.images.rows
            self._known.setStringList(sorted({row.remark.tag for row in rows} - {""}))
        if isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride and event.keyCombination() == _EXPORT:
                event.ignore()  # on some systems it would go to the end of the line
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
                self._tag_edited = False
                self.note.document().setModified(False)
                self.show_rows(self._current, self._rows)
                return True
        return super().eventFilter(watched, event)
