"""Examples that are shown after a change: only those whose attack still fools its victim."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.attributor import Attributor
from core.errors import Cancelled, VictimError
from core.model.familiarity import ChangeDetector
from core.model.network import MTAA
from core.pack import build_network, load_pack
from core.pictures import Pixels
from core.progress import CancelToken
from core.types import LoadedImage
from core.victims import load_victim
from training import counts, fit_familiarity, fit_unfamiliar, lasting
from training.calibrate import calibrated_on
from training.changes import changed_alike
from training.fit_unfamiliar import unfamiliar_after_changes
from training.gradients import Batches
from training.lasting import changed_some, still_fools
from training.pipeline import train_pack
from training.plan import attack_labels, image_of
from training.scenario import ProbesSpec, Scenario
from training.shards import Examples, read_split
from training.sources import CleanImages
from training.trainer import answer

CPU = torch.device("cpu")
Build = Callable[..., Scenario]


@pytest.fixture
def chosen(scenario: Build) -> Scenario:
    return scenario(training={"epochs": 1, "batch": 16, "precision": "fp32", "changed": 0.9})


@pytest.fixture
def examples(chosen: Scenario, make: Callable[..., dict[str, Any]], tmp_path: Path) -> Examples:
    make(chosen, tmp_path / "data")
    return read_split(tmp_path / "data", chosen, "train")


def fooled(victims: Path, examples: Examples) -> torch.Tensor:
    """Which adversarial images the victim takes for something else than their clean ones, asked one at a time."""
    victim, _ = load_victim(victims / "first.safetensors")
    with torch.inference_mode():
        seen = [
            [int(victim(torch.from_numpy(image)[None].float() / 255).argmax()) for image in pair]
            for pair in zip(examples.adversarial, examples.clean, strict=True)
        ]
    return torch.tensor([adversarial != clean for adversarial, clean in seen])


def test_what_is_shown_changed_still_fools_its_victim(chosen: Scenario, examples: Examples, victims: Path) -> None:
    fools = still_fools(chosen, victims, CPU)
    assert fools is not None
    checked, blind = (Batches(examples, CPU, None, 0.9, f) for f in (fools, None))
    every, undone = torch.arange(len(examples)), 0
    attacked = torch.from_numpy(examples.attack) > 0
    for seed in range(8):
        for batches in (checked, blind):
            batches.draw(torch.Generator().manual_seed(seed))
        shown = checked.take(every)
        after = Examples(
            *((images * 255).round().byte().numpy() for images in (shown.adversarial, shown.clean)),
            examples.attack, examples.victim, examples.hyperparameter, examples.entry, examples.row,
        )  # fmt: skip
        assert bool(fooled(victims, after)[attacked].all())
        apart = (shown.adversarial != blind.take(every).adversarial).flatten(1).any(1)
        undone += int(apart.sum())
        assert not apart[~attacked].any()  # a clean image is clean after any change
        same = np.array_equal(after.adversarial, examples.adversarial)
        assert not same and torch.equal(shown.adversarial[~attacked], shown.clean[~attacked])
    assert undone > 10  # on 8x8 digits many a change undoes an attack


def test_changes_that_were_begun_ahead_are_the_same(examples: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    """As beside a GPU, whose batches would wait for them."""
    with ThreadPoolExecutor(2) as pool:
        ahead, plain = (Batches(examples, CPU, None, 0.9) for _ in range(2))
        monkeypatch.setattr(ahead, "_pool", pool)
        for seed, begun in (
            (1, slice(0, 20)),
            (2, slice(10, None)),
        ):  # what was begun and not taken is of no epoch more
            for batches in (ahead, plain):
                batches.draw(torch.Generator().manual_seed(seed))
            ahead.begin(torch.arange(len(examples))[begun])
            for rows in torch.split(torch.arange(len(examples) // 2), 7):
                assert torch.equal(ahead.take(rows).adversarial, plain.take(rows).adversarial)


def test_a_scenario_that_changes_nothing_needs_no_victims(scenario: Build, chosen: Scenario, tmp_path: Path) -> None:
    assert still_fools(scenario(), tmp_path, CPU) is None
    with pytest.raises(VictimError, match="first"):
        still_fools(chosen, tmp_path, CPU)


def test_some_are_changed_for_the_scorer(chosen: Scenario, examples: Examples, victims: Path) -> None:
    fools = still_fools(chosen, victims, CPU)
    assert fools is not None
    before, rows = examples.digest(), np.arange(len(examples))[::2]
    found, as_made = changed_some(examples, rows, 0.5, fools, seed=1)
    apart = (found.adversarial != examples.adversarial[rows]).reshape(len(rows), -1).any(1)
    assert not (apart & as_made).any() and (~as_made).sum() >= apart.sum()  # a change may leave a pixel image as it is
    assert examples.digest() == before and 0 < apart.sum() < 0.6 * len(rows)
    assert np.array_equal(found.victim, examples.victim[rows])
    assert np.array_equal(found.adversarial, changed_some(examples, rows, 0.5, fools, seed=1)[0].adversarial)
    assert bool(fooled(victims, found)[torch.from_numpy(found.attack > 0)].all())
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        changed_some(examples, rows, 0.5, fools, seed=1, check=cancel.check)


def test_a_pack_learns_its_mistakes_from_attacks_that_last(
    chosen: Scenario, examples: Examples, victims: Path, digits: CleanImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example whose attack was undone is neither a mistake nor none."""
    torch.manual_seed(0)
    labels = attack_labels(chosen)
    network = MTAA(chosen.network, image_of(digits.shape, chosen), labels, len(chosen.victim_names)).eval()
    seen = answer(network, torch.from_numpy(examples.adversarial), CPU)
    counts: list[int] = []
    real = fit_familiarity.fit_changes

    def counted(known: torch.Tensor, after: torch.Tensor, wrong: torch.Tensor, seed: int) -> ChangeDetector:
        counts.append(len(after))
        return real(known, after, wrong, seed)

    for name, value in (("ENOUGH", 1), ("STEPS", 2), ("fit_changes", counted)):
        monkeypatch.setattr(fit_familiarity, name, value)
    for fools in (None, still_fools(chosen, victims, CPU)):
        fit_familiarity.fit_familiarity(network, examples, seen, 2, CPU, 0, fools=fools)
    assert counts[0] == len(examples)
    assert (examples.attack == 0).sum() < counts[1] < counts[0]


def test_a_whole_run_looks_at_its_victims(
    scenario: Build, make: Callable[..., dict[str, Any]], victims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the network over what it finds unfamiliar to the scorer; a run without the file is refused at once."""
    settings = {"epochs": 1, "batch": 16, "precision": "fp32", "changed": 0.5}
    network = {"width": 4, "backbone": "forensic", "perturbation_extractor": "pixel"}
    chosen = scenario(training=settings, network=network, probes=ProbesSpec(examples=30).model_dump())
    make(chosen, tmp_path / "data")
    times: list[int] = []
    real = lasting.changed_alike

    def counted(images: Iterable[Pixels], seed: int) -> Pixels:
        times.append(seed)
        return real(images, seed)

    monkeypatch.setattr(lasting, "changed_alike", counted)
    monkeypatch.setattr(fit_unfamiliar, "ENOUGH", 1)
    for name, value in (("ENOUGH", 1), ("STEPS", 2)):
        monkeypatch.setattr(fit_familiarity, name, value)
    manifest = train_pack(chosen, victims, tmp_path / "data", tmp_path / "out", CPU, lambda _: None)
    held_out, test = (len(read_split(tmp_path / "data", chosen, split)) for split in ("calibration", "test"))
    assert manifest.probes is not None and 8 < len(times) - counts.DRAWS * held_out - test < 22
    assert manifest.unfamiliar is not None and manifest.unfamiliar.probes is not None
    assert manifest.unfamiliar.probes != manifest.probes
    assert manifest.changes == "residuals"  # since a network that sees through changes hides them
    pack = load_pack(next((tmp_path / "out").glob("*.mtaapack")))
    image = LoadedImage("digit", "0" * 64, np.random.default_rng(0).random((1, 8, 8), np.float32), "PNG", 8, False)
    told = Attributor(pack, "cpu").attribute([image])[0].attribution.familiarity
    trained = build_network(pack)
    with torch.no_grad():
        features = trained(torch.from_numpy(image.pixels)[None]).features
        score = trained.familiarity(features).item()
    assert trained.residuals is not None
    assert features.shape == (1, trained.features_out + trained.residuals.count)
    assert told.score == pytest.approx(score, rel=1e-3)
    with pytest.raises(VictimError, match="first"):
        train_pack(scenario(training=settings), tmp_path, tmp_path / "data", tmp_path / "other", CPU, lambda _: None)
    assert not (tmp_path / "other").exists()


@pytest.fixture
def network(chosen: Scenario, examples: Examples) -> MTAA:
    """Untrained, with a familiarity that tells images apart at all."""
    torch.manual_seed(0)
    network = MTAA(chosen.network, image_of(examples.adversarial.shape[1:], chosen), attack_labels(chosen), 2)
    seen = answer(network, torch.from_numpy(examples.adversarial), CPU)
    network.familiarity.fit(seen.features, torch.from_numpy(examples.attack * 2 + examples.victim))
    return network


def test_unfamiliar_examples_are_beyond_the_threshold_and_outlast_their_change(
    chosen: Scenario, examples: Examples, network: MTAA, victims: Path
) -> None:
    fools = still_fools(chosen, victims, CPU)
    assert fools is not None
    everything = unfamiliar_after_changes(network, examples, -1e9, fools, CPU, 0)
    assert (fooled(victims, everything.examples).numpy() | (everything.examples.attack == 0)).all()
    assert len(examples) < len(everything.examples) < counts.DRAWS * len(examples), "some attacks are undone"
    for name in ("attack", "victim", "hyperparameter", "row"):
        assert (getattr(everything.examples, name) == getattr(examples, name)[everything.origin]).all()
    scores = network.familiarity(everything.answers.features)
    threshold = float(scores.median())
    strange = unfamiliar_after_changes(network, examples, threshold, fools, CPU, 0)
    kept = (scores > threshold).numpy()
    assert 0 < kept.sum() == len(strange.examples) < len(kept)
    assert (strange.examples.adversarial == everything.examples.adversarial[kept]).all()
    again = answer(network, torch.from_numpy(strange.examples.adversarial), CPU)
    assert torch.allclose(again.attack, strange.answers.attack, atol=1e-5)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        unfamiliar_after_changes(network, examples, threshold, fools, CPU, 0, advance=lambda _: token.check())


def test_too_few_unfamiliar_examples_are_not_told_apart(
    chosen: Scenario, examples: Examples, network: MTAA, victims: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often each was changed."""
    fools = still_fools(chosen, victims, CPU)
    assert fools is not None
    seen = answer(network, torch.from_numpy(examples.adversarial), CPU)
    labels = attack_labels(chosen)
    known = calibrated_on(examples, seen, labels, {"attack": 1, "victim": 1, "hyperparameter": 1}, -1e9)
    monkeypatch.setattr(fit_unfamiliar, "ENOUGH", len(examples))
    found = fit_unfamiliar.fit_unfamiliar(network, examples, seen, examples, known, labels, fools, CPU, 0)
    assert found is not None and len(found.fitted.examples) > len(examples)
    assert found.calibration.familiarity_threshold == known.familiarity_threshold
    monkeypatch.setattr(fit_unfamiliar, "ENOUGH", len(examples) + 1)
    assert not fit_unfamiliar.fit_unfamiliar(network, examples, seen, examples, known, labels, fools, CPU, 0)


def test_images_change_alike() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 30), np.uint8)
    for seed in range(30):
        first, second = changed_alike([images[0], images[0]], seed)
        assert np.array_equal(first, second) and first.shape == (3, 20, 30)
    assert changed_alike(images, 1).shape == images.shape
