"""Table 5: attack, victim and hyperparameter as one of 300 labels, by ResNet101, on photographs (Section 3.2).

The text that we hold has lost its cells, and Table 10's first row, which is the same experiment.
"""

from training.experiments.single_label_tables import accuracy_item

ITEM = accuracy_item(
    "table5", "Table 5: accuracy (%) over attack x victim x hyperparameter as one label, ResNet101, photographs",
    "resnet101", "attack-victim-hyperparameter", {}, "photographs",
)  # fmt: skip
