"""Labels that mean the same in every pack."""

CLEAN = "clean"
"""The label of an image that nobody attacked, among the attacks and among the victims (Section 4.4)."""

NONE_OF_THESE = "none of these"
"""The last victim label where victims were asked: neither a victim of the pack nor one that was asked."""
