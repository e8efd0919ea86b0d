"""Records as JSON: the schema that scripts and later versions of this program read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.files import write_file
from core.manifest import Manifest
from core.types import Attribution, ClassAnswer, Familiarity, HyperparameterAnswer, Record

SCHEMA = 1


def to_json(records: Iterable[Record], manifest: Manifest, device: str) -> dict[str, Any]:
    """All records with the pack and the device that judged them, as values that JSON has."""
    return {
        "schema": SCHEMA,
        "pack": {
            "id": manifest.pack_id,
            "name": manifest.name,
            "title": manifest.title,
            "weights_sha256": manifest.weights_sha256,
        },
        "device": device,
        "records": [record_to_json(record) for record in records],
    }


def record_to_json(record: Record) -> dict[str, Any]:
    """One record; the answers of an image that could not be attributed are null."""
    attribution = record.finding.attribution if record.finding else None
    return {
        "path": record.path,
        "sha256": record.sha256,
        "status": record.status,
        "error": record.error,
        **(_answers(attribution) if attribution else dict.fromkeys(_ANSWERS)),
    }


_ANSWERS = ("attack", "victim", "hyperparameter", "familiarity", "adjustments")


def _answers(attribution: Attribution) -> dict[str, Any]:
    return {
        "attack": _class_answer(attribution.attack),
        "victim": _class_answer(attribution.victim),
        "hyperparameter": _hyperparameter(attribution.hyperparameter),
        "familiarity": _familiarity(attribution.familiarity),
        "adjustments": list(attribution.adjustments),
    }


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
    }


def encode(document: dict[str, Any]) -> bytes:
    """Indented UTF-8. File names that are no Unicode keep their bytes as JSON escapes of lone surrogates."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(
        "utf-8", "backslashreplace"
    )


def write_json(path: str | Path, records: Iterable[Record], manifest: Manifest, device: str) -> None:
    """Write all records atomically. Raises WorkbenchError where the file cannot be written."""
    write_file(Path(path), encode(to_json(records, manifest, device)))
