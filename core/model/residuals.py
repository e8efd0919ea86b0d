"""What an image went through last, by how neighbouring high-pass residuals go together, whatever the picture shows.

A network that was taught to see through compression and scaling hides from its features whether there was any. These
statistics still tell: co-occurrences of three quantised residuals, as in steganalysis (SPAM: Pevny, Bas and Fridrich
2010; rich models: Fridrich and Kodovsky 2012), the same for an image and its transpose, and for either sign.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.pictures import LUMA

_LIMIT = 2
"""Quantised residuals lie within this, on both sides of zero."""

_KINDS = 2 * _LIMIT + 1
_TRIPLES = (_KINDS**3 + 1) // 2
"""Of three residuals in a row, one of each pair that the sign tells apart."""

_RARE = 1e-5
"""Added to every share before its logarithm, so that one pixel of a photograph more or less counts little."""

_AT_ONCE = 2**18
"""Pixels in memory, where each takes some twenty times its size."""


class ResidualStatistics(nn.Module):
    """[B, C, H, W] in [0, 1], of 8 bits -> [B, count], the logarithms of how often each triple is there."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._colour = channels == len(LUMA)
        self.count = _TRIPLES * (7 if self._colour else 5)

    def forward(self, x: Tensor) -> Tensor:
        images = max(1, _AT_ONCE // (x.shape[-2] * x.shape[-1]))
        return torch.cat([self._of(some) for some in torch.split(x.float(), images)])

    def _of(self, x: Tensor) -> Tensor:
        levels = (x * 255).round()
        upright, turned = self._shares(levels), self._shares(levels.mT)
        return ((upright + turned) / 2 + _RARE).log().flatten(1)

    def _shares(self, levels: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, kinds, _TRIPLES]: along the rows that a residual is taken in, and across them."""
        planes = levels
        if self._colour:
            luma = (levels * levels.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
            planes = torch.cat([levels, luma], dim=1)
        first = planes[..., 1:] - planes[..., :-1]
        second = first[..., 1:] - first[..., :-1]
        square = second[..., :-2, :] - 2 * second[..., 1:-1, :] + second[..., 2:, :]
        residuals = [first, (second / 2).round()]
        if self._colour:
            between = levels[:, :1] - levels[:, 1:2]
            residuals.append(between[..., 1:] - between[..., :-1])
        found = [_triples(r) for residual in residuals for r in (residual, residual.mT)]
        return torch.stack([*found, _triples((square / 4).round())], dim=1)


def _triples(residual: Tensor) -> Tensor:
    """[B, P, h, w] -> [B, _TRIPLES]: the share of each triple among those that lie along the last axis."""
    kinds = residual.round().clamp(-_LIMIT, _LIMIT) + _LIMIT
    coded = (kinds[..., :-2] * _KINDS + kinds[..., 1:-1]) * _KINDS + kinds[..., 2:]
    own = torch.arange(len(coded), device=coded.device)[:, None] * _KINDS**3
    counts = torch.bincount((coded.flatten(1).long() + own).flatten(), minlength=len(coded) * _KINDS**3)
    shares = counts.view(len(coded), -1).float() / max(1, coded[0].numel())  # an image may be too small for any
    return ((shares + shares.flip(1)) / 2)[:, :_TRIPLES]
