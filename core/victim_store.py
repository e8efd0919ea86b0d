"""Which victims are at hand: a pack's own, found by their hash wherever they lie, and others that are handed over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import VictimError
from core.manifest import NONE_OF_THESE, Manifest
from core.paths import victim_folders

if TYPE_CHECKING:
    from core.victims import Victim

SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Held:
    """A victim file at hand. name: the pack's name for it, or its own where the pack does not know it."""

    name: str
    sha256: str
    path: Path


def held_victims(manifest: Manifest, folders: Iterable[Path] | None = None) -> list[Held]:
    """The pack's victims that lie in ``folders``, in the pack's order; by default the user's own and the shipped ones.

    None for a pack that cannot ask them.
    """
    if manifest.probes is None:
        return []
    wanted = {victim.sha256: victim.name for victim in manifest.victims if victim.sha256 is not None}
    found: dict[str, Held] = {}
    for path in _files(victim_folders() if folders is None else folders):
        digest = _digest(path)
        if digest in wanted:
            found.setdefault(digest, Held(wanted[digest], digest, path))
    return [found[digest] for digest in wanted if digest in found]


def hand_over(manifest: Manifest, held: Sequence[Held], paths: Sequence[Path]) -> list[Held]:
    """``held`` and the victims in the files ``paths`` beside them; one that is there already is not asked twice.

    Raises VictimError for a file that is no victim, takes other images than the pack, or bears a name that is taken.
    """
    from core.victims import read_card  # noqa: PLC0415 (torch)

    if paths and manifest.probes is None:
        raise VictimError(
            f"The pack {manifest.pack_id} cannot ask victims.", "Train a pack whose scenario has [probes]."
        )
    known = {victim.sha256: victim.name for victim in manifest.victims}
    found = list(held)
    for path in paths:
        card = read_card(path)
        image = manifest.image
        if (card.channels, card.height, card.width) != (image.channels, image.height, image.width):
            raise VictimError(
                f"{path} takes images of {card.channels}x{card.height}x{card.width}, the pack {manifest.name} "
                f"{image.channels}x{image.height}x{image.width}.",
                "Choose a pack for images of its size.",
            )
        digest = _digest(path)
        if any(one.sha256 == digest for one in found):
            continue
        name = known.get(digest, card.name)
        taken = {one.name for one in found} | {v.name for v in manifest.victims if v.sha256 != digest}
        if name in taken or name == NONE_OF_THESE:
            name = f"{name} ({digest[:6]})"
        found.append(Held(name, digest, path))
    return found


def load_held(held: Held) -> Victim:
    """The frozen victim. Raises VictimError if the file is damaged or was changed since it was found."""
    from core.victims import load_victim  # noqa: PLC0415 (torch)

    victim, digest = load_victim(held.path)
    if digest != held.sha256:
        raise VictimError(f"{held.path} was changed while the program ran.", "Load the pack again.")
    return victim


def _files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob(f"*{SUFFIX}"))]


def _digest(path: Path) -> str:
    try:
        state = path.stat()
        return _digest_of(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise VictimError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error


@lru_cache(maxsize=256)
def _digest_of(path: Path, _size: int, _modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
