"""What goes wrong with cases, packs, victims, devices and disks is said in the window's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import core
from app import error_words, i18n
from app.window import Program
from core.errors import DiskFullError, NoRoomError, WorkbenchError
from tests.app.helpers import drop

ROOMS = ["attributor", "case", "case_format", "devices", "files", "pack", "pack_store", "reference", "victim_store"]
"""Of core, whose errors reach the window."""

KINDS = {"CaseError", "DeviceError", "PackError", "VictimError", "WorkbenchError"}

FAULTS = {"SAID: SAID.", "SAID SAID.", "SAID: SAID"}
"""Whose sentence follows from what a file says of itself."""


def template(node: ast.expr, constants: dict[str, str]) -> str | None:
    """The sentence with SAID at its gaps; None where it comes from elsewhere."""
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(values):
            return "".join(str(v.value) if isinstance(v, ast.Constant) else "SAID" for v in values)
        case ast.Name(name):
            return constants.get(name)
        case _:
            return None


def errors(room: str) -> Iterator[tuple[str, str]]:
    """What is wrong and what to do, of every error that a room of core makes."""
    tree = ast.parse((Path(core.__file__).parent / f"{room}.py").read_text(encoding="utf-8"))
    constants: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign([ast.Name(name)], ast.Constant(str(text))):
                constants[name] = text
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name(name), [what, *rest]) if name in KINDS:
                sentence = template(what, constants)
                remedy = template(rest[0], constants) if rest else ""
                if sentence is not None and remedy is not None:
                    yield sentence, remedy


@pytest.fixture
def chinese(qapp: QApplication) -> Iterator[None]:
    translators = i18n.install(qapp, "zh_CN")
    yield
    i18n.remove(qapp, translators)


@pytest.mark.parametrize("room", ROOMS)
def test_every_error_of_a_room_has_its_words(room: str, chinese: None) -> None:
    found = list(errors(room))
    assert found
    for what, remedy in found:
        if what in FAULTS or ("--" in remedy and what not in ("SAID exists already.",)):
            continue
        error = str(WorkbenchError(what, remedy))
        told = error_words.in_words(error)
        assert told != error and told.count("SAID") == error.count("SAID") and "{" not in told, error
        assert not remedy or remedy not in told, error


def test_a_full_disk_is_told_in_every_way(tmp_path: Path, chinese: None) -> None:
    for error in (
        DiskFullError(tmp_path / "a", 5000),
        DiskFullError(tmp_path / "a", 2**21, 3),
        NoRoomError(tmp_path, 9, 8),
    ):
        told = error_words.in_words(str(error))
        assert "磁盘" in told and "Make room" not in told and str(tmp_path) in told


def test_what_nobody_translated_stays_as_it_is(chinese: None) -> None:
    for error in ("Something else. Do this.", "No full stop", ""):
        assert error_words.in_words(error) == error


def test_a_damaged_case_is_refused_in_the_windows_words(
    program: Program, qtbot: QtBot, tmp_path: Path, chinese: None
) -> None:
    (tmp_path / "broken.mtaacase").write_bytes(b"not a case")
    drop(program.window, tmp_path / "broken.mtaacase")
    qtbot.waitUntil(lambda: program.guard.box is not None)
    assert program.guard.box is not None
    assert "broken.mtaacase 不是案卷" in program.guard.box.text() and "新建案卷。" in program.guard.box.text()
