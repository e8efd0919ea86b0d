from __future__ import annotations

import pytest

from core.answers import _held, _reached
from core.types import Candidate


@pytest.mark.parametrize(
    ("first", "limit", "held", "reached"),
    [
        (0.53, 0.02, ("cw",), False),  # nothing belongs to the set, and 0.53 covers nothing like 0.9
        (0.9995, 0.0001, ("cw",), True),  # of a pack that is hardly ever wrong: surer than the coverage asks
        (0.95, 0.3, ("cw",), True),
        (0.6, 0.7, ("cw", "pgd"), True),
    ],
)
def test_a_label_that_stands_alone_says_whether_the_set_holds_it(
    first: float, limit: float, held: tuple[str, ...], reached: bool
) -> None:
    ranking = (Candidate("cw", first), Candidate("pgd", 1 - first))
    assert _held(ranking, limit) == held
    assert _reached(ranking[0], limit, 0.9) == reached
