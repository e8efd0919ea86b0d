"""From the auto-encoder's estimate to a map over the image: where the perturbation lies."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from core.model.config import NetworkConfig
from core.types import Heatmap

_FAINTEST = 2 / 255
"""A pixel-level estimate weaker than this everywhere is drawn faint instead of being stretched to full strength."""

_SOURCES = {
    "pixel": "Perturbation estimated pixel by pixel by the auto-encoder (eq. 4 on the image)",
    "features": "Perturbation of the feature maps estimated by the auto-encoder (eq. 4), enlarged to the image",
}
_NO_PLACE = "The feature maps of an image this small are one pixel: they tell no place"


def make_heatmap(estimate: Tensor, config: NetworkConfig, size: tuple[int, int]) -> Heatmap:
    """The heatmap of one image from its estimate G(R(fm')) [F, h, w], at ``size`` = (height, width) of the image.

    A feature map of one pixel, as a ResNet has of 28x28, gives an empty map instead of one that is full everywhere.
    """
    estimate = estimate.detach().float().cpu()
    pixel = config.perturbation_extractor == "pixel"
    magnitude = estimate.abs().amax(0) if pixel else estimate.square().mean(0).sqrt()  # [h, w]
    strength = magnitude / magnitude.max().clamp_min(_FAINTEST if pixel else 1e-12)
    if no_place := magnitude.numel() == 1 and not pixel:
        strength = strength.zero_()
    if strength.shape != size:
        strength = F.interpolate(strength[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return Heatmap(
        strength=strength.clamp(0, 1).numpy(),
        perturbation=estimate.numpy() if pixel else None,
        source=_NO_PLACE if no_place else _SOURCES["pixel" if pixel else "features"],
    )
