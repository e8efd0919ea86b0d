"""What the cells about asked victims share: what was said, a scorer fitted to it, and how answers are counted."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from core.calibration import Doubt, ProbeFit
from core.devices import wait_for
from core.manifest import AttackLabel
from core.model.scorer import Scorer
from core.pack import build_network
from core.perturbation import perturbation
from core.probes import OWN, PROBES, ask
from core.victims import load_victim, read_card
from training.doubts import Doubts
from training.experiments.retrained import SEED_APART, trained_anew
from training.experiments.study import Study
from training.fit_probes import Scored, fit_probes
from training.fit_scorer import fit_scorer
from training.gradients import to_float
from training.lasting import still_fools
from training.measure_asked import Promises, measure_asked
from training.probe import Asked, VictimFile, ask_victims
from training.scenario import ProbesSpec, VictimSpec
from training.sources import SPLITS, Split
from training.third_stream import ask_all

_REPEATS, _BATCH = 5, 128


class Asking:
    """One study with a seed; everything is worked out when the first cell needs it."""

    def __init__(self, study: Study, seed: int) -> None:
        self.study, self.seed = study, seed
        self.manifest = study.pack.manifest
        self.labels: list[AttackLabel] = list(self.manifest.attacks)
        self.names = [victim.name for victim in self.manifest.victims]
        self._asked: dict[Split, Asked] = {}
        self._whole: tuple[Scorer, ProbeFit] | None = None

    def asked(self) -> dict[Split, Asked]:
        if not self._asked:
            study = self.study
            scenario = study.scenario.model_copy(update={"probes": study.scenario.probes or ProbesSpec()})
            splits = {name: study.examples(name) for name in SPLITS}
            network = build_network(study.pack).requires_grad_(False)
            self._asked = ask_all(
                network, scenario, self.labels, self.manifest.calibration, splits, study.victims,
                study.out / "asked", study.device, study.tell,
                fools=still_fools(scenario, study.victims, study.device),
            )  # fmt: skip
        return self._asked

    def fitted(self, train: Asked, calibration: Asked) -> tuple[Scorer, ProbeFit]:
        """A scorer and its weights."""
        scorer = fit_scorer(self.labels, train, self.seed)
        scored = Scored.of(calibration, scorer)
        return scorer, fit_probes(scored, self.manifest.calibration, self.labels, self.seed)

    def whole(self) -> tuple[Scorer, ProbeFit]:
        if self._whole is None:
            self._whole = self.fitted(self.asked()["train"], self.asked()["calibration"])
        return self._whole

    def sides(self) -> dict[str, Any]:
        scorer, fit = self.whole()
        found = self._measured(self.asked()["test"], scorer, fit)
        return found | {"fit": fit.model_dump(exclude={"calibration"})}

    def _measured(self, test: Asked, scorer: Scorer, fit: ProbeFit) -> dict[str, Any]:
        return measure_asked(Scored.of(test, scorer), self._doubts(fit, len(test)), self.labels, self.names, self.seed)

    def _doubts(self, fit: ProbeFit, count: int) -> Doubts:
        return Doubts.alike(Doubt(calibration=self.manifest.calibration, probes=fit), count)

    def left_out(self, at: int) -> dict[str, Any]:
        """Neither pack nor scorer knows one victim: is it named once it is handed over, and missed if it is not?"""
        asked = self.asked()
        known = [
            _forget(asked[split].of(torch.nonzero(asked[split].candidate != at).squeeze(1)), at, hold=False)
            for split in SPLITS[:2]
        ]
        scorer, fit = self.fitted(*known)
        test = asked["test"]
        own, other = test.candidate == at, (test.candidate >= 0) & (test.candidate != at)
        held, absent = _forget(test, at, hold=True), _forget(test, at, hold=False)
        answers, doubts = Scored.of(held, scorer), self._doubts(fit, len(held))
        promises, closed = (Promises.of(answers, doubts, self.labels, closed=closed) for closed in (False, True))
        right, right_closed = (torch.from_numpy(p.told.victim.argmax(1)) == held.victim for p in (promises, closed))
        logits = Scored.of(absent, scorer).weighed(fit).victim / fit.calibration.victim_temperature
        nobody = logits.softmax(1)[:, -1]
        attacked = own | other
        return {
            "examples": int(own.sum()),
            "handed_over": _share(right, own),
            "handed_over_closed": _share(right_closed, own),
            "handed_over_by_attack": {
                label.name: _share(right, own & (test.attack == index))
                for index, label in enumerate(self.labels) if (own & (test.attack == index)).any()
            },
            **promises.coverage(own.numpy()),
            "others_beside_it": _share(right, other),
            "none_auroc": float(roc_auc_score(own[attacked].numpy(), nobody[attacked].numpy())),
            "none_named": _share(nobody > 0.5, own),
            "none_named_of_others": _share(nobody > 0.5, other),
        }  # fmt: skip

    def transfer(self) -> dict[str, Any]:
        """Attacks that also turn a victim that they were not made on, which alone is at hand: who is named?"""
        scorer, fit = self.whole()
        test = self.asked()["test"]
        turned = self._turned()
        counts = dict.fromkeys(("examples", "surrogate", "fooled", "none", "another"), 0)
        for at, label in enumerate(test.at):
            rows = torch.nonzero((test.candidate >= 0) & (test.candidate != at) & turned[:, at]).squeeze(1)
            some = test.of(rows).candidates([at])
            named = Scored.of(some, scorer).weighed(fit).victim.argmax(1)
            counts["examples"] += len(rows)
            for kind, hit in (
                ("surrogate", named == some.victim), ("fooled", named == label), ("none", named == len(self.names)),
            ):  # fmt: skip
                counts[kind] += int(hit.sum())
        counts["another"] = counts["examples"] - counts["surrogate"] - counts["fooled"] - counts["none"]
        return {kind: n if kind == "examples" else n / max(counts["examples"], 1) for kind, n in counts.items()}

    @torch.inference_mode()
    def _turned(self) -> Tensor:
        """[N, V]: whether each victim sees something else in a test example than in its clean image."""
        study = self.study
        test = study.examples("test")
        columns = []
        for spec in study.scenario.victims:
            victim = load_victim(study.victims / spec.saved_as)[0].to(study.device)
            seen = [
                torch.cat(
                    [
                        victim(to_float(part.to(study.device))).argmax(1).cpu()
                        for part in torch.split(torch.from_numpy(images), _BATCH)
                    ]
                )
                for images in (test.adversarial, test.clean)
            ]
            columns.append(seen[0] != seen[1])
        return torch.stack(columns, dim=1)

    def copy(self, spec: VictimSpec) -> dict[str, Any]:
        """The victim trained anew with another seed: is it told from the one that was attacked?"""
        study = self.study
        path = trained_anew(study, spec, study.scenario.seed + SEED_APART + self.seed)
        scorer, fit = self.whole()
        beside = self._asked_beside(VictimFile(f"{spec.label}, copy", len(self.names), path), spec)
        together = Scored.of(beside, scorer).weighed(fit).victim.argmax(1)
        instead = beside.candidates([len(beside.at) - 1])
        alone = Scored.of(instead, scorer).weighed(fit).victim.argmax(1)
        copy_at = len(self.names)
        return {
            "examples": len(beside),
            "both_at_hand": {
                "original": _rate(together == beside.victim), "copy": _rate(together == copy_at),
                "none": _rate(together == copy_at + 1),
            },
            "copy_alone": {
                "original": _rate(alone == beside.victim), "copy": _rate(alone == copy_at),
                "none": _rate(alone == copy_at + 1),
            },
            "accuracy_on_clean": read_card(path).accuracy,
        }  # fmt: skip

    def _asked_beside(self, copy: VictimFile, spec: VictimSpec) -> Asked:
        """All victims and a copy of one of them, about the test examples that were made on the original."""
        study, manifest = self.study, self.manifest
        victims = VictimFile.all_of(study.scenario, study.victims)
        column = next(one.column for one in victims if one.label == spec.label)
        test = study.examples("test")
        return ask_victims(
            build_network(study.pack).requires_grad_(False), self.labels, manifest.calibration, [*victims, copy], test,
            np.flatnonzero(test.victim == column), study.out / "asked" / "copies", study.device, study.tell,
        )  # fmt: skip

    def ablated(self, left_out: tuple[str, ...]) -> dict[str, Any]:
        columns = [PROBES.index(name) for name in left_out]
        return self._refitted({split: _blinded(part, columns) for split, part in self.asked().items()})

    def _refitted(self, asked: Mapping[Split, Asked]) -> dict[str, Any]:
        scorer, fit = self.fitted(asked["train"], asked["calibration"])
        found = self._measured(asked["test"], scorer, fit)
        return {side: found[side] for side in ("probes", "both")}

    def by_themselves(self) -> dict[str, Any]:
        """None hears from another what an image was before its attack."""
        asked = {split: _apart(part) for split, part in self.asked().items()}
        return self._refitted(asked)

    def cost(self) -> dict[str, Any]:
        """Seconds a thousand images, medians of interleaved repeats: the network alone, and each victim's asking."""
        study = self.study
        network = build_network(study.pack).requires_grad_(False).to(study.device)
        images = to_float(torch.from_numpy(study.examples("test").adversarial[:_BATCH]).to(study.device))
        with torch.no_grad():
            outputs = network(images)
        estimate = perturbation(images, outputs, self.labels)
        victims = {
            spec.label: load_victim(study.victims / spec.saved_as)[0].to(study.device)
            for spec in study.scenario.victims
        }
        ways: dict[str, Callable[[], object]] = {"image": lambda: network(images)}
        for name, victim in victims.items():
            ways[name] = partial(ask, [victim], images, estimate)
            ways[f"{name}, bare"] = partial(_bare, victim, images)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(_REPEATS):
            for name, way in ways.items():
                begun = time.perf_counter()
                with torch.set_grad_enabled(name != "image"):
                    way()
                wait_for(study.device)
                times[name].append(time.perf_counter() - begun)
        seconds = {name: 1000 * float(np.median(taken)) / len(images) for name, taken in times.items()}
        return {
            "seconds_a_thousand": seconds,
            "images_a_second": {
                "image": 1000 / seconds["image"],
                "all victims": 1000 / (seconds["image"] + sum(seconds[name] for name in victims)),
            },
            "ratio_to_two_gradients": {name: seconds[name] / (2 * seconds[f"{name}, bare"]) for name in victims},
        }


def _bare(victim: torch.nn.Module, images: Tensor) -> Tensor:
    """One forward pass and one input gradient."""
    x = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(victim(x).amax(1).sum(), x)
    return gradient


def _forget(asked: Asked, at: int, *, hold: bool) -> Asked:
    """As a pack sees it that does not know the victim ``at``, which is handed over as a stranger, or not held.

    Its label is then the first one after the pack's, whether it is held or not.
    """
    gone = asked.at[at]
    labels = [n for n in range(asked.victim_logits.shape[1]) if n != gone]
    number = torch.tensor([labels.index(n) if n != gone else len(labels) for n in range(len(labels) + 1)])
    some = asked.candidates([n for n in range(len(asked.at)) if n != at] + ([at] if hold else []))
    return dataclasses.replace(
        some, victim_logits=asked.victim_logits[:, labels], victim=number[asked.victim],
        at=tuple(int(number[column]) for column in some.at),
    )  # fmt: skip


def _blinded(asked: Asked, columns: list[int]) -> Asked:
    assert asked.company is not None
    own = [column for column in columns if column < OWN]
    probes = asked.company.probes.index_fill(-1, torch.tensor(own, dtype=torch.long), 0.0)
    seen = asked.company.seen * (len(own) == len(columns))
    company = dataclasses.replace(asked.company, probes=probes, seen=seen)
    return dataclasses.replace(asked, probes=company.of_all(), company=company)


def _apart(asked: Asked) -> Asked:
    """With what each victim says by itself."""
    if asked.company is None:
        return asked
    nobody = torch.zeros(asked.probes.shape[:2], dtype=torch.bool)
    return dataclasses.replace(asked, probes=asked.company.said(nobody), company=None)


def _share(hit: Tensor, among: Tensor) -> float:
    return _rate(hit[among])


def _rate(hit: Tensor) -> float:
    return float(hit.double().mean())
