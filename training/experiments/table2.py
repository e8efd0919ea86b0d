"""Table 2: attack and victim as one of 15 labels, by ResNet50, on MNIST (Section 3.2).

The text of the paper that we hold has the table's average but not its cells: of the two 15-cell tables (2 and 4's
neighbours) it prints one, whose averages fit neither of the two that the text states.
"""

from training.experiments.single_label_tables import accuracy_item

ITEM = accuracy_item(
    "table2", "Table 2: accuracy (%) over attack x victim as one label, ResNet50", "resnet50", "attack-victim",
    {"average": 99.67, "where": "Section 3.2, on Table 2"}, "mnist",
)  # fmt: skip
