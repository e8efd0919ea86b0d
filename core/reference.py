"""Known clean images of the source that images in question come from: how many of them look as attacked as those?

What a pack says of "clean" was calibrated on clean images of its own data set; another camera's, scanner's or program's
may look attacked to it, many of them. Whoever has clean images of the same source has them judged as well, and the
answers are told beside theirs. The ranking stays as it is: to move the odds of "clean" by what a few images show took
more attacks for clean than it excused clean images.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from operator import itemgetter

from core.answers import rested_on
from core.calibration import kept
from core.errors import PackError
from core.labels import CLEAN
from core.manifest import Manifest
from core.types import Attribution, Beside, Reference


def reference_of(answers: Iterable[Attribution]) -> Reference:
    """What the answers about known clean images amount to; of copies one counts.

    All of one pack and the same victims. Raises PackError where there is none, or where the pack has no "clean".
    """
    each = {answer.sha256: answer for answer in answers}
    if not each:
        raise PackError("None of the clean images could be judged.", "Choose images that can be read.")
    image: list[tuple[float, str]] = []
    probes: list[tuple[float, str]] = []
    for answer in each.values():
        if (clean := _clean_in(answer)) is None:
            raise PackError(f"The pack {answer.pack_id} does not know “clean”.", "Choose one that does.")
        (image if answer.evidence == "image" else probes).append((kept(clean), answer.sha256))
    asked = sorted({said.sha256 for answer in each.values() for said in answer.testimonies})
    pack_id = next(iter(each.values())).pack_id
    return Reference(pack_id, tuple(asked), tuple(sorted(image)), tuple(sorted(probes)))


def beside(answer: Attribution, manifest: Manifest, reference: Reference | None) -> Attribution:
    """An answer of this pack as it is told beside these known clean images, or beside none.

    The share of clean images that look at least as attacked is the conformal p-value among the known ones that were
    judged as it was (:meth:`core.calibration.Calibration.false_alarm`): where they are of one source, as likely under
    any number as that says, whatever the pack knows of it. Without any it is told as the pack has it.
    """
    clean, known = _clean_in(answer), () if reference is None else reference.of(answer.evidence)
    if clean is None:
        return answer
    if reference is not None and known:
        share = (1 + bisect_right(known, kept(clean), key=itemgetter(0))) / (1 + len(known))
        told = Beside(reference.digest, len(known), answer.sha256 in reference.files)
        return replace(answer, false_alarm=share, beside=told)
    if answer.beside is None:
        return answer
    calibration, _ = rested_on(manifest.doubt(familiar=answer.familiarity.familiar), heard=bool(answer.testimonies))
    return replace(answer, false_alarm=calibration.false_alarm(clean), beside=None)


def _clean_in(answer: Attribution) -> float | None:
    """The probability of "clean"; None where that is no label."""
    return next((c.probability for c in answer.attack.ranking if c.label == CLEAN), None)
