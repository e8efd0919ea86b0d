from __future__ import annotations

import copy
import functools
import hashlib
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from core import pack as packs
from core.errors import PackError, WorkbenchError
from core.files import replacing, write_file
from core.model.config import NetworkConfig
from core.pack import Pack, build_network, find_pack, list_packs, load_pack, read_manifest, verify_pack, write_pack


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forge(path: Path, content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def forge_manifest(source: Path, target: Path, **changes: Any) -> Path:
    content = members(source)
    content["manifest.json"] = json.dumps({**json.loads(content["manifest.json"]), **changes}).encode()
    return forge(target, content)


@pytest.fixture
def forged(tmp_path: Path) -> Path:
    return tmp_path / "forged.mtaapack"


def test_round_trip(tiny_pack: Path) -> None:
    pack = load_pack(tiny_pack)
    network = build_network(pack)
    assert not network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, pack.weights[name])
    assert pack.manifest == read_manifest(tiny_pack)
    assert network(torch.rand(2, 1, 28, 28)).attack.shape == (2, 3)
    checks = verify_pack(tiny_pack)
    assert [(check.name, check.ok) for check in checks] == [("manifest", True), ("weights", True), ("network", True)]


def test_the_same_content_gives_the_same_bytes(tiny_pack: Path, tiny_manifest: dict[str, Any], forged: Path) -> None:
    written = write_pack(forged, tiny_manifest, load_pack(tiny_pack).weights)
    assert forged.read_bytes() == tiny_pack.read_bytes()
    assert written.weights_sha256 == hashlib.sha256(members(forged)["weights.safetensors"]).hexdigest()
    assert [path.name for path in forged.parent.iterdir()] == [forged.name], "no temporary file stays behind"


def test_wrong_hash(tiny_pack: Path, forged: Path) -> None:
    content = members(tiny_pack)
    weights = bytearray(content["weights.safetensors"])
    weights[-1] ^= 1
    forge(forged, {**content, "weights.safetensors": bytes(weights)})
    assert read_manifest(forged).name == "tiny"
    with pytest.raises(PackError, match="hash"):
        load_pack(forged)
    assert [check.ok for check in verify_pack(forged)] == [True, False]


def test_wrong_label_counts(tiny_pack: Path, tiny_manifest: dict[str, Any], forged: Path) -> None:
    three = [*tiny_manifest["victims"], {"name": "vgg16"}]
    with pytest.raises(PackError, match=r"3 victims.*victim_head\.weight is \[2, \d+\] instead of \[3, \d+\]"):
        build_network(load_pack(forge_manifest(tiny_pack, forged, victims=three)))
    calibration = copy.deepcopy(tiny_manifest["calibration"])
    del calibration["halfwidths"]["cw"]
    with pytest.raises(PackError, match="2 attacks"):
        build_network(
            load_pack(forge_manifest(tiny_pack, forged, attacks=tiny_manifest["attacks"][:2], calibration=calibration))
        )
    assert [check.ok for check in verify_pack(forged)] == [True, True, False]


def test_weights_of_another_network(tiny_pack: Path, tiny_manifest: dict[str, Any], forged: Path) -> None:
    weights = dict(load_pack(tiny_pack).weights)
    first = next(iter(weights))
    write_pack(forged, tiny_manifest, {("other" if name == first else name): w for name, w in weights.items()})
    with pytest.raises(PackError, match=r"is missing; other is unknown"):
        build_network(load_pack(forged))


def test_weights_that_are_not_numbers(tiny_pack: Path, tiny_manifest: dict[str, Any], forged: Path) -> None:
    weights = dict(load_pack(tiny_pack).weights)
    weights["victim_head.bias"] = torch.full_like(weights["victim_head.bias"], float("nan"))
    write_pack(forged, tiny_manifest, weights)
    with pytest.raises(PackError, match=r"victim_head\.bias"):
        load_pack(forged)


def test_weights_of_a_kind_that_no_network_holds(tiny_pack: Path, tiny_manifest: dict[str, Any], forged: Path) -> None:
    weights = dict(load_pack(tiny_pack).weights)
    weights["victim_head.bias"] = weights["victim_head.bias"].to(torch.float8_e4m3fn)
    write_pack(forged, tiny_manifest, weights)
    assert [check.ok for check in verify_pack(forged)] == [True, False]
    with pytest.raises(PackError, match=r"victim_head\.bias are float8_e4m3fn"):
        load_pack(forged)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema_version": 2}, "schema is 2, this program reads 1"),
        ({"schema_version": None}, "schema is None"),
        ({"extra": 1}, "extra"),
        ({"attacks": []}, "at least two"),
        ({"image": {"channels": 2, "height": 28, "width": 28}}, r"image\.channels"),
        ({"image": {"channels": 1, "height": 100_000, "width": 28}}, r"image\.height"),
        ({"network": {"width": 10**12}}, r"network\.width"),
        ({"name": "../../etc"}, "name"),
        ({"results": {"deep": functools.reduce(lambda inner, _: [inner], range(400), [])}}, "manifest.json"),
        ({"results": {"rmse": float("nan")}}, "NaN is no number"),
    ],
)
def test_manifest_refusals(tiny_pack: Path, forged: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PackError, match=says):
        read_manifest(forge_manifest(tiny_pack, forged, **changes))


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"[" * 100_000, b"\xff\xfe", b'{"schema_version": 1}'])
def test_manifests_that_are_none(tiny_pack: Path, forged: Path, text: bytes) -> None:
    with pytest.raises(PackError):
        read_manifest(forge(forged, {**members(tiny_pack), "manifest.json": text}))


def test_pickle_inside(tiny_pack: Path, forged: Path) -> None:
    content = members(tiny_pack)
    with pytest.raises(PackError, match=r"data\.pkl, a pickle"):
        read_manifest(forge(forged, {**content, "archive/data.pkl": pickle.dumps(print)}))
    torch.save({"w": torch.zeros(2)}, forged)
    with pytest.raises(PackError, match=r"data\.pkl, a pickle"):
        load_pack(forged)
    disguised = pickle.dumps({"weights": [1.0]})
    manifest = {**json.loads(content["manifest.json"]), "weights_sha256": hashlib.sha256(disguised).hexdigest()}
    forge(forged, {"manifest.json": json.dumps(manifest).encode(), "weights.safetensors": disguised})
    with pytest.raises(PackError, match="not safetensors but a pickle"):
        load_pack(forged)


def test_archives_that_are_none(tiny_pack: Path, forged: Path) -> None:
    whole = tiny_pack.read_bytes()
    for data in (b"", b"hello", whole[: len(whole) // 2], whole[:-30], pickle.dumps(1)):
        forged.write_bytes(data)
        with pytest.raises(PackError, match="damaged or cut short"):
            load_pack(forged)
    with pytest.raises(PackError, match="does not exist"):
        load_pack(forged.with_name("none.mtaapack"))
    with pytest.raises(PackError, match="cannot be read"):
        load_pack(forged.parent)


def test_flipped_bytes_are_noticed(tiny_pack: Path, forged: Path) -> None:
    data = bytearray(tiny_pack.read_bytes())
    data[len(data) // 2] ^= 0xFF
    forged.write_bytes(data)
    with pytest.raises(PackError, match="CRC"):
        load_pack(forged)


def test_members_other_than_the_two(tiny_pack: Path, forged: Path) -> None:
    content = members(tiny_pack)
    with pytest.raises(PackError, match=r"also holds \.\./evil\.py"):
        read_manifest(forge(forged, {**content, "../evil.py": b""}))
    with pytest.raises(PackError, match=r"lacks weights\.safetensors"):
        read_manifest(forge(forged, {"manifest.json": content["manifest.json"]}))


def test_bombs(tiny_pack: Path, forged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = members(tiny_pack)
    with pytest.raises(PackError, match="compressed"):
        read_manifest(forge(forged, {**content, "manifest.json": b" " * 10_000_000}, zipfile.ZIP_DEFLATED))
    monkeypatch.setattr(packs, "MAX_MANIFEST_BYTES", 100)
    with pytest.raises(PackError, match=r"manifest\.json is larger"):
        read_manifest(tiny_pack)


def test_write_refuses_what_read_would(tiny_manifest: dict[str, Any], forged: Path) -> None:
    with pytest.raises(PackError, match="title"):
        write_pack(forged, {k: v for k, v in tiny_manifest.items() if k != "title"}, {})
    assert not forged.exists()


def test_finding_and_listing(tiny_pack: Path, user_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = user_folders / "shipped"
    own = user_folders / "own"
    monkeypatch.setattr(packs, "pack_folders", lambda: (own, shipped))
    assert list_packs() == []
    with pytest.raises(PackError, match="one of these: none"):
        find_pack("tiny")
    for folder in (own, shipped):
        folder.mkdir()
        (folder / "tiny.mtaapack").write_bytes(tiny_pack.read_bytes())
    (shipped / "broken.mtaapack").write_bytes(b"PK")
    broken, tiny = list_packs()
    assert broken.manifest is None
    assert "cut short" in (broken.error or "")
    assert tiny.path == own / "tiny.mtaapack"
    assert tiny.manifest is not None
    assert find_pack("tiny") == find_pack("tiny.mtaapack") == own / "tiny.mtaapack"
    assert find_pack(tiny_pack) == tiny_pack
    for wrong in ("other", "../shipped/tiny", str(own / "gone.mtaapack"), ""):
        with pytest.raises(PackError, match=r"one of these: broken, tiny"):
            find_pack(wrong)


def test_listing_imports_no_torch(tiny_pack: Path) -> None:
    program = (
        "import sys; from core.pack import list_packs, read_manifest; list_packs();"
        f"read_manifest({str(tiny_pack)!r}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_an_interrupted_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(WorkbenchError, match="cannot be written"):
        write_file(tmp_path / "no" / "folder.txt", b"")


def test_a_manifest_that_asks_for_more_than_memory_is_refused_by_its_shapes(tiny_pack: Path, tmp_path: Path) -> None:
    pack = load_pack(tiny_pack)
    greedy = pack.manifest.model_copy(update={"network": NetworkConfig(width=1024)})  # gigabytes, if it were built
    with pytest.raises(PackError, match="do not fit"):
        build_network(Pack(greedy, pack.weights, tmp_path / "greedy.mtaapack"))
