"""Table 14: what each part of MTAA adds, on photographs."""

from core.model.config import PAPER_PHOTOGRAPHS as MTAA
from training.experiments.ablation_tables import ablation_item, figures_of, rows_of

ROWS = rows_of("resnet50", "resnet101", MTAA)
PAPER = figures_of(
    "Table 14", ROWS,
    [(98.12, 70.82, 8.7), (99.3, 95.98, 7.9), (99.48, 96.1, 7.81), (99.61, 97.13, 7.25), (99.78, 97.84, 6.79)],
)  # fmt: skip

ITEM = ablation_item(
    "table14", "Table 14: what each part of MTAA adds, on photographs (accuracy %, RMSE on Table 1's scale)", ROWS,
    PAPER, "photographs",
)  # fmt: skip
