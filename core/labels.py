"""Labels that mean the same in every pack."""

from collections.abc import Sequence

CLEAN = "clean"
"""The label of an image that nobody attacked, among the attacks and among the victims (Section 4.4)."""

NONE_OF_THESE = "none of these"
"""The last victim label where victims were asked: neither a victim of the pack nor one that was asked."""

FOLDER = "folder"
"""The data set of clean images from a folder, whichever folder that was."""


def clean_at(attacks: Sequence[str], victims: Sequence[str]) -> tuple[int, int] | None:
    """The index of "clean" among attack and victim labels, if it is one of both."""
    return (attacks.index(CLEAN), victims.index(CLEAN)) if CLEAN in attacks and CLEAN in victims else None
