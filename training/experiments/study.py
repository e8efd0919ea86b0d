"""What a run of an item is given: the examples, the scale, the device, and the cells that are done already.

A cell is one network trained and measured, or one other piece of work whose figures stand in a table. What a cell found
is kept under a name made of everything it depends on, so that a killed table goes on with the cell it was at, a trained
network goes on with its epoch, and two tables that need the same network train it once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.devices import choose_device, name_of
from core.errors import DataError, ScenarioError
from core.files import make_folder, write_file
from core.pack import Pack, find_pack, load_pack
from core.paths import DEFAULT_PACK, RESOURCES
from core.progress import ProgressCallback
from training.experiments.subset import Subset, select
from training.folders import clean_images
from training.generate import generate
from training.pipeline import make_victims
from training.scenario import Scenario, read_scenario
from training.shards import MADE_BY, MANIFEST, Examples, fingerprint, read_listing, read_split
from training.sources import CleanImages, Split

Arrays = dict[str, NDArray[Any]]

TRAIN, CALIBRATION, TEST = 160, 20, 20
"""Examples a cell at scale 1: Section 3.2's 160 and 20, and 20 to calibrate. Only training is scaled."""

_PHOTOGRAPH = 96
"""Pixels a side."""

EPOCHS = 30
"""Of the paper's networks at scale 1; the paper does not say how many it trained."""


@dataclass(frozen=True, slots=True)
class Result:
    """figures: what goes into the item's JSON. arrays: what they were computed from, kept beside them."""

    figures: dict[str, Any]
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of an item. what: its kind. settings: everything else that the result depends on.

    compute: given a folder of its own, which is emptied when it is done. absent: why it cannot be run, if so.
    """

    name: str
    what: str
    settings: dict[str, Any]
    compute: Callable[[Path], Result]
    absent: str = ""

    @property
    def key(self) -> str:
        text = json.dumps(self.settings, sort_keys=True, default=str)
        return f"{self.what}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Study:
    """One run: where its examples are (``out/data``, ``out/victims``), how much of them it takes, on which device.

    source: folder of the clean images. files: where own victims' files are. dataset: what the images are called.
    scale: times the examples a cell; epochs go with its square root unless ``epochs`` says how many.
    pack: name or path of the pack that the items about packs judge.
    """

    scenario: Scenario
    out: Path
    source: Path | None = None
    files: Path = Path()
    dataset: str = ""
    scale: float = 1.0
    epochs: int | None = None
    device_name: str = "auto"
    pack_name: str = DEFAULT_PACK
    tell: ProgressCallback = lambda _: None

    @cached_property
    def device(self) -> torch.device:
        return choose_device(self.device_name)

    @cached_property
    def clean(self) -> CleanImages:
        return clean_images(self.scenario.clean, self.source, self.out / "images", tell=self.tell)

    @cached_property
    def pack(self) -> Pack:
        return load_pack(find_pack(self.pack_name))

    @property
    def data(self) -> Path:
        return self.out / "data"

    @property
    def victims(self) -> Path:
        return self.out / "victims"

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.data)

    @property
    def photographs(self) -> bool:
        """Whether the paper takes its networks for ImageNet for such images, and not those for MNIST."""
        return (self.scenario.clean.size or 0) >= _PHOTOGRAPH

    @property
    def per_cell(self) -> int:
        """Training examples a cell that the scale asks for; the scenario may hold fewer."""
        return max(1, round(TRAIN * self.scale))

    def epochs_of(self, at_full_scale: int) -> int:
        return self.epochs or max(1, round(at_full_scale * self.scale**0.5))

    def images(self, most: int) -> int:
        """How many images a measurement takes that would take ``most`` at scale 1."""
        return max(2, round(most * self.scale))

    @cached_property
    def _splits(self) -> dict[Split, Examples]:
        return {}

    def examples(self, split: Split, subset: Subset | None = None) -> Examples:
        """The examples of a split, all or a subset, from the data folder."""
        if split not in self._splits:
            self._splits[split] = read_split(self.data, self.scenario, split)
        whole = self._splits[split]
        return whole if subset is None else select(self.scenario, whole, subset)

    # --- examples -----------------------------------------------------------------------------------------------------

    def prepare(self, *, examples: bool = True) -> None:
        """Train the victims and, where they are wanted, generate the examples that are missing; what is whole stays."""
        if examples and self._whole():
            return
        make_victims(self.scenario, self.clean, self.victims, self.device, self.tell, files=self.files)
        if examples:
            generate(self.scenario, self.clean, self.victims, self.data, device=self.device, tell=self.tell)

    def _whole(self) -> bool:
        if not (self.data / MANIFEST).exists():
            return False
        made_for, wanted = read_listing(self.data)["scenario"], self.scenario.model_dump()
        return all(made_for.get(k) == wanted.get(k) for k in ("seed", "batch", *MADE_BY))

    # --- cells --------------------------------------------------------------------------------------------------------

    def find(self, cell: Cell) -> dict[str, Any] | None:
        """The figures of a cell that is done, None if it is not. Raises DataError if its file is damaged."""
        path = self.out / "cells" / f"{cell.key}.json"
        try:
            kept: dict[str, Any] | None = json.loads(path.read_text("utf-8"))["figures"] if path.exists() else None
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DataError(f"{path} cannot be read: {error}.", "Delete it: the cell is then run again.") from error
        return kept

    def arrays(self, cell: Cell) -> Arrays:
        """The arrays of a cell that is done. Raises DataError if they are gone or damaged."""
        path = self.out / "cells" / f"{cell.key}.safetensors"
        try:
            return load(path.read_bytes())
        except (OSError, SafetensorError) as error:
            remedy = f"Delete {path.with_suffix('.json')}: the cell is then run again."
            raise DataError(f"{path} cannot be read: {error}.", remedy) from error

    def run(self, cell: Cell) -> dict[str, Any]:
        """The figures of a cell, found or computed now. Whatever stops this, the next call goes on from its folder."""
        found = self.find(cell)
        if found is not None:
            return found
        work = self.out / "work" / cell.key
        make_folder(work)
        begun = time.monotonic()
        result = cell.compute(work)
        figures = result.figures | {
            "seconds": round(time.monotonic() - begun, 1),
            "device": name_of(self.device),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        }
        folder = self.out / "cells"
        make_folder(folder)
        # The arrays first: where the figures are, the cell counts as done.
        arrays = {name: np.ascontiguousarray(array) for name, array in result.arrays.items()}
        write_file(folder / f"{cell.key}.safetensors", save(arrays))
        content = {"settings": cell.settings, "figures": figures}
        write_file(folder / f"{cell.key}.json", json.dumps(content, indent=1, default=str).encode())
        shutil.rmtree(work, ignore_errors=True)
        return figures


def open_study(dataset: str, out: Path, *, scenario: Path | None = None, scale: float = 1.0, **options: Any) -> Study:
    """The study of a scenario file; without one that of the examples in ``out``, or the protocol's at that scale.

    Raises ScenarioError for a file that is no scenario or of another data set, DataError for examples that cannot be
    read.
    """
    if scenario is not None:
        chosen = read_scenario(scenario)
    elif (out / "data" / MANIFEST).exists():
        chosen = _scenario_of(out / "data")
    else:
        protocol = RESOURCES / "scenarios" / f"{dataset}-protocol.toml"
        if not protocol.exists():
            raise ScenarioError(f"There is no protocol for {dataset}.", "Give a scenario file with --scenario.")
        chosen = scaled(read_scenario(protocol), scale)
    if chosen.clean.source not in (dataset, "folder"):  # a folder may hold any data set
        raise ScenarioError(f"{chosen.name} is about {chosen.clean.source}, not {dataset}.", "Give its --dataset.")
    return Study(chosen, out, dataset=dataset, scale=scale, **options)


def _scenario_of(data: Path) -> Scenario:
    try:
        return Scenario.model_validate(read_listing(data)["scenario"])
    except ValidationError as error:
        raise DataError(f"{data} was generated by a scenario of another version.", "Generate it again.") from error


def scaled(scenario: Scenario, scale: float) -> Scenario:
    """The scenario with its training examples times ``scale``, as many of a cell as are then used."""
    content = scenario.model_dump()
    for counts in (content["clean"]["examples"], *(attack["cell"] for attack in content["attacks"])):
        counts["train"] = max(1, round(counts["train"] * scale)) if counts["train"] else 0
    return Scenario.model_validate(content)
