"""``mtaa attribute`` without --pack: the pack that fits judges, and standard error says which and why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import app.cli  # noqa: F401 (a module that is first imported while a folder is another would keep that one)
from app.__main__ import main
from core import paths
from core.case import Case
from core.pack import load_pack, read_manifest, write_pack
from core.victim_store import victims_to_ask


@pytest.fixture
def packs(colour_pack: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with the default pack, for grey digits, one for colour and a broken one; and no other folder."""
    monkeypatch.setattr(paths, "RESOURCES", tmp_path / "nothing ships")
    folder = paths.user_data() / "packs"
    folder.mkdir(parents=True)
    shutil.copy(tiny_pack, folder / "mnist.mtaapack")
    shutil.copy(colour_pack, folder / "colour.mtaapack")
    (folder / "a-broken.mtaapack").write_bytes(b"PK")
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three photographs, as far as their sizes go, and two digits."""
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(1)
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(random.integers(0, 256, (60, 75, 3), dtype=np.uint8)).save(folder / name)
    for name in ("7.png", "8.png"):
        Image.fromarray(random.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / name)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    """The pack that judged, and standard error as one line."""
    assert main(["attribute", *map(str, arguments), "--json", "-", "--device", "cpu"]) == 0
    shown = capsys.readouterr()
    return json.loads(shown.out)["pack"]["id"].partition("@")[0], " ".join(shown.err.split())


def test_the_pack_that_fits_judges(packs: Path, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        Image.new("L", (28, 28), number).save(images / f"many-{number}.png")
    many = sorted(images.glob("many-*.png"))
    assert main(["attribute", *map(str, many)]) == 0
    assert "made for images like all 8 that were looked at (28x28, grey)" in " ".join(capsys.readouterr().err.split())
    for path in many:
        path.unlink()
    assert run(capsys, images / "a.png") == ("colour", "Pack colour: made for images like these (48x48, colour).")
    assert run(capsys, images / "7.png") == ("tiny", "Pack mnist: made for images like these (28x28, grey).")
    pack, told = run(capsys, images, "--pack", "auto")
    assert pack == "colour" and "like 3 of 5 that were looked at (48x48, colour)" in told and "--pack" in told


def test_a_pack_that_is_named_is_obeyed(packs: Path, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, images / "7.png", "--pack", "mnist") == ("tiny", "")
    assert run(capsys, images / "a.png", "--pack", "mnist") == (
        "tiny",
        "Pack mnist: made for other images (28x28, grey) than 1 of 1 that were looked at, whose answers may tell "
        "nothing. Made for them: --pack colour.",
    )
    elsewhere = shutil.copy(packs / "colour.mtaapack", images.parent / "copy.mtaapack")
    pack, told = run(capsys, images / "7.png", "--pack", elsewhere)
    assert pack == "colour" and told.startswith("Pack copy: made for other images (48x48, colour) than 1 of 1")


def test_the_default_pack_where_none_fits(packs: Path, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = images / "small.png"
    Image.new("RGB", (11, 13), "red").save(small)
    pack, told = run(capsys, small)
    assert pack == "tiny" and "Pack mnist: the default" in told and "may tell nothing" in told
    small.write_bytes(b"none")
    assert main(["attribute", str(small)]) == 1
    assert "none of the files that were looked at is an image" in " ".join(capsys.readouterr().err.split())


def test_a_case_keeps_its_pack(packs: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "begun.mtaacase"
    assert run(capsys, images / "7.png", "--case", case)[0] == "tiny"
    pack, told = run(capsys, images / "a.png", "--case", case, "--resume")
    assert pack == "tiny" and "than 1 of 1 that were looked at" in told and told.endswith("--pack colour.")
    with Case(case) as opened:
        assert opened.count() == 2
    (packs / "mnist.mtaapack").unlink()
    assert main(["attribute", str(images / "8.png"), "--case", str(case), "--resume"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "has not the pack tiny@" in told and "--pack" in told
    assert run(capsys, images / "a.png", "--case", tmp_path / "new.mtaacase", "--resume")[0] == "colour"


def test_the_samples_are_for_the_shipped_default(capsys: pytest.CaptureFixture[str]) -> None:
    pack, told = run(capsys, paths.SAMPLES)
    assert pack == read_manifest(paths.RESOURCES / "packs" / "mnist.mtaapack").name
    assert told.startswith("Pack mnist: made for images like 5 of 6 that were looked at (28x28, grey).")


def test_a_pack_is_imported_and_removed(
    colour_pack: Path, tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = paths.user_data() / "packs" / f"{read_manifest(colour_pack).name}.mtaapack"
    assert main(["packs", "import", str(colour_pack), str(colour_pack)]) == 0 and mine.is_file()
    assert capsys.readouterr().err.count(str(mine)) == 2
    forged = tmp_path / "forged.mtaapack"
    write_pack(forged, {**read_manifest(colour_pack).model_dump(exclude={"weights_sha256"}), "title": "Another"},
               load_pack(colour_pack).weights)  # fmt: skip
    (tmp_path / "broken.mtaapack").write_bytes(colour_pack.read_bytes()[:-9])
    before = mine.read_bytes()
    for path, why in ((forged, "already there"), (tmp_path / "broken.mtaapack", "cut short"), (tmp_path, "")):
        assert main(["packs", "import", str(path)]) == 2
        assert why in " ".join(capsys.readouterr().err.split())
    assert mine.read_bytes() == before
    assert main(["packs", "remove", mine.stem]) == 0 and not mine.exists()
    assert main(["packs", "remove", "mnist"]) == 2 and "not one that was imported" in capsys.readouterr().err
    shipped = tmp_path / "shipped.mtaapack"
    write_pack(shipped, {**read_manifest(colour_pack).model_dump(exclude={"weights_sha256"}), "name": "natural"},
               load_pack(colour_pack).weights)  # fmt: skip
    assert main(["packs", "import", str(shipped)]) == 2 and "comes with a pack" in capsys.readouterr().err
    assert main(["packs", "remove", str(tiny_pack)]) == 2 and tiny_pack.exists()


def test_a_pack_takes_the_victims_that_its_run_left_beside_it_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the wizard saves one whose run wrote elsewhere than into the user's folder."""
    run = tmp_path / "run"
    shutil.copytree(paths.RESOURCES / "victims", run / "victims")
    shutil.copy(paths.RESOURCES / "packs" / "mnist.mtaapack", run)
    monkeypatch.setattr(paths, "RESOURCES", tmp_path / "nothing ships")
    for _ in range(2):  # again, it is all there
        assert main(["packs", "import", str(run / "mnist.mtaapack")]) == 0
    shutil.rmtree(run)
    own = paths.user_data() / "victims"
    assert sorted(path.name for path in own.iterdir()) == ["resnet18.safetensors", "vgg16.safetensors"], (
        "no other pack's"
    )
    manifest = read_manifest(paths.user_data() / "packs" / "mnist.mtaapack")
    assert [victim.name for victim in victims_to_ask(manifest, True, [])] == ["ResNet18", "VGG16"]
