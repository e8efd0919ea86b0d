"""The network's parts: shapes, and what must and must not reach what."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from core.manifest import AttackLabel, ImageSpec
from core.model.backbones import ResidualBlock
from core.model.config import PAPER, NetworkConfig
from core.model.familiarity import Familiarity
from core.model.network import MTAA, AdversarialExtractor
from core.model.perturbation import VECTOR, FeaturePerturbation, PixelPerturbation

GREY = ImageSpec(channels=1, height=28, width=28)
ATTACKS = [
    AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
    AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
    AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=1, maximum=20),
]
SMALL = NetworkConfig(width=8)

ROWS_OF_TABLE_13 = {
    "resnet18, simple add": NetworkConfig(
        backbone="resnet18", perturbation_extractor=None, task_specific_layers=False, uncertainty_weighted=False,
        hyperparameter_head="shared",
    ),
    "resnet18, weighted": NetworkConfig(
        backbone="resnet18", perturbation_extractor=None, task_specific_layers=False, hyperparameter_head="shared"
    ),
    "resnet18, weighted, TSL": NetworkConfig(
        backbone="resnet18", perturbation_extractor=None, hyperparameter_head="shared"
    ),
    "resnet50, weighted, TSL": NetworkConfig(
        backbone="resnet50", perturbation_extractor=None, hyperparameter_head="shared"
    ),
    "the paper's": PAPER,
    "ours": SMALL,
}  # fmt: skip


@pytest.mark.parametrize("config", ROWS_OF_TABLE_13.values(), ids=ROWS_OF_TABLE_13.keys())
def test_every_row_of_table_13_is_a_configuration(config: NetworkConfig) -> None:
    torch.manual_seed(0)
    network = MTAA(config, GREY, ATTACKS, victims=4).eval()
    with torch.no_grad():
        outputs = network(torch.rand(2, 1, 28, 28))
    assert outputs.attack.shape == (2, 3)
    assert outputs.victim.shape == (2, 4)
    assert outputs.hyperparameter.shape == (2, 3)
    assert (outputs.perturbation is None) == (config.perturbation_extractor is None)
    with torch.no_grad():
        assert network.familiarity(outputs.features).shape == (2,)
    assert all(t.isfinite().all() for t in outputs if isinstance(t, torch.Tensor))


def test_pixel_extractor_estimates_at_image_size() -> None:
    for size in (28, 33, 64):
        estimate, feature_map, vector = PixelPerturbation(3, 8)(torch.rand(2, 3, size, size))
        assert estimate.shape == feature_map.shape == (2, 3, size, size)
        assert vector.shape == (2, VECTOR)
        assert estimate.abs().max() <= 1


def test_feature_extractor_is_frozen_and_its_auto_encoder_is_not() -> None:
    extractor = FeaturePerturbation(NetworkConfig(backbone="resnet18"), 1).train()
    x = torch.rand(2, 1, 28, 28)
    before = extractor.feature_map(x)
    estimate, maps, _ = extractor(x)
    assert estimate.shape == maps.shape == (2, 512, 1, 1)
    estimate.square().sum().backward()
    assert all(p.grad is None for p in extractor.features.parameters())
    assert any(p.grad is not None for p in extractor.encode.parameters())
    torch.testing.assert_close(extractor.feature_map(x), before)


def test_branches_share_the_trunk_and_nothing_else() -> None:
    extractor = AdversarialExtractor(SMALL, 1)
    for_attack, for_victim = extractor(torch.rand(2, 1, 28, 28))
    for_victim.sum().backward()
    assert extractor.attack_layers is not None and extractor.fuse is not None
    assert all(p.grad is None for p in [*extractor.attack_layers.parameters(), *extractor.fuse.parameters()])
    assert all(p.grad is not None for p in extractor.low.parameters())
    assert for_attack.shape == for_victim.shape == (2, extractor.features_out)


def test_the_hyperparameter_head_sees_the_attack_logits() -> None:
    """Eq. 7: z, the logits of the attack classifier, is an input of the regression."""
    network = MTAA(SMALL, GREY, ATTACKS, victims=4).eval()
    network.attack_head.weight.grad = None
    network(torch.rand(2, 1, 28, 28)).hyperparameter.sum().backward()
    assert network.attack_head.weight.grad is not None
    assert network.attack_head.weight.grad.abs().sum() > 0


def test_trained_on_parts_a_network_sees_the_same_in_four_images_side_by_side_as_in_one() -> None:
    """Its maxima are averages over parts: a single maximum would grow with the image's size."""
    torch.manual_seed(0)
    one = torch.rand(2, 3, 64, 64)
    four = one.tile(1, 1, 2, 2)
    by_parts, whole = (
        MTAA(NetworkConfig(width=4, crop=crop), ImageSpec(channels=3, height=64, width=64), ATTACKS, victims=4).eval()
        for crop in (64, None)
    )
    whole.load_state_dict(by_parts.state_dict())
    apart = []
    for network in (by_parts, whole):
        with torch.no_grad():
            alone, beside = network(one).features, network(four).features
        apart.append(float((alone - beside).abs().mean() / alone.abs().mean()))
        assert network(torch.rand(1, 3, 40, 100)).attack.isfinite().all()
    assert apart[0] < 0.05  # the edges are padded
    with torch.no_grad():
        assert torch.equal(by_parts(one).features, whole(one).features)


def test_clean_has_no_hyperparameter() -> None:
    network = MTAA(SMALL, GREY, ATTACKS, victims=4).eval()
    assert (network(torch.rand(5, 1, 28, 28)).hyperparameter[:, 0] == 0).all()


def test_familiarity_is_high_far_from_the_training_features() -> None:
    torch.manual_seed(0)
    classes = torch.arange(400) % 2
    features = torch.randn(400, 20) * 0.1
    features[:, 0] += classes * 5.0
    familiarity = Familiarity(20, classes=3)
    familiarity.fit(features, classes)
    near, far = familiarity(features), familiarity(features + torch.randn(20) * 3)
    assert near.quantile(0.99) < far.quantile(0.01)
    between = torch.full((1, 20), 0.0)
    between[0, 0] = 2.5
    assert familiarity(between) > near.quantile(0.99)


@pytest.mark.parametrize("channels", [4, 8])
def test_a_narrow_shortcut_is_the_strided_convolution_that_it_stands_for(channels: int) -> None:
    """Its gradient, channels last, corrupts memory on some processors where the convolution itself has the stride."""
    torch.manual_seed(0)
    block = ResidualBlock(channels, 2 * channels, stride=2).to(memory_format=torch.channels_last).eval()
    convolution, norm = block.shortcut[0], block.shortcut[1]  # type: ignore[index]
    for size in (8, 7):
        x = torch.randn(16, channels, size, size).to(memory_format=torch.channels_last).requires_grad_()
        y = block.second_norm(block.second(F.relu(block.first_norm(block.first(x)))))
        wanted = F.relu(y + norm(F.conv2d(x.contiguous(), convolution.weight, stride=2)))
        torch.testing.assert_close(block(x), wanted)
        for _ in range(20):
            block(x).sum().backward()
