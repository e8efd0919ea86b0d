"""How much memory the process holds, without another dependency."""

from __future__ import annotations

import sys
from pathlib import Path


def resident_bytes() -> int:
    """Resident set size; on macOS the largest it has been. 0 where the system does not tell."""
    if sys.platform == "win32":
        return _windows()
    import resource  # noqa: PLC0415  (not on Windows)

    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    return pages * resource.getpagesize()


def _windows() -> int:
    import ctypes  # noqa: PLC0415
    from ctypes import wintypes  # noqa: PLC0415

    class Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = (
            ("cb", wintypes.DWORD),
            ("page_faults", wintypes.DWORD),
            *((name, ctypes.c_size_t) for name in ("peak", "resident", "a", "b", "c", "d", "page", "peak_page")),
        )

    counters = Counters()
    counters.cb = ctypes.sizeof(counters)
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    query = kernel.K32GetProcessMemoryInfo
    query.argtypes = (wintypes.HANDLE, ctypes.POINTER(Counters), wintypes.DWORD)
    return int(counters.resident) if query(kernel.GetCurrentProcess(), counters, counters.cb) else 0
