"""What the wizard's pages share."""

from __future__ import annotations

from PySide6.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget, QWizardPage

from app import theme
from app.wizard.choices import Choices


class Page(QWizardPage):
    """A page that says in two sentences what it is for, and keeps its answers in the wizard's ``choices``."""

    def __init__(self, choices: Choices, title: str, about: str) -> None:
        super().__init__()
        self.choices = choices
        self.setTitle(title)
        self.setSubTitle(about)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(8, 8, 8, 4)
        self.body.setSpacing(10)
        self.remark = QLabel()
        self.remark.setWordWrap(True)
        self.remark.setAccessibleName(self.tr("Remark"))

    def form(self) -> QFormLayout:
        """A form at the end of the page."""
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(8)
        self.body.addLayout(form)
        return form

    def say(self, text: str, tone: str = "muted") -> None:
        """A remark under the page's fields; tone: one of theme.Tones."""
        self.remark.setText(text)
        self.remark.setStyleSheet(f"color: {getattr(theme.tones(), tone)}")


def muted(text: str, parent: QWidget | None = None) -> QLabel:
    """A wrapped explanation beside a field."""
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setStyleSheet(f"color: {theme.tones().muted}")
    return label
