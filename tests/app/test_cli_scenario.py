"""``mtaa scenario``: from a scenario that ships to one of one's own, without reading the source."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from app.__main__ import main
from core.paths import RESOURCES
from training.attacks import ATTACKS
from training.scenario import Scenario, check_scenario

SHIPPED = sorted((RESOURCES / "scenarios").glob("*.toml"))


def test_a_shipped_scenario_is_listed_printed_and_right(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["scenario", "list"]) == 0
    listed = capsys.readouterr().out
    assert len(SHIPPED) >= 6
    for path in SHIPPED:
        assert path.stem in listed
        assert main(["scenario", "show", path.stem]) == 0
        own = tmp_path / path.name
        own.write_text(capsys.readouterr().out, "utf-8")
        assert own.read_text("utf-8") == path.read_text("utf-8")
        assert main(["scenario", "check", str(own)]) == 0
        told = capsys.readouterr().out
        assert tomllib.loads(own.read_text("utf-8"))["title"] in told
    assert main(["scenario", "show", "minst"]) == 2
    assert "There are digits-protocol" in capsys.readouterr().err


def test_what_a_scenario_asks_for_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "check", str(RESOURCES / "scenarios" / "natural.toml")]) == 0
    told = capsys.readouterr().out
    assert "Attacks: clean, FGSM, PGD, C&W" in told
    fgsm = next(line.split() for line in told.splitlines() if line.strip().startswith("FGSM"))
    assert fgsm == ["FGSM", "2", "to", "16,", "8", "32", "2,560", "320", "384"]
    assert "asks no victim" not in told


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (("count = ", "cuont = "), "cuont"),
        (('name = "PGD"', 'name = "PDG"'), "There is no attack named 'PDG'"),
        (("[probes]", "[porbes]"), "porbes"),
    ],
)
def test_a_slip_is_told_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, edit: tuple[str, str], complaint: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text((RESOURCES / "scenarios" / "natural.toml").read_text("utf-8").replace(*edit), "utf-8")
    assert main(["scenario", "check", str(own)]) == 2
    assert complaint in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [own]


def test_a_scenario_without_probes_is_said_to_ask_no_victim(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text((RESOURCES / "scenarios" / "imagenette-squeezenet.toml").read_text("utf-8"), "utf-8")
    assert "probes" not in tomllib.loads(own.read_text("utf-8"))
    assert main(["scenario", "check", str(own)]) == 0
    assert "asks no victim" in capsys.readouterr().out


def test_every_key_and_every_attack_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "keys"]) == 0
    told = capsys.readouterr().out
    schema = Scenario.model_json_schema()
    for described in (schema, *schema["$defs"].values()):
        for key in described["properties"]:
            assert re.search(rf"^  {key}: .+; (required|default .+|may be left out)$", told, re.M), key
    for heading in ("At the top", "[clean]", "[[victims]]", "[[attacks]]", "[attacks.grid]", "[training]", "[probes]"):
        assert f"\n{heading}\n" in f"\n{told}", heading
    for backend, name in ATTACKS:
        assert f"  {backend} {name}: precision = " in told
    assert ":mod:" not in told and "``" not in told and "None" not in told.split("[network]")[0]
    assert "cell: a table as [clean.examples]; required" in told
    assert "\n  kept: number above 0, below 1; may be left out\n" in told


def test_the_schema_knows_what_the_program_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    for path in SHIPPED:
        document = tomllib.loads(path.read_text("utf-8"))
        check_scenario(document)
        assert set(document) <= set(schema["properties"]) and set(schema["required"]) <= set(document)
    assert schema["additionalProperties"] is False
