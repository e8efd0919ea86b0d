"""Which pack judges the files of a command that names none, and what a case that is gone on with has settled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from app.cli.console import notify
from core.batch import has_answers
from core.case import Case
from core.errors import CaseError
from core.imageio import header_of, load_image
from core.manifest import Fit
from core.pack import ListedPack, find_pack, find_pack_of, list_packs, read_manifest
from core.pack_choice import Choice, Look, Source, choose_pack, look_at_some, match_of, rather
from core.paths import DEFAULT_PACK
from core.types import Basis
from core.wording import image_kind

AUTO = "auto"


def pack_names() -> list[str]:
    """What a shell completes a pack's name to."""
    return [pack.path.stem for pack in list_packs()]


class Settled(NamedTuple):
    """pack: its file. The rest is that of the case that is gone on with, None where there is none; basis: None while it
    has no answers.
    """

    pack: Path
    fit: Fit | None = None
    coverage: float | None = None
    basis: Basis | None = None


def settle(wanted: str, files: Sequence[Path], begun: Path | None, *, tell: bool) -> Settled:
    """The pack that is named; else that of a case that is gone on with; else the one that fits the files, and says so.

    tell: also of files that do not fit one of the former. Raises PackError where there is none, CaseError where the
    case cannot be read or its pack is not here.
    """
    if begun is not None and begun.exists():
        with Case(begun) as case:
            manifest, coverage = case.manifest, case.coverage
            basis = case.basis() if has_answers(case) else None
        pack = find_pack_of(manifest) if wanted == AUTO else find_pack(wanted)
        if pack is None:
            what = f"This machine has not the pack {manifest.pack_id} of {begun}."
            raise CaseError(what, "Name its file with --pack.")
        if tell:
            _tell_unfit(pack, files)
        return Settled(pack, manifest.image.fit, coverage, basis)
    if wanted != AUTO:
        named = find_pack(wanted)
        if tell:
            _tell_unfit(named, files)
        return Settled(named)
    found, why = _fitting_pack(files)
    if tell:
        notify(f"Pack {found.stem}: {why}")
    return Settled(found)


def _fitting_pack(files: Sequence[Path]) -> tuple[Path, str]:
    """The pack that fits most of some files, or the default one where none fits any; and why, for people."""
    looks = _looks(files)
    packs = sorted(list_packs(), key=lambda pack: pack.path.stem != DEFAULT_PACK)  # which wins a draw
    choice = choose_pack(packs, looks)
    if choice is None:
        return find_pack(DEFAULT_PACK), _no_fit(looks)
    return choice.path, _why(choice, packs, looks, len(files))


def _looks(files: Sequence[Path]) -> list[Look]:
    return look_at_some([Source(partial(load_image, file), partial(header_of, file)) for file in files])


def _tell_unfit(pack: Path, files: Sequence[Path]) -> None:
    """Whoever names a pack may not know, and of a case have forgotten, what images it is for."""
    looks, image = _looks(files), read_manifest(pack).image
    if unfit := sum(not match_of(image, look) for look in looks):
        notify(
            f"Pack {pack.stem}: made for other images ({image_kind(image)}) than {unfit} of {len(looks)} that were "
            f"looked at, whose answers may tell nothing.{_for_them(list_packs(), looks, pack)}"
        )


def _for_them(packs: Sequence[ListedPack], looks: Sequence[Look], chosen: Path) -> str:
    """Which packs are made for those that the chosen one does not fit."""
    names = [path.stem for path, _ in rather(packs, looks, chosen).most_common()]
    return f" Made for them: --pack {' or '.join(names)}." if names else ""


def _why(choice: Choice, packs: Sequence[ListedPack], looks: Sequence[Look], files: int) -> str:
    kind = image_kind(choice.manifest.image)
    if choice.fitting == len(looks):
        these = "these" if len(looks) >= files else f"all {len(looks)} that were looked at"
        return f"made for images like {these} ({kind})."
    return (
        f"made for images like {choice.fitting} of {len(looks)} that were looked at ({kind}). What does not fit it may "
        f"tell nothing.{_for_them(packs, looks, choice.path)}"
    )


def _no_fit(looks: Sequence[Look]) -> str:
    if not looks:
        return "the default, for none of the files that were looked at is an image."
    return "the default, for none that is here is made for images like these. Changed to fit it, they may tell nothing."
