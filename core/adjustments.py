"""What was done to an image so that it could be judged, or kept its victims from being asked: by kind, and in words.

Files keep the words and are read by strangers' programs; what follows from an adjustment is a property of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import lru_cache


class Effect(Enum):
    """What a kind of adjustment does to an answer."""

    NONE = auto()
    WEAKENS = auto()
    """Some of what an attack left in the image was not looked at, or the image is of another kind than the pack's."""
    ALTERS = auto()
    """Pixels were changed after the attack, so that some of what it left was lost: that weakens, too."""
    UNASKED = auto()
    """Tells why the image alone was judged."""


class Kind(Enum):
    """Each with its words, in which values stand in braces, and its effect."""

    LOSSY = "file is {kind}: part of the perturbation was lost", Effect.ALTERS
    SEE_THROUGH = "transparency ignored, the colours under it judged", Effect.NONE
    FIRST = "first of {n} pictures judged", Effect.NONE
    NOT_TURNED = "judged as stored, not turned as its EXIF says", Effect.NONE
    CONVERTED = "colours converted from {model} to RGB", Effect.NONE
    FEWER_BITS = "16 bits a channel reduced to 8", Effect.NONE
    COLOURED = "grey repeated as red, green and blue", Effect.WEAKENS
    GREYED = "colour turned to grey", Effect.ALTERS
    RESIZED = "resized from {old} to {new}", Effect.ALTERS
    # To what it had been before it was enlarged: nothing was lost.
    RESTORED = "resized from {old} to {new}, repeated pixels taken once", Effect.WEAKENS
    ENLARGED = "enlarged from {old} to {new}", Effect.ALTERS
    TILES = "judged in {count} tiles of {tile}", Effect.NONE
    SOME_TILES = "{count} of {needed} tiles of {tile} judged, spread evenly", Effect.WEAKENS
    MIDDLE = "only the middle {tile} of {image} judged", Effect.WEAKENS
    SMALL = "judged at {tile}", Effect.WEAKENS
    SCALED = "victims were shown it scaled to {size}", Effect.NONE
    UNKNOWN_SCALED = "victims do not count: shown it scaled to {size}, they know no attack in it", Effect.UNASKED
    OTHER_SIZE = "victims were not asked: they take {size}", Effect.UNASKED
    TOO_LARGE = "victims were not asked: more than half a megapixel", Effect.UNASKED
    NO_MEMORY = "victims were not asked: the memory does not hold it", Effect.UNASKED
    NO_NUMBER = "victims were not asked: what one says of it is no number", Effect.UNASKED
    NOT_CLOSED = "the closed set does not hold: the image alone was judged", Effect.NONE
    # In cases of earlier versions.
    NOT_HEARD = (
        "victims were not asked: the memory does not hold it, or what one says of it is no number", Effect.UNASKED,
    )  # fmt: skip
    # In the words of another version of the program.
    OTHER = "{phrase}", Effect.NONE

    def __init__(self, template: str, effect: Effect) -> None:
        self.template, self.effect = template, effect
        self.fields: tuple[str, ...] = tuple(re.findall(r"{(\w+)}", template))


class Ending(StrEnum):
    """What may be said behind the words of a kind."""

    NONE = ""
    STRETCHED = ", which changed its proportions"
    OWN_SIZE = ", not resized"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One, whose str() is its phrase. values: of the kind's fields."""

    kind: Kind
    values: tuple[str, ...] = ()
    ending: Ending = Ending.NONE

    def __str__(self) -> str:
        return self.told(self.kind.template) + self.ending

    def told(self, template: str) -> str:
        """In the words of a template that has none but the kind's fields."""
        return template.format(**dict(zip(self.kind.fields, self.values, strict=True)))


_PATTERNS = {
    kind: re.compile(r"(\w+)".join(map(re.escape, re.split(r"{\w+}", kind.template))) + f"({'|'.join(Ending)})")
    for kind in Kind
    if kind is not Kind.OTHER
}


@lru_cache(1024)
def adjustment_of(phrase: str) -> Adjustment:
    """Of which it is the phrase, to the letter. Images that come together are adjusted alike, thousands of them."""
    for kind, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(phrase):
            *values, ending = found.groups()
            return Adjustment(kind, tuple(values), Ending(ending))
    return Adjustment(Kind.OTHER, (phrase,))


def is_altered(adjustments: Iterable[Adjustment]) -> bool:
    """Whether pixels were changed after the attack, so far as the file or what was done to judge it tells."""
    return any(told.kind.effect is Effect.ALTERS for told in adjustments)


def is_weakened(adjustments: Iterable[Adjustment]) -> bool:
    """Whether some of what an attack left in the image was lost before it was judged, or was not looked at."""
    return any(told.kind.effect in (Effect.ALTERS, Effect.WEAKENS) for told in adjustments)
