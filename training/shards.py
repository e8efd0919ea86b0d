"""Shards: what generation writes and training reads.

A data folder holds ``manifest.json`` and, for every victim, attack entry and split, a folder of parts. A part is one
batch: a safetensors file (memory-mappable, no code inside) written under a temporary name and renamed, so that a
part is whole or absent. Parts hold the examples that fooled their victim; those that did not are counted in the header.

Tensors of a part, N examples:
    adversarial, clean  uint8 [N, C, H, W]
    row                 int64 [N], the clean image's index in its source
    hyperparameter      float32 [N], in label units (epsilon x 255, kappa, overshoot in percent)
    l2, linf            float32 [N], norms of adversarial - clean in [0, 1] units
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from core.errors import DataError
from core.files import file_sha256, make_folder, write_file
from core.labels import CLEAN
from training.scenario import Scenario
from training.sources import SPLITS, Split

MANIFEST = "manifest.json"
MADE_BY = ("clean", "victims", "attacks", "replay")
"""The entries of a scenario that its examples follow from, beside its seed and its batch."""

BESIDE_IMAGES = 8 + 3 * 4
"""Bytes of an example beside its two images: row, hyperparameter, l2, linf."""

_AGAIN = "Delete it and run `mtaa generate` again: the rest is kept."
Arrays = dict[str, NDArray[Any]]


def write_part(path: Path, arrays: Arrays, header: Mapping[str, Any]) -> None:
    """Write one part. The header is one entry, since safetensors does not keep the order of several."""
    make_folder(path.parent)
    write_file(path, save(arrays, {"header": json.dumps(header, sort_keys=True)}))


def read_header(path: Path) -> dict[str, Any]:
    """The header of one part, without its tensors. Raises DataError if the file is damaged."""
    return _read(path, tensors=False)[1]


def read_part(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """The tensors of one part and its header. Raises DataError if the file is damaged."""
    return _read(path, tensors=True)


def _read(path: Path, *, tensors: bool | Sequence[str]) -> tuple[Arrays, dict[str, Any]]:
    """tensors: all of them, none, or those of these names."""
    try:
        with safe_open(path, "np") as file:
            header = json.loads((file.metadata() or {})["header"])
            names = tensors if isinstance(tensors, Sequence) else file.keys() if tensors else ()
            return {key: file.get_tensor(key) for key in names}, header
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{path} is damaged: {error}.", _AGAIN) from error


def _digest_or_none(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None


def write_listing(folder: Path, scenario: Scenario, report: Mapping[str, Any]) -> None:
    """List every part of the scenario with its checksum, beside the scenario itself and the generation's report."""
    streams = {f"{victim.label}/{attack.key}" for victim in scenario.victims for attack in scenario.attacks}
    streams |= {f"{CLEAN}/{CLEAN}"} if scenario.has_clean else set()
    parts = {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*.safetensors"))
        if path.relative_to(folder).parent.parent.as_posix() in streams
    }
    content = {"schema_version": 1, "scenario": scenario.model_dump(), **report, "parts": parts}
    write_file(folder / MANIFEST, json.dumps(content, indent=1, sort_keys=True).encode())


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of one split, in memory.

    adversarial, clean: uint8 [N, C, H, W]. attack, victim: int64 [N], label indices of the scenario.
    hyperparameter: float32 [N], label units. entry: int64 [N], index of the scenario's attack entry, -1 for clean.
    """

    adversarial: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    attack: NDArray[np.int64]
    victim: NDArray[np.int64]
    hyperparameter: NDArray[np.float32]
    entry: NDArray[np.int64]
    row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.attack)

    def at(self, rows: NDArray[Any]) -> Examples:
        """Some of them, by their places or by a bool [N]."""
        return Examples(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence[Examples]) -> Examples:
        """All examples of the parts, one part after the other."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def digest(self) -> str:
        """sha256 over everything that training sees."""
        arrays = self.adversarial, self.clean, self.attack, self.victim, self.hyperparameter
        digest = hashlib.sha256()
        for array in arrays:
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def read_listing(folder: Path) -> dict[str, Any]:
    """The data folder's manifest. Raises DataError if generation has not finished or the file is damaged."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        if {"scenario", "victims", "parts"} - content.keys() or content["schema_version"] != 1:
            raise ValueError("it is not a manifest of this version")
    except FileNotFoundError as error:
        raise DataError(f"{folder} has no {MANIFEST}.", "Finish `mtaa generate` into this folder first.") from error
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise DataError(f"{folder / MANIFEST} cannot be read: {error}.", "Run `mtaa generate` again.") from error
    return content


def fingerprint(folder: Path) -> str:
    """sha256 over the data folder's manifest, which holds every part's checksum."""
    return file_sha256(folder / MANIFEST)


def read_split(folder: Path, scenario: Scenario, split: Split) -> Examples:
    """All examples of one split, in the manifest's order. Raises DataError if a part is missing or altered."""
    listed = read_listing(folder)["parts"]
    paths: list[Path] = []
    rows: list[Arrays] = []
    for name, digest in sorted(listed.items()):
        try:
            victim, entry, of_split, _ = name.split("/")
            victim_index = scenario.victim_names.index(victim)
            entry_index = -1 if entry == CLEAN else [a.key for a in scenario.attacks].index(entry)
        except ValueError as error:
            raise DataError(f"{folder} holds {name}, which {scenario.name} does not ask for.", _AGAIN) from error
        if of_split != split:
            continue
        if _digest_or_none(folder / name) != digest:
            raise DataError(f"{folder / name} is not the file that was generated.", _AGAIN)
        arrays, _ = _read(folder / name, tensors=("row", "hyperparameter"))
        count = len(arrays["row"])
        attack = CLEAN if entry_index < 0 else scenario.attacks[entry_index].name
        arrays["attack"] = np.full(count, scenario.attack_names.index(attack))
        arrays["victim"] = np.full(count, victim_index)
        arrays["entry"] = np.full(count, entry_index)
        rows.append(arrays)
        paths.append(folder / name)
    if split not in SPLITS or not rows:
        raise DataError(f"{folder} has no {split} examples.", "Raise the counts of that split in the scenario.")
    joined = {name: np.concatenate([r[name] for r in rows]) for name in rows[0]}
    kept = _within_cells(joined, scenario, split)
    lengths = [len(r["row"]) for r in rows]
    adversarial, clean = (_images(paths, name, np.split(kept, np.cumsum(lengths)[:-1])) for name in _PICTURES)
    return Examples(adversarial, clean, **{name: array[kept] for name, array in joined.items()})


_PICTURES = ("adversarial", "clean")


def _images(paths: Sequence[Path], name: str, kept: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """One field of all parts, [N, C, H, W]; one part at most is in memory beside it. kept: bool [n], of each part."""
    whole: NDArray[np.uint8] | None = None
    at = 0
    for path, rows in zip(paths, kept, strict=True):
        images = _read(path, tensors=(name,))[0][name][rows]
        if whole is None:
            whole = np.empty((int(sum(part.sum() for part in kept)), *images.shape[1:]), images.dtype)
        whole[at : at + len(images)] = images
        at += len(images)
    assert whole is not None
    return whole


def _within_cells(joined: Arrays, scenario: Scenario, split: Split) -> NDArray[np.bool_]:
    """Which examples to keep, [N]: a last round may have filled a cell beyond what the scenario wants of it."""
    wanted = {  # by victim and entry, as the columns number them
        (scenario.victim_names.index(spec.label), index): int(getattr(scenario.cell(spec.label, attack), split))
        for spec in scenario.victims
        for index, attack in enumerate(scenario.attacks)
    }
    taken: Counter[tuple[int, int, float]] = Counter()
    kept = np.ones(len(joined["row"]), np.bool_)
    keys = zip(joined["victim"].tolist(), joined["entry"].tolist(), joined["hyperparameter"].tolist(), strict=True)
    for position, key in enumerate(keys):
        taken[key] += 1
        kept[position] = key[1] < 0 or taken[key] <= wanted[key[:2]]
    return kept
