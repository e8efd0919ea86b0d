"""What a manifest may say of itself: everything that an answer is made of is checked before a weight is read."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pydantic import ValidationError

from core.manifest import Manifest


def manifest(tiny: dict[str, Any]) -> dict[str, Any]:
    return {**copy.deepcopy(tiny), "weights_sha256": "0" * 64}


def test_a_good_manifest_survives_writing_and_reading(tiny_manifest: dict[str, Any]) -> None:
    checked = Manifest.model_validate(manifest(tiny_manifest))
    assert Manifest.model_validate_json(checked.model_dump_json()) == checked
    assert checked.attacks[1].width == 190


def test_whatever_else_a_pack_says_gives_it_another_id(tiny_manifest: dict[str, Any]) -> None:
    said = manifest(tiny_manifest)
    checked = Manifest.model_validate(said)
    assert checked.pack_id == f"tiny@{checked.sha256[:12]}"
    swapped = copy.deepcopy(said)
    first, second = swapped["victims"][-2:]
    first["name"], second["name"] = second["name"], first["name"]
    sharper = copy.deepcopy(said)
    sharper["calibration"]["attack_temperature"] *= 0.5
    others = [
        Manifest.model_validate(other)
        for other in (swapped, sharper, {**said, "title": "Another"}, {**said, "weights_sha256": "1" * 64})
    ]
    copied = checked.model_copy(update={"title": "Another"})
    assert len({each.sha256 for each in (checked, *others)}) == 5 and copied.sha256 == others[2].sha256


def test_a_strangers_scenario_may_be_of_any_form(tiny_manifest: dict[str, Any]) -> None:
    for scenario, source in (({}, ""), ({"clean": "all"}, ""), ({"clean": {"source": "mnist"}}, "mnist")):
        said = {**tiny_manifest, "weights_sha256": "0" * 64, "scenario": scenario}
        assert Manifest.model_validate(said).data_set == source


def test_how_a_pack_is_written_or_fitted_leaves_its_id(tiny_manifest: dict[str, Any]) -> None:
    checked = Manifest.model_validate(manifest(tiny_manifest))
    written = json.loads(checked.model_dump_json())
    assert Manifest.model_validate(dict(reversed(written.items()))).sha256 == checked.sha256
    assert Manifest.model_validate(json.loads(checked.model_dump_json(exclude_defaults=True))).sha256 == checked.sha256
    older = {**written, "changes": False}  # as packs said it once
    assert Manifest.model_validate(older).sha256 == checked.sha256 == checked.fitting("crop").sha256


NAN, INF = float("nan"), float("inf")
CALIBRATION: dict[str, tuple[str, Any]] = {
    "no temperature": ("attack_temperature", 0),
    "infinite temperature": ("victim_temperature", INF),
    "a threshold that is no number": ("familiarity_threshold", NAN),
    "sigma of two tasks": ("sigma", {"attack": 1, "victim": 1}),
    "negative sigma": ("sigma", {"attack": -1, "victim": 1, "hyperparameter": 1}),
    "no coverage": ("coverages", []),
    "descending coverages": ("coverages", [0.9, 0.8, 0.95]),
    "a coverage twice": ("coverages", [0.8, 0.8, 0.95]),
    "a coverage in percent": ("coverages", [0.8, 0.9, 95]),
    "too few scores": ("attack_scores", [0.5, 0.7]),
    "a score that is no number": ("victim_scores", [0.5, NAN, 0.8]),
    "scores that shrink": ("attack_scores", [0.5, 0.4, 0.8]),
    "a negative half-width": ("halfwidths", {"clean": [0, 0, 0], "fgsm": [-8, 12, 20], "cw": [2, 3, 4]}),
    "half-widths that shrink": ("halfwidths", {"clean": [0, 0, 0], "fgsm": [8, 7, 20], "cw": [2, 3, 4]}),
    "no half-width for an attack": ("halfwidths", {"clean": [0, 0, 0], "fgsm": [8, 12, 20]}),
    "a half-width for no attack": (
        "halfwidths", {"clean": [0] * 3, "fgsm": [1] * 3, "cw": [2] * 3, "pgd": [3] * 3},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("key", "value"), CALIBRATION.values(), ids=CALIBRATION.keys())
def test_a_calibration_that_cannot_be_true_is_refused(tiny_manifest: dict[str, Any], key: str, value: Any) -> None:
    content = manifest(tiny_manifest)
    content["calibration"][key] = value
    with pytest.raises(ValidationError):
        Manifest.model_validate(content)
    with pytest.raises(ValidationError):  # as it comes from a file; Python's JSON has NaN and Infinity too
        Manifest.model_validate_json(json.dumps(content))


@pytest.mark.parametrize(
    ("said", "meant"), [(True, "features"), (False, None), ("residuals", "residuals"), (None, None)]
)
def test_older_packs_say_only_whether_changes_are_looked_for(
    tiny_manifest: dict[str, Any], said: Any, meant: str | None
) -> None:
    read = Manifest.model_validate_json(json.dumps(manifest(tiny_manifest) | {"changes": said}))
    assert read.changes == meant
    assert Manifest.model_validate_json(read.model_dump_json()) == read


ENTRIES: dict[str, dict[str, Any]] = {
    "another schema": {"schema_version": 2},
    "unknown entry": {"colour": "red"},
    "a name that is a path": {"name": "../tiny"},
    "a hash that is none": {"weights_sha256": "0" * 63},
    "one victim": {"victims": [{"name": "clean"}]},
    "two victims of one name": {"victims": [{"name": "a"}, {"name": "a"}]},
    "two channels": {"image": {"channels": 2, "height": 28, "width": 28}},
    "no height": {"image": {"channels": 1, "height": 0, "width": 28}},
    "unknown backbone": {"network": {"backbone": "vit"}},
    "changes seen nowhere": {"changes": "logits"},
}


@pytest.mark.parametrize("changes", ENTRIES.values(), ids=ENTRIES.keys())
def test_entries_that_cannot_be_true_are_refused(tiny_manifest: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Manifest.model_validate(manifest(tiny_manifest) | changes)


@pytest.mark.parametrize(("minimum", "maximum"), [(200, 10), (NAN, 200), (10, INF)])
def test_a_range_that_is_none_is_refused(tiny_manifest: dict[str, Any], minimum: float, maximum: float) -> None:
    content = manifest(tiny_manifest)
    content["attacks"][1] |= {"minimum": minimum, "maximum": maximum}
    with pytest.raises(ValidationError):
        Manifest.model_validate(content)


PROBES: dict[str, dict[str, Any]] = {
    "more trust than the image deserves": {"trust": 1.5},
    "a weight that turns evidence round": {"weight": -1.0},
    "a prior that is no number": {"none": NAN},
    "too few shares": {"image_share": [1.0, 0.5]},
    "a share above the whole": {"image_share": [1.0, 0.5, 1.5]},
    "half-widths of other attacks": {"calibration": {"halfwidths": {"clean": [0, 0, 0]}}},
    "own half-widths of other attacks": {"halfwidths": {"clean": [0, 0, 0]}},
    "own half-widths that shrink": {"halfwidths": {"clean": [0] * 3, "fgsm": [3, 2, 1], "cw": [1] * 3}},
}


@pytest.mark.parametrize("changes", PROBES.values(), ids=PROBES.keys())
def test_probes_that_cannot_be_weighed_are_refused(tiny_manifest: dict[str, Any], changes: dict[str, Any]) -> None:
    content = manifest(tiny_manifest)
    good = {"trust": 0.9, "weight": 1.0, "stranger": -1.0, "none": -3.0, "image_share": [1.0, 0.5, 0.5]}
    calibration = copy.deepcopy(content["calibration"])
    content["probes"] = {**good, "calibration": calibration, "halfwidths": dict(calibration["halfwidths"])}
    Manifest.model_validate(content)
    content["probes"]["calibration"] |= changes.get("calibration", {})
    content["probes"] |= {key: value for key, value in changes.items() if key != "calibration"}
    with pytest.raises(ValidationError):
        Manifest.model_validate(content)


@pytest.mark.parametrize("asks", ["probes", "read_off"])
def test_what_rests_on_the_estimate_needs_one_by_pixel(tiny_manifest: dict[str, Any], asks: str) -> None:
    content = manifest(tiny_manifest)
    if asks == "read_off":
        content["attacks"][1]["read_off"] = True
    else:
        shares = {"trust": 0.9, "weight": 1.0, "stranger": -1.0, "none": -3.0, "image_share": [1.0, 0.5, 0.5]}
        calibration = copy.deepcopy(content["calibration"])
        content["probes"] = {**shares, "calibration": calibration, "halfwidths": calibration["halfwidths"]}
    Manifest.model_validate(content)
    content["network"]["perturbation_extractor"] = None
    with pytest.raises(ValidationError, match="by pixel"):
        Manifest.model_validate(content)
