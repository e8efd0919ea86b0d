"""Table 4: attack, victim and hyperparameter as one of 300 labels, by ResNet50, on MNIST (Section 3.2).

Its cells are averages over the 20 values of one attack and victim. The text that we hold has lost them; the average is
the first row of Table 9, which is the same experiment.
"""

from training.experiments.single_label_tables import accuracy_item

ITEM = accuracy_item(
    "table4", "Table 4: accuracy (%) over attack x victim x hyperparameter as one label, ResNet50",
    "resnet50", "attack-victim-hyperparameter",
    {"average": 64.15, "where": "Table 9, first row, pre-experiment"}, "mnist",
)  # fmt: skip
