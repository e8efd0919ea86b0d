"""Every attack keeps the same promises, against two tiny victims; then what only some of them promise."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from core.errors import AttackError, ScenarioError
from training.attacks import ATTACKS, Attack, make_attack
from training.attacks.apgd import checkpoints
from training.attacks.base import MARGIN_TOLERANCE, margins
from training.attacks.peers import PEERS

CLASSES = 4
QUICK: Mapping[str, Mapping[str, object]] = {
    "FGSM": {},
    "BIM": {"steps": 5},
    "PGD": {"steps": 5},
    "MI-FGSM": {"steps": 5},
    "APGD-CE": {"steps": 8},
    "DeepFool": {},
    "EAD": {"search_steps": 3, "steps": 40},
    "C&W": {"search_steps": 2, "steps": 30, "learning_rate": 0.1},
}
PRESENT = [key for key in ATTACKS if key[0] not in PEERS or find_spec(key[0]) is not None]
EVERY = pytest.mark.parametrize(("backend", "name"), PRESENT, ids=map("-".join, PRESENT))
BOTH = pytest.mark.parametrize("kind", ["convolution", "dense"])


class Case(NamedTuple):
    victim: nn.Module
    images: Tensor
    labels: Tensor


def case(kind: str, count: int = 6) -> Case:
    """A victim, 8-bit images with many pixels that are exactly 0 or 1, and the classes that it sees in them."""
    random = torch.Generator().manual_seed(3)
    layers: list[nn.Module] = (
        [nn.Conv2d(1, 8, 3, stride=2), nn.GELU(), nn.Flatten(), nn.Linear(72, CLASSES)]
        if kind == "convolution"
        else [nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, CLASSES)]
    )
    victim = nn.Sequential(*layers).eval().requires_grad_(False)
    for parameter in victim.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.5)
    levels = torch.randint(-128, 384, (count, 1, 8, 8), generator=random).clamp(0, 255)
    images = levels.float() / 255
    return Case(victim, images, victim(images).argmax(1))


def attack_of(backend: str, name: str, **more: object) -> Attack:
    quick = {**QUICK[name], **({"initial_c": 10.0, "c": 10.0} if backend != "mtaa" else {})}
    if (backend, name) == ("art", "C&W"):
        quick |= {"search_steps": 1, "steps": 10}  # its line searches are slow
    quick = {key: value for key, value in quick.items() if key in ATTACKS[backend, name].model_fields}
    return make_attack({"name": name, "backend": backend, **quick, **more})


def values_for(attack: Attack, count: int = 6) -> Tensor:
    grids = {
        "epsilon": [0.0, 7 / 255, 0.1, 60 / 255, 0.5, 1.0],
        "kappa": [0.0, 0.3, 0.6, 1.0, 1.5, 2.0],
        "overshoot": [0.02, 0.3, 0.6, 1.0, 1.5, 2.0],  # at 0 an image lies on the boundary, on either side of it
    }
    return torch.tensor(grids[attack.hyperparameter])[:count]


def test_deepfool_goes_beyond_the_boundary_by_its_overshoot() -> None:
    weight = torch.tensor([3.0, -4.0])
    victim = nn.Sequential(nn.Flatten(), nn.Linear(2, 2)).eval().requires_grad_(False)
    victim[1].weight.copy_(torch.stack([weight, -weight]))
    victim[1].bias.zero_()
    images = torch.tensor([0.6, 0.4]).view(1, 1, 1, 2).repeat(3, 1, 1, 1)
    overshoot = torch.tensor([0.02, 0.5, 2.0])
    result = make_attack({"name": "DeepFool"})(victim, images, torch.zeros(3).long(), overshoot, eight_bit=False)
    # w.x0 = 0.2 lies 0.04 from the boundary w.x = 0.
    torch.testing.assert_close(result.l2, 0.04 * (1 + overshoot), rtol=5e-3, atol=0)
    assert result.success.all()


@pytest.mark.skipif(find_spec("foolbox") is None, reason="foolbox is not installed")
@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@BOTH
def test_deepfool_equals_foolbox(kind: str) -> None:
    import foolbox  # noqa: PLC0415

    victim, images, labels = case(kind, 32)
    ours = make_attack({"name": "DeepFool"})(victim, images, labels, torch.full((32,), 0.02), eight_bit=False)
    model = foolbox.PyTorchModel(victim, bounds=(0, 1), device="cpu")
    _, theirs, _ = foolbox.attacks.L2DeepFoolAttack(overshoot=0.02)(model, images, labels, epsilons=None)
    torch.testing.assert_close(ours.adversarial, theirs, rtol=0, atol=1e-5)


@BOTH
def test_ead_changes_fewer_pixels_than_carlini_wagner_for_the_same_margin(kind: str) -> None:
    victim, images, labels = case(kind, 24)
    kappa = torch.linspace(0, 2, 24)
    sparse, dense = (
        make_attack({"name": name, "search_steps": 5, "steps": 200})(victim, images, labels, kappa, eight_bit=False)
        for name in ("EAD", "C&W")
    )
    assert sparse.success.all()
    assert dense.success.all()
    changes = [(result.adversarial - images).flatten(1) for result in (sparse, dense)]
    few, many = [(change.abs() > 1e-4).sum(1) for change in changes]
    assert (few < many).all()
    l1, l1_dense = [change.abs().sum(1) for change in changes]
    assert (l1 < l1_dense).all()
    assert (sparse.l2 > dense.l2).float().mean() > 0.9


@pytest.mark.skipif(find_spec("foolbox") is None, reason="foolbox is not installed")
@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@BOTH
@pytest.mark.parametrize("rule", ["EN", "L1"])
def test_ead_finds_nearer_examples_than_foolbox(kind: str, rule: str) -> None:
    import foolbox  # noqa: PLC0415

    victim, images, labels = case(kind, 32)
    settings = {"beta": 0.01, "search_steps": 5, "steps": 100, "rule": rule}
    ours = make_attack({"name": "EAD", **settings})(victim, images, labels, torch.full((32,), 1.0), eight_bit=False)
    model = foolbox.PyTorchModel(victim, bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.EADAttack(
        binary_search_steps=5, steps=100, confidence=1.0, regularization=0.01, initial_const=0.1, decision_rule=rule
    )
    _, theirs, fooled = attack(model, images, labels, epsilons=None)

    def distance(made: Tensor) -> Tensor:
        change = (made - images).flatten(1)
        return change.abs().sum(1) * (1 if rule == "L1" else 0.01) + change.square().sum(1) * (rule == "EN")

    assert ours.success[fooled].all()
    assert distance(ours.adversarial)[fooled].mean() <= 1.02 * distance(theirs)[fooled].mean()


def without_chance(name: str) -> dict[str, object]:
    return {"random_start": False} if name in ("PGD", "APGD-CE") else {}


@EVERY
@BOTH
@pytest.mark.parametrize("eight_bit", [True, False])
def test_result_is_in_bounds_and_its_success_is_true(backend: str, name: str, kind: str, eight_bit: bool) -> None:
    victim, images, labels = case(kind)
    attack = attack_of(backend, name)
    values = values_for(attack)
    result = attack(victim, images, labels, values, eight_bit=eight_bit, generator=torch.Generator().manual_seed(0))

    made = result.adversarial
    assert made.dtype == torch.float32
    assert made.shape == images.shape
    assert not made.requires_grad
    assert made.min() >= 0
    assert made.max() <= 1
    change = (made - images).flatten(1)
    torch.testing.assert_close(result.l2, change.norm(dim=1))
    torch.testing.assert_close(result.linf, change.abs().amax(1))
    assert torch.equal(result.success & (victim(made).argmax(1) == labels), torch.zeros(6, dtype=torch.bool))
    assert result.success.any()
    if eight_bit:
        assert torch.equal(made, (made * 255).round() / 255)
    if attack.hyperparameter == "epsilon":
        assert (result.linf <= values + 1e-6).all()
        assert torch.equal(result.success, victim(made).argmax(1) != labels)
        assert torch.equal(made[0], images[0])
    elif attack.hyperparameter == "kappa" and not eight_bit:
        assert (margins(victim(made), labels)[result.success] >= values[result.success] - 2 * MARGIN_TOLERANCE).all()


# Other toolboxes' C&W couple an example to its batch mates, by their losses or by when they stop; torchattacks's
# DeepFool stops as soon as the class is another, however close to the boundary.
ALONE = [k for k in PRESENT if (k[1] != "C&W" or k[0] == "mtaa") and k != ("torchattacks", "DeepFool")]


@pytest.mark.parametrize(("backend", "name"), ALONE)
@BOTH
def test_a_value_for_each_example_equals_one_example_at_a_time(backend: str, name: str, kind: str) -> None:
    victim, images, labels = case(kind)
    attack = attack_of(backend, name, **without_chance(name))
    values = values_for(attack)
    together = attack(victim, images, labels, values, eight_bit=False)
    for i in range(len(images)):
        alone = attack(victim, images[i : i + 1], labels[i : i + 1], values[i : i + 1], eight_bit=False)
        torch.testing.assert_close(together.adversarial[i], alone.adversarial[0], rtol=0, atol=2e-3)
        assert together.success[i] == alone.success[0]


@pytest.mark.parametrize(("backend", "name"), [key for key in ALONE if key != ("foolbox", "EAD")])  # as its C&W
def test_examples_of_one_value_do_not_change_each_other(backend: str, name: str) -> None:
    victim, images, labels = case("dense")
    assert len(set(labels.tolist())) > 1
    attack = attack_of(backend, name, **without_chance(name))
    values = values_for(attack)[2].expand(6)
    together = attack(victim, images, labels, values, eight_bit=False)
    assert together.success.sum() > 1
    for i in range(len(images)):
        alone = attack(victim, images[i : i + 1], labels[i : i + 1], values[i : i + 1], eight_bit=False)
        torch.testing.assert_close(together.adversarial[i], alone.adversarial[0], rtol=0, atol=2e-3)


@EVERY
def test_nothing_outside_the_result_changes(backend: str, name: str) -> None:
    victim, images, labels = case("convolution")
    attack = attack_of(backend, name)
    before = [tensor.clone() for tensor in (*victim.parameters(), images, labels, torch.get_rng_state())]
    attack(victim, images, labels, values_for(attack), generator=torch.Generator().manual_seed(0))
    after = (*victim.parameters(), images, labels, torch.get_rng_state())
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert all(parameter.grad is None for parameter in victim.parameters())


@EVERY
def test_the_same_generator_gives_the_same_images(backend: str, name: str) -> None:
    victim, images, labels = case("dense")
    attack = attack_of(backend, name)
    first, second = (
        attack(victim, images, labels, values_for(attack), generator=torch.Generator().manual_seed(7)) for _ in range(2)
    )
    assert torch.equal(first.adversarial, second.adversarial)


@EVERY
def test_an_empty_batch_gives_an_empty_result(backend: str, name: str) -> None:
    victim, images, labels = case("dense")
    result = attack_of(backend, name)(victim, images[:0], labels[:0], torch.zeros(0))
    assert [len(part) for part in result] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", ["PGD", "APGD-CE"])
def test_a_random_start_does_not_depend_on_the_examples_behind(name: str) -> None:
    victim, images, labels = case("dense")
    attack = attack_of("mtaa", name)
    values = torch.full((6,), 0.1)
    whole = attack(victim, images, labels, values, generator=torch.Generator().manual_seed(1))
    half = attack(victim, images[:3], labels[:3], values[:3], generator=torch.Generator().manual_seed(1))
    assert torch.equal(whole.adversarial[:3], half.adversarial)
    other = attack(victim, images, labels, values, generator=torch.Generator().manual_seed(2))
    assert not torch.equal(whole.adversarial, other.adversarial)


@BOTH
@pytest.mark.parametrize("name", ["FGSM", "PGD"])
def test_equals_cleverhans(name: str, kind: str) -> None:
    victim, images, labels = case(kind, 32)
    values = torch.tensor([4 / 255, 0.1, 0.3, 1.0]).repeat(8)
    ours, theirs = (
        attack_of(backend, name, **without_chance(name))(victim, images, labels, values, eight_bit=False)
        for backend in ("mtaa", "cleverhans")
    )
    torch.testing.assert_close(ours.adversarial, theirs.adversarial, rtol=0, atol=1e-6)


@BOTH
def test_bim_is_pgd_without_a_random_start(kind: str) -> None:
    victim, images, labels = case(kind)
    values = torch.full((6,), 0.2)
    bim = attack_of("mtaa", "BIM")(victim, images, labels, values)
    pgd = attack_of("mtaa", "PGD", random_start=False)(victim, images, labels, values)
    assert torch.equal(bim.adversarial, pgd.adversarial)


@BOTH
def test_a_fixed_step_size_limits_how_far_steps_reach(kind: str) -> None:
    victim, images, labels = case(kind)
    result = attack_of("mtaa", "BIM", steps=3, step_size=2 / 255)(victim, images, labels, torch.full((6,), 0.5))
    torch.testing.assert_close(result.linf, torch.full((6,), 6 / 255))


def loss_after(attack: Attack, given: Case, epsilon: float) -> Tensor:
    made = attack(given.victim, given.images, given.labels, torch.full((len(given.images),), epsilon), eight_bit=False)
    return nn.functional.cross_entropy(given.victim(made.adversarial), given.labels)


@BOTH
def test_more_effort_ascends_further(kind: str) -> None:
    given = case(kind, 32)
    one, many, auto = (
        loss_after(attack_of("mtaa", name, **more), given, 0.1)
        for name, more in (
            ("FGSM", {}),
            ("BIM", {"steps": 20}),
            ("APGD-CE", {"steps": 20, "random_start": False}),
        )
    )
    assert one < many
    assert auto >= many - 1e-3


def test_apgd_checkpoints_come_closer_until_the_budget_ends() -> None:
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(7) == [2, 3, 4, 5, 6, 7]


class Strides(nn.Module):
    """Remembers how the images that it is given lie in memory."""

    def __init__(self, victim: nn.Module) -> None:
        super().__init__()
        self.victim, self.seen = victim, set[tuple[int, ...]]()

    def forward(self, x: Tensor) -> Tensor:
        self.seen.add(x.stride())
        logits: Tensor = self.victim(x)
        return logits


@pytest.mark.parametrize("name", QUICK)
def test_grey_images_never_pass_for_channels_last(name: str) -> None:
    victim, images, labels = case("dense")
    indexed = images.as_strided(images.shape, (64, 1, 8, 1))  # as NumPy's indexing leaves them
    attack, spy = attack_of("mtaa", name), Strides(victim).eval()
    found = attack(spy, indexed, labels, values_for(attack), generator=torch.Generator().manual_seed(0))
    assert spy.seen == {(64, 64, 8, 1)}
    same = attack(victim, images, labels, values_for(attack), generator=torch.Generator().manual_seed(0))
    assert torch.equal(found.adversarial, same.adversarial)


@BOTH
@pytest.mark.usefixtures("in_bf16")
def test_reduced_precision_fools_as_often(kind: str) -> None:
    victim, images, labels = case(kind, 64)
    for name in QUICK:
        values = torch.full((64,), 0.1 if ATTACKS["mtaa", name].hyperparameter == "epsilon" else 1.0)
        full, reduced = (
            attack_of("mtaa", name, precision=p, **without_chance(name))(victim, images, labels, values)
            for p in ("fp32", "bf16")
        )
        assert abs(full.success.float().mean() - reduced.success.float().mean()) <= 2 / 64
        assert torch.equal(reduced.success & (victim(reduced.adversarial).argmax(1) == labels), torch.zeros(64).bool())


def test_reduced_precision_is_left_where_the_device_has_to_make_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    victim, images, labels = case("convolution")
    values = torch.full((6,), 0.1)
    monkeypatch.setattr("training.attacks.base.in_bf16", lambda device: device.type != "cpu")
    full, reduced = (
        attack_of("mtaa", "FGSM", precision=p)(victim, images, labels, values).adversarial for p in ("fp32", "bf16")
    )
    assert torch.equal(full, reduced)
    monkeypatch.setattr("training.attacks.base.reduced_twin", lambda _: pytest.fail("a twin was made"))
    attack_of("mtaa", "FGSM", precision="bf16")(victim, images, labels, values)


@pytest.mark.usefixtures("in_bf16")
def test_reduced_precision_notices_new_weights() -> None:
    victim, images, labels = case("convolution")
    attack = attack_of("mtaa", "FGSM", precision="bf16")
    values = torch.full((6,), 0.1)
    before = attack(victim, images, labels, values).adversarial
    for parameter in victim.parameters():
        parameter.mul_(-1)
    assert not torch.equal(before, attack(victim, images, labels, values).adversarial)


@BOTH
def test_carlini_wagner_moves_less_for_less_and_beats_cleverhans(kind: str) -> None:
    victim, images, labels = case(kind, 16)
    ours = make_attack({"name": "C&W"})
    theirs = make_attack({"name": "C&W", "backend": "cleverhans", "steps": 100})
    found = [ours(victim, images, labels, torch.full((16,), kappa), eight_bit=False) for kappa in (0.2, 1.0)]
    reference = theirs(victim, images, labels, torch.full((16,), 1.0), eight_bit=False)
    assert all(result.success.all() for result in found)
    assert (found[0].l2 < found[1].l2).all()
    both = reference.success
    assert found[1].l2[both].mean() <= 1.02 * reference.l2[both].mean()


@BOTH
def test_in_tanhs_own_box_few_steps_leave_black_and_white_as_they_are(kind: str) -> None:
    victim, images, labels = case(kind, 16)
    ends = (images == 0) | (images == 1)
    moved = {}
    for backend in ("mtaa", "mtaa-tanh"):
        attack = make_attack({"name": "C&W", "backend": backend, "steps": 80, "search_steps": 3, "learning_rate": 0.05})
        result = attack(victim, images, labels, torch.full((16,), 0.2))
        assert result.success.float().mean() > 0.9
        changed = result.adversarial != images
        moved[backend] = [float(changed[where].float().mean()) for where in (ends, ~ends)]
    assert moved["mtaa-tanh"][0] < min(0.1, moved["mtaa"][0] / 3)
    assert moved["mtaa-tanh"][1] > 0.7, "the others move"


def test_carlini_wagner_finds_the_nearest_point_of_a_half_space() -> None:
    weight = torch.tensor([3.0, -4.0])
    victim = nn.Sequential(nn.Flatten(), nn.Linear(2, 2)).eval().requires_grad_(False)
    victim[1].weight.copy_(torch.stack([weight, -weight]))
    victim[1].bias.zero_()
    images = torch.tensor([0.6, 0.4]).view(1, 1, 1, 2)
    kappa = torch.tensor([2.0])
    result = make_attack({"name": "C&W"})(victim, images, torch.tensor([0]), kappa, eight_bit=False)
    # margin(x) = -2 w.x = kappa lies (kappa + 2 w.x0) / (2 |w|) away.
    torch.testing.assert_close(result.l2, torch.tensor([(2.0 + 2 * 0.2) / 10]), rtol=2e-3, atol=0)
    assert result.success.all()


def test_a_kappa_out_of_reach_fails_and_says_so() -> None:
    victim, images, labels = case("convolution")
    result = attack_of("mtaa", "C&W")(victim, images, labels, torch.full((6,), 1e6))
    assert not result.success.any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"values": torch.full((6,), 1.5)}, "out of range"),
        ({"values": torch.full((6,), -0.1)}, "out of range"),
        ({"values": torch.full((6,), float("nan"))}, "out of range"),
        ({"values": torch.zeros(5)}, "one for each"),
        ({"images": torch.full((6, 1, 8, 8), float("nan"))}, "outside"),
        ({"images": torch.full((6, 1, 8, 8), 1.01)}, "outside"),
        ({"images": torch.full((6, 1, 8, 8), 0.3001)}, "8-bit"),
        ({"images": torch.zeros(6, 64)}, "float32"),
        ({"images": torch.zeros(6, 1, 8, 8, dtype=torch.float64)}, "float32"),
        ({"labels": torch.full((6,), CLASSES)}, "not one of"),
        ({"labels": torch.full((6,), -1)}, "not one of"),
        ({"labels": torch.zeros(6)}, "int64"),
        ({"labels": torch.zeros(2, dtype=torch.int64)}, "one for each"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Tensor], says: str) -> None:
    victim, images, labels = case("dense")
    given = {"images": images, "labels": labels, "values": torch.full((6,), 0.1), **change}
    with pytest.raises(AttackError, match=says):
        attack_of("mtaa", "FGSM")(victim, given["images"], given["labels"], given["values"])


@pytest.mark.parametrize("kappa", [-1.0, float("inf"), float("nan")])
def test_a_bad_kappa_is_refused(kappa: float) -> None:
    with pytest.raises(AttackError, match="kappa"):
        attack_of("mtaa", "C&W")(*case("dense"), torch.full((6,), kappa))


def test_a_victim_that_is_not_ready_is_refused() -> None:
    victim, images, labels = case("dense")
    attack, values = attack_of("mtaa", "FGSM"), torch.full((6,), 0.1)
    with pytest.raises(AttackError, match="training mode"):
        attack(victim.train(), images, labels, values)
    with pytest.raises(AttackError, match="not frozen"):
        attack(victim.eval().requires_grad_(True), images, labels, values)
    with pytest.raises(AttackError, match="logits"):
        attack(nn.Identity().eval(), images, labels, values)


class Poisoned(nn.Module):
    """Answers NaN where an image is not the clean one."""

    name = "poisoned"

    def __init__(self, victim: nn.Module, clean: Tensor | None) -> None:
        super().__init__()
        self.victim, self.clean = victim, clean

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.victim(x)
        changed = self.clean is None or x.shape != self.clean.shape or not torch.equal(x, self.clean)
        return logits * float("nan") if changed and len(x) > 1 else logits


@EVERY
@pytest.mark.parametrize("always", [True, False])
def test_a_victim_that_returns_nan_is_named(backend: str, name: str, always: bool) -> None:
    victim, images, labels = case("dense")
    attack = attack_of(backend, name)
    poisoned = Poisoned(victim, None if always else images).eval()
    values = torch.full((6,), 0.5)
    with pytest.raises(AttackError, match="poisoned"):
        attack(poisoned, images, labels, values, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "no attack named None"),
        ({"name": "FGSM", "backend": "none"}, "backend 'none'"),
        ({"name": "PGD", "stepz": 3}, "stepz"),
        ({"name": "PGD", "steps": 0}, "steps"),
        ({"name": "PGD", "precision": "fp16"}, "precision"),
        ({"name": "C&W", "learning_rate": float("nan")}, "learning_rate"),
        ({"name": "C&W", "backend": "cleverhans", "precision": "bf16"}, "precision"),
        ({"name": ["FGSM"]}, "no attack named"),
    ],
)
def test_a_wrong_entry_of_a_scenario_is_refused(config: dict[str, object], says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        make_attack(config)


@pytest.mark.parametrize("backend", list(PEERS))
def test_a_toolbox_that_is_not_installed_is_named(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == backend]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, backend, None)
    with pytest.raises(AttackError, match=f"toolbox {backend} is not installed"):
        attack_of(backend, "FGSM")(*case("dense"), torch.full((6,), 0.1))


@EVERY
def test_an_attack_is_what_its_parameters_say(backend: str, name: str) -> None:
    attack = attack_of(backend, name)
    assert make_attack({"name": name, "backend": backend, **attack.model_dump()}) == attack
    with pytest.raises(ValueError, match="frozen"):
        attack.precision = "bf16"
