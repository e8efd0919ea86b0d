"""How well attacked images are told from clean ones, and whether false alarms are as rare as they are said to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.calibration import Calibration, Doubt
from core.labels import CLEAN
from core.manifest import AttackLabel
from training.doubts import Doubts
from training.metrics import Floats, Ints, share_of

RATES = (0.01, 0.05, 0.1)
"""Of false alarms."""


def detection(
    attack: Floats, truth: Ints, labels: Sequence[AttackLabel], doubts: Doubts, of: Callable[[Doubt], Calibration]
) -> dict[str, Any]:
    """By the probability of "clean", on examples that nothing was fitted on; empty where these are not of both kinds.

    attack: calibrated probabilities [N, A]; truth: [N]. of: by which calibration of a doubt false alarms are told.
    auroc: how often an attacked image is given less of it than a clean one. at: by rate, which share of the clean and
    of the attacked images is told to look as only that share of clean ones does.
    """
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 (slow to import)

    names = [label.name for label in labels]
    if CLEAN not in names or len(np.unique(is_clean := truth == names.index(CLEAN))) < 2:
        return {}
    clean = attack[:, names.index(CLEAN)]
    told = np.asarray(
        [
            of(doubts.unfamiliar if strange else doubts.familiar).false_alarm(p)
            for p, strange in zip(clean.tolist(), doubts.strange.tolist(), strict=True)
        ],
        dtype=np.float64,
    )
    due = ~np.isnan(told)  # without clean examples to count nothing is told
    return {
        "clean": int(is_clean.sum()), "attacked": int((~is_clean).sum()),
        "auroc": float(roc_auc_score(is_clean, clean)),
        "at": {
            f"{rate:g}": {
                "clean": share_of(told[due & is_clean] <= rate), "attacked": share_of(told[due & ~is_clean] <= rate)
            }
            for rate in RATES
        },
    }  # fmt: skip
