"""The answer panel: who made the image, against what, with which hyperparameter, and how sure that is."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QPalette, QTextOption, QWheelEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.bars import CandidateBars, RangeBar
from app.labels import label_text
from app.sentence import (
    Tone,
    banners,
    case_sentence,
    changed_text,
    doubt_text,
    false_alarm_text,
    interval_text,
    is_clean,
    measure_text,
    seen_text,
    testimony_text,
)
from app.widgets import slider
from core.types import Attribution, ClassAnswer
from core.wording import coverage_text, percent, value_of

COVERAGES = (80, 99)
"""Least and most coverage on the slider, in percent."""


class Words(QLabel):
    """Wrapped text that can be selected and copied."""

    def __init__(self, *, muted: bool = False, factor: float = 1.0, bold: bool = False) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFont(theme.scaled(self.font(), factor, bold=bold))
        if muted:
            self.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Of no width: a long word, such as a path, is cut off rather than widening all that stands above and below."""
        return QSize(0, super().minimumSizeHint().height())


class Paragraph(QTextEdit):
    """Read-only text as high as it needs, broken inside a word where nothing else helps: hashes are long words."""

    def __init__(self, *, bold: bool = False) -> None:
        super().__init__()
        self.setFont(theme.scaled(self.font(), 1.0, bold=bold))
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabChangesFocus(True)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)

    def _grow(self, size: QSizeF) -> None:
        self.setFixedHeight(math.ceil(size.height()))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        event.ignore()  # it never scrolls; the panel around it does


class Banner(QLabel):
    """A coloured strip of text."""

    def __init__(self, tone: str, text: str) -> None:
        super().__init__(text)
        t = theme.tones()
        back = {"info": t.info_back, "warn": t.warn_back, "bad": t.bad_back}[tone]
        front = {"info": t.accent, "warn": t.warn, "bad": t.bad}[tone]
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setStyleSheet(
            f"background: {back}; color: {t.text}; border-left: 3px solid {front}; border-radius: 4px; "
            "padding: 8px 10px;"
        )


class TaskCard(QWidget):
    """One classification task: heading, the answer large, bars, doubt."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = Words(muted=True, factor=0.92)
        self.title.setText(title)
        self.answer = Words(factor=1.35, bold=True)
        self.bars = CandidateBars()
        self.bars.setAccessibleName(title)
        self.doubt = Words()
        self.measures = Words(muted=True, factor=0.92)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.title, self.answer, self.bars, self.doubt, self.measures):
            layout.addWidget(part)

    def show_answer(self, answer: ClassAnswer, beside: str = "") -> None:
        """beside: what else is said of its doubt."""
        self.answer.setText(f"{label_text(answer.label)}   {percent(answer.probability)}")
        self.bars.show_answer(answer)
        self.doubt.setText("\n".join(filter(None, (doubt_text(answer), beside))))
        self.measures.setText(measure_text(answer))


class TestimonyCard(QWidget):
    """What the victims said that were asked; hidden where none was."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = Words(muted=True, factor=0.92)
        self.title.setText(title)
        self.words = Words()
        self.words.setAccessibleName(title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addWidget(self.words)
        layout.addSpacing(8)
        layout.addWidget(_hairline())

    def show_answer(self, answer: Attribution) -> None:
        said = [testimony_text(testimony) for testimony in answer.heard]
        self.words.setText("\n\n".join(said))
        self.setVisible(bool(said))


class HyperparameterCard(QWidget):
    """The value under the predicted attack, and under the runner-up."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = Words(muted=True, factor=0.92)
        self.title.setText(title)
        self.answer = Words(factor=1.35, bold=True)
        self.range = RangeBar()
        self.range.setAccessibleName(title)
        self.interval = Words()
        self.sigma = Words(muted=True, factor=0.92)
        self.runner_up = Words(muted=True, factor=0.92)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.title, self.answer, self.range, self.interval, self.sigma, self.runner_up):
            layout.addWidget(part)

    def show_answer(self, answer: Attribution) -> None:
        first = answer.hyperparameter
        none = is_clean(answer)
        self.answer.setText(self.tr("None: the image is held for clean") if none else value_of(first))
        self.answer.setFont(theme.scaled(self.font(), 1.0 if none else 1.35, bold=not none))
        for part in (self.range, self.interval, self.sigma):
            part.setVisible(not none)
        if not none:
            self.range.show_answer(first)
            self.interval.setText(interval_text(first))
            self.sigma.setText(self.tr("Task σ {sigma}").format(sigma=f"{first.sigma:.3g}"))
        self.runner_up.setText(self._runner_up(answer))
        self.runner_up.setVisible(bool(self.runner_up.text()))

    def _runner_up(self, answer: Attribution) -> str:
        """The most probable attack after the first that has a hyperparameter, where it is a candidate.

        An interval was calibrated on images of its attack; of one that is ruled out it says nothing.
        """
        rest = zip(answer.attack.ranking[1:], answer.hyperparameters[1:], strict=True)
        held = ((c.label, value) for c, value in rest if c.label in answer.attack.prediction_set)
        found = next(((label, value) for label, value in held if value.name != "none"), None)
        if found is None:
            return ""
        label, value = found
        text = self.tr("If it was {attack} instead: {value}, {interval}")
        return text.format(attack=label, value=value_of(value), interval=interval_text(value))


class AttributionView(QWidget):
    """Shows one attribution, or says why there is none. ``coverage_changed`` carries the new target, 0 to 1."""

    coverage_changed = Signal(float)

    def __init__(self, coverage: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.attack = TaskCard(self.tr("Attack"))
        self.victim = TaskCard(self.tr("Victim"))
        self.hyperparameter = HyperparameterCard(self.tr("Hyperparameter"))
        self.testimonies = TestimonyCard(self.tr("What the victims say"))
        self.name = Paragraph(bold=True)
        self.name.setAccessibleName(self.tr("Name of the image"))
        self.sentence = Paragraph()
        self.sentence.setAccessibleName(self.tr("Sentence for the case file"))
        self.copy = QPushButton(self.tr("Copy sentence"))
        self._banners = QVBoxLayout()
        self._banners.setSpacing(6)
        self.hint = Words(muted=True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setContentsMargins(24, 24, 24, 24)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.hint)
        self.page = self._answer_page()
        self._pages.addWidget(self.page)
        self._shown = ("", "")
        self.slider = slider(*COVERAGES, self.tr("Coverage of prediction sets and intervals"))
        self.slider.setToolTip(self.tr("How often, over many images, the set or interval shall hold the truth"))
        self._coverage_text = QLabel()
        self._lay_out()
        self.set_coverage(coverage)
        self.slider.valueChanged.connect(self._cover)
        self.show_hint(self.tr("Select an image to see who made it."))

    def _answer_page(self) -> QScrollArea:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(self.name)
        layout.addLayout(self._banners)
        for card in (self.attack, self.victim, self.hyperparameter):
            layout.addWidget(card)
            layout.addWidget(_hairline())
        layout.addWidget(self.testimonies)  # long: the three answers come first
        heading = Words(muted=True, factor=0.92)
        heading.setText(self.tr("For the case file"))
        layout.addWidget(heading)
        layout.addWidget(self.sentence)
        layout.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(page)
        return area

    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 8, 16, 8)
        foot.setSpacing(10)
        foot.addWidget(QLabel(self.tr("Coverage")))
        foot.addWidget(self.slider, 1)
        foot.addWidget(self._coverage_text)
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages, 1)
        layout.addWidget(_hairline())
        layout.addLayout(foot)

    def set_coverage(self, coverage: float) -> None:
        blocker = QSignalBlocker(self.slider)
        self.slider.setValue(round(coverage * 100))
        del blocker
        self._coverage_text.setText(coverage_text(coverage))

    def show_hint(self, text: str) -> None:
        self._shown = ("", "")
        self.hint.setText(text)
        self._pages.setCurrentIndex(0)

    def show_attribution(self, name: str, answer: Attribution, *, changed: bool = False) -> None:
        """Another image's is read from its banners on; the same one's, such as at another coverage, where it was.

        changed: whether the file is another by now.
        """
        if self._shown != (name, answer.sha256):
            self._shown = name, answer.sha256
            self.page.verticalScrollBar().setValue(0)
        self.name.setPlainText(name)
        while (item := self._banners.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()  # it goes with the next turn of the event loop only
                old.deleteLater()
        told = banners(answer)
        for tone, text in [(Tone.BAD, changed_text()), *told] if changed else told:
            self._banners.addWidget(Banner(tone, text))
        self.attack.show_answer(answer.attack, false_alarm_text(answer))
        self.victim.show_answer(answer.victim, seen_text(answer))
        self.hyperparameter.show_answer(answer)
        self.testimonies.show_answer(answer)
        self.sentence.setPlainText(case_sentence(name, answer))
        self._pages.setCurrentIndex(1)

    @property
    def has_answer(self) -> bool:
        return self._pages.currentIndex() == 1

    def _cover(self, value: int) -> None:
        self._coverage_text.setText(coverage_text(value / 100))
        self.coverage_changed.emit(value / 100)


def _hairline() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setForegroundRole(QPalette.ColorRole.Mid)
    line.setFrameShadow(QFrame.Shadow.Plain)
    return line
