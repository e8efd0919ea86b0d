"""Networks that come as a program: TorchScript, ``torch.export`` and ONNX, looked through before anything loads them.

PyTorch's own loaders trust their files. So an archive is read by us first, refused unless every entry is of a known
harmless kind, and what is loaded is an archive rebuilt from exactly the entries that were looked at. What then remains
is a program of tensor arithmetic, which may still be slow or large, but reaches nothing outside its tensors. PyTorch's
parsers in C++ read it, and their own faults are not ours to rule out: a file from a stranger is safest as safetensors.
"""

from __future__ import annotations

import warnings
from typing import Literal, get_args

from torch import nn

from core.errors import VictimError
from core.frozen import how_to_get
from core.programs.archive import SAFER, entries_of
from core.programs.exported import load_exported
from core.programs.onnx_model import load_onnx
from core.programs.torchscript import load_torchscript

ProgramForm = Literal["torchscript", "export", "onnx"]
PROGRAMS: tuple[ProgramForm, ...] = get_args(ProgramForm)


def program_form(data: bytes, name: str) -> ProgramForm | None:
    """Which kind of program the bytes are, None for weights alone. ``name``: the file's, for its suffix."""
    if data.startswith(b"PK"):
        names = entries_of(data, name)
        if any(entry.startswith("models/") for entry in names) or "serialized_exported_program.json" in names:
            return "export"
        return "torchscript" if "constants.pkl" in names else None
    return "onnx" if name.lower().endswith(".onnx") else None


def load_program(form: ProgramForm, data: bytes, name: str) -> nn.Module:
    """The network in evaluation mode, on the CPU. Raises VictimError for what is refused, damaged or not supported."""
    load = {"torchscript": load_torchscript, "export": load_exported, "onnx": load_onnx}[form]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the loaders are deprecated or chatty, and their users cannot help it
            return load(data, name)
    except VictimError:
        raise
    except ImportError as error:
        raise VictimError(
            f"{name} is an ONNX model, and no converter for it is installed ({error}).",
            how_to_get("one", "onnx"),
        ) from error
    except Exception as error:  # parsers of three formats, each with errors of its own
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise VictimError(f"{name} cannot be loaded as {form}: {reason}.", SAFER) from error
