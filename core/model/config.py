"""Which network a pack holds. Every row of the paper's Tables 13 and 14 is a value of :class:`NetworkConfig`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

BackboneName = Literal["forensic", "resnet18", "resnet50", "resnet101"]


class NetworkConfig(BaseModel):
    """Configuration of the MTAA network (Figure 5).

    backbone: "forensic" keeps the full resolution through its first stages, since 8-bit perturbations are
        pixel-scale; the ResNets are the paper's, as torchvision has them.
    width: channels of the forensic backbone's first stage (the ResNets have their own).
    perturbation_extractor: "pixel" runs the auto-encoder on the image itself (the feature map of eq. 4 is then the
        image, and G(R(x')) a pixel-level perturbation), "features" on a frozen backbone's feature map as the
        paper does, None leaves the module out (rows 1-4 of Table 13).
    task_specific_layers: separate last stages for attack + hyperparameter and for victim (TSL of Table 13).
    uncertainty_weighted: eq. 14's learned weights; otherwise the plain sum of the losses.
    hyperparameter_head: "per_attack" has one output for each attack on its own range; "shared" is eq. 7's single
        output.
    crop: side in pixels of the part of each image that a training step sees, drawn anew each time; None for all of it.
        Maxima over an image are then averages of the maxima of parts of that size, so that a network that was trained
        on parts judges whole images of any size.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: BackboneName = "forensic"
    width: Annotated[int, Field(ge=1, le=1024)] = 32
    perturbation_extractor: Literal["pixel", "features"] | None = "pixel"
    task_specific_layers: bool = True
    uncertainty_weighted: bool = True
    hyperparameter_head: Literal["per_attack", "shared"] = "per_attack"
    crop: Annotated[int, Field(ge=8, le=1024)] | None = None


PAPER = NetworkConfig(backbone="resnet50", perturbation_extractor="features", hyperparameter_head="shared")
"""The paper's network for MNIST (Table 13, last row)."""

PAPER_PHOTOGRAPHS = PAPER.model_copy(update={"backbone": "resnet101"})
"""The paper's network for ImageNet (Table 14, last row)."""
