"""Checkpoints of a training run: whole or absent, and read without executing anything."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from core.errors import DataError
from core.files import make_folder, write_file

CHECKPOINT = "checkpoint.pt"
EVERY = 30.0
"""Seconds of work that a kill may cost, at least."""

_FAULTS = (
    pickle.UnpicklingError, OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError
)  # fmt: skip
"""Of what a damaged checkpoint makes PyTorch raise."""

_SHARE = 50
"""A checkpoint is written after this many times the time that the last one took: two per cent at most."""


def save_checkpoint(folder: Path, state: dict[str, Any], history: list[dict[str, Any]], run: dict[str, Any]) -> None:
    """Write the ``state_dict`` of everything in ``state``, the history of the epochs done, and what run it is of."""
    buffer = io.BytesIO()
    parts = {name: part.state_dict() for name, part in state.items()}
    torch.save({"history": history, "run": run, **parts}, buffer)
    make_folder(folder)
    write_file(folder / CHECKPOINT, buffer.getvalue())


def load_checkpoint(
    folder: Path, state: dict[str, Any], run: dict[str, Any], optional: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Load everything in ``state`` in place; returns the history, empty if there is no checkpoint.

    Raises DataError if the checkpoint is damaged, of another network, or of a run whose entries differ from ``run``'s:
    its optimiser would go on as that run, and what came out would be passed off as this one's. A checkpoint that does
    not say what run it is of is taken for this one's. optional: parts that it need not hold.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return []
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        _compare(saved, run)
        for name, part in state.items():
            if name in saved or name not in optional:
                part.load_state_dict(saved[name])
        history: list[dict[str, Any]] = saved["history"]
    except _FAULTS as error:
        raise _refusal(path, error) from error
    return history


def check_checkpoint(folder: Path, run: Mapping[str, Any]) -> None:
    """Raise what :func:`load_checkpoint` does for a checkpoint of another run, without reading its tensors."""
    path = folder / CHECKPOINT
    if not path.exists():
        return
    try:
        _compare(torch.load(path, map_location="cpu", weights_only=True, mmap=True), run)
    except _FAULTS as error:
        raise _refusal(path, error) from error


def _compare(saved: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    before = saved.get("run") or {}
    if different := [name for name, value in run.items() if before.get(name, value) != value]:
        raise ValueError(f"it is of a run with other {', '.join(different)}")


def _refusal(path: Path, error: Exception) -> DataError:
    reason = str(error).partition("\n")[0].rstrip(".:")
    if isinstance(error, pickle.UnpicklingError):  # whose message advises to load without this protection
        reason = "it is damaged, or holds more than weights"
    return DataError(f"{path} does not continue this run: {reason}.", "Use another --out folder, or delete it.")


class Keeper:
    """Writes one run's checkpoints: whenever asked, and asks for one when enough work would be lost without."""

    def __init__(self, folder: Path, state: dict[str, Any], run: dict[str, Any], *, writes: bool = True) -> None:
        self._folder, self._state, self._run, self._writes = folder, state, run, writes
        self._due = time.monotonic() + EVERY

    @property
    def due(self) -> bool:
        return self._writes and time.monotonic() >= self._due

    def save(self, history: list[dict[str, Any]]) -> None:
        if not self._writes:
            return
        started = time.monotonic()
        save_checkpoint(self._folder, self._state, history, self._run)
        ended = time.monotonic()
        self._due = ended + max(EVERY, _SHARE * (ended - started))
