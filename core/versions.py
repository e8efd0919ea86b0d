"""Which program and libraries an answer came from."""

from __future__ import annotations

import importlib.metadata
import platform

import core

_LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "PySide6-Essentials")


def told() -> str:
    """All of them in a line."""
    return ", ".join(f"{name} {number}" for name, number in versions().items())


def versions() -> dict[str, str]:
    """Versions by name, without importing the libraries; one whose metadata is absent is left out."""
    found = {"MTAA Workbench": core.__version__, "Python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
