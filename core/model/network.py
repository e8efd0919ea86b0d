"""The MTAA network, read along Figure 5: perturbation extractor, adversarial-only extractor, three heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.calibration import ProbeFit
from core.manifest import AttackLabel, ChangesSeen, ImageSpec
from core.model.backbones import make_backbone
from core.model.config import NetworkConfig
from core.model.epsilon import read_epsilon
from core.model.familiarity import Familiarity
from core.model.perturbation import VECTOR, FeaturePerturbation, Perturbation, PixelPerturbation
from core.model.residuals import ResidualStatistics
from core.model.scorer import Scorer

_SHARED_SCALE = 100.0
"""The single output of eq. 7 spans 0-200 over all attacks; the layer works in hundreds so that it starts near 1."""


class Outputs(NamedTuple):
    """attack: logits [B, A]. victim: logits [B, V]. hyperparameter: [B, A], under each attack, in its label's unit.
    perturbation: the extractor's, or None without one. features: [B, D], what the heads saw, and behind them the
    residuals' statistics where familiarity looks at those.
    """

    attack: Tensor
    victim: Tensor
    hyperparameter: Tensor
    perturbation: Perturbation | None
    features: Tensor


class AdversarialExtractor(nn.Module):
    """Section 3.3.3: global shared layers, then one last stage for attack + hyperparameter and one for victim.

    The attack branch sees low-level maps beside the shared ones (high-low fusion). Pooling takes mean and
    maximum: epsilon is a bound on the largest change, which a mean alone blurs.
    """

    def __init__(self, config: NetworkConfig, channels: int) -> None:
        super().__init__()
        backbone = make_backbone(config, channels)
        self.low, self.shared = backbone.low, backbone.shared
        self.victim_layers = backbone.last_stage()
        self.fuse: nn.Module | None = None
        self.attack_layers: nn.Module | None = None
        if config.task_specific_layers:
            both = backbone.low_channels + backbone.shared_channels
            self.fuse = nn.Sequential(
                nn.Conv2d(both, backbone.shared_channels, 1, bias=False),
                nn.BatchNorm2d(backbone.shared_channels),
                nn.ReLU(inplace=True),
            )
            self.attack_layers = backbone.last_stage()
        self.features_out = 2 * backbone.last_channels
        self._crop = config.crop

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> (attack and hyperparameter features [B, D], victim features [B, D])."""
        low = self.low(x)
        shared = self.shared(low)
        parts = tuple(max(1, round(side / self._crop)) if self._crop else 1 for side in x.shape[-2:])
        victim = _pool(self.victim_layers(shared), parts)
        if self.fuse is None or self.attack_layers is None:
            return victim, victim
        detail = F.adaptive_avg_pool2d(low, shared.shape[-2:])
        return _pool(self.attack_layers(self.fuse(torch.cat([shared, detail], dim=1))), parts), victim


def _pool(maps: Tensor, parts: tuple[int, ...]) -> Tensor:
    """[B, D, h, w] -> [B, 2D], in float32: mean over the image, and mean of the maxima of its (rows, columns) parts."""
    maps = maps.float()
    largest = maps.amax((2, 3)) if parts == (1, 1) else F.adaptive_max_pool2d(maps, parts).mean((2, 3))
    return torch.cat([maps.mean((2, 3)), largest], dim=1)


class MTAA(nn.Module):
    """Three answers from one adversarial image [B, C, H, W] in [0, 1]; see :class:`Outputs`.

    probes: those of a pack whose scorer judges the answers of victims that are asked (:mod:`core.probes`).
    changes: where familiarity sees changes after the attack, if it looks for any.
    read_off: for each attack, whether its epsilon is read off the image; never while the network trains.
    """

    minimum: Tensor
    width: Tensor

    def __init__(
        self, config: NetworkConfig, image: ImageSpec, attacks: Sequence[AttackLabel], victims: int, *,
        probes: ProbeFit | None = None, changes: ChangesSeen | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.config = config
        self.perturbation_extractor: PixelPerturbation | FeaturePerturbation | None = None
        if config.perturbation_extractor == "pixel":
            self.perturbation_extractor = PixelPerturbation(image.channels, config.width)
        elif config.perturbation_extractor == "features":
            self.perturbation_extractor = FeaturePerturbation(config, image.channels)
        self.adversarial_extractor = AdversarialExtractor(config, image.channels)
        extracted = self.adversarial_extractor.features_out + (VECTOR if self.perturbation_extractor else 0)
        self.attack_head = nn.Linear(extracted, len(attacks))
        self.victim_head = nn.Linear(extracted, victims)
        outputs = len(attacks) if config.hyperparameter_head == "per_attack" else 1
        self.hyperparameter_head = nn.Linear(extracted + len(attacks), outputs)
        self.features_out = self.adversarial_extractor.features_out + extracted
        self.residuals: ResidualStatistics | None = None
        if changes == "residuals":
            self.see_residuals(image.channels)
        beside = self.residuals.count if self.residuals is not None else 0
        self.familiarity = Familiarity(
            self.features_out, len(attacks) * victims, beside=beside, changes=changes is not None
        )
        self.scorer = Scorer(attacks, probes.asking) if probes is not None else None
        self.read_off = [a.read_off for a in attacks]
        self.register_buffer("minimum", torch.tensor([a.minimum for a in attacks]), persistent=False)
        self.register_buffer("width", torch.tensor([a.width for a in attacks]), persistent=False)

    def see_residuals(self, channels: int) -> None:
        """Let features end in the statistics of the image's residuals, for familiarity alone."""
        self.residuals = ResidualStatistics(channels)

    @property
    def changes(self) -> ChangesSeen | None:
        """Where familiarity sees changes after the attack, if it looks for any."""
        if self.familiarity.changes is None:
            return None
        return "features" if self.residuals is None else "residuals"

    def forward(self, x: Tensor) -> Outputs:
        perturbation = self.perturbation_extractor(x) if self.perturbation_extractor is not None else None
        for_attack, for_victim = self.adversarial_extractor(x)
        features = torch.cat([for_attack, for_victim], dim=1)
        if perturbation is not None:
            augmented = perturbation.vector.float()
            features = torch.cat([augmented, features], dim=1)
            for_attack = torch.cat([augmented, for_attack], dim=1)
            for_victim = torch.cat([augmented, for_victim], dim=1)
        with torch.autocast(x.device.type, enabled=False):  # answers and their losses stay in float32
            attack = self.attack_head(for_attack)
            victim = self.victim_head(for_victim)
            raw = self.hyperparameter_head(torch.cat([for_attack, attack], dim=1))  # eq. 7: v and z
            told = self._in_units(raw)
            if perturbation is not None and any(self.read_off) and not self.training:
                told = self._read(x, perturbation.estimate, told)
            if self.residuals is not None:
                features = torch.cat([features, self.residuals(x)], dim=1)
        return Outputs(attack, victim, told, perturbation, features)

    def _read(self, x: Tensor, estimate: Tensor, told: Tensor) -> Tensor:
        """``told`` [B, A] with what can be read off the images."""
        columns = list(told.unbind(1))
        for at in (at for at, wanted in enumerate(self.read_off) if wanted):
            columns[at] = read_epsilon(x, estimate, columns[at], float(self.minimum[at] + self.width[at]))
        return torch.stack(columns, dim=1)

    def _in_units(self, raw: Tensor) -> Tensor:
        """The head's raw output -> [B, A] in label units."""
        if self.config.hyperparameter_head == "shared":
            return (raw * _SHARED_SCALE).expand(-1, len(self.width))
        return self.minimum + self.width * raw
