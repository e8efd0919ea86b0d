"""From what an attributor judged to findings: calibrated answers, and heatmaps as large as their images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from core.answers import Answers
from core.heatmap import make_heatmap
from core.judged import Judged
from core.manifest import Manifest
from core.panel import Panel
from core.perturbation import ONE_STEP, stepped
from core.types import Attribution, Familiarity, Finding, Heatmap


def findings(judged: Sequence[Judged], manifest: Manifest, panel: Panel | None, coverage: float) -> Iterator[Finding]:
    """Findings in order, each made when it is asked for: a heatmap is as large as its image.

    panel: the victims that parts were asked with. coverage: of prediction sets and intervals.
    """
    for part in judged:
        answers, threshold = _answers(part, manifest, panel, coverage)
        remarks = (part.remark,) if part.remark else ()
        for row, item in enumerate(part.prepared):
            attribution = Attribution(
                sha256=item.sha256,
                pack_id=manifest.pack_id,
                attack=answers.attack(row),
                victim=answers.victim(row),
                hyperparameters=answers.hyperparameters(row),
                familiarity=Familiarity(part.familiarity[row], threshold),
                adjustments=item.fitted.adjustments + remarks,
                testimonies=part.testimonies[row],
            )
            yield Finding(attribution, _heatmap(part, row, manifest, panel))


def _answers(part: Judged, manifest: Manifest, panel: Panel | None, coverage: float) -> tuple[Answers, float]:
    """A part's answers, and the familiarity that they hold to, by the calibration of what they rest on."""
    if part.asked and panel is not None and manifest.probes is not None:
        fit, asked = manifest.probes, {victim.name for victim in panel.held}
        answers = Answers(
            part.outputs, manifest.attacks, panel.labels, fit.calibration, coverage, asked, fit.halfwidths
        )
        return answers, fit.calibration.familiarity_threshold
    victims = [victim.name for victim in manifest.victims]
    answers = Answers(part.outputs, manifest.attacks, victims, manifest.calibration, coverage)
    return answers, manifest.calibration.familiarity_threshold


def _heatmap(part: Judged, row: int, manifest: Manifest, panel: Panel | None) -> Heatmap | None:
    """Of one image; one attack is named for all its tiles, so that the map is made of one piece."""
    if part.estimates is None:
        return None
    item, estimates, how = part.prepared[row], part.estimates[row].cpu(), ""
    told = part.outputs.attack, part.outputs.victim, part.outputs.hyperparameter
    attack, victim, values = (each[row : row + 1].cpu() for each in told)
    network, attacks = manifest.network, manifest.attacks
    turned_by = panel if part.asked and not part.scaled else None
    if turned_by is not None and (place := int(turned_by.turning(attack, victim))) >= 0:
        how = f"turned by a third towards the gradient of {turned_by.held[place].name}"
    elif network.perturbation_extractor == "pixel" and attacks[int(attack.argmax())].name == ONE_STEP:
        tiles = torch.from_numpy(item.fitted.tiles)
        each = zip(torch.split(tiles, 1), torch.split(estimates, 1), strict=True)  # all would take ten times more
        estimates = torch.cat([stepped(tile, one, attack, values, attacks) for tile, one in each])
        how = "by epsilon where a change was seen"
    return make_heatmap(estimates, item.fitted, network, item.size, how)
