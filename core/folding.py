"""Batch norms folded into the convolutions before them."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(network: nn.Module) -> None:
    """Make one layer of each convolution and the batch norm that follows it, in place.

    In evaluation that is the same function up to rounding, with one pass over every map less, forwards and backwards.
    A layer that does nothing is left where a batch norm was. network: in evaluation, and never trained again; modules
    that apply a convolution and a batch norm after each other have them registered so, as torchvision's do.
    """
    for module in list(network.modules()):
        for (name, convolution), (norm, batch_norm) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(batch_norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, batch_norm))
                setattr(module, norm, nn.Identity().eval())
