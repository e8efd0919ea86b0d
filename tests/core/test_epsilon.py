"""Epsilon read off an image: exact where pixels pile up at it, and never where they do not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.model.epsilon import read_epsilon


def drawn(count: int, background: float, seed: int = 0) -> Tensor:
    """Images of one plain shade with a square of noise in the middle, 8-bit, [B, 1, 20, 20]."""
    images = torch.full((count, 1, 20, 20), background)
    noise = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    images[:, :, 6:14, 6:14] = noise
    return (images * 255).round() / 255


def attacked(images: Tensor, epsilon: Tensor, share: float = 0.5) -> tuple[Tensor, Tensor]:
    """Every pixel moved by epsilon (in 1/255) up or down, and clipped; with the change."""
    up = torch.rand(images.shape, generator=torch.Generator().manual_seed(1)) < share
    moved = (images + torch.where(up, 1.0, -1.0) * epsilon[:, None, None, None] / 255).clamp(0, 1)
    return moved, moved - images


@pytest.mark.parametrize("background", [0.0, 1.0])
def test_a_plain_background_shows_epsilon_exactly(background: float) -> None:
    epsilon = torch.tensor([1.0, 8.0, 30.0, 128.0, 200.0])
    images, change = attacked(drawn(5, background), epsilon)
    told = epsilon + torch.tensor([9.0, -7.0, 20.0, -35.0, 30.0])
    assert read_epsilon(images, change, told, 200.0).tolist() == epsilon.tolist()


def test_the_largest_of_several_piles_counts() -> None:
    images = drawn(1, 0.0)
    change = torch.zeros_like(images)
    change[:, :, :3] = 40 / 255
    change[:, :, 3:6] = 50 / 255  # fewer than 60 % as high would be noise, this is as high
    assert read_epsilon(images + change, change, torch.tensor([42.0]), 200.0).item() == 50
    change[:, :, 4:6] = 0
    change[:, :, 3:4, :5] = 50 / 255
    assert read_epsilon(images + change, change, torch.tensor([42.0]), 200.0).item() == 40


def test_without_a_pile_what_is_told_stands() -> None:
    grey = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(2)) * 0.5 + 0.25
    told = torch.tensor([5.25, 8.0, 60.5])
    assert read_epsilon(grey, torch.ones_like(grey), told, 200.0).tolist() == told.tolist()


def test_piles_out_of_reach_do_not_count() -> None:
    images, change = attacked(drawn(1, 0.0), torch.tensor([120.0]))
    assert read_epsilon(images, change, torch.tensor([60.0]), 200.0).item() == 60  # further off than any network errs
    assert read_epsilon(images, change, torch.tensor([110.0]), 100.0).item() == 110  # beyond the attack's range
