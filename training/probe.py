"""Ask a run's victims about its examples: what the scorer of the third stream learns from and is measured on."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.calibration import Calibration, Doubt
from core.manifest import AttackLabel
from core.model.network import MTAA, Outputs
from core.model.scorer import agreed
from core.perturbation import perturbation
from core.probes import PROBES, Looks, ask_one, at_once
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim, load_folded
from core.votes import Ballot, place_of, vote
from training.calibrate import clean_of
from training.company import Company
from training.doubts import Doubts
from training.gradients import pieces, to_float
from training.memory import Pieces
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

    probes: [N, V, P], in the company of all V. attack_logits [N, A], victim_logits [N, L]: divided by their
    temperature. image_value: [N, A].
    attack, victim, value: [N], the truth. as_made: bool [N], whether an example is as its attack left it. strange: bool
    [N], which were told apart as unfamiliar. at: for each of the V victims its label's index among the L. clean: the
    index of "clean" among the A and the L, if it is one of both. company: what victims say in another company, None
    where they say the same in any.
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
    company: Company | None = None

    def __len__(self) -> int:
        return len(self.attack)

    @property
    def image(self) -> Tensor:
        """[N, L]: log-probabilities of the victims by the image alone, as they are weighed."""
        return agreed(self.attack_logits, self.victim_logits, self.clean, heard=False)[1].log_softmax(1)

    @property
    def candidate(self) -> Tensor:
        """[N]: which of the V was attacked, -1 for none of them."""
        table = torch.full((self.victim_logits.shape[1],), -1)
        table[list(self.at)] = torch.arange(len(self.at))
        return table[self.victim]

    def said(self, at_hand: Tensor) -> Tensor:
        """The probes where only some of the victims are asked, bool [N, V]; of the others they mean nothing."""
        return self.probes if self.company is None else self.company.said(at_hand)

    def of(self, rows: Tensor) -> Asked:
        """Some of the examples."""
        return Asked(
            self.probes[rows], self.attack_logits[rows], self.victim_logits[rows], self.image_value[rows],
            self.attack[rows], self.victim[rows], self.value[rows], self.as_made[rows], self.strange[rows], self.at,
            self.clean, None if self.company is None else self.company.at(rows),
        )  # fmt: skip

    def candidates(self, kept: list[int]) -> Asked:
        """The same examples with only these of the V victims asked, in this order."""
        at, probes, company = tuple(self.at[k] for k in kept), self.probes[:, kept], None
        if self.company is not None:
            company = self.company.candidates(kept)
            probes = company.of_all()
        return dataclasses.replace(self, probes=probes, at=at, company=company)


class VictimFile(NamedTuple):
    """A victim that examples are asked of: its label, the label's column among the victims, and its file."""

    label: str
    column: int
    path: Path

    @classmethod
    def all_of(cls, scenario: Scenario, folder: Path) -> list[VictimFile]:
        """The scenario's victims, whose files are in a folder."""
        column = scenario.victim_names.index
        return [cls(spec.label, column(spec.label), folder / spec.saved_as) for spec in scenario.victims]


class _Alone:
    """What the network alone says of pieces of images, and what victims take its clean estimates for.

    attack, victim, hyperparameter, familiarity: its raw answers on the CPU, [N, ...]. strength: of all its estimates.
    votes: [N, V, K], of the victims, as :func:`core.votes.vote` has them.
    """

    def __init__(
        self, network: MTAA, labels: list[AttackLabel], images: Sequence[Tensor], victims: Sequence[Victim],
        device: torch.device, advance: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._network, self._labels, self._images, self._device = network, labels, images, device
        hold = sum(piece.numel() for piece in images) * torch.float32.itemsize <= _HELD
        self._held: list[Tensor] = []
        self.strength = 0.0
        votes: list[Tensor] = []
        columns: tuple[list[Tensor], ...] = ([], [], [], [])
        for piece in images:
            said, estimate = self._ask(piece)
            for column, part in zip(columns, said, strict=True):
                column.append(part)
            self.strength += float(estimate.double().abs().sum())
            self._held += [estimate] if hold else []
            advance(len(piece))
            votes.append(torch.stack([self._votes(victim, piece, estimate, advance) for victim in victims], dim=1))
        self.votes = torch.cat(votes)
        self.attack, self.victim, self.hyperparameter, self.familiarity = map(torch.cat, columns)

    def _votes(self, victim: Victim, piece: Tensor, estimate: Tensor, advance: Callable[[int], None]) -> Tensor:
        clean = (to_float(piece) - estimate).clamp(0, 1).to(self._device)

        def of(part: slice) -> Tensor:
            votes = vote(victim, clean[part]).cpu()
            advance(len(votes))
            return votes

        return torch.cat(Pieces(at_once([victim], clean), self._device).of(len(clean), of))

    def pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and the estimates of their perturbations, [B, C, H, W] on the device."""
        for at, piece in enumerate(self._images):
            yield to_float(piece.to(self._device)), self._estimate(at).to(self._device)

    def _estimate(self, at: int) -> Tensor:
        """Of the perturbations in one of the pieces, on the CPU."""
        return self._held[at] if self._held else self._ask(self._images[at])[1]

    @torch.no_grad()
    def _ask(self, piece: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]:
        def of(part: slice) -> tuple[Tensor, ...]:
            pixels = to_float(piece[part].to(self._device))
            outputs: Outputs = self._network(pixels)
            estimate = perturbation(pixels, outputs, self._labels)
            familiarity = self._network.familiarity(outputs.features)
            said = outputs.attack, outputs.victim, outputs.hyperparameter, familiarity, estimate
            return tuple(value.cpu() for value in said)

        found = Pieces(max(1, len(piece)), self._device).of(len(piece), of)
        attack, victim, hyperparameter, familiarity, estimate = map(torch.cat, zip(*found, strict=True))
        return (attack, victim, hyperparameter, familiarity), estimate


def sample(examples: Examples, most: int, seed: int) -> Rows:
    """Rows of at most ``most`` examples, ascending, the same for the same seed.

    As many of each attack entry and of clean ones, or all where there are fewer: what is rare is learnt from few.
    """
    if len(examples) <= most:
        return np.arange(len(examples))
    random = np.random.default_rng(seed)
    groups = [np.flatnonzero(examples.entry == entry) for entry in np.unique(examples.entry)]
    chosen: list[Rows] = []
    for left, group in zip(range(len(groups), 0, -1), sorted(groups, key=len), strict=True):
        share = min(len(group), (most - sum(map(len, chosen))) // left)
        chosen.append(random.choice(group, share, replace=False))
    return np.sort(np.concatenate(chosen))


def ask_victims(
    network: MTAA, labels: list[AttackLabel], calibration: Calibration, victims: Sequence[VictimFile],
    examples: Examples, rows: Rows, kept: Path, device: torch.device, tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None, unfamiliar: Calibration | None = None,
) -> Asked:  # fmt: skip
    """Ask victims about some examples.

    calibration: by which the image's own answers are told; unfamiliar: by which those beyond the familiarity's
    threshold are, without it the same.
    A victim's answers are kept in the folder ``kept`` when it has given them all, so that a later call goes on there.
    Raises VictimError or DataError for files that are not what they were, Cancelled between two batches.
    """
    cancel = cancel or CancelToken()
    images = pieces(torch.from_numpy(examples.adversarial[rows]))
    meter = ProgressMeter("measuring", len(rows) * (1 + len(victims)), tell, cancel=cancel)

    def advance(images: int) -> None:
        meter.advance(images)
        cancel.check()

    cancel.check()
    held = [load_folded(one.path) for one in victims]
    alone = _Alone(
        network.to(device).eval(), labels, images, [victim.to(device) for victim, _ in held], device, advance
    )
    header = {
        "images": len(rows), "examples": _fingerprint(images), "network": alone.strength, "probes": list(PROBES),
        "company": [digest for _, digest in held],
    }  # fmt: skip
    said = []
    for at, (one, (victim, digest)) in enumerate(zip(victims, held, strict=True)):
        path, own = kept / one.path.name, header | {"victim": digest}
        before = read_part(path) if path.exists() else None
        if before is not None and _same(before[1], own):
            said.append({name: torch.from_numpy(column) for name, column in before[0].items()})
            continue
        meter = ProgressMeter(f"asking {one.label}", len(rows), tell, cancel=cancel)
        said.append(_answers(victim, alone, alone.votes.sum(1) - alone.votes[:, at], advance))
        write_part(path, {name: column.numpy() for name, column in said[-1].items()}, own)
    probes, scores, seen, label = ([each[name] for each in said] for name in ("probes", "scores", "seen", "label"))
    company = Company.of(probes, scores, alone.votes, seen, label)
    strange = alone.familiarity > calibration.familiarity_threshold
    if unfamiliar is None:
        strange, unfamiliar = torch.zeros_like(strange), calibration
    doubts = Doubts(Doubt(calibration=calibration), Doubt(calibration=unfamiliar), strange)
    temperatures = doubts.of_each(lambda d: [d.calibration.attack_temperature, d.calibration.victim_temperature])
    by_attack, by_victim = torch.from_numpy(temperatures).float()[:, :, None].unbind(1)
    return Asked(
        probes=company.of_all(),
        attack_logits=alone.attack / by_attack,
        victim_logits=alone.victim / by_victim,
        image_value=alone.hyperparameter,
        attack=torch.from_numpy(examples.attack[rows]),
        victim=torch.from_numpy(examples.victim[rows]),
        value=torch.from_numpy(examples.hyperparameter[rows]),
        as_made=torch.ones(len(rows), dtype=torch.bool),
        strange=strange,
        at=tuple(one.column for one in victims),
        clean=clean_of(labels),
        company=company,
    )


def _answers(victim: Victim, alone: _Alone, votes: Tensor, advance: Callable[[int], None]) -> dict[str, Tensor]:
    """One victim's columns of a :class:`training.company.Company` of all images, on the CPU, by name.

    votes: of the others, [N, K].
    """
    parts: list[dict[str, Tensor]] = []
    begin = 0
    for images, estimate in alone.pieces():
        others = votes[begin : begin + len(images)].to(images.device)
        work = partial(_answer, victim, images, estimate, others, advance)
        parts += Pieces(at_once([victim], images), images.device).of(len(images), work)
        begin += len(images)
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _answer(
    victim: Victim, images: Tensor, estimate: Tensor, votes: Tensor, advance: Callable[[int], None], part: slice
) -> dict[str, Tensor]:  # fmt: skip
    """The same for a part of a piece of them."""
    looks, votes = Looks.at(images[part], estimate[part], compressed=True), votes[part]
    cast: list[tuple[Ballot, Tensor]] = []

    def by_itself(at_image: Tensor, at_clean: Tensor, compressed: Tensor) -> Tensor:
        ballot, label = Ballot.cast(victim, at_image, at_clean, compressed), at_image.argmax(1)
        cast.append((ballot, label))
        return ballot.numbers(ballot.elected(None, label))

    alone = ask_one(victim, looks, by_itself)
    ((ballot, label),) = cast
    own, common = (ballot.elected(each, label) for each in (None, votes))
    together, rows = alone.probes.clone(), torch.nonzero(own != common).squeeze(1)
    if len(rows):  # as a rule they agree
        together[rows] = ask_one(victim, looks.of(rows), lambda *_: ballot.numbers(common)[rows]).probes
    found = {
        "probes": torch.stack([alone.probes, together], dim=1),
        "scores": ballot.score.masked_fill(ballot.number == label[:, None], -torch.inf),
        "seen": alone.seen,
        "label": place_of(victim, label, alone.seen.shape[1]),
    }
    told = {name: column.cpu() for name, column in found.items()}
    advance(len(looks.images))
    return told


def _fingerprint(images: Sequence[Tensor]) -> str:
    digest = hashlib.sha256()
    for chunk in images:
        digest.update(chunk.numpy().tobytes())
    return digest.hexdigest()


def _same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether answers kept are to the same questions; a network's sums differ in their last digits by the machine."""
    apart = abs(before.get("network", 0.0) - now["network"])
    return before | {"network": 0} == now | {"network": 0} and bool(apart <= 1e-4 * now["network"])
