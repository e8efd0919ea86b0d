"""What the wizard's pages share."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget, QWizardPage

from app.scrolling import Scrolled
from app.widgets import Toned, named
from app.wizard.choices import Choices

translate = QCoreApplication.translate

TABLE_HEIGHT = 180
"""The least that a page leaves a table, whose rows scroll by themselves."""


class Page(QWizardPage):
    """A page that says in two sentences what it is for, and keeps its answers in the wizard's ``choices``.

    What is in its ``body`` scrolls where the wizard is too small for it; ``head`` and ``foot`` stay in sight.
    """

    def __init__(self, choices: Choices, title: str, about: str) -> None:
        super().__init__()
        self.choices = choices
        self.setTitle(title)
        content = QWidget()
        self.head, self.body, self.foot = QVBoxLayout(), QVBoxLayout(content), QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(10)
        self.area = Scrolled(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 0, 8, 4)
        whole.setSpacing(10)
        self.head.addWidget(Toned(about))  # a wizard's own subtitle is cut off after its second line
        whole.addLayout(self.head)
        whole.addWidget(self.area, 1)
        whole.addLayout(self.foot)
        self.remark = named(Toned(), self.tr("Remark"))

    def form(self) -> QFormLayout:
        """A form at the end of the body."""
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(8)
        self.body.addLayout(form)
        return form

    def say(self, text: str, tone: str = "muted") -> None:
        """A remark under the page's fields; tone: one of theme.Tones."""
        self.remark.say(text, tone)


def task_names() -> dict[str, str]:
    """What is told of an image, by the keys that a run's events and results have for it, in words for a legend."""
    return {
        "attack": translate("Wizard", "attack"),
        "victim": translate("Wizard", "victim"),
        "hyperparameter": translate("Wizard", "hyperparameter"),
    }


def explain(form: QFormLayout, text: str) -> None:
    """A wrapped explanation below a field. Without a label beside it a form gives it more height than it takes."""
    form.addRow(QLabel(), Toned(text))
