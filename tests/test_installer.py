"""The installer of a frozen program on Linux, on a folder as PyInstaller builds it, in a home of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSTALLER = Path(__file__).parents[1] / "resources" / "installer"
PROGRAMS = {"mtaa": "mtaa", "mtaa-workbench": "MTAA Workbench"}

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="installs on Linux")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dist" / "MTAA Workbench"
    folder.mkdir(parents=True)
    for name in PROGRAMS.values():
        (folder / name).write_text("#!/bin/sh\ntouch started\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    for name in ("install.sh", "mtaa-workbench.desktop", "mtaa-workbench.xml"):
        shutil.copy(INSTALLER / name, folder)
    shutil.copy(INSTALLER.parent / "icons" / "mtaa-workbench.svg", folder)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "a home"
    folder.mkdir()
    return folder


def install(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = ["sh", str(folder / "install.sh"), *arguments]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)


def test_links_and_entry_lead_to_the_program_and_nothing_is_left(built: Path, home: Path) -> None:
    for _ in range(2):  # the second takes the first one's place
        done = install(built, home)
        assert done.returncode == 0, done.stderr
    (installed,) = (home / ".local/opt/mtaa-workbench").iterdir()
    for link, name in PROGRAMS.items():
        assert (home / ".local/bin" / link).resolve() == installed / name
    entry = (home / ".local/share/applications/mtaa-workbench.desktop").read_text(encoding="utf-8")
    assert f'Exec="{home}/.local/bin/mtaa-workbench" %F' in entry and entry.count("\nExec=") == 1
    assert (home / ".local/share/mime/packages/mtaa-workbench.xml").is_file()
    assert (home / ".local/share/icons/hicolor/scalable/apps/mtaa-workbench.svg").is_file()
    done = install(installed, home, "--uninstall")
    assert done.returncode == 0, done.stderr
    assert list(home.iterdir()) == []


def test_what_is_not_ours_stays(built: Path, home: Path) -> None:
    kept = [
        home / ".local" / name for name in ("bin/mtaa", "share/mime/packages/other.xml", "share/applications/a.desktop")
    ]
    assert install(built, home).returncode == 0
    for path in kept:
        path.unlink(missing_ok=True)
        path.write_text("<mime-info xmlns='http://www.freedesktop.org/standards/shared-mime-info'/>", encoding="utf-8")
    assert install(built, home, "--uninstall").returncode == 0
    assert all(path.is_file() for path in kept)
    assert not (home / ".local/opt").exists() and not (home / ".local/bin/mtaa-workbench").exists()


def test_an_installation_that_fails_leaves_the_one_before(built: Path, home: Path) -> None:
    assert install(built, home).returncode == 0
    before = (home / ".local/bin/mtaa").resolve()
    (built / "mtaa").unlink()
    done = install(built, home)
    assert done.returncode == 1 and "does not hold the built program" in done.stderr
    assert (home / ".local/bin/mtaa").resolve() == before and before.is_file()
    assert list((home / ".local/opt/mtaa-workbench").iterdir()) == [before.parent]


def test_the_entry_is_named_as_the_window_names_it() -> None:
    window = (INSTALLER.parents[1] / "app" / "window.py").read_text(encoding="utf-8")
    assert 'setDesktopFileName("mtaa-workbench")' in window
