"""Our attacks beside the other toolboxes': same victim, images, hyperparameter, steps and precision, in one run.

Every contender goes through the same template, so that each one's time holds the same checks and the same verdict,
and is repeated in turn with the others, so that a machine that slows down slows all of them. The floor is what the
victim alone allows: its rate of forward passes with an input gradient, divided by the passes that the settings ask for.
It is measured anew in every repeat and precision, on the images that the first contender made.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text
from torch import Tensor, nn

from core.devices import in_bf16, name_of, wait_for
from core.errors import AttackError, VictimError
from core.files import write_file
from core.victims import load_folded
from training.attacks import Attack, AttackResult, make_attack
from training.attacks.base import Oracle, Precision, cross_entropy, victim_name
from training.naming import batch_of
from training.sources import CleanImages, load_source

PEERS = ("cleverhans", "torchattacks", "foolbox", "art")
_FLOOR_PASSES = 40


@dataclass(frozen=True, slots=True)
class Settings:
    """What every contender is asked for. ``patience``: seconds after which a contender is not repeated again."""

    attacks: tuple[str, ...] = ("FGSM", "PGD", "C&W")
    peers: tuple[str, ...] = PEERS
    epsilon: float = 0.1
    kappa: float = 1.0
    pgd_steps: int = 40
    search_steps: int = 5
    cw_steps: int = 200
    repeats: int = 3
    patience: float = 120.0

    def passes(self, attack: str) -> int:
        """Gradient passes an example that the settings ask for."""
        return {"FGSM": 1, "PGD": self.pgd_steps, "C&W": self.search_steps * self.cw_steps}[attack]


@dataclass(slots=True)
class Contender:
    """One attack of one toolbox, and what it did; ``seconds`` holds one entry for each repeat."""

    label: str
    attack: Attack
    seconds: list[float] = field(default_factory=list)
    result: AttackResult | None = None
    failure: str | None = None

    def run(self, victim: nn.Module, images: Tensor, labels: Tensor, values: Tensor) -> None:
        generator = torch.Generator().manual_seed(0)
        begun = time.perf_counter()
        try:
            self.result = self.attack(victim, images, labels, values, generator=generator)
        except AttackError as error:
            self.failure = str(error)
            return
        wait_for(images.device)
        self.seconds.append(time.perf_counter() - begun)


def contenders(name: str, settings: Settings, precisions: Sequence[Precision]) -> list[Contender]:
    """Ours in each precision and its quick setting in the last, then each peer's, all at the same steps."""
    steps: dict[str, dict[str, object]] = {
        "FGSM": {},
        "PGD": {"steps": settings.pgd_steps, "random_start": False},
        "C&W": {"search_steps": settings.search_steps, "steps": settings.cw_steps},
    }
    if name not in steps:
        raise AttackError(f"No benchmark is made for the attack {name!r}.", f"Choose of {', '.join(steps)}.")
    entries: list[tuple[str, str, dict[str, object]]] = [
        (f"mtaa {precision}", "mtaa", {**steps[name], "precision": precision}) for precision in precisions
    ]
    if name == "C&W":
        quick: dict[str, object] = {"search_steps": 2, "steps": 30, "precision": precisions[-1]}
        entries.append((f"mtaa {precisions[-1]}, 2 x 30", "mtaa", quick))
    for peer in settings.peers:
        own = dict(steps[name])
        if (peer, name) == ("torchattacks", "C&W"):
            del own["search_steps"]  # it has none: 1 x steps
        entries.append((peer, peer, own))
    return [Contender(label, make_attack({"name": name, "backend": backend, **own})) for label, backend, own in entries]


@dataclass(slots=True)
class Floor:
    """Seconds that one gradient pass over the batch took, one entry for each repeat."""

    precision: Precision
    seconds: list[float] = field(default_factory=list)

    def run(self, victim: nn.Module, images: Tensor, attacked: Tensor, labels: Tensor, passes: int) -> None:
        """Passes as an attack has them: the first on clean images, the others on what it made of them."""
        oracle, loss, count = Oracle(victim, self.precision), cross_entropy(labels), min(passes, _FLOOR_PASSES)
        begun = time.perf_counter()
        for index in range(count):
            oracle.gradient(attacked if index else images, loss)
        wait_for(images.device)
        self.seconds.append((time.perf_counter() - begun) / count)


def run(victim: nn.Module, images: Tensor, labels: Tensor, settings: Settings | None = None) -> dict[str, object]:
    """Measure every contender; returns what ``benchmark`` prints and writes.

    victim: frozen, in eval mode; images: float32 [B, C, H, W], 8-bit; labels: int64 [B].
    """
    settings = settings or Settings()
    precisions: tuple[Precision, ...] = ("fp32", "bf16") if in_bf16(images.device) else ("fp32",)
    rates: dict[str, dict[str, float]] = {}
    rows: list[dict[str, object]] = []
    for name in settings.attacks:
        field_of = contenders(name, settings, precisions)
        floors = [Floor(precision) for precision in precisions]
        for _ in range(settings.repeats):
            for contender in field_of:
                if contender.failure is None and max(contender.seconds, default=-1) < settings.patience:
                    value = settings.kappa if contender.attack.hyperparameter == "kappa" else settings.epsilon
                    contender.run(victim, images, labels, torch.full((len(images),), value))
                if contender is field_of[0]:
                    made = images if contender.result is None else contender.result.adversarial
                    for floor in floors:
                        floor.run(victim, images, made, labels, settings.passes(name))
        rates[name] = {floor.precision: len(images) / statistics.median(floor.seconds) for floor in floors}
        of = {floor.precision: floor for floor in floors}
        rows += [_row(each, field_of[0], settings, of[each.attack.precision]) for each in field_of]
    return {
        "victim": victim_name(victim),
        "images": len(images),
        "shape": list(images.shape[1:]),
        "settings": asdict(settings),
        "machine": {
            "platform": f"{platform.system()} {platform.machine()}",
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": name_of(images.device),
        },
        "gradient_passes_per_second": rates,
        "rows": rows,
    }


def _row(contender: Contender, ours: Contender, settings: Settings, floor: Floor) -> dict[str, object]:
    name = contender.attack.name
    row: dict[str, object] = {
        "attack": name,
        "contender": contender.label,
        "parameters": contender.attack.model_dump(),
        "failure": contender.failure,
    }
    if contender.result is None:
        return row
    result, images = contender.result, len(contender.result.success)
    rate = images / statistics.median(contender.seconds)
    row |= {
        "seconds": contender.seconds,
        "examples_per_second": rate,
        "share_of_floor": statistics.median(  # repeat by repeat, so that noise hits both sides of each ratio
            settings.passes(name) * least / taken
            for least, taken in zip(floor.seconds, contender.seconds, strict=False)
        ),
        "success": result.success.float().mean().item(),
        "mean_l2": result.l2[result.success].mean().item() if bool(result.success.any()) else None,
    }
    if ours.result is not None:
        both = result.success & ours.result.success
        row["ours_faster_by"] = images / statistics.median(ours.seconds) / rate
        row["l2_to_ours"] = (result.l2[both].mean() / ours.result.l2[both].mean()).item() if bool(both.any()) else None
    return row


def table(report: dict[str, object]) -> Table:
    """The report as printed. "ours faster" and "L2 / ours" compare with ours in fp32, L2 where both succeeded."""
    headings = ("examples/s", "of floor", "ours faster", "success", "mean L2", "L2 / ours")
    drawn = Table(
        Column("attack", no_wrap=True),
        Column("contender", no_wrap=True, min_width=17),
        *headings,
        title=f"Attacks on {report['victim']}, {report['images']} images",
    )
    rows: Iterable[dict[str, object]] = report["rows"]  # type: ignore[assignment]
    for row in rows:
        if row["failure"] is not None:
            drawn.add_row(str(row["attack"]), str(row["contender"]), "failed")
            told = f"{row['contender']} {row['attack']}: {row['failure']}\n"
            drawn.caption = Text.assemble(drawn.caption or "", told)  # as it is: an extra's brackets are no markup
            continue
        cells = [
            _shown(row.get(key), form)
            for key, form in (
                ("examples_per_second", "{:.1f}"),
                ("share_of_floor", "{:.0%}"),
                ("ours_faster_by", "{:.2f} x"),
                ("success", "{:.1%}"),
                ("mean_l2", "{:.3f}"),
                ("l2_to_ours", "{:.3f}"),
            )
        ]
        drawn.add_row(str(row["attack"]), str(row["contender"]), *cells)
    return drawn


def _shown(value: object, form: str) -> str:
    return "-" if value is None else form.format(value)


def benchmark(
    data: Path,
    victim: Path,
    json_path: Path | None = None,
    *,
    source: str = "mnist",
    examples: int = 128,
    device: torch.device,
    settings: Settings | None = None,
) -> dict[str, object]:
    """Attack the victim's file with test images that it classifies rightly; print the table, write ``json_path``.

    data: folder of the clean images. Raises VictimError if the victim knows fewer than ``examples`` images.
    """
    attacked = load_folded(victim)[0].frozen().to(device)
    images, labels = _understood(attacked, load_source(source, data), examples, device)
    report = run(attacked, images, labels, settings)
    Console().print(table(report))
    if json_path is not None:
        write_file(json_path, json.dumps(report, indent=2).encode())
    return report


@torch.no_grad()
def _understood(victim: nn.Module, clean: CleanImages, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The first ``count`` test images that the victim classifies rightly, and their labels."""
    rows = clean.rows("test")[: 4 * count]
    images, labels = batch_of(clean, rows, device)
    right = torch.cat([victim(part).argmax(1) for part in torch.split(images, count)]) == labels
    if int(right.sum()) < count:
        raise VictimError(
            f"The victim {victim_name(victim)} classifies only {int(right.sum())} of {len(rows)} test images rightly.",
            f"Choose a better victim, or fewer than {count} images.",
        )
    return images[right][:count], labels[right][:count]
