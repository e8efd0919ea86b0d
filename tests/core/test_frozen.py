"""What only a program that was built does; ``sys.frozen`` is how PyInstaller's tell themselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from core.errors import VictimError
from core.frozen import how_to_get, keep_font_list, return_libraries
from core.paths import user_cache
from core.programs import load_program

OURS = {"LD_LIBRARY_PATH": "/bundle", "LD_LIBRARY_PATH_ORIG": "/before", "MPLCONFIGDIR": "/empty"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The one of the process, as PyInstaller's start leaves it."""
    held = dict(os.environ) | OURS
    held.pop("PYINSTALLER_RESET_ENVIRONMENT", None)
    monkeypatch.setattr(os, "environ", held)
    monkeypatch.setattr(sys, "platform", "linux")
    return held


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)


def test_nothing_is_changed_unless_frozen(environment: dict[str, str]) -> None:
    before = dict(environment)
    keep_font_list()
    return_libraries()
    assert environment == before


@pytest.mark.usefixtures("frozen")
def test_programs_that_are_opened_find_their_own_libraries(environment: dict[str, str]) -> None:
    return_libraries()
    assert environment["LD_LIBRARY_PATH"] == "/before" and "LD_LIBRARY_PATH_ORIG" not in environment
    assert environment["PYINSTALLER_RESET_ENVIRONMENT"] == "1", "our own go back to theirs"
    return_libraries()
    assert "LD_LIBRARY_PATH" not in environment, "where nobody set it before"


@pytest.mark.usefixtures("frozen")
def test_the_list_of_fonts_lasts(environment: dict[str, str]) -> None:
    keep_font_list()
    assert Path(environment["MPLCONFIGDIR"]) == user_cache() / "matplotlib"


def test_remedies_can_be_followed(frozen: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)  # importing it fails as if it were not installed
    with pytest.raises(VictimError, match="This build does not contain one; install MTAA Workbench with pip"):
        load_program("onnx", b"", "victim.onnx")
    monkeypatch.delattr(sys, "frozen")
    assert how_to_get("foolbox", "bench") == "Install it: pip install 'mtaa-workbench[bench]'."
