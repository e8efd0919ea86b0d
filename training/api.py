"""The one door from ``app`` to training: what can be asked for, and the events that come back. Torch-free to import."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import DataError, VictimError
from core.manifest import ImageSpec
from core.progress import CancelToken, Progress
from training.course import Part, Step, steps_of
from training.scenario import (
    CleanSpec,
    Counts,
    Scenario,
    check_scenario,
    check_victim_entries,
    classes_in,
    name_from,
    numbers_in,
    read_scenario,
    write_scenario,
)

if TYPE_CHECKING:
    from training.ranks import Ranks
    from training.sources import CleanImages
    from training.survey import Survey as Survey  # noqa: PLC0414  (the window names it by this door)
    from training.victim_check import Verdict

__all__ = [
    "Event", "Part", "Run", "Scenario", "Step", "check_scenario", "classes_in", "name_from", "numbers_in", "open_run",
    "read_scenario", "steps_of", "write_scenario",
]  # fmt: skip

Listener = Callable[["Event"], None]
REACH_SHARES = (0.95, 0.5, 0.05)
IMPORT_PER_CLASS = 100
"""Images of each class of a folder, and of each of its parts, that an imported victim is checked on."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a long run.

    kind: "accepted" once a run was found to fit its disk and what lies in its folder, "progress" (stage, done,
    total, rate, seconds_left), "epoch" (epoch, losses, attack_accuracy, victim_accuracy, sigma, rmse by attack),
    "smaller" (batch, part: the memory held no more, so that a batch goes through the victim or the network in
    parts), "images" (count, classes, shape, splits, skipped: files that could not be read), "checked" (an own
    victim's accuracy, whether it is refused and what would be better; see training.victim_check), "victim" (name,
    accuracy: None where nobody labelled the images, guesses: whether that is no better than guessing, sha256),
    "reach" (name, images, the margin that each share of them reaches, the share that reaches each kappa of the
    grid), "estimate" (stages as training.estimate.Stage, seconds, most, bytes, free, begun: whether there are
    examples already), "generated" (examples, unfilled), "pack" (path, results), "paused" and "resumed" as the work
    stands still and goes on, and at the end of a run that does not reach its own: "cancelled", or "error" (type,
    what, remedy). In the wizard's file "begun" comes before the events of each process.
    """

    kind: str
    values: dict[str, Any]

    def to_json(self) -> str:
        """One line: {"event": kind, ...values}."""
        return json.dumps({"event": self.kind, **self.values})


@dataclass(frozen=True, slots=True)
class Run:
    """What to run and where.

    data: folder with the clean images, where the scenario's source needs one. download: fetch them into ``data``.
    out: everything is written below it and found again by a later run: victims/, data/, training/ and the pack.
    files: where own victims' files are, if the scenario gives relative paths.
    """

    scenario: Scenario
    out: Path
    data: Path | None = None
    download: bool = False
    device: str = "auto"
    files: Path = Path()

    @property
    def victims(self) -> Path:
        return self.out / "victims"

    @property
    def shards(self) -> Path:
        return self.out / "data"


def open_run(scenario: Path, out: Path, **options: Any) -> Run:
    """Read the scenario file and check it. Raises ScenarioError."""
    return Run(read_scenario(scenario), out, **options)


def survey_images(source: str, data: Path | None = None) -> Survey:
    """What clean images a scenario's source has. Raises DataError. Torch-free."""
    from training.survey import survey  # noqa: PLC0415

    return survey(source, data)


def train_victims(run: Run, listen: Listener, cancel: CancelToken | None = None) -> None:
    """Bring and train the victims that are not there yet, and tell every one's accuracy, and which of them guess."""
    from core.devices import choose_device  # noqa: PLC0415
    from core.files import file_sha256  # noqa: PLC0415
    from core.measured import above_guessing  # noqa: PLC0415
    from core.victims import read_card  # noqa: PLC0415
    from training.pipeline import make_victims  # noqa: PLC0415
    from training.ranks import Ranks  # noqa: PLC0415

    ranks = Ranks()
    if ranks.first:  # a victim is small: one process trains it, the others wait
        device = choose_device(ranks.device(run.device))
        clean = _clean(run, listen, cancel)
        make_victims(run.scenario, clean, run.victims, device, _progress(listen), cancel, run.files, _checked(listen))
    ranks.barrier()
    for spec in run.scenario.victims:
        path = run.victims / spec.saved_as
        card = read_card(path)
        guesses = not spec.file and card.accuracy is not None and card.accuracy < above_guessing(1 / card.classes)
        told = {"name": spec.label, "accuracy": card.accuracy, "guesses": guesses, "sha256": file_sha256(path)}
        listen(Event("victim", told))


def check_victims(run: Run, listen: Listener, cancel: CancelToken | None = None) -> None:
    """Take the clean images in, and bring the scenario's own victims; raises VictimError for one that is refused."""
    from core.devices import choose_device  # noqa: PLC0415
    from training.pipeline import bring_victims  # noqa: PLC0415

    clean, device = _clean(run, listen, cancel), choose_device(run.device)
    bring_victims(
        run.scenario, clean, run.victims, device, _progress(listen), cancel, run.files, _checked(listen), advise=True
    )


def import_victim(
    victim: Mapping[str, Any], image: ImageSpec, data: Path, out: Path, listen: Listener, *,
    device: str = "auto", cancel: CancelToken | None = None,
) -> None:  # fmt: skip
    """Bring one own victim into the file ``out`` once it does its work on clean images; packs of ``image`` can ask it.

    victim: as an entry of a scenario's (training.scenario.VictimSpec). data: clean images, in a folder or a tar file,
    or MNIST's four files. Tells "images" and "checked". Raises ScenarioError, DataError or VictimError.
    """
    from core.devices import choose_device  # noqa: PLC0415
    from training.folders import clean_images  # noqa: PLC0415
    from training.pipeline import bring_victim  # noqa: PLC0415

    spec, wanted, on = check_victim_entries(victim), _checked_on(image, data), choose_device(device)
    if not Path(str(spec.file)).is_file():
        raise VictimError(f"There is no file {spec.file}.", "Check the path.")
    tell = _progress(listen)

    def bring(kept: Path) -> None:
        clean = clean_images(wanted, data, kept, tell=tell, cancel=cancel)
        if spec.classes and not clean.classes:
            raise DataError(f"The images of {data} have no classes.", "Sort them into folders, or leave classes out.")
        _tell_images(clean, listen)
        bring_victim(spec, Path(str(spec.file)), clean, out, on, tell, cancel, _checked(listen), advise=True)

    with TemporaryDirectory(ignore_cleanup_errors=True) as kept:  # images of a refused one are still mapped from it
        bring(Path(kept))


def are_mnist(data: Path, image: ImageSpec) -> bool:
    """Whether the clean images in ``data`` are MNIST's files, for packs of ``image``. It may take a while to look."""
    from training.sources import holds_mnist  # noqa: PLC0415

    return image.shape == (1, 28, 28) and holds_mnist(data)


def _checked_on(image: ImageSpec, data: Path) -> CleanSpec:
    """The clean images in ``data`` that an imported victim is checked on. Raises DataError."""
    nothing = Counts(train=0, calibration=0, test=0)
    if are_mnist(data, image):
        return CleanSpec(source="mnist", pool=nothing)
    try:
        if image.height != image.width:
            raise ValueError
        return CleanSpec(
            source="folder", pool=nothing, size=image.height, channels=image.channels, per_class=IMPORT_PER_CLASS
        )
    except ValueError as error:
        what = f"Clean images are taken in as squares of 8 to 1024 pixels, not as {image.size}."
        raise DataError(what, "Choose another pack.") from error


def measure_reach(run: Run, images: int, listen: Listener, cancel: CancelToken | None = None) -> None:
    """Tell, for every victim, the margins that ``images`` clean images can be pushed to, as a "reach" event."""
    from core.devices import choose_device  # noqa: PLC0415
    from core.victims import load_folded  # noqa: PLC0415
    from training.attacks import make_attack  # noqa: PLC0415
    from training.reach import measure_reach as measure  # noqa: PLC0415

    clean, device = _clean(run, listen, cancel), choose_device(run.device)
    grids = [a.grid.values for a in run.scenario.attacks if make_attack(a.config).hyperparameter == "kappa"]
    asked = sorted({value for grid in grids for value in grid})
    for spec in run.scenario.victims:
        victim, _ = load_folded(run.victims / spec.saved_as)
        margins = measure(victim.to(device), clean, images, tell=_progress(listen), cancel=cancel)
        quantiles = {f"{share:.0%}": float(np.quantile(margins, 1 - share)) for share in REACH_SHARES}
        share_at = {f"{value:g}": float((margins >= value).mean()) for value in asked}
        listen(Event("reach", {"name": spec.label, "images": len(margins), "reach": quantiles, "grid": share_at}))


def generate(run: Run, listen: Listener, cancel: CancelToken | None = None) -> None:
    """Make the scenario's examples against the victims in ``run.victims``."""
    from core.devices import choose_device  # noqa: PLC0415
    from training.generate import generate as generate_examples  # noqa: PLC0415
    from training.pipeline import check_plan  # noqa: PLC0415
    from training.ranks import Ranks  # noqa: PLC0415

    ranks = Ranks()
    clean, device = _clean(run, listen, cancel, ranks), choose_device(ranks.device(run.device))
    if ranks.first:
        check_plan(run.scenario, clean, run.victims)
    ranks.barrier()
    report = generate_examples(
        run.scenario, clean, run.victims, run.shards, device=device, tell=_progress(listen), cancel=cancel,
        ranks=ranks, smaller=_smaller(listen),
    )  # fmt: skip
    examples = sum(sum(cell["filled"]) for cell in report["cells"].values())
    listen(Event("generated", {"examples": examples, "unfilled": report["unfilled"]}))


def train(run: Run, listen: Listener, cancel: CancelToken | None = None) -> Path:
    """Train the network on the examples in ``run.shards``, calibrate, measure and write the pack; returns its path."""
    from core.devices import choose_device  # noqa: PLC0415
    from training.pipeline import train_pack  # noqa: PLC0415
    from training.ranks import Ranks  # noqa: PLC0415

    ranks = Ranks()
    manifest = train_pack(
        run.scenario, run.victims, run.shards, run.out, choose_device(ranks.device(run.device)), _progress(listen),
        lambda report: listen(Event("epoch", dataclasses.asdict(report))), cancel,
        _smaller(listen), ranks,
    )  # fmt: skip
    path = run.out / f"{manifest.name}.mtaapack"
    listen(Event("pack", {"path": str(path), "results": manifest.results}))
    return path


def estimate(run: Run, listen: Listener, cancel: CancelToken | None = None) -> None:
    """Try a few batches of everything, and tell the time and the disk that the run would take as an "estimate"."""
    from core.devices import choose_device  # noqa: PLC0415
    from core.files import free_space  # noqa: PLC0415
    from training.budget import lacking  # noqa: PLC0415
    from training.estimate import estimate as try_all  # noqa: PLC0415
    from training.pipeline import bring_victims, check_learnable, check_plan  # noqa: PLC0415

    check_learnable(run.scenario)
    clean, device, tell = _clean(run, listen, cancel), choose_device(run.device), _progress(listen)
    check_plan(run.scenario, clean, run.victims)
    bring_victims(run.scenario, clean, run.victims, device, tell, cancel, run.files, _checked(listen))
    found = try_all(run.scenario, clean, run.victims, device, tell, cancel)
    disk = lacking(found.room, run.shards, run.out / "training")
    stages = [dataclasses.asdict(stage) for stage in found.stages]
    begun = any(run.shards.rglob("*.safetensors"))
    values = {"stages": stages, "seconds": found.seconds, "most": found.most, "bytes": disk, "begun": begun}
    listen(Event("estimate", values | {"free": free_space(run.out)}))


def check_room(run: Run, listen: Listener, cancel: CancelToken | None = None) -> None:
    """Raise NoRoomError if the run's disk has less room than it takes, and what else would be refused hours later."""
    from training import budget  # noqa: PLC0415
    from training.pipeline import check_going_on, check_learnable, check_plan  # noqa: PLC0415
    from training.plan import attack_labels  # noqa: PLC0415
    from training.ranks import Ranks  # noqa: PLC0415

    check_learnable(run.scenario)
    if Ranks().first:
        clean = _clean(run, listen, cancel)
        check_plan(run.scenario, clean, run.victims)
        check_going_on(run.scenario, clean, run.victims, run.shards, run.out / "training")
        needed = budget.room(run.scenario, attack_labels(run.scenario), clean, run.victims, run.files)
        budget.check_room(budget.lacking(needed, run.shards, run.out / "training"), run.out)


def run_all(run: Run, listen: Listener, cancel: CancelToken | None = None) -> Path:
    """Victims, examples, network and pack; what an earlier run finished is not done again.

    Raises NoRoomError before anything is made if the disk has no room for all of it.
    """
    check_room(run, listen, cancel)
    listen(Event("accepted", {}))
    train_victims(run, listen, cancel)
    generate(run, listen, cancel)
    return train(run, listen, cancel)


def _clean(run: Run, listen: Listener, cancel: CancelToken | None = None, ranks: Ranks | None = None) -> CleanImages:
    """The run's clean images. ranks: processes that call this together; the first takes a folder's images in."""
    from training.folders import clean_images  # noqa: PLC0415
    from training.sources import download_mnist  # noqa: PLC0415

    spec = run.scenario.clean
    if run.download:
        if run.data is None or spec.source != "mnist":
            raise DataError("Only MNIST is downloaded, and into a folder.", "Give --data DIR, or leave --download out.")
        return download_mnist(run.data)
    if ranks is not None and not ranks.first:
        ranks.barrier()
    clean = clean_images(spec, run.data, run.out / "images", tell=_progress(listen), cancel=cancel)
    if ranks is not None and ranks.first:
        ranks.barrier()
    if spec.source == "folder":
        _tell_images(clean, listen)
    return clean


def _tell_images(clean: CleanImages, listen: Listener) -> None:
    from training.sources import SPLITS  # noqa: PLC0415

    splits = {split: len(clean.rows(split)) for split in SPLITS}
    listen(
        Event("images", {"count": len(clean.images), "shape": clean.shape, "classes": list(clean.class_names),
                         "splits": splits, "skipped": list(clean.skipped)})
    )  # fmt: skip


def _checked(listen: Listener) -> Callable[[Verdict], None]:
    def tell(verdict: Verdict) -> None:
        advice = verdict.advice
        told = None if advice is None else {**dataclasses.asdict(advice), "words": advice.words}
        found = {"refused": verdict.refused, "few": verdict.few, "advice": told}
        listen(Event("checked", {**dataclasses.asdict(verdict), **found}))

    return tell


def _progress(listen: Listener) -> Callable[[Progress], None]:
    return lambda progress: listen(Event("progress", dataclasses.asdict(progress)))


def _smaller(listen: Listener) -> Callable[[int, int], None]:
    return lambda batch, part: listen(Event("smaller", {"batch": batch, "part": part}))
