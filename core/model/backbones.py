"""Feature extractors for the adversarial-only stream: a low stage, a shared stage, and last stages made on demand.

A backbone hands out its last stage as often as it is asked (:meth:`Backbone.last_stage`), since the paper's
task-specific layers are copies of "the final feature extraction layers" (Section 3.3.3).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.model.config import NetworkConfig
from core.torchvision_zoo import fit_channels, make

if TYPE_CHECKING:
    from torchvision.models import ResNet

_LEVELS = 255.0
_OCTAVES = 8.0  # log2(1 + _LEVELS)

_NARROW = 8
"""Of fewer channels the gradient of a 1x1 convolution with a stride, channels last, writes past its memory on
processors with AVX2 alone (oneDNN 3.12, which comes with torch 2.14): the program dies of it somewhere else."""


class Evidence(nn.Module):
    """Fixed views of an image that make 8-bit traces large: [B, C, H, W] in [0, 1] -> [B, 4C, H, W].

    Beside the image: its distance from black and from white on a logarithmic scale, where one grey level out of
    255 is an eighth of the range instead of 1/255 (saturated pixels are where a perturbation is seen bare), and the
    high-pass residual, as in steganalysis, squashed at a few grey levels.
    """

    channels_out = 4

    def forward(self, x: Tensor) -> Tensor:
        dark = torch.log2(1 + _LEVELS * x) / _OCTAVES
        bright = torch.log2(1 + _LEVELS * (1 - x)) / _OCTAVES
        around = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        residual = torch.tanh((x - around) * (_LEVELS / 8))
        return torch.cat([x, dark, bright, residual], dim=1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside a shortcut; halves the resolution when ``stride`` is 2."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        self._skip = stride if channels_in < _NARROW else 1
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride // self._skip, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first_norm(self.first(x)), inplace=True)
        kept = x[:, :, :: self._skip, :: self._skip]  # what a 1x1 convolution with that stride sees
        return F.relu(self.second_norm(self.second(y)) + self.shortcut(kept), inplace=True)


class Backbone(nn.Module, ABC):
    """``low`` then ``shared`` then any number of last stages.

    low:    [B, C, H, W] -> [B, low_channels, h, w], near the input: small receptive field.
    shared: the global shared layers (GSL), -> [B, shared_channels, h', w'].
    """

    low: nn.Module
    shared: nn.Module
    low_channels: int
    shared_channels: int
    last_channels: int

    @abstractmethod
    def last_stage(self) -> nn.Module:
        """A new last stage, [B, shared_channels, h', w'] -> [B, last_channels, h'', w'']."""


class ForensicBackbone(Backbone):
    """Full resolution through the first stage and no pooling before features: early striding erases the evidence."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.low = nn.Sequential(
            Evidence(),
            nn.Conv2d(Evidence.channels_out * channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            ResidualBlock(width, width),
            ResidualBlock(width, width),
        )
        self.shared = nn.Sequential(
            ResidualBlock(width, 2 * width, stride=2),
            ResidualBlock(2 * width, 2 * width),
            ResidualBlock(2 * width, 2 * width),
        )
        self.low_channels, self.shared_channels, self.last_channels = width, 2 * width, 4 * width

    def last_stage(self) -> nn.Module:
        return nn.Sequential(
            ResidualBlock(self.shared_channels, self.last_channels, stride=2),
            ResidualBlock(self.last_channels, self.last_channels),
        )


class ResNetBackbone(Backbone):
    """The paper's: torchvision's ResNet, whose last block is what the task-specific layers copy."""

    def __init__(self, build: Callable[..., ResNet], channels: int) -> None:
        super().__init__()
        self._build = build
        net = build()
        fit_channels(net, channels)
        layer4 = list(net.layer4.children())
        self.low = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1)
        self.shared = nn.Sequential(net.layer2, net.layer3, *layer4[:-1])
        self.low_channels = _out_channels(self.low)
        self.shared_channels = self.last_channels = _out_channels(self.shared)

    def last_stage(self) -> nn.Module:
        block: nn.Module = list(self._build().layer4.children())[-1]
        return block


def _out_channels(module: nn.Module) -> int:
    """Channels of the last batch norm's output: in a ResNet stage that is the stage's own."""
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)][-1].num_features


_RESNETS: dict[str, Callable[..., ResNet]] = {
    name: partial(make, name, 1000) for name in ("resnet18", "resnet50", "resnet101")
}


def make_backbone(config: NetworkConfig, channels: int) -> Backbone:
    """The backbone a configuration names, for images of ``channels`` channels."""
    if config.backbone == "forensic":
        return ForensicBackbone(channels, config.width)
    return ResNetBackbone(_RESNETS[config.backbone], channels)
