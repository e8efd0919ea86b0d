"""``mtaa generate|train|run|estimate``: from a scenario file to a model pack."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer

from app.cli.console import output, plain_lines, progress_bars
from app.cli.control import follow_commands, listen_for_commands
from app.cli.options import Commands, DataDir, Device, Download, Events, FilesDir, OutDir, ScenarioFile
from core.errors import Cancelled, WorkbenchError, size_text
from core.files import alone_in
from core.measured import guessing
from core.progress import CancelToken, Progress
from core.wording import shown
from training import api


def generate(
    scenario: ScenarioFile, out: OutDir, data: DataDir = None, download: Download = False, device: Device = "auto",
    events: Events = False, commands: Commands = None,
) -> None:  # fmt: skip
    """Make the scenario's adversarial examples. Stopped at any moment, it goes on when run again."""
    do(api.generate, api.open_run(scenario, out, data=data, download=download, device=device), events, commands)


def train(
    scenario: ScenarioFile,
    out: OutDir,
    device: Device = "auto",
    events: Events = False,
    commands: Commands = None,
) -> None:
    """Train, calibrate and measure the network on the generated examples, and write the pack."""
    do(api.train, api.open_run(scenario, out, device=device), events, commands)


def run(
    scenario: ScenarioFile, out: OutDir, data: DataDir = None, files: FilesDir = Path(), download: Download = False,
    device: Device = "auto", events: Events = False, commands: Commands = None,
) -> None:  # fmt: skip
    """Victims, examples, network and pack in one go. Stopped at any moment, it goes on when run again."""
    run = api.open_run(scenario, out, data=data, download=download, device=device, files=files)
    do(api.run_all, run, events, commands)


def estimate(
    scenario: ScenarioFile, out: OutDir, data: DataDir = None, files: FilesDir = Path(), download: Download = False,
    device: Device = "auto", events: Events = False, commands: Commands = None,
) -> None:  # fmt: skip
    """Try a few batches of everything here, and say how long `mtaa run` would take and how much of the disk."""
    run = api.open_run(scenario, out, data=data, download=download, device=device, files=files)
    do(api.estimate, run, events, commands)


def do(
    job: Callable[[api.Run, api.Listener, CancelToken | None], object], run: api.Run, events: bool,
    commands: Path | None,
) -> None:  # fmt: skip
    """Do a stage of a run, and print what it tells as it goes on. Raises what the stage does."""
    if commands is not None and not events:
        raise typer.BadParameter("It goes with --events.", param_hint="--commands")
    if os.environ.get("RANK", "0") != "0":  # under torchrun one rank speaks for all
        job(run, lambda _: None, None)
        return
    with listener(events) as listen:
        if not events:
            with alone_in(run.out):
                job(run, listen, None)
            return
        token = CancelToken(lambda still: listen(api.Event("paused" if still else "resumed", {})))
        if commands is None:
            listen_for_commands(token)
        else:
            follow_commands(token, commands)
        try:
            with alone_in(run.out):
                job(run, listen, token)
        except WorkbenchError as error:
            listen(api.Event("error", {"type": type(error).__name__, "what": error.what, "remedy": error.remedy}))
            raise
        except Cancelled:
            listen(api.Event("cancelled", {}))
            raise


@contextmanager
def listener(events: bool) -> Iterator[api.Listener]:
    """Hears a run's events and prints them: as JSON, or in words beside progress bars."""
    if events:
        yield lambda event: print(event.to_json(), flush=True)
        return
    with progress_bars() as bars:

        def listen(event: api.Event) -> None:
            if event.kind == "progress":
                bars(Progress(**event.values))
            else:
                output().print(plain_lines(_in_words(event)))
                sys.stdout.flush()

        yield listen


GUESSES = (
    "That is little better than guessing: attacks on it are hardly attacks. Raise its passes in the scenario, and "
    "delete its file to have it trained anew."
)


def _in_words(event: api.Event) -> str:
    v = event.values
    match event.kind:
        case "accepted":
            words = "The disk has room for the run, and what lies in its folder belongs to it."
        case "images" | "checked" | "victim" | "reach":
            words = _before_examples(event.kind, v)
        case "estimate":
            words = "\n".join(_estimate(v))
        case "generated":
            cells = "".join(f"\n  {u['cell']}: {u['filled']} of {u['wanted']}" for u in v["unfilled"])
            note = f"; cells that could not be filled:{cells}" if cells else ""
            words = f"{v['examples']} adversarial examples{note}"
        case "smaller":
            words = f"out of memory: batches of {v['batch']} are now worked on {v['part']} images at a time"
        case "epoch":
            losses = ", ".join(f"{name} {value:.4f}" for name, value in v["losses"].items())
            accuracies = f"attack {v['attack_accuracy']:.2%}, victim {v['victim_accuracy']:.2%}"
            errors = ", ".join(f"{name} {value:.2f}" for name, value in v["rmse"].items())
            words = f"epoch {v['epoch'] + 1}: {accuracies}; RMSE: {errors}; losses: {losses}"
        case _:
            results = v["results"]
            words = (
                f"{v['path']}: on unseen images attack {results['attack_accuracy']:.2%}, victim "
                f"{results['victim_accuracy']:.2%}, RMSE on Table 1's scale {results['rmse_table1_scale']:.2f}"
            )
            if asked := results.get("probes"):
                both = asked["both"]
                words += (
                    f"; with its victims asked attack {both['attack_accuracy']:.2%}, victim "
                    f"{both['victim_accuracy']:.2%}, RMSE {both['rmse_table1_scale']:.2f}"
                )
            if poor := guessing(results):
                words += (
                    "\nHardly better than guessing: of the attacked test images it names the attack in "
                    f"{poor.attack:.0%} and the victim in {poor.victim:.0%}; guessing would in "
                    f"{poor.attack_by_chance:.0%} and {poor.victim_by_chance:.0%}. More examples and epochs come first."
                )
    return words


def _estimate(v: Mapping[str, Any]) -> Iterator[str]:
    kinds = {"victim": "victim ", "attack": "examples ", "network": "network", "results": "results",
             "asking": "asking the victims", "weighing": "weighing their answers"}  # fmt: skip
    for stage in v["stages"]:
        images = f"{stage['number']:,} images"
        disk = f", {size_text(stage['bytes'])}" if stage["bytes"] else ""
        yield f"{kinds[stage['kind']] + stage['name']:<28}{images:>18}, {_span(stage['seconds'], stage['most'])}{disk}"
    free = "" if v["free"] is None else f", {size_text(v['free'])} are free"
    if v["begun"]:
        yield "The times are of examples and training from the beginning; what is there already is not made again."
    yield f"in all {_span(v['seconds'], v['most'])}; at most {size_text(v['bytes'])} more of the disk{free}"


def _span(seconds: float, most: float) -> str:
    """ "0:02:10", with the most where that differs."""
    expected, longest = (str(timedelta(seconds=round(value))) for value in (seconds, most))
    return expected if expected == longest else f"{expected} to {longest}"


def _before_examples(kind: str, v: dict[str, Any]) -> str:
    """Events on clean images and victims."""
    if kind == "images":
        splits = ", ".join(f"{count} {split}" for split, count in v["splits"].items())
        lost = "".join(f"\n  left out: {shown(reason)}" for reason in v["skipped"])
        return f"{v['count']} images of {len(v['classes']) or 'no'} classes ({splits}){lost}"
    if kind == "reach":
        reached = ", ".join(f"{share} of images reach {margin:.1f}" for share, margin in v["reach"].items())
        short = [kappa for kappa, share in v["grid"].items() if share < 0.5]
        note = f"; fewer than half reach kappa {', '.join(short)} of the grid" if short else ""
        return f"{v['name']}: {reached} logits{note}"
    if v["accuracy"] is None:
        reason = v.get("refused") or (
            "nobody labelled the images: what it calls a clean one counts as right, and that it is given them as it "
            "wants them was not checked"
        )
        return f"{v['name']}: {reason}"
    if kind == "victim":
        told = f"{v['name']}: names {v['accuracy']:.2%} of the clean test images, sha256 {v['sha256'][:12]}"
        return f"{told}\n  {GUESSES}" if v["guesses"] else told
    alone = f" ({v['among']:.2%} if only the images' own count)" if v["among"] != v["accuracy"] else ""
    advice = f"\n  {v['advice']['words']}" if v["advice"] and not v["refused"] else ""
    share = f"{v['accuracy']:.2%} of {v['images']} clean test images"
    return f"{v['name']}: names {share} among its {v['outputs']} classes{alone}{advice}"
