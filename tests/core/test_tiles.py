"""Images that are judged in tiles: what their answers are made of, whom they are asked about, what waits in memory."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core import attributor as attributor_module
from core import reading
from core.attributor import Attributor
from core.batch import fill_case, open_case, reopen_case
from core.case import Case
from core.errors import Cancelled, CaseError, DeviceError
from core.imageio import decode_image, load_image
from core.manifest import Fit, ImageSpec, Manifest
from core.model.network import MTAA, Outputs
from core.pack import Pack, build_network, load_pack, write_pack
from core.paths import RESOURCES
from core.preprocess import MAX_TILES, prepare
from core.progress import CancelToken
from core.records import answers_to_json
from core.types import LoadedImage
from core.types import Testimony as Said
from core.victim_store import victims_to_ask
from core.victims import Victim
from tests.core.helpers import records_of
from tests.core.panels import write_asking_pack

RANDOM = np.random.default_rng(5)


def image_of(height: int, width: int, channels: int = 3) -> LoadedImage:
    pixels = RANDOM.random((channels, height, width), dtype=np.float32)
    return LoadedImage(f"{width}x{height}", f"{RANDOM.integers(2**62):064x}", pixels, "PNG", 8, False)


@pytest.fixture(scope="module")
def entries(tiny_manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        **tiny_manifest, "name": "parts", "network": {"width": 4, "crop": 48},
        "image": {"channels": 3, "height": 96, "width": 96, "fit": "tiles"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, Any]) -> Pack:
    path = tmp_path_factory.mktemp("parts") / "parts.mtaapack"
    checked = Manifest.model_validate({**entries, "weights_sha256": "0" * 64})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MTAA(checked.network, checked.image, checked.attacks, len(checked.victims))
    write_pack(path, entries, network.state_dict())
    return load_pack(path)


@pytest.fixture
def attributor(pack: Pack) -> Attributor:
    return Attributor(pack, "cpu")


def test_an_image_gets_the_mean_of_its_tiles_answers(attributor: Attributor, pack: Pack) -> None:
    image = image_of(150, 250)
    tiles = torch.from_numpy(prepare(image, pack.manifest.image).tiles)
    network = build_network(pack).eval()
    with torch.no_grad():
        outputs = network(tiles)
        far = network.familiarity(outputs.features.mean(0, keepdim=True)).item()
    assert len(tiles) == 6
    answer = attributor.attribute([image])[0].attribution
    for told, logits, labels, temperature in (
        (answer.attack, outputs.attack, ["clean", "fgsm", "cw"], 1.5),
        (answer.victim, outputs.victim, ["clean", "resnet18"], 1.2),
    ):
        expected = dict(zip(labels, (logits.mean(0).double() / temperature).softmax(0).tolist(), strict=True))
        assert {c.label: c.probability for c in told.ranking} == pytest.approx(expected, abs=1e-5)
    values = dict(zip(["clean", "fgsm", "cw"], outputs.hyperparameter.mean(0).tolist(), strict=True))
    for candidate, value in zip(answer.attack.ranking, answer.hyperparameters, strict=True):
        clipped = np.clip(values[candidate.label], value.minimum, value.maximum)
        assert value.value == pytest.approx(clipped, abs=1e-3)
    assert answer.familiarity.score == pytest.approx(far, rel=1e-4)
    assert [*map(str, answer.adjustments)] == ["judged in 6 tiles of 96x96, not resized"]


def test_images_of_all_sizes_are_judged_together_as_alone(attributor: Attributor) -> None:
    images = [image_of(*size) for size in ((96, 96), (300, 100), (96, 96), (70, 80), (500, 400), (20, 96))]
    attributor.batch = 7
    together = attributor.attribute(images, heatmaps=True)
    for image, found in zip(images, together, strict=True):
        (alone,) = attributor.attribute([image], heatmaps=True)
        assert found.attribution.sha256 == image.sha256
        assert found.attribution.adjustments == alone.attribution.adjustments
        assert found.attribution.attack.probability == pytest.approx(alone.attribution.attack.probability, abs=1e-5)
        assert found.heatmap is not None and alone.heatmap is not None
        assert found.heatmap.strength.shape == image.size
        assert np.allclose(found.heatmap.strength, alone.heatmap.strength, atol=1e-4)


def test_the_heatmap_shows_nothing_where_nothing_was_looked_at(pack: Pack) -> None:
    cropping = replace(pack, manifest=pack.manifest.fitting("crop"))
    image = image_of(200, 160)
    (found,) = Attributor(cropping, "cpu").attribute([image], heatmaps=True)
    assert found.heatmap is not None and found.heatmap.perturbation is not None
    looked_at = np.zeros(image.size, bool)
    looked_at[52:148, 32:128] = True
    for shown in (found.heatmap.strength, found.heatmap.perturbation.any(axis=0)):
        assert not shown[~looked_at].any()
        assert (shown[looked_at] != 0).mean() > 0.9
    middle = LoadedImage("", "0" * 64, image.pixels[:, 52:148, 32:128], "PNG", 8, False)
    (alone,) = Attributor(pack, "cpu").attribute([middle], heatmaps=True)
    assert alone.heatmap is not None
    assert found.heatmap.strength[looked_at] == pytest.approx(alone.heatmap.strength.ravel(), abs=1e-5)


def test_a_pass_that_the_memory_does_not_hold_is_made_smaller(
    attributor: Attributor, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = image_of(300, 400)
    (expected,) = attributor.attribute([image])
    forward, sizes = attributor.passes.forward, []

    def scarce(tiles: np.ndarray[Any, Any], ask: bool, heatmaps: bool) -> object:
        sizes.append(len(tiles))
        return forward(tiles, ask, heatmaps) if len(tiles) <= 5 else None

    monkeypatch.setattr(attributor.passes, "forward", scarce)
    (found,) = attributor.attribute([image])
    assert sizes == [20, 10, 5, 5, 5, 5]
    assert found.attribution.attack.probability == pytest.approx(expected.attribution.attack.probability, abs=1e-5)


def test_cancelling_does_not_wait_for_all_tiles(
    attributor: Attributor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(RANDOM.integers(0, 256, (900, 900, 3), dtype=np.uint8)).save(tmp_path / "large.png")
    cancel, passes, forward = CancelToken(), [], attributor.passes.forward
    attributor.passes.most = attributor.batch = 4

    def cancelled(tiles: np.ndarray[Any, Any], ask: bool, heatmaps: bool) -> object:
        passes.append(len(tiles))
        cancel.cancel()
        return forward(tiles, ask, heatmaps)

    monkeypatch.setattr(attributor.passes, "forward", cancelled)
    with pytest.raises(Cancelled):
        list(records_of(attributor, [tmp_path / "large.png"], cancel=cancel))
    with pytest.raises(Cancelled):
        attributor.attribute([load_image(tmp_path / "large.png")], cancel=cancel)
    assert passes == [4]


# --- victims --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asking_pack(tmp_path_factory: pytest.TempPathFactory, tiny_manifest: dict[str, Any]) -> Pack:
    path = tmp_path_factory.mktemp("asking") / "asking.mtaapack"
    image = {**tiny_manifest["image"], "fit": "tiles"}
    entries = {**tiny_manifest, "name": "asking", "image": image, "network": {"width": 4, "crop": 16}}
    write_asking_pack(path, entries, [{"name": "Lost", "sha256": "f" * 64}])
    return load_pack(path)


@pytest.fixture(scope="module")
def asking(asking_pack: Pack) -> Attributor:
    held = victims_to_ask(asking_pack.manifest, False, [RESOURCES / "victims" / "vgg16.safetensors"])
    return Attributor(asking_pack, "cpu", held)


def test_victims_are_asked_about_what_they_would_take(asking: Attributor, asking_pack: Pack) -> None:
    """In one batch, and each answer rests on what it says it does."""
    images = [image_of(*size, 1) for size in ((28, 28), (60, 40), (28, 28), (20, 20), (20, 40))]
    exact, large, other, small, low = (found.attribution for found in asking.attribute(images))
    for answer in (exact, large, other, small):
        assert answer.evidence == "image+probes"
        assert answers_to_json(answer)["asked"] == ["VGG16"]
    assert str(small.adjustments[0]) == "enlarged from 20x20 to 28x28", "as if resized, it has the victims' size"
    assert [*map(str, large.adjustments)] == ["judged in 6 tiles of 28x28, not resized"]
    assert low.evidence == "image"
    assert str(low.adjustments[-1]) == "victims were not asked: they take 28x28"


def test_a_larger_image_is_put_to_the_victims_as_it_is(asking: Attributor, monkeypatch: pytest.MonkeyPatch) -> None:
    image = image_of(60, 40, 1)
    seen: list[torch.Tensor] = []
    forward = Victim.forward
    monkeypatch.setattr(Victim, "forward", lambda self, x: (seen.append(x.detach()), forward(self, x))[1])
    (found,) = asking.attribute([image], heatmaps=True)
    assert [tuple(x.shape[1:]) for x in seen] == [(1, 60, 40)] * len(seen) and seen
    torch.testing.assert_close(seen[0][0], torch.from_numpy(image.pixels))
    assert found.heatmap is not None and found.heatmap.perturbation is not None
    assert found.heatmap.perturbation.shape == (1, 60, 40)
    clean = (image.pixels - found.heatmap.perturbation).clip(0, 1)
    assert np.abs(seen[1][0].numpy() - clean).max() < 1e-5, "and the clean image that the heatmap shows"


@pytest.mark.parametrize(
    ("own", "scaled", "shown"),
    [
        (5.0, 2.0, "as it is"), (2.0, 3.0, "scaled"), (-1.0, 3.0, "scaled"), (-3.0, -1.0, "as it is"),
        (None, 3.0, "scaled"), (None, -1.0, "not"),
    ],
)  # fmt: skip
def test_an_enlarged_image_is_put_to_the_victims_at_the_size_at_which_they_know_the_attack_better(
    own: float | None, scaled: float, shown: str, asking: Attributor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An enlarged picture, or a screenshot of one, has the pack's proportions. own: None for victims of one size."""
    panel = asking.panel
    assert panel is not None
    heard: list[tuple[torch.Tensor, Outputs, Any]] = []
    hear, testimonies = panel.hear, panel.testimonies

    def listened(images: torch.Tensor, outputs: Outputs, *further: torch.Tensor) -> Any:
        heard.append((images, outputs, hear(images, outputs, *further)))
        return heard[-1][2]

    def told(said: Any) -> list[tuple[Said, ...]]:
        odds = scaled if heard[-1][0].shape[2:] == (28, 28) else own
        return [tuple(replace(one, odds=odds) for one in row) for row in testimonies(said)]

    monkeypatch.setattr(panel, "hear", listened)
    monkeypatch.setattr(panel, "testimonies", told)
    monkeypatch.setattr(panel, "any_size", own is not None, raising=False)
    image = image_of(70, 71, 1)
    (found,) = asking.attribute([image], heatmaps=True)

    sizes = [tuple(images.shape[2:]) for images, _, _ in heard]
    assert sizes == [*([(70, 71)] if own is not None else []), (28, 28)]
    small, outputs, _ = heard[-1]
    halved = Image.fromarray(image.pixels[0]).resize((28, 28), Image.Resampling.BILINEAR)
    assert np.abs(small[0, 0].numpy() - np.asarray(halved)).max() < 1e-4
    assert torch.equal(outputs.attack, heard[0][1].attack), "what the image itself says is said of its tiles"
    remarks = {
        "as it is": (),
        "scaled": ("victims were shown it scaled to 28x28",),
        "not": ("victims do not count: shown it scaled to 28x28, they know no attack in it",),
    }
    told = [*map(str, found.attribution.adjustments)]
    assert told == ["judged in 9 tiles of 28x28, not resized", *remarks[shown]]
    said = {"as it is": own, "scaled": scaled}
    assert [one.odds for one in found.attribution.testimonies] == ([said[shown]] if shown in said else [])
    assert found.attribution.evidence == ("image" if shown == "not" else "image+probes")
    assert found.heatmap is not None and found.heatmap.strength.shape == (70, 71)


def test_an_image_of_other_proportions_was_not_enlarged_from_a_whole_one(
    asking: Attributor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    forward = Victim.forward
    monkeypatch.setattr(Victim, "forward", lambda self, x: (seen.append(x.detach()), forward(self, x))[1])
    asking.attribute([image_of(70, 73, 1)])
    assert {tuple(x.shape[2:]) for x in seen} == {(70, 73)}


@pytest.mark.parametrize("why", ["picky", "large", "memory", "trying"])
def test_victims_that_cannot_see_a_larger_image_are_not_asked(
    why: str, asking_pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = image_of(60, 40, 1)
    held = victims_to_ask(asking_pack.manifest, False, [RESOURCES / "victims" / "vgg16.safetensors"])
    forward = Victim.forward

    def picky(self: Victim, x: torch.Tensor) -> torch.Tensor:
        if x.shape[2:] != (28, 28):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return forward(self, x)

    def hungry(self: Victim, x: torch.Tensor) -> torch.Tensor:
        if x.shape[2:] != (28, 28):
            raise RuntimeError("The following operation failed in the TorchScript interpreter. CUDA out of memory.")
        return forward(self, x)

    if why in ("picky", "trying"):
        monkeypatch.setattr(Victim, "forward", picky if why == "picky" else hungry)
    attributor = Attributor(asking_pack, "cpu", held)
    if why == "large":
        monkeypatch.setattr(attributor_module, "_LARGEST", 60 * 40 - 1)
    if why == "memory":
        monkeypatch.setattr(attributor.panel, "hear", lambda *_: (_ for _ in ()).throw(MemoryError()))
    (found,) = attributor.attribute([image])
    assert found.heatmap is None, "none was wanted"
    assert found.attribution.evidence == "image"
    reasons = {
        "picky": "victims were not asked: they take 28x28",
        "large": "victims were not asked: more than half a megapixel",
        "memory": "victims were not asked: the memory does not hold it",
        "trying": "victims were not asked: they take 28x28",
    }
    told = [*map(str, found.attribution.adjustments)]
    assert told == ["judged in 6 tiles of 28x28, not resized", reasons[why]]
    (expected,) = Attributor(asking_pack, "cpu").attribute([image])
    assert answers_to_json(found.attribution)["asked"] == []
    assert {c.label for c in found.attribution.victim.ranking} == {"clean", "Lost"}
    assert found.attribution.victim.probability == pytest.approx(expected.attribution.victim.probability, abs=1e-6)
    assert found.attribution.hyperparameter.low == pytest.approx(expected.attribution.hyperparameter.low, abs=1e-4)
    assert expected.attribution.adjustments == found.attribution.adjustments[:1], "nobody was at hand"


def test_a_device_that_does_not_hold_the_victims_says_so(asking_pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    held = victims_to_ask(asking_pack.manifest, False, [RESOURCES / "victims" / "vgg16.safetensors"])

    def hungry(*_: object) -> torch.Tensor:
        raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")

    monkeypatch.setattr(Victim, "forward", hungry)
    with pytest.raises(DeviceError, match="for the pack and the victim to ask"):
        Attributor(asking_pack, "cpu", held)


def test_a_case_keeps_what_each_answer_rests_on(asking: Attributor, tmp_path: Path) -> None:
    for name, size in (("exact.png", (28, 28)), ("low.png", (20, 40))):
        Image.fromarray(RANDOM.integers(0, 256, size, dtype=np.uint8)).save(tmp_path / name)
    with Case.create(tmp_path / "a.mtaacase", asking.manifest, 0.9) as case:
        fill_case(case, asking, [tmp_path / "exact.png", tmp_path / "low.png"])
        found = {Path(record.path).name: record.finding for record in case.records()}
    assert found["exact.png"].attribution.evidence == "image+probes"  # type: ignore[union-attr]
    assert found["low.png"].attribution.evidence == "image"  # type: ignore[union-attr]


def test_a_case_keeps_to_the_way_that_it_began_with(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "a.mtaacase"
    open_case(path, pack.manifest.fitting("crop"), 0.9, resume=False).close()
    with pytest.raises(CaseError, match="--fit crop, not tiles"):
        reopen_case(path, pack.manifest, 0.9)
    reopen_case(path, pack.manifest.fitting("crop"), 0.9).close()


# --- reading ahead --------------------------------------------------------------------------------------------------


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    """Forty images of 64 tiles of 28x28 each, and small ones between them."""
    paths = [tmp_path / f"{at:02}.png" for at in range(50)]
    for at, path in enumerate(paths):
        side = 28 if at % 5 == 2 else 300
        Image.fromarray(RANDOM.integers(0, 256, (side, side), dtype=np.uint8)).save(path, compress_level=0)
    return paths


@pytest.mark.parametrize("way", ["tiles", "resize"])
@pytest.mark.parametrize("ahead", [1, 100])
def test_files_come_in_order_however_little_may_wait(photographs: list[Path], ahead: int, way: Fit) -> None:
    spec = ImageSpec(channels=1, height=28, width=28, fit=way)
    found = list(reading.read_ahead(photographs, spec, ahead, (), CancelToken()))
    assert [file.path for file in found] == photographs
    for at, file in enumerate(found):
        assert file.fitted is not None
        expected = prepare(decode_image(photographs[at].read_bytes(), "x"), spec)
        assert np.array_equal(file.fitted.tiles, expected.tiles)


def test_few_tiles_wait_in_memory(photographs: list[Path], asking: Attributor, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []
    real = reading._fit

    def counting(*what: Any) -> reading.FittedFile:
        file = real(*what)
        fitted.append(file.tiles)
        return file

    monkeypatch.setattr(reading, "_fit", counting)
    ahead = 128
    files = reading.read_ahead(photographs, asking.manifest.image, ahead, (), CancelToken())
    taken = 0
    for _ in range(10):
        taken += next(files).tiles  # in their order, which is not that in which the threads end
        time.sleep(0.05)  # for the threads to go as far as they would
        waiting = sum(fitted) - taken
        # every thread may have begun a file while there was room, and one hands over what is waited for all the same
        assert waiting <= ahead + reading.THREADS * MAX_TILES + (reading._TASK + MAX_TILES)
    files.close()
    time.sleep(0.1)
    before = len(fitted)
    time.sleep(0.1)
    assert len(fitted) == before < len(photographs), "nobody reads on once it is closed"


def test_a_defect_in_a_reading_thread_is_raised(photographs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> reading.FittedFile:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "_fit", broken)
    spec = ImageSpec(channels=1, height=28, width=28)
    with pytest.raises(ZeroDivisionError):
        list(reading.read_ahead(photographs, spec, 8, (), CancelToken()))


def test_a_batch_is_cut_by_tiles(asking: Attributor, photographs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    judge = asking.judge
    monkeypatch.setattr(
        asking, "judge", lambda items, **how: (sizes.append(sum(i.tiles for i in items)), judge(items, **how))[1]
    )
    assert all(record.status == "ok" for record in records_of(asking, photographs[:8]))
    assert max(sizes) < asking.batch + MAX_TILES
    assert sum(sizes) == 6 * 64 + 2
