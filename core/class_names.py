"""What a victim's classes are called, for people: by its pack or its own card where these say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.victims import VictimCard

_IMAGENET = 1000
"""Its classes."""


def names_of(card: VictimCard, names: Sequence[str]) -> Mapping[int, str]:
    """The victim's own numbers of classes with what they are called, as far as that is known.

    names: of its data set's classes, in their order. A victim of a thousand classes whose numbers of these are
    ImageNet's counts all of them as ImageNet does.
    """
    if len(names) != card.data_classes:
        return {}
    if card.class_map is None:
        return dict(enumerate(names))
    known = dict(zip(card.class_map, names, strict=True))
    if card.classes == _IMAGENET:
        from torchvision.models import ResNet50_Weights  # noqa: PLC0415 (slow to import)

        every: list[str] = ResNet50_Weights.DEFAULT.meta["categories"]
        if all(every[number] == name for number, name in known.items()):
            return dict(enumerate(every))
    return known
