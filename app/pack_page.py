"""What a pack says of itself, as a page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from core.measured import NOTHING, UNFAMILIAR, measured, quality
from core.wording import quantity

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
    victims = [(v.name, "" if v.accuracy is None else f"{100 * v.accuracy:.1f} %") for v in manifest.victims]
    parts = [
        f"<h3>{escape(manifest.title)}</h3><p>{escape(manifest.description)}</p>",
        _table(identity),
        _section(translate("PackPage", "Attacks it can name"), attacks),
        _section(translate("PackPage", "Victims it can name"), victims),
        _measured(manifest),
        _table(_quality(manifest)),
        _section(translate("PackPage", "Calibration"), _calibration(manifest)),
    ]
    return "".join(parts)


def _measured(manifest: Manifest) -> str:
    """Accuracies on test images, by the image and with the victims asked, and the hyperparameter's error."""
    rows = measured(manifest)
    if not rows:
        return ""
    answers = (translate("PackPage", "attack"), translate("PackPage", "victim"), translate("PackPage", "RMSE"))
    sides = [translate("PackPage", "by the image")]
    if any(row.asked for row in rows):
        sides.append(translate("PackPage", "victims asked"))
    headings = ["", translate("PackPage", "images"), *(f"{answer}, {side}" for side in sides for answer in answers)]
    names = {
        "": translate("PackPage", "all"),
        UNFAMILIAR: translate("PackPage", "unfamiliar, as changed after the attack"),
    }
    lines = [[names.get(row.attack, row.attack), row.images, *row.by_image, *(row.asked or ())] for row in rows]
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    head = "".join(f"<th align=left>{escape(heading)}</th>" for heading in headings)
    title = escape(translate("PackPage", "Measured results"))
    return f"<h4>{title}</h4><table cellpadding=4><tr>{head}</tr>{body}</table>"


def _quality(manifest: Manifest) -> list[tuple[str, str]]:
    found = quality(manifest)
    pair = translate("PackPage", "attack {attack}, victim {victim}")
    errors = [
        pair.format(attack=attack, victim=victim)
        for attack, victim in (found.ece, *([found.asked_ece] if found.asked_ece else []))
    ]
    examples, epochs, parameters = found.trained
    scale = translate("PackPage", "{examples} examples, {epochs} epochs, {parameters} parameters").format(
        examples=examples, epochs=epochs, parameters=parameters
    )
    ece = translate("PackPage", "; asked: ").join(errors)
    found_at = translate(
        "PackPage",
        "AUROC {auroc}; said to look as 1 % of clean images at most: {found} of attacked ones, {alarms} of clean ones",
    )
    detections = [found_at.format(**one._asdict()) for one in found.detection if one is not None]
    told = [
        (found.closed[1], translate("PackPage", "Asked as a closed set"),
         pair.format(attack=found.closed[0], victim=found.closed[1])),
        (detections[0] if detections else NOTHING, translate("PackPage", "Attacked told from clean"),
         translate("PackPage", "; asked: ").join(detections)),
        (found.ece[0], translate("PackPage", "Calibration error (ECE)"), ece),
        (found.familiar, translate("PackPage", "Called familiar"), found.familiar),
        (found.heatmap, translate("PackPage", "Heatmap's correlation with the perturbation"), found.heatmap),
        (examples, translate("PackPage", "Trained on"), scale),
    ]  # fmt: skip
    return [(name, text) for figure, name, text in told if figure != NOTHING]


def _calibration(manifest: Manifest) -> list[tuple[str, str]]:
    c = manifest.calibration
    apart = translate("PackPage", "calibrated apart, on images changed after the attack")
    none = translate("PackPage", "not calibrated")
    return [
        (translate("PackPage", "Temperature, attack"), f"{c.attack_temperature:.3g}"),
        (translate("PackPage", "Temperature, victim"), f"{c.victim_temperature:.3g}"),
        (translate("PackPage", "Coverages"), f"{c.coverages[0]:.0%} – {c.coverages[-1]:.0%}"),
        (translate("PackPage", "Familiarity threshold"), f"{c.familiarity_threshold:.4g}"),
        (translate("PackPage", "Unfamiliar images"), none if manifest.unfamiliar is None else apart),
    ]


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    return f"<h4>{escape(title)}</h4>{_table(rows)}" if rows else ""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = (f"<tr><td>{escape(name)}&nbsp;&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table cellpadding=2>{''.join(lines)}</table>"
