"""Heatmaps: the image's own size, the strongest place at 1, and no place where none is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core import heatmap as heatmaps
from core.heatmap import make_heatmap
from core.model.config import PAPER, NetworkConfig
from core.preprocess import Fitted
from core.types import Heatmap

PIXEL = NetworkConfig()


def heatmap_of(estimate: torch.Tensor, config: NetworkConfig, size: tuple[int, int]) -> Heatmap:
    """Of an image that is one tile, [F, h, w]."""
    tile = np.zeros((1, 1, *estimate.shape[1:]), np.float32)
    return make_heatmap(estimate[None], Fitted(tile, ((0, 0),), tile.shape[2:], ()), config, size)


def cut(side: int, corners: tuple[tuple[int, int], ...], frame: tuple[int, int]) -> Fitted:
    return Fitted(np.zeros((len(corners), 1, side, side), np.float32), corners, frame, ())


def test_the_strongest_place_is_one_and_the_sign_is_kept() -> None:
    estimate = torch.zeros(3, 4, 5)
    estimate[0, 1, 2], estimate[2, 3, 4] = -0.4, 0.2
    heatmap = heatmap_of(estimate, PIXEL, (4, 5))
    assert heatmap.strength.shape == (4, 5)
    assert heatmap.strength[1, 2] == 1
    assert heatmap.strength[3, 4] == pytest.approx(0.5)
    assert heatmap.strength.sum() == pytest.approx(1.5)
    assert heatmap.perturbation is not None
    assert heatmap.perturbation[0, 1, 2] == pytest.approx(-0.4)


def test_a_faint_estimate_is_not_stretched_to_full_strength() -> None:
    heatmap = heatmap_of(torch.full((1, 8, 8), 0.2 / 255), PIXEL, (8, 8))
    assert heatmap.strength.max() == pytest.approx(0.1)
    assert heatmap_of(torch.zeros(1, 8, 8), PIXEL, (8, 8)).strength.max() == 0


@pytest.mark.parametrize("size", [(8, 8), (31, 17), (4, 90), (1, 1)])
@pytest.mark.parametrize("config", [PIXEL, PAPER], ids=["pixel", "features"])
def test_the_map_has_the_images_size(config: NetworkConfig, size: tuple[int, int]) -> None:
    estimate = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0))
    strength = heatmap_of(estimate, config, size).strength
    assert strength.shape == size
    assert strength.min() >= 0
    assert strength.max() <= 1


def test_feature_maps_give_their_mean_square_and_no_pixels() -> None:
    estimate = torch.zeros(2, 2, 2)
    estimate[:, 0, 0] = torch.tensor([3.0, 4.0])
    estimate[:, 1, 1] = torch.tensor([0.0, 2.5])
    heatmap = heatmap_of(estimate, PAPER, (2, 2))
    assert heatmap.perturbation is None
    assert heatmap.strength.tolist() == [[1, 0], [0, 0.5]]
    assert "feature maps" in heatmap.source


def test_a_feature_map_of_one_pixel_tells_no_place() -> None:
    heatmap = heatmap_of(torch.ones(16, 1, 1), PAPER, (28, 28))
    assert heatmap.strength.shape == (28, 28)
    assert heatmap.strength.max() == 0
    assert "no place" in heatmap.source
    assert heatmap_of(torch.ones(1, 1, 1), PIXEL, (1, 1)).strength.tolist() == [[1]]


def test_tiles_are_put_in_their_places() -> None:
    """Two tiles that overlap by two columns, and below them nothing that was looked at."""
    estimates = torch.stack([torch.full((3, 4, 4), 0.2), torch.full((3, 4, 4), -0.4)])
    heatmap = make_heatmap(estimates, cut(4, ((0, 0), (0, 2)), (6, 6)), PIXEL, (6, 6))
    assert heatmap.strength[0].tolist() == pytest.approx([0.5, 0.5, 0.75, 0.75, 1, 1])
    assert heatmap.strength[4:].max() == 0
    assert heatmap.perturbation is not None
    assert heatmap.perturbation[0, 3].tolist() == pytest.approx([0.2, 0.2, -0.1, -0.1, -0.4, -0.4])
    assert heatmap.perturbation[:, 4:].any() == np.False_


def test_a_large_images_estimate_is_kept_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    corners = tuple((top, left) for top in (0, 5, 10) for left in (0, 7, 13, 20))
    estimates = torch.stack([whole[:, top : top + 10, left : left + 10] for top, left in corners])
    full = make_heatmap(estimates, cut(10, corners, (20, 30)), PIXEL, (20, 30))
    assert full.perturbation == pytest.approx(whole.numpy(), abs=1e-6)
    monkeypatch.setattr(heatmaps, "_PIXELS", 70)
    thin = make_heatmap(estimates, cut(10, corners, (20, 30)), PIXEL, (20, 30))
    assert thin.perturbation == pytest.approx(whole.numpy()[:, ::3, ::3], abs=1e-6)
    assert np.array_equal(thin.strength, full.strength)


def test_a_line_of_pixels_does_not_cost_what_its_frame_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heatmaps, "_PIXELS", 2**10)
    made: list[int] = []
    real = torch.zeros
    monkeypatch.setattr(
        torch, "zeros", lambda *shape, **kind: (made.append(int(np.prod(shape))), real(*shape, **kind))[1]
    )
    fitted = cut(64, ((0, 0), (0, 8128)), (64, 8192))  # enlarged from 1x8192
    heatmap = make_heatmap(torch.rand(2, 1, 64, 64), fitted, PIXEL, (1, 8192))
    assert heatmap.strength.shape == (1, 8192)
    assert max(made) <= 8192


def test_feature_maps_of_tiles_are_put_together_too() -> None:
    estimates = torch.stack([torch.full((16, 2, 2), 1.0), torch.full((16, 2, 2), 2.0)])
    strength = make_heatmap(estimates, cut(8, ((0, 0), (0, 8)), (8, 16)), PAPER, (8, 16)).strength
    assert strength[:, :8].tolist() == [[0.5] * 8] * 8
    assert strength[:, 8:].tolist() == [[1.0] * 8] * 8
