"""Victims: five architectures at any size, and files that hold exactly what was attacked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load, save
from torch import nn
from torchvision.models import resnet18

from core import victims
from core.errors import VictimError, WorkbenchError
from core.folding import fold_batch_norms
from core.torchvision_zoo import new_torchvision
from core.victims import ARCHITECTURES, Victim, VictimCard, load_folded, load_victim, save_victim

CARD = VictimCard(
    name="one", architecture="ResNet18", dataset="digits", classes=10, channels=1, height=8, width=8,
    mean=0.3, std=0.4, accuracy=0.5, seed=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def victim() -> Victim:
    torch.manual_seed(0)
    return Victim(CARD).frozen()


@pytest.fixture
def saved(victim: Victim, tmp_path: Path) -> Path:
    path = tmp_path / "victims" / "one.safetensors"
    save_victim(victim, path)
    return path


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_takes_every_size(architecture: str) -> None:
    torch.manual_seed(0)
    for channels, side in ((1, 8), (1, 28), (3, 32)):
        card = dataclasses.replace(CARD, architecture=architecture, channels=channels, height=side, width=side)
        network = Victim(card).frozen()
        with torch.inference_mode():
            logits = network(torch.rand(2, channels, side, side))
        assert logits.shape == (2, 10)
        assert logits.isfinite().all()
        assert not torch.equal(logits[0], logits[1])


@pytest.mark.parametrize("form", ["network", "torchvision"])
def test_whoever_writes_over_a_victims_file_does_not_change_the_one_that_was_loaded(form: str, tmp_path: Path) -> None:
    path, card = tmp_path / "one.safetensors", CARD
    if form == "torchvision":
        card = dataclasses.replace(CARD, architecture="shufflenet_v2_x0_5", form=form, takes=(3, 32, 32), channels=3)
    tensors = {key: tensor.clone() for key, tensor in Victim(card).network.state_dict().items()}  # in float32, as read
    victims.write_victim(card, tensors, path)
    loaded, _ = load_victim(path)
    with path.open("r+b") as file:  # in its place: a file that takes its place would leave the one that is read alone
        file.write(b"\0" * path.stat().st_size)
    assert all(torch.equal(loaded.network.state_dict()[key], tensor) for key, tensor in tensors.items())


def test_a_grey_networks_first_layer_is_drawn_after_all_others() -> None:
    """The weights that a seed stands for are the same from version to version."""
    torch.manual_seed(3)
    network = ARCHITECTURES["ResNet18"](1, 10, 28)
    torch.manual_seed(3)
    known = resnet18(num_classes=10)
    known.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    assert all(map(torch.equal, network.state_dict().values(), known.state_dict().values()))


def test_gradients_pass_through_normalisation_and_resizing(victim: Victim) -> None:
    x = torch.rand(2, 1, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(victim(x).logsumexp(1).sum(), x)
    assert (gradient.flatten(1).abs().amax(1) > 0).all()
    assert not any(p.requires_grad for p in victim.parameters())
    assert not any(module.training for module in victim.modules())


def test_what_is_loaded_is_what_the_file_holds(victim: Victim, saved: Path) -> None:
    loaded, digest = load_victim(saved)
    assert digest == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert loaded.card == CARD
    before, after = victim.network.state_dict(), loaded.network.state_dict()
    assert before.keys() == after.keys()
    for key, value in after.items():
        rounded = before[key].half().to(before[key].dtype) if before[key].dim() > 1 else before[key]
        assert torch.equal(value, rounded), key
        assert value.dtype == before[key].dtype
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_saving_what_was_loaded_gives_the_same_file(saved: Path, tmp_path: Path) -> None:
    loaded, digest = load_victim(saved)
    assert save_victim(loaded, tmp_path / "again.safetensors") == digest
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(loaded(x), load_victim(tmp_path / "again.safetensors")[0](x))


def with_card(path: Path, **changes: Any) -> None:
    """Rewrite the file with another card; a change to None leaves the entry out."""
    card = {k: v for k, v in {**dataclasses.asdict(CARD), **changes}.items() if v is not None}
    path.write_bytes(save(load(path.read_bytes()), {"card": json.dumps(card)}))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"architecture": "LeNet"}, "LeNet"),
        ({"architecture": ["ResNet18"]}, "architecture"),
        ({"classes": 1}, "classes"),
        ({"channels": 10**12}, "channels"),
        ({"height": 0}, "height"),
        ({"width": "wide"}, "width"),
        ({"takes": [1, 2048, 2048]}, "takes"),
        ({"std": 0.0}, "std"),
        ({"mean": float("nan")}, "mean"),
        ({"accuracy": 1.5}, "accuracy"),
        ({"seed": None}, "seed"),
        ({"colour": "red"}, "colour"),
        ({"architecture": "VGG16"}, "VGG16"),
        ({"classes": 11}, "ResNet18"),
    ],
)
def test_a_card_that_cannot_be_true_is_refused(saved: Path, changes: dict[str, Any], named: str) -> None:
    with_card(saved, **changes)
    with pytest.raises(VictimError) as caught:
        load_victim(saved)
    assert named in caught.value.what
    assert str(saved) in caught.value.what
    assert "\n" not in str(caught.value)


def test_files_that_are_no_victims_are_refused(saved: Path) -> None:
    good = saved.read_bytes()
    foreign = save({"weight": torch.zeros(2)})
    for content in (b"", b"\x80\x04cos\nsystem\n", good[: len(good) // 2], good[:9] + b"\0" * 40 + good[49:], foreign):
        saved.write_bytes(content)
        with pytest.raises(VictimError, match=r"one\.safetensors"):
            load_victim(saved)
    with pytest.raises(VictimError, match="nowhere"):
        load_victim(saved.with_name("nowhere"))


def test_a_file_that_is_replaced_while_it_is_read_is_told(
    victim: Victim, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hash would be the new file's, and the weights the old one's."""
    build = victims.build_victim

    def slowly(card: VictimCard, tensors: dict[str, torch.Tensor]) -> Victim:
        save_victim(Victim(dataclasses.replace(CARD, seed=4)), saved)
        return build(card, tensors)

    monkeypatch.setattr(victims, "build_victim", slowly)
    with pytest.raises(VictimError, match="was changed"):
        load_victim(saved)
    monkeypatch.undo()
    assert load_victim(saved)[0].card.seed == 4


def test_weights_that_are_no_numbers_are_refused(saved: Path) -> None:
    tensors = load(saved.read_bytes())
    tensors["fc.weight"][0, 0] = torch.inf
    saved.write_bytes(save(tensors, {"card": json.dumps(dataclasses.asdict(CARD))}))
    with pytest.raises(VictimError, match="NaN or infinite"):
        load_victim(saved)


def test_a_card_is_checked_where_it_is_made() -> None:
    with pytest.raises(ValidationError):
        dataclasses.replace(CARD, accuracy=-0.1)


def test_a_victim_that_cannot_be_written_is_a_typed_error(victim: Victim, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "one.safetensors", tmp_path / "file" / "deeper" / "one.safetensors"):
        with pytest.raises(WorkbenchError, match="cannot be"):
            save_victim(victim, path)


@pytest.mark.parametrize(
    "name",
    ["resnet18", "vgg11_bn", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1", "densenet121", "googlenet",
     "inception_v3", "efficientnet_b0", "regnet_y_400mf", "mnasnet0_5"],
)  # fmt: skip
def test_with_its_batch_norms_folded_a_network_is_the_same_function(name: str) -> None:
    network = new_torchvision(name, 3, 10).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # as if it had been trained
            module.running_mean.normal_(0, 0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.1)
    images = torch.rand(2, 3, 96, 96)
    before = network(images)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    fold_batch_norms(network)
    left = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert left <= norms / 1.9, "densenet's come before their convolutions"
    torch.testing.assert_close(network(images), before, rtol=1e-4, atol=1e-4 * float(before.abs().max()))


def test_what_is_asked_is_the_victim_that_was_saved(tmp_path: Path) -> None:
    torch.manual_seed(2)
    save_victim(Victim(CARD).frozen(), tmp_path / "one.safetensors")
    (whole, digest), (folded, same) = (read(tmp_path / "one.safetensors") for read in (load_victim, load_folded))
    assert digest == same and not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert not any(p.requires_grad for p in folded.parameters())
    assert not any(module.training for module in folded.modules())
    x = torch.rand(4, 1, 8, 8, requires_grad=True)
    torch.testing.assert_close(folded(x), whole(x), rtol=1e-4, atol=1e-4)
    one, other = (torch.autograd.grad(v(x).logsumexp(1).sum(), x)[0].flatten() for v in (whole, folded))
    assert torch.cosine_similarity(one, other, 0) > 0.9999
