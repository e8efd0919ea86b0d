"""The scorer that all victims share: what it learns, how it is weighed, and a run that asks its own victims."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from core.attributor import Attributor
from core.calibration import Calibration, Doubt, ProbeFit
from core.errors import Cancelled
from core.labels import NONE_OF_THESE
from core.manifest import AttackLabel
from core.model.network import MTAA
from core.pack import build_network, load_pack, verify_pack
from core.perturbation import perturbation
from core.probes import PROBES, ask
from core.progress import CancelToken
from core.types import LoadedImage
from core.victim_store import victims_to_ask
from core.victims import Victim, load_victim, save_victim
from training import calibrate as calibrate_module
from training import fit_scorer as fit_scorer_module
from training import fit_unfamiliar as fit_unfamiliar_module
from training import probe
from training.calibrate import epsilons_to_read
from training.doubts import Doubts
from training.fit_probes import Scored, fit_probes, fit_weights, some_at_hand
from training.fit_scorer import fit_scorer
from training.measure_asked import Promises, measure_asked
from training.metrics import expected_calibration_error
from training.pipeline import train_pack
from training.probe import Asked, VictimFile, ask_victims, sample
from training.scenario import Scenario
from training.shards import read_split
from training.sources import CleanImages

LABELS = [
    AttackLabel(name="clean", hyperparameter="none", unit="", minimum=0, maximum=0),
    AttackLabel(name="FGSM", hyperparameter="epsilon", unit="/255", minimum=0, maximum=100),
    AttackLabel(name="C&W", hyperparameter="kappa", unit="logits", minimum=0, maximum=20),
]
SIGN, MARGIN = PROBES.index("sign"), PROBES.index("margin")


def made_up(count: int, seed: int, victims: int = 3) -> Asked:
    """Made-up answers: the attacked victim's gradient matches, and under C&W its margin is kappa."""
    draw = torch.Generator().manual_seed(seed)
    attack = torch.randint(0, 3, (count,), generator=draw)
    victim = torch.where(attack == 0, 0, torch.randint(1, victims + 1, (count,), generator=draw))
    value = torch.rand(count, generator=draw) * torch.tensor([0.0, 100.0, 20.0])[attack]
    probes = torch.randn(count, victims, len(PROBES), generator=draw) * 0.3
    hit = torch.arange(1, victims + 1) == victim[:, None]
    probes[..., SIGN] += hit * 3.0
    probes[..., MARGIN] += torch.where(hit & (attack[:, None] == 2), value[:, None], 0.0)
    vague = torch.randn(count, victims + 1, generator=draw)
    return Asked(
        probes=probes,
        attack_logits=torch.nn.functional.one_hot(attack, 3) * 9.0,
        victim_logits=vague + 2.0 * torch.nn.functional.one_hot(victim, victims + 1),
        image_value=value[:, None].expand(-1, 3) + 4.0 * torch.randn(count, 3, generator=draw),
        attack=attack, victim=victim, value=value, as_made=torch.ones(count, dtype=torch.bool),
        strange=torch.zeros(count, dtype=torch.bool), at=tuple(range(1, victims + 1)), clean=(0, 0),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up answers are learnt sooner than real ones."""
    monkeypatch.setattr(fit_scorer_module, "STEPS", 400)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    halves: dict[str, Any] = {"clean": [0.0] * 3, "FGSM": [8.0, 12.0, 20.0], "C&W": [2.0, 3.0, 4.0]}
    return Calibration(
        attack_temperature=1, victim_temperature=1, sigma={"attack": 1, "victim": 1, "hyperparameter": 1},
        coverages=[0.8, 0.9, 0.95], attack_scores=[0.5, 0.7, 0.8], victim_scores=[0.4, 0.6, 0.8], halfwidths=halves,
        familiarity_threshold=1.0,
    )  # fmt: skip


def alike(calibration: Calibration, fit: ProbeFit, count: int) -> Doubts:
    return Doubts.alike(Doubt(calibration=calibration, probes=fit), count)


def right(logits: Tensor, asked: Asked) -> float:
    return float((logits.argmax(1) == asked.victim).double().mean())


def test_victims_are_named_by_what_they_say_and_say_kappa(calibration: Calibration) -> None:
    scorer = fit_scorer(LABELS, made_up(900, 0), 0)
    fit = fit_probes(Scored.of(made_up(400, 1), scorer), calibration, LABELS, 0)
    told = Scored.of(made_up(600, 2), scorer)
    _, logits, value = told.weighed(fit)
    asked = told.asked
    assert right(logits, asked) > 0.97 > right(asked.victim_logits, asked) + 0.1
    cw = asked.attack == 2
    errors = [(way[cw, 2] - asked.value[cw]).square().mean().sqrt() for way in (value, asked.image_value)]
    assert errors[0] < errors[1] / 2
    fgsm = asked.attack == 1  # of epsilon the victims say nothing: the image keeps its word
    assert fit.image_share[1] > 0.5
    assert (value[fgsm, 1] - asked.value[fgsm]).abs().mean() < 1.2 * (
        asked.image_value[fgsm, 1] - asked.value[fgsm]
    ).abs().mean()


def test_a_victim_is_added_by_handing_it_over(calibration: Calibration) -> None:
    """The scorer and its weights have seen the first two victims; the third is named all the same."""
    train, held_out, test = made_up(1200, 3), made_up(500, 4), made_up(600, 5)
    known = [part.of(torch.nonzero(part.victim != 3).squeeze(1)).candidates([0, 1]) for part in (train, held_out)]
    scorer = fit_scorer(LABELS, known[0], 0)
    fit = fit_probes(Scored.of(known[1], scorer), calibration, LABELS, 0)
    stranger = replace(test, victim_logits=test.victim_logits[:, :3])
    logits = Scored.of(stranger, scorer).weighed(fit).victim
    assert logits.shape[1] == 5
    third = test.victim == 3
    assert float((logits[third].argmax(1) == 3).double().mean()) > 0.9
    assert float((logits[~third].argmax(1) == test.victim[~third]).double().mean()) > 0.9
    # where nobody holds it, none of the others takes it
    without = Scored.of(stranger.candidates([0, 1]), scorer).weighed(fit).victim
    nobody = without.softmax(1)[:, -1]
    attacked = test.attack > 0
    assert roc_auc_score(third[attacked].numpy(), nobody[attacked].numpy()) > 0.95


def test_kappa_is_learned_from_what_was_not_changed_after_the_attack(calibration: Calibration) -> None:
    """Half of the examples have lost a part of their margin, as compression does."""
    train, test = made_up(1200, 3), made_up(600, 5)
    probes = train.probes.clone()
    probes[::2, :, MARGIN] *= 0.3
    as_made = torch.arange(len(train)) % 2 == 1
    errors = []
    for known in (as_made, torch.ones_like(as_made)):
        scorer = fit_scorer(LABELS, replace(train, probes=probes, as_made=known), 0)
        rows = torch.nonzero(test.attack == 2).squeeze(1)
        told = Scored.of(test, scorer).scores.value[rows, test.candidate[rows], 2]
        errors.append(float((told - test.value[rows]).square().mean().sqrt()))
    assert errors[0] < 0.6 * errors[1]


def test_intervals_of_attacks_that_nobody_named_have_no_coverage(calibration: Calibration) -> None:
    asked = made_up(60, 9)
    scorer = fit_scorer(LABELS, asked, 0, steps=5)
    fit = fit_probes(Scored.of(asked, scorer), calibration, LABELS, 0)
    all_clean = dataclasses.replace(asked, attack_logits=torch.tensor([9.0, 0.0, 0.0]).expand(60, 3))
    doubts = alike(calibration, fit, 60)
    for answers, told in ((asked, True), (all_clean, False)):
        found = measure_asked(Scored.of(answers, scorer), doubts, LABELS, ["clean", "a", "b", "c"], 0)
        by_number = found["by_number_asked"].values()
        assert [number["interval_coverage"] is not None for number in by_number] == [told] * 3


def test_what_is_promised_is_kept_on_examples_like_those_it_was_calibrated_on(calibration: Calibration) -> None:
    train, held_out, test = (made_up(1500, seed) for seed in (3, 4, 5))
    scorer = fit_scorer(LABELS, train, 0)
    fit = fit_probes(Scored.of(held_out, scorer), calibration, LABELS, 0)
    kept = Promises.of(Scored.of(test, scorer), alike(calibration, fit, len(test)), LABELS, some_at_hand(test, 1))
    named = kept.told.attack.argmax(1) == test.attack.numpy()
    assert np.array_equal(kept.due, named & (test.attack.numpy() > 0))
    for truth, told, held in (
        (test.attack, kept.told.attack, kept.attack), (test.victim, kept.told.victim, kept.victim)
    ):  # fmt: skip
        assert held[told.argmax(1) == truth.numpy()].all(), "the likeliest is in every set"
    shares = kept.coverage(np.ones(len(test), dtype=bool))
    assert all(share is not None and share > 0.87 for share in shares.values()), shares
    assert kept.coverage(np.zeros(len(test), dtype=bool)) == dict.fromkeys(shares)


def test_the_image_is_never_trusted_beyond_its_calibration() -> None:
    asked = made_up(500, 6)
    scorer = fit_scorer(LABELS, asked, 0)
    found = fit_weights(Scored.of(made_up(300, 7), scorer), 0)
    assert 0 < found["trust"] <= 1 and found["weight"] > 0
    assert 0 < found["attack_trust"] <= 1 and found["attack_weight"] > 0


def test_victims_tell_the_attack_where_the_image_does_not(calibration: Calibration) -> None:
    """Under C&W the victim's margin is kappa, under FGSM it is nothing: the image need not tell them apart."""

    def blurred(count: int, seed: int) -> Asked:
        asked = made_up(count, seed)
        attacked = torch.tensor([0.0, 4.0, 4.0]).expand(count, 3)
        return dataclasses.replace(
            asked, attack_logits=torch.where(asked.attack[:, None] == 0, asked.attack_logits, attacked)
        )

    scorer = fit_scorer(LABELS, blurred(1500, 0), 0)
    fit = fit_probes(Scored.of(blurred(400, 1), scorer), calibration, LABELS, 0)
    test = blurred(600, 2)
    doubts = alike(calibration, fit, len(test))
    found = measure_asked(Scored.of(test, scorer), doubts, LABELS, ["clean", "a", "b", "c"], 0)
    assert found["image"]["attack_accuracy"] < 0.75
    assert found["both"]["attack_accuracy"] > 0.9
    assert found["probes"]["attack_accuracy"] > 0.9
    assert found["both"]["by_attack"]["clean"]["attack_accuracy"] > 0.95


def test_unfamiliar_images_are_told_by_what_victims_are_worth_there(calibration: Calibration) -> None:
    """After a change that moves pixels the attacked victim no longer knows its attack, and the image still does."""

    def changed(count: int, seed: int) -> Asked:
        asked = made_up(count, seed)
        lost = torch.randn(asked.probes.shape, generator=torch.Generator().manual_seed(seed)) * 0.3
        clear = 4.0 * torch.nn.functional.one_hot(asked.victim, asked.victim_logits.shape[1])
        return dataclasses.replace(asked, probes=lost, victim_logits=clear + asked.victim_logits / 2)

    scorer = fit_scorer(LABELS, made_up(900, 0), 0)
    fits = [fit_probes(Scored.of(told, scorer), calibration, LABELS, 0) for told in (made_up(400, 1), changed(400, 2))]
    known, other = (Doubt(calibration=calibration, probes=fit) for fit in fits)
    parts = made_up(300, 3), changed(300, 4)
    test = Asked(
        **{f.name: torch.cat([getattr(p, f.name) for p in parts]) for f in dataclasses.fields(Asked)[:-3]},
        at=parts[0].at, clean=parts[0].clean,
    )  # fmt: skip
    strange = torch.arange(600) >= 300
    names = ["clean", "a", "b", "c"]
    right = {}
    for kind, doubts in {"one": alike(calibration, fits[0], 600), "each": Doubts(known, other, strange)}.items():
        kept = Promises.of(Scored.of(test, scorer), doubts, LABELS)
        right[kind] = kept.told.victim.argmax(1) == test.victim.numpy()
        if kind == "each":
            assert measure_asked(Scored.of(test, scorer), doubts, LABELS, names, 0)["both"]["victim_accuracy"] == (
                right[kind].mean()
            )
            for group in (strange.numpy(), ~strange.numpy()):
                shares = kept.coverage(group)
                assert all(share is not None and share > 0.85 for share in shares.values()), shares
    by_image = (test.image.argmax(1) == test.victim).numpy()
    assert (right["one"][:300] == right["each"][:300]).all()
    assert right["one"][300:].mean() + 0.2 < by_image[300:].mean() <= right["each"][300:].mean() + 0.02


def test_every_number_of_victims_is_drawn() -> None:
    at_hand = some_at_hand(made_up(300, 8), 0)
    assert set(at_hand.sum(1).tolist()) == {1, 2, 3}
    assert 0.5 < (at_hand.sum(1) == 3).double().mean() < 0.8, "who has one of them often has all"
    assert torch.equal(at_hand, some_at_hand(made_up(300, 8), 0))


def test_epsilon_is_read_where_that_errs_less() -> None:
    attack = torch.tensor([1, 1, 2, 2])
    value = torch.tensor([30.0, 60.0, 5.0, 9.0])
    told = torch.stack([value, value + 5, value + 1], 1)
    read = torch.stack([value, value, value + 2], 1)
    assert [label.read_off for label in epsilons_to_read(LABELS, told, read, attack, value)] == [False, True, False]


# --- a run ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(victims: Path, tmp_path: Path) -> Path:
    """The victim of the tests and another one, which sees the digits turned."""
    folder = tmp_path / "victims"
    shutil.copytree(victims, folder)
    other, _ = load_victim(folder / "first.safetensors")
    with torch.no_grad():
        weight = other.network.linear.weight  # type: ignore[union-attr]
        weight.add_(0.3 * weight.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    save_victim(other, folder / "second.safetensors")
    return folder


@pytest.fixture
def asking(scenario: Callable[..., Scenario]) -> Scenario:
    named = [{"architecture": "Nearest", "name": name} for name in ("first", "second")]
    return scenario(victims=named, probes={"examples": 60})


def test_a_run_asks_its_victims_and_its_pack_goes_on_asking(
    make: Callable[..., dict[str, Any]], asking: Scenario, two: Path, digits: CleanImages, tmp_path: Path
) -> None:
    make(asking, tmp_path / "data", victims=two)
    seen: list[str] = []
    manifest = train_pack(asking, two, tmp_path / "data", tmp_path, torch.device("cpu"), lambda p: seen.append(p.stage))
    path = tmp_path / "tiny.mtaapack"
    assert all(check.ok for check in verify_pack(path))
    assert manifest.probes is not None and {"asking first", "asking second"} <= set(seen)
    assert set(manifest.results["probes"]) == {
        "image", "probes", "both", "closed", "by_number_asked", "detection",
    }  # fmt: skip
    assert set(manifest.results["probes"]["by_number_asked"]) == {"1", "2"}
    assert json.loads(json.dumps(manifest.results["probes"])) == manifest.results["probes"]

    held = victims_to_ask(manifest, False, [two / "second.safetensors", two / "first.safetensors"])
    assert [one.name for one in held] == ["first", "second"]  # the pack's order
    pixels = digits.images[digits.rows("test")[:3]].astype("float32") / 255
    images = [LoadedImage(f"{n}.png", f"{n}" * 64, one, "PNG", 8, False) for n, one in enumerate(pixels)]
    for finding in Attributor(load_pack(path), "cpu", held).attribute(images):
        assert finding.attribution.victim.ranking[-1].label in {"clean", "first", "second", NONE_OF_THESE}
        assert len(finding.attribution.testimonies) == 2


def test_results_are_what_the_packs_user_gets(
    make: Callable[..., dict[str, Any]], asking: Scenario, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With half of the images unfamiliar, each is weighed and told by its own kind, in the results as by the pack."""
    monkeypatch.setattr(calibrate_module, "FAMILIAR_SHARE", 0.5)
    monkeypatch.setattr(fit_unfamiliar_module, "ENOUGH", 1)
    shown = asking.model_copy(update={"training": asking.training.model_copy(update={"changed": 0.5})})
    make(shown, tmp_path / "data", victims=two)
    manifest = train_pack(shown, two, tmp_path / "data", tmp_path, torch.device("cpu"), lambda _: None)
    assert manifest.unfamiliar is not None
    test = read_split(tmp_path / "data", shown, "test")
    held = victims_to_ask(manifest, False, [two / "first.safetensors", two / "second.safetensors"])
    pixels = test.adversarial.astype("float32") / 255
    images = [LoadedImage(f"{n}.png", f"{n:064d}", one, "PNG", 8, False) for n, one in enumerate(pixels)]
    both, closed_set = (manifest.results["probes"][side] for side in ("both", "closed"))
    for asked, closed, results in (((), False, manifest.results), (held, False, both), (held, True, closed_set)):
        attributor = Attributor(load_pack(tmp_path / "tiny.mtaapack"), "cpu", asked, closed=closed)
        answers = [finding.attribution for finding in attributor.attribute(images)]
        assert 0.2 < np.mean([answer.familiarity.familiar for answer in answers]) < 0.8
        labels = [a.name for a in manifest.attacks], attributor.victims
        for task, names, truth in zip(("attack", "victim"), labels, (test.attack, test.victim), strict=True):
            told = [{c.label: c.probability for c in getattr(answer, task).ranking} for answer in answers]
            probabilities = np.asarray([[row[name] for name in names] for row in told])
            assert (probabilities.argmax(1) == truth).mean() == pytest.approx(results[f"{task}_accuracy"])
            error = expected_calibration_error(probabilities.max(1), probabilities.argmax(1) == truth)
            assert error == pytest.approx(results[f"{task}_ece"], abs=1e-3)


def test_answers_of_victims_are_kept_and_gone_on_with(
    make: Callable[..., dict[str, Any]], asking: Scenario, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(asking, tmp_path / "data", victims=two)
    cpu, token = torch.device("cpu"), CancelToken()

    def stop_at_the_second(progress: Any) -> None:
        if progress.stage == "asking second":
            token.cancel()

    with pytest.raises(Cancelled):
        train_pack(asking, two, tmp_path / "data", tmp_path / "a", cpu, stop_at_the_second, cancel=token)
    kept = sorted((tmp_path / "a/probes").rglob("*.safetensors"))
    assert [file.parent.name for file in kept] == ["train"], "of the first"
    before = {file: file.stat().st_mtime_ns for file in kept}
    resumed = train_pack(asking, two, tmp_path / "data", tmp_path / "a", cpu, lambda _: None)
    assert {file: file.stat().st_mtime_ns for file in kept} == before
    monkeypatch.setattr(probe, "_HELD", 0)  # of many images estimates are made anew for each victim
    whole = train_pack(asking, two, tmp_path / "data", tmp_path / "b", cpu, lambda _: None)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.probes == whole.probes


def test_what_victims_say_in_company_and_alone_is_what_a_pack_hears(
    make: Callable[..., dict[str, Any]], asking: Scenario, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(asking, tmp_path / "data", victims=two)
    cpu = torch.device("cpu")
    manifest = train_pack(asking, two, tmp_path / "data", tmp_path, cpu, lambda _: None)
    network, labels = build_network(load_pack(tmp_path / "tiny.mtaapack")).requires_grad_(False), list(manifest.attacks)
    test, candidates = read_split(tmp_path / "data", asking, "test"), VictimFile.all_of(asking, two)
    test = replace(test, adversarial=test.adversarial // 2 + np.roll(test.adversarial, 1, axis=0) // 2)  # two digits
    rows = np.arange(len(test))
    asked = ask_victims(network, labels, manifest.calibration, candidates, test, rows, tmp_path / "kept", cpu)
    images = torch.from_numpy(test.adversarial).float() / 255
    estimate = perturbation(images, network(images), labels)
    victims = [load_victim(one.path)[0] for one in candidates]
    changed = []
    for some in ([0, 1], [1, 0], [0], [1]):
        wanted = ask([victims[at] for at in some], images, estimate).probes
        torch.testing.assert_close(asked.candidates(some).probes, wanted, rtol=1e-3, atol=1e-4)
        at_hand = torch.zeros(len(test), 2, dtype=torch.bool).index_fill(1, torch.tensor(some), True)
        torch.testing.assert_close(asked.said(at_hand)[:, some], wanted, rtol=1e-3, atol=1e-4)
        changed.append(not torch.equal(asked.said(at_hand)[:, some], asked.probes[:, some]))
    assert changed[:2] == [False, False] and any(changed[2:]), "company tells some what they do not know"

    short_memory(monkeypatch, 5)  # of the network and of the victims
    kept = tmp_path / "short"
    again = ask_victims(network, labels, manifest.calibration, candidates, test, rows, kept, cpu)
    torch.testing.assert_close(again.probes, asked.probes, rtol=1e-3, atol=1e-4)


def short_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """The device holds no more than so many images at once."""
    for kind in (MTAA, Victim):
        forward = kind.forward

        def limited(self: Any, x: torch.Tensor, forward: Callable[..., Any] = forward) -> Any:
            if len(x) > most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return forward(self, x)

        monkeypatch.setattr(kind, "forward", limited)


def test_a_pack_that_is_grown_asks_with_a_scorer_of_its_own(
    make: Callable[..., dict[str, Any]], asking: Scenario, two: Path, tmp_path: Path
) -> None:
    mine = asking.model_copy(update={"victims": asking.victims[:1]})
    make(mine, tmp_path / "data", victims=two)
    cpu = torch.device("cpu")
    train_pack(mine, two, tmp_path / "data", tmp_path, cpu, lambda _: None)
    start = asking.training.model_copy(update={"start": str(tmp_path / "tiny.mtaapack")})
    grown = asking.model_copy(update={"name": "grown", "training": start})
    make(grown, tmp_path / "more", victims=two)
    manifest = train_pack(grown, two, tmp_path / "more", tmp_path / "out", cpu, lambda _: None)
    assert manifest.probes is not None and set(manifest.results["probes"]["by_number_asked"]) == {"1", "2"}
    before, after = (load_pack(tmp_path / name).weights for name in ("tiny.mtaapack", "out/grown.mtaapack"))
    assert any(name.startswith("scorer.") for name in before)
    assert not torch.equal(before["scorer.center"], after["scorer.center"])


def test_rows_are_sampled_alike(
    make: Callable[..., dict[str, Any]], asking: Scenario, two: Path, tmp_path: Path
) -> None:
    make(asking, tmp_path / "data", victims=two)
    train = read_split(tmp_path / "data", asking, "train")
    rows = sample(train, 10, 3)
    assert len(set(rows.tolist())) == 10 and (rows == sample(train, 10, 3)).all()
    assert len(sample(train, 10**6, 3)) == len(train)
    entries = np.unique(train.entry[sample(train, 12, 3)], return_counts=True)[1]
    assert entries.max() - entries.min() <= 1, "as many of each attack and of clean ones"
