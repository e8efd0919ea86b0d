"""How rare an image is among clean ones, and how many of many were attacked."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.attributor import Attributor
from core.calibration import Calibration
from core.discoveries import RATE, alarms, attacked
from core.folders import find_images
from core.imageio import load_image
from core.labels import CLEAN
from core.listed import Record
from core.manifest import AttackLabel, Manifest
from core.pack import load_pack
from core.paths import SAMPLES
from core.records import answers_from_json, answers_to_json
from core.report.facets import Facets
from core.report.html import render
from core.report.subject import Subject
from core.report.summary import summarise
from core.tables import columns, csv_parts
from core.types import Attribution, Finding
from tests.conftest import write_tiny_pack
from training.calibrate import clean_scores


@pytest.fixture(scope="module")
def calibration(tiny_manifest: dict[str, Any]) -> Calibration:
    return Calibration.model_validate(tiny_manifest["calibration"])


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory, tiny_manifest: dict[str, Any]) -> Attributor:
    """A pack that tells of false alarms."""
    entries = copy.deepcopy(tiny_manifest)
    entries["calibration"]["clean_scores"] = [0.1, 0.2, 0.5, 0.9]
    return Attributor(load_pack(write_tiny_pack(tmp_path_factory.mktemp("packs") / "telling.mtaapack", entries)), "cpu")


@pytest.fixture(scope="module")
def records(telling: Attributor) -> list[Record]:
    images = [load_image(path) for path in find_images([SAMPLES])][:6]
    found = telling.attribute(images)
    return [Record(one.path, one.sha256, "ok", None, told) for one, told in zip(images, found, strict=True)]


def answer_of(record: Record) -> Attribution:
    assert record.finding is not None
    return record.finding.attribution


def test_it_is_as_rare_among_clean_images_as_is_said(calibration: Calibration) -> None:
    random = np.random.default_rng(3)
    for rate in (0.01, 0.05, 0.25):
        told = []
        for _ in range(4000):
            *known, new = random.beta(5, 1, 40).tolist()
            told.append(calibration.model_copy(update={"clean_scores": sorted(known)}).false_alarm(new))
        share = np.mean([p <= rate for p in told if p is not None])
        assert share <= rate + 4 * np.sqrt(rate * (1 - rate) / 4000)
    assert len(told) == 4000


def test_several_looks_at_one_image_count_as_one(calibration: Calibration) -> None:
    """Unfamiliar images are counted as they were made and changed twice."""
    random, told = np.random.default_rng(3), []
    for _ in range(4000):
        *known, new = random.beta(5, 1, 21).tolist()
        scores = {"clean_scores": sorted(known * 3), "copies": 3}
        told.append(calibration.model_copy(update=scores).false_alarm(new))
    assert min(p for p in told if p is not None) == 3 / 63
    assert np.mean([p <= 0.05 for p in told if p is not None]) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 4000)


def test_packs_that_do_not_say_so_are_taken_to_have_several(tiny_manifest: dict[str, Any]) -> None:
    told = tiny_manifest["calibration"] | {"clean_scores": [0.1] * 77}
    entries = tiny_manifest | {"calibration": told, "unfamiliar": {"calibration": told}, "weights_sha256": "0" * 64}
    older = Manifest.model_validate(entries)
    familiar, unfamiliar = (older.doubt(familiar=f).calibration.false_alarm(0.05) for f in (True, False))
    assert (familiar, unfamiliar) == (1 / 78, 3 / 80)
    entries["unfamiliar"] = {"calibration": told | {"copies": 1}}
    newer = Manifest.model_validate(entries)
    assert newer.doubt(familiar=False).calibration.false_alarm(0.05) == 1 / 78
    assert "copies" not in older.model_dump_json(exclude_defaults=True) and older.sha256 != newer.sha256


def test_it_is_as_rare_where_a_pack_is_all_but_certain(calibration: Calibration) -> None:
    """Scores are kept in few digits: of two that are told apart by no more than that, neither is rarer."""
    random = np.random.default_rng(4)
    told = []
    for _ in range(500):
        attack = torch.from_numpy(np.stack([random.normal(14, 3, 201), np.zeros(201)], 1))
        labels = [AttackLabel(name=name, hyperparameter="none", unit="", minimum=0, maximum=0) for name in (CLEAN, "x")]
        known = clean_scores(attack[:200], torch.zeros(200), labels)
        told.append(
            calibration.model_copy(update={"clean_scores": known}).false_alarm(float(attack[200].softmax(0)[0]))
        )
    assert np.mean([p <= 0.1 for p in told if p is not None]) <= 0.1 + 4 * np.sqrt(0.09 / 500)


def test_it_is_counted(calibration: Calibration) -> None:
    known = calibration.model_copy(update={"clean_scores": [0.1, 0.2, 0.2, 0.9]})
    assert [known.false_alarm(p) for p in (0.0, 0.1, 0.2, 0.89, 1.0)] == [0.2, 0.4, 0.8, 0.8, 1.0]
    assert calibration.false_alarm(0.0) is None, "an older pack"


@pytest.mark.parametrize("scores", [[0.5, 0.1], [-0.1], [1.5]])
def test_scores_that_are_none_are_refused(tiny_manifest: dict[str, Any], scores: list[float]) -> None:
    with pytest.raises(ValidationError):
        Calibration.model_validate(tiny_manifest["calibration"] | {"clean_scores": scores})


def test_answers_carry_it_to_json_and_back(telling: Attributor, records: list[Record]) -> None:
    for record in records:
        answer = answer_of(record)
        clean = next(c.probability for c in answer.attack.ranking if c.label == CLEAN)
        assert answer.false_alarm == telling.manifest.calibration.false_alarm(clean)
        told = answers_to_json(answer)
        assert answers_from_json(told, answer.sha256, answer.pack_id) == answer
        del told["false_alarm"]
        before = answers_from_json(told, answer.sha256, answer.pack_id)
        assert before == replace(answer, false_alarm=None), "of a case that was written before it was told"


@pytest.mark.parametrize("wrong", ["rare", float("nan"), [0.1]])
def test_what_is_no_number_is_refused(records: list[Record], wrong: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        answers_from_json(answers_to_json(answer_of(records[0])) | {"false_alarm": wrong}, "", "")


def test_without_victims_there_is_no_victim_as_surely_as_no_attack(records: list[Record]) -> None:
    for record in records:
        answer = answer_of(record)
        attack, victim = ({c.label: c.probability for c in task.ranking} for task in (answer.attack, answer.victim))
        assert attack[CLEAN] == pytest.approx(victim[CLEAN], abs=1e-9)
        assert sum(victim.values()) == pytest.approx(1)


def test_few_of_those_called_attacked_are_clean() -> None:
    """Of Benjamini and Hochberg's rule: the mean share over many draws, and most of what is there is found."""
    random = np.random.default_rng(0)
    wrong, found = [], []
    for _ in range(300):
        clean, made = random.uniform(size=160), random.beta(0.1, 30, 40)
        told = np.concatenate([clean, made])
        count = attacked(told.tolist())
        assert count is not None
        called = np.argsort(told)[:count]
        wrong.append(np.mean(called < 160) if count else 0.0)
        found.append(np.mean(np.isin(range(160, 200), called)))
    assert np.mean(wrong) <= RATE
    assert np.mean(found) > 0.8


def test_the_rule_by_hand() -> None:
    assert attacked([]) is None
    assert attacked([0.5, 0.9]) == 0
    assert attacked([0.051, 0.04, 0.03, 0.9]) == 0  # the limits are 0.0125, 0.025, 0.0375 and 0.05
    assert attacked([0.02, 0.03, 0.0374, 0.9]) == 3  # the third holds for the two before it
    assert attacked([0.2, 0.2], rate=0.2) == 2


def test_the_unfamiliar_are_not_counted(records: list[Record]) -> None:
    answer = replace(answer_of(records[0]), false_alarm=0.01)
    strange = replace(answer, familiarity=replace(answer.familiarity, score=answer.familiarity.threshold + 1))
    untold = replace(answer, sha256="e" * 64, false_alarm=None)
    assert alarms([answer, replace(strange, sha256="f" * 64), untold]) == {answer.sha256: 0.01}


def test_copies_are_counted_once(records: list[Record]) -> None:
    answer = replace(answer_of(records[0]), false_alarm=0.01)
    assert alarms([answer, answer, replace(answer, sha256="f" * 64)]) == {answer.sha256: 0.01, "f" * 64: 0.01}


def with_alarms(records: list[Record], told: list[float | None]) -> list[Record]:
    pairs = zip(records, told, strict=True)
    return [replace(r, finding=Finding(replace(answer_of(r), false_alarm=alarm), None)) for r, alarm in pairs]


def test_reports_and_tables_tell_it(telling: Attributor, records: list[Record]) -> None:
    manifest = telling.manifest
    told = with_alarms(records, [0.0004, 0.001, 0.01, 0.04, 0.7, None])
    facet, counts = summarise(told, manifest).bars["false alarm"]
    assert facet.labels == ("≤ 0.1 %", "≤ 1 %", "≤ 5 %", "≤ 20 %", "> 20 %")
    assert counts == [2, 1, 1, 0, 1]
    html = render(Subject(told, manifest, "CPU"))
    assert 'attacked at a false discovery rate of 5%</th><td class="number">4</td>' in html
    assert "At most 1.0 % of clean images like the pack&#39;s look at least as attacked." in html
    assert html.count("At most 0.1 % of clean images") == 2 and "At most 70.0 %" not in html
    document = json.loads(b"".join(Subject(told, manifest, "CPU").json_parts()))
    assert document["attacked"] == {"images": 4, "false_discovery_rate": 0.05}
    chosen = Subject(told[:2], manifest, "CPU", part=True)  # by their answers: a rate among all is none among them
    assert "false discovery rate" not in render(chosen)
    assert json.loads(b"".join(chosen.json_parts()))["attacked"] is None
    header, *lines = b"".join(csv_parts(told, manifest)).decode().splitlines()
    at = header.split(",").index("false_alarm")
    assert [line.split(",")[at] for line in lines] == ["0.0004", "0.001", "0.01", "0.04", "0.7", ""]


def test_a_pack_that_does_not_tell_has_no_such_bars(tiny_manifest: dict[str, Any], records: list[Record]) -> None:
    manifest = Manifest.model_validate({**tiny_manifest, "weights_sha256": "0" * 64})
    assert "false alarm" not in {facet.key for facet in Facets(manifest).all}
    assert "false_alarm" in columns(manifest)
    silent = with_alarms(records, [None] * len(records))
    html = render(Subject(silent, manifest, "CPU"))
    assert "false discovery rate" not in html and "look at least as attacked." not in html
