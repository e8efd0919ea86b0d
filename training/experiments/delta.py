"""Eq. 15: how much better a multi-task network is than single-task networks, on average over the tasks."""

from __future__ import annotations

from collections.abc import Mapping

LOWER_IS_BETTER = {"attack": False, "victim": False, "hyperparameter": True}


def delta_mtl(ours: Mapping[str, float], baseline: Mapping[str, float]) -> float:
    """Mean over the tasks of (-1)^o (M_f - M_B) / M_B; o is 1 where lower is better. Positive is better.

    ours, baseline: accuracies and the RMSE by task; both sides in the same unit.
    """
    gains = [
        (-1 if lower else 1) * (ours[task] - baseline[task]) / baseline[task] for task, lower in LOWER_IS_BETTER.items()
    ]
    return sum(gains) / len(gains)
