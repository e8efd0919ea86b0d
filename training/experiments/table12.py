"""Table 12: false alarms on photographs."""

from typing import Any

from core.model.config import PAPER_PHOTOGRAPHS as MTAA
from training.experiments.baseline_tables import baseline_item
from training.experiments.rivals import CHOICES

PAPER: dict[str, dict[str, Any]] = {
    "resnet101": {"attack": 97.58, "victim": 94.45, "hyperparameter": 11.23, "where": "Table 12, row 1"},
    "mtaa": {"attack": 99.81, "victim": 96.41, "hyperparameter": 7.21, "where": "Table 12, row 2"},
}

ITEM = baseline_item(
    "table12", "Table 12: false alarms, with clean photographs among the examples", MTAA,
    {"resnet101": "single task, ResNet101", "mtaa": "MTAA, ResNet101"}, PAPER,
    (CHOICES["clean"], CHOICES["scratch"]), "photographs", clean=True,
)  # fmt: skip
