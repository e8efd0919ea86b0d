"""Images in, calibrated answers out: the one place where a pack's network runs for a user."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import DeviceError, ImageError
from core.heatmap import make_heatmap
from core.imageio import load_image
from core.manifest import Calibration, Manifest
from core.model.network import Outputs
from core.pack import Pack, build_network
from core.preprocess import prepare
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.types import (
    Attribution,
    Candidate,
    ClassAnswer,
    Familiarity,
    Finding,
    Heatmap,
    HyperparameterAnswer,
    LoadedImage,
    Record,
)

BATCH = 128


def choose_device(name: str = "auto") -> torch.device:
    """The device for "auto", "cpu", "cuda" or "cuda:N". Raises DeviceError if that one is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"{name!r} is no device.", "Use auto, cpu, cuda or cuda:N.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"This machine has no device {name}.", "Use auto or cpu.")
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"{name!r} is not supported.", "Use auto, cpu, cuda or cuda:N.")
    return device


class Attributor:
    """A pack's network on a device, ready to answer. Raises PackError or DeviceError when it cannot be."""

    def __init__(self, pack: Pack, device: str = "auto") -> None:
        self.manifest: Manifest = pack.manifest
        self.device = choose_device(device)
        network = build_network(pack).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = network.eval().requires_grad_(False)

    @property
    def device_name(self) -> str:
        """For people: the GPU's own name, or "CPU"."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"

    def attribute(
        self, images: Sequence[LoadedImage], *, coverage: float = 0.9, heatmaps: bool = False
    ) -> list[Finding]:
        """One finding an image, in order. Images may have any size and number of channels.

        coverage: of prediction sets and intervals, within the pack's calibrated range. Raises DeviceError when the
        device runs out of memory or fails.
        """
        findings: list[Finding] = []
        for start in range(0, len(images), BATCH):
            findings += self._attribute_batch(images[start : start + BATCH], coverage, heatmaps)
        return findings

    def _attribute_batch(self, images: Sequence[LoadedImage], coverage: float, heatmaps: bool) -> list[Finding]:
        prepared = [prepare(image, self.manifest.image) for image in images]
        batch = torch.from_numpy(np.stack([pixels for pixels, _ in prepared]))
        try:
            with torch.inference_mode():
                outputs: Outputs = self._network(batch.to(self.device).contiguous(memory_format=torch.channels_last))
                familiarity = self._network.familiarity(outputs.features).cpu()
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(
                "The GPU has not enough free memory.", "Close other programs that use it, or choose the CPU."
            ) from error
        answers = _Answers(outputs, self.manifest, coverage)
        return [
            Finding(
                Attribution(
                    sha256=image.sha256,
                    pack_id=self.manifest.pack_id,
                    attack=answers.attack(row),
                    victim=answers.victim(row),
                    hyperparameters=answers.hyperparameters(row),
                    familiarity=Familiarity(float(familiarity[row]), self.manifest.calibration.familiarity_threshold),
                    adjustments=adjustments,
                ),
                self._heatmap(outputs, row, image.size) if heatmaps else None,
            )
            for row, (image, (_, adjustments)) in enumerate(zip(images, prepared, strict=True))
        ]

    def _heatmap(self, outputs: Outputs, row: int, size: tuple[int, int]) -> Heatmap | None:
        if outputs.perturbation is None:
            return None
        return make_heatmap(outputs.perturbation.estimate[row], self.manifest.network, size)


class _Answers:
    """A batch's calibrated numbers, and the answers read off them row by row."""

    def __init__(self, outputs: Outputs, manifest: Manifest, coverage: float) -> None:
        self._manifest = manifest
        self._coverage = coverage
        calibration = manifest.calibration
        self._attack = _probabilities(outputs.attack, calibration.attack_temperature)
        self._victim = _probabilities(outputs.victim, calibration.victim_temperature)
        self._hyperparameter = outputs.hyperparameter.double().cpu().numpy()

    def attack(self, row: int) -> ClassAnswer:
        labels = [a.name for a in self._manifest.attacks]
        calibration = self._manifest.calibration
        return self._classes(labels, self._attack[row], calibration.attack_scores, calibration.sigma["attack"])

    def victim(self, row: int) -> ClassAnswer:
        labels = [v.name for v in self._manifest.victims]
        calibration = self._manifest.calibration
        return self._classes(labels, self._victim[row], calibration.victim_scores, calibration.sigma["victim"])

    def _classes(
        self, labels: list[str], probabilities: NDArray[np.float64], scores: list[float], sigma: float
    ) -> ClassAnswer:
        order = np.argsort(-probabilities, kind="stable")
        ranking = tuple(Candidate(labels[i], float(probabilities[i])) for i in order)
        limit = at_coverage(self._manifest.calibration, scores, self._coverage)
        chosen = tuple(c.label for n, c in enumerate(ranking) if n == 0 or 1 - c.probability <= limit)
        positive = probabilities[probabilities > 0]
        return ClassAnswer(
            ranking=ranking,
            entropy=float(-(positive * np.log2(positive)).sum()) + 0.0,
            sigma=sigma,
            prediction_set=chosen,
            coverage=self._coverage,
        )

    def hyperparameters(self, row: int) -> tuple[HyperparameterAnswer, ...]:
        """One answer for each attack, most probable attack first."""
        return tuple(self._hyperparameter_under(row, int(i)) for i in np.argsort(-self._attack[row], kind="stable"))

    def _hyperparameter_under(self, row: int, attack: int) -> HyperparameterAnswer:
        label = self._manifest.attacks[attack]
        calibration = self._manifest.calibration
        value = float(np.clip(self._hyperparameter[row, attack], label.minimum, label.maximum))
        half = at_coverage(calibration, calibration.halfwidths[label.name], self._coverage)
        return HyperparameterAnswer(
            name=label.hyperparameter,
            value=value,
            low=max(value - half, label.minimum),
            high=min(value + half, label.maximum),
            unit=label.unit,
            sigma=calibration.sigma["hyperparameter"],
            minimum=label.minimum,
            maximum=label.maximum,
            coverage=self._coverage,
        )


def _probabilities(logits: Tensor, temperature: float) -> NDArray[np.float64]:
    calibrated: NDArray[np.float64] = (logits.double() / temperature).softmax(1).cpu().numpy()
    return calibrated


def at_coverage(calibration: Calibration, quantiles: list[float], coverage: float) -> float:
    """A conformal quantile at any coverage between the calibrated ones, by linear interpolation."""
    return float(np.interp(coverage, calibration.coverages, quantiles))


def attribute_files(
    attributor: Attributor,
    paths: Sequence[Path],
    *,
    coverage: float = 0.9,
    heatmaps: bool = False,
    progress: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
) -> Iterator[Record]:
    """One record a path, in order; a file that is no image becomes a record that says why.

    Raises Cancelled between batches once ``cancel`` is set.
    """
    meter = ProgressMeter("attributing", len(paths), progress)
    remaining = iter(paths)
    while chunk := list(islice(remaining, BATCH)):
        if cancel is not None:
            cancel.check()
        loaded = [_load(path) for path in chunk]
        images = [item for item in loaded if isinstance(item, LoadedImage)]
        findings = iter(attributor.attribute(images, coverage=coverage, heatmaps=heatmaps))
        for path, item in zip(chunk, loaded, strict=True):
            if isinstance(item, LoadedImage):
                yield Record(os.fspath(path), item.sha256, "ok", None, next(findings))
            else:
                yield Record(os.fspath(path), None, "error", str(item), None)
        meter.advance(len(chunk))


def _load(path: Path) -> LoadedImage | ImageError:
    try:
        return load_image(path)
    except ImageError as error:
        return error
