"""Table 10: 2 attacks and 3 victims beside 3 attacks and 5 victims, on photographs.

The text of the paper that we hold has lost its figures but for MTAA's over all, which are Table 8's.
"""

from core.model.config import PAPER_PHOTOGRAPHS as MTAA
from training.experiments.scenario_tables import figures_of, scenario_item

PAPER = figures_of(
    "Table 8 and Section 4.2, of Table 10", ("attack", "victim", "hyperparameter"), [(99.78, 97.84, 6.79)]
)

ITEM = scenario_item(
    "table10", "Table 10: fewer and more attacks and victims on photographs, single-label classifiers beside MTAA",
    MTAA, {"mitre": "[21]", "resnet50": "[22]", "resnet101": "pre-experiment"}, PAPER, "photographs",
)  # fmt: skip
