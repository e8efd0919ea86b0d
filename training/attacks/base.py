"""What every attack shares: the checks, the victim as attacks see it, rounding to 8 bits and the verdict.

An attack is a frozen, validated configuration. A subclass writes ``run``, the algorithm alone; ``Attack.__call__``
is final and settles everything that must be the same for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from core.devices import in_bf16
from core.errors import AttackError
from training.attacks.twin import reduced_twin

Precision = Literal["fp32", "bf16"]
Kind = Literal["epsilon", "kappa", "overshoot"]
Loss = Callable[[Tensor], Tensor]

LEVELS = 255


class Unit(NamedTuple):
    """What a label writes a hyperparameter in: its sign, and how many of them are one of the attack's own."""

    name: str
    scale: float


UNITS = {"epsilon": Unit("/255", LEVELS), "kappa": Unit("logits", 1), "overshoot": Unit("%", 100), "none": Unit("", 1)}
# A forward pass over another batch rounds differently; a margin this little (in logits) under kappa counts as kappa.
MARGIN_TOLERANCE = 1e-3


class AttackResult(NamedTuple):
    """What an attack made of a batch.

    adversarial: float32 [B, C, H, W] in [0, 1]; multiples of 1/255 if 8 bits were asked for.
    success:     bool [B], judged in fp32 on ``adversarial`` as returned.
    l2, linf:    float32 [B], norms of ``adversarial - images``.
    """

    adversarial: Tensor
    success: Tensor
    l2: Tensor
    linf: Tensor


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit margin of the best wrong class over the true one, [B]; positive where the victim is fooled.

    logits: [B, K], K >= 2; labels: int64 [B].
    """
    true = logits.gather(1, labels[:, None]).squeeze(1)
    return logits.scatter(1, labels[:, None], float("-inf")).amax(1) - true


def per_example(values: Tensor, images: Tensor) -> Tensor:
    """[B] -> [B, 1, 1, 1], to broadcast over ``images`` [B, C, H, W]."""
    return values.view(-1, *(1,) * (images.dim() - 1))


def cross_entropy(labels: Tensor) -> Loss:
    """The true class's cross-entropy, one for each example: what the epsilon attacks ascend."""
    return lambda logits: nn.functional.cross_entropy(logits, labels, reduction="none")


def victim_name(victim: nn.Module) -> str:
    return str(getattr(victim, "name", type(victim).__name__))


class Oracle(nn.Module):
    """A victim as attacks see it: checked logits, input gradients in the chosen precision, passes counted.

    Calling it gives differentiable fp32 logits, so that it can stand in for the victim in other toolboxes.
    ``passes`` counts examples that went forward and backward, ``forwards`` those that went forward only.
    """

    def __init__(self, victim: nn.Module, precision: Precision) -> None:
        super().__init__()
        self._victim = victim
        self._precision = precision
        self._finite: Tensor | None = None
        self.passes = 0
        self.forwards = 0
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """fp32 logits [B, K] of images [B, C, H, W]."""
        return self._checked(self._victim(images))

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """fp32 logits [B, K] without a graph."""
        self.forwards += len(images)
        return self(images)  # type: ignore[no-any-return]

    def gradient(self, images: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
        """Gradient of ``loss(logits).sum()`` with respect to images, in the attack's precision.

        loss: [B, K] -> [B]; an example's loss must depend on its own logits alone.
        Returns float32 gradients [B, C, H, W] and logits [B, K].
        """
        self.passes += len(images)
        with torch.enable_grad():
            leaf = images.detach().requires_grad_()
            logits = self._reduced(leaf) if self._reduces(leaf) else self(leaf)
            (gradient,) = torch.autograd.grad(loss(logits).sum(), leaf)
        return gradient, logits.detach()

    def jacobian(self, images: Tensor, losses: Loss) -> tuple[Tensor, Tensor]:
        """Each of R losses and its gradient with respect to images, in the attack's precision; one forward pass.

        losses: [B, K] -> [B, R]; an example's losses must depend on its own logits alone.
        Returns losses [B, R] and float32 gradients [B, R, C, H, W].
        """
        with torch.enable_grad():
            leaf = images.detach().requires_grad_()
            logits = self._reduced(leaf) if self._reduces(leaf) else self(leaf)
            found = losses(logits)
            columns = found.sum(0).unbind()
            gradients = [torch.autograd.grad(column, leaf, retain_graph=True)[0] for column in columns]
        self.passes += len(images) * len(columns)
        return found.detach(), torch.stack(gradients, 1)

    def require_finite(self) -> None:
        """Raise AttackError if any logit so far was NaN or infinite. Waits for the device."""
        if self._finite is not None and not bool(self._finite):
            raise AttackError(
                f"The victim {victim_name(self._victim)} returned logits that are NaN or infinite.",
                "Check its weights and its normalisation.",
            )

    def _reduces(self, images: Tensor) -> bool:
        return self._precision == "bf16" and in_bf16(images.device)

    def _reduced(self, images: Tensor) -> Tensor:
        twin = reduced_twin(self._victim)
        with torch.autocast(images.device.type, dtype=torch.bfloat16):
            logits = twin(images.contiguous(memory_format=torch.channels_last))
        return self._checked(logits.float())

    def _checked(self, logits: Tensor) -> Tensor:
        finite = logits.detach().isfinite().all()
        self._finite = finite if self._finite is None else self._finite & finite
        return logits


class Attack(BaseModel, ABC):
    """An untargeted attack: configuration in the fields, one hyperparameter for each example in the call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    hyperparameter: ClassVar[Kind]
    _needs_autograd: ClassVar[bool] = False  # toolboxes that call backward themselves set it

    precision: Precision = "fp32"
    """Of the gradient passes, bf16 only on devices that compute in it by themselves; the verdict is always fp32."""

    def own_units(self, values: NDArray[np.floating]) -> Tensor:
        """Values [N] in label units -> float32 in the attack's own: [0, 1], logits or a share."""
        return torch.from_numpy((values.astype(np.float64) / UNITS[self.hyperparameter].scale).astype(np.float32))

    @abstractmethod
    def run(
        self, victim: Oracle, images: Tensor, labels: Tensor, hyperparameter: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        """The algorithm: adversarial images [B, C, H, W] for images [B, C, H, W], labels and hyperparameter [B].

        It runs without a graph and need neither round nor judge.
        """

    @final
    @torch.no_grad()
    def __call__(
        self,
        victim: nn.Module,
        images: Tensor,
        labels: Tensor,
        hyperparameter: Tensor,
        *,
        eight_bit: bool = True,
        generator: torch.Generator | None = None,
    ) -> AttackResult:
        """Attack a batch.

        victim:         module in eval mode with frozen parameters; [B, C, H, W] in [0, 1] -> logits [B, K].
        images:         float32 [B, C, H, W] in [0, 1]; multiples of 1/255 if ``eight_bit``.
        labels:         int64 [B], the true classes.
        hyperparameter: float [B]; epsilon in [0, 1] units, kappa in logits, or overshoot as a share.
        eight_bit:      round the result to what an image file can hold, before the verdict.
        generator:      source of a random start; examples draw in their order.

        Raises AttackError for anything out of range and for a victim that returns NaN.
        """
        self._check(victim, images, labels, hyperparameter)
        images = _plain(images)
        labels = labels.to(images.device)
        hyperparameter = hyperparameter.to(images)
        if len(images) == 0:
            nothing = images.new_zeros(0)
            return AttackResult(images.clone(), nothing.bool(), nothing, nothing.clone())
        oracle = Oracle(victim, self.precision)
        _check_classes(victim, oracle.logits(images[:1]), labels)
        oracle.require_finite()
        with torch.set_grad_enabled(self._needs_autograd):
            adversarial = self.run(oracle, images, labels, hyperparameter, generator)
        adversarial = adversarial.detach().contiguous()
        if not bool(adversarial.isfinite().all()):
            oracle.require_finite()
            raise AttackError(
                f"{self.name} on the victim {victim_name(victim)} ended in pixels that are NaN or infinite.",
                "The victim's input gradient is not finite: check its weights.",
            )
        bounded = self._bound(adversarial, images, hyperparameter)
        final_images = _round_to_levels(bounded, images, self._budget(hyperparameter)) if eight_bit else bounded
        success = self._judge(oracle, bounded, final_images, labels, hyperparameter)
        oracle.require_finite()
        change = (final_images - images).flatten(1)
        return AttackResult(final_images, success, change.norm(dim=1), change.abs().amax(1))

    def _bound(self, adversarial: Tensor, images: Tensor, hyperparameter: Tensor) -> Tensor:
        if self.hyperparameter == "epsilon":
            epsilon = per_example(hyperparameter, images)
            adversarial = torch.minimum(torch.maximum(adversarial, images - epsilon), images + epsilon)
        return adversarial.clamp(0, 1)

    def _budget(self, hyperparameter: Tensor) -> Tensor | None:
        """Whole grey levels that epsilon allows, [B]; a float32 k/255 is k, whichever way it was rounded."""
        if self.hyperparameter != "epsilon":
            return None
        return (hyperparameter.double() * LEVELS + 1e-4).floor().float()

    def _judge(
        self, oracle: Oracle, bounded: Tensor, final_images: Tensor, labels: Tensor, hyperparameter: Tensor
    ) -> Tensor:
        """Fooled as returned; where kappa was asked for, the margin must have been kappa before rounding."""
        fooled = margins(oracle.logits(final_images), labels) > 0
        if self.hyperparameter != "kappa":
            return fooled
        return fooled & (margins(oracle.logits(bounded), labels) >= hyperparameter - MARGIN_TOLERANCE)

    def _check(self, victim: nn.Module, images: Tensor, labels: Tensor, hyperparameter: Tensor) -> None:
        if any(module.training for module in victim.modules()):
            raise AttackError(f"The victim {victim_name(victim)} is in training mode.", "Call victim.eval() first.")
        if any(parameter.requires_grad for parameter in victim.parameters()):
            raise AttackError(
                f"The victim {victim_name(victim)} has parameters that are not frozen.",
                "Call victim.requires_grad_(False) first.",
            )
        if images.dim() != 4 or images.dtype != torch.float32:
            raise AttackError(
                f"Images must be float32 [B, C, H, W]; got {images.dtype} {list(images.shape)}.",
                "Convert them before the attack.",
            )
        if not bool(((images >= 0) & (images <= 1)).all()):
            raise AttackError("Images hold pixels that are NaN or outside [0, 1].", "Scale the images to [0, 1].")
        for what, values in (("Labels", labels), (f"Values of {self.hyperparameter}", hyperparameter)):
            if values.shape != (len(images),):
                raise AttackError(
                    f"{what} must be one for each of the {len(images)} images; got shape {list(values.shape)}.",
                    "Give a tensor [B].",
                )
        if labels.dtype != torch.int64:
            raise AttackError(f"Labels must be int64; got {labels.dtype}.", "Convert them before the attack.")
        self._check_hyperparameter(hyperparameter)

    def _check_hyperparameter(self, values: Tensor) -> None:
        highest = 1.0 if self.hyperparameter == "epsilon" else torch.finfo(torch.float32).max
        wrong = values[~((values >= 0) & (values <= highest))]
        if len(wrong):
            allowed = {
                "epsilon": "in [0, 1]",
                "kappa": "a finite number of logits, 0 or more",
                "overshoot": "a finite share, 0 or more",
            }[self.hyperparameter]
            raise AttackError(
                f"{self.name}: {self.hyperparameter} {float(wrong[0]):g} is out of range.",
                f"It must be {allowed}.",
            )


def _plain(images: Tensor) -> Tensor:
    """The same pixels with the strides of a fresh [B, C, H, W]; copied only where they do not lie in that order.

    Grey images are contiguous whatever the stride of their one channel, and NumPy's indexing sets it to 1. Convolutions
    take that for channels-last and convert back and forth at every pass.
    """
    return images.contiguous().flatten().view(images.shape)


def _check_classes(victim: nn.Module, logits: Tensor, labels: Tensor) -> None:
    if logits.dim() != 2 or logits.shape[0] != 1 or logits.shape[1] < 2:
        raise AttackError(
            f"The victim {victim_name(victim)} must return logits [B, K] with K >= 2; for one image it returned "
            f"{list(logits.shape)}.",
            "Wrap it so that it does.",
        )
    classes = logits.shape[1]
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise AttackError(
            f"Label {int(wrong[0])} is not one of the {classes} classes of the victim {victim_name(victim)}.",
            f"Labels must be 0 to {classes - 1}.",
        )


def _round_to_levels(adversarial: Tensor, images: Tensor, budget: Tensor | None) -> Tensor:
    """Round half up to k/255, and towards the clean image where that would leave the budget of grey levels [B]."""
    clean = images * LEVELS
    if bool(((clean - clean.round()).abs() > 1e-3).any()):
        raise AttackError(
            "8-bit results need 8-bit clean images; some pixels are not a multiple of 1/255.",
            "Round the images first, or ask for float results.",
        )
    levels = (adversarial * LEVELS + 0.5).floor()
    if budget is not None:
        clean, allowed = clean.round(), per_example(budget, images)
        levels = torch.minimum(torch.maximum(levels, clean - allowed), clean + allowed)
    return levels.clamp(0, LEVELS) / LEVELS
