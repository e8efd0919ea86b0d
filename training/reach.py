"""How large a logit margin a victim can be pushed to: which kappas C&W can ask of it.

Kappa is a margin. Past a victim's reach no C, however large, gives an example, and a toolbox that does not say so
hands back clean images. So this is measured before a grid is chosen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import VictimError
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.victims import Victim
from training.attacks.base import margins
from training.memory import Pieces, at_once
from training.naming import batch_of, named_by
from training.sources import CleanImages

STEPS = 200
_RATE = 0.05
_BATCH = 128


def measure_reach(
    victim: Victim, clean: CleanImages, images: int, *,
    tell: ProgressCallback = lambda _: None, cancel: CancelToken | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """Largest margin of a wrong class found for each of ``images`` training images that the victim names right, [N].

    Adam ascends the margin in the box [0, 1] without any bound on the perturbation, so what is found is a lower
    bound of the reach, and far above what an attack that also minimises L2 stops at. Raises VictimError if the
    victim names none of the images right.
    """
    rows = clean.rows("train")[:images]
    clean = named_by(victim, clean, rows, tell, cancel)
    pieces = Pieces(at_once(victim, clean.images.shape[2:], _BATCH), victim.device)
    meter = ProgressMeter(f"reach of {victim.card.name}", STEPS * len(rows), tell, cancel=cancel)

    def look(piece: slice) -> Tensor:
        x, labels = batch_of(clean, rows[piece], victim.device)
        with torch.no_grad():
            right = victim(x).argmax(1) == labels
        if not right.any():
            meter.advance(STEPS * len(x))
            return torch.zeros(0)
        return _ascend(victim, x[right], labels[right], lambda: meter.advance(len(x)), cancel).cpu()

    found = pieces.of(len(rows), look)
    if not any(len(part) for part in found):
        raise VictimError(
            f"{victim.card.name} names none of {len(rows)} clean images right.", "Train it again, or try more images."
        )
    reach: NDArray[np.float32] = torch.cat(found).numpy()
    return reach


def _ascend(
    victim: Victim, x: Tensor, labels: Tensor, advance: Callable[[], None], cancel: CancelToken | None
) -> Tensor:
    """advance: called after every step."""
    x = x.clone().requires_grad_()
    best = torch.full((len(x),), -torch.inf, device=x.device)
    optimizer = torch.optim.Adam([x], lr=_RATE, maximize=True)
    for _ in range(STEPS):
        if cancel is not None:
            cancel.check()
        margin = margins(victim(x), labels)
        best = torch.maximum(best, margin.detach())
        optimizer.zero_grad()
        margin.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            x.clamp_(0, 1)
        advance()
    return best
