"""Maps of an image's tiles put together over the image, and cut from it again."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from core.preprocess import Fitted


def cut(whole: Tensor, fitted: Fitted) -> Tensor:
    """The parts of a map [c, H, W] over an image that lie in its tiles, [N, c, h, w]."""
    high, wide = fitted.tiles.shape[2:]
    return torch.stack([whole[:, top : top + high, left : left + wide] for top, left in fitted.corners])


def stitched(maps: Tensor, fitted: Fitted, most: float = math.inf) -> Tensor:
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
