"""What people read and tables that programs read, one file each, by its suffix."""

from __future__ import annotations

from pathlib import Path

from core.errors import WorkbenchError
from core.files import write_parts
from core.report.subject import Subject

SUFFIXES = (".html", ".pdf")
"""Of reports; ``.csv`` and ``.json`` are tables."""

__all__ = ["SUFFIXES", "Subject", "check_suffix", "export", "write_report"]


def check_suffix(path: str | Path) -> None:
    """Raises WorkbenchError for a name that is neither HTML's nor PDF's."""
    if not is_report(path):
        raise WorkbenchError(f"{path} is no name for a report.", "End it in .html or .pdf.")


def is_report(path: str | Path) -> bool:
    return Path(path).suffix.lower() in (*SUFFIXES, ".htm")


def write_report(path: str | Path, subject: Subject) -> None:
    """Write the report atomically.

    Raises WorkbenchError where the file cannot be written, or whose name is that of another kind of file.
    """
    check_suffix(path)
    if Path(path).suffix.lower() == ".pdf":
        from core.report.pdf import write_pdf as write  # noqa: PLC0415 (matplotlib)
    else:
        from core.report.html import write_html as write  # noqa: PLC0415 (Jinja)
    write(Path(path), subject)


def export(path: str | Path, subject: Subject) -> None:
    """Write a report or a table, as the name ends. Raises WorkbenchError as they do."""
    match Path(path).suffix.lower():
        case ".csv":
            write_parts(Path(path), subject.csv_parts())
        case ".json":
            write_parts(Path(path), subject.json_parts())
        case _:
            write_report(path, subject)
