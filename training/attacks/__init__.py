"""Attacks by the name and backend that a scenario gives them.

A scenario's entry is a mapping: ``name``, optionally ``backend`` ("mtaa" unless said otherwise), and the attack's own
parameters, e.g. ``{"name": "PGD", "steps": 40}`` or ``{"name": "C&W", "backend": "cleverhans", "steps": 1000}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from core.errors import ScenarioError
from training.attacks.apgd import APGD
from training.attacks.base import Attack, AttackResult
from training.attacks.carlini_wagner import CarliniWagner, TanhCarliniWagner
from training.attacks.cleverhans import CleverhansCarliniWagner, CleverhansFGSM, CleverhansPGD
from training.attacks.deepfool import DeepFool
from training.attacks.ead import EAD
from training.attacks.fgsm import FGSM
from training.attacks.mi_fgsm import MIFGSM
from training.attacks.peers import PEERS
from training.attacks.pgd import BIM, PGD

__all__ = ["ATTACKS", "DEFAULT_BACKEND", "OWN_BACKENDS", "Attack", "AttackResult", "make_attack"]

DEFAULT_BACKEND = "mtaa"
OWN_BACKENDS = frozenset({DEFAULT_BACKEND, "mtaa-tanh"})
"""Those that need nothing installed; the others are toolboxes, by the name of their package."""

ATTACKS: Mapping[tuple[str, str], type[Attack]] = MappingProxyType(
    {
        **{("mtaa", attack.name): attack for attack in (FGSM, BIM, PGD, MIFGSM, APGD, CarliniWagner, EAD, DeepFool)},
        ("mtaa-tanh", TanhCarliniWagner.name): TanhCarliniWagner,
        **{("cleverhans", attack.name): attack for attack in (CleverhansFGSM, CleverhansPGD, CleverhansCarliniWagner)},
        **{(backend, attack.name): attack for backend, attacks in PEERS.items() for attack in attacks},
    }
)
"""(backend, name) -> attack class."""


def make_attack(config: Mapping[str, object]) -> Attack:
    """The attack of one scenario entry. Raises ScenarioError for unknown names, backends, keys and values."""
    parameters = dict(config)
    name, backend = parameters.pop("name", None), parameters.pop("backend", DEFAULT_BACKEND)
    if not (isinstance(name, str) and isinstance(backend, str) and (backend, name) in ATTACKS):
        known = "; ".join(f"{b}: {', '.join(n for c, n in ATTACKS if c == b)}" for b in dict(ATTACKS.keys()))
        raise ScenarioError(f"There is no attack named {name!r} of the backend {backend!r}.", f"Known are {known}.")
    try:
        return ATTACKS[backend, name](**parameters)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'parameters'}: {fault['msg']}" for fault in error.errors()
        )
        allowed = ", ".join(ATTACKS[backend, name].model_fields)
        raise ScenarioError(
            f"The attack {name!r} of the backend {backend!r} has wrong parameters: {faults}.",
            f"Its parameters are {allowed}.",
        ) from error
