"""Table 9: 2 attacks and 3 victims beside 3 attacks and 5 victims, single-label classifiers beside MTAA, on MNIST.

[22] and the pre-experiment share a backbone and in the paper their results; they are one network here too. The first
row's networks are shared with Tables 4, 7 and 13.
"""

from core.model.config import PAPER as MTAA
from training.experiments.scenario_tables import figures_of, scenario_item

PAPER = figures_of(
    "Table 9", ("mitre", "resnet50", "attack", "victim", "hyperparameter"),
    [
        (57.53, 64.15, 100, 99.88, 6.04),
        (83.74, 92.21, 100, 100, 3.72),
        (55.76, 68.33, 100, 99.96, 5.71),
        (85.54, 91.71, 100, 100, 2.06),
        (50.06, 56.62, 100, 99.96, 7.02),
    ],
)  # fmt: skip

ITEM = scenario_item(
    "table9", "Table 9: fewer and more attacks and victims, single-label classifiers beside MTAA", MTAA,
    {"mitre": "[21]", "resnet50": "[22] = pre-experiment"}, PAPER, "mnist",
)  # fmt: skip
