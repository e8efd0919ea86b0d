"""``mtaa doctor``: what this installation has, and what keeps it from working."""

from __future__ import annotations

import platform
from collections.abc import Callable

import typer

from app.cli.console import notify, output, plain
from app.display import has_display
from core.errors import PackError
from core.pack import find_pack, list_packs
from core.paths import DEFAULT_PACK, user_data
from core.versions import versions


class _Fault(Exception):
    """A check that failed, with what to do about it."""


def doctor() -> None:
    """Print versions, devices, packs and the state of Qt. Exit status 1 if something is missing."""
    checks: dict[str, Callable[[], str]] = {
        "system": lambda: f"{platform.platform()}, {platform.machine()}",
        "versions": lambda: ", ".join(f"{name} {number}" for name, number in versions().items()),
        "device": _device,
        "torchvision": _torchvision,
        "Qt": _qt,
        "display": lambda: "found" if has_display() else "none: mtaa works on the command line only",
        "data folder": _data_folder,
        "packs": _packs,
    }
    console, sound = output(), True
    for name, check in checks.items():
        try:
            console.print(plain(f"ok    {name}: {check()}"), soft_wrap=True)
        except (_Fault, ImportError, OSError) as error:
            console.print(plain(f"FAIL  {name}: {error}", "red"), soft_wrap=True)
            sound = False
    if not sound:
        notify("Something is missing; the lines marked FAIL say what.")
        raise typer.Exit(1)


def _device() -> str:
    import torch  # noqa: PLC0415

    from core.devices import in_bf16  # noqa: PLC0415 (torch)

    if not torch.cuda.is_available():
        capability, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
        return f"CPU with {capability}, {threads} threads, {_precision(in_bf16(torch.device('cpu')))}"
    gpus = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    own = [_precision(in_bf16(torch.device("cuda", index))) for index in range(len(gpus))]
    sizes = (f"{gpu.name} ({gpu.total_memory / 2**30:.0f} GiB)" for gpu in gpus)
    return "; ".join(
        f"cuda:{i} {size}, {precision}" for i, (size, precision) in enumerate(zip(sizes, own, strict=True))
    )


def _precision(bf16: bool) -> str:
    """In which what asks for bfloat16 is computed."""
    return "bfloat16 where asked for" if bf16 else "float32 throughout: bfloat16 is not known to be faster here"


def _data_folder() -> str:
    """Where packs and victims are kept, which is made here if it can be."""
    folder = user_data()
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _torchvision() -> str:
    try:
        import torchvision  # noqa: PLC0415
    except RuntimeError as error:  # its compiled part was built for another torch
        raise _Fault(f"{error}. Install torch and torchvision together from one index.") from error
    return f"{torchvision.__version__} works with this torch"


def _qt() -> str:
    try:
        from PySide6 import QtCore, QtWidgets  # noqa: F401, PLC0415
    except ImportError as error:
        raise _Fault(f"{error}. On Linux install the system libraries that Qt needs; `make run` does so.") from error
    return f"{QtCore.qVersion()} can be imported"


def _packs() -> str:
    broken = [f"{pack.path.stem}: {pack.error}" for pack in list_packs() if pack.error]
    if broken:
        raise _Fault(" ".join(broken))
    try:
        default = find_pack(DEFAULT_PACK)
    except PackError as error:
        raise _Fault(str(error)) from error
    names = ", ".join(pack.manifest.pack_id for pack in list_packs() if pack.manifest)
    return f"{names} (default: {default})"
