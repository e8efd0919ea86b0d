"""Table 3: attack and victim as one of 15 labels, by ResNet101, on photographs (Section 3.2).

Of the two 15-cell tables the text that we hold prints one, whose averages fit neither of the two that it states.
"""

from training.experiments.single_label_tables import accuracy_item

ITEM = accuracy_item(
    "table3", "Table 3: accuracy (%) over attack x victim as one label, ResNet101, photographs", "resnet101",
    "attack-victim", {"average": 95.78, "where": "Section 3.2, on Table 3"}, "photographs",
)  # fmt: skip
