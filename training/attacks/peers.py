"""torchattacks, foolbox and the Adversarial Robustness Toolbox, where the optional extra ``bench`` is installed."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any, ClassVar

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, from_numpy, nn

from core.errors import AttackError
from core.frozen import how_to_get
from training.attacks.base import Kind, Oracle
from training.attacks.toolbox import (
    Toolbox,
    ToolboxCarliniWagner,
    ToolboxDeepFool,
    ToolboxEAD,
    ToolboxFGSM,
    ToolboxPGD,
)


def _load(module: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # foolbox imports names that SciPy has deprecated
            return import_module(module)
    except ImportError as error:
        toolbox = module.partition(".")[0]
        raise AttackError(
            f"The toolbox {toolbox} is not installed or does not load: {error}.", how_to_get(toolbox, "bench")
        ) from error


class TorchattacksFGSM(ToolboxFGSM):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = _load("torchattacks").FGSM(victim, eps=value)(images, labels)
        return made


class TorchattacksPGD(ToolboxPGD):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = _load("torchattacks").PGD(
            victim, eps=value, alpha=self.step_size(value), steps=self.steps, random_start=self.random_start
        )(images, labels)
        return made


class TorchattacksCarliniWagner(Toolbox):
    """torchattacks.CW: one fixed c, pixels of exactly 0 or 1 stay, and any misclassified image passes for kappa."""

    name: ClassVar[str] = "C&W"
    hyperparameter: ClassVar[Kind] = "kappa"

    steps: PositiveInt = 200
    learning_rate: float = Field(default=0.01, gt=0, allow_inf_nan=False)
    c: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = _load("torchattacks").CW(victim, c=self.c, kappa=value, steps=self.steps, lr=self.learning_rate)(
            images, labels
        )
        return made


class TorchattacksEAD(ToolboxEAD):
    """torchattacks.EADL1 or EADEN, an image at a time: beside others, kappa is added to the logits of all their labels,
    and any other class passes for having reached it.
    """

    steps: int = Field(default=100, ge=10)  # it divides by a tenth of them

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        toolbox = _load("torchattacks")
        kind = toolbox.EADL1 if self.rule == "L1" else toolbox.EADEN
        attack = kind(
            victim, kappa=value, lr=self.step_size, binary_search_steps=self.search_steps, max_iterations=self.steps,
            initial_const=self.initial_c, beta=self.beta,
        )  # fmt: skip
        return torch.cat([attack(*one) for one in zip(torch.split(images, 1), torch.split(labels, 1), strict=True)])


class TorchattacksDeepFool(ToolboxDeepFool):
    """torchattacks.DeepFool: each step goes beyond its boundary, not their sum, and the first other class ends it."""

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = _load("torchattacks").DeepFool(victim, steps=self.steps, overshoot=value)(images, labels)
        return made


def _foolbox_model(victim: Oracle, images: Tensor) -> Any:
    return _load("foolbox").PyTorchModel(victim, bounds=(0, 1), device=images.device)


def _found(made: Tensor, images: Tensor) -> Tensor:
    """Where foolbox's searches find nothing they return a black image, which may well fool: that is not their doing."""
    return made.where(made.flatten(1).any(1).view(-1, 1, 1, 1), images)


class FoolboxFGSM(ToolboxFGSM):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        made: Tensor = _load("foolbox").attacks.FGSM()(_foolbox_model(victim, images), images, labels, epsilons=value)[
            1
        ]
        return made


class FoolboxPGD(ToolboxPGD):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        attack = _load("foolbox").attacks.LinfPGD(
            abs_stepsize=self.step_size(value), steps=self.steps, random_start=self.random_start
        )
        made: Tensor = attack(_foolbox_model(victim, images), images, labels, epsilons=value)[1]
        return made


class FoolboxCarliniWagner(ToolboxCarliniWagner):
    initial_c: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    abort_early: bool = True

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        attack = _load("foolbox").attacks.L2CarliniWagnerAttack(
            binary_search_steps=self.search_steps, steps=self.steps, stepsize=self.learning_rate, confidence=value,
            initial_const=self.initial_c, abort_early=self.abort_early,
        )  # fmt: skip
        made: Tensor = attack(_foolbox_model(victim, images), images, labels, epsilons=None)[0].detach()
        return _found(made, images)


class FoolboxEAD(ToolboxEAD):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        attack = _load("foolbox").attacks.EADAttack(
            binary_search_steps=self.search_steps, steps=self.steps, initial_stepsize=self.step_size, confidence=value,
            initial_const=self.initial_c, regularization=self.beta, decision_rule=self.rule,
        )  # fmt: skip
        made: Tensor = attack(_foolbox_model(victim, images), images, labels, epsilons=None)[0].detach()
        return _found(made, images)


class FoolboxDeepFool(ToolboxDeepFool):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        attack = _load("foolbox").attacks.L2DeepFoolAttack(steps=self.steps, overshoot=value)
        made: Tensor = attack(_foolbox_model(victim, images), images, labels, epsilons=None)[0].detach()
        return made


def _current(images: Tensor) -> torch.cuda.device:
    """Makes the images' GPU the current one, which ART takes "gpu" for; nothing where they are on none."""
    return torch.cuda.device(images.device if images.is_cuda else -1)


def _art_classifier(victim: Oracle, images: Tensor) -> Any:
    with _current(images):
        return _load("art.estimators.classification").PyTorchClassifier(
            victim, nn.CrossEntropyLoss(), input_shape=tuple(images.shape[1:]), clip_values=(0.0, 1.0),
            nb_classes=victim.logits(images[:1]).shape[1], device_type="gpu" if images.is_cuda else "cpu",
        )  # fmt: skip


def _art_images(attack: Any, images: Tensor, labels: Tensor) -> Tensor:
    with _current(images):
        return from_numpy(attack.generate(images.cpu().numpy(), labels.cpu().numpy())).to(images)


class ArtFGSM(ToolboxFGSM):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        if value == 0:  # which ART refuses
            return images
        attack = _load("art.attacks.evasion").FastGradientMethod(
            _art_classifier(victim, images), eps=value, batch_size=len(images)
        )
        return _art_images(attack, images, labels)


class ArtPGD(ToolboxPGD):
    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        if value == 0:
            return images
        attack = _load("art.attacks.evasion").ProjectedGradientDescentPyTorch(
            _art_classifier(victim, images), eps=value, eps_step=self.step_size(value), max_iter=self.steps,
            num_random_init=int(self.random_start), batch_size=len(images), verbose=False,
        )  # fmt: skip
        return _art_images(attack, images, labels)


class ArtCarliniWagner(ToolboxCarliniWagner):
    """ART's CarliniL2Method; its line search makes it very slow."""

    def attack(self, victim: Oracle, images: Tensor, labels: Tensor, value: float) -> Tensor:
        attack = _load("art.attacks.evasion").CarliniL2Method(
            _art_classifier(victim, images), confidence=value, learning_rate=self.learning_rate,
            binary_search_steps=self.search_steps, max_iter=self.steps, initial_const=self.initial_c,
            batch_size=len(images), verbose=False,
        )  # fmt: skip
        return _art_images(attack, images, labels)


PEERS: dict[str, tuple[type[Toolbox], ...]] = {
    "torchattacks": (
        TorchattacksFGSM,
        TorchattacksPGD,
        TorchattacksCarliniWagner,
        TorchattacksEAD,
        TorchattacksDeepFool,
    ),
    "foolbox": (FoolboxFGSM, FoolboxPGD, FoolboxCarliniWagner, FoolboxEAD, FoolboxDeepFool),
    "art": (ArtFGSM, ArtPGD, ArtCarliniWagner),
}
