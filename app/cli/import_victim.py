"""``mtaa victims import``: a model of one's own made into a victim that can be asked about images."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import notify
from app.cli.fitting import pack_names
from app.cli.options import Device
from app.cli.train import listener
from core.errors import VictimError, WorkbenchError
from core.files import check_writable
from core.pack import find_pack, read_manifest
from core.paths import DEFAULT_PACK
from core.victim_store import SUFFIX
from training import api

_MUCH = 0.1
"""Share of clean images that a victim names right beyond what it does as it is given, at which it is not taken so."""


class _Scaling(StrEnum):
    UNIT = "0-1"
    BYTE = "0-255"


def import_victim(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The model: a state dict of one of torchvision's, TorchScript, torch.export (.pt2), ONNX, or a victim "
            "that was trained here.",
        ),
    ],
    *,
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Clean images that it is checked on: a folder with a sub-folder for each class, a tar file of one, or "
            "MNIST's four files. Without classes, what it calls an image counts as right.",
        ),
    ],
    pack: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            autocompletion=pack_names,
            help="The pack that is to ask it: its images' size is the victim's.",
        ),
    ] = DEFAULT_PACK,
    out: Annotated[
        Path | None, typer.Option(metavar=f"FILE{SUFFIX}", help="The victim's file; NAME in this folder if not given.")
    ] = None,
    name: Annotated[str, typer.Option(help="What answers call it; the file's own name if not given.")] = "",
    architecture: Annotated[
        str, typer.Option(metavar="NAME", help="torchvision's name of the network, for a state dict.")
    ] = "",
    size: Annotated[
        int | None, typer.Option(min=1, help="Side in pixels of what it takes, if that is not the pack's.")
    ] = None,
    scaling: Annotated[_Scaling, typer.Option(help="Range of the values that mean and std go with.")] = _Scaling.UNIT,
    mean: Annotated[
        str, typer.Option(metavar="N[,N,N]", help="Subtracted from the values: one for all channels, or one for each.")
    ] = "",
    std: Annotated[str, typer.Option(metavar="N[,N,N]", help="Divides them, likewise.")] = "",
    bgr: Annotated[bool, typer.Option("--bgr", help="It takes blue, green, red.")] = False,
    classes: Annotated[
        str,
        typer.Option(
            metavar="N,N,...",
            help="Its number, from 0, of each class of the images, in the alphabetical order of their folders; or the "
            "names of all its classes.",
        ),
    ] = "",
    as_given: Annotated[
        bool, typer.Option("--as-given", help="Take it even where it would do much better otherwise.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Make a model of your own into a victim that can be asked, and say how well it knows clean images.

    One that guesses is refused, with what was found to help, as is one that would name many more right otherwise: run
    in another way than it was trained in, it speaks for attacks that were made on others. What it leaves is a file for
    `mtaa attribute --victim` and for the window's list of victims (Ctrl+J). No Python in a model's file is ever run.
    """
    name = name or api.name_from(file)
    if not (name or architecture):
        raise typer.BadParameter(f"{file.name} gives it no name of ASCII letters and digits.", param_hint="--name")
    entries: dict[str, Any] = {"name": name, "file": str(file.absolute())}
    given = {
        "architecture": architecture, "size": size, "mean": _numbers(mean, "--mean"), "std": _numbers(std, "--std"),
        "bgr": bgr, "scaling": "" if scaling is _Scaling.UNIT else scaling.value, "classes": api.classes_in(classes),
    }  # fmt: skip
    entries |= {key: value for key, value in given.items() if value}
    path = out or Path(f"{name or architecture}{SUFFIX}")
    if path.suffix != SUFFIX:
        raise typer.BadParameter(f"A victim's file ends in {SUFFIX}.", param_hint="--out")
    if path.exists():
        raise WorkbenchError(f"{path} exists already.", "Give another --out, or take it away first.")
    check_writable(path)
    manifest = read_manifest(find_pack(pack))
    if manifest.probes is None:
        raise VictimError(f"The pack {manifest.pack_id} cannot ask victims.", "Choose one whose scenario has [probes].")
    with listener(False) as listen:
        heard = listen if as_given else _doubting(listen)
        api.import_victim(entries, manifest.image, data, path, heard, device=device)
    notify(f"Victim: {path}  (mtaa attribute IMAGES --pack {pack} --victim {path})")


def _doubting(listen: api.Listener) -> api.Listener:
    """Raises VictimError, before anything is kept, for a victim that would do much better otherwise."""

    def heard(event: api.Event) -> None:
        v = event.values
        advice = v["advice"] if event.kind == "checked" and not v["refused"] else None
        if advice and v["accuracy"] is not None and advice["accuracy"] >= v["accuracy"] + _MUCH:
            raise VictimError(
                f"{v['name']} names {v['accuracy']:.1%} of the clean images right. {advice['words']}",
                "Import it so, or with --as-given as it is.",
            )
        listen(event)

    return heard


def _numbers(text: str, option: str) -> list[float]:
    try:
        return api.numbers_in(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not numbers with commas between.", param_hint=option) from error
