"""Reports that people read."""

from core.report.html import write_report

__all__ = ["write_report"]
