"""Heatmaps: the image's own size, the strongest place at 1, and no place where none is known."""

from __future__ import annotations

import pytest
import torch

from core.heatmap import make_heatmap
from core.model.config import PAPER, NetworkConfig

PIXEL = NetworkConfig()


def test_the_strongest_place_is_one_and_the_sign_is_kept() -> None:
    estimate = torch.zeros(3, 4, 5)
    estimate[0, 1, 2], estimate[2, 3, 4] = -0.4, 0.2
    heatmap = make_heatmap(estimate, PIXEL, (4, 5))
    assert heatmap.strength.shape == (4, 5)
    assert heatmap.strength[1, 2] == 1
    assert heatmap.strength[3, 4] == pytest.approx(0.5)
    assert heatmap.strength.sum() == pytest.approx(1.5)
    assert heatmap.perturbation is not None
    assert heatmap.perturbation[0, 1, 2] == pytest.approx(-0.4)


def test_a_faint_estimate_is_not_stretched_to_full_strength() -> None:
    heatmap = make_heatmap(torch.full((1, 8, 8), 0.2 / 255), PIXEL, (8, 8))
    assert heatmap.strength.max() == pytest.approx(0.1)
    assert make_heatmap(torch.zeros(1, 8, 8), PIXEL, (8, 8)).strength.max() == 0


@pytest.mark.parametrize("size", [(8, 8), (31, 17), (4, 90), (1, 1)])
@pytest.mark.parametrize("config", [PIXEL, PAPER], ids=["pixel", "features"])
def test_the_map_has_the_images_size(config: NetworkConfig, size: tuple[int, int]) -> None:
    estimate = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0))
    strength = make_heatmap(estimate, config, size).strength
    assert strength.shape == size
    assert strength.min() >= 0
    assert strength.max() <= 1


def test_feature_maps_give_their_mean_square_and_no_pixels() -> None:
    estimate = torch.zeros(2, 2, 2)
    estimate[:, 0, 0] = torch.tensor([3.0, 4.0])
    estimate[:, 1, 1] = torch.tensor([0.0, 2.5])
    heatmap = make_heatmap(estimate, PAPER, (2, 2))
    assert heatmap.perturbation is None
    assert heatmap.strength.tolist() == [[1, 0], [0, 0.5]]
    assert "feature maps" in heatmap.source


def test_a_feature_map_of_one_pixel_tells_no_place() -> None:
    heatmap = make_heatmap(torch.ones(16, 1, 1), PAPER, (28, 28))
    assert heatmap.strength.shape == (28, 28)
    assert heatmap.strength.max() == 0
    assert "no place" in heatmap.source
    assert make_heatmap(torch.ones(1, 1, 1), PIXEL, (1, 1)).strength.tolist() == [[1]]
