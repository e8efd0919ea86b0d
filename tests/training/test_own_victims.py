"""Own victims: brought in from every kind of file, measured, refused with what would help, and attacked as they are."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from app.__main__ import main
from core.errors import Cancelled, VictimError
from core.pack import load_pack
from core.progress import CancelToken, Progress
from core.torchvision_zoo import build_torchvision
from core.victims import Victim, build_victim, load_victim, read_card, save_victim
from tests.colours import NAMES, Colour, Harm, colours, folder_of, program
from training.naming import named_by
from training.own_victims import read_own
from training.scenario import CleanSpec, Scenario, VictimSpec
from training.sources import CleanImages
from training.victim_check import Verdict, check_own


def spec(path: Path, **entries: Any) -> VictimSpec:
    return VictimSpec.model_validate({"name": "own", "file": str(path), **entries})


def checked(path: Path, clean: CleanImages, **entries: Any) -> Verdict:
    return check_own(build_victim(*read_own(spec(path, **entries), path, clean)), clean)


def test_a_victim_that_fits_is_taken_and_nothing_is_advised(tmp_path: Path) -> None:
    verdict = checked(program(Colour(), tmp_path / "a.pt"), colours())
    assert verdict.accuracy == verdict.among == 1.0 and verdict.images == 120
    assert not verdict.refused and verdict.advice is None
    verdict.insist()


CAUSES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "BGR": ({"bgr": True}, {"bgr": True}),
    "0-255": ({"high": 255.0}, {"scaling": "0-255", "mean": [0.0], "std": [1.0]}),
    "-1 to 1": ({"low": -1.0}, {"scaling": "0-1", "mean": [0.5], "std": [0.5]}),
    "order": ({"order": (2, 0, 3, 1)}, {"classes": [2, 0, 3, 1]}),
    "shift": ({"order": (1, 2, 3, 4), "outputs": 5}, {"classes": [1, 2, 3, 4]}),
    "among many": ({"order": (7, 3, 19, 4), "outputs": 20}, {"classes": [7, 3, 19, 4]}),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_likely_cause_is_found_by_trying(cause: str, tmp_path: Path) -> None:
    """Taking the advice makes the victim right, and nothing is advised then."""
    made, wanted = CAUSES[cause]
    path, clean = program(Colour(**made), tmp_path / "a.pt"), colours()
    verdict = checked(path, clean)
    assert verdict.advice is not None and verdict.advice.accuracy > 0.95
    assert verdict.advice.changes == wanted
    if verdict.refused:
        with pytest.raises(VictimError) as caught:
            verdict.insist()
        assert f"it would name {verdict.advice.accuracy:.0%} right" in caught.value.remedy
    mended = checked(path, clean, **wanted)
    assert mended.accuracy == 1.0 and mended.advice is None


def test_guessing_is_refused_even_where_no_cause_is_found(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    nn.init.zeros_(network[1].weight)
    nn.init.normal_(network[1].weight[:, ::9], std=1e-3)
    verdict = checked(program(network, tmp_path / "a.pt"), colours())
    assert verdict.accuracy is not None and verdict.accuracy < verdict.needed == pytest.approx(0.4375)
    with pytest.raises(VictimError, match="guessing gives 25"):
        verdict.insist()


def test_victims_that_no_attack_can_work_on_are_refused(tmp_path: Path) -> None:
    class Frozen(Colour):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.round())

    class Pair(Colour):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([super().forward(x)] * 2)

    with pytest.raises(VictimError, match="no gradient"):
        checked(program(Frozen(), tmp_path / "a.pt"), colours())
    with pytest.raises(VictimError, match=r"\[2, 2, 4\]"):
        checked(program(Pair(), tmp_path / "b.pt"), colours())


def test_a_refusal_says_what_the_file_is(tmp_path: Path) -> None:
    whole, flat, junk = tmp_path / "whole.pt", tmp_path / "flat.pt", tmp_path / "junk.pt"
    torch.save(Colour(), whole)
    junk.write_bytes(b"no weights at all")
    program(nn.Sequential(nn.Flatten(), nn.Linear(300, 10)), flat, side=10)
    for file, said in (
        (whole, "holds more than weights, and would run tests.colours.Colour."),
        (junk, "is damaged, or no file of weights."),
        (flat, "cannot be run on images of 8x8: RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
    ):
        with pytest.raises(VictimError, match=re.escape(said)):
            read_own(spec(file), file, colours())


def odd_weights(kind: str) -> bytes:
    """Files of weights that no network can hold, or that say little of what they would take."""
    tensors = {
        "quantised": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "float8": torch.ones(3).to(torch.float8_e4m3fn),
        "sparse": torch.eye(3).to_sparse(),
        "meta": torch.ones(3, device="meta"),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        "bomb": torch.ones(1).expand(1 << 45),
        "nan": torch.tensor([1.0, float("nan")]),
    }
    buffer = io.BytesIO()
    torch.save({"weight": tensors[kind]} if kind in tensors else torch.ones(3), buffer)
    return {"empty": b"", "short": b"PK", "cut": buffer.getvalue()[:-200]}.get(kind, buffer.getvalue())


@pytest.mark.filterwarnings("ignore:.*nested tensors:UserWarning", "ignore:.*quantize_per_tensor:UserWarning")
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("quantised", "qint8, which is not read"),
        ("float8", "float8_e4m3fn, which is not read"),
        ("sparse", "not written out value by value"),
        ("meta", "not written out value by value"),
        ("nested", "not written out value by value"),
        ("bomb", "claim more values than there are"),
        ("nan", "NaN or infinite"),
        ("list", "holds no state dict"),
        ("empty", "damaged, or no file of weights"),
        ("short", "damaged"),
        ("cut", "damaged"),
    ],
)
def test_weights_that_no_network_can_hold_are_refused(kind: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(odd_weights(kind))
    with pytest.raises(VictimError, match=said):
        read_own(spec(path, architecture="resnet18"), path, colours())


def test_a_program_for_batches_of_one_size_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, few = tmp_path / "pair.pt2", tmp_path / "few.pt2"
    torch.export.save(torch.export.export(Colour().eval(), (torch.rand(2, 3, 8, 8),)), pair)
    some = torch.export.Dim("batch", min=1, max=16)
    torch.export.save(torch.export.export(Colour().eval(), (torch.rand(2, 3, 8, 8),), dynamic_shapes=({0: some},)), few)
    with pytest.raises(VictimError, match="own cannot be run on images of 8x8") as refused:
        read_own(spec(pair), pair, colours())
    assert "batches of any number" in refused.value.remedy
    with pytest.raises(VictimError, match="own cannot be run on cpu") as refused:
        checked(few, colours())
    assert "batches of any number" in refused.value.remedy


def test_a_victim_that_returns_probabilities_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VictimError, match="probabilities, not logits") as refused:
        checked(program(nn.Sequential(Colour(), nn.Softmax(1)), tmp_path / "a.pt"), colours())
    assert "softmax" in refused.value.remedy


def test_class_names_are_looked_up(tmp_path: Path) -> None:
    path = program(Colour(order=(2, 0, 3, 1)), tmp_path / "a.pt")
    verdict = checked(path, colours(), classes=["Green", "white", "red", "blue"])
    assert verdict.accuracy == 1.0
    for wrong, named in (
        (["green", "white", "red"], "3 names"), (["green", "white", "red", "cyan"], "blue is not among"),
        ([0, 1, 2, 4], "0 to 3"), ([0, 1, 2], "4 different"), ([0, 1, 2, 2], "different"),
    ):  # fmt: skip
        with pytest.raises(VictimError, match=named):
            checked(path, colours(), classes=wrong)


def small(classes: int, channels: int) -> nn.Module:
    torch.manual_seed(2)
    network = torchvision.models.squeezenet1_1(num_classes=classes)
    if channels != 3:
        network.features[0] = nn.Conv2d(channels, 64, 3, stride=2)
    return network.eval()


@pytest.mark.parametrize(("classes", "channels"), [(4, 3), (11, 1)])
def test_torchvisions_weights_say_their_classes_and_channels(classes: int, channels: int, tmp_path: Path) -> None:
    network, clean = small(classes, channels), colours()
    wrapped = {"model": {f"module.{key}": value for key, value in network.state_dict().items()}, "epoch": 3}
    torch.save(wrapped, tmp_path / "a.pth")
    (tmp_path / "b.safetensors").write_bytes(save_safetensors(network.state_dict()))
    entries: dict[str, Any] = {"architecture": "squeezenet1_1", "size": 32, "std": [0.5]}
    for path in (tmp_path / "a.pth", tmp_path / "b.safetensors"):
        victim = build_victim(*read_own(spec(path, **entries), path, clean))
        card = victim.card
        assert (card.classes, card.takes, card.form) == (classes, (channels, 32, 32), "torchvision")
        assert card.class_map == (None if classes == 4 else ())
        x = torch.rand(2, 3, 8, 8)
        grey = (x * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
        own = nn.functional.interpolate(x if channels == 3 else grey, (32, 32), mode="bilinear") / 0.5
        torch.testing.assert_close(victim(x), network(own))


def test_a_regnets_weights_are_taken_too() -> None:
    """It computes its widths with tensors, which have no numbers where shapes alone are asked for."""
    network = torchvision.models.regnet_y_400mf(num_classes=4).eval()
    built = build_torchvision("regnet_y_400mf", network.state_dict())
    x = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(built(x), network(x))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path, clean = tmp_path / "a.pth", colours()
    torch.save(small(4, 3).state_dict(), path)
    for entries, named in (
        ({}, "weights alone"), ({"architecture": "resnet18", "size": 32}, "not a resnet18's"),
        ({"architecture": "squeezenet9"}, "squeezenet9"), ({"architecture": "squeezenet1_1", "size": 4}, "4x4"),
        ({"architecture": "squeezenet1_1", "size": 32, "mean": [0.1, 0.2]}, "2 means"),
    ):  # fmt: skip
        with pytest.raises(VictimError, match=named):
            build_victim(*read_own(spec(path, **entries), path, clean))
    torch.save([1, 2], path)
    with pytest.raises(VictimError, match="no state dict"):
        read_own(spec(path, architecture="squeezenet1_1"), path, clean)


def malicious(harm: Path) -> dict[str, bytes]:
    zipped = io.BytesIO()
    torch.save({"features.0.weight": Harm(harm)}, zipped)
    old = io.BytesIO()
    torch.save(Harm(harm), old, _use_new_zipfile_serialization=False)
    return {"zip": zipped.getvalue(), "old": old.getvalue(), "plain": pickle.dumps(Harm(harm))}


@pytest.mark.parametrize("kind", ["zip", "old", "plain"])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".pt2", ".safetensors"])
def test_code_in_a_victims_file_never_runs(kind: str, suffix: str, tmp_path: Path) -> None:
    path, harm = tmp_path / f"victim{suffix}", tmp_path / "harm"
    path.write_bytes(malicious(harm)[kind])
    with pytest.raises(VictimError) as caught:
        read_own(spec(path, architecture="squeezenet1_1"), path, colours())
    assert "refused" in caught.value.what and path.name in caught.value.what
    assert not harm.exists()
    with contextlib.suppress(Exception):  # the file does do harm to whoever unpickles it
        torch.load(io.BytesIO(path.read_bytes()), weights_only=False)
    assert harm.exists()


# --- through a scenario --------------------------------------------------------------------------------------------


def scenario_of(folder: Path, victims: list[dict[str, Any]]) -> Path:
    """A scenario file over a folder of images, with small grids."""
    import tomli_w  # noqa: PLC0415

    counts = {"train": 20, "calibration": 6, "test": 6}
    document = {
        "name": "own", "title": "Own", "description": "For tests.", "batch": 16,
        "clean": {"source": "folder", "size": 8, "examples": counts,
                  "pool": {"train": 80, "calibration": 30, "test": 30}},
        "victims": victims,
        "attacks": [{"name": "FGSM", "grid": {"first": 60, "last": 120, "count": 2},
                     "cell": {"train": 10, "calibration": 4, "test": 4}}],
        "network": {"width": 4}, "training": {"epochs": 1, "batch": 16, "precision": "fp32"},
    }  # fmt: skip
    path = folder / "own.toml"
    path.write_text(tomli_w.dumps(document))
    return path


def command(*words: object) -> int:
    return main([*map(str, words), "--device", "cpu"])


def test_a_victim_with_more_classes_is_attacked_in_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the scenario file to a pack, after a refusal that says which of its classes the images are of."""
    clean = colours(400)
    data = folder_of(clean, tmp_path / "data")
    order = (7, 3, 19, 4)  # by colour; folders are sorted by name: blue, green, red, white
    program(Colour(order=order, outputs=20), tmp_path / "many.pt")
    victim = {"name": "many", "file": "many.pt"}
    words = ("--data", data, "--files", tmp_path, "--out", tmp_path / "out")
    assert command("victims", "check", scenario_of(tmp_path, [victim]), *words) == 2
    told = capsys.readouterr()
    assert "which of many's 20 classes" in told.err and "classes = [19, 3, 7, 4]" in told.err
    assert not list((tmp_path / "out").glob("victims/*"))

    victim["classes"] = [19, 3, 7, 4]
    scenario = scenario_of(tmp_path, [victim])
    assert command("victims", "check", scenario, *words, "--events") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (verdict,) = [event for event in events if event["event"] == "checked"]
    assert verdict["accuracy"] == 1.0 and verdict["outputs"] == 20 and not verdict["refused"]
    (images,) = [event for event in events if event["event"] == "images"]
    assert images["count"] == 400 and images["classes"] == sorted(NAMES)

    (tmp_path / "many.pt").unlink()  # the run has its own copy by now
    assert command("run", scenario, *words) == 0
    loaded, digest = load_victim(tmp_path / "out/victims/many.safetensors")
    assert loaded.card.class_map == (19, 3, 7, 4) and loaded.card.form == "torchscript"
    pack = load_pack(tmp_path / "out/own.mtaapack")
    assert [v.sha256 for v in pack.manifest.victims] == [None, digest]
    assert pack.manifest.class_names == loaded.card.class_names == tuple(sorted(NAMES))
    assert pack.manifest.results["by_attack"]["FGSM"]["examples"] > 0


def test_a_victims_file_or_entries_that_change_are_brought_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = folder_of(colours(), tmp_path / "data")
    order = (2, 1, 0, 3)
    program(Colour(order=order), tmp_path / "own.pt")
    words = ("--data", data, "--files", tmp_path, "--out", tmp_path / "out")
    kept = tmp_path / "out/victims/own.safetensors"
    plain = scenario_of(tmp_path, [{"name": "own", "file": "own.pt"}])
    assert command("victims", "train", plain, *words) == 0
    assert "names 100.00%" in capsys.readouterr().out
    first = kept.read_bytes()
    assert command("victims", "train", plain, *words) == 0
    assert kept.read_bytes() == first
    said = scenario_of(tmp_path, [{"name": "own", "file": "own.pt", "classes": [0, 1, 2, 3]}])
    assert command("victims", "train", said, *words) == 0
    assert read_card(kept).class_map == (0, 1, 2, 3)
    program(Colour(order=(1, 0, 3, 2)), tmp_path / "own.pt")
    assert command("victims", "train", said, *words) == 2  # another network, whose order is another one


def test_a_victim_trained_here_is_brought_along(tmp_path: Path) -> None:
    clean = colours()
    card = read_own(spec(program(Colour(), tmp_path / "a.pt")), tmp_path / "a.pt", clean)[0]
    trained = dataclasses.replace(card, architecture="ResNet18", form="network", takes=None, mean=0.4, std=0.3)
    torch.manual_seed(3)
    save_victim(Victim(trained).frozen(), tmp_path / "old.safetensors")
    again, tensors = read_own(spec(tmp_path / "old.safetensors"), tmp_path / "old.safetensors", clean)
    assert (again.architecture, again.mean, again.name, again.accuracy) == ("ResNet18", 0.4, "own", None)
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(build_victim(again, tensors)(x), load_victim(tmp_path / "old.safetensors")[0](x))
    with pytest.raises(VictimError, match="holds a ResNet18"):
        read_own(spec(tmp_path / "old.safetensors", architecture="VGG16"), tmp_path / "old.safetensors", clean)


def test_without_classes_the_victims_own_answer_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folder_of(colours(200), tmp_path / "data", labelled=False)
    program(Colour(order=(7, 3, 19, 4), outputs=20), tmp_path / "own.pt")
    words = ("--data", data, "--files", tmp_path, "--out", tmp_path / "out")
    scenario = scenario_of(tmp_path, [{"name": "own", "file": "own.pt"}])
    assert command("victims", "train", scenario, *words) == 0
    assert "counts as right" in capsys.readouterr().out
    assert command("generate", scenario, *words[:2], *words[4:]) == 0
    victim, _ = load_victim(tmp_path / "out/victims/own.safetensors")
    assert victim.card.accuracy is None
    clean = dataclasses.replace(colours(200), labels=np.full(200, -1), classes=0)
    every = named_by(victim, clean).labels
    assert set(every.tolist()) == {3, 4, 7, 19}
    rows = np.arange(20, 170)
    told: list[Progress] = []
    some = named_by(victim, clean, rows, told.append).labels
    assert (some[rows] == every[rows]).all() and (np.delete(some, rows) == -1).all()
    assert (told[-1].done, told[-1].total) == (150, 150)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        named_by(victim, clean, rows, cancel=cancel)
    trained = scenario_of(tmp_path, [{"architecture": "ResNet18"}])
    assert command("victims", "train", trained, *words) == 2
    assert "no classes for ResNet18" in capsys.readouterr().err
    program(Colour(order=(7,) * 4, outputs=20), tmp_path / "own.pt")
    assert command("victims", "check", scenario_of(tmp_path, [{"name": "own", "file": "own.pt"}]), *words) == 2
    assert "the same" in capsys.readouterr().err


def test_scenarios_say_whose_entries_are_whose() -> None:
    good = {"name": "own", "file": "a.pt", "bgr": True, "classes": [1, 2]}
    assert VictimSpec.model_validate(good).model_dump() == {"architecture": "", "passes": 1.0, **good}
    assert VictimSpec(architecture="VGG16").model_dump() == {"architecture": "VGG16", "name": "", "passes": 1.0}
    for wrong, named in (
        ({"name": "own"}, "needs an architecture"), ({"file": "a.pt"}, "needs a name"),
        ({"architecture": "VGG16", "bgr": True}, "only beside file"), ({**good, "passes": 2.0}, "passes"),
        ({**good, "colour": 1}, "colour"), ({**good, "scaling": "0-9"}, "scaling"), ({**good, "std": [0.0]}, "std"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=named):
            VictimSpec.model_validate(wrong)
    pool = {"train": 1, "calibration": 1, "test": 1}
    assert CleanSpec(source="digits", pool=pool).model_dump().keys() == {"source", "examples", "pool"}  # type: ignore[arg-type]
    for clean, named in (({"source": "folder"}, "need size"), ({"source": "digits", "size": 8}, "a folder's")):
        with pytest.raises(ValueError, match=named):
            CleanSpec.model_validate({**clean, "pool": pool})
    assert Scenario.model_fields["victims"]


def test_a_victim_is_brought_again_for_images_of_other_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which of its classes are the images' was found for those that were there."""
    data = folder_of(colours(), tmp_path / "data")
    program(Colour(), tmp_path / "own.pt")
    scenario = scenario_of(tmp_path, [{"name": "own", "file": "own.pt", "classes": list(NAMES)}])
    words = ("--files", tmp_path, "--out", tmp_path / "out")
    kept = tmp_path / "out/victims/own.safetensors"
    assert command("victims", "train", scenario, "--data", data, *words) == 0
    before = read_card(kept)
    other = tmp_path / "other"
    shutil.copytree(data, other)
    (other / "red").rename(other / "zzz")
    assert command("victims", "train", scenario, "--data", other, *words) == 2
    assert "zzz is not among the names" in " ".join(capsys.readouterr().err.split())
    assert command("victims", "train", scenario, "--data", data, *words) == 0
    assert read_card(kept) == before
