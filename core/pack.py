"""The model pack ``NAME.mtaapack``: a stored zip of ``manifest.json`` and ``weights.safetensors`` and nothing else.

A pack comes from strangers. Sizes are checked before anything is read, nothing is unpickled, and whatever does not
fit is refused with a sentence that says which part. Listing packs needs no torch: it is imported where weights are.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from core.errors import PackError
from core.files import write_file
from core.folders import PACK_SUFFIX
from core.manifest import SCHEMA, Manifest
from core.paths import pack_folders

if TYPE_CHECKING:
    from torch import Tensor

    from core.model.network import MTAA

MAX_MANIFEST_BYTES = 8 * 2**20
MAX_WEIGHTS_BYTES = 4 * 2**30

_MANIFEST, _WEIGHTS = "manifest.json", "weights.safetensors"
_AGAIN = "Copy or download the pack again."
_FOREIGN = "Use a pack that this program or its command line exported."
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack whose weights have the hash that its manifest states, on the CPU, by parameter name."""

    manifest: Manifest
    weights: dict[str, Tensor]
    path: Path


@dataclass(frozen=True, slots=True)
class ListedPack:
    """A pack file that was found: its manifest, or the reason why it cannot be used."""

    path: Path
    manifest: Manifest | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a verification; ``detail`` says what was found."""

    name: str
    ok: bool
    detail: str


def find_pack(name_or_path: str | Path) -> Path:
    """The pack file that is meant by a path, or by a name in the pack folders. Raises PackError if there is none."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    name = str(name_or_path).removesuffix(PACK_SUFFIX)
    if re.fullmatch(r"[\w.-]+", name):
        for folder in pack_folders():
            if (candidate := folder / f"{name}{PACK_SUFFIX}").is_file():
                return candidate
    known = ", ".join(listed.path.stem for listed in list_packs()) or "none"
    remedy = f"Give the path of a {PACK_SUFFIX} file or one of these: {known}."
    raise PackError(f"There is no pack {name_or_path}.", remedy)


def list_packs() -> list[ListedPack]:
    """Every pack in the pack folders by name; a user's own hides a shipped one of the same file name."""
    files: dict[str, Path] = {}
    for folder in pack_folders():
        for path in sorted(folder.glob(f"*{PACK_SUFFIX}")):
            files.setdefault(path.name, path)
    return [_listed(files[name]) for name in sorted(files)]


def find_pack_of(manifest: Manifest) -> Path | None:
    """The pack with this manifest in the pack folders, whatever its file is called; None where it is not there."""
    same = (p.path for p in list_packs() if p.manifest is not None and p.manifest.sha256 == manifest.sha256)
    return next(same, None)


def _listed(path: Path) -> ListedPack:
    try:
        return ListedPack(path, read_manifest(path), None)
    except PackError as error:
        return ListedPack(path, None, str(error))


def read_manifest(path: str | Path) -> Manifest:
    """The checked manifest of a pack, without reading its weights. Raises PackError."""
    path = Path(path)
    return _parse_manifest(_read_members(path, (_MANIFEST,))[0], path)


def load_pack(path: str | Path) -> Pack:
    """Read a pack and check its weights against the manifest's hash. Raises PackError."""
    from core.weights import fault_of  # noqa: PLC0415  (imports torch)

    path = Path(path)
    text, data = _read_members(path, (_MANIFEST, _WEIGHTS))
    manifest = _parse_manifest(text, path)
    found = hashlib.sha256(data).hexdigest()
    if found != manifest.weights_sha256:
        stated = manifest.weights_sha256[:12]
        raise PackError(f"{path}: the weights' hash is {found[:12]}, the manifest says {stated}.", _AGAIN)
    weights = _parse_weights(data, path)
    if fault := fault_of(weights):
        raise PackError(f"{path}: {fault}.", "Train the pack again.")
    return Pack(manifest, weights, path)


def build_network(pack: Pack) -> MTAA:
    """The pack's network with its weights, in evaluation mode on the CPU. Raises PackError where they do not fit."""
    import torch  # noqa: PLC0415

    from core.model.network import MTAA  # noqa: PLC0415

    manifest = pack.manifest

    def build() -> MTAA:
        return MTAA(
            config=manifest.network, image=manifest.image, attacks=manifest.attacks, victims=len(manifest.victims),
            probes=manifest.probes, changes=manifest.changes,
        )  # fmt: skip

    with torch.device("meta"):  # shapes alone: a manifest that asks for terabytes is refused before it gets them
        expected = build().state_dict()
    if differences := _differences(expected, pack.weights):
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise PackError(
            f"{pack.path}: the weights do not fit the manifest's {len(manifest.attacks)} attacks, "
            f"{len(manifest.victims)} victims and network: {'; '.join(differences[:3])}{more}.",
            _FOREIGN,
        )
    network = build()
    network.load_state_dict(pack.weights, strict=True)
    return network.eval()


def write_pack(path: str | Path, manifest: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Manifest:
    """Write a pack atomically; the same content gives the same bytes.

    manifest: the entries of :class:`Manifest` but for ``weights_sha256``, which is worked out here.
    weights: a network's ``state_dict``. Raises PackError for entries that are no valid manifest.
    """
    from safetensors.torch import save  # noqa: PLC0415

    path = Path(path)
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    try:
        checked = Manifest.model_validate({**manifest, "weights_sha256": hashlib.sha256(data).hexdigest()})
    except ValidationError as error:
        raise PackError(f"{path}: {_first(error)}.", "Correct the manifest.") from error
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in ((_MANIFEST, checked.model_dump_json(indent=2).encode()), (_WEIGHTS, data)):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
            archive.writestr(entry, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, buffer.getvalue())
    return checked


def verify_pack(path: str | Path) -> list[Check]:
    """Check the manifest, then the weights and their hash, then the network; stops at the first failure."""
    checks: list[Check] = []
    loaded: list[Pack] = []

    def manifest() -> str:
        found = read_manifest(path)
        labels = f"{len(found.attacks)} attacks, {len(found.victims)} victims"
        return f"sha256 {found.sha256}, schema {found.schema_version}, {labels}"

    def weights() -> str:
        loaded.append(load_pack(path))
        return f"sha256 {loaded[0].manifest.weights_sha256}, {len(loaded[0].weights)} tensors, all finite"

    def network() -> str:
        parameters = sum(p.numel() for p in build_network(loaded[0]).parameters())
        scorer = " with those of its scorer" if loaded[0].manifest.probes is not None else ""
        return f"{loaded[0].manifest.network.backbone}, {parameters:,} parameters{scorer}, every one in its place"

    steps: dict[str, Callable[[], str]] = {"manifest": manifest, "weights": weights, "network": network}
    for name, step in steps.items():
        try:
            checks.append(Check(name, True, step()))
        except PackError as error:
            return [*checks, Check(name, False, str(error))]
    return checks


# --- the archive --------------------------------------------------------------------------------------------------


def _read_members(path: Path, names: tuple[str, ...]) -> list[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist(), path)
            return [archive.read(name) for name in names]
    except FileNotFoundError as error:
        raise PackError(f"{path} does not exist.", "Check the name and the folder.") from error
    except (zipfile.BadZipFile, EOFError) as error:
        raise PackError(f"{path} is no pack, or one that is damaged or cut short ({error}).", _AGAIN) from error
    except (OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise PackError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.", _AGAIN) from error


def _check_members(members: list[zipfile.ZipInfo], path: Path) -> None:
    names = [member.filename for member in members]
    for name in names:
        if name.endswith((".pkl", ".pickle", ".pt", ".pth")):
            raise PackError(f"{path} holds {name}, a pickle, which could run a program.", _FOREIGN)
    if sorted(names) != [_MANIFEST, _WEIGHTS]:
        extra = sorted(set(names) - {_MANIFEST, _WEIGHTS}) or sorted(names)
        missing = sorted({_MANIFEST, _WEIGHTS} - set(names))
        which = f"lacks {missing[0]}" if missing else f"also holds {extra[0]}"
        raise PackError(f"{path} {which}.", _FOREIGN)
    for member in members:
        limit = MAX_MANIFEST_BYTES if member.filename == _MANIFEST else MAX_WEIGHTS_BYTES
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise PackError(f"{path}: {member.filename} is compressed or encrypted.", _FOREIGN)
        if member.file_size > limit:
            raise PackError(f"{path}: {member.filename} is larger than {limit >> 20} MiB.", _FOREIGN)


def _parse_manifest(text: bytes, path: Path) -> Manifest:
    try:
        raw = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise PackError(f"{path}: {_MANIFEST} is not JSON ({error}).", _AGAIN) from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA:
        raise PackError(
            f"{path}: the manifest's schema is {version}, this program reads {SCHEMA}.",
            "Use the version of the program that wrote the pack.",
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        raise PackError(f"{path}: {_first(error)}.", _FOREIGN) from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(map(str, problem["loc"])) or "as a whole"
    return f"{_MANIFEST}, {where}: {problem['msg']}"


def _parse_weights(data: bytes, path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.torch import load  # noqa: PLC0415

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        kind = "a pickle" if data.startswith((b"\x80", b"PK")) else f"damaged ({error})"
        raise PackError(f"{path}: {_WEIGHTS} is not safetensors but {kind}.", _FOREIGN) from error


def _differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What keeps ``found`` from being loaded, in words; empty where it fits."""
    shapes = [
        f"{name} is {list(found[name].shape)} instead of {list(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    missing = [f"{name} is missing" for name in expected if name not in found]
    unknown = [f"{name} is unknown" for name in found if name not in expected]
    return shapes + missing + unknown
