"""What a program that PyInstaller built does otherwise than one that pip installed."""

from __future__ import annotations

import os
import sys

from core.paths import user_cache


def is_frozen() -> bool:
    return bool(getattr(sys, "frozen", False))


def keep_font_list() -> None:
    """Let matplotlib keep its list of fonts between two starts.

    PyInstaller gives every process an empty folder for it, and making the list anew takes seconds before each report.
    """
    if is_frozen():
        os.environ["MPLCONFIGDIR"] = str(user_cache() / "matplotlib")


def return_libraries() -> None:
    """Let programs that are opened from here find the system's libraries and not those that were built in.

    Only what is started later looks there. Our own programs among it are told to set out from the beginning, since
    PyInstaller's else take the variable to be theirs still.
    """
    if is_frozen() and sys.platform.startswith("linux"):
        before = os.environ.pop("LD_LIBRARY_PATH_ORIG", "")
        os.environ.pop("LD_LIBRARY_PATH", None)
        if before:
            os.environ["LD_LIBRARY_PATH"] = before
        os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"


def how_to_get(what: str, extra: str) -> str:
    """What to do where ``what`` is absent, which comes with pip's ``extra`` of this program."""
    command = f"pip install 'mtaa-workbench[{extra}]'"
    if is_frozen():
        return f"This build does not contain {what}; install MTAA Workbench with pip to use it: {command}."
    return f"Install it: {command}."
