"""Pages to read: help, about, logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QPlainTextEdit, QTextBrowser, QVBoxLayout, QWidget

from app.crash import log_file
from app.error_words import in_words
from app.screen import fit
from core.paths import RESOURCES
from core.versions import versions
from core.wording import shown

if TYPE_CHECKING:
    from app.status_bar import Said
    from core.listed import LogEntry
    from core.verify import Verified

translate = QCoreApplication.translate
_LOG_TAIL = 200_000


class Page(QDialog):
    """A window of text with a row of buttons."""

    def __init__(self, title: str, text: QTextBrowser | QPlainTextEdit, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.text = text
        text.setReadOnly(True)
        text.setFrameShape(QFrame.Shape.NoFrame)
        text.setAccessibleName(title)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(text)
        layout.addWidget(self.buttons)


def help_dialog(parent: QWidget) -> Page:
    """The help page in the language of the window."""
    chinese = QLocale().language() == QLocale.Language.Chinese
    file = RESOURCES / "help" / ("zh_CN.md" if chinese else "en.md")
    browser = QTextBrowser()
    browser.document().setDocumentMargin(16)
    browser.setMarkdown(file.read_text(encoding="utf-8"))
    page = Page(translate("Reading", "Help"), browser, parent)
    fit(page, 720, 620)
    return page


def about_dialog(parent: QWidget) -> Page:
    """What the program is, with every version that an answer depends on."""
    what = translate(
        "Reading",
        "Tells who made an adversarial image: which attack, against which model, with which hyperparameter, "
        "how sure that is, and where the perturbation lies.",
    )
    method = translate("Reading", "The method is MTAA (arXiv 2302.14059). Licence: MIT.")
    rows = "".join(f"<tr><td>{name}&nbsp;&nbsp;</td><td>{version}</td></tr>" for name, version in versions().items())
    browser = QTextBrowser()
    browser.document().setDocumentMargin(16)
    browser.setHtml(f"<h2>MTAA Workbench</h2><p>{what}</p><p>{method}</p><table cellpadding=2>{rows}</table>")
    page = Page(translate("Reading", "About MTAA Workbench"), browser, parent)
    fit(page, 480, 400)
    return page


def case_log_dialog(entries: Sequence[LogEntry], parent: QWidget) -> Page:
    """What was done with a case, and when."""
    lines = [f"{entry.time}   {entry.action}: {shown(entry.detail)}" for entry in entries]
    return _record(translate("Reading", "Log of the case"), lines, parent)


def messages_dialog(said: Sequence[Said], parent: QWidget) -> Page:
    """What the status bar said, and when."""
    lines = [f"{one.time:%H:%M:%S}   {one.text}" for one in said]
    page = _record(translate("Reading", "Messages"), lines, parent)
    page.text.setPlaceholderText(translate("Reading", "Nothing has been said yet."))
    return page


def verified_dialog(found: Verified, parent: QWidget) -> Page:
    """Which files of a case are no longer those that were judged."""
    lists = (
        (translate("Reading", "Changed since they were judged: {n}"), found.changed),
        (translate("Reading", "Gone: {n}"), found.gone),
        (translate("Reading", "Not readable now: {n}"), list(map(in_words, found.unreadable))),
    )
    counts = (
        (translate("Reading", "Unchanged: {n}"), found.unchanged),
        (translate("Reading", "Never read, so that there is no hash to compare with: {n}"), found.never_read),
        (translate("Reading", "On other computers, not opened for this case by you: {n}"), found.elsewhere),
    )
    good = translate("Reading", "Every file that could be compared is as it was judged.")
    bad = translate("Reading", "Not every file is as it was judged.")
    lines = [good if found.all_as_they_were else bad, ""]
    lines += [text.format(n=f"{number:,}") for text, number in counts if number]
    for text, names in lists:
        if names:
            lines += ["", text.format(n=f"{len(names):,}"), *(f"    {shown(name)}" for name in names)]
    lines += ["", translate("Reading", "The log of the case keeps these numbers.")]
    page = _record(translate("Reading", "Files of the case"), lines, parent)
    page.text.moveCursor(QTextCursor.MoveOperation.Start)
    page.setObjectName("verified")
    return page


def log_dialog(parent: QWidget) -> Page:
    """The end of the log file."""
    text = log_file().read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:] if log_file().exists() else ""
    page = _record(translate("Reading", "Log"), [text], parent)
    page.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    page.text.setPlaceholderText(translate("Reading", "Nothing has been logged yet."))
    folder = page.buttons.addButton(translate("Reading", "Open folder"), QDialogButtonBox.ButtonRole.ActionRole)
    folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_file().parent))))
    return page


def _record(title: str, lines: Sequence[str], parent: QWidget) -> Page:
    """Lines of which the last are the newest."""
    editor = QPlainTextEdit("\n".join(lines))
    editor.moveCursor(QTextCursor.MoveOperation.End)
    page = Page(title, editor, parent)
    copy = page.buttons.addButton(translate("Reading", "Copy all"), QDialogButtonBox.ButtonRole.ActionRole)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(editor.toPlainText()))
    fit(page, 860, 520)
    return page
