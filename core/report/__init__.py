"""Reports that people read: one file, HTML or PDF by its suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.case import LogEntry
from core.errors import WorkbenchError
from core.manifest import Manifest
from core.records import Remark
from core.report.cards import Heatmaps, own_heatmap
from core.types import FloatArray, Record

SUFFIXES = (".html", ".pdf")

__all__ = ["SUFFIXES", "check_suffix", "write_report"]


def check_suffix(path: str | Path) -> None:
    """Raises WorkbenchError for a name that is neither HTML's nor PDF's."""
    if Path(path).suffix.lower() not in (*SUFFIXES, ".htm"):
        raise WorkbenchError(f"{path} is no name for a report.", "End it in .html or .pdf.")


def write_report(
    path: str | Path,
    records: Sequence[Record],
    images: Mapping[str, FloatArray],
    manifest: Manifest,
    device: str,
    *,
    heatmaps: Heatmaps = own_heatmap,
    remarks: Mapping[str, Remark] | None = None,
    log: Sequence[LogEntry] = (),
) -> None:
    """Write the report atomically.

    images: float32 [C, H, W] in [0, 1] by the record's path; a record without one gets no picture. Only those that are
    shown are asked for, one at a time. heatmaps: makes one from a record and its pixels; by default the record's own.
    Raises WorkbenchError where the file cannot be written, or whose name is that of another kind of file.
    """
    check_suffix(path)
    if Path(path).suffix.lower() == ".pdf":
        from core.report.pdf import write_pdf as write  # noqa: PLC0415 (matplotlib)
    else:
        from core.report.html import write_html as write  # noqa: PLC0415 (Jinja)
    write(Path(path), records, images, manifest, device, heatmaps, remarks or {}, log)
