"""Records as JSON: the schema that scripts and later versions of this program read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from core.adjustments import adjustment_of
from core.discoveries import RATE
from core.listed import FileFacts, Record, Remark
from core.manifest import LONGEST_NAME, Manifest
from core.types import (
    Attribution,
    Beside,
    ClassAnswer,
    Familiarity,
    HyperparameterAnswer,
    RankedLabel,
    Reference,
    Testimony,
    likeliest,
)

if TYPE_CHECKING:
    from core.together import Together

SCHEMA = 2

_ROUNDING = 1e-6
"""How far arithmetic in float32 may push a share out of 0 to 1."""


def json_parts(
    records: Iterable[Record], manifest: Manifest, device: str, remarks: Mapping[str, Remark] | None = None, *,
    case: str = "", left_out: str = "", program: str = "", attacked: int | None = None,
    together: Together | None = None,
) -> Iterator[bytes]:  # fmt: skip
    """The JSON file of all records with the pack and the device that judged them, a record at a time.

    Joined, the parts are what :func:`encode` makes of the whole. remarks: by path. case: path of the case they are of.
    left_out: what is said of files in their folders that are no images. program: the versions that judged them.
    attacked: as :func:`core.discoveries.attacked` counts them. together: what they say together.
    """
    frame = _frame(manifest, device, case, left_out, program)
    frame |= {
        "attacked": None if attacked is None else {"images": attacked, "false_discovery_rate": RATE},
        "together": together and _together(together),
    }
    before, _, after = encode(frame | {"records": []}).rpartition(b"[]")
    yield before + b"["
    comma = b""
    for row in rows(records, remarks):
        yield comma + b"\n    " + encode(row).rstrip().replace(b"\n", b"\n    ")
        comma = b","
    yield (b"\n  ]" if comma else b"]") + after


def _frame(manifest: Manifest, device: str, case: str, left_out: str, program: str) -> dict[str, Any]:
    """What stands around the records, which come last."""
    return {
        "schema": SCHEMA,
        "pack": {
            "id": manifest.pack_id,
            "name": manifest.name,
            "title": manifest.title,
            "sha256": manifest.sha256,
            "weights_sha256": manifest.weights_sha256,
        },
        "device": device,
        "program": program or None,
        "case": case or None,
        "left_out": left_out or None,
    }


def _together(found: Together) -> dict[str, Any]:
    return {
        "images": found.images,
        "makers": [
            {
                "images": maker.images,
                "attack": asdict(maker.attack),
                "victim": asdict(maker.victim),
                "hyperparameter": maker.hyperparameter and _hyperparameter(maker.hyperparameter),
            }
            for maker in found.makers
        ],
    }


def rows(records: Iterable[Record], remarks: Mapping[str, Remark] | None = None) -> Iterator[dict[str, Any]]:
    """One JSON object a record, each with the same keys; ``duplicate_of`` names the first record of the same bytes."""
    first: dict[str, str] = {}
    for record in records:
        original = first.setdefault(record.sha256, record.path) if record.sha256 else record.path
        remark = (remarks or {}).get(record.path, Remark())
        yield {
            **record_to_json(record),
            "duplicate_of": original if original != record.path else None,
            "tag": remark.tag,
            "note": remark.note,
        }


def record_to_json(record: Record) -> dict[str, Any]:
    """One record; the answers of an image that could not be attributed are null."""
    attribution = record.finding.attribution if record.finding else None
    return {
        "path": record.path,
        "sha256": record.sha256,
        "status": record.status,
        "error": record.error,
        "file": _file(record.facts) if record.facts else None,
        **(answers_to_json(attribution) if attribution else dict.fromkeys(_ANSWERS)),
    }


def _file(facts: FileFacts) -> dict[str, Any]:
    return {
        "bytes": facts.bytes,
        "modified": _iso(facts.modified_ns),
        "read": _iso(facts.read_ns),
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
        "bits": facts.bits,
        "lossy": facts.lossy,
    }


def _iso(nanoseconds: int) -> str:
    """ "2024-01-31T12:00:00.123456+00:00"."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)).isoformat()


_ANSWERS = (
    "attack",
    "victim",
    "hyperparameter",
    "hyperparameters",
    "false_alarm",
    "reference",
    "familiarity",
    "adjustments",
    "evidence",
    "asked",
    "closed_set",
    "seen",
    "testimonies",
)


def answers_to_json(attribution: Attribution) -> dict[str, Any]:
    """Every number of an attribution; :func:`answers_from_json` makes the equal attribution of it again."""
    hyperparameters = [
        {"attack": candidate.label, **_hyperparameter(answer)}
        for candidate, answer in zip(attribution.attack.ranking, attribution.hyperparameters, strict=True)
    ]
    said = attribution.named
    return {
        "attack": _class_answer(attribution.attack),
        "victim": _class_answer(attribution.victim),
        "hyperparameter": _hyperparameter(attribution.hyperparameter),
        "hyperparameters": hyperparameters,
        "false_alarm": attribution.false_alarm,
        "reference": None if attribution.beside is None else asdict(attribution.beside),
        "familiarity": _familiarity(attribution.familiarity),
        "adjustments": list(map(str, attribution.adjustments)),
        "evidence": attribution.evidence,
        "asked": [testimony.victim for testimony in attribution.testimonies],
        "closed_set": attribution.closed_set,
        "seen": said and {"label": said.label, "before": said.before},
        "testimonies": [asdict(testimony) for testimony in attribution.testimonies],
    }


def answers_from_json(answers: dict[str, Any], sha256: str, pack_id: str) -> Attribution:
    """Raises KeyError, TypeError or ValueError for what :func:`answers_to_json` never writes."""
    numbers = ("value", "low", "high", "sigma", "minimum", "maximum", "coverage")
    attack = _class_from_json(answers["attack"])
    hyperparameters = tuple(
        HyperparameterAnswer(name=str(h["name"]), unit=str(h["unit"]), **{n: _number(h[n]) for n in numbers})
        for h in answers["hyperparameters"]
    )
    alarm = answers.get("false_alarm")  # which cases that were written before it was told do not have
    if len(hyperparameters) != len(attack.ranking):
        raise ValueError("not one hyperparameter for each attack")
    return Attribution(
        sha256=sha256,
        pack_id=pack_id,
        attack=attack,
        victim=_class_from_json(answers["victim"]),
        hyperparameters=hyperparameters,
        familiarity=_familiarity_from_json(answers["familiarity"]),
        adjustments=tuple(adjustment_of(str(phrase)) for phrase in answers["adjustments"]),
        # Cases that were written before victims could be asked have none.
        testimonies=tuple(_testimony_from_json(t) for t in answers.get("testimonies", ())),
        false_alarm=None if alarm is None else _share(alarm),
        beside=_beside_from_json(answers.get("reference")),
    )


def _beside_from_json(said: dict[str, Any] | None) -> Beside | None:
    return None if said is None else Beside(str(said["digest"]), int(_number(said["images"])), bool(said["known"]))


def _number(value: Any) -> float:
    """Raises TypeError or ValueError for what is none, or not finite."""
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError(error) from error
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number")
    return number


def _share(value: Any) -> float:
    """Raises TypeError or ValueError for what is no number from 0 to 1, give or take rounding."""
    share = _number(value)
    if not -_ROUNDING <= share <= 1 + _ROUNDING:
        raise ValueError(f"{share} is no share")
    return share


def _testimony_from_json(testimony: dict[str, Any]) -> Testimony:
    margin, match, odds = (_number(testimony[name]) for name in ("margin", "match", "odds"))
    victim, sha256, changes = str(testimony["victim"]), str(testimony["sha256"]), bool(testimony["changes"])
    # Cases that were written before classes were named, or others were heard, have none.
    label, before = (_class_name(testimony.get(name, "")) for name in ("label", "before"))
    others = (int(_number(testimony.get(name, 0))) for name in ("others", "others_before", "others_alike"))
    return Testimony(victim, sha256, changes, margin, match, odds, label, before, *others)


def _class_name(name: object) -> str:
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise ValueError("a class's name is none")
    return name


def _class_from_json(answer: dict[str, Any]) -> ClassAnswer:
    ranking = tuple(RankedLabel(str(c["label"]), _share(c["probability"])) for c in answer["ranking"])
    if not ranking:
        raise ValueError("a ranking without labels")
    coverage = _share(answer["coverage"])
    # Older cases have the first label alone where none belongs to the conformal set, and say so.
    held = tuple(map(str, answer["set"])) if answer.get("reached", True) else likeliest(ranking, coverage)
    return ClassAnswer(ranking, _number(answer["entropy"]), _number(answer["sigma"]), held, coverage)


def _class_answer(answer: ClassAnswer) -> dict[str, Any]:
    return {
        "label": answer.label,
        "probability": answer.probability,
        "ranking": [{"label": c.label, "probability": c.probability} for c in answer.ranking],
        "set": list(answer.prediction_set),
        "coverage": answer.coverage,
        "entropy": answer.entropy,
        "sigma": answer.sigma,
    }


def _hyperparameter(answer: HyperparameterAnswer) -> dict[str, Any]:
    return {
        "name": answer.name,
        "value": answer.value,
        "low": answer.low,
        "high": answer.high,
        "unit": answer.unit,
        "sigma": answer.sigma,
        "minimum": answer.minimum,
        "maximum": answer.maximum,
        "coverage": answer.coverage,
    }


def _familiarity(familiarity: Familiarity) -> dict[str, Any]:
    return {
        "score": familiarity.score,
        "threshold": familiarity.threshold,
        "familiar": familiarity.familiar,
        "calibrated": familiarity.calibrated,
    }


def _familiarity_from_json(said: dict[str, Any]) -> Familiarity:
    score, threshold = (_number(said[name]) for name in ("score", "threshold"))
    return Familiarity(score, threshold, bool(said.get("calibrated", score <= threshold)))  # as older cases mean it


def reference_to_json(reference: Reference) -> dict[str, Any]:
    """As a case and the settings keep it."""
    return {
        "pack_id": reference.pack_id, "asked": list(reference.asked), "image": list(map(list, reference.image)),
        "probes": list(map(list, reference.probes)),
    }  # fmt: skip


def reference_from_json(content: Mapping[str, Any]) -> Reference:
    """Raises KeyError, TypeError or ValueError for what :func:`reference_to_json` never writes."""
    image, probes = (
        tuple((_number(clean), str(sha256)) for clean, sha256 in content[name]) for name in ("image", "probes")
    )
    for known in (image, probes):
        if not all(0 <= lower <= higher <= 1 for lower, higher in pairwise([0.0, *(clean for clean, _ in known)])):
            raise ValueError("no ascending probabilities")
    if not image and not probes:
        raise ValueError("no images")
    return Reference(str(content["pack_id"]), tuple(map(str, content["asked"])), image, probes)


def encode(document: dict[str, Any]) -> bytes:
    """Indented UTF-8. File names that are no Unicode keep their bytes as JSON escapes of lone surrogates."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(
        "utf-8", "backslashreplace"
    )
