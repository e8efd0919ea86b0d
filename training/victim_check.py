"""Does an own victim do its work on these images as they are given to it, and if not, what would make it?

A victim that guesses teaches nothing: hardly an image is left that it names right and an attack could fool. The usual
causes can be tried out: other scalings of the pixels, blue before red, classes in another order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.devices import is_out_of_memory
from core.errors import Cancelled, VictimError, WorkbenchError
from core.measured import above_guessing
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim, VictimCard
from training.naming import BATCH, logits_of, unit_of
from training.sources import CleanImages

MOST = 2000
"""Test images that the accuracy is measured on, where there are more."""
TRIAL = 100
"""Of these, images that every possible cause is tried on."""
PER_CLASS = 6
"""Test images of a class, at least, from which the order of a victim's classes can be found out."""
_WORTH = 0.05

_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
_CAFFE = [123.68, 116.779, 103.939]

_Changes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Advice:
    """Other entries for the victim in the scenario, and the accuracy that they reached on the images tried."""

    changes: _Changes
    accuracy: float

    @property
    def words(self) -> str:
        told = []
        if "bgr" in self.changes:
            told.append(
                "channels in the order blue, green, red" if self.changes["bgr"] else "channels in the order RGB"
            )
        if "mean" in self.changes:
            numbers = ", ".join(f"{key} {self.changes[key]}" for key in ("mean", "std"))
            told.append(f"values scaled {self.changes['scaling']}, {numbers}")
        if "classes" in self.changes:
            told.append(f"classes = {self.changes['classes']}")
        return f"With {' and '.join(told)} it would name {self.accuracy:.0%} right."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    accuracy: share of ``images`` test images named right among all of the victim's own classes; None where nobody
        labelled them, or where it is not known which of its classes they are of.
    among: the share named right when only the data set's classes count. chance: of guessing among these.
    outputs: the victim's own classes. kinds: different classes that it named. advice: what would be better.
    names: of the images' classes, in the order in which the victim's numbers of them are to be given.
    """

    name: str
    images: int
    accuracy: float | None
    among: float | None
    chance: float
    needed: float
    outputs: int
    kinds: int
    advice: Advice | None = None
    labelled: bool = True
    names: tuple[str, ...] = ()

    @property
    def refused(self) -> str:
        """Why the victim is not taken; empty for one that is."""
        if not self.labelled:
            return "" if self.kinds > 1 else f"{self.name} calls all of {self.images} images the same."
        if self.accuracy is None:
            return f"It is not known which of {self.name}'s {self.outputs} classes the images are of."
        if self.accuracy < self.needed:
            return (
                f"{self.name} names {self.accuracy:.1%} of {self.images} clean test images right; guessing gives "
                f"{self.chance:.1%}, and {self.needed:.1%} are needed."
            )
        return ""

    @property
    def few(self) -> bool:
        """Whether the labelled images are too few to find out which of the victim's classes they are of."""
        return self.labelled and self.images * self.chance < PER_CLASS

    def insist(self) -> None:
        """Raise VictimError with the likely cause if the victim is refused."""
        if self.refused:
            some = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
            classes = f" Its classes are to be given in the order of the images': {some}." if self.names else ""
            unclear = "Check its scaling, its channels' order and its classes' order; none that was tried did better."
            if self.few:
                unclear = f"Give more clean images: of {self.images} for testing nothing that would help can be found."
            unclear += classes
            raise VictimError(self.refused, self.advice.words if self.advice else unclear)


def check_own(
    victim: Victim, clean: CleanImages, *, advise: bool = True, tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
) -> Verdict:  # fmt: skip
    """Measure a frozen victim on clean test images; try what may be wrong with one that is refused, or with any.

    Raises VictimError for one that no attack can work on: with probabilities for logits, or without a gradient at its
    input; and for a program that fails on this device or on so many images.
    """
    card = victim.card
    rows = np.random.default_rng(0).permutation(clean.rows("test"))[:MOST]
    with _running(victim):
        _check_gradient(victim, clean.images[rows[:4]])
        logits = _answers(
            victim, clean, rows, ProgressMeter(f"checking {card.name}", len(rows), tell, cancel=cancel), cancel
        )
    if not bool(logits.isfinite().all()):
        raise VictimError(f"{card.name} returns logits that are NaN or infinite.", "Check its weights and its scaling.")
    if _are_probabilities(logits):
        raise VictimError(f"{card.name} returns probabilities, not logits.", "Save it without the softmax at its end.")
    kinds = len(np.unique(logits.argmax(1).numpy()))
    if not clean.classes:
        return Verdict(card.name, len(rows), None, None, 0.0, 0.0, card.classes, kinds, labelled=False)
    labels, chance = clean.labels[rows], 1 / clean.classes
    verdict = Verdict(
        card.name, len(rows), _accuracy(logits, labels, card.class_map),
        _accuracy(logits, labels, card.class_map, alone=True), chance, above_guessing(chance),
        card.classes, kinds, names=clean.class_names,
    )  # fmt: skip
    if not (advise or verdict.refused):
        return verdict
    tried = rows[: max(TRIAL, min(8 * clean.classes, 6 * TRIAL))]
    variants = list(_variants(card, victim.channels))
    meter = ProgressMeter(f"trying {card.name} otherwise", len(tried) * len(variants), tell, cancel=cancel)
    others = [(changes, _answers(_as(victim, changes), clean, tried, meter, cancel)) for changes in variants]
    advice = _advice(others, logits[: len(tried)], clean.labels[tried], clean.classes, card)
    if advice is not None and verdict.refused and advice.accuracy < verdict.needed:
        return verdict  # it would be refused all the same
    return replace(verdict, advice=advice)


@contextmanager
def _running(victim: Victim) -> Iterator[None]:
    """Raise VictimError for whatever a program of strangers comes upon, beside full memory and our own errors."""
    try:
        yield
    except (Cancelled, WorkbenchError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:160]
        raise VictimError(
            f"{victim.name} cannot be run on {victim.device}: {reason}.",
            "Export it for batches of any number. One that was exported on the CPU may keep to it: choose that device.",
        ) from error


def _answers(
    victim: Victim, clean: CleanImages, rows: NDArray[np.int64], meter: ProgressMeter, cancel: CancelToken | None
) -> Tensor:
    """Logits [N, K] of these images."""
    parts = []
    for start in range(0, len(rows), BATCH):
        if cancel is not None:
            cancel.check()
        parts.append(logits_of(victim, clean.images[rows[start : start + BATCH]]))
        meter.advance(len(parts[-1]))
    return torch.cat(parts)


def _are_probabilities(answers: Tensor) -> bool:
    """C&W's margins are of logits: between probabilities there is none above 1, however sure a victim is."""
    return bool((answers >= 0).all() and ((answers.sum(1) - 1).abs() < 1e-3).all())


def _check_gradient(victim: Victim, images: NDArray[np.uint8]) -> None:
    x = unit_of(images, victim.device).requires_grad_()
    with torch.enable_grad():
        total = victim(x).logsumexp(1).sum()
        found = torch.autograd.grad(total, x, allow_unused=True)[0] if total.requires_grad else None
    if found is None or not bool(found.isfinite().all()) or not bool((found != 0).any()):
        raise VictimError(
            f"{victim.name} has no gradient at its input, by which attacks find their way.",
            "Save it without quantisation and without torch.no_grad.",
        )


def _accuracy(
    logits: Tensor, labels: NDArray[np.int64], numbers: tuple[int, ...] | None, *, alone: bool = False
) -> float | None:
    """Share of images named right. numbers: the victim's of each class, None for the same. alone: only these count."""
    if numbers is None:
        numbers = tuple(range(logits.shape[1]))
    if not numbers:
        return None
    if alone:
        return float((logits[:, list(numbers)].argmax(1).numpy() == labels).mean())
    return float((logits.argmax(1).numpy() == np.asarray(numbers)[labels]).mean())


# --- what may be wrong ---------------------------------------------------------------------------------------------


def _variants(card: VictimCard, channels: int) -> Iterator[_Changes]:
    """Other ways to give the same images to the victim; each a change of its entries in the scenario."""
    colour = channels == 3
    scalings: list[_Changes] = [
        {},
        {"scaling": "0-1", "mean": [0.0], "std": [1.0]},
        {"scaling": "0-255", "mean": [0.0], "std": [1.0]},
        {"scaling": "0-1", "mean": [0.5], "std": [0.5]},
        {"scaling": "0-1", "mean": _IMAGENET[0], "std": _IMAGENET[1]} if colour
        else {"scaling": "0-1", "mean": [0.449], "std": [0.226]},
        *([{"scaling": "0-255", "mean": _CAFFE, "std": [1.0, 1.0, 1.0]}] if colour else []),
    ]  # fmt: skip
    for scaling in scalings:
        for order in ({}, {"bgr": not card.bgr}) if colour else ({},):
            if changes := _in_order(scaling, order, card.bgr):
                yield changes


def _in_order(scaling: _Changes, order: _Changes, bgr: bool) -> _Changes:
    """A mean is given in the network's order of channels."""
    changes = scaling | order
    if changes.get("bgr", bgr) and len(scaling.get("mean", [])) == 3:
        changes |= {key: scaling[key][::-1] for key in ("mean", "std")}
    return changes


def _as(victim: Victim, changes: _Changes) -> Victim:
    """The same network, given its images otherwise."""
    card = replace(victim.card, bgr=changes.get("bgr", victim.card.bgr))
    if "mean" in changes:
        unit = 255 if changes["scaling"] == "0-255" else 1
        values = {key: tuple(value / unit for value in changes[key]) for key in ("mean", "std")}
        card = replace(card, mean=values["mean"], std=values["std"])
    return Victim(card, victim.network).to(victim.device).frozen()


def _advice(
    tried: list[tuple[_Changes, Tensor]], as_given: Tensor, labels: NDArray[np.int64], classes: int, card: VictimCard
) -> Advice | None:
    """The fewest changes that come near the best accuracy, if that is clearly better than as the victim was given.

    Another order of classes can stand for much else, so that it is advised only where nothing else will do.
    """
    candidates: list[Advice] = []
    for changes, logits in [({}, as_given), *tried]:
        accuracy = _accuracy(logits, labels, card.class_map)
        if accuracy is not None and changes:
            candidates.append(Advice(changes, accuracy))
        if found := _order_of_classes(logits, labels, classes):
            candidates.append(Advice({**changes, "classes": found[0]}, found[1]))
    now = _accuracy(as_given, labels, card.class_map) or 0.0
    best = max((advice.accuracy for advice in candidates), default=0.0)
    worth = max(_WORTH, 2 * float(np.sqrt(now * (1 - now) / len(labels))))
    if best < now + worth:
        return None
    near = [advice for advice in candidates if advice.accuracy >= best - 0.02]
    return min(near, key=lambda advice: ("classes" in advice.changes, len(advice.changes), -advice.accuracy))


def _order_of_classes(logits: Tensor, labels: NDArray[np.int64], classes: int) -> tuple[list[int], float] | None:
    """Which of the victim's classes each class of the images is, found one to one; and the accuracy with that.

    The accuracy is of each half of the images with the order found on the other half. None where there are too few
    images for it, or none of a class.
    """
    none_of_one = len(np.unique(labels)) < classes
    if none_of_one or len(labels) < PER_CLASS * classes or logits.shape[1] < classes:
        return None
    beliefs = logits.double().log_softmax(1).clamp_min(-14.0).numpy()
    answers = logits.argmax(1).numpy()
    right = 0
    for fitted, measured in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
        numbers = _assigned(beliefs[fitted], labels[fitted], classes)
        right += int((answers[measured] == numbers[labels[measured]]).sum())
    return _assigned(beliefs, labels, classes).tolist(), right / len(labels)


def _assigned(beliefs: NDArray[np.float64], labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """The victim's number of each class: where its log-probabilities [N, K] are most above those on other classes.

    Five images a class find ten of ImageNet's thousand, where counting first answers finds eight.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  (slow to import)

    sums = np.zeros((classes, beliefs.shape[1]))
    np.add.at(sums, labels, beliefs)
    means = sums / np.maximum(np.bincount(labels, minlength=classes), 1)[:, None]
    _, numbers = linear_sum_assignment(means - means.mean(0), maximize=True)
    found: NDArray[np.int64] = numbers.astype(np.int64)
    return found
