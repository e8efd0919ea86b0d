"""A run in a child process, told over its standard input to pause, go on and stop."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main
from app.cli.control import follow_commands
from core.pack import read_manifest
from core.progress import CancelToken

SCENARIO = """
name = "digits"
title = "Digits"
description = "For a test"
batch = 16
[clean]
source = "digits"
examples = { train = 300, calibration = 20, test = 20 }
pool = { train = 320, calibration = 60, test = 60 }
[[victims]]
architecture = "ResNet18"
passes = 0.5
[[attacks]]
name = "FGSM"
grid = { first = 120, last = 160, count = 2 }
cell = { train = 10, calibration = 5, test = 5 }
[network]
width = 4
[training]
epochs = 2
batch = 2
precision = "fp32"
"""


@contextmanager
def child(command: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """``mtaa COMMAND`` on the scenario in ``folder``, as the window would start it."""
    arguments = [sys.executable, "-m", "app", command, str(folder / "digits.toml"), "--out", str(folder / "out")]
    process = subprocess.Popen(
        [*arguments, "--device", "cpu", "--events"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def say(process: subprocess.Popen[str], command: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{command}\n")
    process.stdin.flush()


def until(process: subprocess.Popen[str], kind: str, **values: Any) -> list[dict[str, Any]]:
    """The events up to the first of this kind with these values, which must come."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(json.loads(line))
        if seen[-1]["event"] == kind and all(seen[-1][k] == v for k, v in values.items()):
            return seen
    pytest.fail(f"no {kind} among {[e['event'] for e in seen]}: {process.stderr and process.stderr.read()}")


def test_a_run_is_paused_resumed_stopped_and_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "digits.toml").write_text(SCENARIO)
    arguments = [str(tmp_path / "digits.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(["run", *arguments]) == 0
    pack, checkpoint = tmp_path / "out/digits.mtaapack", tmp_path / "out/training/checkpoint.pt"
    undisturbed = read_manifest(pack).weights_sha256
    pack.unlink()
    checkpoint.unlink()
    with child("train", tmp_path) as process:
        until(process, "progress")
        say(process, "pause")
        until(process, "paused")
        assert checkpoint.exists()  # who stands still can be killed without loss
        say(process, "nonsense")
        say(process, "resume")
        assert until(process, "resumed")[-1] == {"event": "resumed"}
        say(process, "cancel")
        until(process, "cancelled")
        assert process.wait(60) == 130
    with child("run", tmp_path) as process:  # a parent that goes away while nothing moves
        (first, *_) = [e for e in until(process, "progress", stage="training") if e["event"] == "progress"]
        assert first["done"] > 1
        say(process, "pause")
        until(process, "paused")
        assert process.stdin is not None
        process.stdin.close()
        until(process, "cancelled")
        assert process.wait(60) == 130
    assert not pack.exists()
    assert main(["train", *arguments]) == 0
    assert read_manifest(pack).weights_sha256 == undisturbed


def test_a_file_is_obeyed_as_it_grows(tmp_path: Path) -> None:
    path, token = tmp_path / "commands.txt", CancelToken()
    follow_commands(token, path)  # which is not there yet
    path.write_bytes(b"pause\nres")
    wait(lambda: token.paused)
    with path.open("ab") as file:
        file.write(b"ume\nnonsense\n")
    wait(lambda: not token.paused)
    with path.open("ab") as file:
        file.write(b"cancel\n")
    wait(lambda: "commands" not in [thread.name for thread in threading.enumerate()])
    assert token.cancelled


def wait(happened: Callable[[], bool]) -> None:
    for _ in range(500):
        if happened():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen")


def test_commands_without_events_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "digits.toml").write_text(SCENARIO)
    words = ["train", str(tmp_path / "digits.toml"), "--out", str(tmp_path / "out"), "--commands", str(tmp_path / "c")]
    assert main(words) == 2
    assert "--events" in capsys.readouterr().err


def test_an_error_is_an_event_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "digits.toml").write_text(SCENARIO)
    assert main(["train", str(tmp_path / "digits.toml"), "--out", str(tmp_path / "out"), "--events"]) == 2
    event = json.loads(capsys.readouterr().out)
    assert (event["event"], event["type"]) == ("error", "DataError")
    assert "manifest.json" in event["what"] and "mtaa generate" in event["remedy"]
