"""From a trained network to a model pack: familiarity, calibration, measured results, manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.calibration import Calibration, Doubt, Task
from core.labels import CLEAN
from core.manifest import AttackLabel, ImageSpec, Manifest, VictimLabel
from core.model.network import MTAA
from core.pack import Pack, write_pack
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from training.calibrate import calibrated_on, clean_of, epsilons_to_read, familiarity_threshold
from training.comparison import compare
from training.counts import DRAWS
from training.detection import detection
from training.doubts import Doubts, calibrated
from training.figures import drawings
from training.fit_familiarity import CHANGED, fit_familiarity
from training.fit_unfamiliar import Unfamiliar, fit_unfamiliar
from training.lasting import StillFools
from training.likeness import correlation
from training.metrics import Floats, Predictions, evaluate
from training.scenario import Scenario
from training.shards import Examples, fingerprint, read_listing
from training.sources import SPLITS, Split, marks_together
from training.third_stream import ThirdStream, add_third_stream
from training.trainer import EpochReport, RawAnswers, answer


def export_pack(
    path: Path, scenario: Scenario, network: MTAA, labels: list[AttackLabel], image: ImageSpec, data: Path,
    splits: Mapping[Split, Examples], history: list[EpochReport], device: torch.device, start: Pack | None = None,
    *, victims: Path | None = None, fools: StillFools | None = None,
    tell: ProgressCallback = lambda _: None, cancel: CancelToken | None = None,
) -> Manifest:  # fmt: skip
    """Fit what the pack needs beside the weights, measure it on the test split, and write it to ``path``.

    The familiarity model sees training examples, the calibration its own split, and the test split only the
    finished pack. start: the pack whose weights training began with; the results then compare the two.
    victims: folder of the victims' files, which are asked where the scenario has [probes]. fools: what
    tells which attacks outlast a change, where training showed changed examples.
    """
    advance = _measuring(splits, fools is not None, tell, cancel)
    fitted = _fit(network, scenario, labels, image, splits, history[-1].sigma, device, fools, advance)
    results = _measure_all(network, scenario, fitted, splits["test"], device, start, advance)
    results["training"] = {
        "examples": len(splits["train"]), "calibration_examples": len(splits["calibration"]), "epochs": len(history),
        "parameters": sum(p.numel() for p in network.parameters()), "device": device.type,
        "torch": torch.__version__.split("+")[0], "last_epoch": history[-1].losses,
    }  # fmt: skip
    labels, calibration, unfamiliar = fitted
    third: ThirdStream | None = None
    if scenario.probes is not None and victims is not None:
        third = add_third_stream(
            network, scenario, labels, calibration, unfamiliar, splits, victims, path.parent / "probes", device, tell,
            cancel, fools,
        )  # fmt: skip
        results["probes"] = third.results
        if third.of_unfamiliar is not None:
            results["unfamiliar"]["both"] = third.of_unfamiliar
    made = read_listing(data)
    known = made["victims"]
    manifest: dict[str, Any] = {
        "name": scenario.name,
        "title": scenario.title,
        "description": scenario.description,
        "created": datetime.now(UTC).strftime("%Y-%m-%d"),
        "attacks": labels,
        "victims": [
            VictimLabel(name=name) if name == CLEAN else VictimLabel(name=name, **known[name])
            for name in scenario.victim_names
        ],
        "image": image,
        "network": scenario.network,
        "calibration": calibration,
        "probes": third and third.probes,
        "unfamiliar": unfamiliar and Doubt(calibration=unfamiliar.calibration, probes=third and third.unfamiliar),
        "changes": network.changes,
        "scenario": as_told(scenario, start),
        "results": results,
        "data_fingerprint": fingerprint(data),
        "class_names": made.get("class_names", ()),
        "trained_on": marks_together(
            made.get("trained_on", ""), start.manifest.trained_on if start is not None else ""
        ),
    }
    return write_pack(path, manifest, network.cpu().state_dict())


class _Fitted(NamedTuple):
    """labels: which say of each attack whether its epsilon is read. unfamiliar: None where it is not told apart."""

    labels: list[AttackLabel]
    calibration: Calibration
    unfamiliar: Unfamiliar | None


def _fit(
    network: MTAA, scenario: Scenario, labels: list[AttackLabel], image: ImageSpec, splits: Mapping[Split, Examples],
    sigma: dict[Task, float], device: torch.device, fools: StillFools | None, advance: Callable[[int], None],
) -> _Fitted:  # fmt: skip
    """What is unfamiliar, and how sure answers are, by the image alone."""
    train, examples, test = (splits[name] for name in SPLITS)
    if fools is not None:  # the network was taught to see through changes, so that its features no longer tell them
        network.see_residuals(image.channels)
    seen = answer(network, torch.from_numpy(train.adversarial), device, advance=advance)
    fit_familiarity(network, train, seen, len(scenario.victim_names), device, scenario.seed, advance, fools)
    labels, held_out = let_read(network.to(device), labels, examples, device, advance)
    network.familiarity.cpu().balance(held_out.features)
    threshold = familiarity_threshold(network.familiarity(held_out.features))
    calibration = calibrated_on(examples, held_out, labels, sigma, threshold)
    if fools is None:
        return _Fitted(labels, calibration, None)
    unfamiliar = fit_unfamiliar(
        network, examples, held_out, test, calibration, labels, fools, device, scenario.seed, advance
    )
    return _Fitted(labels, calibration, unfamiliar)


def _measure_all(
    network: MTAA, scenario: Scenario, fitted: _Fitted, test: Examples, device: torch.device, start: Pack | None,
    advance: Callable[[int], None],
) -> dict[str, Any]:  # fmt: skip
    """Everything about the test split by the image alone."""
    labels, calibration, unfamiliar = fitted
    alike: list[Tensor] = []
    images, by_pixel = torch.from_numpy(test.adversarial), scenario.network.perturbation_extractor == "pixel"
    estimated = _comparing(test, alike) if by_pixel else lambda _: None
    answers = answer(network.to(device), images, device, advance=advance, estimated=estimated)
    strange = network.familiarity.cpu()(answers.features) > calibration.familiarity_threshold
    other = calibration if unfamiliar is None else unfamiliar.calibration
    doubts = Doubts(Doubt(calibration=calibration), Doubt(calibration=other), strange)
    predictions = calibrated(answers, doubts, labels, clean_of(labels))
    results = figures_of(predictions, scenario, labels, test, torch.cat(alike).numpy() if alike else None)
    results |= drawings(
        predictions, doubts, labels, scenario.victim_names,
        answers.features[:, : network.features_out].numpy(), test.attack, test.victim, test.hyperparameter,
        (results["attack_confusion"], results["victim_confusion"]),
    )  # fmt: skip
    results["detection"] = detection(predictions.attack, test.attack, labels, doubts, lambda d: d.calibration)
    if start is not None:
        results["started_from"] = compare(start, predictions, labels, scenario.victim_names, test, device)
    results["familiar_share"] = float((~strange).float().mean())
    if unfamiliar is not None:
        told = calibrated(unfamiliar.tested.answers, unfamiliar.doubts, labels, clean_of(labels))
        results["unfamiliar"] = {
            "calibration_examples": len(unfamiliar.fitted.examples),
            "image": unfamiliar.measured(told, labels, scenario.victim_names),
        }
    return results


def as_told(scenario: Scenario, start: Pack | None) -> dict[str, Any]:
    """The scenario as its pack has it: of the pack it began with the name, and not where that lay on this machine."""
    told = scenario.model_dump()
    if start is not None:
        told["training"]["start"] = start.manifest.pack_id
    return told


def images_measured(train: int, calibration: int, test: int, *, changed: bool) -> int:
    """How many images the network looks at while a pack is made, by the examples of each split.

    changed: whether training showed it changed examples.
    """
    return train + min(train, CHANGED) + calibration + test + (DRAWS * calibration + test) * changed


def _measuring(
    splits: Mapping[Split, Examples], changed: bool, tell: ProgressCallback, cancel: CancelToken | None
) -> Callable[[int], None]:
    """Counts images as they are measured, and looks between them whether this shall go on."""
    images = images_measured(*(len(splits[name]) for name in SPLITS), changed=changed)
    meter = ProgressMeter("measuring", images, tell, cancel=cancel)

    def advance(images: int) -> None:
        meter.advance(images)
        if cancel is not None:
            cancel.check()

    return advance


def let_read(
    network: MTAA, labels: list[AttackLabel], examples: Examples, device: torch.device,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[list[AttackLabel], RawAnswers]:  # fmt: skip
    """Let the network read epsilon off the images for those attacks where that errs less on these examples.

    Returns the labels that say so, and the network's answers of then.
    """
    images = torch.from_numpy(examples.adversarial)
    told = answer(network, images, device, advance=advance)
    if network.config.perturbation_extractor != "pixel":
        return labels, told
    network.read_off = [label.hyperparameter == "epsilon" for label in labels]
    read = answer(network, images, device)
    truth = torch.from_numpy(examples.attack), torch.from_numpy(examples.hyperparameter)
    labels = epsilons_to_read(labels, told.hyperparameter, read.hyperparameter, *truth)
    network.read_off = [label.read_off for label in labels]
    hyperparameter = torch.where(torch.tensor(network.read_off), read.hyperparameter, told.hyperparameter)
    return labels, replace(told, hyperparameter=hyperparameter)


def figures_of(
    predictions: Predictions, scenario: Scenario, labels: list[AttackLabel], examples: Examples, alike: Floats | None
) -> dict[str, Any]:
    """Every figure of :func:`training.metrics.evaluate`, by attack entry as well, and the means of the correlation [N]
    of the heatmap with the perturbation, ``alike``.
    """

    def of(rows: Any) -> dict[str, Any]:
        return evaluate(
            Predictions(predictions.attack[rows], predictions.victim[rows], predictions.hyperparameter[rows]), labels,
            scenario.victim_names, examples.attack[rows], examples.victim[rows], examples.hyperparameter[rows],
        )  # fmt: skip

    results = of(np.arange(len(examples)))
    results["by_entry"] = {
        spec.key: of(np.flatnonzero(examples.entry == index))["without_clean"]
        for index, spec in enumerate(scenario.attacks)
        if (examples.entry == index).any()
    }
    if alike is not None:
        results["heatmap_correlation"] = {
            label.name: float(alike[examples.attack == index].mean())
            for index, label in enumerate(labels)
            if label.name != CLEAN and (examples.attack == index).any()
        }
    return results


def _comparing(examples: Examples, alike: list[Tensor]) -> Callable[[Tensor], None]:
    """Given estimates of the examples' perturbations in their order, appends how their sizes correlate [n] with those
    of the true ones over the pixels of each image.
    """

    def compare(estimate: Tensor) -> None:
        begin = sum(map(len, alike))
        rows = slice(begin, begin + len(estimate))
        attacked, clean = (torch.from_numpy(images[rows]).int() for images in (examples.adversarial, examples.clean))
        alike.append(correlation(estimate.abs(), (attacked - clean).abs()))

    return compare
