from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import WorkbenchError
from core.files import write_parts
from core.listed import Record, Remark
from core.manifest import Manifest
from core.records import answers_from_json, answers_to_json, encode, json_parts, rows
from core.types import Finding


@pytest.fixture
def manifest(tiny_manifest: dict[str, Any]) -> Manifest:
    return Manifest.model_validate({**tiny_manifest, "weights_sha256": "d" * 64})


def test_schema(finding: Finding, manifest: Manifest, tmp_path: Path) -> None:
    records = [Record("a.png", "c" * 64, "ok", None, finding), Record("b.txt", None, "error", "No image.", None)]
    path = tmp_path / "out.json"
    write_parts(path, json_parts(iter(records), manifest, "CPU"))
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["schema"] == 2
    assert document["device"] == "CPU"
    assert document["pack"]["id"] == manifest.pack_id
    good, bad = document["records"]
    assert good["attack"] == {
        "label": "fgsm",
        "probability": 0.7,
        "ranking": [
            {"label": "fgsm", "probability": 0.7},
            {"label": "cw", "probability": 0.2},
            {"label": "clean", "probability": 0.1},
        ],
        "set": ["fgsm", "cw"],
        "coverage": 0.9,
        "entropy": 1.157,
        "sigma": 0.5,
    }
    assert good["hyperparameter"] == {
        "name": "epsilon",
        "value": 30.44,
        "low": 24.0,
        "high": 37.2,
        "unit": "/255",
        "sigma": 2.0,
        "minimum": 10,
        "maximum": 200,
        "coverage": 0.9,
    }
    assert good["familiarity"] == {"score": 3.5, "threshold": 2.0, "familiar": False, "calibrated": False}
    assert good["adjustments"] == ["file is JPEG: part of the perturbation was lost"]
    assert list(bad) == list(good), "every record has the same keys"
    assert bad["status"] == "error"
    assert bad["error"] == "No image."
    assert all(bad[key] is None for key in ("sha256", "attack", "victim", "hyperparameter", "familiarity"))


def test_record_by_record_the_file_is_that_of_the_whole(finding: Finding, manifest: Manifest) -> None:
    records = [
        Record('odd\udcff, "[]"\n.png', "c" * 64, "ok", None, finding),
        Record("b.txt", None, "error", "No\u2028image.", None),
        Record("copy.png", "c" * 64, "ok", None, finding),
    ]
    remarks = {"copy.png": Remark("a tag", "two\nlines, []")}
    for some in (records, records[1:2], []):
        parts = [*json_parts(some, manifest, "GPU []", remarks)]
        whole = json.loads(b"".join(parts))
        assert whole["records"] == json.loads(json.dumps([*rows(some, remarks)]))
        assert b"".join(parts) == encode({**whole, "records": [*rows(some, remarks)]})
        assert len(parts) == len(some) + 2, "never more than one record at once"


def test_names_of_any_bytes(manifest: Manifest, tmp_path: Path) -> None:
    names = ["数字.png", "odd\udcff.png", 'quote".png']
    path = tmp_path / "out.json"
    write_parts(path, json_parts([Record(name, None, "error", "x", None) for name in names], manifest, "CPU"))
    assert [record["path"] for record in json.loads(path.read_bytes())["records"]] == names
    assert "数字" in path.read_text(encoding="utf-8")


def test_no_folder_to_write_to(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="cannot be written"):
        write_parts(tmp_path / "none" / "out.json", json_parts([], manifest, "CPU"))


def test_answers_of_a_stranger_hold_shares_where_shares_belong(finding: Finding) -> None:
    """Any other number would break what is counted and drawn of them."""
    said = answers_to_json(finding.attribution)
    assert answers_from_json(said, "c" * 64, "tiny@000000000000") == finding.attribution

    def forged(value: float, *way: str | int) -> dict[str, Any]:
        changed = copy.deepcopy(said)
        place: Any = changed
        for step in way[:-1]:
            place = place[step]
        place[way[-1]] = value
        return changed

    for value in (1e308, -0.5, 1.01, float("nan")):
        for way in (("attack", "ranking", 0, "probability"), ("victim", "coverage"), ("false_alarm",)):
            with pytest.raises(ValueError, match=r"share|number"):
                answers_from_json(forged(value, *way), "c" * 64, "tiny@000000000000")
    rounded = answers_from_json(forged(1 + 1e-7, "attack", "ranking", 0, "probability"), "c" * 64, "x")
    assert rounded.attack.probability > 1, "float32's sums are that far off"
