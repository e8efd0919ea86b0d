"""How long something takes, in words: one phrasing for every place of the window."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

translate = QCoreApplication.translate

_MINUTES_FROM, _HOURS_ALONE_FROM = 90, 10
"""Seconds from which on minutes are said, and hours from which on minutes are left out."""


def duration(seconds: float) -> str:
    """ "40 s", "4 min", "1 h 20 min" or "14 h": nothing finer than what anybody waits by."""
    form, number = _said(seconds)
    return form.format(n=number)


def span(seconds: float, most: float) -> str:
    """A duration, or "4 to 11 min" or "50 min to 1 h 20 min" where the most is longer."""
    (form, low), (other, high) = _said(seconds), _said(most)
    to = translate("Durations", "{low} to {high}")
    if form != other:
        return to.format(low=form.format(n=low), high=other.format(n=high))
    return form.format(n=low if low == high else to.format(low=low, high=high))


def _said(seconds: float) -> tuple[str, int]:
    """A form for one number, {n}, and the number; of hours and minutes the form holds both."""
    if seconds < _MINUTES_FROM:
        return translate("Durations", "{n} s"), max(1, round(seconds))
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return translate("Durations", "{n} min"), minutes
    if hours >= _HOURS_ALONE_FROM or not minutes:
        return translate("Durations", "{n} h"), round(seconds / 3600)
    return translate("Durations", "{h} h {m} min").format(h=hours, m=minutes), 0
