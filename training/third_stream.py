"""Give a trained network its third stream: ask the run's victims, fit the scorer, and measure what the answers add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from core.calibration import Calibration, Doubt, ProbeFit
from core.manifest import AttackLabel
from core.model.network import MTAA
from core.progress import CancelToken, ProgressCallback
from training.doubts import Doubts
from training.fit_probes import Scored, fit_probes
from training.fit_scorer import fit_scorer
from training.fit_unfamiliar import Unfamiliar
from training.lasting import StillFools, changed_some
from training.measure_asked import measure_asked, measure_both
from training.probe import Asked, VictimFile, ask_victims, sample
from training.scenario import Scenario
from training.shards import Examples
from training.sources import SPLITS, Split


class ThirdStream(NamedTuple):
    """How victims' answers are weighed and what was measured of them on the test split; the last two for unfamiliar
    images, None where these are not told apart.
    """

    probes: ProbeFit
    results: dict[str, Any]
    unfamiliar: ProbeFit | None = None
    of_unfamiliar: dict[str, Any] | None = None


def add_third_stream(
    network: MTAA, scenario: Scenario, labels: list[AttackLabel], calibration: Calibration,
    unfamiliar: Unfamiliar | None, splits: Mapping[Split, Examples], victims: Path, kept: Path, device: torch.device,
    tell: ProgressCallback, cancel: CancelToken | None, fools: StillFools | None = None,
) -> ThirdStream:  # fmt: skip
    """Put a scorer into the network, and weigh and measure it.

    calibration: of the image alone. unfamiliar: the same, and examples, about which victims may know little, so that
    their word is weighed anew. victims: folder of the victims' files; kept: of their answers.
    """
    other = calibration if unfamiliar is None else unfamiliar.calibration
    asked = ask_all(network, scenario, labels, calibration, splits, victims, kept, device, tell, cancel, fools, other)
    strange = [] if unfamiliar is None else [
        ask_victims(
            network, labels, other, VictimFile.all_of(scenario, victims), part.examples, np.arange(len(part.examples)),
            kept / f"unfamiliar-{name}", device, tell, cancel,
        )
        for name, part in (("calibration", unfamiliar.fitted), ("test", unfamiliar.tested)) if len(part.examples)
    ]  # fmt: skip
    network.scorer = scorer = fit_scorer(labels, asked["train"], scenario.seed, tell=tell, cancel=cancel)
    fit = fit_probes(Scored.of(asked["calibration"], scorer), calibration, labels, scenario.seed)
    known, test = Doubt(calibration=calibration, probes=fit), Scored.of(asked["test"], scorer)
    if unfamiliar is None:
        doubts = Doubts.alike(known, len(test.asked))
        return ThirdStream(fit, measure_asked(test, doubts, labels, scenario.victim_names, scenario.seed))
    fitted, *tested = (Scored.of(heard, scorer) for heard in strange)
    own = Doubt(calibration=other, probes=fit_probes(fitted, other, labels, scenario.seed))
    doubts = Doubts(known, own, test.asked.strange)
    return ThirdStream(
        fit, measure_asked(test, doubts, labels, scenario.victim_names, scenario.seed), own.probes,
        measure_both(tested[0], own, labels, scenario.victim_names) if tested else {"examples": 0},
    )  # fmt: skip


def ask_all(
    network: MTAA, scenario: Scenario, labels: list[AttackLabel], calibration: Calibration,
    splits: Mapping[Split, Examples], victims: Path, kept: Path, device: torch.device, tell: ProgressCallback,
    cancel: CancelToken | None = None, fools: StillFools | None = None, unfamiliar: Calibration | None = None,
) -> dict[Split, Asked]:  # fmt: skip
    """What all victims say of each split: of some training examples, as [probes] says, and of all others.

    fools: what tells which of the training examples may be changed, of which there are as many as training shows;
    without it none are. unfamiliar: the calibration for test examples beyond the familiarity's threshold, without it
    that of all.
    """
    assert scenario.probes is not None
    check = cancel.check if cancel is not None else (lambda: None)
    candidates = VictimFile.all_of(scenario, victims)
    asked: dict[Split, Asked] = {}
    for split in SPLITS:
        most = scenario.probes.examples if split == "train" else len(splits[split])
        rows = sample(splits[split], most, scenario.seed)
        examples, as_made = splits[split], np.ones(len(rows), dtype=bool)
        if split == "train" and fools is not None and scenario.training.changed:
            examples, as_made = changed_some(examples, rows, scenario.training.changed, fools, scenario.seed, check)
            rows = np.arange(len(rows))
        found = ask_victims(
            network, labels, calibration, candidates, examples, rows, kept / split, device, tell, cancel,
            unfamiliar if split == "test" else None,
        )  # fmt: skip
        asked[split] = replace(found, as_made=torch.from_numpy(as_made))
    return asked
