"""What a pack says of itself, as a page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from core.wording import percent, quantity

if TYPE_CHECKING:
    from core.manifest import Manifest

translate = QCoreApplication.translate


def pack_page(manifest: Manifest, path: Path) -> str:
    """HTML: identity, labels, results, calibration."""
    image = manifest.image
    size = f"{image.width}×{image.height}×{image.channels}"
    identity = [
        (translate("PackPage", "Pack"), manifest.pack_id),
        (translate("PackPage", "File"), str(path)),
        (translate("PackPage", "Made"), manifest.created),
        (translate("PackPage", "Image"), size),
        (translate("PackPage", "Network"), f"{manifest.network.backbone}, {manifest.network.perturbation_extractor}"),
    ]
    attacks = [
        (a.name, "" if a.hyperparameter == "none" else f"{a.hyperparameter} {quantity(a.minimum, a.unit)} – "
         f"{quantity(a.maximum, a.unit)}")
        for a in manifest.attacks
    ]  # fmt: skip
    victims = [(v.name, "" if v.accuracy is None else percent(v.accuracy)) for v in manifest.victims]
    parts = [
        f"<h3>{escape(manifest.title)}</h3><p>{escape(manifest.description)}</p>",
        _table(identity),
        _section(translate("PackPage", "Attacks it can name"), attacks),
        _section(translate("PackPage", "Victims it can name"), victims),
        _section(translate("PackPage", "Measured results"), list(_flat(manifest.results))),
        _section(translate("PackPage", "Calibration"), _calibration(manifest)),
    ]
    return "".join(parts)


def _calibration(manifest: Manifest) -> list[tuple[str, str]]:
    c = manifest.calibration
    return [
        (translate("PackPage", "Temperature, attack"), f"{c.attack_temperature:.3g}"),
        (translate("PackPage", "Temperature, victim"), f"{c.victim_temperature:.3g}"),
        (translate("PackPage", "Coverages"), f"{c.coverages[0]:.0%} – {c.coverages[-1]:.0%}"),
        (translate("PackPage", "Familiarity threshold"), f"{c.familiarity_threshold:.4g}"),
    ]


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    return f"<h4>{escape(title)}</h4>{_table(rows)}" if rows else ""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = (f"<tr><td>{escape(name)}&nbsp;&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table cellpadding=2>{''.join(lines)}</table>"


def _flat(results: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested results as "a, b" rows; lists are left to the manifest itself."""
    for key, value in results.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}, ")
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            if isinstance(value, str):
                yield name, value
        else:
            yield name, f"{value:.4g}" if isinstance(value, float) else str(value)
