"""Fit what tells whether a pack's answers mean anything: how far an image is, and whether it was changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.model.familiarity import ChangeDetector
from core.model.network import MTAA
from training.changes import changed_alike
from training.lasting import StillFools
from training.shards import Examples
from training.trainer import RawAnswers, answer

CHANGED = 6000
"""Training examples that are changed and judged again."""

ENOUGH = 50
"""Mistakes over changed examples below which there is nothing to learn from."""

_AT_ONCE = 128
"""Of them in memory."""

STEPS = 1500
_BATCH, _RATE, _DECAY = 256, 2e-3, 0.01


def fit_familiarity(
    network: MTAA, train: Examples, seen: RawAnswers, victims: int, device: torch.device, seed: int,
    advance: Callable[[int], None] = lambda _: None, fools: StillFools | None = None,
) -> None:  # fmt: skip
    """Fit both parts on training examples and on what the network answers to them, ``seen``.

    victims: how many victim labels there are. The part that looks for changes stays away where the network errs too
    seldom over changed examples. fools: what tells which attacks outlast a change. The others, which are neither clean
    nor attacked any longer, are then left out. ``network.familiarity.balance`` on other examples comes next.
    """
    classes = torch.from_numpy(train.attack * victims + train.victim)
    network.familiarity.cpu().fit(seen.features, classes)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(train))[:CHANGED])
    network.to(device)
    features, wrong = [], []
    for some in np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE)):
        pairs = [changed_alike((train.adversarial[at], train.clean[at]), int(rng.integers(2**62))) for at in some]
        after = torch.from_numpy(np.stack(pairs))
        truth = torch.from_numpy(train.attack[some]), torch.from_numpy(train.victim[some])
        lasts = torch.ones(len(some), dtype=torch.bool) if fools is None else fools(after, truth[1])
        found = answer(network, after[:, 0], device, advance=advance)
        errs = (found.attack.argmax(1) != truth[0]) | (found.victim.argmax(1) != truth[1])
        wrong.append(errs[lasts])
        features.append(found.features[lasts])
    network.familiarity.cpu()
    all_wrong = torch.cat(wrong)
    if int(all_wrong.sum()) >= ENOUGH:
        network.familiarity.watch_changes(fit_changes(seen.features, torch.cat(features), all_wrong, seed))


def fit_changes(known: Tensor, after: Tensor, wrong: Tensor, seed: int) -> ChangeDetector:
    """A detector of changed examples that the pack errs on.

    known: [N, D] features of examples as they were made. after: [M, D], of changed ones; wrong: bool [M].
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    features, target = torch.cat([known, after]), torch.cat([torch.zeros(len(known)), wrong.float()])
    detector = ChangeDetector(features.shape[1])
    detector.scale_to(features)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(features), (_BATCH,), generator=generator)
        loss = F.binary_cross_entropy_with_logits(detector(features[rows]), target[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return detector.eval().requires_grad_(False)
