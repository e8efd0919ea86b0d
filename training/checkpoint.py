"""Checkpoints of a training run: whole or absent, and read without executing anything."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from core.errors import DataError
from core.files import make_folder, write_file

CHECKPOINT = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, Any], history: list[dict[str, Any]]) -> None:
    """Write the ``state_dict`` of everything in ``state`` and the history of the epochs done."""
    buffer = io.BytesIO()
    torch.save({"history": history, **{name: part.state_dict() for name, part in state.items()}}, buffer)
    make_folder(folder)
    write_file(folder / CHECKPOINT, buffer.getvalue())


def load_checkpoint(folder: Path, state: dict[str, Any]) -> list[dict[str, Any]]:
    """Load everything in ``state`` in place; returns the history, empty if there is no checkpoint.

    Raises DataError if the checkpoint is damaged or of another network.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return []
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        for name, part in state.items():
            part.load_state_dict(saved[name])
        history: list[dict[str, Any]] = saved["history"]
    except (RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(
            f"{path} does not continue this run: {error}", "Use another --out folder, or delete it."
        ) from error
    return history
