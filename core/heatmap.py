"""From the auto-encoder's estimate to a map over the image: where the perturbation lies."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from core.model.config import NetworkConfig
from core.preprocess import Fitted
from core.types import Heatmap

_FAINTEST = 2 / 255
"""A pixel-level estimate weaker than this everywhere is drawn faint instead of being stretched to full strength."""

_PIXELS = 2**22
"""Of a kept pixel-level estimate: of a larger image it has every second, third, ... pixel in each direction."""

_SOURCES = {
    "pixel": "Perturbation estimated pixel by pixel by the auto-encoder (eq. 4 on the image)",
    "features": "Perturbation of the feature maps estimated by the auto-encoder (eq. 4), enlarged to the image",
}
_NO_PLACE = "The feature maps of an image this small are one pixel: they tell no place"


def make_heatmap(
    estimates: Tensor, fitted: Fitted, config: NetworkConfig, size: tuple[int, int], how: str = ""
) -> Heatmap:
    """The heatmap of one image, at its own ``size`` = (height, width), from the estimates G(R(fm')) of its tiles.

    estimates: [N, F, h, w], one for each of ``fitted``'s tiles. Where tiles overlap the mean is taken, and where there
    is none the map is empty. A feature map of one pixel, as a ResNet has of 28x28, gives an empty map instead of one
    that is full everywhere. how: what was done to the estimates, in words.
    """
    estimates = estimates.detach().float().cpu()
    pixel = config.perturbation_extractor == "pixel"
    source = _SOURCES["pixel" if pixel else "features"]
    magnitude = estimates.abs().amax(1, True) if pixel else estimates.square().mean(1, True).sqrt()  # [N, 1, h, w]
    if no_place := magnitude[0].numel() == 1 and not pixel:
        magnitude = torch.zeros_like(magnitude)
    strength = _stitched(magnitude, fitted)
    strength /= strength.max().clamp_min(_FAINTEST if pixel else 1e-12)
    if strength.shape[1:] != size:
        strength = F.interpolate(strength[None], size, mode="bilinear", align_corners=False)[0]
    return Heatmap(
        strength=strength[0].clamp_(0, 1).numpy(),
        perturbation=_stitched(estimates, fitted, _PIXELS).numpy() if pixel else None,
        source=_NO_PLACE if no_place else f"{source}, {how}" if how else source,
    )


def _stitched(maps: Tensor, fitted: Fitted, most: float = math.inf) -> Tensor:
    """Maps [N, c, h, w] of the tiles in their places: [c, H, W], of every k-th pixel where more than ``most`` are all.

    Pixels are left out rather than averaged, since signs that alternate from pixel to pixel would cancel.
    """
    tile, frame = fitted.tiles.shape[2:], fitted.frame
    if tile == frame:
        return maps[0]  # as fine as it is
    if maps.shape[2:] != tile:
        maps = F.interpolate(maps, tile, mode="bilinear", align_corners=False)
    step = max(1, math.ceil(math.sqrt(frame[0] * frame[1] / most)))
    whole = torch.zeros(maps.shape[1], *(-(-side // step) for side in frame))
    lying = torch.zeros(whole.shape[1:])
    for each, (top, left) in zip(maps, fitted.corners, strict=True):
        kept = each[:, -top % step :: step, -left % step :: step]
        row, column = -(-top // step), -(-left // step)
        place = slice(row, row + kept.shape[1]), slice(column, column + kept.shape[2])
        whole[:, *place] += kept
        lying[place] += 1
    return whole.div_(lying.clamp_(min=1))
