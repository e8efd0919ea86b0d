"""Records as CSV, and the one schema of the CSV and the JSON file in words.

A CSV column is named like the place in a JSON record: ``victim.probability`` is ``record["victim"]["probability"]``.
Where JSON has a list over labels, CSV has a column for each label of the pack.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Any

from core.listed import Record, Remark
from core.manifest import Manifest
from core.records import rows

SCHEMA_FIELDS: tuple[tuple[str, str], ...] = (
    ("path", "the file, absolute where it came from a case; in CSV with ' before what a spreadsheet would calculate"),
    ("sha256", "hash of the file's bytes; empty if they could not be read"),
    ("status", "ok or error"),
    ("error", "why there is no answer; empty if ok"),
    ("file.bytes", "length of the file"),
    ("file.modified", "when the file was last changed, ISO 8601 in UTC"),
    ("file.read", "when the file was read and hashed, ISO 8601 in UTC"),
    ("file.format", "PNG, JPEG, BMP, TIFF, WEBP, AVIF, GIF or NPY"),
    ("file.width", "pixels"),
    ("file.height", "pixels"),
    ("file.bits", "bits a channel that the file stores"),
    ("file.lossy", "whether the format threw pixel detail away"),
    ("attack.label", "the most probable attack"),
    ("attack.probability", "its calibrated probability, 0 to 1"),
    ("attack.ranking.LABEL", "calibrated probability of each attack (JSON: a list, most probable first)"),
    ("attack.set", "attacks that together hold the truth at the coverage (CSV: joined by |)"),
    ("attack.coverage", "how often such a set holds the truth"),
    ("attack.entropy", "of the ranking, in bits; 0 is certain"),
    ("attack.sigma", "the task's learned standard deviation (eq. 14), the same for every image of a pack"),
    ("victim.*", "the same seven for the victim"),
    ("hyperparameter.name", "epsilon, kappa, overshoot, or none under clean: that of the most probable attack"),
    ("hyperparameter.value", "in its unit"),
    ("hyperparameter.low", "lower end of its interval at the coverage"),
    ("hyperparameter.high", "upper end"),
    ("hyperparameter.unit", "/255, logits or %; a value of 30 with /255 means 30/255"),
    ("hyperparameter.sigma", "the task's learned standard deviation (eq. 14)"),
    ("hyperparameter.minimum", "least value the pack was trained on"),
    ("hyperparameter.maximum", "greatest value the pack was trained on"),
    ("hyperparameter.coverage", "how often such an interval holds the truth, if the attack is right"),
    ("hyperparameters.LABEL.*", "the same nine under each attack (JSON: a list in the ranking's order, with attack)"),
    ("false_alarm", "at most this share of clean images, of known ones if any, looks as attacked; empty if not told"),
    ("reference.digest", "known clean images that the answer was told beside; empty where there were none"),
    ("reference.images", "how many of them were judged as this one was"),
    ("reference.known", "whether this is one of them"),
    ("familiarity.score", "distance from the pack's calibration images, or likeness to changed ones that it errs on"),
    ("familiarity.threshold", "scores at or under it are familiar"),
    ("familiarity.familiar", "whether it is; if not, the answers may mean nothing, and if so, they may still be wrong"),
    ("familiarity.calibrated", "if unfamiliar, whether its doubt is that of images changed after an attack that lasts"),
    ("adjustments", "what had to be done to the image to judge it (CSV: joined by |)"),
    ("evidence", "image, or image+probes where victims were asked"),
    ("asked", "the victims that were asked (CSV: joined by |)"),
    ("closed_set", "whether one of these was taken to be the victim of any attack, as the user said"),
    ("seen.label", "the class that the named victim sees in the image, by name or else by number; empty if not asked"),
    ("seen.before", "what the image was before, as far as the victims asked can tell"),
    (
        "testimonies.VICTIM.changes",
        "whether it gives the image another class than the estimated clean or the compressed one",
    ),
    ("testimonies.VICTIM.margin", "logits from its class to what the image was before, as the victims asked tell it"),
    ("testimonies.VICTIM.match", "agreement of its gradient with the perturbation's signs, -1 to 1"),
    ("testimonies.VICTIM.odds", "log of how many times as probable its answers are if it is the victim as if not"),
    ("testimonies.VICTIM.label", "the class that it sees in the image, by name or else by number"),
    ("testimonies.VICTIM.before", "what the image was before, as far as the victims asked can tell"),
    ("testimonies.VICTIM.others", "how many others of its data set were asked"),
    ("testimonies.VICTIM.others_before", "how many of these see in the image what it was before"),
    ("testimonies.VICTIM.others_alike", "how many of these see the class in it that the victim sees"),
    ("testimonies.VICTIM.sha256", "hash of its weights file (JSON: a list, each with its victim's name)"),
    ("duplicate_of", "the first file with the same bytes, for every later one"),
    ("tag", "the analyst's"),
    ("note", "the analyst's"),
)
"""Every field of a record: its name in CSV and JSON, and what it means."""

FRAME_FIELDS: tuple[tuple[str, str], ...] = (
    ("schema", "the version of these fields"),
    ("pack.id", "the pack's name and the first 12 digits of pack.sha256"),
    ("pack.name, pack.title", "what the pack is called, by programs and by people"),
    ("pack.sha256", "hash of all that the pack says, its weights' hash included, as mtaa packs verify tells it"),
    ("pack.weights_sha256", "hash of its weights"),
    ("device", "what computed the answers"),
    ("program", "the versions of this program and its libraries that judged the images"),
    ("case", "path of the case that the records are of, null where there is none"),
    (
        "left_out",
        "how many files of the folders are hidden, linked, or of no image type that is read, in words; null for none",
    ),
    (
        "attacked",
        "images: how many can be called attacked with, in the mean, a share of false_discovery_rate of clean ones "
        "among them; copies count once, "
        "unfamiliar ones not; null where the pack does not tell, and of images picked out of others",
    ),
    (
        "together",
        "what the familiar images that are called attacked say together: images, how many those are, and makers, the "
        "likeliest, one or as many as explain them better, each with its images, attack and victim (label, "
        "probability) and hyperparameter (the median, with the quartiles as low and high); null of fewer than two",
    ),
    ("records", "a list with the fields below for each file"),
)
"""What stands around the records in JSON alone, and what it means."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FILE = ("bytes", "modified", "read", "format", "width", "height", "bits", "lossy")
_CLASS = ("label", "probability", "ranking", "set", "coverage", "entropy", "sigma")
_VALUE = ("name", "value", "low", "high", "unit", "sigma", "minimum", "maximum", "coverage")
_FAMILIARITY = ("score", "threshold", "familiar", "calibrated")


def csv_parts(
    records: Collection[Record], manifest: Manifest, remarks: Mapping[str, Remark] | None = None
) -> Iterator[bytes]:
    """The CSV file of all records, UTF-8, a line at a time: one a record under a line of names.

    Floats have all their digits. Text that a spreadsheet would run as a formula gets a ' before it. The records are
    gone through twice, and never flattened all at once.
    """
    # Victims that were asked bring columns of their own, which the pack's manifest does not know.
    found = (name for row in rows(records, remarks) for name, _ in _flat(row))
    writer = csv.DictWriter(_Echo(), dict.fromkeys(chain(columns(manifest), found)), restval="")
    yield writer.writeheader()
    for row in rows(records, remarks):
        yield writer.writerow({name: _cell(value) for name, value in _flat(row)})


class _Echo:
    """In the place of a file: hands each line back, which the writer passes on."""

    def write(self, line: str) -> bytes:
        return line.encode("utf-8", "backslashreplace")


def columns(manifest: Manifest) -> list[str]:
    """The names of a pack's CSV columns."""
    attacks, victims = [a.name for a in manifest.attacks], [v.name for v in manifest.victims]
    return [
        *("path", "sha256", "status", "error"),
        *(f"file.{name}" for name in _FILE),
        *_class_columns("attack", attacks),
        *_class_columns("victim", victims),
        *(f"hyperparameter.{name}" for name in _VALUE),
        *(f"hyperparameters.{attack}.{name}" for attack in attacks for name in _VALUE),
        "false_alarm",
        *(f"reference.{name}" for name in ("digest", "images", "known")),
        *(f"familiarity.{name}" for name in _FAMILIARITY),
        *("adjustments", "evidence", "asked", "closed_set", "seen.label", "seen.before"),
        *("duplicate_of", "tag", "note"),
    ]


def _class_columns(task: str, labels: list[str]) -> Iterator[str]:
    for name in _CLASS:
        yield from (f"{task}.ranking.{label}" for label in labels) if name == "ranking" else (f"{task}.{name}",)


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names with dots and values; lists over labels spread out."""
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif key == "ranking":
            yield from ((f"{name}.{candidate['label']}", candidate["probability"]) for candidate in value)
        elif key == "hyperparameters" and value is not None:
            for answer in value:
                yield from _flat({k: v for k, v in answer.items() if k != "attack"}, f"{name}.{answer['attack']}.")
        elif key == "testimonies" and value is not None:
            for said in value:
                yield from _flat({k: v for k, v in said.items() if k != "victim"}, f"{name}.{said['victim']}.")
        elif value is not None:
            yield name, value


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = "|".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
