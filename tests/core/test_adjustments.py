from __future__ import annotations

import pickle

import pytest

from core.adjustments import Adjustment, Effect, Ending, Kind, adjustment_of, is_altered, is_weakened

TOLD = {
    "file is JPEG: part of the perturbation was lost": (Kind.LOSSY, "JPEG"),
    "file is WEBP: part of the perturbation was lost": (Kind.LOSSY, "WEBP"),
    "transparency ignored, the colours under it judged": (Kind.SEE_THROUGH,),
    "first of 12 pictures judged": (Kind.FIRST, "12"),
    "judged as stored, not turned as its EXIF says": (Kind.NOT_TURNED,),
    "colours converted from CMYK to RGB": (Kind.CONVERTED, "CMYK"),
    "16 bits a channel reduced to 8": (Kind.FEWER_BITS,),
    "grey repeated as red, green and blue": (Kind.COLOURED,),
    "colour turned to grey": (Kind.GREYED,),
    "resized from 56x57 to 28x28, which changed its proportions": (Kind.RESIZED, "56x57", "28x28", Ending.STRETCHED),
    "resized from 56x56 to 28x28": (Kind.RESIZED, "56x56", "28x28"),
    "resized from 56x56 to 28x28, repeated pixels taken once": (Kind.RESTORED, "56x56", "28x28"),
    "enlarged from 32x32 to 64x64": (Kind.ENLARGED, "32x32", "64x64"),
    "enlarged from 9x4 to 64x64, which changed its proportions": (Kind.ENLARGED, "9x4", "64x64", Ending.STRETCHED),
    "judged in 6 tiles of 224x224, not resized": (Kind.TILES, "6", "224x224", Ending.OWN_SIZE),
    "judged in 3 tiles of 224x64": (Kind.TILES, "3", "224x64"),
    "63 of 252 tiles of 9x9 judged, spread evenly, not resized": (Kind.SOME_TILES, "63", "252", "9x9", Ending.OWN_SIZE),
    "63 of 252 tiles of 9x9 judged, spread evenly": (Kind.SOME_TILES, "63", "252", "9x9"),
    "only the middle 28x28 of 64x48 judged, not resized": (Kind.MIDDLE, "28x28", "64x48", Ending.OWN_SIZE),
    "only the middle 28x28 of 64x48 judged": (Kind.MIDDLE, "28x28", "64x48"),
    "judged at 80x100, not resized": (Kind.SMALL, "80x100", Ending.OWN_SIZE),
    "judged at 64x64": (Kind.SMALL, "64x64"),
    "victims were shown it scaled to 28x28": (Kind.SCALED, "28x28"),
    "victims do not count: shown it scaled to 28x28, they know no attack in it": (Kind.UNKNOWN_SCALED, "28x28"),
    "victims were not asked: they take 28x28": (Kind.OTHER_SIZE, "28x28"),
    "victims were not asked: more than half a megapixel": (Kind.TOO_LARGE,),
    "victims were not asked: the memory does not hold it": (Kind.NO_MEMORY,),
    "victims were not asked: what one says of it is no number": (Kind.NO_NUMBER,),
    "the closed set does not hold: the image alone was judged": (Kind.NOT_CLOSED,),
    "victims were not asked: the memory does not hold it, or what one says of it is no number": (Kind.NOT_HEARD,),
}
"""What files hold: no phrase may ever be worded otherwise, nor be read as another kind."""

ALTERED = {Kind.LOSSY, Kind.GREYED, Kind.RESIZED, Kind.ENLARGED}
WEAKENED = {*ALTERED, Kind.COLOURED, Kind.RESTORED, Kind.SOME_TILES, Kind.MIDDLE, Kind.SMALL}
UNASKED = {Kind.UNKNOWN_SCALED, Kind.OTHER_SIZE, Kind.TOO_LARGE, Kind.NO_MEMORY, Kind.NO_NUMBER, Kind.NOT_HEARD}


@pytest.mark.parametrize("phrase", TOLD)
def test_a_phrase_and_what_it_tells_are_made_of_each_other(phrase: str) -> None:
    kind, *told = TOLD[phrase]
    ending = next((one for one in told if isinstance(one, Ending)), Ending.NONE)
    made = Adjustment(kind, tuple(one for one in told if not isinstance(one, Ending)), ending)
    assert str(made) == phrase
    assert adjustment_of(phrase) == made == pickle.loads(pickle.dumps(made))
    assert is_altered([made]) == (kind in ALTERED)
    assert is_weakened([made]) == (kind in WEAKENED)
    assert (kind.effect is Effect.UNASKED) == (kind in UNASKED)


def test_no_kind_is_left_out() -> None:
    assert {kind for kind, *_ in TOLD.values()} == set(Kind) - {Kind.OTHER}


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "turned upside down",
        "file is {phrase}",
        "file is JPEG",
        "judged at 8x8\n",
        "judged at 8x8, not resized, {0}",
    ],
)
def test_what_another_version_tells_is_kept_to_the_letter(phrase: str) -> None:
    told = adjustment_of(phrase)
    assert (told.kind, str(told)) == (Kind.OTHER, phrase)
    assert not is_weakened([told]), "nobody knows"
