"""Ask a run's victims about its examples: what the scorer of the third stream learns from and is measured on."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.calibration import Calibration, Doubt
from core.manifest import AttackLabel
from core.model.network import MTAA, Outputs
from core.model.scorer import agreed
from core.perturbation import perturbation
from core.probes import PROBES, ask
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim, load_victim
from training.calibrate import clean_of
from training.doubts import Doubts
from training.gradients import pieces, to_float
from training.scenario import Scenario
from training.shards import Examples, read_part, write_part

Rows = NDArray[np.int64]

_HELD = 2**28
"""Bytes of estimates that are held from one victim to the next. Of more images the network makes them anew for each
victim, a small part of what asking it takes: ten thousand photographs' would be 6 GB.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """N examples with the image's own calibrated answers and what every victim said.

    probes: [N, V, P]. attack_logits [N, A], victim_logits [N, L]: divided by their temperature. image_value: [N, A].
    attack, victim, value: [N], the truth. as_made: bool [N], whether an example is as its attack left it. strange: bool
    [N], which were told apart as unfamiliar. at: for each of the V victims its label's index among the L. clean: the
    index of "clean" among the A and the L, if it is one of both.
    """

    probes: Tensor
    attack_logits: Tensor
    victim_logits: Tensor
    image_value: Tensor
    attack: Tensor
    victim: Tensor
    value: Tensor
    as_made: Tensor
    strange: Tensor
    at: tuple[int, ...]
    clean: tuple[int, int] | None

    def __len__(self) -> int:
        return len(self.attack)

    @property
    def image(self) -> Tensor:
        """[N, L]: log-probabilities of the victims by the image alone, as they are weighed."""
        return agreed(self.attack_logits, self.victim_logits, self.clean)

    @property
    def candidate(self) -> Tensor:
        """[N]: which of the V was attacked, -1 for none of them."""
        table = torch.full((self.victim_logits.shape[1],), -1)
        table[list(self.at)] = torch.arange(len(self.at))
        return table[self.victim]

    def of(self, rows: Tensor) -> Asked:
        """Some of the examples."""
        return Asked(
            self.probes[rows], self.attack_logits[rows], self.victim_logits[rows], self.image_value[rows],
            self.attack[rows], self.victim[rows], self.value[rows], self.as_made[rows], self.strange[rows], self.at,
            self.clean,
        )  # fmt: skip

    def candidates(self, kept: list[int]) -> Asked:
        """The same examples with only these of the V victims asked."""
        return dataclasses.replace(self, probes=self.probes[:, kept], at=tuple(self.at[k] for k in kept))


class _Alone:
    """What the network alone says of pieces of images.

    attack, victim, hyperparameter, familiarity: its raw answers on the CPU, [N, ...]. strength: of all its estimates.
    """

    def __init__(
        self, network: MTAA, labels: list[AttackLabel], images: Sequence[Tensor], device: torch.device,
        tell: ProgressCallback, cancel: CancelToken,
    ) -> None:  # fmt: skip
        self._network, self._labels, self._images, self._device = network, labels, images, device
        hold = sum(piece.numel() for piece in images) * torch.float32.itemsize <= _HELD
        self._held: list[Tensor] = []
        self.strength = 0.0
        columns: tuple[list[Tensor], ...] = ([], [], [], [])
        meter = ProgressMeter("measuring", sum(map(len, images)), tell, cancel=cancel)
        for piece in images:
            cancel.check()
            said, estimate = self._ask(piece)
            for column, part in zip(columns, said, strict=True):
                column.append(part)
            self.strength += float(estimate.double().abs().sum())
            self._held += [estimate] if hold else []
            meter.advance(len(piece))
        self.attack, self.victim, self.hyperparameter, self.familiarity = map(torch.cat, columns)

    def estimate(self, at: int) -> Tensor:
        """Of the perturbations in one of the pieces, on the CPU."""
        return self._held[at] if self._held else self._ask(self._images[at])[1]

    @torch.no_grad()
    def _ask(self, piece: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]:
        pixels = to_float(piece.to(self._device))
        outputs: Outputs = self._network(pixels)
        estimate = perturbation(pixels, outputs, self._labels)
        familiarity = self._network.familiarity(outputs.features)
        said = outputs.attack.cpu(), outputs.victim.cpu(), outputs.hyperparameter.cpu(), familiarity.cpu()
        return said, estimate.cpu()


def sample(examples: Examples, most: int, seed: int) -> Rows:
    """Rows of at most ``most`` examples, ascending, the same for the same seed."""
    if len(examples) <= most:
        return np.arange(len(examples))
    return np.sort(np.random.default_rng(seed).choice(len(examples), most, replace=False))


def ask_victims(
    network: MTAA, labels: list[AttackLabel], calibration: Calibration, scenario: Scenario, victims: Path,
    examples: Examples, rows: Rows, kept: Path, device: torch.device, tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None, unfamiliar: Calibration | None = None,
) -> Asked:  # fmt: skip
    """Ask the scenario's victims, whose files are in the folder ``victims``, about some examples.

    calibration: by which the image's own answers are told; unfamiliar: by which those beyond the familiarity's
    threshold are, without it the same.
    A victim's answers are kept in the folder ``kept`` when it has given them all, so that a later call goes on there.
    Raises VictimError or DataError for files that are not what they were, Cancelled between two batches.
    """
    cancel = cancel or CancelToken()
    images = pieces(torch.from_numpy(examples.adversarial[rows]))
    alone = _Alone(network.to(device).eval(), labels, images, device, tell, cancel)
    header = {
        "images": len(rows), "examples": _fingerprint(images), "network": alone.strength, "probes": list(PROBES),
    }  # fmt: skip
    said = []
    for spec in scenario.victims:
        victim, digest = load_victim(victims / spec.saved_as)
        path, own = kept / spec.saved_as, header | {"victim": digest}
        before = read_part(path) if path.exists() else None
        if before is not None and _same(before[1], own):
            said.append(torch.from_numpy(before[0]["probes"]))
            continue
        meter = ProgressMeter(f"asking {spec.label}", len(rows), tell, cancel=cancel)
        said.append(_replies(victim.to(device), images, alone, meter, cancel))
        write_part(path, {"probes": said[-1].numpy()}, own)
    strange = alone.familiarity > calibration.familiarity_threshold
    if unfamiliar is None:
        strange, unfamiliar = torch.zeros_like(strange), calibration
    doubts = Doubts(Doubt(calibration=calibration), Doubt(calibration=unfamiliar), strange)
    temperatures = doubts.of_each(lambda d: [d.calibration.attack_temperature, d.calibration.victim_temperature])
    by_attack, by_victim = torch.from_numpy(temperatures).float()[:, :, None].unbind(1)
    return Asked(
        probes=torch.stack(said, dim=1),
        attack_logits=alone.attack / by_attack,
        victim_logits=alone.victim / by_victim,
        image_value=alone.hyperparameter,
        attack=torch.from_numpy(examples.attack[rows]),
        victim=torch.from_numpy(examples.victim[rows]),
        value=torch.from_numpy(examples.hyperparameter[rows]),
        as_made=torch.ones(len(rows), dtype=torch.bool),
        strange=strange,
        at=tuple(scenario.victim_labels.index(spec.label) for spec in scenario.victims),
        clean=clean_of(labels),
    )


def _replies(
    victim: Victim, images: Sequence[Tensor], alone: _Alone, meter: ProgressMeter, cancel: CancelToken
) -> Tensor:
    """One victim's probes about all images, [N, P], on the CPU."""
    parts = []
    for at, piece in enumerate(images):
        cancel.check()
        pixels, estimate = to_float(piece.to(victim.device)), alone.estimate(at).to(victim.device)
        parts.append(ask([victim], pixels, estimate).probes[:, 0].cpu())
        meter.advance(len(piece))
    return torch.cat(parts)


def _fingerprint(images: Sequence[Tensor]) -> str:
    digest = hashlib.sha256()
    for chunk in images:
        digest.update(chunk.numpy().tobytes())
    return digest.hexdigest()


def _same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether answers kept are to the same questions; a network's sums differ in their last digits by the machine."""
    apart = abs(before.get("network", 0.0) - now["network"])
    return before | {"network": 0} == now | {"network": 0} and bool(apart <= 1e-4 * now["network"])
