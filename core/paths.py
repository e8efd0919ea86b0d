"""Where things are: shipped resources, and the user's own packs, victims, logs and settings."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
"""Shipped data; beside the packages in a checkout, in an installed wheel and in a frozen program alike."""

SAMPLES = RESOURCES / "samples"

DEFAULT_PACK = "mnist"
"""The pack that is used where nobody chose one and none fits better; always shipped."""


def user_data() -> Path:
    """The user's folder for packs, victims and cases; not made here: attributing takes no folder of its own."""
    return Path(platformdirs.user_data_path("mtaa-workbench", appauthor=False))


def user_log() -> Path:
    """The user's folder for log files; not made here."""
    return Path(platformdirs.user_log_path("mtaa-workbench", appauthor=False))


def user_cache() -> Path:
    """The user's folder for what can be made again; not made here."""
    return Path(platformdirs.user_cache_path("mtaa-workbench", appauthor=False))


def pack_folders() -> tuple[Path, ...]:
    """Folders searched for packs by name, the user's own before the shipped ones."""
    return _there(user_data() / "packs", RESOURCES / "packs")


def is_own_pack(path: Path) -> bool:
    """Whether a pack is the user's and may be removed; shipped ones may not."""
    return path.parent == user_data() / "packs"


def victim_folders(pack: Path | None = None) -> tuple[Path, ...]:
    """Folders searched for a pack's victims: the user's own, the shipped ones, those of the runs that the wizard began,
    and the one beside the pack's file, where a run leaves them. Hidden runs are checks: what they left may have failed.
    """
    own = user_data()
    beside = () if pack is None else (pack.absolute().parent / "victims",)
    runs = [left for folder in _there(own / "runs") for left in sorted(folder.glob("[!.]*/victims"))]
    return _there(own / "victims", RESOURCES / "victims", *runs, *beside)


def _there(*folders: Path) -> tuple[Path, ...]:
    """Those of the folders that are there and may be looked into: a service's home may be nobody's."""
    return tuple(folder for folder in folders if os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK))  # noqa: PTH112 (is_dir() raises)
