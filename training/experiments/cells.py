"""The cells that several items share: an MTAA network, a rival, a pack; each trained on a subset and measured on test.

The figures come from ``training.metrics`` wherever an attack, a victim and a value are told; the predictions that they
come from are kept beside them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.files import write_file
from core.manifest import AttackLabel
from core.model.config import PAPER, PAPER_PHOTOGRAPHS, NetworkConfig
from core.pack import load_pack
from core.types import DEFAULT_COVERAGE
from training.experiments.judge import attributor_of, judge
from training.experiments.rivals import RivalName, make_rival
from training.experiments.single import VALUE_SCALE, answer_single, train_single
from training.experiments.study import EPOCHS, TEST, Arrays, Cell, Result, Study
from training.experiments.subset import Subset, cell_counts, evenly, labels_of, narrow, unit
from training.export import export_pack
from training.lasting import still_fools
from training.metrics import Predictions, evaluate
from training.plan import image_of
from training.scenario import Scenario, TrainingSpec
from training.shards import Examples
from training.sources import Split
from training.trainer import EpochReport, RawAnswers, Trainer, answer

Task = Literal["attack", "victim", "hyperparameter"]
TASKS: tuple[Task, ...] = ("attack", "victim", "hyperparameter")
"""Of the sets and intervals whose share of hits is told."""
CURVE_EXAMPLES = 1000
"""Test examples that a curve is drawn from, evenly taken."""


def training_spec(study: Study) -> TrainingSpec:
    """Section 4.1: Adam, cosine from 0.001, weight decay 0.001, batches of 64; the epochs are ours."""
    return TrainingSpec(epochs=study.epochs_of(EPOCHS), precision=study.scenario.training.precision)


def paper_network(study: Study) -> NetworkConfig:
    """MTAA as the paper has it for such images."""
    return PAPER_PHOTOGRAPHS if study.photographs else PAPER


def subset(study: Study, **changes: Any) -> Subset:
    """The paper's examples at the study's scale."""
    return Subset(**{"per_cell": study.per_cell, **changes})


def every_entry(study: Study) -> Subset:
    """The scenario's own examples at the study's scale: all attack entries in their own units, and clean ones."""
    most = max(attack.cell.train for attack in study.scenario.attacks)
    clean = round(study.scenario.clean.examples.train * min(1.0, study.per_cell / most))
    return Subset(study.per_cell, max(1, clean) if study.scenario.has_clean else 0, paper=False)


def test_of(study: Study, chosen: Subset) -> Examples:
    """The subset's test examples, at most the paper's 20 a cell and an eighth as many clean ones as in training."""
    clean = max(1, round(TEST * chosen.clean / chosen.per_cell)) if chosen.clean else 0
    return study.examples("test", Subset(TEST, clean, chosen.attacks, chosen.victims, chosen.paper))


def resources(network: nn.Module, shape: Sequence[int]) -> dict[str, Any]:
    """Parameters in millions and billions of multiply-accumulates of one image's forward pass (Table 7's columns)."""
    one = torch.zeros(1, *shape)
    device = next(network.parameters()).device
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(one.to(device))
    return {
        "parameters_millions": sum(p.numel() for p in network.parameters()) / 1e6,
        "gigamacs": counter.get_total_flops() / 2e9,
    }


# --- MTAA -----------------------------------------------------------------------------------------------------------


def mtaa(study: Study, seed: int, network: NetworkConfig, chosen: Subset, name: str = "mtaa") -> Cell:
    """An MTAA network of any configuration on the paper's terms, with its test curve over the epochs."""
    spec = training_spec(study)

    def compute(folder: Path) -> Result:
        scenario = narrow(study.scenario, chosen).model_copy(
            update={"network": network, "training": spec, "seed": seed}
        )
        labels = labels_of(study.scenario, chosen)
        train, test = study.examples("train", chosen), test_of(study, chosen)
        shape = train.adversarial.shape[1:]
        trainer = Trainer(scenario, labels, image_of(shape, scenario), train, folder, study.device)
        curve = _Curve(folder / "curve.json", trainer.network, scenario, labels, test, study.device)
        history = trainer.run(tell=study.tell, report=curve.add)
        answers = answer(trainer.network, torch.from_numpy(test.adversarial), study.device)
        figures = measured(answers, scenario, labels, test)
        figures |= resources(trainer.network, shape) | counted(train, test)
        figures["history"] = [curve.of(report) for report in history]
        return Result(figures, predictions_of(answers, test))

    return Cell(name, "mtaa", _settings(study, seed, spec, chosen, network=network.model_dump()), compute)


def measured(answers: RawAnswers, scenario: Scenario, labels: list[AttackLabel], test: Examples) -> dict[str, Any]:
    """Accuracies and the RMSE on Table 1's scale, in all and by attack."""
    predictions = Predictions(
        answers.attack.double().softmax(1).numpy(), answers.victim.double().softmax(1).numpy(),
        answers.hyperparameter.double().numpy(),
    )  # fmt: skip
    found = evaluate(predictions, labels, scenario.victim_names, test.attack, test.victim, test.hyperparameter)
    return _short(found) | {"by_attack": {name: _short(part) for name, part in found["by_attack"].items()}}


def _short(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attack": found["attack_accuracy"], "victim": found["victim_accuracy"],
        "hyperparameter": found["rmse_table1_scale"],
    }  # fmt: skip


def predictions_of(answers: RawAnswers, test: Examples) -> Arrays:
    """What the figures were computed from: raw answers [N, ...] and the truth [N]."""
    return {
        "attack": answers.attack.numpy(), "victim": answers.victim.numpy(),
        "hyperparameter": answers.hyperparameter.numpy(), **truth_of(test),
    }  # fmt: skip


def truth_of(test: Examples) -> Arrays:
    return {
        "true_attack": test.attack, "true_victim": test.victim, "true_hyperparameter": test.hyperparameter,
    }  # fmt: skip


def counted(train: Examples, test: Examples) -> dict[str, Any]:
    return {"train": cell_counts(train), "test": cell_counts(test)}


class _Curve:
    """The test figures after every epoch, kept in a file so that a resumed training has those of its first run too."""

    def __init__(
        self, path: Path, network: nn.Module, scenario: Scenario, labels: list[AttackLabel], test: Examples,
        device: torch.device,
    ) -> None:  # fmt: skip
        self._path, self._network, self._scenario, self._labels, self._device = path, network, scenario, labels, device
        rows = evenly(len(test), CURVE_EXAMPLES)
        self._test = test.at(rows)
        self._points: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def add(self, report: EpochReport) -> None:
        answers = answer(self._network, torch.from_numpy(self._test.adversarial), self._device)
        self._points[str(report.epoch)] = measured(answers, self._scenario, self._labels, self._test)
        write_file(self._path, json.dumps(self._points).encode())

    def of(self, report: EpochReport) -> dict[str, Any]:
        """One epoch: the accuracies on training examples as they were seen, and on test; empty if killed in between."""
        point = self._points.get(str(report.epoch), {})
        return {
            "epoch": report.epoch + 1,
            "train": {
                "attack": report.attack_accuracy, "victim": report.victim_accuracy,
                "hyperparameter": self._rmse(report.losses["hyperparameter"]),
            },
            "test": {task: point.get(task) for task in TASKS},
            "sigma": report.sigma,
        }  # fmt: skip

    def _rmse(self, loss: float) -> float:
        """The training loss as an RMSE: errors count relative to the widest range (the shared head's scale)."""
        return float(loss**0.5 * max(label.width for label in self._labels))


# --- rivals -----------------------------------------------------------------------------------------------------------


def rival(study: Study, seed: int, network: RivalName, task: Task, chosen: Subset) -> Cell:
    """A rival trained for one of the three tasks alone (the single-task baselines of Tables 7 and 11)."""
    spec = training_spec(study)

    def compute(folder: Path) -> Result:
        train, test = study.examples("train", chosen), test_of(study, chosen)
        target = getattr(train, task)
        outputs = 1 if task == "hyperparameter" else len(getattr(narrow(study.scenario, chosen), f"{task}_names"))
        kind: Literal["classes", "value"] = "value" if task == "hyperparameter" else "classes"
        net, output = _trained(study, seed, network, kind, outputs, train, target, test, folder, spec)
        right = output.argmax(1) == getattr(test, task)
        error = output[:, 0].astype(np.float64) * VALUE_SCALE - test.hyperparameter
        figure = float(np.sqrt(np.square(error).mean())) if kind == "value" else float(right.mean())
        figures = {task: figure, **resources(net, train.adversarial.shape[1:]), **counted(train, test)}
        return Result(figures, {"output": output, **truth_of(test)})

    settings = _settings(study, seed, spec, chosen, rival=network, task=task)
    return Cell(f"{network}-{task}", "rival", settings, compute)


Combination = Literal["attack-victim", "attack-victim-hyperparameter"]


def single_label(study: Study, seed: int, network: RivalName, combination: Combination, chosen: Subset) -> Cell:
    """A rival over combined labels: 15 of attack and victim, or 300 with the hyperparameter's value (Section 3.2)."""
    spec = training_spec(study)

    def compute(folder: Path) -> Result:
        train, test = study.examples("train", chosen), test_of(study, chosen)
        known, target = np.unique(_combined(train, combination), axis=0, return_inverse=True)
        net, output = _trained(
            study, seed, network, "classes", len(known), train, target.reshape(-1), test, folder, spec
        )
        right = (known[output.argmax(1)] == _combined(test, combination)).all(1)
        scenario = narrow(study.scenario, chosen)
        matrix = {
            attack: {
                victim: float(right[rows].mean())
                for v, victim in enumerate(scenario.victim_names)
                if (rows := (test.attack == a) & (test.victim == v)).any()
            }
            for a, attack in enumerate(scenario.attack_names)
        }
        figures = {"accuracy": float(right.mean()), "classes": len(known), "by_attack_and_victim": matrix}
        figures |= resources(net, train.adversarial.shape[1:]) | counted(train, test)
        return Result(figures, {"logits": output, "classes": known, **truth_of(test)})

    settings = _settings(study, seed, spec, chosen, rival=network, labels=combination)
    return Cell(f"{network}-{combination}", "single-label", settings, compute)


def _combined(examples: Examples, combination: Combination) -> NDArray[np.float64]:
    """The label of each example as columns [N, 2 or 3]: attack, victim, value."""
    columns: list[NDArray[Any]] = [examples.attack, examples.victim]
    if combination == "attack-victim-hyperparameter":
        columns.append(examples.hyperparameter)
    return np.stack([column.astype(np.float64) for column in columns], axis=1)


def _trained(
    study: Study, seed: int, name: RivalName, kind: Literal["classes", "value"], outputs: int, train: Examples,
    target: NDArray[Any], test: Examples, folder: Path, spec: TrainingSpec,
) -> tuple[nn.Module, NDArray[np.float32]]:  # fmt: skip
    """The rival after training and its outputs [N, outputs] on test."""
    torch.manual_seed(seed)
    net = make_rival(name, train.adversarial.shape[1], outputs)
    train_single(net, kind, train.adversarial, target, spec, seed, folder, study.device, study.tell)
    return net, answer_single(net, test.adversarial, study.device)


# --- packs ------------------------------------------------------------------------------------------------------------


def pack(study: Study, seed: int, chosen: Subset, name: str = "pack") -> Cell:
    """The scenario's own network trained, calibrated and exported as a pack, judging all test examples of the scenario.

    The pack stays in ``out/packs``. Examples of attacks and victims that the subset leaves out are judged as well:
    ``true_attack`` and ``true_victim`` are the whole scenario's labels.
    """
    scenario = own_scenario(study, seed, chosen)

    def compute(folder: Path) -> Result:
        labels = labels_of(study.scenario, chosen)
        every = {"attacks": chosen.attacks, "victims": chosen.victims, "paper": chosen.paper}
        splits: dict[Split, Examples] = {
            "train": study.examples("train", chosen),
            "calibration": study.examples("calibration", Subset(10**6, 10**6 if chosen.clean else 0, **every)),  # type: ignore[arg-type]
            "test": study.examples("test", Subset(10**6, 10**6 if chosen.clean else 0, **every)),  # type: ignore[arg-type]
        }
        image = image_of(splits["train"].adversarial.shape[1:], scenario)
        fools = still_fools(scenario, study.victims, study.device)
        trainer = Trainer(scenario, labels, image, splits["train"], folder, study.device, fools=fools)
        history = trainer.run(tell=study.tell)
        path = study.out / "packs" / f"{name}-seed{seed}.mtaapack"
        manifest = export_pack(
            path, scenario, trainer.network, labels, image, study.data, splits, history, study.device,
            fools=fools,
        )  # fmt: skip
        everything = study.examples("test")
        attributor = attributor_of(study, pack=load_pack(path))
        verdicts = judge(attributor, unit(everything.adversarial), study.tell)
        figures = of_pack(manifest.results) | counted(splits["train"], splits["test"])
        return Result(figures, {"familiarity": verdicts.familiarity, "entry": everything.entry, **truth_of(everything)})

    settings = _settings(study, seed, scenario.training, chosen, network=study.scenario.network.model_dump())
    return Cell(name, "pack", settings, compute)


def own_scenario(study: Study, seed: int, chosen: Subset) -> Scenario:
    """The scenario of a pack: the study's own training, for the epochs of its scale, on the subset's labels."""
    own = study.scenario.training
    spec = own.model_copy(update={"epochs": study.epochs_of(own.epochs)})
    return narrow(study.scenario, chosen).model_copy(update={"training": spec, "seed": seed})


def of_pack(results: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest's results on its test examples by the image alone: tasks, doubt, false alarms."""
    at = results["coverage"]["target"].index(DEFAULT_COVERAGE)
    return _short(results) | {
        "without_clean": _short(results["without_clean"]),
        "by_attack": {name: _short(part) | {"r2": part["r2"]} for name, part in results["by_attack"].items()},
        "ece": {task: results[f"{task}_ece"] for task in ("attack", "victim")},
        "held": {task: results["coverage"][task]["held"][at] for task in TASKS},
        "detection": results["detection"]["auroc"] if results["detection"] else None,
    }


def _settings(study: Study, seed: int, spec: TrainingSpec, chosen: Subset, **own: Any) -> dict[str, Any]:
    subset_of = dataclasses.asdict(chosen)
    return {"seed": seed, "training": spec.model_dump(), "subset": subset_of, "data": study.fingerprint, **own}
