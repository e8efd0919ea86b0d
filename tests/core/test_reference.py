"""Answers that are told beside known clean images of the source that images come from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.attributor import Attributor
from core.batch import fill_case
from core.case import Case
from core.errors import CaseError, PackError
from core.imageio import from_array, load_image
from core.labels import CLEAN
from core.pack import Pack, find_pack, load_pack
from core.paths import SAMPLES
from core.records import answers_from_json, answers_to_json
from core.reference import beside, reference_from_json, reference_of, reference_to_json
from core.types import Attribution, LoadedImage, Reference
from core.victim_store import victims_to_ask


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


def clean_in(answer: Attribution) -> float:
    return next(c.probability for c in answer.attack.ranking if c.label == CLEAN)


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
def test_what_looks_attacked_to_the_pack_is_clean_where_all_clean_images_look_so(
    which: str, request: pytest.FixtureRequest, pack: Pack
) -> None:
    attributor: Attributor = request.getfixturevalue(which)
    reference = reference_of(answers(attributor, noisy(60)))
    assert reference.images == 60 and len(reference.of("image" if which == "alone" else "image+probes")) == 60
    before = answers(attributor, noisy(20, 100))
    after = [beside(answer, pack.manifest, reference) for answer in before]
    suspect = [(old, new) for old, new in zip(before, after, strict=True) if clean_in(old) < 0.5]
    assert len(suspect) > 5, "the noise has to deceive the pack, or there is nothing to mend"
    for old, new in suspect:
        assert new.false_alarm is not None and old.false_alarm is not None
        assert clean_in(new) > clean_in(old) and new.false_alarm > old.false_alarm
    called = [sum(answer.attack.label == CLEAN for answer in each) for each in (before, after)]
    assert called[1] > called[0]


def test_attacks_are_still_told_beside_clean_images_like_the_packs_own(pack: Pack, asking: Attributor) -> None:
    told = answers(asking, samples())
    ordinary = Reference(pack.manifest.pack_id, (), (), tuple(np.linspace(0.9, 0.9999, 200)))
    for old, new in ((old, beside(old, pack.manifest, ordinary)) for old in told):
        assert (new.attack.label, new.victim.label) == (old.attack.label, old.victim.label)
        assert new.false_alarm is not None and new.false_alarm >= 1 / 201
        assert old.attack.label == CLEAN or new.false_alarm == pytest.approx(1 / 201), "none of them looks so"


def test_the_share_is_the_conformal_one_and_the_probabilities_stay_a_whole(pack: Pack, alone: Attributor) -> None:
    (old,) = answers(alone, noisy(1))
    mine = clean_in(old)
    scores = tuple(sorted([mine / 2, mine, *np.linspace(min(1.0, mine * 1.01), 1.0, 7)]))
    new = beside(old, pack.manifest, Reference(pack.manifest.pack_id, (), scores, ()))
    assert new.false_alarm == pytest.approx(3 / 10, abs=0.11)  # scores are kept with four digits
    assert new.beside is not None and new.beside.images == 9 and math.isfinite(new.beside.shift)
    for task in (new.attack, new.victim):
        assert math.fsum(c.probability for c in task.ranking) == pytest.approx(1)
        assert [c.probability for c in task.ranking] == sorted((c.probability for c in task.ranking), reverse=True)
        assert task.prediction_set and task.prediction_set[0] == task.label
    under = {c.label: h for c, h in zip(old.attack.ranking, old.hyperparameters, strict=True)}
    for candidate, value in zip(new.attack.ranking, new.hyperparameters, strict=True):
        assert value.name == under[candidate.label].name and value.value == under[candidate.label].value


def test_it_can_be_taken_back_and_replaced(pack: Pack, asking: Attributor) -> None:
    reference = reference_of(answers(asking, noisy(30)))
    for old in answers(asking, [*samples(), *noisy(3, 50)]):
        new = beside(old, pack.manifest, reference)
        again = beside(new, pack.manifest, reference)
        back = beside(new, pack.manifest, None)
        assert back.beside is None and back.false_alarm == old.false_alarm
        for one, other in ((new, again), (old, back)):
            assert [c.label for c in one.attack.ranking] == [c.label for c in other.attack.ranking]
            for first, second in zip(one.attack.ranking, other.attack.ranking, strict=True):
                assert first.probability == pytest.approx(second.probability, rel=1e-9, abs=1e-300)
        assert reference_of([new]).probes == reference_of([old]).probes, "what the pack says by itself counts"


def test_an_attributor_tells_its_answers_beside_it(pack: Pack, alone: Attributor) -> None:
    images = noisy(4, 200)
    reference = reference_of(answers(alone, noisy(20)))
    referring = Attributor(pack, "cpu", reference=reference)
    assert answers(referring, images) == [beside(one, pack.manifest, reference) for one in answers(alone, images)]
    assert referring.basis.reference == reference
    with pytest.raises(PackError, match="another pack"):
        Attributor(pack, "cpu", reference=replace(reference, pack_id="other@000000000000"))
    with pytest.raises(PackError, match="other victims"):
        Attributor(pack, "cpu", reference=replace(reference, asked=("a" * 64,)))


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
    for broken in ({"image": [0.5, 0.1]}, {"image": [2.0]}, {"image": [], "probes": []}, {"image": None}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            reference_from_json(content | broken)


def test_an_answer_keeps_it_in_json(pack: Pack, alone: Attributor) -> None:
    reference = reference_of(answers(alone, noisy(5)))
    (old,) = answers(alone, noisy(1, 9))
    new = beside(old, pack.manifest, reference)
    assert answers_from_json(answers_to_json(new), new.sha256, new.pack_id) == new
    assert answers_to_json(old)["reference"] is None
    assert answers_to_json(new)["reference"] == {
        "digest": reference.digest, "images": 5, "shift": new.beside.shift if new.beside else None
    }  # fmt: skip


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
