"""A folder that one process has to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import files
from core.errors import WorkbenchError
from core.files import alone_in, in_use


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
