"""From what an attributor judged to findings: calibrated answers, and heatmaps as large as their images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from core.adjustments import Adjustment, Kind, is_altered
from core.answers import Answers
from core.heatmap import make_heatmap
from core.judged import Judged
from core.manifest import Manifest
from core.panel import Panel
from core.perturbation import ONE_STEP, stepped
from core.reference import beside
from core.types import Attribution, Familiarity, Finding, Heatmap, Reference


def findings(
    judged: Sequence[Judged], manifest: Manifest, panel: Panel | None, coverage: float, reference: Reference | None
) -> Iterator[Finding]:
    """Findings in order, each made when it is asked for: a heatmap is as large as its image.

    panel: the victims that parts were asked with. coverage: of prediction sets and intervals. reference: known clean
    images, beside which the answers are told.
    """
    for part in judged:
        threshold = manifest.calibration.familiarity_threshold
        fitted = manifest.unfamiliar is not None
        rows = [Familiarity(score, threshold, fitted or score <= threshold) for score in part.familiarity]
        altered = [is_altered(item.fitted.adjustments) for item in part.prepared]
        kinds = [(row.familiar, row.familiar and not one) for row, one in zip(rows, altered, strict=True)]
        by_kind = {kind: _answers(part, manifest, panel, coverage, *kind) for kind in set(kinds)}
        remarks = (part.remark,) if part.remark else ()
        if panel is not None and panel.closed and not part.asked:
            remarks = (*remarks, Adjustment(Kind.NOT_CLOSED))
        for row, item in enumerate(part.prepared):
            answers = by_kind[kinds[row]]
            attribution = Attribution(
                sha256=item.sha256,
                pack_id=manifest.pack_id,
                attack=answers.attack(row),
                victim=answers.victim(row),
                hyperparameters=answers.hyperparameters(row),
                familiarity=rows[row],
                adjustments=item.fitted.adjustments + remarks,
                testimonies=part.testimonies[row],
                false_alarm=answers.false_alarm(row),
            )
            yield Finding(beside(attribution, manifest, reference), _heatmap(part, row, manifest, panel))


def _answers(
    part: Judged, manifest: Manifest, panel: Panel | None, coverage: float, familiar: bool, unaltered: bool
) -> Answers:
    """A part's answers as if all its images were of one kind, by the calibration of what they rest on.

    unaltered: familiar, and nothing tells of a change after the attack. What is read off altered pixels errs as in
    images that look changed, however familiar these look, so that their intervals hold.
    """
    doubt, widths = manifest.doubt(familiar=familiar), manifest.doubt(familiar=unaltered)
    if part.asked and panel is not None and doubt.probes is not None:
        asked = {victim.name for victim in panel.held}
        return Answers(part.outputs, manifest.attacks, panel.labels, doubt, coverage, asked, widths)
    victims = [victim.name for victim in manifest.victims]
    return Answers(part.outputs, manifest.attacks, victims, doubt, coverage, widths=widths)


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
