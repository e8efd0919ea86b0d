"""A pack that says how sure it is about unfamiliar images: each image is told by the doubt of its own kind."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from core.answers import covering
from core.attributor import Attributor
from core.imageio import load_image
from core.manifest import Manifest
from core.pack import load_pack
from core.paths import RESOURCES, SAMPLES
from core.records import answers_from_json, answers_to_json
from core.types import Attribution, LoadedImage
from core.victim_store import Held, victims_to_ask
from core.victims import load_victim
from tests.core.panels import fit, write_asking_pack

RESNET, VGG = (RESOURCES / "victims" / f"{name}.safetensors" for name in ("resnet18", "vgg16"))
Write = Callable[..., Attributor]


@pytest.fixture(scope="module")
def images() -> list[LoadedImage]:
    return [load_image(path) for path in sorted(SAMPLES.glob("*-?.png"))]


@pytest.fixture(scope="module")
def vague(tiny_manifest: dict[str, Any]) -> dict[str, Any]:
    """Much less sure: flatter, wider sets and intervals, and victims that hardly count."""
    calibration = tiny_manifest["calibration"] | {
        "attack_temperature": 6.0, "victim_temperature": 5.0,
        "attack_scores": [0.7, 0.9, 1.0], "victim_scores": [0.7, 0.9, 1.0],
        "halfwidths": {"clean": [0, 0, 0], "fgsm": [40, 60, 90], "cw": [5, 7, 9]}, "growth": {"fgsm": 1.5},
    }  # fmt: skip
    probes = fit(trust=1.0, weight=0.01, attack_weight=0.0).model_dump()
    wide = {name: [w / 2 for w in row] for name, row in calibration["halfwidths"].items()}
    own = {"calibration": calibration, "halfwidths": wide, "growth": {"fgsm": -0.4, "cw": 0.7}}
    return {"calibration": calibration, "probes": probes | own}


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory, tiny_manifest: dict[str, Any]) -> Write:
    folder = tmp_path_factory.mktemp("packs")
    known = [{"name": name, "sha256": load_victim(path)[1]} for name, path in (("resnet18", RESNET), ("vgg16", VGG))]

    def written(name: str, threshold: float, asked: bool, **entries: Any) -> Attributor:
        given = copy.deepcopy({**tiny_manifest, "name": name, **entries})
        given["calibration"]["familiarity_threshold"] = threshold
        path = folder / f"{name}.mtaapack"
        manifest = write_asking_pack(path, given, known)
        if "probes" in entries:  # the fixture's own instead
            manifest = manifest.model_copy(update={"probes": fit().model_validate(entries["probes"])})
        held: list[Held] = victims_to_ask(manifest, False, [RESNET, VGG]) if asked else []
        pack = load_pack(path)
        return Attributor(replace(pack, manifest=manifest), "cpu", held)

    return written


def told(attributor: Attributor, images: list[LoadedImage]) -> list[Attribution]:
    return [finding.attribution for finding in attributor.attribute(images)]


def alike(one: Attribution, other: Attribution) -> bool:
    """But for the pack's id and the threshold."""
    same = replace(other, pack_id=one.pack_id, familiarity=one.familiarity)
    pairs = zip(one.hyperparameters, same.hyperparameters, strict=True)
    tasks = ((one.attack, same.attack), (one.victim, same.victim))
    return all(
        [c.label for c in a.ranking] == [c.label for c in b.ranking]
        and np.allclose([c.probability for c in a.ranking], [c.probability for c in b.ranking], atol=1e-6)
        and a.prediction_set == b.prediction_set
        for a, b in tasks
    ) and all(np.allclose([a.value, a.low, a.high], [b.value, b.low, b.high], atol=1e-4) for a, b in pairs)


@pytest.mark.parametrize("asked", [False, True])
def test_each_image_is_told_by_the_doubt_of_its_kind(
    write: Write, vague: dict[str, Any], images: list[LoadedImage], asked: bool
) -> None:
    sure = told(write("sure", 1e9, asked), images)
    doubtful = told(write("doubtful", 1e9, asked, **vague), images)
    assert not any(map(alike, sure, doubtful))
    scores = sorted(answer.familiarity.score for answer in sure)
    both = write("both", (scores[1] + scores[2]) / 2, asked, unfamiliar=vague)
    answers = told(both, images)
    assert [answer.familiarity.familiar for answer in answers].count(True) == 2
    for answer, one, other in zip(answers, sure, doubtful, strict=True):
        kind, else_ = (one, other) if answer.familiarity.familiar else (other, one)
        assert alike(answer, kind) and not alike(answer, else_)
    # at another coverage it stays so, whether that is asked for at once or worked out from the answer
    for image, answer in zip(images, answers, strict=True):
        (again,) = both.attribute([image], coverage=0.85)
        assert alike(covering(answer, both.manifest, 0.85), again.attribution)


@pytest.mark.parametrize("asked", [False, True])
def test_intervals_of_files_that_lost_detail_are_those_of_changed_images(
    write: Write, vague: dict[str, Any], images: list[LoadedImage], asked: bool
) -> None:
    """However familiar they look: a JPEG's epsilon is read off pixels that are no longer the attack's."""
    lossy = [replace(image, format="JPEG", lossy=True) for image in images]
    both = write("lossy", 1e9, asked, unfamiliar=vague)
    before, answers = told(both, images), told(both, lossy)
    fitted = vague["probes"] if asked else vague["calibration"]
    at = vague["calibration"]["coverages"].index(0.9)
    for one, other, image in zip(before, answers, lossy, strict=True):
        assert other.familiarity.familiar and (one.attack, one.victim) == (other.attack, other.victim)
        for label, own, wider in zip(one.attack.ranking, one.hyperparameters, other.hyperparameters, strict=True):
            assert own.value == wider.value
            by = fitted if other.victim.label in [said.victim for said in other.testimonies] else vague["calibration"]
            place = (own.value - own.minimum) / (own.maximum - own.minimum) if own.maximum > own.minimum else 0
            half = by["halfwidths"][label.label][at] * (1 + by["growth"].get(label.label, 0.0) * place)
            assert wider.low == pytest.approx(max(own.value - half, own.minimum), abs=1e-4)
            assert wider.high == pytest.approx(min(own.value + half, own.maximum), abs=1e-4)
        (again,) = both.attribute([image], coverage=0.85)
        assert alike(covering(other, both.manifest, 0.85), again.attribution)


def test_packs_of_before_have_one_doubt_for_all(write: Write, images: list[LoadedImage]) -> None:
    before, now = told(write("sure", 1e9, True), images), told(write("stranger", -1e9, True), images)
    assert all(map(alike, before, now)) and not any(answer.familiarity.familiar for answer in now)


def test_a_doubt_that_does_not_fit_the_pack_is_refused(
    tiny_manifest: dict[str, Any], vague: dict[str, Any], tmp_path: Path
) -> None:
    write_asking_pack(tmp_path / "good.mtaapack", {**tiny_manifest, "unfamiliar": vague}, [{"name": "resnet18"}])
    other_coverages = copy.deepcopy(vague)
    for part in (other_coverages["calibration"], other_coverages["probes"]["calibration"]):
        part["coverages"] = [0.5, 0.9, 0.95]
    cases = {
        "alike": {**vague, "probes": None},
        "same coverages": other_coverages,
        "attack labels": {
            **vague,
            "calibration": vague["calibration"] | {"halfwidths": {"clean": [0, 0, 0]}, "growth": {}},
        },
        "without half-widths": {**vague, "calibration": vague["calibration"] | {"growth": {"pgd": 1.0}}},
        "greater than -1": {**vague, "calibration": vague["calibration"] | {"growth": {"fgsm": -1.0}}},
        "image_share": {**vague, "probes": vague["probes"] | {"image_share": [1.0]}},
    }
    for message, unfamiliar in cases.items():
        with pytest.raises(ValidationError, match=message):
            write_asking_pack(
                tmp_path / "bad.mtaapack", {**tiny_manifest, "unfamiliar": unfamiliar}, [{"name": "resnet18"}]
            )
    without = {**tiny_manifest, "weights_sha256": "0" * 64, "unfamiliar": {"calibration": vague["calibration"]}}
    assert Manifest.model_validate(without).doubt(familiar=False).calibration.attack_temperature == 6


def test_an_answer_says_whether_its_doubt_is_of_its_kind(
    write: Write, vague: dict[str, Any], images: list[LoadedImage]
) -> None:
    for attributor, fitted in (write("none", -1e9, False), False), (write("some", -1e9, False, unfamiliar=vague), True):
        (answer,) = told(attributor, images[:1])
        assert not answer.familiarity.familiar and answer.familiarity.calibrated == fitted
        document = answers_to_json(answer)
        assert answers_from_json(document, answer.sha256, answer.pack_id) == answer
        del document["familiarity"]["calibrated"]  # as cases of before have it
        assert not answers_from_json(document, answer.sha256, answer.pack_id).familiarity.calibrated
