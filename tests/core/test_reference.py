"""Answers that are told beside known clean images of the source that images come from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.attributor import Attributor
from core.batch import fill_case
from core.calibration import kept
from core.case import Case
from core.discoveries import alarms, attacked, countable
from core.errors import CaseError, PackError
from core.imageio import from_array, load_image
from core.labels import CLEAN
from core.pack import Pack, find_pack, load_pack
from core.paths import SAMPLES
from core.records import answers_from_json, answers_to_json, reference_from_json, reference_to_json
from core.reference import beside, reference_of
from core.together import word_of
from core.types import Attribution, LoadedImage, Reference
from core.victim_store import victims_to_ask
from core.wording import false_alarm


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(find_pack("mnist"))


@pytest.fixture(scope="module")
def alone(pack: Pack) -> Attributor:
    return Attributor(pack, "cpu")


@pytest.fixture(scope="module")
def asking(pack: Pack) -> Attributor:
    return Attributor(pack, "cpu", victims_to_ask(pack.manifest, True, []))


def samples() -> list[LoadedImage]:
    return [load_image(file) for file in sorted(SAMPLES.glob("*-?.png"))]


def answers(attributor: Attributor, images: list[LoadedImage]) -> list[Attribution]:
    return [finding.attribution for finding in attributor.attribute(images)]


def known(*scores: float) -> tuple[tuple[float, str], ...]:
    return tuple((float(score), f"{at:064x}") for at, score in enumerate(scores))


def noisy(count: int, start: int = 0) -> list[LoadedImage]:
    """Drawn strokes under the noise of a bad scanner, which the pack has not seen."""
    found = []
    for seed in range(start, start + count):
        rng = np.random.default_rng(seed)
        image = np.zeros((28, 28))
        image[5:23, 8 + seed % 6 : 11 + seed % 6] = 230
        image[12:15, 6:22] = 200
        found.append(from_array((image + rng.normal(0, 25, image.shape)).round().clip(0, 255).astype(np.uint8)))
    return found


@pytest.mark.parametrize("which", ["alone", "asking"])
def test_what_looks_attacked_to_the_pack_is_common_where_many_clean_images_look_so(
    which: str, request: pytest.FixtureRequest, pack: Pack
) -> None:
    attributor: Attributor = request.getfixturevalue(which)
    reference = reference_of(answers(attributor, noisy(60)))
    assert reference.images == 60 and len(reference.of("image" if which == "alone" else "image+probes")) == 60
    before = answers(attributor, noisy(30, 100))
    after = [beside(answer, pack.manifest, reference) for answer in before]
    rare = [
        sum(answer.false_alarm is not None and answer.false_alarm <= 0.05 for answer in told)
        for told in (before, after)
    ]
    assert rare[0] > 3, "the noise has to deceive the pack, or there is nothing to mend"
    assert rare[1] <= 3, "of thirty at most 5 % but for chance"
    for old, new in zip(before, after, strict=True):
        assert replace(new, false_alarm=old.false_alarm, beside=None) == old, "what is named stays"


def test_attacks_are_still_told_beside_clean_images_like_the_packs_own(pack: Pack, asking: Attributor) -> None:
    ordinary = Reference(pack.manifest.pack_id, (), (), known(*np.linspace(0.9, 0.9999, 200)))
    for answer in answers(asking, samples()):
        told = beside(answer, pack.manifest, ordinary).false_alarm
        assert answer.attack.label == CLEAN or told == pytest.approx(1 / 201), "none of them looks so"


def test_the_share_is_the_conformal_one(pack: Pack, alone: Attributor) -> None:
    (old,) = answers(alone, noisy(1))
    mine = kept(next(c.probability for c in old.attack.ranking if c.label == CLEAN))
    below, above = [mine / 2, mine], list(np.linspace(mine + 1e-3, 1.0, 7))
    new = beside(old, pack.manifest, Reference(pack.manifest.pack_id, (), known(*below, *above), ()))
    assert new.false_alarm == pytest.approx(3 / 10) and new.beside is not None and new.beside.images == 9
    other = beside(old, pack.manifest, Reference(pack.manifest.pack_id, (), (), known(0.5)))
    assert other == old, "those that victims were asked about are not judged as it was"


def test_it_can_be_taken_back_and_replaced(pack: Pack, asking: Attributor) -> None:
    reference, other = (reference_of(answers(asking, noisy(30, start))) for start in (0, 30))
    for old in answers(asking, [*samples(), *noisy(3, 60)]):
        new = beside(old, pack.manifest, reference)
        assert beside(beside(new, pack.manifest, other), pack.manifest, reference) == new
        assert beside(new, pack.manifest, None) == old


def test_an_attributor_tells_its_answers_beside_it(pack: Pack, alone: Attributor) -> None:
    images = noisy(4, 200)
    reference = reference_of(answers(alone, noisy(20)))
    referring = Attributor(pack, "cpu", reference=reference)
    assert answers(referring, images) == [beside(one, pack.manifest, reference) for one in answers(alone, images)]
    assert referring.basis.reference == reference
    with pytest.raises(PackError, match="another pack"):
        Attributor(pack, "cpu", reference=replace(reference, pack_id="other@000000000000"))
    some = replace(reference, image=(), probes=reference.image, asked=("a" * 64,))
    with pytest.raises(PackError, match="other victims"):
        Attributor(pack, "cpu", reference=some)


def test_known_clean_images_count_unfamiliar_ones_too_and_say_how_many(pack: Pack, alone: Attributor) -> None:
    reference = reference_of(answers(alone, noisy(60)))
    told = [beside(answer, pack.manifest, reference) for answer in answers(alone, noisy(30, 100))]
    assert sum(not answer.familiarity.familiar for answer in told) > 10
    assert len(alarms(told)) == 30 and attacked(alarms(told).values()) == 0
    assert "fewer than 19 known clean images none" in countable(18)
    assert countable(19).endswith("at least 100% of all") and countable(199).endswith("at least 10% of all")
    for known_ones, count in ((19, 43), (39, 22), (199, 400)):  # what is promised holds to the last image
        hit = math.ceil(count / (0.05 * (known_ones + 1)) - 1e-9)
        assert attacked([1 / (known_ones + 1)] * hit + [1.0] * (count - hit)) == hit


def test_known_clean_images_are_no_question_themselves(pack: Pack, asking: Attributor) -> None:
    images = [*noisy(30), *samples()]
    own = answers(asking, images)
    reference = reference_of(own[:30])
    told = [beside(answer, pack.manifest, reference) for answer in own]
    assert [answer.beside.known for answer in told if answer.beside] == [True] * 30 + [False] * len(samples())
    assert len(alarms(told)) == len(samples())
    familiar = [replace(answer, familiarity=replace(answer.familiarity, score=0.0)) for answer in told]
    assert not any(map(word_of, familiar[:30])) and any(map(word_of, familiar[30:]))
    assert false_alarm(told[0]).startswith("one of the known clean images; ")


def test_words_count_the_known_clean_images(pack: Pack, alone: Attributor) -> None:
    (answer,) = answers(alone, noisy(1))
    mine = kept(next(c.probability for c in answer.attack.ranking if c.label == CLEAN))

    def words(*scores: float) -> str:
        return false_alarm(beside(answer, pack.manifest, Reference(pack.manifest.pack_id, (), known(*sorted(scores)))))

    assert words(mine, 1.0) == "1 of 2 known clean images looks at least as attacked"
    assert words(*[mine / 2] * 3, *[1.0] * 1497) == "3 of 1,500 known clean images look at least as attacked"
    assert words(1.0) == "the one known clean image looks less attacked"


def test_all_victims_that_are_asked_were_asked_about_them(pack: Pack, asking: Attributor) -> None:
    told = Reference(pack.manifest.pack_id, (asking.asked[0].sha256,), (), known(0.9))
    with pytest.raises(PackError, match="other victims"):
        asking.refer_to(told)
    assert asking.reference is None


def test_copies_count_once_and_nothing_is_no_reference(alone: Attributor) -> None:
    images = noisy(3)
    assert reference_of(answers(alone, images + images)).images == 3
    with pytest.raises(PackError, match="None of the clean images"):
        reference_of([])


def test_it_comes_back_from_json_and_is_checked(alone: Attributor) -> None:
    reference = reference_of(answers(alone, noisy(5)))
    content = reference_to_json(reference)
    assert reference_from_json(content) == reference
    assert reference_from_json(content).digest == reference.digest
    for broken in (
        {"image": [[0.5, "a"], [0.1, "b"]]},
        {"image": [[2.0, "a"]]},
        {"image": [0.5]},
        {"image": [[10**400, "a"]]},
        {"image": [], "probes": []},
        {"image": None},
    ):
        with pytest.raises((KeyError, TypeError, ValueError)):
            reference_from_json(content | broken)


def test_an_answer_keeps_it_in_json(pack: Pack, alone: Attributor) -> None:
    reference = reference_of(answers(alone, noisy(5)))
    (old,) = answers(alone, noisy(1, 9))
    new = beside(old, pack.manifest, reference)
    assert answers_from_json(answers_to_json(new), new.sha256, new.pack_id) == new
    assert answers_to_json(old)["reference"] is None
    assert answers_to_json(new)["reference"] == {"digest": reference.digest, "images": 5, "known": False}


def test_a_case_keeps_to_its_clean_images(pack: Pack, alone: Attributor, tmp_path: Path) -> None:
    reference = reference_of(answers(alone, noisy(5)))
    referring = Attributor(pack, "cpu", reference=reference)
    files = sorted(SAMPLES.glob("*-?.png"))
    with Case.create(tmp_path / "a.mtaacase", pack.manifest, 0.9) as case:
        fill_case(case, referring, files[:1])
        assert case.basis().reference == reference
        with pytest.raises(CaseError, match="5 known clean images"):
            fill_case(case, alone, files[1:2])
        fill_case(case, referring, files[1:2])
        told = [record.finding.attribution for record in case.records() if record.finding]
        assert len(told) == 2 and all(one.beside and one.beside.images == 5 for one in told)
