"""Table 13: what each part of MTAA adds, on MNIST."""

from core.model.config import PAPER as MTAA
from training.experiments.ablation_tables import ablation_item, figures_of, rows_of

ROWS = rows_of("resnet18", "resnet50", MTAA)
PAPER = figures_of(
    "Table 13", ROWS,
    [(98.92, 84.72, 7.88), (99.54, 97.84, 7.21), (99.79, 98.37, 7.02), (99.94, 99.26, 6.42), (100, 99.88, 6.04)],
)  # fmt: skip

ITEM = ablation_item(
    "table13", "Table 13: what each part of MTAA adds (accuracy %, RMSE on Table 1's scale)", ROWS, PAPER, "mnist"
)
