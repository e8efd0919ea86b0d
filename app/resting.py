"""How soon work on the GUI thread follows what it is about, so that the window stays awake however much there is."""

from __future__ import annotations

SOON = 150
"""Milliseconds between images that change and what is said of them."""

_REST = 9
"""Times as long as such work took, nothing of the kind is done after it."""


def resting(seconds: float) -> int:
    """Milliseconds before the next such work, of which the last took so long."""
    return max(SOON, int(_REST * 1000 * seconds))
