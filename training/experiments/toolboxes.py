"""The pack under test on the same attacks made by other toolboxes, on digits that it has not seen, by their defaults.

By the image alone, and with those of its victims asked that are at hand. An image that does not fool its victim, or
with a margin under the kappa asked for, is counted and not judged.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from core.frozen import how_to_get
from core.victim_store import Held
from training.attacks import ATTACKS
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table, rounded
from training.experiments.judge import Truth, attributor_of, counted, held_by, judge, taught_victims
from training.experiments.perturbations import attack_digits, known_digits, load
from training.experiments.study import Arrays, Cell, Result, Study
from training.scenario import AttackSpec, VictimSpec

IMAGES = 40
"""Of each toolbox, attack and victim at scale 1."""
_VALUES = {"epsilon": 5, "kappa": 2}
"""Of the hyperparameter: a toolbox is called once for each, and its C&W takes thousands of passes every time."""

DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    # PGD has no default step or number of steps here: those of Madry et al. 2018, 40 steps of epsilon / 30.
    "cleverhans": {
        "FGSM": {}, "PGD": {"steps": 40, "relative_step": 4 / 3},
        "C&W": {"search_steps": 5, "steps": 1000, "learning_rate": 5e-3, "initial_c": 1e-2},
    },
    # Its PGD defaults to 10 steps of a quarter of its default epsilon.
    "torchattacks": {
        "FGSM": {}, "PGD": {"steps": 10, "relative_step": 2.5}, "C&W": {"steps": 50, "learning_rate": 0.01, "c": 1.0},
    },
    # Its C&W defaults to 9 searches of 10,000 steps with early abort, a matter of days here: 1,000 steps.
    "foolbox": {
        "FGSM": {}, "PGD": {"steps": 40, "relative_step": 4 / 3},
        "C&W": {"search_steps": 9, "steps": 1000, "learning_rate": 0.01, "initial_c": 1e-3},
    },
}  # fmt: skip


def cells(study: Study, seed: int) -> list[Cell]:
    victims = taught_victims(study)
    known = {a.name for a in study.pack.manifest.attacks}
    held = held_by(study)
    return [
        _cell(study, seed, toolbox, name, victim, victims[victim.label], held)
        for toolbox, attacks in DEFAULTS.items()
        for name in attacks
        if name in known and (toolbox, name) in ATTACKS
        for victim in study.scenario.victims
    ]


def _cell(
    study: Study, seed: int, toolbox: str, name: str, victim_spec: VictimSpec, sha256: str, held: Sequence[Held]
) -> Cell:  # fmt: skip
    manifest = study.pack.manifest
    label = next(a for a in manifest.attacks if a.name == name)
    index = manifest.attacks.index(label)
    victim_index = [v.name for v in manifest.victims].index(victim_spec.label)
    count = study.images(IMAGES)
    number = min(count, _VALUES.get(label.hyperparameter, 1)) if label.width else 1
    step = (label.maximum - label.minimum) / (number + 1)
    spec = AttackSpec.model_validate(
        {
            "name": name, "backend": toolbox, "parameters": DEFAULTS[toolbox][name],
            "grid": {"first": label.minimum + step, "last": label.maximum - step, "count": number},
            "cell": {"train": 0, "calibration": 0, "test": 1},
        }
    )  # fmt: skip

    images = _images(study, seed, spec, victim_spec, sha256, count)

    def compute(_: Path) -> Result:
        made = study.run(images)
        figures = {name: made[name] for name in ("tried", "made")}
        if not figures["made"]:
            return Result(figures)
        adversarial, values = (study.arrays(images)[name] for name in ("adversarial", "value"))
        alike = np.full(len(adversarial), index), np.full(len(adversarial), victim_index)
        truth = Truth(*alike, values)
        verdicts = judge(attributor_of(study), adversarial, study.tell)
        figures |= counted(verdicts, truth, manifest)
        arrays = verdicts.arrays() | {"true_value": truth.value}
        if held:
            asked = judge(attributor_of(study, held), adversarial, study.tell)
            figures["victims_asked"] = counted(asked, truth, manifest) | {"asked": names}
            arrays |= {f"asked_{column}": found for column, found in asked.arrays().items()}
        return Result(figures, arrays)

    names = [one.name for one in held]
    settings = {
        "seed": seed, "pack": manifest.pack_id, "clean": study.clean.digest, "attack": spec.model_dump(),
        "victim": victim_spec.label, "sha256": sha256, "images": count, "asked": names,
    }  # fmt: skip
    found = importlib.util.find_spec(toolbox) is not None
    absent = "" if found else f"{toolbox} is not installed. {how_to_get(toolbox, 'bench')}"
    return Cell(f"{toolbox} {name} on {victim_spec.label}", "toolbox", settings, compute, absent)


def _images(
    study: Study, seed: int, spec: AttackSpec, victim_spec: VictimSpec, sha256: str, count: int
) -> Cell:  # fmt: skip
    """What a toolbox makes, which takes most of the time and is the same for every pack."""

    def compute(_: Path) -> Result:
        victim = load(study, victim_spec)
        images, (labels,) = known_digits(study, [victim], count)
        values = np.resize(spec.grid.values, len(images))
        if ATTACKS[spec.backend, spec.name].hyperparameter == "epsilon":
            values = values.round()  # between two 8-bit levels the lower one is what is made
        made = attack_digits(study, victim, spec, images, labels, values, seed=seed)
        arrays = {"adversarial": made.adversarial[made.success], "value": values[made.success]}
        return Result({"tried": len(images), "made": len(arrays["value"])}, arrays)

    settings = {
        "seed": seed, "clean": study.clean.digest, "attack": spec.model_dump(), "victim": victim_spec.label,
        "sha256": sha256, "images": count,
    }  # fmt: skip
    return Cell(f"{spec.backend} {spec.name} on {victim_spec.label}: images", "toolbox-images", settings, compute)


_SHARES = ("attack", "victim", "unfamiliar")


def _pooled(found: Found, beginning: str) -> dict[str, dict[str, list[float]]]:
    """Figures over all victims of one toolbox and attack, by seed, every image weighing the same.

    What was made under "", what the pack says by the image under "image", and with its victims asked under "asked".
    """
    pooled: dict[str, dict[str, list[float]]] = {"": {"tried": [], "made": []}, "image": {}, "asked": {}}
    for cells in found.runs.values():
        own = [cell for name, cell in cells.items() if name.startswith(beginning)]
        if not own:
            continue
        for key, over in pooled[""].items():
            over.append(sum(cell[key] for cell in own))
        judged = [cell for cell in own if cell.get("examples")]
        asked = [cell["victims_asked"] for cell in judged if "victims_asked" in cell]
        for way, answers in (("image", judged), ("asked", asked)):
            if not answers:
                continue
            weights = [answer["examples"] for answer in answers]
            for key in _SHARES:
                share = 100 * float(np.average([answer[key] for answer in answers], weights=weights))
                pooled[way].setdefault(key, []).append(share)
            squares = [answer["hyperparameter"] ** 2 for answer in answers]
            error = float(np.sqrt(np.average(squares, weights=weights)))
            pooled[way].setdefault("hyperparameter", []).append(error)
    return pooled


def table(found: Found) -> Table:
    rows = []
    for toolbox, attacks in DEFAULTS.items():
        for name in attacks:
            pooled = _pooled(found, f"{toolbox} {name} on ")
            made = [rounded(values, 0) for values in pooled[""].values()]
            keys = (*_SHARES, "hyperparameter")
            told = [rounded(pooled[way].get(key, []), 2) for way in ("image", "asked") for key in keys]
            rows.append([toolbox, name, *made, *told])
    by_image = ["attack %", "victim %", "unfamiliar %", "RMSE"]
    asked = [f"{heading}, victims asked" for heading in by_image]
    return Table(["Toolbox", "Attack", "tried", "fooled", *by_image, *asked], rows)


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    panels: dict[str, dict[str, dict[str, float | None]]] = {"attack": {}, "victim": {}, "victim, victims asked": {}}
    for toolbox, attacks in DEFAULTS.items():
        for name in attacks:
            pooled = _pooled(found, f"{toolbox} {name} on ")
            for title, panel in panels.items():
                way = "asked" if title.endswith("asked") else "image"
                values = pooled[way].get(title.split(",")[0])
                panel.setdefault(toolbox, {})[name] = float(np.mean(values)) if values else None
    bars(figure, {f"{title} (%)": panel for title, panel in panels.items()})


ITEM = Item(
    "toolboxes", "The same attacks made by other toolboxes, by their defaults", cells, table, draw, of_pack=True,
    examples=False,
    choices=(
        "Five epsilons and two kappas, evenly within the pack's range; RMSE on Table 1's scale.",
        "Asked are those of the pack's victims whose files are in DIR/victims.",
        "PGD's step is each toolbox's default ratio to epsilon; foolbox's C&W is cut to 1,000 steps a search.",
        "An image that does not fool its victim, or by less than the kappa asked for, is counted and not judged.",
    ),
)  # fmt: skip
