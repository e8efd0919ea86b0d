"""What victims are asked, against what can be worked out by hand: linear victims, whose gradients are their weights."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor, nn

from core import probes as probes_module
from core.calibration import Asking
from core.manifest import AttackLabel
from core.model.scorer import Scorer, Scores, agreed, among, evidence_of, weigh
from core.pictures import Pixels
from core.probes import PROBES, Replies, ask, probes_of, pull
from core.victims import Victim, VictimCard
from tests.core.panels import fit

ATTACKS = [
    AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
    AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=10, maximum=200),
    AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=1, maximum=20),
]
AT = {name: at for at, name in enumerate(PROBES)}
FIRST = Asking(compressed=False, together=False, opposed=False)
"""What the first packs ask."""


class Linear(nn.Module):
    """Three classes over 2x2 images."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T


WEIGHT = torch.tensor([[4.0, 0.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
OTHER = torch.tensor([[0.0, 0.0, 0.0, 4.0], [2.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])


def replies(images: Tensor, estimate: Tensor, *weights: Tensor) -> Replies:
    return ask([Linear(weight) for weight in weights], images, estimate)


def test_every_probe_is_what_its_description_says() -> None:
    clean = torch.tensor([[[[0.5, 0.25], [0.25, 0.25]]]])
    change = torch.tensor([[[[-0.25, 0.25], [0.0, 0.0]]]])
    found = replies(clean + change, change, WEIGHT)
    assert (found.label.item(), found.before.item()) == (1, 0)
    said = {name: found.probes[0, 0, at].item() for name, at in AT.items()}
    # logits: (1, 2, 0.5) at the image, (2, 1, 0.5) at the clean one; margin of 1 over 0, gradient (-4, 4, 0, 0)
    assert said["gap"] == pytest.approx(1)
    assert said["margin"] == pytest.approx(1)
    assert said["rise"] == pytest.approx(2)
    assert said["flip"] == 1
    assert said["clean_gap"] == pytest.approx(1)
    for where in ("", "clean_"):
        assert said[where + "slope"] == pytest.approx(torch.tensor(32.0).sqrt().log().item())
        for name in ("cosine", "sign", "weighted_sign"):
            assert said[where + name] == pytest.approx(1), where + name
    assert said["moved_sign"] == said["clean_moved_sign"] == pytest.approx(1)
    # the loss of class 0 at (2, 1, 0.5): its gradient pulls towards class 1 with -w0 (1 - p0) + w1 p1 + w2 p2
    p = torch.tensor([2.0, 1.0, 0.5]).softmax(0)
    pulled = -WEIGHT[0] * (1 - p[0]) + WEIGHT[1] * p[1] + WEIGHT[2] * p[2]
    assert said["loss_slope"] == pytest.approx(pulled.norm().log().item())
    assert said["loss_cosine"] == pytest.approx(
        (pulled[:2] * torch.tensor([-1, 1])).sum().item() / (2**0.5 * pulled.norm()).item()
    )
    assert said["loss_sign"] == said["loss_weighted_sign"] == said["loss_moved_sign"] == pytest.approx(1)


def test_a_victim_that_was_not_attacked_neither_changes_its_mind_nor_matches() -> None:
    clean = torch.tensor([[[[0.5, 0.25], [0.25, 0.25]]]])
    change = torch.tensor([[[[-0.25, 0.25], [0.0, 0.0]]]])
    found = replies(clean + change, change, WEIGHT, OTHER)
    right, wrong = found.probes[0, :, AT["flip"]].tolist(), found.probes[0, :, AT["cosine"]].tolist()
    assert right == [1, 0]
    assert wrong == [pytest.approx(1), pytest.approx(0, abs=1e-6)]


def test_what_one_victim_says_depends_on_no_other_victim_or_image() -> None:
    images = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    change = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    together = replies(images, change, WEIGHT, OTHER).probes
    for at, weight in enumerate((WEIGHT, OTHER)):
        alone = torch.cat([replies(images[n : n + 1], change[n : n + 1], weight).probes[:, 0] for n in range(7)])
        torch.testing.assert_close(together[:, at], alone)
    assert together.isfinite().all()
    assert not together.requires_grad


def test_many_large_images_are_asked_about_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    change = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    whole = replies(images, change, WEIGHT, OTHER)
    sizes: list[int] = []
    monkeypatch.setattr(Linear, "forward", lambda self, x: (sizes.append(len(x)), x.flatten(1) @ self.weight.T)[1])
    monkeypatch.setattr(probes_module, "_PIXELS", 12)
    for found, wanted in zip(replies(images, change, WEIGHT, OTHER), whole, strict=True):
        torch.testing.assert_close(found, wanted)
    assert max(sizes) == 3


def test_a_victim_that_enlarges_images_is_asked_about_fewer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    card = VictimCard(
        name="large", architecture="ResNet18", dataset="none", channels=1, height=8, width=8, classes=3, accuracy=0.5,
        seed=0, takes=(1, 64, 64), mean=0.0, std=1.0,
    )  # fmt: skip
    victim, seen = Victim(card, nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), Linear(WEIGHT))).frozen(), []
    victim.network.register_forward_hook(lambda _, given, __: seen.append(given[0].numel()))
    monkeypatch.setattr(probes_module, "_PIXELS", 3 * 64 * 64)
    images = torch.rand(7, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = ask([victim], images, images / 20)
    assert max(seen) <= 3 * 64 * 64
    torch.testing.assert_close(found.probes[3:4], ask([victim], images[3:4], images[3:4] / 20).probes)


def test_compression_tells_what_the_estimate_misses() -> None:
    """A checkerboard too faint for quality 75 to keep, of which the estimate says nothing."""
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    image = (torch.full((1, 1, 8, 8), 128.0) + 2 * board) / 255
    victim = torch.stack([torch.full((64,), 0.001), 0.5 * board.flatten(), -board.flatten()])
    said = replies(image, torch.zeros_like(image), victim)
    assert (said.label.item(), said.before.item()) == (1, 0)
    found = {name: said.probes[0, 0, at].item() for name, at in AT.items()}
    assert (found["flip"], found["compressed_flip"]) == (0, 1)
    strength = 64 * 0.5 * 2 / 255
    assert found["margin"] == pytest.approx(strength - 0.064 * 128 / 255, abs=1e-4)  # over class 0, which it was before
    assert found["compressed_rise"] == pytest.approx(strength, abs=1e-4)
    assert found["compressed_cosine"] == pytest.approx(1, abs=1e-3)
    assert found["compressed_sign"] == found["compressed_weighted_sign"] == pytest.approx(1)
    assert found["cosine"] == 0


def test_a_pack_that_does_not_hear_of_compression_does_not_pay_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    change = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    whole = replies(images, change, WEIGHT)
    passes: list[int] = []
    monkeypatch.setattr(Linear, "forward", lambda self, x: (passes.append(len(x)), x.flatten(1) @ self.weight.T)[1])
    found = ask([Linear(WEIGHT)], images, change, FIRST)
    assert passes == [7, 7]
    assert found.probes.shape[2] == len(probes_of(FIRST)) == 13
    turned = whole.probes[:, 0, AT["flip"]] == 1
    assert turned.any() and not turned.all()
    columns = [AT[name] for name in probes_of(FIRST)]
    torch.testing.assert_close(found.probes[turned], whole.probes[turned][..., columns])
    stays = found.probes[~turned]  # where the estimate changed nothing, its margin is to the runner-up
    torch.testing.assert_close(stays[..., AT["margin"]], stays[..., AT["gap"]])


def test_a_margin_pulls_along_its_gradient_in_pieces_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    label, before = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0])
    wanted = (WEIGHT[label] - WEIGHT[before]).view(3, 1, 2, 2)
    torch.testing.assert_close(pull(Linear(WEIGHT), images, label, before), wanted)
    monkeypatch.setattr(probes_module, "_PIXELS", 8)
    torch.testing.assert_close(pull(Linear(WEIGHT), images, label, before), wanted)


def test_nothing_moved_is_no_division_by_zero() -> None:
    images = torch.full((2, 1, 2, 2), 0.5)
    found = replies(images, torch.zeros_like(images), torch.zeros(3, 4))
    assert found.probes.isfinite().all()


# --- weighing -------------------------------------------------------------------------------------------------------


UNSURE = torch.zeros(1, 3)


def test_a_victim_that_says_nothing_either_way_changes_no_ranking() -> None:
    attack, image = torch.tensor([[0.5, 2.0, 1.0]]), torch.tensor([[2.0, 1.0, 0.5]])
    told = torch.tensor([[0.0, 60.0, 3.0]])
    silent = Scores(torch.zeros(1, 1, 3), told[:, None])
    weights = fit(trust=1.0, image_share=[1.0, 0.5, 0.5], attack_weight=1.0)
    found = weigh(attack, image, told, silent, [1], None, weights)
    assert found.victim.shape == (1, 4)
    assert found.victim[0, :3].argsort().tolist() == image[0].argsort().tolist()
    torch.testing.assert_close(found.value, told)
    torch.testing.assert_close(found.attack.softmax(1), attack.softmax(1))


def test_odds_move_their_own_victim_and_bring_its_word() -> None:
    told = torch.tensor([[0.0, 60.0, 3.0]])
    said = torch.tensor([[[0.0, 80.0, 9.0], [0.0, 10.0, 1.0]]])
    evidence = torch.tensor([30.0, -30.0])[None, :, None].expand(-1, -1, 3)
    found = weigh(UNSURE, UNSURE, told, Scores(evidence, said), [1, 3], None, fit(image_share=[1.0, 0.25, 0.0]))
    assert found.victim.shape == (1, 5)  # three of the pack, one that it does not know, none of these
    assert found.victim.argmax(1).item() == 1
    torch.testing.assert_close(found.value, torch.tensor([[0.0, 75.0, 9.0]]))


def test_none_of_these_wins_when_every_victim_denies() -> None:
    denied = Scores(torch.full((1, 3, 3), -40.0), torch.zeros(1, 3, 3))
    found = weigh(UNSURE, UNSURE, UNSURE, denied, [0, 1, 2], None, fit(attack_weight=1.0))
    assert found.victim.argmax(1).item() == 3
    # an image that is made on a model which nobody holds tells its attack by itself
    torch.testing.assert_close(found.attack.softmax(1), torch.full((1, 3), 1 / 3))


def test_the_victim_tells_the_attack_as_far_as_it_may_be_the_victim() -> None:
    evidence = torch.tensor([[[9.0, -4.0, 4.0], [9.0, 2.0, -20.0]]])  # of "clean" nobody says anything
    scores, clean = Scores(evidence, torch.zeros(1, 2, 3)), (0, 0)
    sure = torch.tensor([[-9.0, 9.0, -9.0]]), torch.tensor([[-9.0, -9.0, 9.0]])
    weights = fit(trust=1.0, attack_weight=1.0)
    first, second = (weigh(UNSURE, victim, UNSURE, scores, [1, 2], clean, weights).attack.softmax(1) for victim in sure)
    torch.testing.assert_close(first, torch.tensor([[0.0, -4.0, 4.0]]).softmax(1), rtol=0.01, atol=0.01)
    torch.testing.assert_close(second, torch.tensor([[0.0, 2.0, -20.0]]).softmax(1), rtol=0.05, atol=0.01)
    unheard = weigh(UNSURE, sure[0], UNSURE, scores, [1, 2], clean, fit()).attack
    torch.testing.assert_close(unheard.softmax(1), UNSURE.softmax(1))  # packs that do not ask about the attack


def test_nobody_was_attacked_as_surely_as_there_was_no_attack() -> None:
    attack = torch.tensor([[4.0, 0.0, 0.0], [-4.0, 0.0, 0.0]])
    victim = torch.tensor([[0.0, 1.0, 3.0], [5.0, 1.0, 3.0]])
    told, found = (each.exp() for each in agreed(attack, victim, (0, 0), heard=False))
    assert torch.equal(told, attack.exp()), "packs of before answer to the last digit as they did"
    torch.testing.assert_close(found.sum(1), torch.ones(2))
    torch.testing.assert_close(found[:, 0], attack.softmax(1)[:, 0])
    torch.testing.assert_close(found[:, 2] / found[:, 1], torch.full((2,), 2.0).exp())
    assert agreed(attack, victim, None, heard=False) == (attack, victim)


def test_where_victims_were_heard_they_say_how_surely_an_image_is_clean() -> None:
    attack = torch.tensor([[4.0, 0.0, 1.0], [-4.0, 0.0, 1.0]])
    victim = torch.tensor([[0.0, 1.0, 3.0, -torch.inf], [5.0, 1.0, 3.0, 0.0]])
    found, told = (each.exp() for each in agreed(attack, victim, (0, 0), heard=True))
    assert torch.equal(told, victim.exp())
    torch.testing.assert_close(found.sum(1), torch.ones(2))
    torch.testing.assert_close(found[:, 0], victim.softmax(1)[:, 0])
    torch.testing.assert_close(found[:, 2] / found[:, 1], torch.full((2,), 1.0).exp())


def test_a_closed_set_takes_no_attack_for_none() -> None:
    victim = torch.tensor([[2.0, -9.0, -8.0, 6.0, 5.0], [5.0, 1.0, -30.0, 3.0, 0.0]])  # clean, two candidates, others
    found, before = among([1, 2], victim, (0, 0)).softmax(1), victim.softmax(1)
    torch.testing.assert_close(found[:, 0], before[:, 0])
    assert torch.equal(found[:, 3:], torch.zeros(2, 2))
    torch.testing.assert_close(found[:, 2] / found[:, 1], before[:, 2] / before[:, 1])
    torch.testing.assert_close(among([1, 2], victim, None).softmax(1)[:, 1:3], victim[:, 1:3].softmax(1))


def test_evidence_is_averaged_over_the_attacks_as_odds() -> None:
    scorer = Scorer(ATTACKS)
    scores = scorer(torch.randn(2, 4, len(PROBES), generator=torch.Generator().manual_seed(0)))
    certain = torch.tensor([[0.0, -1e9, -1e9], [-1e9, -1e9, 0.0]])
    found = evidence_of(scores.evidence, certain, None)
    torch.testing.assert_close(found, torch.stack([scores.evidence[0, :, 0], scores.evidence[1, :, 2]]))
    # who the victim would be if there was an attack, however sure it is that there was none
    found = evidence_of(scores.evidence, torch.tensor([[99.0, 0.0, -99.0], [99.0, -99.0, 0.0]]), (0, 0))
    torch.testing.assert_close(found, torch.stack([scores.evidence[0, :, 1], scores.evidence[1, :, 2]]))


def test_a_large_batch_is_compressed_by_several_threads_as_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.rand(4, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    images = (images * 255).round() / 255
    alone = probes_module._compressed(images)
    threads: set[str] = set()
    compress = probes_module.through_jpeg

    def noted(pixels: Pixels, quality: int) -> Pixels:
        threads.add(threading.current_thread().name)
        return compress(pixels, quality)

    monkeypatch.setattr(probes_module, "through_jpeg", noted)
    monkeypatch.setattr(probes_module, "_FOR_THREADS", images.numel())
    assert torch.equal(probes_module._compressed(images), alone) and not torch.equal(alone, images)
    assert threading.current_thread().name not in threads and threads
