"""The user's own packs: copied into their folder once they are what they say, and taken out of it again."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.errors import PackError
from core.files import replacing
from core.folders import PACK_SUFFIX
from core.pack import read_manifest, verify_pack
from core.paths import RESOURCES, is_own_pack, user_data
from core.victim_store import keep_victims_of


def import_pack(path: Path) -> Path:
    """Verify a pack and copy it to the user's folder under the name that it gives itself; returns where it is then.

    The victims that a run left beside it go with it. Raises PackError for one that fails its verification or whose name
    is taken by another, WorkbenchError where a victim cannot be copied, OSError.
    """
    checks = verify_pack(path)
    if not checks[-1].ok:
        raise PackError(checks[-1].detail)
    manifest = read_manifest(path)
    target = user_data() / "packs" / f"{manifest.name}{PACK_SUFFIX}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        if target.read_bytes() != path.read_bytes():
            raise PackError(
                f"Another pack named {manifest.name} is already there.",
                f"Remove that one first, or use this one by its path: {path}.",
            )
        keep_victims_of(manifest, path)
        return target
    shipped = RESOURCES / "packs" / target.name
    if shipped.exists() and shipped.read_bytes() != path.read_bytes():  # it would be taken for that one
        raise PackError(f"The program comes with a pack named {manifest.name}.", f"Use this one by its path: {path}.")
    keep_victims_of(manifest, path)
    copy_pack(path, target)
    return target


def copy_pack(source: Path, target: Path) -> None:
    """All of it or nothing. Raises OSError."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def remove_pack(path: Path) -> None:
    """Delete one of the user's own packs. Raises PackError for any other, OSError."""
    if not is_own_pack(path):
        raise PackError(f"{path} is not one that was imported.", "Only imported packs can be removed.")
    path.unlink(missing_ok=True)
