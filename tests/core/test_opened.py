"""What a case's log names is looked into unasked only where this user opened it."""

from __future__ import annotations

import ntpath
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.batch import left_over, note_opened, opened_elsewhere, was_cut_off
from core.case import Case
from core.errors import Cancelled
from core.folders import find_images
from core.listed import FileFacts, Record
from core.opened import Ground, far
from core.paths import user_data
from core.progress import CancelToken
from core.types import Finding


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "deeper").mkdir(parents=True)
    for name in ("1.png", "2.png", "deeper/3.png"):
        (folder / name).touch()
    return folder


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every path that is asked for from here on."""
    paths: list[str] = []
    for owner, name in ((os, "walk"), (os, "stat"), (os, "scandir"), (os, "lstat")):
        real = getattr(owner, name)

        def noted(path: Any, *rest: Any, real: Any = real, name: str = name, **options: Any) -> Any:
            if (name, str(path)) != ("lstat", "/"):  # on the way to the case itself
                paths.append(str(path))
            return real(path, *rest, **options)

        monkeypatch.setattr(owner, name, noted)
    return paths


def test_a_crafted_case_leads_nowhere(case: Case, folder: Path, touched: list[str]) -> None:
    named = [str(folder), "/", "//host/share", r"\\host\share", "C:\\", "relative", str(folder / ".." / "up"), ""]
    case.write_log("opened", *named)
    case.write_log("attribute", "9 of 9 files wait")
    assert was_cut_off(case) and left_over(case) == []
    asked = opened_elsewhere(case)
    assert (str(folder), True) in asked and ("relative", True) not in asked, "no path of this system's is no question"
    assert [path for path in touched if path in named or path.startswith(str(folder))] == []


def test_what_is_opened_here_is_gone_on_with(case: Case, folder: Path) -> None:
    case.write_log("opened", "/elsewhere")
    note_opened(case, [folder], subfolders=False)
    assert left_over(case) == [folder / "1.png", folder / "2.png"]
    assert opened_elsewhere(case) == [("/elsewhere", True)]
    case.write_log("opened", str(folder))  # by a stranger, who wants more of it
    assert left_over(case) == [] and (str(folder), True) in opened_elsewhere(case)
    note_opened(case, [folder])
    assert len(left_over(case)) == 3 and opened_elsewhere(case) == [("/elsewhere", True)]


def test_a_copy_is_not_the_case_that_was_filled_here(case: Case, folder: Path, tmp_path: Path) -> None:
    note_opened(case, [folder])
    shutil.copy(case.path, tmp_path / "copy.mtaacase")
    with Case(tmp_path / "copy.mtaacase") as copy:
        assert left_over(copy) == [] and opened_elsewhere(copy) == [(str(folder), True)]
        note_opened(copy, [folder])
        assert len(left_over(copy)) == 3 and opened_elsewhere(copy) == []
        assert len(copy.log()) == 1, "which its log says already"


def test_a_case_is_known_however_it_is_named(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.path.parent)
    with Case(case.path.name) as same:
        note_opened(same, ["images"])
    assert len(left_over(case)) == 3


def test_names_of_any_bytes_are_remembered(case: Case) -> None:
    note_opened(case, ["/odd\udcff"])
    assert opened_elsewhere(case) == [] and left_over(case) == []


def test_what_cannot_be_remembered_is_asked_about(case: Case, folder: Path) -> None:
    user_data().mkdir(parents=True, exist_ok=True)
    (user_data() / "opened").write_text("in the way", encoding="utf-8")
    note_opened(case, [folder])
    assert opened_elsewhere(case) == [(str(folder), True)]
    (user_data() / "opened").unlink()
    note_opened(case, [folder])
    (file,) = (user_data() / "opened").iterdir()
    with file.open("ab") as torn:
        torn.write(b"\ntorn")
    note_opened(case, [folder / "deeper"])
    assert opened_elsewhere(case) == []


def test_a_search_ends_when_it_is_cancelled(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = CancelToken()
    note_opened(case, [folder])

    def endless(top: str, **_: object) -> Iterator[tuple[str, list[str], list[str]]]:
        while True:
            yield top, [], []
            cancel.cancel()

    monkeypatch.setattr(os, "walk", endless)
    with pytest.raises(Cancelled):
        left_over(case, cancel)
    with pytest.raises(Cancelled):
        find_images([folder], cancel=cancel)


FAR = "/net/host/share/1.png"


def put(case: Case, finding: Finding, *paths: str) -> None:
    """Files of one content into the case."""
    facts = FileFacts(5, 6, 7, "PNG", 28, 28, 8, False)
    case.add([Record(path, "a" * 64, "ok", None, finding, facts) for path in paths])


def test_another_computer_is_known_by_its_name() -> None:
    unc = r"\\host\share\a.png", "//host/share/a.png", r"/\host\share\a.png", r"\/host/share/a.png"
    devices = r"\\?\UNC\host\share\a.png", r"\\.\pipe\a", r"\??\UNC\host\share\a.png"
    for path in (
        *unc,
        *devices,
        FAR,
        "/./net/host/a",
        "/tmp/../net/host/a",
        "/NET/host/a",
        "/proc/self/root/net/host/a",
    ):
        assert far(path), path
    for path in ("/home/me/a.png", r"C:\a.png", "Z:/a.png", "/netto/a.png", "a.png", "/mnt/nas/a.png"):
        assert not far(path), path


def test_what_lies_in_a_place_is_covered() -> None:
    ground = Ground([("/deep", True), ("/flat", False), ("/one/a.png", False), ("/twice", True), ("/twice/", False)])
    for path in (
        "/deep/a.png", "/deep/x/y/a.png", "/flat/a.png", "/one/a.png", "/deep", "/deep/../flat/a.png", "/twice/x/a.png",
    ):  # fmt: skip
        assert ground.covers(path), path
    for path in ("/deeper/a.png", "/flat/x/a.png", "/one/b.png", "/deep/../other/a.png", "/"):
        assert not ground.covers(path), path


def test_the_root_of_a_windows_share_covers_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.opened.os.path", ntpath)
    for place in (r"\\nas\share", "//nas/share/", "\\\\nas\\share\\"):
        ground = Ground([(place, True)])
        assert ground.allows(r"\\nas\share\a.png") and ground.allows(r"\\nas\share\x\a.png"), place
        assert not ground.allows(r"\\nas\other\a.png")


def test_files_on_other_computers_are_asked_about_and_not_looked_at(
    case: Case, folder: Path, finding: Finding, touched: list[str]
) -> None:
    put(case, finding, FAR, r"\\host\share\1.png")
    assert opened_elsewhere(case) == [("/net/host/share", False)], "what is no path of this system's is no question"
    put(case, finding, str(folder / "1.png"))  # the same bytes, at hand
    assert len(case.paths()) == 3 and case.log() == [], "nobody knows whether they are gone there"
    assert not [path for path in touched if "host" in path]


def test_files_on_a_computer_that_was_opened_here_are_looked_at(
    case: Case, folder: Path, finding: Finding, touched: list[str]
) -> None:
    note_opened(case, ["/net/host/share"])
    note_opened(case, ["/net/host/share"], subfolders=False)
    put(case, finding, FAR)
    assert opened_elsewhere(case) == [] and case.ground().covers("/net/host/share/deep/a.png")
    put(case, finding, str(folder / "1.png"))
    assert FAR in touched and case.paths() == [str(folder / "1.png")], "it is gone there"
