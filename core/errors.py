"""Errors that a user can cause, each with a sentence that says what to do next.

The window and the command line show ``str(error)`` and never a traceback for these. Anything else that
escapes is a defect of the program, not of the input.
"""

from pathlib import Path


class WorkbenchError(Exception):
    """Base of all errors with a remedy: ``what`` went wrong and where, ``remedy`` what to do about it."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what} {remedy}".strip())


class ImageError(WorkbenchError):
    """A file that cannot be read as an image, or an image that a pack cannot judge."""


class PackError(WorkbenchError):
    """A model pack that is damaged, of another schema, or inconsistent with itself."""


class DeviceError(WorkbenchError):
    """A device that was asked for and is not there, or that failed."""


class DataError(WorkbenchError):
    """Clean images or shards that are missing, unreadable or inconsistent."""


class MissingFilesError(DataError):
    """A data set of files that are called as they are, some of which are not there. files: the names of those."""

    def __init__(self, what: str, remedy: str, files: tuple[str, ...]) -> None:
        self.files = files
        super().__init__(what, remedy)


class VictimError(WorkbenchError):
    """A victim that cannot be loaded, or that does not behave as the victim it is said to be."""


class AttackError(WorkbenchError):
    """An attack asked to do what it cannot: bounds, hyperparameters or labels out of range."""


class ScenarioError(WorkbenchError):
    """A scenario file with unknown, missing or contradictory entries."""


class CaseError(WorkbenchError):
    """A case file that is damaged, not one, in use, or of another pack."""


class DamagedCaseError(CaseError):
    """A case of which something may still be read (:mod:`core.case_recovery`). path: where it is."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} is no case, or a damaged one ({reason}).",
            "Go back to a copy of it, or recover what can still be read into a new case (mtaa case recover).",
        )


class DiskFullError(WorkbenchError):
    """A disk with no room for a file. What was there before is kept, and the work can be gone on with.

    path: what could not be written. needed: bytes that it takes. free: bytes that are left there, None if unknown.
    """

    def __init__(self, path: Path, needed: int, free: int | None = None, still: str = "") -> None:
        self.path, self.needed, self.free = path, needed, free
        left = "" if free is None else f", {size_text(free)} are free"
        super().__init__(
            f"The disk is full: {path} takes {size_text(needed)}{left}.{still}",
            f"Make room on the disk of {path.parent} and do the same again: what was kept before is still there.",
        )


def size_text(count: int) -> str:
    """ "12 bytes", "3.4 MiB" or "5.6 GiB"."""
    if count < 2**20:
        return f"{count:,} bytes"
    return f"{count / 2**20:,.1f} MiB" if count < 2**30 else f"{count / 2**30:,.1f} GiB"


class NoRoomError(WorkbenchError):
    """A disk with less room than a run takes, told before it begins.

    needed: bytes that it takes beyond what is there. free: bytes that are left there.
    """

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        self.needed, self.free = needed, free
        super().__init__(
            f"This run takes about {size_text(needed)} in {folder}, where {size_text(free)} are free.",
            "Make room there, choose a folder on another disk, or ask for fewer examples.",
        )


class Cancelled(Exception):
    """The user asked to stop. Never shown as an error."""
