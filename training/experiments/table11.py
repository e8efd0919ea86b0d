"""Table 11: false alarms on MNIST. The text of the paper that we hold has lost its figures."""

from core.model.config import PAPER as MTAA
from training.experiments.baseline_tables import baseline_item
from training.experiments.rivals import CHOICES

ITEM = baseline_item(
    "table11", "Table 11: false alarms, with clean images among the examples", MTAA,
    {"resnet50-mlp": "single task, ResNet50 + MLP", "mtaa": "MTAA, ResNet50"}, {},
    (CHOICES["clean"], CHOICES["scratch"]), "mnist", clean=True,
)  # fmt: skip
