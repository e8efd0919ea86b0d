"""The case that a session works on: its rows are the list, what is opened goes into it, and its pack judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.case.elsewhere import Elsewhere
from app.case.file import CaseFile, Loaded, Opened
from app.images.row import Row
from app.requests import CaseRequest, Entry
from app.undo import SetRemarks
from core.errors import DamagedCaseError
from core.folders import as_case
from core.listed import Record, Remark

if TYPE_CHECKING:
    from app.session import Session


class CaseDesk(QObject):
    """The case side of one session. Without an open case it does nothing."""

    leaving = Signal()
    """The open case, or a list without one, is about to be put away."""
    changed = Signal()
    """Another case is open, or none."""
    recounted = Signal()
    """Rows of the case are now others than they were."""
    log_read = Signal(object)
    damaged = Signal(object)
    """A case could not be opened, of which something may still be read: the DamagedCaseError."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.case: Opened | None = None
        self._coming = 0  # cases that were asked for and not told of to their end
        self._partial = False  # the list holds some of the case's files and not yet all
        self._postponed: list[tuple[tuple[str, ...], bool]] = []
        self.file = CaseFile(self)
        self.elsewhere = Elsewhere(self)
        self._wire()

    def _wire(self) -> None:
        file, worker = self.file, self.session.worker
        file.opened.connect(self._opened)
        file.loaded.connect(self._loaded)
        file.complete.connect(self._complete)
        file.known.connect(self._known)
        file.logged.connect(self.log_read)
        file.unreadable.connect(self._unreadable)
        file.failed.connect(self.session.crashed)
        file.unsaved.connect(self._keep_unsaved)
        worker.filled.connect(self._filled)

    # Opening and closing.

    @property
    def loading(self) -> bool:
        """Whether a case is being read, or is to be."""
        return self._coming > 0

    def open(self, path: str) -> None:
        """Read a case; its files take the place of the list's. What is open stays if it cannot be read."""
        self._coming += 1
        self.elsewhere.withdraw()  # what is opened from now on goes into the other case
        self.file.open(Path(path).absolute(), self.session.setup)

    def create(self, path: str, files: Sequence[str] = ()) -> None:
        """A case of the pack in use and the coverage that is set, empty or of these files."""
        self._coming += 1
        if files:
            self._postponed.append((tuple(files), True))
        self.file.create(as_case(path).absolute(), self.session.setup, self.session.coverage)

    def close(self) -> None:
        """Put the case away and empty the list; everything is in the file. Another that is being read still comes."""
        if self.case is not None:
            another_comes = self._coming > self._partial
            self._put(None)
            if not another_comes:
                self.file.close()

    def _put(self, case: Opened | None) -> None:
        """Make it the open case, with nothing in the list yet."""
        self.leaving.emit()
        self.session.stop_judging()
        self.session.undo.clear()
        self.session.images.take([row.entry.key for row in self.session.images.rows])
        self.case, self._partial = case, case is not None
        self.changed.emit()

    def _opened(self, case: Opened) -> None:
        self.session.settings.add_recent(str(case.path))
        self._put(case)
        if case.pack is not None:
            self.session.use_pack(case.pack)

    def _loaded(self, files: Sequence[Loaded]) -> None:
        if self.case is None:  # it was closed meanwhile
            return
        keys, ground = self.session.new_keys, self.case.ground
        self.session.images.append(
            [Row(Entry(next(keys), file.path, None, ground), file.record, file.remark, file.places) for file in files]
        )
        self.recounted.emit()

    def _complete(self, waiting: int) -> None:
        """All rows are there. A run that was killed goes on by itself; one that was stopped, when somebody says so."""
        self._partial = False
        rows = self.session.images.rows
        if self.case is not None and rows:
            self.session.opening.opened.emit([rows[0].entry.key])
        if self.case is not None and self._coming == 1:  # no other takes its place at once
            self._begin(self.case, waiting)
        self._read_one()

    def _begin(self, case: Opened, waiting: int) -> None:
        """Say how the case stands, and go on with what was cut off."""
        say = self.session.message.emit
        if not self.can_fill:
            self._tell_no_pack(case)
        elif waiting and case.cut_off:
            text = self.tr("The last run was cut off. It goes on with the {n} files that still wait.")
            say(text.format(n=f"{waiting:,}"))
            self.session.judge_missing()
        elif waiting:
            text = self.tr("Files of this case that still wait: {n}. Image, Attribute what is still waiting goes on.")
            say(text.format(n=f"{waiting:,}"))
        elif not self.session.images.rows and not self._postponed:
            say(self.tr("The case is empty. Open a folder, or drop images, to put them into it."))
        if self.can_fill:
            self.elsewhere.ask(case.elsewhere)

    def _read_one(self) -> None:
        """After the last that was asked for, what was opened while it was being read comes."""
        self._coming -= 1
        if self.loading:
            return
        postponed, self._postponed = self._postponed, []
        for paths, subfolders in postponed:
            self.session.opening.paths(paths, subfolders=subfolders, remember=False)

    # Filling.

    @property
    def can_fill(self) -> bool:
        return self.case is not None and self.case.pack is not None

    def takes(self, paths: Sequence[str], subfolders: bool) -> bool:
        """Told of what is opened: the case notes it. Whether it is not to be opened now."""
        if self.loading:  # it waits until the case itself was read
            self._postponed.append((tuple(paths), subfolders))
            return True
        if self.case is not None and not self.can_fill:
            self._tell_no_pack(self.case)
            return True
        if self.case is not None:
            self.file.note_opened(self.case.path, paths, subfolders)
            for path in paths:
                self.case.ground.add(path, subfolders)
        return False

    def _tell_no_pack(self, case: Opened) -> None:
        text = self.tr("This machine has not the pack {pack} of the case: files cannot be added to it.")
        self.session.message.emit(text.format(pack=case.manifest.pack_id))

    def request(self, entries: Iterable[Entry]) -> CaseRequest | None:
        """Ask for what the case does not know of these files; None where its pack is not at hand."""
        if self.case is None or self.case.pack is None:
            return None
        paths = tuple(entry.path for entry in entries if entry.may_look)
        return CaseRequest(self.session.setup, self.case.path, paths, self.case.coverage, self.session.worker.token())

    def _filled(self, request: CaseRequest, records: Sequence[Record]) -> None:
        case, images = self.case, self.session.images
        if case is None or request.case != case.path:
            return
        keys = images.keys_by_path()
        found = [(keys[record.path], record) for record in records if record.path in keys]
        images.set_places({key: case.facets.places(record) for key, record in found})
        self.session.keep(found)
        self.recounted.emit()

    def ended(self, request: CaseRequest) -> None:
        """A run is over: files may have been found again under other names."""
        if self.case is not None and request.case == self.case.path:
            self.file.ask_known(request.case)

    def _known(self, case: Path, remarks: Mapping[str, Remark], writes: int) -> None:
        if self.case is None or self.case.path != case:  # it was put away meanwhile
            return
        if writes != self.file.writes:  # what was written since would be taken back
            self.file.ask_known(case)
            return
        images = self.session.images
        gone = [row.entry.key for row in images.rows if row.record is not None and row.entry.path not in remarks]
        images.take(gone)
        if gone:
            self._place_again(self.case)
        keys = images.keys_by_path()
        images.set_remarks({keys[path]: remark for path, remark in remarks.items() if path in keys})
        self.session.viewing.row_changed.emit()
        self.recounted.emit()

    def _place_again(self, case: Opened) -> None:
        """A file that is gone may have been the first of its copies."""
        judged = [(row.entry.key, row.record) for row in self.session.images.rows if row.record is not None]
        case.facets.begin_again()
        self.session.images.set_places({key: case.facets.places(record) for key, record in judged})
        self.session.images.set_records(judged)

    # Tags and notes.

    def remark(self, new: Mapping[int, Remark]) -> None:
        """Give rows tags and notes. Rows that are not in the case yet, and remarks that they have, are passed over."""
        rows = {key: self.session.images.row_of(key) for key in new}
        fresh = {
            key: new[key]
            for key, row in rows.items()
            if row is not None and row.record is not None and row.remark != new[key]
        }
        if fresh:
            self.session.undo.push(SetRemarks(self, fresh, self.tr("tag or note")))

    def write_remarks(self, remarks: Mapping[int, Remark]) -> None:
        """Give rows tags and notes. Only those that are others than before are written: the file may have newer ones
        from another window."""
        if self.case is None:  # only a case's rows have any
            return
        rows = [(row, new) for key, new in remarks.items() if (row := self.session.images.row_of(key)) is not None]
        tags = {row.entry.path: new.tag for row, new in rows if new.tag != row.remark.tag}
        notes = {row.entry.path: new.note for row, new in rows if new.note != row.remark.note}
        self.file.set_remarks(self.case.path, tags, notes, {row.entry.path: row.remark for row, _ in rows})
        self.session.images.set_remarks(remarks)
        self.session.viewing.row_changed.emit()

    def _keep_unsaved(self, texts: Sequence[str], error: Exception) -> None:
        """A note that somebody wrote is not lost with the file that it was for, whose own remarks are shown again."""
        if texts:
            QGuiApplication.clipboard().setText("\n".join(texts))
            error.add_note(self.tr("The note that could not be saved is on the clipboard."))
        self.session.crashed.emit(error)

    def _unreadable(self, error: BaseException) -> None:
        """A case that turns out to be damaged half-way is not shown in part: nobody could tell what is missing."""
        if self._partial:
            self.close()
        elif self.case is None:  # it was put away for one that does not come
            self.file.close()
        if self.case is not None and self._coming == 1:
            self._postponed.clear()  # it was to go into that case, and not into this one
        (self.damaged if isinstance(error, DamagedCaseError) else self.session.crashed).emit(error)
        self._read_one()
