"""Growing a pack: what it knew stays to the bit until training moves it, in order, and new labels get rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.calibration import Doubt
from core.errors import ScenarioError
from core.manifest import AttackLabel, ImageSpec, Manifest
from core.model.network import MTAA
from core.pack import load_pack
from core.types import LoadedImage
from training.comparison import _answers_of, compare
from training.grow import check_keep, check_start, copy_of, keep, start_from
from training.losses import UncertaintyWeighted
from training.metrics import Predictions
from training.shards import Examples

IMAGE = ImageSpec(channels=1, height=28, width=28)


def label(name: str, kind: str, low: float, high: float) -> AttackLabel:
    return AttackLabel(name=name, hyperparameter=kind, unit="", minimum=low, maximum=high)


# PGD is new and stands between old ones; fgsm's range has grown on both sides
GROWN = [label("clean", "none", 0, 0), label("fgsm", "epsilon", 4, 250), label("pgd", "epsilon", 4, 250),
         label("cw", "kappa", 1, 20)]  # fmt: skip
VICTIMS = ["clean", "vgg16", "resnet18"]
OLD_ATTACKS, OLD_VICTIMS = [0, 1, 3], [0, 2]


def grown(pack: Path, **config: Any) -> tuple[MTAA, UncertaintyWeighted]:
    loaded = load_pack(pack)
    torch.manual_seed(5)
    network = MTAA(loaded.manifest.network.model_copy(update=config), IMAGE, GROWN, len(VICTIMS)).eval()
    weighting = UncertaintyWeighted()
    start_from(loaded, network, weighting, GROWN, VICTIMS)
    return network, weighting


def test_old_answers_are_what_they_were_and_new_rows_are_new(tiny_pack: Path) -> None:
    from core.pack import build_network  # noqa: PLC0415

    old, (new, weighting) = build_network(load_pack(tiny_pack)), grown(tiny_pack)
    images = torch.rand(6, 1, 28, 28)
    with torch.no_grad():
        before, after = old(images), new(images)
    torch.testing.assert_close(after.attack[:, OLD_ATTACKS], before.attack)
    torch.testing.assert_close(after.victim[:, OLD_VICTIMS], before.victim)
    torch.testing.assert_close(after.hyperparameter[:, OLD_ATTACKS], before.hyperparameter, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(after.features, before.features)
    for rows, head in ((OLD_ATTACKS, new.attack_head), (OLD_VICTIMS, new.victim_head)):
        fresh = [row for row in range(head.out_features) if row not in rows]
        assert (head.weight[fresh].std(1) > 0).all()
    sigma = load_pack(tiny_pack).manifest.calibration.sigma
    assert weighting.sigma == pytest.approx(sigma)


def test_a_pack_is_grown_only_by_what_fits_it(tiny_pack: Path) -> None:
    manifest: Manifest = load_pack(tiny_pack).manifest
    config = manifest.network
    check_start(manifest, config, IMAGE, GROWN, VICTIMS)
    check_start(manifest.fitting("tiles"), config, IMAGE, GROWN, VICTIMS)  # the weights are the same
    kappa = [a if a.name != "fgsm" else label("fgsm", "kappa", 1, 2) for a in GROWN]
    wrong: list[tuple[Any, str]] = [
        ((config.model_copy(update={"width": 8}), IMAGE, GROWN, VICTIMS), "another network"),
        ((config, ImageSpec(channels=3, height=28, width=28), GROWN, VICTIMS), "other images"),
        ((config, IMAGE, GROWN[:2], VICTIMS), "knows the attacks clean, fgsm, cw"),
        ((config, IMAGE, GROWN, VICTIMS[::-1]), "knows the victims clean, resnet18"),
        ((config, IMAGE, kappa, VICTIMS), "fgsm's epsilon, not kappa"),
    ]
    for arguments, complaint in wrong:
        with pytest.raises(ScenarioError, match=complaint):
            check_start(manifest, *arguments)


def test_both_packs_are_measured_on_the_labels_that_both_know(tiny_pack: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (8, 1, 28, 28)).astype(np.uint8)
    attack, victim = np.asarray([0, 1, 2, 3, 1, 2, 3, 1]), np.asarray([0, 2, 2, 2, 1, 1, 1, 2])
    test = Examples(images, images, attack, victim, np.full(8, 15, np.float32), attack, attack)
    predictions = Predictions(np.eye(4)[attack], np.eye(3)[victim], np.full((8, 4), 15.0))
    found = compare(load_pack(tiny_pack), predictions, GROWN, VICTIMS, test, torch.device("cpu"))
    assert found["examples"] == 4  # not those of pgd, nor those against vgg16
    assert found["after"]["attack_accuracy"] == found["after"]["victim_accuracy"] == 1
    assert found["after"]["rmse_table1_scale"] == 0
    assert set(found["before"]["by_attack"]) == {"clean", "fgsm", "cw"}
    assert found["pack"].startswith("tiny@")


@pytest.mark.parametrize("clean", [[], [0.2, 0.9]])
@pytest.mark.parametrize("threshold", [1e9, -1e9])
def test_the_pack_before_is_measured_by_the_answers_that_it_gives(
    tiny_pack: Path, clean: list[float], threshold: float
) -> None:
    """Older packs were not calibrated for both tasks to say "clean" as surely, and one more for unfamiliar images."""
    from core.attributor import Attributor  # noqa: PLC0415

    pack = load_pack(tiny_pack)
    fitted = pack.manifest.calibration.model_copy(
        update={"clean_scores": clean, "familiarity_threshold": threshold, "victim_temperature": 0.2}
    )
    other = Doubt(calibration=fitted.model_copy(update={"attack_temperature": 5.0}))
    pack = replace(pack, manifest=pack.manifest.model_copy(update={"calibration": fitted, "unfamiliar": other}))
    images = np.random.default_rng(1).integers(0, 255, (4, 1, 28, 28)).astype(np.uint8)
    none = np.zeros(4, np.int64)
    test = Examples(images, images, none, none, np.zeros(4, np.float32), none, none)
    told = _answers_of(pack, test, np.arange(4), torch.device("cpu"))
    shown = [LoadedImage(str(at), "", np.float32(image / 255), "PNG", 8, False) for at, image in enumerate(images)]
    for row, finding in enumerate(Attributor(pack, "cpu").attribute(shown)):
        answer = finding.attribution
        for classes, given, names in (
            (answer.attack, told.attack[row], ["clean", "fgsm", "cw"]),
            (answer.victim, told.victim[row], ["clean", "resnet18"]),
        ):
            expected = {ranked.label: ranked.probability for ranked in classes.ranking}
            assert given == pytest.approx([expected[name] for name in names], abs=1e-4)


def test_a_share_of_what_was_before_is_kept(tiny_pack: Path) -> None:
    from core.pack import build_network  # noqa: PLC0415

    network = build_network(load_pack(tiny_pack))
    before = copy_of(network)
    with torch.no_grad():
        for value in network.state_dict().values():
            value.add_(1)
    keep(before, network, 0.25)
    for name, value in network.state_dict().items():
        moved = 0.75 if value.is_floating_point() else 1
        torch.testing.assert_close(value, before[name] + moved, rtol=1e-4, atol=1e-5)
    manifest = load_pack(tiny_pack).manifest
    check_keep(manifest, manifest.attacks, [victim.name for victim in manifest.victims])
    with pytest.raises(ScenarioError, match="lacks labels"):
        check_keep(manifest, GROWN, VICTIMS)
