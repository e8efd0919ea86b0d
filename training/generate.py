"""Generate a scenario's examples: clean images -> victim + attack grid -> parts.

Every (victim, attack entry, split) is a stream of rounds. A round asks each cell of the grid for the examples it
still lacks, all cells mixed in one queue of batches; the next round follows from what the last one filled. All
choices come from the seed and from earlier parts, never from the clock or from who computed them. So a killed run
replays the parts it finds and computes the rest, ranks share the batches of a round, and both end with the bytes of
an undisturbed single process. (On a CPU: a GPU's convolutions need not round alike from one run to the next.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import AttackError, DeviceError, DiskFullError, size_text
from core.labels import CLEAN
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim, load_folded
from training.attacks import Attack, AttackResult
from training.attacks.base import LEVELS
from training.budget import examples_bytes, used
from training.memory import Pieces, Smaller, at_once
from training.naming import batch_of, named_by
from training.plan import check_victim, make_attacks, settle_plan
from training.ranks import Ranks
from training.scenario import AttackSpec, Scenario
from training.screening import Screening, screen
from training.shards import Arrays, read_header, write_listing, write_part
from training.sources import SPLITS, CleanImages, Split, marks_of


@dataclass(frozen=True, slots=True)
class _Stream:
    """One (victim, attack entry, split), how many examples of each value it wants, and where its parts go."""

    victim_label: str
    spec: AttackSpec
    attack: Attack
    split: Split
    wanted: int
    folder: Path
    seed: int


def stable_seed(*parts: object) -> int:
    """A 63-bit seed from names and numbers, the same on every machine and in every run."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generate(
    scenario: Scenario,
    clean: CleanImages,
    victims: Path,
    out: Path,
    *,
    device: torch.device,
    tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
    ranks: Ranks | None = None,
    smaller: Smaller = lambda _batch, _piece: None,
) -> dict[str, Any]:
    """Fill ``out`` with the scenario's parts and manifest; returns the report that the manifest carries.

    victims: folder with the scenario's victim files. smaller: told the batch and how many of its images are attacked
    at once from now on, where the memory does not hold more. Raises AttackError with the cell named when an attack
    fails, DeviceError where not even one image fits, DiskFullError; what was written stays and the next run goes on
    from it. Raises ScenarioError, VictimError or DataError before any work if an entry, a victim's file or what is in
    ``out`` already is not what the scenario needs.
    """
    ranks = ranks or Ranks()
    attacks = make_attacks(scenario)
    for victim_spec in scenario.victims:
        check_victim(victims / victim_spec.saved_as, victim_spec, clean)
    settle_plan(scenario, clean, victims, out, write=ranks.first)
    report: dict[str, Any] = {"victims": {}, "cells": {}, "unfilled": [], "source": clean.name}
    report |= {"trained_on": marks_of(clean), "class_names": list(clean.class_names)}
    pools = np.concatenate([clean.rows(split)[: getattr(scenario.clean.pool, split)] for split in SPLITS])
    with _saying_what_is_left(scenario, clean, out):
        _write_clean(scenario, clean, out, ranks)
        report["unfilled"] += _clean_lacking(scenario, clean)
        for victim_spec in scenario.victims:
            victim, digest = load_folded(victims / victim_spec.saved_as)
            victim = victim.to(device)
            named = named_by(victim, clean, pools, tell, cancel)
            report["victims"][victim_spec.label] = {"sha256": digest, "accuracy": victim.card.accuracy}
            screened: dict[Split, Screening] = {}
            for split in SPLITS:
                if any(getattr(scenario.cell(victim_spec.label, a), split) for a in scenario.attacks):
                    folder, pool = out / victim_spec.label, getattr(scenario.clean.pool, split)
                    screened[split] = screen(victim, digest, named, split, pool, folder, ranks, smaller)
            for spec, attack in zip(scenario.attacks, attacks, strict=True):
                for split, screening in screened.items():
                    folder = out / victim_spec.label / spec.key / split
                    seed = stable_seed(scenario.seed, victim_spec.label, spec.key, split)
                    wanted = int(getattr(scenario.cell(victim_spec.label, spec), split))
                    stream = _Stream(victim_spec.label, spec, attack, split, wanted, folder, seed)
                    maker = _Maker(stream, named, victim, scenario.batch, smaller)
                    filled, tried = _run_stream(stream, scenario.batch, screening, maker, tell, cancel, ranks)
                    _report_cells(report, stream, filled, tried)
        if ranks.first:
            write_listing(out, scenario, report)
    ranks.barrier()
    return report


@contextmanager
def _saying_what_is_left(scenario: Scenario, clean: CleanImages, out: Path) -> Iterator[None]:
    """A full disk is told with what all the examples take that are still to be made."""
    try:
        yield
    except DiskFullError as error:
        rest = max(examples_bytes(scenario, clean.shape) - used(out), error.needed)
        more = f" The examples that are still to be made take about {size_text(rest)}."
        raise DiskFullError(error.path, error.needed, error.free, more) from error


def _report_cells(report: dict[str, Any], stream: _Stream, filled: NDArray[np.int64], tried: NDArray[np.int64]) -> None:
    key = f"{stream.victim_label}/{stream.spec.key}/{stream.split}"
    report["cells"][key] = {"values": stream.spec.grid.values, "filled": filled.tolist(), "tried": tried.tolist()}
    for value, count in zip(stream.spec.grid.values, filled.tolist(), strict=True):
        if count < stream.wanted:
            report["unfilled"].append({"cell": f"{key}/{value:g}", "filled": count, "wanted": stream.wanted})


class _Tally:
    """Examples filled and images tried by cell [V], as the parts' headers say, and the progress that they make."""

    def __init__(self, stream: _Stream, tell: ProgressCallback, cancel: CancelToken | None) -> None:
        cells = stream.spec.grid.count
        self.filled = np.zeros(cells, np.int64)
        self.tried = np.zeros(cells, np.int64)
        self._wanted = stream.wanted
        self._found = frozenset(stream.folder.glob("*.safetensors"))
        earlier = sum((_header(path)[0] for path in self._found), np.zeros(cells, np.int64))
        stage = f"{stream.victim_label} {stream.spec.title} {stream.split}"
        done = self._of_use(earlier)
        self._meter = ProgressMeter(stage, stream.wanted * cells, tell, already_done=done, cancel=cancel)

    def add(self, path: Path) -> None:
        before = self._of_use(self.filled)
        filled, tried = _header(path)
        self.filled += filled
        self.tried += tried
        if path not in self._found:
            self._meter.advance(self._of_use(self.filled) - before)

    def _of_use(self, filled: NDArray[np.int64]) -> int:
        """A cell's last batch may hold more than is wanted of it."""
        return int(np.minimum(filled, self._wanted).sum())


def _header(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    header = read_header(path)
    return np.asarray(header["filled"]), np.asarray(header["tried"])


def _run_stream(
    stream: _Stream, batch: int, screening: Screening, maker: _Maker, tell: ProgressCallback,
    cancel: CancelToken | None, ranks: Ranks,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Rounds until every cell is full or out of attempts. Returns examples filled and images tried, by cell."""
    values = np.asarray(stream.spec.grid.values, np.float32).tolist()
    orders = [_candidates(stream, cell, value, screening) for cell, value in enumerate(values)]
    tally = _Tally(stream, tell, cancel)
    part = 0
    while queue := _next_round(stream, orders, tally.filled, tally.tried):
        chunks = [queue[i : i + batch] for i in range(0, len(queue), batch)]
        paths = [stream.folder / f"{part + i:05d}.safetensors" for i in range(len(chunks))]
        for index, (chunk, path) in enumerate(zip(chunks, paths, strict=True)):
            if cancel is not None:
                cancel.check()
            if ranks.owns(index) and not path.exists():
                maker.make(chunk, path)
            if ranks.alone:
                tally.add(path)
        ranks.barrier()
        if not ranks.alone:
            for path in paths:
                tally.add(path)
        part += len(chunks)
    return tally.filled, tally.tried


def _candidates(stream: _Stream, cell: int, value: float, screening: Screening) -> NDArray[np.int64]:
    """Clean images for one cell, in the order in which they are tried; positions in the screening.

    Only images that the victim names right. For epsilon, images whose first-order distance to the boundary is
    within reach come first, in random order, then the others by distance: small epsilons fool a good victim on about
    one image in a hundred, and an attack on the other 99 would only be dropped.
    """
    order = np.random.default_rng([stream.seed & 0xFFFFFFFF, cell]).permutation(np.flatnonzero(screening.right))
    if stream.attack.hyperparameter != "epsilon":
        return order
    distance = screening.epsilon[order] * LEVELS
    near = distance <= value
    beyond = order[~near]
    return np.concatenate([order[near], beyond[np.argsort(screening.epsilon[beyond], kind="stable")]])


def _next_round(
    stream: _Stream, orders: list[NDArray[np.int64]], filled: NDArray[np.int64], tried: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """(cell, position) pairs to try next: as many as each cell lacks, at the success rate it has shown."""
    queue: list[tuple[int, int]] = []
    for cell, order in enumerate(orders):
        limit = min(len(order), stream.wanted * stream.spec.attempts)
        lacking = stream.wanted - int(filled[cell])
        if lacking <= 0 or tried[cell] >= limit:
            continue
        rate = max(float(filled[cell]) / float(tried[cell]), 0.25) if tried[cell] else 1.0
        count = min(int(np.ceil(lacking / rate)), limit - int(tried[cell]))
        queue += [(cell, int(p)) for p in order[tried[cell] : tried[cell] + count]]
    rng = np.random.default_rng([stream.seed & 0xFFFFFFFF, 1 << 20, int(tried.sum())])
    return [queue[i] for i in rng.permutation(len(queue))]


class _Maker:
    """Attacks a stream's batches and writes their parts.

    What the memory does not hold at once goes through the attack in pieces, and so do the batches after it. The images
    are the same up to the rounding of a smaller batch, but for toolboxes whose examples depend on each other.
    """

    def __init__(self, stream: _Stream, clean: CleanImages, victim: Victim, batch: int, smaller: Smaller) -> None:
        self._stream, self._clean, self._victim = stream, clean, victim
        self._device = victim.device
        self._values = np.asarray(stream.spec.grid.values, np.float32)
        self._pieces = Pieces(at_once(victim, clean.images.shape[2:], batch), self._device, smaller)

    def make(self, chunk: list[tuple[int, int]], path: Path) -> None:
        """Attack one batch of (cell, clean row) and write what fooled the victim."""
        cells = np.asarray([c for c, _ in chunk])
        rows = np.asarray([r for _, r in chunk])
        asked = self._values[cells]
        generator = torch.Generator().manual_seed(stable_seed(self._stream.seed, path.stem))
        result = self._attack(rows, asked, generator)
        won = result.success.numpy()
        arrays: Arrays = {
            "adversarial": (result.adversarial * LEVELS).round().to(torch.uint8).numpy()[won],
            "clean": self._clean.images[rows][won],
            "row": rows[won],
            "hyperparameter": asked[won],
            "l2": result.l2.numpy()[won],
            "linf": result.linf.numpy()[won],
        }
        tally = {
            "filled": np.bincount(cells[won], minlength=len(self._values)).tolist(),
            "tried": np.bincount(cells, minlength=len(self._values)).tolist(),
        }
        write_part(path, arrays, tally)

    def _attack(self, rows: NDArray[np.int64], asked: NDArray[np.float32], generator: torch.Generator) -> AttackResult:
        """The result over all rows, on the CPU. Raises AttackError and DeviceError that name the cells."""
        stream, begun = self._stream, {0: generator.get_state()}

        def attack(piece: slice) -> AttackResult:
            generator.set_state(begun[piece.start])  # a piece that did not fit has drawn already
            images, labels = batch_of(self._clean, rows[piece], self._device)
            values = stream.attack.own_units(asked[piece])
            result = stream.attack(self._victim, images, labels, values, eight_bit=True, generator=generator)
            begun[piece.stop] = generator.get_state()
            return AttackResult(*(column.cpu() for column in result))

        try:
            results = self._pieces.of(len(rows), attack)
        except (AttackError, DeviceError) as error:
            values = ", ".join(f"{value:g}" for value in np.unique(asked))
            where = f"{stream.victim_label}/{stream.spec.key}/{stream.split} at {stream.attack.hyperparameter} {values}"
            raise type(error)(f"{where}: {error.what}", error.remedy) from error
        return AttackResult(*(torch.cat(columns) for columns in zip(*results, strict=True)))


def _write_clean(scenario: Scenario, clean: CleanImages, out: Path, ranks: Ranks) -> None:
    """The class "clean": unattacked images, hyperparameter 0 (Section 4.4)."""
    for split, count in _clean_counts(scenario):
        path = out / CLEAN / CLEAN / split / "00000.safetensors"
        if not count or not ranks.first or path.exists():
            continue
        rows = np.random.default_rng(stable_seed(scenario.seed, CLEAN, split)).permutation(clean.rows(split))[:count]
        nothing = np.zeros(len(rows), np.float32)
        images = clean.images[rows]
        arrays: Arrays = {"adversarial": images, "clean": images, "row": rows}
        arrays |= {"hyperparameter": nothing, "l2": nothing, "linf": nothing}
        write_part(path, arrays, {"filled": [len(rows)], "tried": [len(rows)]})


def _clean_lacking(scenario: Scenario, clean: CleanImages) -> list[dict[str, Any]]:
    """Splits that have fewer images than the class "clean" asks for, as cells that could not be filled."""
    have = {split: len(clean.rows(split)) for split in SPLITS}
    return [
        {"cell": f"{CLEAN}/{split}", "filled": have[split], "wanted": count}
        for split, count in _clean_counts(scenario)
        if have[split] < count
    ]


def _clean_counts(scenario: Scenario) -> Iterator[tuple[Split, int]]:
    for split in SPLITS:
        yield split, int(getattr(scenario.clean.examples, split))
