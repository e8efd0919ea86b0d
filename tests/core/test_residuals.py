"""What the last step of an image left behind: told whatever the picture shows, whichever way it lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image
from torch import Tensor

from core.model.residuals import ResidualStatistics
from core.pictures import Pixels, resized, through_jpeg

TILE = 96


def stack(images: list[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack(images)).float() / 255


@pytest.fixture(scope="module")
def tiles() -> list[Pixels]:
    """Of two photographs, each in turn, 3 x 96 x 96."""
    rows = range(0, 384, TILE)
    photographs = [load_sample_image(name).transpose(2, 0, 1) for name in ("china.jpg", "flower.jpg")]
    return [p[:, y : y + TILE, x : x + TILE] for y in rows for x in range(0, 576, TILE) for p in photographs]


@pytest.mark.parametrize(("channels", "kinds"), [(1, 5), (3, 7)])
def test_each_kind_is_a_distribution(tiles: list[Pixels], channels: int, kinds: int) -> None:
    statistics = ResidualStatistics(channels)
    found = statistics(stack(tiles[:5])[:, :channels])
    assert found.shape == (5, statistics.count) and statistics.count == kinds * 63
    shares = found.exp().view(5, kinds, 63)
    shares[..., :62] *= 2  # each stands for itself and for what has the other sign
    torch.testing.assert_close(shares.sum(2), torch.ones(5, kinds), rtol=0, atol=2e-3)


def test_how_an_image_lies_and_what_lies_beside_it_changes_nothing(tiles: list[Pixels]) -> None:
    statistics, some = ResidualStatistics(3), stack(tiles[:6])
    found = statistics(some)
    assert torch.equal(statistics(some.mT), found)
    assert all(torch.equal(statistics(one[None])[0], own) for one, own in zip(some, found, strict=True))


@pytest.mark.parametrize("size", [(3, 3), (1, 40), (8, 8)])
def test_small_images_have_statistics_too(size: tuple[int, int]) -> None:
    assert ResidualStatistics(1)(torch.rand(2, 1, *size)).isfinite().all()


@pytest.mark.parametrize("name", ["JPEG 90", "scaled"])
def test_a_change_moves_other_photographs_the_same_way(tiles: list[Pixels], name: str) -> None:
    """The direction in which one photograph's tiles move is that of another's."""

    def change(image: Pixels) -> Pixels:
        return through_jpeg(image, 90) if name == "JPEG 90" else resized(resized(image, 144, 144), TILE, TILE)

    noise = np.random.default_rng(0).normal(0, 1.5, (len(tiles), *tiles[0].shape))
    grainy = [g.round().clip(0, 255).astype(np.uint8) for g in np.stack(tiles) + noise]
    statistics = ResidualStatistics(3)
    moved = statistics(stack([change(g) for g in grainy])) - statistics(stack(grainy))
    moved = moved / moved.norm(dim=1, keepdim=True)
    assert (moved[1::2] @ moved[::2].mean(0) > 0.4).float().mean() > 0.9
