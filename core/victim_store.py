"""Which victims are at hand: a pack's own, found by their hash wherever they lie, and others that are handed over."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import VictimError, WorkbenchError
from core.files import file_sha256, make_folder, replacing
from core.labels import NONE_OF_THESE
from core.manifest import Manifest
from core.paths import user_data, victim_folders

if TYPE_CHECKING:
    from core.victims import Victim

SUFFIX = ".safetensors"
_LONGEST_HEADER = 2**24
"""Bytes of a safetensors file's header that are looked through for a victim's card."""
_LONGEST = 80
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class Held:
    """A victim file at hand. name: the pack's name for it, or its own where the pack does not know it."""

    name: str
    sha256: str
    path: Path


@dataclass(frozen=True, slots=True)
class Offered:
    """A victim that might be asked. known: it is one of the pack's.

    held: its file, or None where it cannot be asked, and then ``error`` says why. path: the file as it was handed over.
    """

    name: str
    known: bool
    held: Held | None
    error: VictimError | None = None
    path: Path | None = None


def offered(
    manifest: Manifest, handed: Sequence[Path] = (), *, ask: bool = True, pack: Path | None = None,
    folders: Iterable[Path] | None = None,
) -> list[Offered]:  # fmt: skip
    """The pack's victims in its order, and those in the files ``handed`` that are not among them.

    ask: whether the pack's own are to be looked for in ``folders``, by default :func:`core.paths.victim_folders` of the
    pack's file ``pack``. A file that is handed over counts in any case. Empty for a pack that asks nobody and no file.
    """
    brought = [_offer(manifest, path) for path in handed]
    given = {one.held.sha256: one.held for one in brought if one.held is not None}
    found = dict(given)
    if ask and manifest.probes is not None:
        found = _found(manifest, victim_folders(pack) if folders is None else folders) | given
    own = [victim for victim in manifest.victims if victim.sha256 is not None and manifest.probes is not None]
    listed = [_own(victim.name, found.get(str(victim.sha256)), given, ask=ask) for victim in own]
    known = {victim.sha256 for victim in own}
    taken = {victim.name for victim in manifest.victims} | {NONE_OF_THESE}
    for one in brought:
        if one.held is None:
            listed.append(one)
        elif one.held.sha256 not in known and one.held.sha256 in given:
            held = given.pop(one.held.sha256)  # a file that is handed over twice is asked once
            apart = (f"{held.name} ({held.sha256[:length]})" for length in (6, 12, 64))
            name = next(name for name in (held.name, *apart) if name not in taken)
            taken.add(name)
            listed.append(Offered(name, False, Held(name, held.sha256, held.path), path=held.path))
    return listed


def victims_to_ask(manifest: Manifest, ask: bool, handed: Sequence[str | Path], pack: Path | None = None) -> list[Held]:
    """Of :func:`offered` those that can be asked. Raises VictimError for a file of ``handed`` that cannot."""
    found = offered(manifest, [Path(file) for file in handed], ask=ask, pack=pack)
    for one in found:
        if one.error is not None and not one.known:
            raise one.error
    return [one.held for one in found if one.held is not None]


def load_held(held: Held) -> Victim:
    """The frozen victim. Raises VictimError if the file is damaged or was changed since it was found."""
    from core.victims import load_folded  # noqa: PLC0415 (torch)

    victim, digest = load_folded(held.path)
    if digest != held.sha256:
        raise VictimError(f"{held.path} was changed while the program ran.", "Load the pack again.")
    return victim


def keep_victim(path: Path, *, copy: bool = False) -> Path:
    """Move or copy a victim's file into the user's own folder of victims; returns where it is then.

    One that is there already is not kept twice, and another of its name is not replaced. Raises WorkbenchError where
    the folder cannot be written.
    """
    folder = user_data() / "victims"
    make_folder(folder)
    for number in count(1):
        kept = folder / (path.name if number == 1 else f"{path.stem}-{number}{path.suffix}")
        if not kept.exists():
            try:
                if copy:
                    with replacing(kept) as temporary:
                        shutil.copyfile(path, temporary)
                else:
                    path.replace(kept)
            except OSError as error:
                raise WorkbenchError(f"{kept} cannot be written: {error.strerror}.", "Check the folder.") from error
            return kept
        if _digest(kept) == _digest(path):
            if not copy:
                path.unlink()
            return kept
    raise AssertionError


def keep_victims_of(manifest: Manifest, pack: Path) -> None:
    """Copy those of its victims that lie beside the file ``pack``, and in no folder that is searched without it, into
    the user's own: the pack is to ask them from another place too. Raises WorkbenchError as :func:`keep_victim` does.
    """
    if manifest.probes is None:
        return
    there = _found(manifest, victim_folders())
    for digest, held in _found(manifest, victim_folders(pack)).items():
        if digest not in there:
            keep_victim(held.path, copy=True)


def is_victim(path: Path) -> bool:
    """Whether a file is a victim's of this program, or at least begins as one; a state dict is none."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            return b'"card"' in file.read(min(length, _LONGEST_HEADER))
    except OSError:
        return False


def _own(name: str, held: Held | None, given: Mapping[str, Held], *, ask: bool) -> Offered:
    if held is not None:
        handed = held.path if held.sha256 in given else None
        return Offered(name, True, Held(name, held.sha256, held.path), path=handed)
    missing = VictimError(f"No file of {name} is at hand.", f"Hand over the victim's {SUFFIX} file.")
    return Offered(name, True, None, missing if ask else VictimError("The pack's own victims are not asked."))


def _offer(manifest: Manifest, path: Path) -> Offered:
    """A file that was handed over, under the name that it gives itself."""
    from core.victims import read_card  # noqa: PLC0415 (torch)

    try:
        if manifest.probes is None:
            raise VictimError(
                f"The pack {manifest.pack_id} cannot ask victims.", "Train a pack whose scenario has [probes]."
            )
        digest = _digest(path)  # says first whether it is a file at all
        card, image = read_card(path), manifest.image
        if (card.channels, card.height, card.width) != image.shape:
            raise VictimError(
                f"{path} takes images of {card.channels}x{card.height}x{card.width}, the pack {manifest.name} "
                f"{image.channels}x{image.height}x{image.width}.",
                "Choose a pack for images of its size.",
            )
        if not card.name.isprintable() or "|" in card.name or len(card.name) > _LONGEST:
            raise VictimError(f"{path} gives itself a name that cannot be shown.", "Bring the victim in under another.")
        return Offered(card.name, False, Held(card.name, digest, path), path=path)
    except VictimError as error:
        return Offered(path.name, False, None, error, path)


def _found(manifest: Manifest, folders: Iterable[Path]) -> dict[str, Held]:
    """Files in the folders that are the pack's victims, by hash."""
    wanted = {victim.sha256: victim.name for victim in manifest.victims if victim.sha256 is not None}
    found: dict[str, Held] = {}
    for path in (file for folder in folders if folder.is_dir() for file in sorted(folder.glob(f"*{SUFFIX}"))):
        try:
            digest = _digest(path)
        except VictimError:
            continue  # nobody named it
        if digest in wanted:
            found.setdefault(digest, Held(wanted[digest], digest, path))
    return found


def _digest(path: Path) -> str:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):  # a pipe would be waited for
            raise VictimError(f"{path} is no file.", "Check the path.")
        return _digest_of(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise VictimError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error


@lru_cache(maxsize=256)
def _digest_of(path: Path, _size: int, _modified_ns: int) -> str:
    return file_sha256(path)
