"""A folder that one process has to itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core import files
from core.errors import DiskFullError, WorkbenchError
from core.files import alone_in, check_writable, in_use, replacing, write_file, write_parts


def test_a_folder_is_one_processs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PATIENCE", 0.05)
    folder = tmp_path / "run"
    assert not in_use(folder) and not folder.exists()
    with alone_in(folder):
        assert in_use(folder)
        with pytest.raises(WorkbenchError, match=r"at work in .*run\. Wait"), alone_in(folder):
            pass
    assert not in_use(folder)
    with alone_in(folder):
        pass


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(WorkbenchError, match="cannot be made"), alone_in(tmp_path / "run"):
        pass


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, foreign = tmp_path / "data/.00000.safetensors.0a1b2c3d.tmp", tmp_path / "data/.mine.tmp"
    young = left.with_name(".00001.safetensors.0a1b2c3d.tmp")
    left.parent.mkdir()
    for path in (left, foreign, young):
        path.touch()
    for path in (left, foreign):
        os.utime(path, (7, 7))
    with alone_in(tmp_path):
        assert not left.exists() and foreign.exists()
        assert young.exists(), "another process may be writing it in a folder below"


def test_where_nothing_can_be_written_is_known_before(tmp_path: Path) -> None:
    check_writable(tmp_path / "a.json")
    for path, says in ((tmp_path / "none" / "a.json", "there is no folder"), (tmp_path, "it is a folder")):
        with pytest.raises(WorkbenchError, match=says):
            check_writable(path)


def test_what_takes_a_files_place_is_on_the_disk_by_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wrote it: not all of them write through an open file of their own."""
    synced: list[int] = []
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    path = tmp_path / "copy"
    with replacing(path) as temporary:
        temporary.write_bytes(b"four")
    assert synced == [4] and path.read_bytes() == b"four"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_a_pipe_stays_one_and_a_link_leads_where_it_did(tmp_path: Path) -> None:
    pipe, link, target = (tmp_path / name for name in ("pipe", "link", "target"))
    os.mkfifo(pipe)
    for write in (check_writable, lambda path: write_file(path, b"new")):
        with pytest.raises(WorkbenchError, match="not a regular file"):
            write(pipe)
    assert pipe.is_fifo()
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_file(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    target.unlink()
    write_file(link, b"again")
    assert link.is_symlink() and target.read_bytes() == b"again"


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no file's size")
def test_what_does_not_fit_leaves_the_old_file_and_says_how_much_it_takes(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415  (not on Windows)

    path, limits = tmp_path / "out.csv", resource.getrlimit(resource.RLIMIT_FSIZE)
    write_parts(path, iter((b"a", b"b")))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        with pytest.raises(DiskFullError) as caught:
            write_parts(path, (bytes(2**12) for _ in range(50)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.needed == 50 * 2**12 and path.read_bytes() == b"ab" and list(tmp_path.iterdir()) == [path]
