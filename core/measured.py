"""What a pack measured on its test images, as a table for people: by the image alone, and with its victims asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from core.manifest import Manifest

NOTHING = "-"


class Measured(NamedTuple):
    """One row for each attack label and one for all ("").

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
    return rows


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
    attack, victim = (NOTHING if share is None else f"{share:.1%}" for share in shares)
    return attack, victim, NOTHING if error is None else f"{error:.2f}{'' if unit.startswith('/') else ' '}{unit}"


def _number(part: dict[str, Any], name: str) -> float | None:
    value = part.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
