"""Begin with a pack's weights instead of random ones: labels that it knows keep what they learnt, new ones are added.

Every old answer stays as it was until training moves it: heads get rows for new labels and no old row sees their
logits, and a hyperparameter whose range has grown is read on the old one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from core.errors import ScenarioError, VictimError
from core.files import file_sha256, make_folder, write_file
from core.manifest import AttackLabel, ImageSpec, Manifest
from core.model.config import NetworkConfig
from core.model.network import MTAA
from core.pack import Pack
from core.paths import victim_folders
from training.losses import UncertaintyWeighted

_HEADS = ("attack_head", "victim_head", "hyperparameter_head")


def check_start(
    manifest: Manifest, config: NetworkConfig, image: ImageSpec, labels: Sequence[AttackLabel], victims: Sequence[str]
) -> None:
    """Raise ScenarioError unless a network for these labels can begin with the pack's weights.

    It is to be the same network, and to know all labels of the pack, in the pack's order, beside new ones.
    """
    pack = manifest.pack_id
    if manifest.network != config or manifest.image.shape != image.shape:
        raise ScenarioError(f"{pack} is another network, or takes other images.", "Copy its [network] and its source.")
    known = ("attacks", [a.name for a in manifest.attacks], [a.name for a in labels])
    for kind, before, now in (known, ("victims", [v.name for v in manifest.victims], list(victims))):
        if [name for name in now if name in before] != before:
            raise ScenarioError(
                f"{pack} knows the {kind} {', '.join(before)}; the scenario asks for {', '.join(now)}.",
                "List all of the pack's in its order; few examples of each will do.",
            )
    kinds = {a.name: a.hyperparameter for a in manifest.attacks}
    for label in labels:
        if kinds.get(label.name, label.hyperparameter) != label.hyperparameter:
            raise ScenarioError(
                f"{pack} tells {label.name}'s {kinds[label.name]}, not {label.hyperparameter}.", "Rename it."
            )


def check_keep(manifest: Manifest, labels: Sequence[AttackLabel], victims: Sequence[str]) -> None:
    """Raise ScenarioError where there are new labels: of those the pack's weights are random."""
    if (len(labels), len(victims)) != (len(manifest.attacks), len(manifest.victims)):
        raise ScenarioError(f"{manifest.pack_id} lacks labels of the scenario's.", "Leave training.kept out.")


def take_victim(pack: str, sha256: str, path: Path, beside: Path) -> None:
    """See that ``path`` is the victim's file of that hash, which the pack of this name was made with.

    A file that is not there is copied from the user's victims, from a run that the wizard made, or from the run that
    the pack is the end of, in the folder ``beside`` it. Raises VictimError if there is another or none.
    """
    if path.exists():
        if file_sha256(path) != sha256:
            raise VictimError(
                f"{path} is not the victim that {pack} was made with.",
                "Put that victim's file there, or give this victim another name.",
            )
        return
    folders = [*victim_folders(), beside / "victims"]
    for candidate in (file for folder in folders for file in sorted(folder.glob("*.safetensors"))):
        if file_sha256(candidate) == sha256:
            make_folder(path.parent)
            write_file(path, candidate.read_bytes())
            return
    raise VictimError(
        f"{pack} was made with a victim whose file {path.name} is not in {path.parent}.",
        "Put it there: it is in victims/ of the run that made the pack.",
    )


@torch.no_grad()
def start_from(
    pack: Pack, network: MTAA, weighting: UncertaintyWeighted, labels: Sequence[AttackLabel], victims: Sequence[str]
) -> None:
    """Put the pack's weights into ``network`` and its sigmas into ``weighting``; see :func:`check_start`."""
    manifest = pack.manifest
    at_attack = torch.tensor([[a.name for a in labels].index(a.name) for a in manifest.attacks])
    at_victim = torch.tensor([list(victims).index(v.name) for v in manifest.victims])
    own = network.state_dict()
    kept = {
        name: value
        for name, value in pack.weights.items()
        if name.split(".")[0] not in (*_HEADS, "familiarity", "scorer")  # the last two are fitted anew at the end
    }
    network.load_state_dict(kept | {name: value for name, value in own.items() if name not in kept})
    for head, rows in ((network.attack_head, at_attack), (network.victim_head, at_victim)):
        name = "attack_head" if head is network.attack_head else "victim_head"
        head.weight[rows] = pack.weights[f"{name}.weight"].to(head.weight)
        head.bias[rows] = pack.weights[f"{name}.bias"].to(head.bias)
    _grow_hyperparameter(pack, network, labels, at_attack)
    if weighting.weighted:
        order = ("hyperparameter", "attack", "victim")
        sigma = manifest.calibration.sigma
        weighting.log_sigma.copy_(torch.tensor([math.log(sigma[task]) for task in order]))  # type: ignore[index]


def copy_of(network: MTAA) -> dict[str, Tensor]:
    """The network's weights and running statistics as they are now, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


@torch.no_grad()
def keep(before: Mapping[str, Tensor], network: MTAA, share: float) -> None:
    """Leave the weighted mean of what was before and of what training made of it in ``network``."""
    trained = network.state_dict()
    for name, value in trained.items():
        if value.is_floating_point():
            value.lerp_(before[name].to(value), share)


def _grow_hyperparameter(pack: Pack, network: MTAA, labels: Sequence[AttackLabel], at: Tensor) -> None:
    """Old rows see the old features and the old attacks' logits, and the new ones' not at all."""
    head = network.hyperparameter_head
    weight, bias = pack.weights["hyperparameter_head.weight"], pack.weights["hyperparameter_head.bias"]
    features = head.in_features - len(labels)
    wide = torch.zeros(len(weight), head.in_features)
    wide[:, :features] = weight[:, :features]
    wide[:, features + at] = weight[:, features:]
    if network.config.hyperparameter_head == "shared":
        head.weight.copy_(wide)
        head.bias.copy_(bias)
        return
    now = [labels[int(index)] for index in at]
    widths = torch.tensor([a.width if a.width > 0 else 1.0 for a in now])
    before = torch.tensor([a.width if b.width > 0 else 1.0 for a, b in zip(pack.manifest.attacks, now, strict=True)])
    moved = torch.tensor([a.minimum - b.minimum for a, b in zip(pack.manifest.attacks, now, strict=True)])
    head.weight[at] = (wide * (before / widths)[:, None]).to(head.weight)
    head.bias[at] = ((bias * before + moved) / widths).to(head.bias)
