"""Victims at hand: which are found and asked, what the answers then rest on, and what a case does about it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from app.cli.fitting import settle
from core import wording
from core.answers import covering
from core.attributor import Attributor
from core.batch import fill_case, merge_parts, open_case
from core.case import Case
from core.class_names import names_of
from core.errors import CaseError, VictimError
from core.folders import find_images
from core.imageio import load_image
from core.labels import NONE_OF_THESE
from core.listed import Record
from core.manifest import Manifest
from core.pack import load_pack
from core.paths import RESOURCES, SAMPLES, user_data
from core.records import answers_from_json, answers_to_json
from core.report.facets import HANDED_OVER, NONE, OTHER_CLASS, UNCONFIRMED, Facets
from core.types import Basis, Finding, LoadedImage
from core.victim_store import offered, victims_to_ask
from core.victims import Victim, VictimCard, load_victim, save_victim
from tests.core.panels import write_asking_pack

RESNET, VGG = (RESOURCES / "victims" / f"{name}.safetensors" for name in ("resnet18", "vgg16"))


@pytest.fixture(scope="module")
def sha() -> str:
    return load_victim(RESNET)[1]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, tiny_manifest: dict[str, Any], sha: str) -> Path:
    """It knows the shipped ResNet18, and a victim that is nowhere to be found."""
    path = tmp_path_factory.mktemp("asking") / "asking.mtaapack"
    known = [{"name": "Defender", "sha256": sha}, {"name": "Lost", "sha256": "f" * 64}]
    write_asking_pack(path, {**tiny_manifest, "name": "asking"}, known)
    return path


@pytest.fixture(scope="module")
def manifest(pack: Path) -> Manifest:
    return load_pack(pack).manifest


@pytest.fixture(scope="module")
def images() -> list[LoadedImage]:
    return [load_image(path) for path in find_images([SAMPLES])][:4]


def test_the_packs_victims_are_found_by_their_bytes(manifest: Manifest, sha: str, tmp_path: Path) -> None:
    shutil.copy(RESNET, tmp_path / "under another name.safetensors")
    shutil.copy(VGG, tmp_path / "resnet18.safetensors")
    defender, lost = offered(manifest, folders=[tmp_path, tmp_path / "no such folder"])
    assert defender.held is not None and defender.known and defender.held.sha256 == sha
    assert defender.held.path.name == "under another name.safetensors"
    assert defender.name == defender.held.name == "Defender"
    assert lost.held is None and lost.known and "at hand" in str(lost.error)


def test_the_shipped_the_users_the_wizards_and_the_runs_victims_are_searched(
    manifest: Manifest, tmp_path: Path
) -> None:
    assert [one.name for one in victims_to_ask(manifest, True, [])] == ["Defender"]
    own = tmp_path / "own.safetensors"
    save_victim(Victim(VictimCard("own", "ResNet18", "", 10, 1, 28, 28, mean=0.5, std=0.5, accuracy=None, seed=0)), own)
    lost = manifest.victims[2].model_copy(update={"sha256": load_victim(own)[1]})
    theirs = manifest.model_copy(update={"victims": [*manifest.victims[:2], lost]})
    pack = tmp_path / "run" / "theirs.mtaapack"
    for folder in (user_data() / "victims", user_data() / "runs" / "mine" / "victims", pack.with_name("victims")):
        folder.mkdir(parents=True)
        shutil.copy(own, folder / "copy.safetensors")
        assert [one.path.parent for one in victims_to_ask(theirs, True, [], pack)][1] == folder
        shutil.rmtree(folder)
    refused = user_data() / "runs" / ".check-0a1b2c3d" / "victims"
    refused.mkdir(parents=True)
    shutil.copy(own, refused)
    assert len(victims_to_ask(theirs, True, [], pack)) == 1, "a check has left it, which may have refused it"


def test_nobody_is_looked_for_when_nobody_is_to_be_asked(manifest: Manifest) -> None:
    assert victims_to_ask(manifest, False, []) == []
    assert all(one.held is None and one.error for one in offered(manifest, ask=False))
    (given,) = victims_to_ask(manifest, False, [VGG])
    assert given.name == "VGG16"


def test_a_victim_is_handed_over_once_and_named_apart(manifest: Manifest, tmp_path: Path) -> None:
    shutil.copy(VGG, tmp_path / "again.safetensors")
    named = manifest.model_copy(
        update={"victims": [*manifest.victims[:2], manifest.victims[2].model_copy(update={"name": "VGG16"})]}
    )
    held = victims_to_ask(named, True, [RESNET, VGG, VGG, tmp_path / "again.safetensors"])
    assert [one.name for one in held] == ["Defender", f"VGG16 ({load_victim(VGG)[1][:6]})"]


def test_files_that_cannot_be_asked_say_why(manifest: Manifest, tmp_path: Path, tiny_pack: Path) -> None:
    wide = tmp_path / "wide.safetensors"
    card = VictimCard("wide", "ResNet18", "photos", 10, 3, 32, 32, mean=0.5, std=0.5, accuracy=None, seed=0)
    save_victim(Victim(card), wide)
    (tmp_path / "broken.safetensors").write_bytes(RESNET.read_bytes()[:5000])
    (tmp_path / "bare.safetensors").write_bytes(save({"weight": torch.zeros(1)}))
    for path, why in (
        (wide, "3x32x32"),
        (tmp_path / "broken.safetensors", "not a victim file: it is damaged, or no safetensors file"),
        (tmp_path / "bare.safetensors", "its header has no card"),
        (tmp_path / "gone.safetensors", "gone.safetensors"),
    ):
        with pytest.raises(VictimError, match=why):
            victims_to_ask(manifest, True, [path])
        assert any(one.held is None and why in str(one.error) for one in offered(manifest, [path]))
    with pytest.raises(VictimError, match="cannot ask"):
        victims_to_ask(load_pack(tiny_pack).manifest, True, [VGG])
    assert victims_to_ask(load_pack(tiny_pack).manifest, True, []) == []


def test_a_file_that_changes_after_it_was_found_is_not_asked(pack: Path, manifest: Manifest, tmp_path: Path) -> None:
    file = tmp_path / "victim.safetensors"
    shutil.copy(RESNET, file)
    held = victims_to_ask(manifest, False, [file])
    shutil.copy(VGG, file)
    with pytest.raises(VictimError, match="changed"):
        Attributor(load_pack(pack), "cpu", held)


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asking(pack: Path, manifest: Manifest) -> Attributor:
    return Attributor(load_pack(pack), "cpu", victims_to_ask(manifest, False, [RESNET, VGG]))


def test_answers_rest_on_the_victims_that_were_asked(asking: Attributor, images: list[LoadedImage]) -> None:
    assert asking.victims == ["clean", "Defender", "Lost", "VGG16", NONE_OF_THESE]
    for finding in asking.attribute(images):
        answer = finding.attribution
        assert answer.evidence == "image+probes"
        assert [said.victim for said in answer.testimonies] == ["Defender", "VGG16"]
        assert all(-1 <= said.match <= 1 for said in answer.testimonies)
        assert {c.label for c in answer.victim.ranking} == set(asking.victims)
        assert sum(c.probability for c in answer.victim.ranking) == pytest.approx(1)


def test_testimonies_are_what_the_victims_say(asking: Attributor, images: list[LoadedImage]) -> None:
    image = images[0]
    (finding,) = asking.attribute([image])
    for said, path in zip(finding.attribution.testimonies, (RESNET, VGG), strict=True):
        victim, digest = load_victim(path)
        with torch.no_grad():
            logits = victim(torch.from_numpy(image.pixels[None]).float())[0]
        assert said.sha256 == digest
        margins = (logits.max() - logits).tolist()
        assert min(abs(said.margin - margin) for margin in margins if margin > 0) < 1e-3 * abs(said.margin)


def test_intervals_are_those_of_a_victim_that_spoke_only_where_it_did(
    asking: Attributor, images: list[LoadedImage]
) -> None:
    probes = asking.manifest.probes
    assert probes is not None
    asked = {victim.name for victim in asking.asked}
    for finding in asking.attribute(images, coverage=0.9):
        answer = finding.attribution
        by = probes if answer.victim.label in asked else probes.calibration
        for candidate, value in zip(answer.attack.ranking, answer.hyperparameters, strict=True):
            place = (value.value - value.minimum) / (value.maximum - value.minimum or 1)
            half = by.halfwidths[candidate.label][1] * (1 + by.growth.get(candidate.label, 0) * place)
            assert value.low == pytest.approx(max(value.value - half, value.minimum))
            assert value.high == pytest.approx(min(value.value + half, value.maximum))


def test_without_victims_the_image_alone_is_judged(pack: Path, images: list[LoadedImage]) -> None:
    answers = [f.attribution for f in Attributor(load_pack(pack), "cpu").attribute(images)]
    assert all(a.evidence == "image" and a.testimonies == () for a in answers)
    plain = load_pack(pack)
    manifest = plain.manifest.model_copy(update={"probes": None})
    weights = {name: tensor for name, tensor in plain.weights.items() if not name.startswith("scorer.")}
    without = Attributor(replace(plain, manifest=manifest, weights=weights), "cpu").attribute(images)
    assert [replace(f.attribution, pack_id=answers[0].pack_id) for f in without] == answers


def test_an_image_is_judged_alike_alone_and_among_others(asking: Attributor, images: list[LoadedImage]) -> None:
    together = [f.attribution for f in asking.attribute(images)]
    alone = [asking.attribute([image])[0].attribution for image in images]
    for one, other in zip(together, alone, strict=True):
        assert one.victim.label == other.victim.label
        for said, again in zip(one.testimonies, other.testimonies, strict=True):
            assert (said.margin, said.odds) == pytest.approx((again.margin, again.odds), rel=1e-3, abs=1e-3)


def test_testimonies_survive_json(asking: Attributor, images: list[LoadedImage]) -> None:
    answer = asking.attribute(images[:1])[0].attribution
    written = answers_to_json(answer)
    assert written["evidence"] == "image+probes" and written["asked"] == ["Defender", "VGG16"]
    assert answers_from_json(written, answer.sha256, answer.pack_id) == answer
    for said in written["testimonies"]:  # as a case has it that was written before others were heard
        assert said["others"] == 1, "the other one"
        del said["others"], said["others_before"], said["others_alike"], said["label"], said["before"]
    older = answers_from_json(written, answer.sha256, answer.pack_id).testimonies[0]
    assert (older.others, older.label, older.before) == (0, "", "")
    for key in ("evidence", "asked", "testimonies"):  # as a case of an earlier program has it
        del written[key]
    assert answers_from_json(written, answer.sha256, answer.pack_id).evidence == "image"


def test_an_image_that_a_victim_has_no_answer_to_is_judged_without(
    pack: Path, manifest: Manifest, images: list[LoadedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that standardises each image divides by nothing where all pixels are alike."""
    asking = Attributor(load_pack(pack), "cpu", victims_to_ask(manifest, False, [RESNET]))
    forward = Victim.forward

    def standardised(victim: Victim, x: torch.Tensor) -> torch.Tensor:
        spread = x.flatten(1).std(1)
        return forward(victim, x) * (spread / spread)[:, None]

    monkeypatch.setattr(Victim, "forward", standardised)
    blank = replace(images[0], sha256="b" * 64, pixels=np.full_like(images[0].pixels, 0.5))
    passes = []
    monkeypatch.setattr(
        asking.passes, "forward", lambda *a, real=asking.passes.forward: passes.append(len(a[0])) or real(*a)
    )
    many = asking.attribute([*images * 8, blank, images[0]])
    assert [f.attribution.evidence for f in many] == ["image+probes"] * 8 * len(images) + ["image", "image+probes"]
    assert len(passes) < 16, "it is looked for by halves, and the others are not asked about one by one"
    findings = asking.attribute([images[0], blank, images[1]])
    assert [f.attribution.sha256 for f in findings] == [images[0].sha256, "b" * 64, images[1].sha256]
    assert [f.attribution.evidence for f in findings] == ["image+probes", "image", "image+probes"]
    assert str(findings[1].attribution.adjustments[-1]) == "victims were not asked: what one says of it is no number"


def test_the_named_victim_is_heard_first(asking: Attributor, images: list[LoadedImage]) -> None:
    answer = asking.attribute(images[:1])[0].attribution
    for label in ("Defender", "VGG16", NONE_OF_THESE):
        ranking = tuple(sorted(answer.victim.ranking, key=lambda one, label=label: one.label != label))
        named = replace(answer, victim=replace(answer.victim, ranking=ranking))
        heard = [said.victim for said in named.heard]
        assert sorted(heard) == ["Defender", "VGG16"] and named.testimonies == answer.testimonies
        if label == NONE_OF_THESE:
            assert named.heard[0].odds >= named.heard[1].odds
        else:
            assert heard[0] == label


def test_victims_beyond_the_packs_have_bars_of_their_own(asking: Attributor, images: list[LoadedImage]) -> None:
    facets = Facets(asking.manifest)
    (at,) = (n for n, facet in enumerate(facets.all) if facet.key == "victim")
    assert facets.all[at].labels == ("clean", "Defender", "Lost", NONE_OF_THESE, HANDED_OVER)
    for finding in asking.attribute(images):
        bar = facets.all[at].labels[facets.places(Record("x.png", None, "ok", None, finding))[at]]
        label = finding.attribution.victim.label
        assert bar == (HANDED_OVER if label == "VGG16" else label)


def test_what_a_victim_sees_is_told_by_the_packs_names_for_its_own_and_by_numbers_for_others(
    pack: Path, images: list[LoadedImage]
) -> None:
    plain = load_pack(pack)
    names = tuple(f"digit {number}" for number in range(10))
    named = replace(plain, manifest=plain.manifest.model_copy(update={"class_names": names}))
    asking = Attributor(named, "cpu", victims_to_ask(named.manifest, False, [RESNET, VGG]))
    for image, finding in zip(images, asking.attribute(images), strict=True):
        own, other = finding.attribution.testimonies
        for said, path, called in ((own, RESNET, "digit {}"), (other, VGG, "#{}")):
            with torch.no_grad():
                seen = load_victim(path)[0](torch.from_numpy(image.pixels[None]).float()).argmax().item()
            assert said.label == called.format(seen) != said.before
        assert own.before in names and other.before in {f"#{number}" for number in range(10)}


def test_thousand_classes_are_imagenets_only_where_the_known_ones_are() -> None:
    card = VictimCard("big", "resnet18", "folder", 1000, 3, 8, 8, 0.0, 1.0, None, 0, class_map=(497, 491))
    names = names_of(card, ("church", "chain saw"))
    assert (len(names), names[497], names[0]) == (1000, "church", "tench")
    assert names_of(card, ("chain saw", "church")) == {497: "chain saw", 491: "church"}
    assert names_of(card, ("church",)) == {}, "of another data set"


def test_images_are_counted_by_what_the_named_victim_sees_where_an_attack_is_named(
    manifest: Manifest, asking: Attributor, images: list[LoadedImage]
) -> None:
    classes = manifest.model_copy(update={"class_names": ("cat", "dog")})
    facets = Facets(classes)
    (at,) = (n for n, facet in enumerate(facets.all) if facet.key == "label")
    assert facets.all[at].labels == ("cat", "dog", OTHER_CLASS)
    assert facets.all[at + 1].labels == ("cat", "dog", OTHER_CLASS, UNCONFIRMED)
    assert "label" not in {facet.key for facet in Facets(manifest).all}, "a pack that does not name its classes"
    answer = asking.attribute(images[:1])[0].attribution

    def places(attack: str, victim: str, **said: Any) -> tuple[int, ...]:
        """Of the same answer with another attack and victim named, and told otherwise."""
        rankings = (tuple(sorted(task.ranking, key=lambda one: one.label != label))
                    for task, label in ((answer.attack, attack), (answer.victim, victim)))  # fmt: skip
        tasks = (replace(task, ranking=r) for task, r in zip((answer.attack, answer.victim), rankings, strict=True))
        told = tuple(replace(one, **said) if one.victim == victim else one for one in answer.testimonies)
        changed = replace(answer, **dict(zip(("attack", "victim"), tasks, strict=True)), testimonies=told)
        return facets.places(Record("x.png", None, "ok", None, Finding(changed, None)))[at : at + 2]

    most = {"others": 3, "others_before": 2}
    assert places("fgsm", "Defender", label="dog", before="cat", **most) == (1, 0)
    assert places("fgsm", "Defender", label="#417", before="cat", **most) == (2, 0)
    assert places("fgsm", "Defender", label="dog", before="cat", others=2, others_before=1) == (1, 3)
    assert places("fgsm", "Defender", label="dog", before="cat", others=0, others_before=0) == (1, 3)
    assert places("fgsm", "Defender", label="", before="") == (NONE, NONE), "a case of before"
    assert places("clean", "Defender", label="dog", before="cat") == (NONE, NONE)
    assert places("fgsm", "Lost") == (NONE, NONE), "which was not asked"


# --- cases ----------------------------------------------------------------------------------------------------------


def test_a_case_keeps_to_the_victims_it_began_with(asking: Attributor, pack: Path, tmp_path: Path) -> None:
    files = find_images([SAMPLES])
    path = tmp_path / "some.mtaacase"
    with Case.create(path, asking.manifest, 0.9) as case:
        fill_case(case, asking, files[:2])
        fill_case(case, asking, files[:3])
        assert len(case) == 3
        assert sum(entry.action == "victims" for entry in case.log()) == 1
        with pytest.raises(CaseError, match=r"asking Defender .*VGG16 .*now it would be asking no victim"):
            fill_case(case, Attributor(load_pack(pack), "cpu"), files)
        assert len(case) == 3
    with open_case(path, asking.manifest, 0.9, resume=True) as case:
        fill_case(case, asking, files)
        assert all(finding.attribution.evidence == "image+probes" for finding in case.values())


def test_a_case_of_images_alone_takes_no_testimony(asking: Attributor, pack: Path, tmp_path: Path) -> None:
    files = find_images([SAMPLES])
    with Case.create(tmp_path / "alone.mtaacase", asking.manifest, 0.9) as case:
        fill_case(case, Attributor(load_pack(pack), "cpu"), files[:2])
        with pytest.raises(CaseError, match="asking no victim, and now it would be asking Defender"):
            fill_case(case, asking, files)


def test_a_killed_shared_run_keeps_to_its_victims(asking: Attributor, pack: Path, tmp_path: Path) -> None:
    """The answers of a run that was killed lie in parts beside the case, which has none itself."""
    files = find_images([SAMPLES])
    path = tmp_path / "shared.mtaacase"
    with Case.create(path, asking.manifest, 0.9) as case:
        with Case.create(tmp_path / "shared.mtaacase.part-0", asking.manifest, 0.9) as part:
            fill_case(part, asking, files[:2])
        merge_parts(case, files)
        with pytest.raises(CaseError, match="now it would be asking no victim"):
            case.settle(Basis({}))
        assert case.basis() == Basis({victim.sha256: victim.name for victim in asking.asked})


# --- closed sets ----------------------------------------------------------------------------------------------------


@pytest.fixture
def closed(pack: Path, asking: Attributor) -> Attributor:
    return Attributor(load_pack(pack), "cpu", asking.asked, closed=True)


def test_in_a_closed_set_only_who_is_asked_can_be_the_victim(
    asking: Attributor, closed: Attributor, images: list[LoadedImage]
) -> None:
    assert closed.victims == ["clean", "Defender", "VGG16"]
    for one, other in zip(asking.attribute(images), closed.attribute(images), strict=True):
        before, after = ({c.label: c.probability for c in f.attribution.victim.ranking} for f in (one, other))
        assert sum(after.values()) == pytest.approx(1)
        assert after["clean"] == pytest.approx(before["clean"]), "who may have attacked says nothing of whether"
        assert after["Defender"] / after["VGG16"] == pytest.approx(before["Defender"] / before["VGG16"], rel=1e-3)
        assert one.attribution.attack == other.attribution.attack
        assert one.attribution.testimonies == other.attribution.testimonies


def test_a_closed_set_is_told_and_survives_json(closed: Attributor, images: list[LoadedImage]) -> None:
    answer = closed.attribute(images[:1])[0].attribution
    written = answers_to_json(answer)
    assert answer.closed_set and written["closed_set"] and wording.CLOSED in wording.notes(answer)
    assert answers_from_json(written, answer.sha256, answer.pack_id) == answer
    assert covering(answer, closed.manifest, 0.8).closed_set


def test_an_image_that_no_victim_can_be_asked_about_knows_no_closed_set(
    closed: Attributor, images: list[LoadedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    unable = VictimError("What it says is no number.")
    monkeypatch.setattr(closed.panel, "hear", lambda *_: (_ for _ in ()).throw(unable))
    answer = closed.attribute(images[:1])[0].attribution
    assert answer.evidence == "image" and not answer.closed_set
    assert str(answer.adjustments[-1]) == "the closed set does not hold: the image alone was judged"
    assert [c.label for c in answer.victim.ranking if c.label not in ("clean", "Defender", "Lost")] == []


def test_a_killed_shared_run_keeps_to_its_closed_set(closed: Attributor, pack: Path, tmp_path: Path) -> None:
    files = find_images([SAMPLES])
    path = tmp_path / "shared.mtaacase"
    with Case.create(path, closed.manifest, 0.9) as case:
        case.settle(closed.basis)
        with Case.create(tmp_path / "shared.mtaacase.part-0", closed.manifest, 0.9) as part:
            fill_case(part, closed, files[:2])
    begun = settle(str(pack), files, path, tell=False)
    assert begun.basis is not None and begun.basis.closed, "though the case itself has no answer yet"
    with open_case(path, closed.manifest, 0.9, resume=True) as case:
        fill_case(case, Attributor(load_pack(pack), "cpu", closed.asked, closed=begun.basis.closed), files[:3])
        assert len(case) == 3 and all(finding.attribution.closed_set for finding in case.values())


def test_a_case_keeps_to_its_closed_set(asking: Attributor, closed: Attributor, tmp_path: Path) -> None:
    files = find_images([SAMPLES])
    path = tmp_path / "closed.mtaacase"
    with Case.create(path, closed.manifest, 0.9) as case:
        case.settle(asking.basis)  # there is no answer yet
        fill_case(case, closed, files[:2])
        assert case.basis() == closed.basis and case.basis().closed
        with pytest.raises(CaseError, match=r"as a closed set, and now it would be asking Defender"):
            fill_case(case, asking, files)
        assert all(finding.attribution.closed_set for finding in case.values())


# --- files of strangers ---------------------------------------------------------------------------------------------


def stranger(path: Path, **changes: Any) -> Path:
    """A victim file whose card says what strangers may say."""
    card = {"name": "own", "architecture": "ResNet18", "dataset": "", "std": 0.5, **changes}
    victim = VictimCard(
        classes=10, channels=1, height=28, width=28, mean=0.5, accuracy=None, seed=0, **card
    )  # fmt: skip
    save_victim(Victim(victim), path)
    return path


def test_a_victim_that_answers_no_numbers_is_not_asked(pack: Path, manifest: Manifest, tmp_path: Path) -> None:
    held = victims_to_ask(manifest, True, [stranger(tmp_path / "odd.safetensors", std=1e-44)])
    with pytest.raises(VictimError, match="own says of an image is no number"):
        Attributor(load_pack(pack), "cpu", held)


def test_names_are_made_apart_and_kept_readable(manifest: Manifest, tmp_path: Path) -> None:
    first = stranger(tmp_path / "first.safetensors", name="Defender")
    other = stranger(tmp_path / "other.safetensors", name=f"Defender ({load_victim(first)[1][:6]})")
    names = [one.name for one in victims_to_ask(manifest, True, [other, first])]
    assert len(set(names)) == 3
    for at, name in enumerate(("two\nlines", "a|b", "x" * 81)):
        with pytest.raises(VictimError, match="name that cannot be shown"):
            victims_to_ask(manifest, True, [stranger(tmp_path / f"{at}.safetensors", name=name)])


def test_what_lies_in_a_folder_of_victims_by_chance_stops_nobody(manifest: Manifest, tmp_path: Path) -> None:
    shutil.copy(RESNET, tmp_path / "z.safetensors")
    (tmp_path / "a.safetensors").symlink_to(tmp_path / "gone")
    (tmp_path / "b.safetensors").mkdir()
    os.mkfifo(tmp_path / "c.safetensors")
    assert offered(manifest, folders=[tmp_path])[0].held is not None
    for name in "abc":
        with pytest.raises(VictimError):
            victims_to_ask(manifest, False, [tmp_path / f"{name}.safetensors"])


def test_a_nested_card_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "nested.safetensors"
    path.write_bytes(save({"x": torch.zeros(1)}, {"card": "[" * 200_000}))
    with pytest.raises(VictimError, match="not a victim file"):
        victims_to_ask(manifest, False, [path])
