"""Whether a window can be shown at all."""

from __future__ import annotations

import os
import sys


def has_display() -> bool:
    """False only on a Unix without a screen and without a Qt platform that needs none."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
