"""``mtaa``: the window, alone or with what it shall open; the command line with a command or an option."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.display import has_display
from core.frozen import keep_font_list

REPORT = "mtaa-report.html"
_COMPLETING = "_MTAA_COMPLETE"
"""Set by shells that ask how a line could go on."""

atexit.register(gc.freeze)  # or Python looks once more through all of torch for what goes with the process anyway


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status. ``argv`` is without the program's name."""
    multiprocessing.freeze_support()  # in a frozen program a child process starts here again
    keep_font_list()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None in a windowed program on Windows
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if _COMPLETING in os.environ or not _are_paths(arguments):
        return _command(arguments)
    return _window(arguments) if has_display() else _without_window(arguments)


def _are_paths(arguments: Sequence[str]) -> bool:
    """Whether this is what a file manager starts a program with: files and folders, or nothing.

    A command goes before a folder of the same name, which is still opened as ``./packs``.
    """
    if any(argument.startswith("-") or not os.path.exists(argument) for argument in arguments):  # noqa: PTH110
        return False  # Path.exists() raises for a name that is too long, or a folder that may not be entered
    if not arguments:
        return True
    from app.cli import commands  # noqa: PLC0415

    return arguments[0] not in commands()


def _no_command(arguments: Sequence[str]) -> str:
    """What is amiss where the first argument is a file and no command; else empty."""
    from app.cli import commands  # noqa: PLC0415

    first = next(iter(arguments), "-")
    is_path = os.path.exists(first) or Path(first).suffix != "" or Path(first).name != first  # noqa: PTH110
    if first.startswith("-") or first in commands() or not is_path:
        return ""
    if any(argument.startswith("-") for argument in arguments):
        return f"{first} is no command, and options belong to one. Perhaps: mtaa attribute {' '.join(arguments)}"
    gone = next((argument for argument in arguments if not os.path.exists(argument)), first)  # noqa: PTH110
    return f"There is no file or folder {gone}. Check its path."


def _window(paths: Sequence[str]) -> int:
    from app.window import run  # noqa: PLC0415

    return run([str(Path(path).absolute()) for path in paths])


def _without_window(paths: Sequence[str]) -> int:
    """The job that the window would open with, on the command line."""
    from core.paths import SAMPLES  # noqa: PLC0415

    what = "what you named is" if paths else "the sample images are"
    print(f"There is no display, so {what} attributed here and the report goes to {REPORT}.", flush=True)
    return _command(["attribute", *(paths or [str(SAMPLES)]), "--report", REPORT])


def _command(arguments: list[str]) -> int:
    try:
        from app.cli import cli  # noqa: PLC0415

        if amiss := _no_command(arguments):
            if sys.stderr is None and has_display():  # a program without a console can say it in its window alone
                return _window(arguments)
            print(f"Error: {amiss}", file=sys.stderr)
            return 2
        cli(args=arguments, prog_name="mtaa")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:  # while modules were loading; a running command sees to it itself
        print("Cancelled.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
