"""What asking the victims adds to the image: all of them, one that is only handed over, one that nobody holds, a copy
that was trained anew, an attack that was made on another, each probe left out, and what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from core.errors import DataError
from core.probes import PROBES
from training.experiments.asking import Asking
from training.experiments.draw import bars
from training.experiments.item import Found, Item, Table
from training.experiments.judge import check_victims
from training.experiments.retrained import SEED_APART
from training.experiments.study import Arrays, Cell, Result, Study

GROUPS: dict[str, tuple[str, ...]] = {
    "the margin and its rise": ("gap", "margin", "rise", "flip"),
    "the gradient at the image": ("slope", "cosine", "sign", "weighted_sign", "moved_sign"),
    "the clean estimate": tuple(name for name in PROBES if name.startswith(("clean_", "loss_"))),
    "the loss's gradient": tuple(name for name in PROBES if name.startswith("loss_")),
    "the compressed image": tuple(name for name in PROBES if name.startswith("compressed_")),
    **{name: (name,) for name in PROBES},
}
"""What the ablation leaves out, together and one by one."""

_KEPT = ": 90% sets, and intervals (last), that hold it, %"
"""At the end of a row's name."""

SIDES = {"image": "image", "probes": "probes", "both": "both", "closed": "both, closed set"}


def cells(study: Study, seed: int) -> list[Cell]:
    check_victims(study)
    _check_labels(study)
    state = Asking(study, seed)
    settings = {"pack": study.pack.manifest.pack_id, "data": study.fingerprint, "seed": seed}

    def cell(name: str, compute: Callable[[], dict[str, Any]], **more: Any) -> Cell:
        return Cell(name, "evidence", settings | {"cell": name} | more, lambda _: Result(compute()))

    victims = study.scenario.victims
    return [
        cell("sides", state.sides),
        *(cell(f"without {spec.label}", partial(state.left_out, at)) for at, spec in enumerate(victims)),
        cell("transfer", state.transfer),
        *(
            cell(f"copy of {spec.label}", partial(state.copy, spec), trained_with=SEED_APART)
            for spec in [spec for spec in victims if spec.file is None][:1]  # one that is trained here
        ),
        *(cell(f"no {name}", partial(state.ablated, left), left_out=left) for name, left in GROUPS.items()),
        cell("no company of others", state.by_themselves),
        cell("cost", state.cost),
    ]  # fmt: skip


def _check_labels(study: Study) -> None:
    """Raise DataError unless the pack's labels are the examples', in their order: answers are counted by number."""
    manifest, scenario = study.pack.manifest, study.scenario
    pairs = (
        ("attacks", [a.name for a in manifest.attacks], scenario.attack_names),
        ("victims", [v.name for v in manifest.victims], scenario.victim_names),
    )
    for kind, known, made in pairs:
        if known != made:
            raise DataError(
                f"{manifest.pack_id} knows the {kind} {', '.join(known)}; the examples' are {', '.join(made)}.",
                "Give the pack that was trained on these examples with --pack.",
            )


def table(found: Found) -> Table:
    """One row a question; the columns mean what the question's row says."""
    rows: list[list[str]] = []
    sides: dict[str, Any] = next(iter(found.get("sides")), {})
    for side, title in SIDES.items():
        for attack in ("", *next(iter(found.get("sides", side, "by_attack")), {})):
            path = (side, "by_attack", attack) if attack else (side, "without_clean")  # victims alone say none is clean
            rmse = found.number("sides", *path, "rmse_table1_scale")
            rows.append([f"{title}: {attack or 'all attacks'}", *_named(found, "sides", *path), rmse])
    rows.append([f"{SIDES['closed']}{_KEPT}", *_coverage(found, "sides", "closed")])
    for number in sides.get("by_number_asked", {}):
        rows.append([f"both, {number} asked", *_named(found, "sides", "by_number_asked", number), ""])
        rows.append([f"both, {number} asked{_KEPT}", *_coverage(found, "sides", "by_number_asked", number)])
    names = found.names
    for name in (name for name in names if name.startswith("without ")):
        rows.append([f"{name}, handed over", found.percent(name, "handed_over"), "", ""])
        rows.append([f"{name}, handed over, closed set", found.percent(name, "handed_over_closed"), "", ""])
        rows.append([f"{name}, handed over{_KEPT}", *_coverage(found, name)])
        rows.append([f"{name}, not held: AUROC of none", found.percent(name, "none_auroc"), "", ""])
    for kind in ("surrogate", "fooled", "none", "another"):
        rows.append([f"transfer, one fooled victim asked: {kind} named", found.percent("transfer", kind), "", ""])
    for name in (name for name in names if name.startswith("copy of ")):
        for situation in ("both_at_hand", "copy_alone"):
            for kind in ("original", "copy", "none"):
                words = f"{name}, {situation.replace('_', ' ')}: {kind} named"
                rows.append([words, found.percent(name, situation, kind), "", ""])
    for name in (name for name in names if name.startswith("no ")):
        for side in ("both", "probes"):
            path = (name, side, "without_clean")
            rows.append([f"{side}, {name}", *_named(found, *path), found.number(*path, "rmse_table1_scale")])
    return Table(["Evidence", "victim % (or as named)", "attack %", "RMSE"], rows)


def _named(found: Found, *path: str) -> list[str]:
    """Of the cell and what it has at ``path``."""
    return [found.percent(*path, f"{task}_accuracy") for task in ("victim", "attack")]


def _coverage(found: Found, *path: str) -> list[str]:
    return [found.percent(*path, f"{kind}_coverage") for kind in ("victim_set", "attack_set", "interval")]


def draw(figure: Figure, found: Found, _: Mapping[str, Arrays]) -> None:
    attacks = list(next(iter(found.get("sides", "both", "by_attack")), {}))
    panels = {
        title: {
            name: {a: found.mean("sides", side, "by_attack", a, key) for a in attacks} for side, name in SIDES.items()
        }
        for title, key in (("victim accuracy", "victim_accuracy"), ("RMSE, Table 1's scale", "rmse_table1_scale"))
    }
    bars(figure, panels)


ITEM = Item(
    name="evidence",
    title="Asking the victims: what their answers add to the image",
    cells=cells,
    table=table,
    draw=draw,
    choices=(
        "Each victim is asked at the image and at its estimated clean image, by a forward pass and the gradient of a "
        "margin, at the latter by the loss's gradient too, and at the compressed image by a forward pass.",
        "What an image was before its attack is told by all that are asked, together, and each hears whether the "
        "others see that in the image; without company, each is by itself.",
        "In a closed set one of the victims asked is taken to be the victim, if there was an attack.",
        "The rows without a victim: the scorer and its weights saw no example against it, and its label is struck from "
        "the image's answers. The image network itself was trained with it.",
        "Unfamiliar test examples are weighed and told as the others; a pack may have weights of their own for them.",
        "Transfer: test examples that also turn a victim that they were not made on, which is the only one asked.",
        "The copy is the first victim that was trained here, trained anew with another seed; asked are images made "
        "against the original.",
    ),
    of_pack=True,
)
