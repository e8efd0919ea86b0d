"""Perturbation extractor (Section 3.3.2): a feature extractor and an auto-encoder trained by eq. 4.

    L_MSE1 = mean over the batch of (fm' - G(R(fm')) - fm)^2

fm' and fm are the feature maps of the adversarial image and of its clean twin, R the encoder and G the decoder.
So G(R(fm')) estimates the perturbation fm' - fm from the adversarial image alone, which is all there is at
inference. Table 6, the auto-encoder's layers, is not in the text we hold: the layers here are our choice.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.model.backbones import Evidence, ResidualBlock, make_backbone
from core.model.config import NetworkConfig

VECTOR = 64
"""Length of the augmented feature handed to the heads."""


class Perturbation(NamedTuple):
    """estimate: G(R(fm')), [B, F, h, w]. feature_map: fm', the same shape. vector: [B, VECTOR] for the heads."""

    estimate: Tensor
    feature_map: Tensor
    vector: Tensor


def _conv(channels_in: int, channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )


class PixelPerturbation(nn.Module):
    """Auto-encoder on the image itself: the feature map is the image, the estimate a pixel-level perturbation.

    The decoder sees the encoder's full-resolution features beside the upsampled code, since a perturbation is
    pixel-scale while what it has to be told from (the strokes) is not. Works at any image size.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.evidence = Evidence()
        self.fine = _conv(Evidence.channels_out * channels, width)
        self.coarse = nn.Sequential(_conv(width, 2 * width, stride=2), ResidualBlock(2 * width, 2 * width))
        self.decode = nn.Sequential(_conv(3 * width, width), nn.Conv2d(width, channels, 3, padding=1))
        self.describe = nn.Sequential(
            _conv(Evidence.channels_out * channels + channels, width, stride=2), _conv(width, VECTOR, stride=2)
        )

    def forward(self, x: Tensor) -> Perturbation:
        evidence = self.evidence(x)
        fine = self.fine(evidence)  # [B, w, H, W]
        code = self.coarse(fine)  # [B, 2w, H/2, W/2], R
        wide = F.interpolate(code, x.shape[-2:], mode="nearest")
        estimate = torch.tanh(self.decode(torch.cat([fine, wide], dim=1)))  # G; a difference of two images in [0, 1]
        # The estimate is the evidence of the heads as well, but eq. 4 alone shapes it.
        described = self.describe(torch.cat([evidence, estimate.detach()], dim=1))
        return Perturbation(estimate, x, described.mean((2, 3)))


class FeaturePerturbation(nn.Module):
    """The paper's: an auto-encoder on the feature maps of a frozen backbone.

    Frozen, because an extractor that eq. 4 could train would make every feature map zero. The paper takes it
    pretrained on ImageNet; ``features`` may be loaded with any weights of that backbone before training.
    """

    def __init__(self, config: NetworkConfig, channels: int) -> None:
        super().__init__()
        backbone = make_backbone(config, channels)
        depth = backbone.shared_channels
        self.features = nn.Sequential(backbone.low, backbone.shared).requires_grad_(False)
        self.encode = nn.Sequential(_conv(depth, depth // 4), _conv(depth // 4, depth // 8))
        self.decode = nn.Sequential(_conv(depth // 8, depth // 4), nn.Conv2d(depth // 4, depth, 3, padding=1))
        self.describe = nn.Linear(depth, VECTOR)

    def train(self, mode: bool = True) -> FeaturePerturbation:
        """Like nn.Module.train, but the frozen features keep their batch norm statistics."""
        super().train(mode)
        self.features.eval()
        return self

    def feature_map(self, x: Tensor) -> Tensor:
        maps: Tensor = self.features(x)
        return maps

    def forward(self, x: Tensor) -> Perturbation:
        maps = self.feature_map(x)
        estimate = self.decode(self.encode(maps))
        return Perturbation(estimate, maps, self.describe(estimate.detach().mean((2, 3))))
