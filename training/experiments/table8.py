"""Table 8: MTAA beside single-task networks on photographs, with Delta_MTL of eq. 15.

Of its figures the text that we hold has MTAA's, the RMSE of the single ResNet101 (Section 4.4), and Delta_MTL = 3.93 %
(Section 4.2), not over what.
"""

from typing import Any

from core.model.config import PAPER_PHOTOGRAPHS as MTAA
from training.experiments.baseline_tables import baseline_item
from training.experiments.rivals import CHOICES

PAPER: dict[str, dict[str, Any]] = {
    "resnet101": {"hyperparameter": 8.05, "where": "Section 4.4, of the single task"},
    "mtaa": {"attack": 99.78, "victim": 97.84, "hyperparameter": 6.79, "where": "Section 4.2"},
}
NAMES = {
    "mitre": "single task, 11 layers [21]", "resnet50-mlp": "single task, ResNet50 + MLP [22]",
    "resnet101": "single task, ResNet101", "mtaa": "MTAA, ResNet101",
}  # fmt: skip

ITEM = baseline_item(
    "table8", "Table 8: MTAA beside single-task networks on photographs (accuracy %, RMSE on Table 1's scale)", MTAA,
    NAMES, PAPER, (CHOICES["mitre"], CHOICES["mlp"], CHOICES["scratch"]), "photographs",
)  # fmt: skip
