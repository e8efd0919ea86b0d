"""The networks that MTAA is compared with: one network, one answer.

- ``mitre``: the self-built 11-layer network of [21] (Dotter et al. 2021). The paper says no more of it, so its layers
  are ours: eight 3x3 convolutions with batch norm in four stages, halved between them, and three dense layers.
- ``resnet50``, ``resnet101``: the pre-experiment's classifiers of digits and photographs (Section 3.2), torchvision's
  with one linear layer.
- ``resnet50-mlp``: ResNet50's feature extractor and a multilayer perceptron, [22] (Li 2021); its width of 512 is ours.

Backbones start from random weights; the paper's came pretrained from ImageNet.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from core.model.backbones import make_backbone
from core.model.config import NetworkConfig

RivalName = Literal["mitre", "resnet50", "resnet50-mlp", "resnet101"]
_WIDTHS = (32, 64, 128, 256)
_DENSE = 256
_MLP = 512

CHOICES = {
    "mitre": "[21]'s network has 11 layers, the paper says no more: here eight 3x3 convolutions and three dense ones.",
    "mlp": "[22]'s perceptron has one hidden layer of 512; the paper does not say.",
    "clean": "As many clean images as one victim has examples of one attack; the paper does not say how many.",
    "scratch": "Backbones start from random weights; the paper's came pretrained from ImageNet.",
}
"""In words, for the tables."""


def make_rival(name: RivalName, channels: int, outputs: int) -> nn.Module:
    """[B, channels, H, W] in [0, 1] -> [B, outputs]."""
    if name == "mitre":
        return _mitre(channels, outputs)
    backbone = make_backbone(NetworkConfig(backbone="resnet101" if name == "resnet101" else "resnet50"), channels)
    features = backbone.last_channels
    layers: list[nn.Module] = [backbone.low, backbone.shared, backbone.last_stage(), _MeanPool()]
    if name == "resnet50-mlp":
        layers += [nn.Linear(features, _MLP), nn.ReLU(inplace=True)]
        features = _MLP
    return nn.Sequential(*layers, nn.Linear(features, outputs))


class _MeanPool(nn.Module):
    """[B, D, h, w] -> [B, D], the mean over the image."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3))


def _mitre(channels: int, outputs: int) -> nn.Module:
    layers: list[nn.Module] = []
    before = channels
    for stage, width in enumerate(_WIDTHS):
        if stage:
            layers.append(nn.MaxPool2d(2))
        for channels_in in (before, width):
            layers += [nn.Conv2d(channels_in, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)]
        before = width
    dense = [nn.Linear(before, _DENSE), nn.ReLU(True), nn.Linear(_DENSE, _DENSE), nn.ReLU(True)]
    return nn.Sequential(*layers, _MeanPool(), *dense, nn.Linear(_DENSE, outputs))
