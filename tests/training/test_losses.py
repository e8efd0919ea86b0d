"""Every loss term against gradients worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.losses import UncertaintyWeighted, classification_loss, hyperparameter_loss, reconstruction_loss


def test_cross_entropy_gradient_is_probability_minus_target() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]], requires_grad=True)  # probabilities 1/4 and 3/4
    loss = classification_loss(logits, torch.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(4))
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.tensor([[-0.75, 0.75]]))


def test_hyperparameter_loss_moves_only_the_true_attacks_output() -> None:
    predicted = torch.tensor([[5.0, 100.0], [3.0, 90.0]], requires_grad=True)
    scale = torch.tensor([math.inf, 10.0])
    loss = hyperparameter_loss(predicted, torch.tensor([0.0, 110.0]), torch.tensor([0, 1]), scale)
    loss.backward()
    assert loss.item() == pytest.approx(((90 - 110) / 10) ** 2 / 2)
    assert predicted.grad is not None
    # d/dy ((y - t) / s)^2 / 2 = (y - t) / s^2 ; clean has no hyperparameter and no gradient
    torch.testing.assert_close(predicted.grad, torch.tensor([[0.0, 0.0], [0.0, -0.2]]))


def test_reconstruction_loss_is_eq_4_relative_to_the_perturbation() -> None:
    clean = torch.tensor([[[[1.0, 2.0]]], [[[0.0, 0.0]]]])
    adversarial = torch.tensor([[[[2.0, 4.0]]], [[[0.0, 0.0]]]])
    estimate = torch.tensor([[[[0.0, 1.0]]], [[[0.5, 0.0]]]], requires_grad=True)
    loss = reconstruction_loss(estimate, adversarial, clean)
    loss.backward()
    first, second = (1.0**2 + 1.0**2) / (1 + 1 + 4), 0.5**2 / 1
    assert loss.item() == pytest.approx((first + second) / 2)
    assert estimate.grad is not None
    # -2 (perturbation - estimate) / (1 + |perturbation|^2) / batch
    torch.testing.assert_close(estimate.grad.flatten(), torch.tensor([-1 / 6, -1 / 6, 0.5, 0.0]))


def test_uncertainty_weighting_is_eq_14() -> None:
    weighting = UncertaintyWeighted()
    with torch.no_grad():
        weighting.log_sigma.copy_(torch.tensor([2.0, 3.0, 0.5]).log())
    parts = [torch.tensor(v, requires_grad=True) for v in (8.0, 9.0, 0.25)]  # L1 hyperparameter, L2 attack, L3 victim
    loss = weighting(*parts)
    loss.backward()
    by_hand = 8 / (2 * 4) + 9 / 9 + 0.25 / 0.25 + math.log(2) + math.log(3) + math.log(0.5)
    assert loss.item() == pytest.approx(by_hand)
    assert [float(p.grad) for p in parts if p.grad is not None] == pytest.approx([1 / 8, 1 / 9, 4.0])
    # d/d(log s): 1 - 2 (factor L / s^2)
    assert weighting.log_sigma.grad is not None
    torch.testing.assert_close(weighting.log_sigma.grad, torch.tensor([1 - 2.0, 1 - 2.0, 1 - 2.0]))
    assert weighting.sigma == pytest.approx({"hyperparameter": 2.0, "attack": 3.0, "victim": 0.5})


def test_the_plain_sum_learns_no_sigma() -> None:
    weighting = UncertaintyWeighted(weighted=False)
    assert weighting(*(torch.tensor(v) for v in (1.0, 2.0, 4.0))).item() == 7.0
    assert not any(p.requires_grad for p in weighting.parameters())
