"""What several commands are told alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="The scenario, a TOML file.")]
OutDir = Annotated[Path, typer.Option(metavar="DIR", help="Where everything is written, and found again to go on.")]
DataDir = Annotated[Path | None, typer.Option(metavar="DIR", help="The folder with the clean images.")]
Download = Annotated[bool, typer.Option("--download", help="Fetch MNIST into the --data folder first.")]
Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|cuda:N", help="Where to compute; auto takes a GPU if there is one.")
]
FilesDir = Annotated[
    Path, typer.Option(metavar="DIR", help="Where own victims' files are, if the scenario has no path.")
]
Events = Annotated[
    bool,
    typer.Option(
        "--events",
        help="Print one JSON event a line on standard output; obey pause, resume and cancel on standard input.",
    ),
]
Commands = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="With --events: obey the lines of this file, as they are added, instead."),
]
