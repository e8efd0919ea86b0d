"""``mtaa benchmark``: how fast this machine is at each of the program's jobs, measured against its own limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from app.cli.console import notify, output, plain, plain_lines, progress_bars
from app.cli.fitting import pack_names
from app.cli.options import Device
from core.files import check_writable, write_file
from core.pack import find_pack, load_pack
from core.paths import DEFAULT_PACK, RESOURCES
from core.progress import ProgressMeter
from core.records import encode
from core.victim_store import victims_to_ask

cli = typer.Typer(help="Measure speed on this machine, as ratios to what it could do at best.", no_args_is_help=True)

_VICTIM = RESOURCES / "victims" / "resnet18.safetensors"
_Pack = Annotated[str, typer.Option(metavar="NAME|FILE", autocompletion=pack_names, help="The model pack to measure.")]


def _writable(path: Path | None) -> Path | None:
    """The same path, or a WorkbenchError before anything is measured for nothing."""
    if path is not None:
        check_writable(path)
    return path


_Json = Annotated[
    Path | None, typer.Option(metavar="FILE", callback=_writable, help="Write every measurement as JSON.")
]


@cli.callback()
def _group() -> None:
    """Keeps the name of a command needed, however many there are."""


@cli.command()
def attribute(
    pack: _Pack = DEFAULT_PACK,
    images: Annotated[int, typer.Option(min=1, help="PNG files, made for the measurement.")] = 5000,
    side: Annotated[int, typer.Option(min=1, max=4096, help="Their width and height in pixels.")] = 28,
    repeats: Annotated[int, typer.Option(min=1, help="Of all measurements in turn; medians are shown.")] = 3,
    ask: Annotated[bool, typer.Option("--ask/--no-ask", help="Ask the pack's victims at hand as well.")] = True,
    device: Device = "auto",
    json: _Json = None,
) -> None:
    """From files to a case: beside the network alone, the decoder alone, and one image at a time."""
    pack_path = find_pack(pack)
    from core.attributor import Attributor  # noqa: PLC0415 (torch)
    from core.benchmark import measure_attribution  # noqa: PLC0415

    loaded = load_pack(pack_path)
    attributor = Attributor(loaded, device, victims_to_ask(loaded.manifest, ask, [], pack_path))
    with progress_bars() as bars:
        meter = ProgressMeter("measuring", repeats, bars)
        result = measure_attribution(attributor, images, side, repeats, lambda _: meter.advance(1))
    _print_attribution(result)
    if json is not None:
        write_result(json, result)


@cli.command()
def memory(
    pack: _Pack = DEFAULT_PACK,
    few: Annotated[int, typer.Option(min=1, help="PNG files of the first case.")] = 5000,
    many: Annotated[int, typer.Option(min=1, help="PNG files of the second one.")] = 50_000,
    side: Annotated[int, typer.Option(min=1, max=4096, help="Their width and height in pixels.")] = 28,
    device: Device = "auto",
    json: _Json = None,
) -> None:
    """How much more memory a case of many files takes than one of few."""
    pack_path = find_pack(pack)
    from core.attributor import Attributor  # noqa: PLC0415 (torch)
    from core.benchmark import measure_memory  # noqa: PLC0415

    result = measure_memory(Attributor(load_pack(pack_path), device), few, many, side)
    for number, peak in zip(result["images"], result["peak_memory_mib"], strict=True):
        output().print(plain(f"{number:,} files: " + (f"{peak:,.0f} MiB at most" if peak is not None else "unknown")))
    if json is not None:
        write_result(json, result)


@cli.command()
def attacks(
    data: Annotated[Path, typer.Option(metavar="DIR", help="The folder with the MNIST files.")],
    victim: Annotated[Path, typer.Option(metavar="FILE", help="The victim that all of them attack.")] = _VICTIM,
    examples: Annotated[int, typer.Option(min=1, help="Test images that the victim names right.")] = 128,
    repeats: Annotated[int, typer.Option(min=1, help="Of all contenders in turn; medians are shown.")] = 3,
    attack: Annotated[list[str] | None, typer.Option(help="Only this attack; may be given again.")] = None,
    peer: Annotated[list[str] | None, typer.Option(help="Only this toolbox; may be given again.")] = None,
    device: Device = "cpu",
    json: _Json = None,
) -> None:
    """Our attacks beside cleverhans, torchattacks, foolbox and ART (those of them that are installed)."""
    from core.devices import choose_device  # noqa: PLC0415 (torch)
    from training.benchmark_attacks import PEERS, Settings, benchmark  # noqa: PLC0415 (torch)

    settings = Settings(attacks=tuple(attack or ("FGSM", "PGD", "C&W")), peers=tuple(peer or PEERS), repeats=repeats)
    benchmark(data, victim, json, examples=examples, device=choose_device(device), settings=settings)


@cli.command()
def train(
    steps: Annotated[int, typer.Option(min=1, help="Of each epoch that is measured.")] = 40,
    batch: Annotated[int, typer.Option(min=2, help="Examples of a step.")] = 64,
    side: Annotated[int, typer.Option(min=8, max=1024, help="Width and height of the images in pixels.")] = 28,
    colour: Annotated[bool, typer.Option("--colour", help="Images of three channels in place of grey ones.")] = False,
    width: Annotated[int, typer.Option(min=1, help="The network's width, as a scenario gives it.")] = 32,
    repeats: Annotated[int, typer.Option(min=1, help="Of both loops in turn; medians are shown.")] = 3,
    device: Device = "auto",
    json: _Json = None,
) -> None:
    """Training of the network, beside the bare loop over batches that lie on the device already."""
    from core.devices import choose_device  # noqa: PLC0415 (torch)
    from training.benchmark_train import measure_training  # noqa: PLC0415

    with progress_bars() as bars:
        meter = ProgressMeter("measuring", repeats, bars)
        result = measure_training(
            choose_device(device), steps=steps, batch=batch, side=side, channels=3 if colour else 1, width=width,
            repeats=repeats, tell=lambda _: meter.advance(1),
        )  # fmt: skip
    rates = result["median"]
    shape = "x".join(map(str, result["shape"]))
    output().print(
        plain_lines(
            f"training: {rates['trainer']:.2f} steps a second, {result['ratio_to_bare']:.1%} of the bare loop's "
            f"{rates['bare']:.2f}\n{repeats} x {steps} steps of {batch} images {shape}, width {width}, "
            f"{result['precision']}, {result['threads']} threads, {result['device']}"
        )
    )
    if json is not None:
        write_result(json, result)


@cli.command()
def window(
    images: Annotated[
        int, typer.Option(min=1, help="Images in the batch under which the window must stay awake.")
    ] = 2000,
    json: _Json = None,
) -> None:
    """From start to first paint and first answer, and how late the window's heart beats during a batch."""
    from app.window_benchmark import measure  # noqa: PLC0415 (Qt)

    figures = measure(images)
    for name, value in figures.items():
        output().print(plain(f"{name.replace('_', ' ')}: {value:,.1f}"))
    if json is not None:
        write_result(json, figures)


@cli.command("watched-window", hidden=True)
def watched_window(folder: str, out: str, started: float) -> None:
    """What ``window`` starts as a process of its own."""
    from app.window_benchmark import watch  # noqa: PLC0415 (Qt)

    watch(folder, out, started)


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Write a benchmark's result atomically. Raises WorkbenchError where the file cannot be written."""
    write_file(path, encode(result))
    notify(f"Measurements: {path}")


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _print_attribution(result: dict[str, Any]) -> None:
    asked = f" with {len(result['asked'])} victims asked" if result["asked"] else ""
    meanings = {
        "forward": f"network alone{asked}, batch in memory",
        "decoder": "Pillow alone, files to pixels",
        "reader": "read, hashed, decoded and fitted",
        "whole": "files to case",
        "alone": "one image at a time, no case",
    }
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Images a second", "Median", "Each repeat"):
        table.add_column(heading)
    for name, meaning in meanings.items():
        each = ", ".join(_rate(repeat[name]) for repeat in result["repeats"])
        table.add_row(meaning, _rate(result["median"][name]), each)
    console = output()
    console.print(table)
    memory = result["peak_memory_mib"]
    console.print(
        plain(
            f"files to case: {result['ratio_to_limit']:.0%} of the slower of network and decoder, "
            f"{result['ratio_to_alone']:.1f} times one at a time"
            + (f"; peak memory {memory:,.0f} MiB" if memory is not None else "")
        )
    )
    console.print(
        plain(
            f"{result['images']:,} PNG files of {result['side']}x{result['side']}, batch {result['batch']}, "
            f"{result['threads']} threads, {result['pack']}, {result['device']}"
        )
    )
