"""What training minimises for one batch, and what it sums up over an epoch for its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.manifest import AttackLabel
from core.model.network import MTAA, Outputs
from core.model.perturbation import FeaturePerturbation
from training.losses import Losses, UncertaintyWeighted, classification_loss, hyperparameter_loss, reconstruction_loss


@dataclass(frozen=True, slots=True)
class Batch:
    """adversarial, clean: float32 [B, C, H, W] in [0, 1]. attack, victim: int64 [B]. hyperparameter: [B]."""

    adversarial: Tensor
    clean: Tensor
    attack: Tensor
    victim: Tensor
    hyperparameter: Tensor

    def __len__(self) -> int:
        return len(self.attack)


class Objective(nn.Module):
    """The network and the weights of its losses as one module, so that processes can share both: batch -> losses."""

    scale: Tensor

    def __init__(self, network: MTAA, weighting: UncertaintyWeighted, labels: list[AttackLabel]) -> None:
        super().__init__()
        self.network, self.weighting = network, weighting
        # Errors count relative to the width of their attack's grid; clean images have no hyperparameter to learn.
        width = torch.tensor([label.width for label in labels])
        scale = torch.where(width > 0, width, torch.inf)
        if network.config.hyperparameter_head == "shared":
            scale = torch.full_like(scale, float(width.max()) or torch.inf)  # of one value there is nothing to learn
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, batch: Batch) -> tuple[Losses, Outputs]:
        """Losses are means over the batch: those of two batches weighted by their sizes are those of both together."""
        outputs: Outputs = self.network(batch.adversarial)
        attack = classification_loss(outputs.attack, batch.attack)
        victim = classification_loss(outputs.victim, batch.victim)
        hyperparameter = hyperparameter_loss(outputs.hyperparameter, batch.hyperparameter, batch.attack, self.scale)
        reconstruction = attack.new_zeros(())
        if outputs.perturbation is not None:
            reconstruction = reconstruction_loss(*outputs.perturbation[:2], self.clean_map(batch.clean))
        total = self.weighting(hyperparameter, attack, victim) + reconstruction
        return Losses(attack, victim, hyperparameter, reconstruction, total), outputs

    def clean_map(self, clean: Tensor) -> Tensor:
        """fm of eq. 4: clean images [B, C, H, W], or their feature maps where the extractor works on those."""
        extractor = self.network.perturbation_extractor
        if not isinstance(extractor, FeaturePerturbation):
            return clean
        with torch.no_grad():
            return extractor.feature_map(clean)


class Tally:
    """How far an epoch has come and what its report will say; travels with the checkpoint.

    sums: the losses times examples, then the examples whose attack and whose victim were named right.
    squares: [2, A], squared hyperparameter errors and examples by true attack.
    micro: examples that go through the network at once; fewer than a batch where memory is short.
    """

    def __init__(self, attacks: int, micro: int, device: torch.device) -> None:
        self.step, self.micro = 0, micro
        self.sums = torch.zeros(len(Losses._fields) + 2, device=device)
        self.squares = torch.zeros(2, attacks, device=device)

    def add(self, sums: Tensor, squares: Tensor) -> None:
        self.step += 1
        self.sums += sums
        self.squares += squares

    def clear(self) -> None:
        self.step = 0
        self.sums.zero_()
        self.squares.zero_()

    @torch.no_grad()
    def of(self, batch: Batch, losses: Losses, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """What one batch adds to ``sums`` and ``squares``."""
        right = (outputs.attack.argmax(1) == batch.attack).sum(), (outputs.victim.argmax(1) == batch.victim).sum()
        sums = torch.stack([*(loss.detach() * len(batch) for loss in losses), *right])
        own = outputs.hyperparameter.gather(1, batch.attack[:, None]).squeeze(1)
        errors = (own - batch.hyperparameter).square()
        squares = torch.zeros_like(self.squares)
        squares.index_add_(1, batch.attack, torch.stack([errors, torch.ones_like(errors)]))
        return sums, squares

    def rmse(self, labels: list[AttackLabel]) -> dict[str, float]:
        """By attack, of those that have a hyperparameter and examples."""
        squares, counts = self.squares.tolist()
        named = zip(labels, squares, counts, strict=True)
        return {a.name: (s / n) ** 0.5 for a, s, n in named if a.hyperparameter != "none" and n}

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "micro": self.micro, "sums": self.sums.cpu(), "squares": self.squares.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.micro = state["step"], state["micro"]
        self.sums.copy_(state["sums"])
        self.squares.copy_(state["squares"])
