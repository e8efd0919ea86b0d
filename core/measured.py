"""What a pack measured on its test images, as a table for people: by the image alone, and with its victims asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from core.manifest import Manifest

NOTHING = "-"
UNFAMILIAR = "unfamiliar"
"""The row of test images that are unfamiliar after a change that the attack outlasts."""


class Measured(NamedTuple):
    """One row for each attack label, one for all (""), and one for what was changed after the attack (UNFAMILIAR).

    by_image, asked: accuracy of attack and victim, and RMSE of the hyperparameter in its unit; asked is None for a pack
    that was not measured so.
    """

    attack: str
    images: str
    by_image: tuple[str, str, str]
    asked: tuple[str, str, str] | None


def measured(manifest: Manifest) -> list[Measured]:
    """Empty where a pack says nothing that can be read so: what results hold is free."""
    image, probes = manifest.results, manifest.results.get("probes")
    both = probes.get("both") if isinstance(probes, dict) else None
    rows = [_row("", "", image, both)] if _number(image, "attack_accuracy") is not None else []
    for label in manifest.attacks:
        own, asked = (_part(side, label.name) for side in (image, both))
        if own is not None:
            rows.append(_row(label.name, label.unit, own, asked))
    if isinstance(strange := manifest.results.get("unfamiliar"), dict):
        own, asked = (part if isinstance(part := strange.get(side), dict) else None for side in ("image", "both"))
        if own is not None and _number(own, "attack_accuracy") is not None:
            rows.append(_row(UNFAMILIAR, "", own, asked))
    return rows


class Detection(NamedTuple):
    """auroc: of attacked against clean images.

    found, alarms: share of the attacked and of the clean test images that are said to look as at most 1 % of clean ones
    do; of clean ones more than that where the promise is not kept.
    """

    auroc: str
    found: str
    alarms: str


class Quality(NamedTuple):
    """What else a pack measured on its test images, each "-" where it did not.

    ece, asked_ece: expected calibration error of attack and victim; asked_ece is None as in :class:`Measured`.
    familiar: share of them that it calls familiar. heatmap: its mean correlation with the true |perturbation|, by
    attack. detection: how well attacked images are told from clean ones, by the image and with the victims asked.
    trained: examples, epochs and parameters of the network. closed: accuracy of attack and victim where one of the
    victims asked is taken to be the victim.
    """

    ece: tuple[str, str]
    asked_ece: tuple[str, str] | None
    familiar: str
    heatmap: str
    detection: tuple[Detection | None, Detection | None]
    trained: tuple[str, str, str]
    closed: tuple[str, str]


def quality(manifest: Manifest) -> Quality:
    """All that can be read of it: what results hold is free."""
    results = manifest.results
    probes, heatmap, training = (
        found if isinstance(found := results.get(name), dict) else {}
        for name in ("probes", "heatmap_correlation", "training")
    )
    both, closed = probes.get("both"), probes.get("closed")
    shares = {str(name): value for name in heatmap if (value := _number(heatmap, name)) is not None}
    examples, epochs, parameters = (_number(training, name) for name in ("examples", "epochs", "parameters"))
    return Quality(
        ece=_errors(results),
        asked_ece=_errors(both) if isinstance(both, dict) else None,
        familiar=_percent(_number(results, "familiar_share")),
        heatmap=", ".join(f"{name} {value:.2f}" for name, value in shares.items()) or NOTHING,
        detection=(_detection(results), _detection(probes)),
        trained=(_count(examples), _count(epochs), _count(parameters)),
        closed=_answers(closed if isinstance(closed, dict) else {}, "")[:2],
    )


class Guessing(NamedTuple):
    """How often attack and victim of attacked test images are named, and how often guessing would name them."""

    attack: float
    victim: float
    attack_by_chance: float
    victim_by_chance: float


def above_guessing(chance: float) -> float:
    """The accuracy asked of packs and of own victims: a quarter of the way from guessing to being always right."""
    return chance + 0.25 * (1 - chance)


def guessing(results: Mapping[str, Any]) -> Guessing | None:
    """Figures of a pack that is hardly better than guessing, with its victims asked where it can; None for another.

    results: those of a pack that this program made.
    """
    told = results["probes"]["both"] if results.get("probes") else results
    attacked = told.get("without_clean", {})
    shares = [attacked.get(f"{task}_accuracy", 0.0) for task in ("attack", "victim")]
    chances = [1 / len(results[f"{task}_confusion"]) for task in ("attack", "victim")]
    if all(share >= above_guessing(chance) for share, chance in zip(shares, chances, strict=True)):
        return None
    return Guessing(*shares, *chances)


def _detection(part: dict[str, Any]) -> Detection | None:
    found = part.get("detection")
    if not isinstance(found, dict) or (auroc := _number(found, "auroc")) is None:
        return None
    at = found.get("at")
    rare = told if isinstance(at, dict) and isinstance(told := at.get("0.01"), dict) else {}
    return Detection(f"{auroc:.4f}", _percent(_number(rare, "attacked")), _percent(_number(rare, "clean")))


def _errors(part: dict[str, Any]) -> tuple[str, str]:
    return _percent(_number(part, "attack_ece")), _percent(_number(part, "victim_ece"))


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.1%}"


def _count(number: float | None) -> str:
    return NOTHING if number is None else f"{number:,.0f}"


def _row(name: str, unit: str, image: dict[str, Any], both: dict[str, Any] | None) -> Measured:
    images = _number(image, "examples")
    counted = NOTHING if images is None else f"{images:.0f}"
    return Measured(name, counted, _answers(image, unit), _answers(both, unit) if both is not None else None)


def _part(side: Any, attack: str) -> dict[str, Any] | None:
    found = side.get("by_attack", {}) if isinstance(side, dict) else {}
    part = found.get(attack) if isinstance(found, dict) else None
    return part if isinstance(part, dict) else None


def _answers(part: dict[str, Any], unit: str) -> tuple[str, str, str]:
    shares = [_number(part, f"{task}_accuracy") for task in ("attack", "victim")]
    error = _number(part, "rmse") if unit else None
    attack, victim = map(_percent, shares)
    return attack, victim, NOTHING if error is None else f"{error:.2f}{'' if unit.startswith('/') else ' '}{unit}"


def _number(part: dict[str, Any], name: str) -> float | None:
    value = part.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
