"""From clean digits to a pack that answers, through the command line; small, but nothing in it is faked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.__main__ import main
from core.errors import VictimError
from core.pack import load_pack, read_manifest, verify_pack
from training import pipeline
from training.pipeline import train_pack
from training.plan import check_size, shapes_of
from training.scenario import ProbesSpec, read_scenario
from training.shards import read_part, read_split
from training.sources import CleanImages, load_digits_images

SCENARIO = """
name = "digits"
title = "Digits"
description = "scikit-learn's digits, for a test"
batch = 16

[clean]
source = "digits"
examples = { train = 60, calibration = 20, test = 20 }
pool = { train = 200, calibration = 80, test = 80 }

[[victims]]
architecture = "ResNet18"
name = "first"
passes = 2.0

[[attacks]]
name = "FGSM"
grid = { first = 60, last = 180, count = 2 }
cell = { train = 20, calibration = 8, test = 8 }

[[attacks]]
name = "C&W"
grid = { first = 0, last = 2, count = 2 }
cell = { train = 10, calibration = 5, test = 5 }
parameters = { search_steps = 1, steps = 15, learning_rate = 0.2 }

[network]
width = 8

[training]
epochs = 2
precision = "fp32"
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that ``mtaa run`` leaves."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "digits.toml").write_text(SCENARIO)
    assert main(["run", str(folder / "digits.toml"), "--out", str(folder / "out"), "--device", "cpu"]) == 0
    return folder


def test_the_pack_verifies_and_carries_its_results(finished: Path) -> None:
    path = finished / "out" / "digits.mtaapack"
    assert [check.name for check in verify_pack(path) if check.ok] == ["manifest", "weights", "network"]
    manifest = load_pack(path).manifest
    assert [a.name for a in manifest.attacks] == ["clean", "FGSM", "C&W"]
    assert [v.name for v in manifest.victims] == ["clean", "first"]
    assert manifest.results["examples"] == 20 + 16 + 10 - _missing(finished, "test")
    assert set(manifest.results["by_attack"]) == {"clean", "FGSM", "C&W"}


def test_a_finished_run_finds_its_pack_as_it_left_it(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    scenario, out = tmp_path / "run/digits.toml", tmp_path / "run/out"
    command = ["run", str(scenario), "--out", str(out), "--device", "cpu", "--events"]
    pack = out / "digits.mtaapack"
    before = pack.read_bytes()

    def stages() -> set[str]:
        assert main(command) == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert events[-1]["event"] == "pack"
        return {event["stage"] for event in events if event["event"] == "progress"}

    capsys.readouterr()
    assert "measuring" not in stages() and pack.read_bytes() == before
    pack.write_bytes(before[:-1])  # damaged: the manifest cannot be read
    assert "measuring" in stages() and read_manifest(pack).scenario == load_pack(pack).manifest.scenario
    scenario.write_text(SCENARIO.replace('title = "Digits"', 'title = "Other"'))
    assert "measuring" in stages() and read_manifest(pack).title == "Other"


def _missing(finished: Path, split: str) -> int:
    unfilled = json.loads((finished / "out/data/manifest.json").read_text())["unfilled"]
    return sum(u["wanted"] - u["filled"] for u in unfilled if f"/{split}/" in u["cell"])


def test_no_clean_image_is_in_two_splits(finished: Path) -> None:
    scenario = read_scenario(finished / "digits.toml")
    seen = {
        split: {image.tobytes() for image in read_split(finished / "out/data", scenario, split).clean}
        for split in ("train", "calibration", "test")
    }
    assert not seen["train"] & seen["calibration"]
    assert not seen["train"] & seen["test"]
    assert not seen["calibration"] & seen["test"]


def test_examples_are_what_their_labels_say(finished: Path) -> None:
    scenario = read_scenario(finished / "digits.toml")
    train = read_split(finished / "out/data", scenario, "train")
    change = np.abs(train.adversarial.astype(int) - train.clean).reshape(len(train), -1).max(1)
    fgsm = train.attack == scenario.attack_names.index("FGSM")
    clean = train.attack == scenario.attack_names.index("clean")
    assert fgsm.any() and clean.any()
    assert (change[fgsm] == train.hyperparameter[fgsm]).all()
    assert (change[clean] == 0).all()


def test_a_killed_generation_resumes_to_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    parts = sorted((finished / "out/data").rglob("*.safetensors"))
    assert len(parts) > 8
    (out / "victims").mkdir(parents=True)
    (out / "victims/first.safetensors").write_bytes((finished / "out/victims/first.safetensors").read_bytes())
    for part in parts[::2]:  # what a run that was killed may leave: some parts, and no manifest
        copy = out / "data" / part.relative_to(finished / "out/data")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(part.read_bytes())
    assert main(["generate", str(finished / "digits.toml"), "--out", str(out), "--device", "cpu"]) == 0
    for part in parts:
        assert (out / "data" / part.relative_to(finished / "out/data")).read_bytes() == part.read_bytes(), part
    assert (out / "data/manifest.json").read_bytes() == (finished / "out/data/manifest.json").read_bytes()


def test_two_ranks_write_what_one_process_writes(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "ranks"
    (out / "victims").mkdir(parents=True)
    (out / "victims/first.safetensors").write_bytes((finished / "out/victims/first.safetensors").read_bytes())
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "app"]
    arguments = ["generate", str(finished / "digits.toml"), "--out", str(out), "--device", "cpu"]
    ran = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("adversarial examples") == 1
    assert (out / "data/manifest.json").read_bytes() == (finished / "out/data/manifest.json").read_bytes()


def test_reach_names_the_kappas_a_victim_cannot_be_pushed_to(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = finished / "far.toml"
    scenario.write_text(SCENARIO.replace("first = 0, last = 2, count = 2", "first = 1, last = 10001, count = 2"))
    arguments = ["victims", "reach", str(scenario), "--out", str(finished / "out"), "--images", "12", "--events"]
    assert main([*arguments, "--device", "cpu"]) == 0
    (event,) = [e for e in map(json.loads, capsys.readouterr().out.splitlines()) if e["event"] == "reach"]
    assert event["grid"]["10001"] == 0
    assert event["reach"]["95%"] <= event["reach"]["50%"] <= event["reach"]["5%"]
    assert event["reach"]["5%"] > 1


def test_the_pack_attributes_files(finished: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    part = next((finished / "out/data/first/fgsm-mtaa/test").glob("*.safetensors"))
    arrays, _ = read_part(part)
    Image.fromarray(arrays["adversarial"][0, 0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    pack = str(finished / "out/digits.mtaapack")
    assert main(["attribute", str(tmp_path), "--pack", pack, "--json", "-", "--device", "cpu"]) == 1
    first, second = json.loads(capsysbinary.readouterr().out)["records"]
    assert (first["status"], second["status"]) == ("ok", "error")
    assert abs(sum(c["probability"] for c in first["attack"]["ranking"]) - 1) < 1e-6
    assert first["hyperparameter"]["low"] <= first["hyperparameter"]["value"] <= first["hyperparameter"]["high"]


def test_training_refuses_examples_of_another_scenario(finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SCENARIO.replace("last = 180", "last = 120"))
    assert main(["train", str(other), "--out", str(finished / "out"), "--device", "cpu"]) == 2


def test_two_ranks_train_what_one_process_trains(finished: Path, tmp_path: Path) -> None:
    """Batch norm spans both ranks, so that only the order of sums differs: losses agree to a hundredth."""
    shutil.copytree(finished / "out", tmp_path / "out", ignore=shutil.ignore_patterns("training", "*.mtaapack"))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "app"]
    arguments = ["train", str(finished / "digits.toml"), "--out", str(tmp_path / "out"), "--device", "cpu", "--events"]
    ran = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert sum('"event": "pack"' in line for line in ran.stdout.splitlines()) == 1
    shared, alone = (load_pack(folder / "out/digits.mtaapack") for folder in (tmp_path, finished))
    losses = [pack.manifest.results["training"]["last_epoch"] for pack in (shared, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    for name, weights in alone.weights.items():
        if name.split(".")[0] != "familiarity":
            torch.testing.assert_close(shared.weights[name], weights, rtol=0.05, atol=0.02, msg=name)


GROWN = (
    SCENARIO.replace('name = "digits"', 'name = "grown"').replace(
        "epochs = 2", "epochs = 1\nstart = {start!r}\nkept = 0.5"
    )
    + """
[replay]
victims = ["first"]
attacks = ["FGSM"]
cell = { train = 3, calibration = 3, test = 3 }
"""
)


def test_a_pack_is_grown_with_its_own_victim_from_elsewhere(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a new folder: the victim is taken from the run that made the pack, and old cells are replayed in short."""
    scenario, pack = tmp_path / "grown.toml", finished / "out/digits.mtaapack"
    scenario.write_text(GROWN.replace("{start!r}", json.dumps(str(pack))))
    arguments = [str(scenario), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(["run", *arguments]) == 0
    victim = Path("victims/first.safetensors")
    assert (tmp_path / "out" / victim).read_bytes() == (finished / "out" / victim).read_bytes()
    manifest, began = load_pack(tmp_path / "out/grown.mtaapack").manifest, load_pack(pack).manifest.pack_id
    assert manifest.results["started_from"]["pack"] == began
    assert manifest.scenario["training"]["start"] == began and str(tmp_path) not in manifest.model_dump_json()
    counts = read_split(tmp_path / "out/data", read_scenario(scenario), "train").entry.tolist()
    assert counts.count(0) == 2 * 3 < counts.count(1)
    (tmp_path / "out" / victim).write_bytes((tmp_path / "out" / victim).read_bytes() + b" ")
    capsys.readouterr()
    assert main(["generate", *arguments]) == 2
    assert "is not the victim that digits@" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "first"', 'name = "other"', "knows the victims clean, first"),
        ("width = 8", "width = 4", "is another network"),
        ("{start!r}", '"nowhere.mtaapack"', "nowhere"),
        ("none", "none", "was made with a victim whose file first.safetensors is not in"),
    ],
)
def test_a_pack_that_cannot_be_grown_is_told_before_any_work(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    alone = tmp_path / "alone.mtaapack"  # away from the run that made it, and so from its victim
    shutil.copy(finished / "out/digits.mtaapack", alone)
    text = GROWN.replace(old, new).replace("{start!r}", json.dumps(str(alone)))
    (tmp_path / "grown.toml").write_text(text.partition("[replay]")[0])
    for command in ("run", "generate"):
        assert main([command, str(tmp_path / "grown.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 2
        assert complaint in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["in-use.lock"]


def test_no_image_that_a_pack_was_trained_on_measures_what_grows_from_it(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digits again as files: all of them are split as they were, a part of them that is held out is not."""
    digits, pack = load_digits_images(), finished / "out/digits.mtaapack"
    assert len(load_pack(pack).manifest.trained_on) == 256 * 12
    for row, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        place = tmp_path / "all" / str(label) / f"{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(place)
        held_out = tmp_path / "parts" / ("val" if row % 20 == 0 else "train") / str(label) / place.name
        held_out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(place, held_out)
    text = GROWN.replace("{start!r}", json.dumps(str(pack)))
    (tmp_path / "grown.toml").write_text(text.replace('source = "digits"', 'source = "folder"\nsize = 8\nchannels = 1'))
    arguments = [str(tmp_path / "grown.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(["generate", *arguments, "--data", str(tmp_path / "parts")]) == 2
    found = re.search(
        r"(\d+) or more of the images .* digits@\w+ was trained on", capsys.readouterr().err.replace("\n", " ")
    )
    assert found is not None and 5 < int(found[1]) < 30
    assert main(["generate", *arguments, "--data", str(tmp_path / "all")]) == 0
    manifest = json.loads((tmp_path / "out/data/manifest.json").read_text("utf-8"))
    assert manifest["trained_on"] == load_pack(pack).manifest.trained_on


def test_a_pack_leaves_larger_images_as_they_are_where_its_scenario_says_so(
    finished: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert load_pack(finished / "out" / "digits.mtaapack").manifest.image.fit == "resize"
    scenario = tmp_path / "parts.toml"
    parts = SCENARIO.replace("width = 8", "width = 4\ncrop = 16").replace("epochs = 2", "epochs = 1")
    scenario.write_text('fit = "tiles"\n' + parts)
    out = tmp_path / "out"
    shutil.copytree(finished / "out", out, ignore=shutil.ignore_patterns("training", "*.mtaapack"))
    assert main(["train", str(scenario), "--out", str(out), "--device", "cpu"]) == 0
    assert load_pack(out / "digits.mtaapack").manifest.image.fit == "tiles"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 60), dtype=np.uint8)).save(tmp_path / "large.png")
    capsysbinary.readouterr()
    pack = ["--pack", str(out / "digits.mtaapack"), "--device", "cpu", "--json", "-"]
    assert main(["attribute", str(tmp_path / "large.png"), *pack]) == 0
    (record,) = json.loads(capsysbinary.readouterr().out)["records"]
    assert record["adjustments"][0].startswith("judged in ")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("examples = { train = 60, calibration = 20, test = 20 }\n", "", "first is the only victim"),
        ("calibration = ", "calibration = 0 # ", "asks for no calibration example"),
        ('name = "FGSM"', 'name = "FGSM"\nbackend = "torchattacks"', "torchattacks is not installed"),
        ('"ResNet18"', '"squeezenet1_1"', "squeezenet1_1 cannot be trained on images of 8x8"),
    ],
)
def test_what_can_end_in_no_pack_is_refused_before_any_work(
    tmp_path: Path, old: str, new: str, complaint: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(pipeline, "find_spec", lambda _: None)
    text = SCENARIO.replace(old, new) if "# " not in new else re.sub(r"calibration = \d+", "calibration = 0", SCENARIO)
    assert text != SCENARIO
    (tmp_path / "digits.toml").write_text(text)
    for command in ("estimate", "run"):
        arguments = [str(tmp_path / "digits.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
        assert main([command, *arguments]) == 2
        assert complaint in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["in-use.lock"]


def test_other_victims_than_the_attacked_ones_are_not_asked(finished: Path, tmp_path: Path) -> None:
    scenario = read_scenario(finished / "digits.toml")
    asking = scenario.model_copy(update={"probes": ProbesSpec()})
    with pytest.raises(VictimError, match="is not there"):
        train_pack(asking, tmp_path, finished / "out/data", tmp_path, torch.device("cpu"), lambda _: None)
    victim = (finished / "out/victims/first.safetensors").read_bytes()
    (tmp_path / "first.safetensors").write_bytes(victim + b" ")
    with pytest.raises(VictimError, match="not the victim that the examples were made against"):
        train_pack(asking, tmp_path, finished / "out/data", tmp_path, torch.device("cpu"), lambda _: None)
    assert not (tmp_path / "training").exists()


def test_widths_that_are_computed_with_tensors_refuse_nothing(digits: CleanImages) -> None:
    """RegNets', which have no numbers where shapes alone are made."""
    check_size("regnet_y_400mf", digits)
    assert next(shapes_of("regnet_y_400mf", digits).parameters()).is_meta


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("seed = 0", "seed = 5", "were generated with other seed"),
        ("epochs = 2", "epochs = 3", "is of a run with other settings"),
    ],
)
def test_a_run_that_is_not_the_folders_is_refused_before_anything_is_made(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    """Though its victims are still to be made, and the examples of one run were thrown away."""
    out, text = tmp_path / "out", f"seed = 0\n{SCENARIO}"
    shutil.copytree(finished / "out", out, ignore=shutil.ignore_patterns("*.safetensors" if old != "seed = 0" else ""))
    (out / "victims/first.safetensors").unlink(missing_ok=True)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert old in text
    (tmp_path / "other.toml").write_text(text.replace(old, new))
    assert main(["run", str(tmp_path / "other.toml"), "--out", str(out), "--device", "cpu"]) == 2
    assert complaint in " ".join(capsys.readouterr().err.split())
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before
