"""From the auto-encoder's estimate to a map over the image: where the perturbation lies."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from core.model.config import NetworkConfig
from core.preprocess import Fitted
from core.stitching import stitched
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
    strength = stitched(magnitude, fitted, max(math.prod(size), _PIXELS))  # a line of pixels was made 64 wide
    full = float(strength.max().clamp_min(_FAINTEST if pixel else 1e-12))
    strength /= full
    if strength.shape[1:] != size:
        strength = F.interpolate(strength[None], size, mode="bilinear", align_corners=False)[0]
    return Heatmap(
        strength=strength[0].clamp_(0, 1).numpy(),
        perturbation=stitched(estimates, fitted, _PIXELS).numpy() if pixel else None,
        source=_NO_PLACE if no_place else f"{source}, {how}" if how else source,
        full=full if pixel else None,
    )
