"""What a pack measured, whatever its results hold."""

from __future__ import annotations

from typing import Any

import pytest

from core.manifest import Manifest
from core.measured import UNFAMILIAR, measured, quality
from core.pack import read_manifest
from core.paths import RESOURCES


def manifest_of(entries: dict[str, Any], results: dict[str, Any]) -> Manifest:
    return Manifest.model_validate({**entries, "results": results, "weights_sha256": "0" * 64})


@pytest.mark.parametrize("name", ["mnist", "natural"])
def test_the_shipped_packs_say_it_all(name: str) -> None:
    manifest = read_manifest(RESOURCES / "packs" / f"{name}.mtaapack")
    *rows, strange = measured(manifest)
    assert strange.attack == UNFAMILIAR and strange.asked is not None and int(strange.images) > 300
    told = manifest.results["unfamiliar"]
    for part in told["image"]["coverage"]["attack"]["held"][2], told["both"]["victim_set_coverage"]:
        assert part > 0.85, "its 90% sets keep what they promise, about"
    assert [row.attack for row in rows] == ["", *(attack.name for attack in manifest.attacks)]
    assert int(rows[0].images) == sum(int(row.images) for row in rows[1:])
    assert rows[0].by_image[0] == f"{manifest.results['attack_accuracy']:.1%}"
    for row in rows[2:]:
        assert row.asked is not None and "-" not in (*row.by_image, *row.asked)
        assert row.asked[2].endswith("/255" if row.attack != "C&W" else " logits")


@pytest.mark.parametrize("name", ["mnist", "natural"])
def test_the_shipped_packs_tell_of_their_quality(name: str) -> None:
    manifest = read_manifest(RESOURCES / "packs" / f"{name}.mtaapack")
    found = quality(manifest)
    assert found.ece == tuple(f"{manifest.results[f'{task}_ece']:.1%}" for task in ("attack", "victim"))
    assert found.asked_ece is not None and found.asked_ece[0].endswith("%")
    assert found.familiar == f"{manifest.results['familiar_share']:.1%}"
    assert found.heatmap.startswith("FGSM 0.") and "C&W" in found.heatmap
    for told, part in zip(found.detection, (manifest.results, manifest.results["probes"]), strict=True):
        shares = part["detection"]["at"]["0.01"]
        assert told is not None and told.auroc == f"{part['detection']['auroc']:.4f}" > "0.98"
        assert (told.found, told.alarms) == (f"{shares['attacked']:.1%}", f"{shares['clean']:.1%}")
    closed = manifest.results["probes"]["closed"]
    assert found.closed == tuple(f"{closed[f'{task}_accuracy']:.1%}" for task in ("attack", "victim"))
    assert closed["victim_accuracy"] >= manifest.results["probes"]["both"]["victim_accuracy"]
    assert found.trained[0] == f"{manifest.results['training']['examples']:,}"


def test_quality_is_free_in_form_too(tiny_manifest: dict[str, Any]) -> None:
    nothing = (("-", "-"), None, "-", "-", (None, None), ("-", "-", "-"), ("-", "-"))
    assert quality(manifest_of(tiny_manifest, {})) == nothing
    odd: dict[str, Any] = {"heatmap_correlation": {"fgsm": "much"}, "training": 3, "probes": {"both": 7}}
    odd |= {"familiar_share": [1], "detection": {"auroc": "high", "at": [1]}}
    odd["probes"] |= {"closed": "yes"}
    assert quality(manifest_of(tiny_manifest, odd)) == nothing


def test_results_are_free_in_form(tiny_manifest: dict[str, Any]) -> None:
    assert measured(manifest_of(tiny_manifest, {})) == []
    (row,) = measured(manifest_of(tiny_manifest, {"attack_accuracy": 0.5, "by_attack": [1], "probes": None}))
    assert row == ("", "-", ("50.0%", "-", "-"), None)
    odd = {"by_attack": {"fgsm": {"examples": 3, "rmse": "much"}, "cw": 7}, "probes": {"both": {}}}
    (row,) = measured(manifest_of(tiny_manifest, odd))
    assert row == ("fgsm", "3", ("-", "-", "-"), None)
    strange = {"unfamiliar": {"image": {"attack_accuracy": 0.5, "examples": 7}, "both": {"victim_accuracy": 1}}}
    (row,) = measured(manifest_of(tiny_manifest, strange))
    assert row == (UNFAMILIAR, "7", ("50.0%", "-", "-"), ("-", "100.0%", "-"))
    for odd in (3, {"image": 5}, {"both": {}}):
        assert measured(manifest_of(tiny_manifest, {"unfamiliar": odd})) == []
