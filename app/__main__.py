"""``mtaa``: the window without arguments, the command line with them."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence

from app.display import has_display

REPORT = "mtaa-report.html"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status. ``argv`` is without the program's name."""
    multiprocessing.freeze_support()  # in a frozen program a child process starts here again
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None in a windowed program on Windows
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments:
        return _command(arguments)
    if has_display():
        return _window()
    return _samples()


def _window() -> int:
    from app.window import run  # noqa: PLC0415

    return run([])


def _samples() -> int:
    """The job that the window would open with, on the command line."""
    from core.paths import SAMPLES  # noqa: PLC0415

    print(f"There is no display, so the sample images are attributed here and the report goes to {REPORT}.", flush=True)
    return _command(["attribute", str(SAMPLES), "--report", REPORT])


def _command(arguments: list[str]) -> int:
    try:
        from app.cli import cli  # noqa: PLC0415

        cli(args=arguments, prog_name="mtaa")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:  # while modules were loading; a running command sees to it itself
        print("Cancelled.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
