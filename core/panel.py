"""The victims at hand, ready to be asked: from an image's own answers to answers that rest on theirs as well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from core.calibration import Asking
from core.class_names import names_of
from core.devices import is_out_of_memory
from core.errors import VictimError
from core.labels import NONE_OF_THESE
from core.manifest import Manifest
from core.model.network import Outputs
from core.model.scorer import Scorer, Scores, agreed, among, evidence_of, weigh
from core.perturbation import SEARCHED, drawn_along
from core.probes import Replies, ask, probes_of, pull
from core.programs import PROGRAMS
from core.types import Testimony
from core.victim_store import Held, load_held
from core.victims import Victim
from core.votes import task_of


class Heard(NamedTuple):
    """outputs: as a network's, with victim logits [B, len(Panel.labels)]. replies: the victims'. odds: [B, V]."""

    outputs: Outputs
    replies: Replies
    odds: Tensor


class Panel:
    """Candidate victims on a device.

    closed: whether one of them is known to be the victim, if there was an attack. labels: victim labels of its answers,
    the pack's first, "none of these" last; in a closed set those of the candidates, and "clean" where the pack has it.

    Raises VictimError for a victim that cannot be loaded.
    """

    def __init__(
        self, held: Sequence[Held], manifest: Manifest, scorer: Scorer, device: torch.device, closed: bool = False
    ) -> None:  # fmt: skip
        if manifest.probes is None:
            raise ValueError("the pack has no scorer")
        self.held, self.closed = tuple(held), closed
        labels = [victim.name for victim in manifest.victims]
        labels += [one.name for one in held if one.name not in labels]
        labels.append(NONE_OF_THESE)
        self._at = [labels.index(one.name) for one in held]
        clean = () if manifest.clean is None else manifest.clean[1:]
        self._possible = sorted({*self._at, *clean}) if closed else list(range(len(labels)))
        self.labels = [labels[at] for at in self._possible]
        self._manifest, self._scorer, self._asking = manifest, scorer, manifest.probes.asking
        self._victims = [_tried(one, manifest, self._asking, device) for one in held]
        own = {victim.sha256 for victim in manifest.victims}
        self._tasks = [task_of(victim, one.sha256 in own) for victim, one in zip(self._victims, held, strict=True)]
        packs_task = (manifest.data_set, len(manifest.class_names))
        self._class_names = [
            names_of(
                victim.card,
                manifest.class_names if one.sha256 in own or task == packs_task else victim.card.class_names,
            )
            for victim, one, task in zip(self._victims, held, self._tasks, strict=True)
        ]
        self._device = device

    @cached_property
    def any_size(self) -> bool:
        """Whether all of them take images that are larger than the pack's; tried once there is such an image."""
        return all(_takes_larger(victim, self._manifest, self._device) for victim in self._victims)

    def hear(self, images: Tensor, outputs: Outputs, estimate: Tensor, familiar: Tensor) -> Heard:
        """Ask every victim about images [B, C, H, W]; outputs: what the network says of them. All without gradient.

        estimate: of their perturbations, the same shape. familiar: bool [B], which of the images are.
        """
        replies = ask(self._victims, images, estimate, self._asking, self._tasks)
        with torch.no_grad():
            scores = self._scorer(replies.probes)
            told = self._weighed(outputs, scores, familiar=True)
            if not familiar.all():
                strange = self._weighed(outputs, scores, familiar=False)
                told = [torch.where(familiar[:, None], *each) for each in zip(told, strange, strict=True)]
        attack, victim, value, odds = told
        return Heard(outputs._replace(attack=attack, victim=victim, hyperparameter=value), replies, odds)

    def _weighed(self, outputs: Outputs, scores: Scores, *, familiar: bool) -> list[Tensor]:
        """The answers of both together as if all images were familiar, or none: attack, victim, value, and the odds."""
        doubt, clean = self._manifest.doubt(familiar=familiar), self._manifest.clean
        calibration, fit = doubt.calibration, doubt.probes
        assert fit is not None
        attack, victim = (
            outputs.attack / calibration.attack_temperature,
            outputs.victim / calibration.victim_temperature,
        )
        told = weigh(attack, victim, outputs.hyperparameter, scores, self._at, clean, fit)
        own = fit.calibration  # by whose temperatures the answers will be divided
        attacked = told.attack * calibration.attack_temperature  # on the scale of the network's own
        named = told.victim
        if fit.agreed:
            pair = attacked / own.attack_temperature, named / own.victim_temperature
            attacked = agreed(*pair, clean, heard=True)[0] * own.attack_temperature
        if self.closed:
            named = among(self._at, named / own.victim_temperature, clean) * own.victim_temperature
        odds = fit.weight * evidence_of(scores.evidence, attack, clean)
        return [attacked, named[:, self._possible], told.value, odds]

    def drawn(self, images: Tensor, estimate: Tensor, heard: Heard) -> Tensor:
        """Estimates [B, C, H, W] of the perturbations of ``images``, some turned towards a gradient: :meth:`turning`.

        That gradient was taken when the victim was asked; keeping all of them until one is named would cost more memory
        than another pass over the few images that it is needed for.
        """
        drawn, turning = estimate.clone(), self.turning(heard.outputs.attack, heard.outputs.victim)
        for place, victim in enumerate(self._victims):
            rows = torch.nonzero(turning == place).squeeze(1)
            if len(rows):
                classes = heard.replies.label[rows, place], heard.replies.before[rows, place]
                drawn[rows] = drawn_along(estimate[rows], pull(victim, images[rows], *classes))
        return drawn

    def turning(self, attack: Tensor, victim: Tensor) -> Tensor:
        """Of each of B images the place in :attr:`held` of the victim whose gradient turns the estimate, int64 [B].

        That is the victim that is named, where C&W is; -1 for none. attack [B, A], victim [B, L]: what is said of
        the images, as :meth:`hear` gives it.
        """
        device = attack.device
        searched = torch.tensor([label.name == SEARCHED for label in self._manifest.attacks], device=device)
        place = torch.tensor([self._at.index(at) if at in self._at else -1 for at in self._possible], device=device)
        return torch.where(searched[attack.argmax(1)], place[victim.argmax(1)], -1)

    def testimonies(self, heard: Heard) -> list[tuple[Testimony, ...]]:
        """One tuple an image, with a testimony for each victim in the order in which they are held."""
        replies = heard.replies
        classes = torch.stack([replies.label, replies.before], dim=2)
        said = (told.tolist() for told in (replies.probes, classes, heard.odds, replies.others))
        return [
            tuple(self._testimony(at, *own) for at, own in enumerate(zip(*image, strict=True)))
            for image in zip(*said, strict=True)
        ]

    def _testimony(
        self, at: int, probes: list[float], classes: list[int], odds: float, company: list[int]
    ) -> Testimony:  # fmt: skip
        """Of the victim at a place in :attr:`held`, about one image."""
        probe = dict(zip(probes_of(self._asking), probes, strict=True))
        label, before = (self._class_names[at].get(number, f"#{number}") for number in classes)
        others, others_before, others_alike = company
        return Testimony(
            victim=self.held[at].name,
            sha256=self.held[at].sha256,
            changes=any(value > 0 for name, value in probe.items() if name.endswith("flip")),
            margin=probe["margin"],
            match=max(value for name, value in probe.items() if name.endswith("weighted_sign")),
            odds=odds,
            label=label,
            before=before,
            others=others,
            others_before=others_before,
            others_alike=others_alike,
        )


def _tried(held: Held, manifest: Manifest, asking: Asking, device: torch.device) -> Victim:
    """The victim of a file, once it has answered: a program in a file may promise what it does not keep."""
    victim = load_held(held).to(device)
    shape = manifest.image.shape
    one = torch.linspace(0, 1, math.prod(shape), device=device).view(1, *shape)
    try:
        for count in (1, 3) if victim.card.form in PROGRAMS else (1,):  # a program may take one batch alone
            images = one.expand(count, -1, -1, -1)
            ask([victim], images, images.flip(3) / 10, asking)
    except VictimError:
        raise
    except Exception as error:  # whatever a program of strangers comes upon
        if is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
        raise VictimError(
            f"{held.path} cannot be asked: {reason}.", "Do not ask it, or hand over another file."
        ) from error
    return victim


def _takes_larger(victim: Victim, manifest: Manifest, device: torch.device) -> bool:
    """Whether a victim answers images of another size as it does the pack's, one by one and in all its classes."""
    channels, height, width = manifest.image.shape
    larger = torch.linspace(0, 1, channels * (height + 17) * (2 * width + 5), device=device)
    larger = larger.view(1, channels, height + 17, 2 * width + 5).expand(2, -1, -1, -1)
    try:
        with torch.no_grad():
            return bool(victim(larger).shape == victim(larger[..., :height, :width]).shape)
    except Exception as error:  # whatever a program of strangers comes upon
        if is_out_of_memory(error):
            raise
        return False
