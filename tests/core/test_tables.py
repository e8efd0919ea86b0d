"""CSV and JSON carry every number, and say what each one is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import types
from core.listed import FileFacts, Record, Remark
from core.manifest import Manifest
from core.records import answers_from_json, answers_to_json, json_parts, rows
from core.tables import FRAME_FIELDS, SCHEMA_FIELDS, _cell, _flat, columns, csv_parts
from core.types import Finding


@pytest.fixture
def manifest(tiny_manifest: dict[str, Any]) -> Manifest:
    return Manifest.model_validate({**tiny_manifest, "weights_sha256": "d" * 64})


@pytest.fixture
def records(finding: Finding) -> list[Record]:
    facts = FileFacts(1234, 1_700_000_000_123_456_789, 1_700_000_001_000_000_000, "PNG", 28, 29, 8, False)
    return [
        Record("=cmd|'/c calc'!A1.png", "c" * 64, "ok", None, finding, facts),
        Record("數,\n\udcff.png", None, "error", "-1 is no image.", None),
        Record("copy.png", "c" * 64, "ok", None, finding, facts),
    ]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def leaves(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def test_json_gives_the_attribution_back_exactly(finding: Finding) -> None:
    attribution = finding.attribution
    text = json.dumps(answers_to_json(attribution))
    assert answers_from_json(json.loads(text), attribution.sha256, attribution.pack_id) == attribution


def test_csv_has_every_number_of_the_json(records: list[Record], manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"".join(csv_parts(records, manifest, {"copy.png": Remark("@tag", "a note")})))
    first, bad, copy = read(path)
    (json_row, *_) = rows(records)
    written = [float(value) for value in first.values() if value.replace(".", "").replace("e-", "").isdigit()]
    assert sorted(written) == sorted(leaves(json_row))
    assert float(first["attack.ranking.cw"]) == 0.2
    assert float(first["hyperparameters.cw.low"]) == 3.1
    assert first["attack.set"] == "fgsm|cw"
    assert first["file.lossy"] == "false"
    assert first["file.modified"] == "2023-11-14T22:13:20.123456+00:00"
    assert first["path"] == "'=cmd|'/c calc'!A1.png", "a file's name is no formula"
    assert bad["path"] == "數,\n\\udcff.png"
    assert bad["error"] == "'-1 is no image."
    assert bad["attack.label"] == ""
    assert copy["duplicate_of"] == "'=cmd|'/c calc'!A1.png"
    assert (copy["tag"], copy["note"]) == ("'@tag", "a note")
    assert list(first) == columns(manifest)


def test_what_the_named_victim_sees_stands_in_columns_of_its_own(
    finding: Finding, manifest: Manifest, tmp_path: Path
) -> None:
    answer = finding.attribution
    named, other = (
        types.Testimony(name, "e" * 64, True, 1.5, 0.25, 1.0, label, before)
        for name, label, before in ((answer.victim.label, "=church", "chain saw"), ("mine", "tench", "tench"))
    )
    told = [
        Record(f"{at}.png", "c" * 64, "ok", None, Finding(replace(answer, testimonies=said), None))
        for at, said in enumerate(((other, named), (other,)))
    ]
    (tmp_path / "out.csv").write_bytes(b"".join(csv_parts(told, manifest)))
    first, second = read(tmp_path / "out.csv")
    assert (first["seen.label"], first["seen.before"]) == ("'=church", "chain saw")
    assert (second["seen.label"], second["seen.before"]) == ("", ""), "the named one was not asked"
    assert second["testimonies.mine.label"] == "tench"


def test_line_by_line_the_file_is_that_of_the_whole(
    records: list[Record], finding: Finding, manifest: Manifest, tmp_path: Path
) -> None:
    said = types.Testimony("mine", "e" * 64, True, 1.5, 0.25, 1e-9)
    asked = Finding(replace(finding.attribution, testimonies=(said,)), None)
    records.append(replace(records[2], path='odd, "name"\r\n.png', finding=asked))
    remarks = {"copy.png": Remark("@tag", "two\nlines")}
    for some in (records, records[1:2], []):
        flat = [{name: _cell(value) for name, value in _flat(row)} for row in rows(some, remarks)]
        whole = io.StringIO(newline="")
        names = dict.fromkeys([*columns(manifest), *(name for row in flat for name in row)])
        writer = csv.DictWriter(whole, names, restval="")
        writer.writeheader()
        writer.writerows(flat)
        assert b"".join(csv_parts(some, manifest, remarks)) == whole.getvalue().encode("utf-8", "backslashreplace")
    (tmp_path / "out.csv").write_bytes(b"".join(csv_parts(records, manifest)))
    assert read(tmp_path / "out.csv")[3]["testimonies.mine.odds"] == "1e-09", "a column of the last record's alone"


def test_every_field_is_documented(records: list[Record], manifest: Manifest) -> None:
    documented = [name for name, _ in SCHEMA_FIELDS]
    labels = {a.name for a in manifest.attacks} | {v.name for v in manifest.victims}

    def known(column: str) -> bool:
        general = ".".join("LABEL" if part in labels else part for part in column.split("."))
        family = general.rsplit(".", 1)[0] + ".*"
        return general in documented or family in documented or general == "victim.ranking.LABEL"

    assert [column for column in columns(manifest) if not known(column)] == []
    roots = {name.split(".")[0] for name in documented}
    document = json.loads(b"".join(json_parts(records, manifest, "CPU")))
    assert set(document["records"][0]) == set(document["records"][1]) == roots
    around = [name for names, _ in FRAME_FIELDS for name in names.split(", ")]
    pack = [f"pack.{name}" for name in document.pop("pack")]
    assert set(around) == {*document, *pack}
